/* Features of other models in place of the ViT's tokens: .npy arrays [n, P, D] or [n, height, width, D], one file per
 * structural layer, all of the same images in the same order. */
#ifndef LAKE_FEATURES_H
#define LAKE_FEATURES_H

#include "base/npy.h"
#include "lake.h"

typedef struct {
    size_t layer_count;
    NpyFile files[LAKE_MAX_LAYERS];
    size_t count;         /* n images */
    size_t height, width; /* of the grid */
    size_t widths[LAKE_MAX_LAYERS];
} Features;

/* Opens one file per layer. grid: "HxW" where P patches are no square and the arrays have rank 3; or NULL. */
int features_open(Features *features, const char *const *paths, size_t count, const char *grid, Error *e);
void features_close(Features *features);

/* Copies the tokens of one image into an observation of this shape. */
void features_get(const Features *features, size_t image, LakeTokens *tokens);

#endif
