/* One unit of a run: all methods on one draw of a category's normal pictures, LAKE's sweeps, and the files of it; see run.h and
 * record.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/measure.h"
#include "eval/run_internal.h"

char *run_copy(Arena *arena, const char *text)
{
    char *copy = arena_take(arena, strlen(text) + 1);

    return copy != NULL ? strcpy(copy, text) : NULL;
}

/* ---- which methods ---- */

/* Whether a unit measures a method: without normal pictures the texts alone, with them everything else. */
static int measures(const RunPlan *plan, const RunUnit *unit, const Method *method)
{
    int alone = method->base == METHOD_ZERO && !method->with_lake;

    if (method_needs_texts(method) && !plan->with_texts)
        return 0;
    return alone == (unit->shots == 0);
}

size_t run_unit_rows(const RunPlan *plan, const RunUnit *unit)
{
    size_t rows = 0;

    for (size_t m = 0; m < plan->method_count; m++)
        rows += (size_t)measures(plan, unit, plan->methods[m]);
    if (unit->shots > 0)
        for (size_t v = 0; v < plan->sweep.count; v++)
            rows += plan->sweep.values[v].axis == SWEEP_CONTAMINATE ? 2 : 1; /* with and without trimming */
    return rows > 0 ? rows : 1;
}

/* ---- rows ---- */

/* Room for one more item of an array that grows. */
static int grow(void **items, size_t size, size_t count, size_t *room, Error *e)
{
    size_t wanted = *room > 0 ? 2 * *room : 64;
    void *grown;

    if (count < *room)
        return LAKE_OK;
    grown = wanted <= SIZE_MAX / size ? realloc(*items, wanted * size) : NULL;
    if (grown == NULL)
        return error_memory(e, "the results");
    *items = grown;
    *room = wanted;
    return LAKE_OK;
}

static const char *shots_text(RunWork *work)
{
    char number[24];

    if (work->unit->shots == DATASET_ALL_SHOTS)
        return "all";
    snprintf(number, sizeof number, "%llu", (unsigned long long)work->unit->shots);
    return run_copy(&work->arena, number);
}

static size_t count_failures(const Experiment *x, const size_t *shots, size_t shot_count)
{
    size_t count = 0;

    for (size_t i = 0; i < x->dataset->test_count; i++)
        count += x->test[i].failure != NULL;
    for (size_t i = 0; i < shot_count; i++)
        count += x->train[shots[i]].failure != NULL;
    return count;
}

static void set_measures(RecordRow *row, const RunPlan *plan, const ExperimentOutcome *out, const EvalPixelScores *pixels)
{
    for (int i = 0; i < RECORD_MEASURES; i++)
        row->measures[i] = NAN;
    row->measures[RECORD_IMAGE_AUROC] = out->measured.auroc;
    row->measures[RECORD_IMAGE_AP] = out->measured.ap;
    row->measures[RECORD_IMAGE_F1MAX] = out->measured.f1max;
    if (!plan->pixels)
        return;
    row->measures[RECORD_PIXEL_AUROC] = pixels->auroc;
    row->measures[RECORD_PIXEL_AP] = pixels->ap;
    row->measures[RECORD_PIXEL_F1MAX] = pixels->f1max;
    row->measures[RECORD_PRO] = plan->pro_200 ? pixels->pro_200 : pixels->pro;
}

static int add_row(RunWork *work, const char *method, const ExperimentOutcome *out, size_t normals, double seconds, Error *e)
{
    EvalPixelScores pixels;
    char category[256];
    RecordRow *row;
    int code = grow((void **)&work->rows, sizeof *work->rows, work->row_count, &work->row_room, e);

    if (code == LAKE_OK && work->plan->pixels)
        code = experiment_pixels(&pixels, work->x, out, e);
    if (code != LAKE_OK)
        return code;
    row = &work->rows[work->row_count++];
    memset(row, 0, sizeof *row);
    row->dataset = work->plan->name;
    run_category_name(category, sizeof category, work->plan, work->x->dataset);
    row->category = run_copy(&work->arena, category);
    row->shots = shots_text(work);
    row->method = run_copy(&work->arena, method);
    if (row->category == NULL || row->shots == NULL || row->method == NULL)
        return error_memory(e, "the results");
    row->seed = work->unit->seed;
    set_measures(row, work->plan, out, &pixels);
    row->normals = normals;
    row->tests = out->count;
    row->seconds = seconds;
    row->threshold = out->threshold;
    row->good = out->measured.normal;
    row->bad = out->measured.anomalous;
    row->false_alarms = out->false_alarms;
    row->misses = out->misses;
    row->skipped = count_failures(work->x, work->shots, work->shot_count);
    work->step(work->context);
    return LAKE_OK;
}

