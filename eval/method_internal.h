/* What the files of the methods share. Private to this folder. */
#ifndef LAKE_METHOD_INTERNAL_H
#define LAKE_METHOD_INTERNAL_H

#include "eval/experiment_internal.h"
#include "eval/method.h"

/* One draw of normal pictures, with all that the methods of it start from. */
typedef struct {
    Experiment *x;
    ExperimentPlan plan;
    LakeOptions options;             /* the plan's, completed */
    const ExperimentImage **normals; /* [normal_count] that could be read, in the order of the plan */
    size_t normal_count;
    size_t *images; /* [count] indices of the test pictures that are measured, ascending */
    size_t count;
    size_t height, width; /* of the grid */
} MethodDraw;

/* Room for an outcome: everything but the numbers. */
int method_outcome_open(MethodOutcome *outcome, const MethodDraw *draw, FuseValues values, Error *e);
void method_outcome_close(MethodOutcome *outcome);

/* The threshold from the outcome's normal scores and then the measures, once maps and scores are there. Distances have
 * no bound: automatic is 1.1 times the largest normal score for them, and a number that is given is on LAKE's scale,
 * not on theirs, so that automatic takes its place. */
int method_outcome_measure(MethodOutcome *outcome, const MethodDraw *draw, Error *e);

/* A memory bank fitted on the draw's normals, and what it says: METHOD_PATCHCORE or METHOD_ANOMALYDINO, on all channels
 * or on LAKE's. */
int method_bank(MethodOutcome *outcome, const MethodDraw *draw, const Method *method, Error *e);

/* A detector's maps on the measured pictures and on the normals. */
typedef struct {
    const char *name;
    const float *maps;        /* [count, P] */
    const float *normal_maps; /* [normal_count, P] */
    FuseValues values;
} MethodSide;

/* Two detectors as one (method/fuse.h): maps calibrated and averaged with equal weights, scores pooled from the fused
 * maps as the draw's options say. */
int method_fused(MethodOutcome *outcome, const MethodDraw *draw, const MethodSide *lake, const MethodSide *other,
                 Error *e);

/* ---- patches as a memory bank has them: tokens [height width, channels] of one block -> out of the same shape ---- */

typedef void MethodTokens(float *out, const float *tokens, size_t height, size_t width, size_t channels,
                          const Clip *model);
MethodTokens method_patchcore_tokens, method_anomalydino_tokens;

/* ---- the score of an image from its worst patch ---- */

/* PatchCore's (eq. 7). query [layer->count]: the patch with the largest distance, number `patch` of its image.
 * exclusion: rows that do not count, or NULL; -1 where none is left. scratch: [layer->rows]. */
double method_patchcore_score(const LakeLayer *layer, const float *query, size_t patch, const LakeExclusion *exclusion,
                              double *scratch);

#endif
