/* Maps and masks of an experiment, and what they measure; see experiment.h. */
#include <stdlib.h>

#include "base/bytes.h"
#include "eval/experiment_internal.h"
#include "method/map.h"

void experiment_pixel_size(size_t *height, size_t *width, const Experiment *x, size_t test_image)
{
    *height = x->pixel_side > 0 ? x->pixel_side : x->test[test_image].height;
    *width = x->pixel_side > 0 ? x->pixel_side : x->test[test_image].width;
}

int experiment_map(float **map, const Experiment *x, const ExperimentOutcome *out, size_t i, Error *e)
{
    size_t height, width;

    experiment_pixel_size(&height, &width, x, out->images[i]);
    return map_of_grid(map, height, width, out->maps + i * out->height * out->width, out->height,
                       out->width, e);
}

int experiment_mask(unsigned char **mask, Experiment *x, size_t test_image, Error *e)
{
    ExperimentImage *image = &x->test[test_image];
    const char *path = image->entry->mask;
    size_t height, width, bytes;
    int code;

    *mask = NULL;
    if (path == NULL || image->mask_failure != NULL)
        return LAKE_OK;
    experiment_pixel_size(&height, &width, x, test_image);
    *mask = size_multiply(height, width, &bytes) ? malloc(bytes) : NULL;
    if (*mask == NULL)
        return error_memory(e, "a mask");
    code = x->source.mask(*mask, height, width, x->source.context, path, e);
    if (code != LAKE_OK) {
        free(*mask);
        *mask = NULL;
    }
    return experiment_forgive(&image->mask_failure, code, x, e);
}

static int add_pixels(EvalPixels *pixels, Experiment *x, const ExperimentOutcome *out, size_t i, Error *e)
{
    size_t height, width;
    unsigned char *mask;
    float *map;
    int code = experiment_mask(&mask, x, out->images[i], e);

    if (code != LAKE_OK || (out->labels[i] && mask == NULL)) /* nobody knows which of its pixels are defective */
        return code;
    code = experiment_map(&map, x, out, i, e);
    if (code == LAKE_OK) {
        experiment_pixel_size(&height, &width, x, out->images[i]);
        code = eval_pixels_add(pixels, map, mask, height, width, e);
        free(map);
    }
    free(mask);
    return code;
}

int experiment_pixels(EvalPixelScores *scores, Experiment *x, const ExperimentOutcome *out, Error *e)
{
    EvalPixels *pixels;
    int code = eval_pixels_open(&pixels, 0, e);

    if (code != LAKE_OK)
        return code;
    for (size_t i = 0; i < out->count && code == LAKE_OK; i++)
        code = add_pixels(pixels, x, out, i, e);
    if (code == LAKE_OK)
        code = eval_pixels_scores(pixels, scores, e);
    eval_pixels_close(pixels);
    return code;
}