static int add_images(RunWork *work, const Method *method, const ExperimentOutcome *out, Error *e)
{
    const Dataset *category = work->x->dataset;

    for (size_t i = 0; i < out->count; i++) {
        const DatasetImage *image = &category->test[out->images[i]];
        int code = grow((void **)&work->images, sizeof *work->images, work->image_count, &work->image_room, e);
        if (code != LAKE_OK)
            return code;
        work->images[work->image_count++] =
            (RecordImage){method->name, image->path, image->kind, image->anomalous, out->scores[i]};
    }
    return LAKE_OK;
}

static int measure_methods(RunWork *work, Error *e)
{
    const RunPlan *plan = work->plan;

    for (size_t m = 0; m < plan->method_count; m++) {
        const MethodOutcome *outcome;
        int code;
        if (!measures(plan, work->unit, plan->methods[m]))
            continue;
        code = method_outcome(&outcome, work->session, plan->methods[m], e);
        if (code == LAKE_OK)
            code = add_row(work, plan->methods[m]->name, &outcome->out, outcome->normal_count, outcome->seconds, e);
        if (code == LAKE_OK)
            code = add_images(work, plan->methods[m], &outcome->out, e);
        if (code != LAKE_OK)
            return code;
    }
    return LAKE_OK;
}

/* ---- sweeps ---- */

/* Fits and decides by a plan of its own. */
static int measure_plan(RunWork *work, const ExperimentPlan *plan, const char *method, Error *e)
{
    double start = clock_seconds();
    ExperimentFit fit;
    ExperimentOutcome out;
    int code = experiment_fit(&fit, work->x, plan, e);

    if (code != LAKE_OK)
        return code;
    code = experiment_decide(&out, &fit, &plan->options.decision, e);
    if (code == LAKE_OK) {
        code = add_row(work, method, &out, fit.detector.normal_count, clock_seconds() - start, e);
        experiment_outcome_close(&out);
    }
    experiment_fit_close(&fit);
    return code;
}

static ExperimentPlan plan_of(const RunWork *work)
{
    ExperimentPlan plan;

    memset(&plan, 0, sizeof plan);
    plan.options = work->options;
    plan.shots = work->shots;
    plan.shot_count = work->shot_count;
    return plan;
}

/* A value that changes the decision alone: LAKE's own fit is decided anew. */
static int measure_decision(RunWork *work, const SweepValue *value, const char *method, Error *e)
{
    LakeOptions options = work->options;
    double start = clock_seconds();
    ExperimentOutcome out;
    ExperimentFit *fit;
    int code = method_lake_fit(&fit, work->session, e);

    sweep_apply(&options, value);
    if (code == LAKE_OK)
        code = experiment_decide(&out, fit, &options.decision, e);
    if (code != LAKE_OK)
        return code;
    code = add_row(work, method, &out, fit->detector.normal_count, clock_seconds() - start, e);
    experiment_outcome_close(&out);
    return code;
}

/* Another number of normal pictures, drawn with the unit's seed. A category that has too few has no such row. */
static int measure_shots(RunWork *work, const SweepValue *value, const char *method, Error *e)
{
    ExperimentPlan plan = plan_of(work);
    const Dataset *category = work->x->dataset;
    size_t *shots = malloc((category->train_count + 1) * sizeof *shots);
    Error too_few;
    int code;

    if (shots == NULL)
        return error_memory(e, "the draw");
    plan.shots = shots;
    code = dataset_shots(shots, &plan.shot_count, category, sweep_pictures(value), work->unit->seed, work->plan->draw, &too_few);
    code = code == LAKE_OK ? measure_plan(work, &plan, method, e) : LAKE_OK;
    free(shots);
    return code;
}

