/* Features from .npy files; see features.h. */
#include "cli/features.h"

#include <stdio.h>
#include <string.h>

/* Height and width of a grid of P patches: what --grid says, else the square. */
static int find_grid(Features *f, size_t patches, const char *path, const char *grid, Error *e)
{
    unsigned long h, w;
    char rest;
    size_t side = 1;

    if (grid != NULL) {
        if (sscanf(grid, "%lux%lu%c", &h, &w, &rest) != 2 || h == 0 || w == 0)
            return error_set(e, LAKE_USAGE, "--grid: expected HEIGHTxWIDTH, found '%s'", grid);
        if (patches / h != w || patches % h != 0)
            return error_set(e, LAKE_BAD_INPUT, "%s: %llu patches per image, expected %lu x %lu as --grid says", path,
                             (unsigned long long)patches, h, w);
        f->height = h;
        f->width = w;
        return LAKE_OK;
    }
    while (side < patches / side)
        side++;
    if (side * side != patches)
        return error_set(e, LAKE_BAD_INPUT, "%s: %llu patches per image are no square: give --grid HEIGHTxWIDTH", path,
                         (unsigned long long)patches);
    f->height = f->width = side;
    return LAKE_OK;
}

/* Checks the shape of one file, the first of which sets the grid and the number of images. */
static int check_shape(Features *f, size_t layer, const char *path, const char *grid, Error *e)
{
    const NpyFile *file = &f->files[layer];
    size_t patches;
    int code;

    if ((file->rank != 3 && file->rank != 4) || file->count == 0)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: an array of rank %d with %llu numbers, expected [images, patches, channels] or [images, "
                         "height, width, channels]",
                         path, (int)file->rank, (unsigned long long)file->count);
    patches = file->rank == 3 ? file->shape[1] : file->shape[1] * file->shape[2];
    f->widths[layer] = file->shape[file->rank - 1];
    if (layer == 0) {
        f->count = file->shape[0];
        if (file->rank == 3) {
            code = find_grid(f, patches, path, grid, e);
            if (code != LAKE_OK)
                return code;
        } else {
            f->height = file->shape[1];
            f->width = file->shape[2];
        }
    }
    if (file->shape[0] != f->count || patches != f->height * f->width)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: %llu images of %llu patches, expected %llu of %llu as in the first file", path,
                         (unsigned long long)file->shape[0], (unsigned long long)patches, (unsigned long long)f->count,
                         (unsigned long long)(f->height * f->width));
    return LAKE_OK;
}

int features_open(Features *features, const char *const *paths, size_t count, const char *grid, Error *e)
{
    int code = LAKE_OK;

    memset(features, 0, sizeof *features);
    if (count > LAKE_MAX_LAYERS)
        return error_set(e, LAKE_USAGE, "%llu feature files, expected at most %d (one per layer)",
                         (unsigned long long)count, LAKE_MAX_LAYERS);
    for (size_t i = 0; i < count && code == LAKE_OK; i++) {
        code = npy_open(&features->files[i], paths[i], e);
        if (code == LAKE_OK) {
            features->layer_count = i + 1;
            code = check_shape(features, i, paths[i], grid, e);
        }
    }
    if (code != LAKE_OK)
        features_close(features);
    return code;
}

void features_close(Features *features)
{
    for (size_t i = 0; i < features->layer_count; i++)
        npy_close(&features->files[i]);
    features->layer_count = 0;
}

void features_get(const Features *features, size_t image, LakeTokens *tokens)
{
    for (size_t i = 0; i < features->layer_count; i++) {
        size_t size = features->height * features->width * features->widths[i];
        npy_get(&features->files[i], image * size, size, tokens->layers[i]);
    }
    tokens->normalised = 0;
}
