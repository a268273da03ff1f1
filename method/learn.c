/* What a fit does with all normal images at hand: the steps of lake.c in order, layer by layer, with leaving one image
 * out and trimming. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "method/eigen.h"
#include "method/fit.h"

/* ---- excavate and remember ---- */

/* Of an image's patches those dropped by trimming, or NULL: none. */
static const unsigned char *skip_of(const LakeFit *fit, size_t image)
{
    return fit->skip != NULL ? fit->skip + image * fit->patches : NULL;
}

static int covariance_of(LakeCovariance *covariance, LakeFit *fit, size_t l, Error *e)
{
    const LakeLayer *layer = &fit->detector.layers[l];
    const float *tokens = NULL;
    int code = lake_covariance_open(covariance, layer->width, e);

    for (size_t i = 0; code == LAKE_OK && i < fit->detector.normal_count; i++) {
        code = store_layer(&tokens, &fit->tokens, l, i, e);
        if (code == LAKE_OK)
            lake_covariance_add(covariance, tokens, fit->patches, layer->moments.mean, skip_of(fit, i));
    }
    if (code == LAKE_OK)
        lake_covariance_finish(covariance);
    return code;
}

/* The K leading eigenvectors of the covariance, as rows. */
static int principal_axes(LakeFit *fit, size_t l, Error *e)
{
    LakeLayer *layer = &fit->detector.layers[l];
    size_t width = layer->width;
    LakeCovariance covariance;
    double *vectors = NULL, *values = NULL;
    int code = covariance_of(&covariance, fit, l, e);

    free(layer->basis);
    layer->basis = NULL;
    if (code == LAKE_OK) { /* width * width did not overflow there */
        layer->basis = malloc(layer->count * width * sizeof *layer->basis);
        vectors = malloc(width * width * sizeof *vectors);
        values = malloc(width * sizeof *values);
        code = layer->basis == NULL || vectors == NULL || values == NULL
                   ? error_memory(e, "the principal axes")
                   : eigen_symmetric(values, vectors, covariance.matrix, width, e);
    }
    for (size_t i = 0; code == LAKE_OK && i < layer->count * width; i++)
        layer->basis[i] = (float)vectors[i];
    for (size_t k = 0; k < layer->count; k++)
        layer->channels[k] = (uint32_t)k;
    lake_covariance_close(&covariance);
    free(vectors);
    free(values);
    return code;
}

/* The statistics of a layer again, without the patches that trimming dropped. */
static int take_moments(LakeFit *fit, size_t l, Error *e)
{
    LakeLayer *layer = &fit->detector.layers[l];
    double *scratch = malloc(2 * layer->width * sizeof *scratch);
    const float *tokens = NULL;
    int code;

    lake_moments_close(&layer->moments);
    code = scratch == NULL ? error_memory(e, "the statistics of a layer")
                           : lake_moments_open(&layer->moments, layer->width, e);
    for (size_t i = 0; code == LAKE_OK && i < fit->detector.normal_count; i++) {
        code = store_layer(&tokens, &fit->tokens, l, i, e);
        if (code == LAKE_OK)
            lake_moments_add(&layer->moments, tokens, fit->patches, layer->width, skip_of(fit, i), scratch);
    }
    free(scratch);
    return code;
}

/* The statistics of all patches were taken as images were added. */
static int excavate(LakeFit *fit, size_t l, Error *e)
{
    LakeDetector *d = &fit->detector;
    LakeLayer *layer = &d->layers[l];
    int code = fit->skip != NULL ? take_moments(fit, l, e) : LAKE_OK;

    free(layer->channels);
    layer->channels = malloc(layer->count * sizeof *layer->channels);
    if (code == LAKE_OK && layer->channels == NULL)
        code = error_memory(e, "the selection");
    if (code != LAKE_OK)
        return code;
    if (d->options.selection == LAKE_SELECT_PCA)
        return principal_axes(fit, l, e);
    return lake_select(layer->channels, layer->count, &layer->moments, layer->width, d->options.selection,
                       d->options.seed + (uint64_t)layer->block, e); /* another draw in every layer */
}

