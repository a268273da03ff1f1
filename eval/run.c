/* A run, category by category: its pictures are observed once for all units of it; see run.h. */
#include "eval/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/run_internal.h"

/* What a step of work costs, roughly, in observations of a picture: enough for the time that is left. */
#define ROW_COST 0.05

typedef struct {
    const RunPlan *plan;
    const RunUnit *units; /* of this run, those of a category one after the other */
    size_t count;
    double total, done; /* work, in observations */
    double row_cost;    /* of a row of the unit at hand */
} Runner;

static void tell(const Runner *r)
{
    if (r->plan->progress != NULL)
        r->plan->progress(r->plan->context, r->total > 0 ? r->done / r->total : 1);
}

static void row_is_done(void *context)
{
    Runner *r = context;

    r->done += r->row_cost;
    tell(r);
}

static void note(const RunPlan *plan, const char *what, const char *why)
{
    char text[600];

    if (plan->note == NULL)
        return;
    snprintf(text, sizeof text, "%.60s%s", what, why);
    plan->note(plan->context, text);
}

/* ---- what there is to do ---- */

static double cost_of(const RunPlan *plan, const RunUnit *unit)
{
    return ROW_COST * (double)plan->data->categories[unit->category].test_count * (double)run_unit_rows(plan, unit);
}

/* Of the units from `from` on, the number of those of the same category, and whether one of them is left to be done. */
static size_t same_category(const Runner *r, size_t from, int *open)
{
    size_t end = from;

    *open = 0;
    for (; end < r->count && r->units[end].category == r->units[from].category; end++)
        *open |= !run_is_finished(r->plan, &r->units[end]);
    return end - from;
}

static void estimate(Runner *r)
{
    int open;

    for (size_t i = 0, some; i < r->count; i += some) {
        const Dataset *category = &r->plan->data->categories[r->units[i].category];
        some = same_category(r, i, &open);
        if (open)
            r->total += (double)category->test_count;
        for (size_t u = i; u < i + some; u++)
            if (!run_is_finished(r->plan, &r->units[u]))
                r->total += cost_of(r->plan, &r->units[u]);
    }
}

/* ---- one category ---- */

/* The folder of a category's observations, which go when all its units are done. */
static char *observations_folder(const RunPlan *plan, size_t category)
{
    char name[64];

    snprintf(name, sizeof name, "observed-%03llu", (unsigned long long)category + 1);
    return path_join(plan->parts, name);
}

static int has_block(const ExperimentSettings *settings, int block)
{
    for (size_t i = 0; i < settings->block_count; i++)
        if (settings->blocks[i] == block)
            return 1;
    return 0;
}

/* Every block that a method or a sweep of layers looks at. */
static void add_blocks(ExperimentSettings *settings, const RunPlan *plan)
{
    method_blocks(settings->blocks, &settings->block_count, plan->methods, plan->method_count, plan->model);
    for (size_t v = 0; v < plan->sweep.count; v++) {
        int more[LAKE_MAX_LAYERS];
        size_t some = sweep_blocks(more, &plan->sweep.values[v]);
        for (size_t i = 0; i < some && settings->block_count < LAKE_MAX_LAYERS; i++)
            if (!has_block(settings, more[i]))
                settings->blocks[settings->block_count++] = more[i];
    }
}

/* All test pictures; what cannot be read is noted and left out of everything that follows. */
static int observe(Runner *r, Experiment *x, Error *e)
{
    int code = LAKE_OK;

    for (size_t i = 0; i < x->dataset->test_count && code == LAKE_OK; i++) {
        code = experiment_observe(x, &x->test[i], e);
        r->done++;
        tell(r);
    }
    return code;
}

