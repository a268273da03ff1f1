/* The plan of an evaluation; see eval_plan.h. */
#include "cli/eval_plan.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_MAX = 64, NAME_MAX_BYTES = 128 };

void eval_request_defaults(EvalRequest *r)
{
    memset(r, 0, sizeof *r);
    settings_defaults(&r->settings);
    r->seeds = 1;
    r->examples = 3;
}

/* The next piece of a list separated by commas, into piece[NAME_MAX_BYTES]; 0 at its end, below 0 where it is empty or
 * too long. */
static int next_piece(const char **text, char *piece)
{
    size_t length = strcspn(*text, ",");

    if (**text == '\0')
        return 0;
    if (length == 0 || length >= NAME_MAX_BYTES || ((*text)[length] == ',' && (*text)[length + 1] == '\0'))
        return -1;
    memcpy(piece, *text, length);
    piece[length] = '\0';
    *text += length + ((*text)[length] == ',');
    return 1;
}

/* ---- shots ---- */

/* Puts a number into an ascending list, once. */
static void insert(size_t *list, size_t *count, size_t value)
{
    size_t at = 0;

    while (at < *count && list[at] < value)
        at++;
    if (at < *count && list[at] == value)
        return;
    memmove(list + at + 1, list + at, (*count - at) * sizeof *list);
    list[at] = value;
    (*count)++;
}

/* "all" is DATASET_ALL_SHOTS, the largest number, so it comes last. */
static int read_shots(RunPlan *run, const char *text, Error *e)
{
    const char *rest = text;
    char piece[NAME_MAX_BYTES];
    size_t value;
    int got;

    run->shots = malloc((LIST_MAX + 2) * sizeof *run->shots);
    if (run->shots == NULL)
        return error_memory(e, "the plan");
    while ((got = next_piece(&rest, piece)) > 0 && run->shot_count < LIST_MAX) {
        if (strcmp(piece, "all") == 0)
            value = DATASET_ALL_SHOTS;
        else if (!sweep_parse_whole(piece, &value))
            break;
        insert(run->shots, &run->shot_count, value);
    }
    if (got != 0)
        return error_set(e, LAKE_USAGE,
                         "--shots: expected whole numbers or all, separated by commas (at most %d), found '%s'",
                         LIST_MAX, text);
    return LAKE_OK;
}

/* ---- methods ---- */

static int add_method(RunPlan *run, const Method *method)
{
    for (size_t m = 0; m < run->method_count; m++)
        if (run->methods[m] == method)
            return 0;
    run->methods[run->method_count++] = method;
    return 1;
}

/* All methods that these weights can run, or those that are named. */
static int read_methods(RunPlan *run, const char *text, Error *e)
{
    const char *rest = text != NULL ? text : "all";
    char piece[NAME_MAX_BYTES];
    int got = 0;

    run->methods = malloc((method_count() + 1) * sizeof *run->methods);
    if (run->methods == NULL)
        return error_memory(e, "the plan");
    if (strcmp(rest, "all") == 0) {
        for (size_t i = 0; i < method_count(); i++)
            if (run->with_texts || !method_needs_texts(method_at(i)))
                add_method(run, method_at(i));
        return LAKE_OK;
    }
    while ((got = next_piece(&rest, piece)) > 0) {
        const Method *method;
        int code = method_parse(&method, piece, e);
        if (code != LAKE_OK)
            return code;
        if (method_needs_texts(method) && !run->with_texts)
            return error_set(e, LAKE_USAGE, "--methods: %s needs texts, and %s", piece,
                             run->model->config.has_text ? "--no-text leaves them out"
                                                         : "these weights hold no text tower");
        add_method(run, method);
    }
    return got == 0 ? LAKE_OK
                    : error_set(e, LAKE_USAGE, "--methods: expected names separated by commas, found '%s'", text);
}

/* The texts alone need no normal pictures: they have units of their own, without a draw. */
static int match_shots_and_methods(RunPlan *run, Error *e)
{
    size_t alone = 0;

    for (size_t m = 0; m < run->method_count; m++)
        alone += run->methods[m]->base == METHOD_ZERO && !run->methods[m]->with_lake;
    if (alone > 0)
        insert(run->shots, &run->shot_count, 0);
    else if (run->shot_count > 0 && run->shots[0] == 0)
        return error_set(e, LAKE_USAGE, "--shots 0: without normal pictures only the method zero can be measured, %s",
                         run->with_texts ? "which --methods leaves out" : "and it needs texts");
    if (alone == run->method_count) { /* no other number of shots has a row */
        run->shot_count = 1;
        run->shots[0] = 0;
    }
    return LAKE_OK;
}

