/* LAKE with other values of its options, on the pictures of one unit; see sweep.h. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/measure.h"
#include "eval/run_internal.h"

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
        code = run_add_row(work, method, &out, fit.detector.normal_count, clock_seconds() - start, e);
        experiment_outcome_close(&out);
    }
    experiment_fit_close(&fit);
    return code;
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
    code = run_add_row(work, method, &out, fit->detector.normal_count, clock_seconds() - start, e);
    experiment_outcome_close(&out);
    return code;
}

/* Another number of normal pictures, drawn with the unit's seed. A category that has too few has no such row. */
static int measure_shots(RunWork *work, const SweepValue *value, const char *method, Error *e)
{
    ExperimentPlan plan = run_plan(work);
    const Dataset *category = work->x->dataset;
    size_t *shots = malloc((category->train_count + 1) * sizeof *shots);
    Error too_few;
    int code;

    if (shots == NULL)
        return error_memory(e, "the draw");
    plan.shots = shots;
    code = dataset_shots(shots, &plan.shot_count, category, sweep_pictures(value), work->unit->seed, work->plan->draw,
                         &too_few);
    code = code == LAKE_OK ? measure_plan(work, &plan, method, e) : LAKE_OK;
    free(shots);
    return code;
}

/* The defective test pictures that may be put among the normal ones, in the order they are: a shuffle of all that were
 * read, of which the largest value of the sweep asks for so many. */
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
        if (work->plan->sweep.values[v].axis == SWEEP_CONTAMINATE &&
            sweep_pictures(&work->plan->sweep.values[v]) > most)
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

/* Defective pictures among the normal ones, with and without trimming. All values are measured on the same test
 * pictures: those that none of them takes. A category that has too few has no such row, nor one of which nothing would
 * be left to find. */
static int measure_contaminated(RunWork *work, const SweepValue *value, const char *method, Error *e)
{
    ExperimentPlan plan = run_plan(work);
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
    ExperimentPlan plan = run_plan(work);
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

int run_sweeps(RunWork *work, Error *e)
{
    int code = LAKE_OK;

    for (size_t v = 0; v < work->plan->sweep.count && code == LAKE_OK; v++) {
        const SweepValue *value = &work->plan->sweep.values[v];
        Error why;
        code = measure_value(work, value, &why);
        if (code != LAKE_OK)
            code = run_pass_over(work, sweep_axis_name(value->axis), code, &why, e);
    }
    return code;
}
