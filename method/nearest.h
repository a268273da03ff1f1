/* The search that scoring, leaving one out and the coreset share (nearest.c). Private to the method and its measurement. */
#ifndef LAKE_NEAREST_H
#define LAKE_NEAREST_H

#include "lake.h"

/* Squared Euclidean distance, in double from the floats themselves: the one that counts everywhere. */
double nearest_squared(const float *a, const float *b, size_t width);

/* Whether a row from `source` may not be compared with patch `query` of the exclusion's image. */
int nearest_is_excluded(const LakeExclusion *x, uint32_t source, size_t query);

/* Bound of the relative rounding error of a float product a.b - |b|^2 / 2 of this width: the error is at most
 * gamma (|a|^2 / 2 + |b|^2) + FLT_MIN, where |a|^2 / 2 + |b|^2 is below NEAREST_LIMIT. Beyond it a product may have
 * overflowed. */
double nearest_gamma(size_t width);
#define NEAREST_LIMIT 1e30

/* For each of `count` queries [count, layer->count]: where a row of the layer's gallery is nearer than best[i], a
 * squared distance, best[i] becomes its distance and winners[i] its number; of equally near rows the smallest wins.
 * best starts as INFINITY or as the distance to other rows; winners starts as UINT32_MAX, or is NULL: not wanted.
 * query_norms: squared lengths of the queries, or NULL: not known. exclusion as for lake_nearest, with best[0] that
 * of patch `first`. workspace: lake_nearest_workspace(count, layer->count) floats. */
void nearest_improve(double *best, uint32_t *winners, const float *queries, const double *query_norms, size_t first,
                     size_t count, const LakeLayer *layer, const LakeExclusion *exclusion, float *workspace);

#endif
