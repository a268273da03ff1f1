/* Scoring: an observation against a detector, or against texts alone. The steps of lake.c in order. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "lake.h"
#include "method/map.h"

/* ---- room for results ---- */

static int allocate_maps(LakeResult *result, int structural, int semantic)
{
    size_t patches = result->height * result->width;

    result->map = malloc(patches * sizeof *result->map);
    result->lengths = malloc(patches * sizeof *result->lengths);
    result->structural_map = structural ? malloc(patches * sizeof *result->structural_map) : NULL;
    result->semantic_map = semantic ? malloc(patches * sizeof *result->semantic_map) : NULL;
    return result->map != NULL && result->lengths != NULL && (!structural || result->structural_map != NULL) &&
           (!semantic || result->semantic_map != NULL);
}

static int allocate_layer(LakeResult *result, size_t l, size_t count)
{
    size_t patches = result->height * result->width, numbers;

    if (!size_multiply(patches, count, &numbers) || numbers > SIZE_MAX / sizeof(float))
        return 0;
    result->distances[l] = malloc(patches * sizeof *result->distances[l]);
    result->winners[l] = malloc(patches * sizeof *result->winners[l]);
    result->counts[l] = count;
    result->selected[l] = malloc(numbers * sizeof *result->selected[l]);
    return result->distances[l] != NULL && result->winners[l] != NULL && result->selected[l] != NULL;
}

int lake_result_open(LakeResult *result, const LakeDetector *detector, Error *e)
{
    size_t workspace = 1;
    int complete, code = tensor_begin(e);

    memset(result, 0, sizeof *result);
    if (code != LAKE_OK)
        return code;
    result->height = detector->height;
    result->width = detector->width;
    result->layer_count = detector->layer_count;
    complete = allocate_maps(result, 1, detector->texts.embed > 0);
    for (size_t l = 0; complete && l < detector->layer_count; l++) {
        size_t needed = lake_nearest_workspace(result->height * result->width, detector->layers[l].count);
        workspace = needed > workspace ? needed : workspace;
        complete = allocate_layer(result, l, detector->layers[l].count);
    }
    result->workspace = malloc(workspace * sizeof *result->workspace);
    if (complete && result->workspace != NULL)
        return LAKE_OK;
    lake_result_close(result);
    return error_memory(e, "the result of an image");
}

int lake_result_open_zero(LakeResult *result, size_t height, size_t width, Error *e)
{
    memset(result, 0, sizeof *result);
    result->height = height;
    result->width = width;
    if (allocate_maps(result, 0, 1))
        return LAKE_OK;
    lake_result_close(result);
    return error_memory(e, "the result of an image");
}

void lake_result_close(LakeResult *result)
{
    for (size_t l = 0; l < result->layer_count; l++) {
        free(result->distances[l]);
        free(result->winners[l]);
        free(result->selected[l]);
    }
    free(result->structural_map);
    free(result->semantic_map);
    free(result->map);
    free(result->workspace);
    free(result->lengths);
    memset(result, 0, sizeof *result);
}

/* ---- scoring ---- */

static void find_worst_patch(LakeResult *result)
{
    size_t patches = result->height * result->width, worst = 0;

    for (size_t p = 1; p < patches; p++)
        if (result->map[p] > result->map[worst])
            worst = p;
    result->row = worst / result->width;
    result->column = worst % result->width;
}

/* Whether a result has the buffers that a detector writes to. */
static int has_room(const LakeResult *result, const LakeDetector *detector)
{
    int same = result->height == detector->height && result->width == detector->width &&
               result->layer_count == detector->layer_count && result->structural_map != NULL &&
               (result->semantic_map != NULL || detector->texts.embed == 0);

    for (size_t l = 0; same && l < detector->layer_count; l++)
        same = result->counts[l] == detector->layers[l].count;
    return same;
}

int lake_score(const LakeDetector *detector, LakeTokens *tokens, LakeResult *result, Error *e)
{
    const LakePooling pooling = detector->options.decision.pooling;
    const LakeDistance distance = detector->options.distance;
    const double lambda = lake_lambda(detector);
    size_t patches = detector->height * detector->width;
    int code = lake_check_tokens(detector, tokens, "the image", e);

    if (code == LAKE_OK && !has_room(result, detector))
        code = error_set(e, LAKE_USAGE, "the result was opened for another detector");
    if (code == LAKE_OK && lambda > 0)
        code = lake_check_meaning(&detector->texts, tokens, "the image", e);
    if (code != LAKE_OK)
        return code;
    for (size_t l = 0; l < detector->layer_count; l++) {
        const LakeLayer *layer = &detector->layers[l];
        if (!tokens->normalised)
            lake_normalise(tokens->layers[l], patches, layer->width, detector->options.normalisation, result->lengths);
        lake_restrict(result->selected[l], tokens->layers[l], patches, layer, distance);
        lake_nearest(result->distances[l], result->winners[l], result->selected[l], patches, layer, distance, NULL,
                     result->workspace);
    }
    tokens->normalised = 1;
    lake_calibrate(result->structural_map, result->distances, detector->layers, detector->layer_count, patches);
    result->has_semantic = lambda > 0;
    if (result->has_semantic)
        lake_activate(result->semantic_map, tokens->patches, patches, &detector->texts);
    lake_fuse(result->map, result->structural_map, result->semantic_map, lambda, patches);

    result->structural = lake_pool(result->structural_map, patches, pooling, result->lengths);
    result->semantic = result->has_semantic ? lake_pool(result->semantic_map, patches, pooling, result->lengths) : 0;
    result->score = lake_pool(result->map, patches, pooling, result->lengths);
    result->threshold = detector->threshold;
    result->anomalous = result->score > result->threshold;
    find_worst_patch(result);
    return LAKE_OK;
}

int lake_zero(const LakeTexts *texts, const LakeTokens *tokens, double threshold, LakeResult *result, Error *e)
{
    size_t patches = result->height * result->width;
    float whole;
    int code = lake_check_meaning(texts, tokens, "the image", e);

    if (code != LAKE_OK)
        return code;
    if (tokens->embedding == NULL)
        return error_set(e, LAKE_USAGE, "zero-shot scoring needs an embedding of the whole image");
    if (result->semantic_map == NULL || tokens->height != result->height || tokens->width != result->width)
        return error_set(e, LAKE_USAGE, "the result was opened for another grid, or not for texts");
    lake_activate(result->semantic_map, tokens->patches, patches, texts);
    memcpy(result->map, result->semantic_map, patches * sizeof *result->map);
    lake_activate(&whole, tokens->embedding, 1, texts);
    if (!(whole >= 0)) /* NaN: the largest of all patches would hide it */
        return error_set(e, LAKE_BAD_INPUT, "the image: its embedding is not finite (NaN or infinity)");
    result->has_semantic = 1;
    result->structural = 0;
    result->semantic = lake_pool(result->semantic_map, patches, LAKE_POOL_MAX, result->lengths);
    result->whole = whole;
    result->score = result->semantic > result->whole ? result->semantic : result->whole;
    result->threshold = threshold;
    result->anomalous = result->score > threshold;
    find_worst_patch(result);
    return LAKE_OK;
}

int lake_map(float **map, const LakeResult *result, size_t width, size_t height, Error *e)
{
    return map_of_grid(map, height, width, result->map, result->height, result->width, e);
}