/* The defective test pictures that may be put among the normal ones, in the order they are: a shuffle of all that were read, of
 * which the largest value of the sweep asks for so many. */
static int list_dirt(size_t **dirt, size_t *count, const RunWork *work, Error *e)
{
    const Dataset *category = work->x->dataset;
    uint64_t state = work->unit->seed;
    size_t most = 0;

    *count = 0;
    *dirt = malloc((category->test_count + 1) * sizeof **dirt);
    if (*dirt == NULL)
        return error_memory(e, "the list of test pictures");
    for (size_t v = 0; v < work->plan->sweep.count; v++)
        if (work->plan->sweep.values[v].axis == SWEEP_CONTAMINATE && sweep_pictures(&work->plan->sweep.values[v]) > most)
            most = sweep_pictures(&work->plan->sweep.values[v]);
    for (size_t i = 0; i < category->test_count; i++)
        if (category->test[i].anomalous && work->x->test[i].failure == NULL)
            (*dirt)[(*count)++] = i;
    for (size_t i = 0; i + 1 < *count; i++) { /* Fisher and Yates */
        size_t other = i + (size_t)lake_random_below(&state, *count - i), kept = (*dirt)[i];
        (*dirt)[i] = (*dirt)[other];
        (*dirt)[other] = kept;
    }
    *count = *count < most ? *count : most;
    return LAKE_OK;
}

/* Defective pictures among the normal ones, with and without trimming. All values are measured on the same test pictures: those
 * that none of them takes. A category that has too few has no such row, nor one of which nothing would be left to find. */
static int measure_contaminated(RunWork *work, const SweepValue *value, const char *method, Error *e)
{
    ExperimentPlan plan = plan_of(work);
    char trimmed[METHOD_NAME_MAX + 32];
    size_t *dirt, count, wanted = sweep_pictures(value);
    int code = list_dirt(&dirt, &count, work, e);

    if (code != LAKE_OK)
        return code;
    plan.dirty = dirt;
    plan.dirty_count = wanted;
    plan.left_out = dirt;
    plan.left_out_count = count;
    if (wanted <= count) {
        code = measure_plan(work, &plan, method, e);
        if (code == LAKE_OK && plan.options.trim == 0) {
            plan.options.trim = 0.1;
            snprintf(trimmed, sizeof trimmed, "%s trim=0.1", method);
            code = measure_plan(work, &plan, trimmed, e);
        }
    }
    free(dirt);
    return code;
}

static int measure_value(RunWork *work, const SweepValue *value, Error *e)
{
    ExperimentPlan plan = plan_of(work);
    char method[METHOD_NAME_MAX + 16];

    snprintf(method, sizeof method, "lake %s=%s", sweep_axis_name(value->axis), value->text);
    if (sweep_decides(value))
        return measure_decision(work, value, method, e);
    if (value->axis == SWEEP_SHOTS)
        return measure_shots(work, value, method, e);
    if (value->axis == SWEEP_CONTAMINATE)
        return measure_contaminated(work, value, method, e);
    sweep_apply(&plan.options, value);
    return measure_plan(work, &plan, method, e);
}

static int measure_sweeps(RunWork *work, Error *e)
{
    int code = LAKE_OK;

    for (size_t v = 0; v < work->plan->sweep.count && work->unit->shots > 0 && code == LAKE_OK; v++)
        code = measure_value(work, &work->plan->sweep.values[v], e);
    return code;
}

/* ---- files ---- */

static int write_shots(const RunWork *work, const char *path, Error *e)
{
    RecordShot *shots = malloc((work->shot_count + 1) * sizeof *shots);
    int code;

    if (shots == NULL)
        return error_memory(e, "the draw");
    for (size_t i = 0; i < work->shot_count; i++)
        shots[i].image = work->x->dataset->train[work->shots[i]].path;
    code = record_write_shots(shots, work->shot_count, path, e);
    free(shots);
    return code;
}

