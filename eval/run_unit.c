/* One unit of a run: all methods on one draw of a category's normal pictures, and the files of it; see run.h and
 * record.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/run_internal.h"

char *run_copy(Arena *arena, const char *text)
{
    char *copy = arena_take(arena, strlen(text) + 1);

    return copy != NULL ? strcpy(copy, text) : NULL;
}

ExperimentPlan run_plan(const RunWork *work)
{
    ExperimentPlan plan;

    memset(&plan, 0, sizeof plan);
    plan.options = work->options;
    plan.shots = work->shots;
    plan.shot_count = work->shot_count;
    return plan;
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

static void set_measures(RecordRow *row, const RunPlan *plan, const ExperimentOutcome *out,
                         const EvalPixelScores *pixels)
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

int run_add_row(RunWork *work, const char *method, const ExperimentOutcome *out, size_t normals, double seconds,
                Error *e)
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

int run_pass_over(RunWork *work, const char *what, int code, const Error *why, Error *e)
{
    RecordSkipped *grown;
    char text[sizeof why->text + 96];

    if (code != LAKE_BAD_INPUT) {
        *e = *why;
        return code;
    }
    grown = realloc(work->left_out, (work->left_out_count + 1) * sizeof *grown);
    if (grown == NULL)
        return error_memory(e, "the results");
    work->left_out = grown;
    grown += work->left_out_count++;
    grown->image = run_copy(&work->arena, what);
    grown->error = run_copy(&work->arena, why->text);
    if (grown->image == NULL || grown->error == NULL)
        return error_memory(e, "the results");
    snprintf(text, sizeof text, "left out: %.80s: %s", what, why->text);
    if (work->plan->note != NULL)
        work->plan->note(work->plan->context, text);
    return LAKE_OK;
}

/* A method's row and scores. */
static int measure_method(RunWork *work, const Method *method, Error *e)
{
    const MethodOutcome *outcome;
    Error why;
    int code = method_outcome(&outcome, work->session, method, &why);

    if (code != LAKE_OK)
        return run_pass_over(work, method->name, code, &why, e);
    code = run_add_row(work, method->name, &outcome->out, outcome->normal_count, outcome->seconds, e);
    return code == LAKE_OK ? add_images(work, method, &outcome->out, e) : code;
}

static int measure_methods(RunWork *work, Error *e)
{
    const RunPlan *plan = work->plan;

    for (size_t m = 0; m < plan->method_count; m++) {
        int code = measures(plan, work->unit, plan->methods[m]) ? measure_method(work, plan->methods[m], e) : LAKE_OK;
        if (code != LAKE_OK)
            return code;
    }
    return LAKE_OK;
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
    RecordSkipped *skipped = malloc((count + work->left_out_count + 1) * sizeof *skipped);
    int code;

    if (skipped == NULL)
        return error_memory(e, "the list of pictures");
    for (size_t i = 0; i < count; i++) {
        ExperimentFailure failure = experiment_failure(work->x, i);
        skipped[i] = (RecordSkipped){failure.path, failure.message};
    }
    for (size_t i = 0; i < work->left_out_count; i++)
        skipped[count + i] = work->left_out[i];
    code = record_write_skipped(skipped, count + work->left_out_count, path, e);
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
        return work->is_fitted ? write_neurons(work, path, e) : LAKE_OK;
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

/* Everything that needs LAKE's fit. Where there is none, since no normal picture could be read, that is left out. */
static int measure_fit(RunWork *work, const char *folder, Error *e)
{
    ExperimentFit *fit;
    Error why;
    int code = method_lake_fit(&fit, work->session, &why);

    if (code != LAKE_OK)
        return run_pass_over(work, "LAKE's fit", code, &why, e);
    work->is_fitted = 1;
    if (work->plan->examples > 0)
        code = run_examples(work, folder, e); /* before a sweep decides the fit anew */
    return code == LAKE_OK ? run_sweeps(work, e) : code;
}

static int measure_all(RunWork *work, const char *folder, Error *e)
{
    ExperimentPlan plan = run_plan(work);
    Error why;
    int code = method_session_open(&work->session, work->x, &plan, &why);

    if (code != LAKE_OK)
        return run_pass_over(work, "this draw", code, &why, e);
    code = measure_methods(work, e);
    return code == LAKE_OK && work->unit->shots > 0 ? measure_fit(work, folder, e) : code;
}

int run_unit_measure(RunWork *work, Error *e)
{
    char *folder = run_unit_folder(work->plan, work->unit);
    int code = folder != NULL ? folder_create(folder, e) : error_memory(e, "a path");

    if (code == LAKE_OK)
        code = measure_all(work, folder, e);
    if (code == LAKE_OK)
        code = write_files(work, folder, e);
    method_session_close(work->session);
    free(work->rows);
    free(work->images);
    free(work->examples);
    free(work->left_out);
    arena_free(&work->arena);
    free(folder);
    return code;
}