/* ---- the rest ---- */

/* Whether a name is among those of a list. */
static int is_named(const char *name, const char *list)
{
    size_t length = strlen(name);

    for (const char *at = list; *at != '\0'; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == length && memcmp(at, name, length) == 0)
            return 1;
    return 0;
}

/* Leaves the categories that are named; each name must be one. */
static int choose_categories(DatasetCollection *data, const char *list, Error *e)
{
    const char *rest = list;
    char piece[NAME_MAX_BYTES];
    size_t kept = 0;
    int got;

    while ((got = next_piece(&rest, piece)) > 0) {
        size_t i = 0;
        while (i < data->count && strcmp(data->categories[i].category, piece) != 0)
            i++;
        if (i == data->count)
            return error_set(e, LAKE_USAGE, "--categories: %s has no category '%s'", data->root, piece);
    }
    if (got < 0)
        return error_set(e, LAKE_USAGE, "--categories: expected names separated by commas, found '%s'", list);
    for (size_t i = 0; i < data->count; i++) {
        Dataset category = data->categories[i];
        if (is_named(category.category, list))
            data->categories[kept++] = category;
        else
            dataset_free(&category);
    }
    data->count = kept;
    return LAKE_OK;
}

static int read_pixels(RunPlan *run, const char *text, Error *e)
{
    run->pixels = 1;
    if (text == NULL || strcmp(text, "original") == 0)
        return LAKE_OK;
    if (strcmp(text, "none") == 0) {
        run->pixels = 0;
        return LAKE_OK;
    }
    if (!sweep_parse_whole(text, &run->pixel_side) || run->pixel_side == 0 || run->pixel_side > CLIP_MAX_RESOLUTION)
        return error_set(e, LAKE_USAGE, "--pixels: expected original, none or a side from 1 to %d, found '%s'",
                         CLIP_MAX_RESOLUTION, text);
    return LAKE_OK;
}

static int read_shard(EvalPlan *p, const char *text, Error *e)
{
    const char *slash = text != NULL ? strchr(text, '/') : NULL;
    char first[16] = "";

    if (text == NULL)
        return LAKE_OK;
    if (p->gather)
        return error_set(e, LAKE_USAGE, "--shard and --gather exclude each other: shares first, then --gather");
    if (slash != NULL && (size_t)(slash - text) < sizeof first)
        memcpy(first, text, (size_t)(slash - text));
    if (!sweep_parse_whole(first, &p->share) || !sweep_parse_whole(slash + 1, &p->shares) || p->share == 0 || p->share > p->shares)
        return error_set(e, LAKE_USAGE, "--shard: expected I/N with I from 1 to N, found '%s'", text);
    return LAKE_OK;
}

/* RESULTS.parts for RESULTS.csv. */
static int name_parts(EvalPlan *p, Error *e)
{
    size_t length = strlen(p->output);

    if (length > 4 && strcmp(p->output + length - 4, ".csv") == 0)
        length -= 4;
    p->parts = malloc(length + sizeof ".parts");
    if (p->parts == NULL)
        return error_memory(e, "a path");
    memcpy(p->parts, p->output, length);
    strcpy(p->parts + length, ".parts");
    p->run.parts = p->parts;
    return LAKE_OK;
}

static int read_sweeps(RunPlan *run, const TextList *sweeps, const Arguments *arguments, Error *e)
{
    int code = LAKE_OK;

    for (size_t i = 0; i < sweeps->count && code == LAKE_OK; i++)
        code = sweep_add(&run->sweep, sweeps->value[i], e);
    for (size_t i = 2; i < arguments->count && code == LAKE_OK; i++)
        code = sweeps->count > 0 && strchr(arguments->items[i], '=') != NULL
                   ? sweep_add(&run->sweep, arguments->items[i], e)
                   : error_set(e, LAKE_USAGE, "expected a layout and a folder or table, found '%s' beside them",
                               arguments->items[i]);
    return code;
}