/* Fills in the channels of one layer with their shares of its variance. */
static void list_layer(RecordNeuron *neurons, const LakeLayer *layer)
{
    double total = 0;

    for (size_t d = 0; d < layer->width; d++)
        total += layer->moments.m2[d];
    for (size_t k = 0; k < layer->count; k++) {
        neurons[k] = (RecordNeuron){(size_t)layer->block, layer->width, k + 1, layer->channels[k], NAN};
        if (layer->basis == NULL && total > 0)
            neurons[k].share = layer->moments.m2[layer->channels[k]] / total;
    }
}

static int write_neurons(const RunWork *work, const char *path, Error *e)
{
    size_t count = 0, used = 0;
    RecordNeuron *neurons;
    ExperimentFit *fit;
    int code = method_lake_fit(&fit, work->session, e);

    if (code != LAKE_OK)
        return code;
    for (size_t l = 0; l < fit->detector.layer_count; l++)
        count += fit->detector.layers[l].count;
    neurons = malloc((count + 1) * sizeof *neurons);
    if (neurons == NULL)
        return error_memory(e, "the neurons");
    for (size_t l = 0; l < fit->detector.layer_count; l++) {
        list_layer(neurons + used, &fit->detector.layers[l]);
        used += fit->detector.layers[l].count;
    }
    code = record_write_neurons(neurons, count, path, e);
    free(neurons);
    return code;
}

static int write_skipped(const RunWork *work, const char *path, Error *e)
{
    size_t count = experiment_failure_count(work->x);
    RecordSkipped *skipped = malloc((count + 1) * sizeof *skipped);
    int code;

    if (skipped == NULL)
        return error_memory(e, "the list of pictures");
    for (size_t i = 0; i < count; i++) {
        ExperimentFailure failure = experiment_failure(work->x, i);
        skipped[i] = (RecordSkipped){failure.path, failure.message};
    }
    code = record_write_skipped(skipped, count, path, e);
    free(skipped);
    return code;
}

enum { SHOTS, NEURONS, EXAMPLES, SKIPPED, IMAGES, ROWS, FILES };

static int write_file(const RunWork *work, int which, const char *path, Error *e)
{
    switch (which) {
    case SHOTS:
        return write_shots(work, path, e);
    case NEURONS:
        return work->unit->shots > 0 ? write_neurons(work, path, e) : LAKE_OK;
    case EXAMPLES:
        return record_write_examples(work->examples, work->example_count, path, e);
    case SKIPPED:
        return write_skipped(work, path, e);
    case IMAGES:
        return record_write_images(work->images, work->image_count, path, e);
    default:
        return record_write_rows(work->rows, work->row_count, path, e);
    }
}

/* The rows last: they say that the unit is finished. */
static int write_files(const RunWork *work, const char *folder, Error *e)
{
    static const char *const names[FILES] = {"shots.csv",   "neurons.csv", "examples.csv",
                                             "skipped.csv", "images.csv",  "rows.csv"};
    int code = LAKE_OK;

    for (int i = 0; i < FILES && code == LAKE_OK; i++) {
        char *path = path_join(folder, names[i]);
        code = path != NULL ? write_file(work, i, path, e) : error_memory(e, "a path");
        free(path);
    }
    return code;
}

/* ---- the whole ---- */

int run_unit_measure(RunWork *work, Error *e)
{
    ExperimentPlan plan = plan_of(work);
    char *folder = run_unit_folder(work->plan, work->unit);
    int code = folder != NULL ? folder_create(folder, e) : error_memory(e, "a path");

    if (code == LAKE_OK)
        code = method_session_open(&work->session, work->x, &plan, e);
    if (code == LAKE_OK)
        code = measure_methods(work, e);
    if (code == LAKE_OK && work->unit->shots > 0 && work->plan->examples > 0)
        code = run_examples(work, folder, e); /* before a sweep decides LAKE's fit anew */
    if (code == LAKE_OK)
        code = measure_sweeps(work, e);
    if (code == LAKE_OK)
        code = write_files(work, folder, e);
    method_session_close(work->session);
    free(work->rows);
    free(work->images);
    free(work->examples);
    arena_free(&work->arena);
    free(folder);
    return code;
}