/* Keeps a share of the gallery; the rows that stay keep their order. */
static int thin(LakeLayer *layer, const LakeOptions *options, Error *e)
{
    size_t keep = (size_t)(options->coreset * (double)layer->rows + 0.5), used = 0;
    unsigned char *chosen;
    int code;

    keep = keep > 0 ? keep : 1;
    if (keep >= layer->rows)
        return LAKE_OK;
    chosen = malloc(layer->rows);
    if (chosen == NULL)
        return error_memory(e, "the coreset");
    code = lake_coreset(chosen, keep, layer->gallery, layer->rows, layer->count, options->seed + (uint64_t)layer->block,
                        e);
    for (size_t r = 0; code == LAKE_OK && r < layer->rows; r++) {
        if (!chosen[r])
            continue;
        memmove(layer->gallery + used * layer->count, layer->gallery + r * layer->count,
                layer->count * sizeof *layer->gallery);
        layer->source[used++] = layer->source[r];
    }
    free(chosen);
    if (code == LAKE_OK)
        layer->rows = used;
    return code;
}

static int remember(LakeFit *fit, size_t l, Error *e)
{
    LakeDetector *d = &fit->detector;
    LakeLayer *layer = &d->layers[l];
    size_t total = d->normal_count * fit->patches, cells;
    const float *tokens = NULL;
    int code = LAKE_OK;

    free(layer->gallery);
    free(layer->source);
    layer->gallery = size_multiply(total - d->dropped_count, layer->count, &cells) && cells <= SIZE_MAX / sizeof(float)
                         ? malloc(cells * sizeof *layer->gallery)
                         : NULL;
    layer->source = malloc((total - d->dropped_count) * sizeof *layer->source);
    if (layer->gallery == NULL || layer->source == NULL)
        return error_memory(e, "the gallery");
    layer->rows = 0;
    for (size_t t = 0; t < total; t++) {
        if (t % fit->patches == 0)
            code = store_layer(&tokens, &fit->tokens, l, t / fit->patches, e);
        if (code != LAKE_OK)
            return code;
        if (fit->skip != NULL && fit->skip[t])
            continue;
        lake_restrict(layer->gallery + layer->rows * layer->count, tokens + t % fit->patches * layer->width, 1, layer,
                      d->options.distance);
        layer->source[layer->rows++] = (uint32_t)t;
    }
    code = thin(layer, &d->options, e);
    if (code == LAKE_OK)
        code = lake_layer_norms(layer, e);
    return code == LAKE_OK ? lake_layer_codes(layer, e) : code;
}

/* ---- leave one image out ---- */

typedef struct {
    float *queries;    /* [P, K] */
    float *distances;  /* [P] */
    uint32_t *winners; /* [P] */
    float *workspace;
    double *values; /* [n P] */
} LeaveOut;

/* Distances of one normal image's patches to the gallery rows of the others. A patch for which there is none (a single
 * image, or others that trimming or the coreset emptied) is compared with its own image outside its 5 x 5
 * neighbourhood; where that covers all rows, outside 3 x 3, and then with all but itself. A patch that is left with
 * nothing gets distance 0 and does not count; counted[P] says so. */
static int leave_one_out(LakeFit *fit, size_t l, size_t image, LeaveOut *w, float *distances, unsigned char *counted,
                         Error *e)
{
    const LakeDetector *d = &fit->detector;
    const LakeLayer *layer = &d->layers[l];
    LakeExclusion exclusion = {0, 0, 0, -1};
    size_t missing = fit->patches;
    const float *tokens = NULL;
    int code = store_layer(&tokens, &fit->tokens, l, image, e);

    if (code != LAKE_OK)
        return code;
    exclusion.patches = fit->patches;
    exclusion.width = d->width;
    exclusion.image = image;
    memset(counted, 0, fit->patches);
    lake_restrict(w->queries, tokens, fit->patches, layer, d->options.distance);
    for (int step = 0; step < 4 && missing > 0; step++) {
        exclusion.radius = step == 0 ? -1 : 3 - step;
        lake_nearest(w->distances, w->winners, w->queries, fit->patches, layer, d->options.distance, &exclusion,
                     w->workspace);
        for (size_t p = 0; p < fit->patches; p++) {
            if (counted[p])
                continue;
            distances[p] = w->distances[p];
            counted[p] = w->winners[p] != UINT32_MAX;
            missing -= counted[p];
        }
    }
    return LAKE_OK;
}

/* delta: the 99th percentile of the leave-one-out distances of trusted patches. It must be above 0: where all of them
 * are repeated exactly, it is the rounding of floats, a relative distance of 1e-6. */