/* Blocks of a sweep are known to be the model's before anything is observed. */
static int check_sweep_blocks(const RunPlan *run, Error *e)
{
    for (size_t v = 0; v < run->sweep.count; v++) {
        int blocks[LAKE_MAX_LAYERS];
        size_t count = sweep_blocks(blocks, &run->sweep.values[v]);
        if (count > 0 && blocks[count - 1] > (int)run->model->config.vision.layers)
            return error_set(e, LAKE_USAGE, "sweep layers: these weights have %d blocks, found '%s'",
                             (int)run->model->config.vision.layers, run->sweep.values[v].text);
    }
    return LAKE_OK;
}

static int check_line(const EvalRequest *r, const Arguments *arguments, Error *e)
{
    if (arguments->count < 2)
        return error_set(e, LAKE_USAGE,
                         "expected a layout and where the data set is, as in: lake eval mvtec mvtec/ -o "
                         "results.csv");
    if (r->output == NULL)
        return error_set(e, LAKE_USAGE, "expected -o RESULTS.csv, the table to write");
    if (r->seeds == 0 || r->seeds > 100)
        return error_set(e, LAKE_USAGE, "--seeds: expected 1 to 100 draws, found %lu", (unsigned long)r->seeds);
    if (r->examples > 100)
        return error_set(e, LAKE_USAGE, "--examples: expected at most 100, found %lu", (unsigned long)r->examples);
    return LAKE_OK;
}

static int open_model(EvalPlan *p, const EvalRequest *r, Error *e)
{
    RunPlan *run = &p->run;
    int code = settings_apply(&run->options, &r->settings, e);

    if (code == LAKE_OK)
        code = model_open(&p->model, "eval", r->weights, NULL, e);
    if (code != LAKE_OK)
        return code;
    run->model = &p->model;
    run->weights = wts_path(p->model.file);
    run->with_texts = p->model.config.has_text && !r->no_text;
    if (!p->model.config.has_text && !r->no_text)
        fprintf(stderr, "lake eval: note: the weights hold no text tower: the text branch is off\n");
    return lake_options_resolve(&run->options, &p->model, e);
}

static int open_data(EvalPlan *p, const EvalRequest *r, const Arguments *arguments, Error *e)
{
    DatasetLayout layout;
    int code = dataset_parse_layout(&layout, arguments->items[0], e);

    p->run.layout = arguments->items[0];
    p->run.root = arguments->items[1];
    p->run.name = r->name != NULL ? r->name : arguments->items[0];
    if (code == LAKE_OK)
        code = dataset_collect(&p->data, layout, arguments->items[1], e);
    p->run.data = &p->data;
    if (code == LAKE_OK && r->categories != NULL)
        code = choose_categories(&p->data, r->categories, e);
    for (size_t i = 0; code == LAKE_OK && i < p->data.note_count; i++)
        fprintf(stderr, "lake eval: note: %s\n", p->data.notes[i]);
    return code;
}

int eval_plan_open(EvalPlan *p, const EvalRequest *r, const Arguments *arguments, Error *e)
{
    int code = check_line(r, arguments, e);

    memset(p, 0, sizeof *p);
    p->output = r->output;
    p->html = r->html;
    p->gather = r->gather;
    p->run.seeds = r->seeds;
    p->run.draw = (DatasetDraw)r->draw;
    p->run.pro_200 = r->pro;
    p->run.examples = r->examples;
    if (code == LAKE_OK)
        code = read_shots(&p->run, r->shots != NULL ? r->shots : "4", e);
    if (code == LAKE_OK)
        code = read_pixels(&p->run, r->pixels, e);
    if (code == LAKE_OK)
        code = read_sweeps(&p->run, &r->sweeps, arguments, e);
    if (code == LAKE_OK)
        code = read_shard(p, r->shard, e);
    if (code == LAKE_OK)
        code = name_parts(p, e);
    if (code == LAKE_OK)
        code = open_model(p, r, e);
    if (code == LAKE_OK)
        code = read_methods(&p->run, r->methods, e);
    if (code == LAKE_OK)
        code = match_shots_and_methods(&p->run, e);
    if (code == LAKE_OK)
        code = check_sweep_blocks(&p->run, e);
    if (code == LAKE_OK)
        code = open_data(p, r, arguments, e);
    if (code != LAKE_OK)
        eval_plan_close(p);
    return code;
}

void eval_plan_close(EvalPlan *p)
{
    dataset_collection_free(&p->data);
    clip_close(&p->model);
    sweep_free(&p->run.sweep);
    free(p->run.shots);
    free(p->run.methods);
    free(p->parts);
    memset(p, 0, sizeof *p);
}
