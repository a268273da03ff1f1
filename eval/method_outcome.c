/* Outcomes of methods: room, threshold, measures. */
#include <stdlib.h>
#include <string.h>

#include "eval/method_internal.h"

int method_outcome_open(MethodOutcome *outcome, const MethodDraw *draw, FuseValues values, Error *e)
{
    int code;

    memset(outcome, 0, sizeof *outcome);
    outcome->values = values;
    outcome->normal_count = draw->normal_count;
    code = experiment_outcome_open(&outcome->out, draw->images, draw->count, draw->height, draw->width, 0, e);
    if (code != LAKE_OK)
        return code;
    outcome->normal_maps = experiment_maps(draw->normal_count, draw->height * draw->width);
    outcome->normal_scores = malloc((draw->normal_count + 1) * sizeof *outcome->normal_scores);
    if (outcome->normal_maps != NULL && outcome->normal_scores != NULL)
        return LAKE_OK;
    method_outcome_close(outcome);
    return error_memory(e, "the outcome of a method");
}

void method_outcome_close(MethodOutcome *outcome)
{
    experiment_outcome_close(&outcome->out);
    free(outcome->normal_maps);
    free(outcome->normal_scores);
    memset(outcome, 0, sizeof *outcome);
}

/* What automatic and fpr thresholds are for values without a bound. */
static double distance_threshold(const LakeDecision *decision, double *scores, size_t count)
{
    if (decision->threshold == LAKE_THRESHOLD_FPR)
        return lake_threshold(decision, scores, count);
    return 1.1 * lake_quantile(scores, count, 1);
}

int method_outcome_measure(MethodOutcome *outcome, const MethodDraw *draw, Error *e)
{
    const LakeDecision *decision = &draw->options.decision;
    double *scores = malloc((outcome->normal_count + 1) * sizeof *scores);

    if (scores == NULL)
        return error_memory(e, "the scores of the normal images");
    memcpy(scores, outcome->normal_scores, outcome->normal_count * sizeof *scores);
    outcome->out.threshold = outcome->values == FUSE_DISTANCE
                                 ? distance_threshold(decision, scores, outcome->normal_count)
                                 : lake_threshold(decision, scores, outcome->normal_count);
    outcome->out.provisional =
        outcome->normal_count < 4 &&
        (outcome->values == FUSE_DISTANCE || decision->threshold != LAKE_THRESHOLD_NUMBER);
    free(scores);
    return experiment_measure(&outcome->out, draw->x->dataset, e);
}