static int do_unit(Runner *r, Experiment *x, const LakeOptions *options, const RunUnit *unit, Error *e)
{
    const Dataset *category = x->dataset;
    RunWork work;
    size_t *shots = malloc((category->train_count + 1) * sizeof *shots), count = 0;
    int code = shots != NULL ? LAKE_OK : error_memory(e, "the draw");

    if (code == LAKE_OK && unit->shots > 0)
        code = dataset_shots(shots, &count, category, unit->shots, unit->seed, r->plan->draw, e);
    if (code == LAKE_OK) {
        memset(&work, 0, sizeof work);
        work.plan = r->plan;
        work.unit = unit;
        work.x = x;
        work.options = *options;
        work.options.seed = r->plan->options.seed + unit->seed;
        work.shots = shots;
        work.shot_count = count;
        work.arena.limit = SIZE_MAX;
        work.step = row_is_done;
        work.context = r;
        r->row_cost = cost_of(r->plan, unit) / (double)run_unit_rows(r->plan, unit);
        code = run_unit_measure(&work, e);
    }
    free(shots);
    return code;
}

/* Removes the observations of a category that is done with. */
static void remove_observations(const char *folder)
{
    char **names;
    size_t count;
    Error ignored;

    if (folder_list(&names, &count, folder, &ignored) != LAKE_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        char *path = path_join(folder, names[i]);
        if (path != NULL)
            remove(path);
        free(path);
    }
    folder_free(names, count);
    remove(folder);
}

/* Whether all units of the category are finished, those of other shares too. */
static int all_finished(const RunPlan *plan, size_t category)
{
    RunPlan quiet = *plan;
    RunUnit *units;
    size_t count;
    Error ignored;
    int finished = 1;

    quiet.note = NULL;
    if (run_units(&units, &count, &quiet, &ignored) != LAKE_OK)
        return 0;
    for (size_t i = 0; i < count && finished; i++)
        finished = units[i].category != category || run_is_finished(plan, &units[i]);
    free(units);
    return finished;
}

static void note_failures(const RunPlan *plan, const Experiment *x)
{
    for (size_t i = 0; i < experiment_failure_count(x); i++)
        note(plan, "left out: ", experiment_failure(x, i).message);
}

static int do_category(Runner *r, const RunUnit *units, size_t count, Error *e)
{
    const RunPlan *plan = r->plan;
    const Dataset *category = &plan->data->categories[units[0].category];
    const ExperimentSource source =
        plan->options.upright ? experiment_folder_upright(plan->data->root) : experiment_folder(plan->data->root);
    char *folder = observations_folder(plan, units[0].category);
    LakeOptions options = plan->options;
    ExperimentSettings settings;
    Experiment x;
    int code;

    memset(&settings, 0, sizeof settings);
    memset(&x, 0, sizeof x);
    run_class_name(options.class_name, sizeof options.class_name, plan, category);
    add_blocks(&settings, plan);
    settings.cache = folder;
    settings.skip_unreadable = 1;
    settings.pixel_side = plan->pixel_side;
    code = folder != NULL ? folder_create(folder, e) : error_memory(e, "a path");
    if (code == LAKE_OK)
        code = experiment_open(&x, plan->model, &options, &settings, category, &source, e);
    if (code == LAKE_OK)
        code = observe(r, &x, e);
    for (size_t u = 0; u < count && code == LAKE_OK; u++)
        if (!run_is_finished(plan, &units[u]))
            code = do_unit(r, &x, &options, &units[u], e);
    if (code == LAKE_OK)
        note_failures(plan, &x);
    experiment_close(&x);
    if (code == LAKE_OK && all_finished(plan, units[0].category))
        remove_observations(folder);
    free(folder);
    return code;
}

int run_do(const RunPlan *plan, const RunUnit *units, size_t count, Error *e)
{
    Runner r;
    int open, code = LAKE_OK;

    memset(&r, 0, sizeof r);
    r.plan = plan;
    r.units = units;
    r.count = count;
    estimate(&r);
    for (size_t i = 0, some; i < count && code == LAKE_OK; i += some) {
        some = same_category(&r, i, &open);
        if (open)
            code = do_category(&r, units + i, some, e);
    }
    return code;
}