static double edge_of_normal(const LakeLayer *layer, LakeDistance distance, double *values, size_t count)
{
    double delta = count > 0 ? lake_quantile(values, count, 0.99) : 0, sum = 0, least;

    for (size_t r = 0; r < layer->rows; r++)
        sum += layer->norms[r];
    least = distance == LAKE_DISTANCE_COSINE ? 1e-6 * 1e-6 / 2 : 1e-6 * sqrt(sum / (double)layer->rows);
    return fmax(delta, fmax(least, FLT_MIN));
}

static int calibrate_layer(LakeFit *fit, size_t l, Error *e)
{
    LakeDetector *d = &fit->detector;
    LakeLayer *layer = &d->layers[l];
    size_t total = d->normal_count * fit->patches, count = 0;
    unsigned char *counted = malloc(total);
    LeaveOut w;
    int code = LAKE_OK;

    w.queries = malloc(fit->patches * layer->count * sizeof *w.queries);
    w.distances = malloc(fit->patches * sizeof *w.distances);
    w.winners = malloc(fit->patches * sizeof *w.winners);
    w.workspace = malloc(lake_nearest_workspace(fit->patches, layer->count) * sizeof *w.workspace);
    w.values = malloc(total * sizeof *w.values);
    if (fit->distances[l] == NULL)
        fit->distances[l] = malloc(total * sizeof *fit->distances[l]);
    if (counted == NULL || w.queries == NULL || w.distances == NULL || w.winners == NULL || w.workspace == NULL ||
        w.values == NULL || fit->distances[l] == NULL)
        code = error_memory(e, "the calibration");
    for (size_t i = 0; code == LAKE_OK && i < d->normal_count; i++)
        code = leave_one_out(fit, l, i, &w, fit->distances[l] + i * fit->patches, counted + i * fit->patches, e);
    for (size_t t = 0; code == LAKE_OK && t < total; t++)
        if (counted[t] && (fit->skip == NULL || !fit->skip[t]))
            w.values[count++] = fit->distances[l][t];
    if (code == LAKE_OK)
        layer->delta = edge_of_normal(layer, d->options.distance, w.values, count);
    free(counted);
    free(w.queries);
    free(w.distances);
    free(w.winners);
    free(w.workspace);
    free(w.values);
    return code;
}

/* All of it for the patches that are not skipped; the structural maps of the normal images are of all patches. */
int fit_learn(LakeFit *fit, Error *e)
{
    LakeDetector *d = &fit->detector;
    int code = LAKE_OK;

    for (size_t l = 0; code == LAKE_OK && l < d->layer_count; l++) {
        code = excavate(fit, l, e);
        if (code == LAKE_OK)
            code = remember(fit, l, e);
        if (code == LAKE_OK)
            code = calibrate_layer(fit, l, e);
    }
    if (code == LAKE_OK) /* leave-one-out distances have the layout of one long image */
        lake_calibrate(d->normal_structural, fit->distances, d->layers, d->layer_count, d->normal_count * fit->patches);
    return code;
}

/* ---- trim ---- */

typedef struct {
    float score;
    uint32_t patch;
} Suspect;

static int most_suspect_first(const void *left, const void *right)
{
    const Suspect *a = left, *b = right;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return a->patch < b->patch ? -1 : a->patch > b->patch;
}

int fit_drop_suspects(LakeFit *fit, Error *e)
{
    LakeDetector *d = &fit->detector;
    size_t total = d->normal_count * fit->patches, drop = (size_t)(d->options.trim * (double)total + 0.5), used = 0;
    Suspect *suspects;

    drop = drop < total ? drop : total - 1;
    if (drop == 0)
        return LAKE_OK;
    suspects = malloc(total * sizeof *suspects);
    fit->skip = calloc(total, 1);
    d->dropped = malloc(drop * sizeof *d->dropped);
    if (suspects == NULL || fit->skip == NULL || d->dropped == NULL) {
        free(suspects);
        return error_memory(e, "the trimming");
    }
    for (size_t t = 0; t < total; t++) {
        suspects[t].score = d->normal_structural[t];
        suspects[t].patch = (uint32_t)t;
    }
    qsort(suspects, total, sizeof *suspects, most_suspect_first);
    for (size_t i = 0; i < drop; i++)
        fit->skip[suspects[i].patch] = 1;
    free(suspects);
    for (size_t t = 0; t < total; t++)
        if (fit->skip[t])
            d->dropped[used++] = (uint32_t)t;
    d->dropped_count = used;
    return fit_learn(fit, e);
}
