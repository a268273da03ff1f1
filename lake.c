/* The method: LAKE, Latent Anomaly Knowledge Excavation (arXiv 2604.07802), equation by equation.
 *
 * A frozen ViT turns an image into P patch tokens t of D channels after each of its blocks. Of the channels ("neurons")
 * of a few chosen blocks LAKE keeps the K that vary most over normal patches (excavate), stores the normal
 * patches in them (remember), and calls a new patch anomalous by its distance to the nearest stored one (deviate), set
 * in relation to the distances that normal patches have among themselves (calibrate). A text branch may add how much
 * a patch looks like the words for a defect (activate, fuse); the image's score is its worst patch (pool); and since
 * a squared distance is a sum over neurons, it says exactly which neurons made it (attribute).
 *
 * Everything here works on arrays in memory; method/learn.c and method/score.c call it in order. */
#include "lake.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "method/nearest.h"

/* ---- 0. Token normalisation --------------------------------------------------------------------------------
 *
 *     none  t
 *     clip  t * min(1, 2 median / ||t||)     median: of the token lengths of the same image
 *     l2    t / ||t||
 *     ln    (t - mean(t)) / sqrt(var(t) + 1e-5)
 *
 * Large ViTs give a few tokens huge activations in a few channels; untreated those channels have nearly all of the
 * variance and would be the ones selected. */

static double length_of(const float *token, size_t width)
{
    double sum = 0;

    for (size_t d = 0; d < width; d++)
        sum += (double)token[d] * token[d];
    return sqrt(sum);
}

static void scale_token(float *token, size_t width, double factor)
{
    for (size_t d = 0; d < width; d++)
        token[d] = (float)(token[d] * factor);
}

static void clip_tokens(float *tokens, size_t patches, size_t width, double *lengths)
{
    double limit;

    for (size_t p = 0; p < patches; p++)
        lengths[p] = length_of(tokens + p * width, width);
    limit = 2 * lake_median(lengths, patches); /* reorders the lengths, so they are taken again below */
    for (size_t p = 0; p < patches; p++) {
        double length = length_of(tokens + p * width, width);
        if (length > limit)
            scale_token(tokens + p * width, width, limit / length);
    }
}

static void standardise_token(float *token, size_t width)
{
    double mean = 0, variance = 0, scale;

    for (size_t d = 0; d < width; d++)
        mean += token[d];
    mean /= (double)width;
    for (size_t d = 0; d < width; d++)
        variance += (token[d] - mean) * (token[d] - mean);
    scale = 1 / sqrt(variance / (double)width + 1e-5);
    for (size_t d = 0; d < width; d++)
        token[d] = (float)((token[d] - mean) * scale);
}

void lake_normalise(float *tokens, size_t patches, size_t width, LakeNormalisation kind, double *lengths)
{
    if (kind == LAKE_NORMALISE_CLIP)
        clip_tokens(tokens, patches, width, lengths);
    for (size_t p = 0; p < patches; p++) {
        float *token = tokens + p * width;
        if (kind == LAKE_NORMALISE_L2) {
            double length = length_of(token, width);
            if (length > 0)
                scale_token(token, width, 1 / length);
        } else if (kind == LAKE_NORMALISE_LN) {
            standardise_token(token, width);
        }
    }
}

/* ---- 1. Excavate: which neurons ----------------------------------------------------------------------------
 *
 *     mu[d]  = mean over normal tokens of t[d]
 *     var[d] = mean over normal tokens of (t[d] - mu[d])^2
 *     S      = the K channels of largest var, ties to the smaller channel, in descending order
 *
 * Statistics are count n, mean and m2 = sum of (t - mean)^2 in double. Each image's are taken by two passes and
 * joined to those of the images before it by Chan's update, so the numbers depend on the order of the images and on
 * nothing else. */

void lake_moments_merge(LakeMoments *a, const LakeMoments *b, size_t width)
{
    double na = (double)a->count, nb = (double)b->count, n = na + nb;

    if (b->count == 0)
        return;
    for (size_t d = 0; d < width; d++) {
        double delta = b->mean[d] - a->mean[d];
        a->mean[d] += delta * (nb / n);
        a->m2[d] += b->m2[d] + delta * delta * (na * nb / n);
    }
    a->count += b->count;
}

void lake_moments_add(LakeMoments *moments, const float *tokens, size_t patches, size_t width,
                      const unsigned char *skip, double *scratch)
{
    LakeMoments image = {0, scratch, scratch + width};

    memset(scratch, 0, 2 * width * sizeof *scratch);
    for (size_t p = 0; p < patches; p++) {
        if (skip != NULL && skip[p])
            continue;
        image.count++;
        for (size_t d = 0; d < width; d++)
            image.mean[d] += tokens[p * width + d];
    }
    if (image.count == 0)
        return;
    for (size_t d = 0; d < width; d++)
        image.mean[d] /= (double)image.count;
    for (size_t p = 0; p < patches; p++) {
        if (skip != NULL && skip[p])
            continue;
        for (size_t d = 0; d < width; d++) {
            double deviation = tokens[p * width + d] - image.mean[d];
            image.m2[d] += deviation * deviation;
        }
    }
    lake_moments_merge(moments, &image, width);
}

typedef struct {
    double variance; /* up to the common factor 1/n */
    uint32_t channel;
} Ranked;

static int by_channel(const Ranked *a, const Ranked *b)
{
    return a->channel < b->channel ? -1 : a->channel > b->channel;
}

static int most_first(const void *left, const void *right)
{
    const Ranked *a = left, *b = right;
    return a->variance > b->variance ? -1 : a->variance < b->variance ? 1 : by_channel(a, b);
}

static int least_first(const void *left, const void *right)
{
    const Ranked *a = left, *b = right;
    return a->variance < b->variance ? -1 : a->variance > b->variance ? 1 : by_channel(a, b);
}

int lake_select(uint32_t *chosen, size_t count, const LakeMoments *moments, size_t width, LakeSelection kind,
                uint64_t seed, Error *e)
{
    Ranked *ranked = malloc(width * sizeof *ranked);

    if (ranked == NULL)
        return error_memory(e, "the ranking of channels");
    for (size_t d = 0; d < width; d++) {
        ranked[d].variance = moments->m2[d];
        ranked[d].channel = (uint32_t)d;
    }
    if (kind == LAKE_SELECT_RANDOM) {
        for (size_t k = 0; k < count; k++) { /* the first K steps of a Fisher-Yates shuffle */
            size_t other = k + (size_t)lake_random_below(&seed, width - k);
            Ranked swap = ranked[k];
            ranked[k] = ranked[other];
            ranked[other] = swap;
        }
    } else {
        qsort(ranked, width, sizeof *ranked, kind == LAKE_SELECT_BOTTOM ? least_first : most_first);
    }
    for (size_t k = 0; k < count; k++)
        chosen[k] = ranked[k].channel;
    free(ranked);
    return LAKE_OK;
}

/* ---- 2. Remember: the normality representation -------------------------------------------------------------
 *
 *     row = t[S]      with PCA: V (t - mu), V the K leading unit eigenvectors of the covariance
 *
 * For the cosine distance rows have unit length (a zero row stays zero), because then 1 - cos = ||u - v||^2 / 2: one
 * search serves both distances, and the deviation is a sum over neurons in both cases. A coreset keeps the rows that
 * method/coreset.c chooses. */

static float project(const float *token, const float *axis, const double *mean, size_t width)
{
    double sum = 0;

    for (size_t d = 0; d < width; d++)
        sum += axis[d] * (token[d] - mean[d]);
    return (float)fmax(-FLT_MAX, fmin(FLT_MAX, sum)); /* tokens may be any floats: no overflow */
}

void lake_restrict(float *out, const float *tokens, size_t patches, const LakeLayer *layer, LakeDistance distance)
{
    size_t count = layer->count, width = layer->width;

    for (size_t p = 0; p < patches; p++) {
        const float *token = tokens + p * width;
        float *row = out + p * count;
        for (size_t k = 0; k < count; k++)
            row[k] = layer->basis != NULL ? project(token, layer->basis + k * width, layer->moments.mean, width)
                                          : token[layer->channels[k]];
        if (distance == LAKE_DISTANCE_COSINE) {
            double length = length_of(row, count);
            if (length > 0)
                scale_token(row, count, 1 / length);
        }
    }
}

/* ---- 3. Deviate: the structural score of a patch -----------------------------------------------------------
 *
 *     d(p) = min over gallery rows g of ||q(p) - g||           cosine: min of ||q(p) - g||^2 / 2
 *
 * The naive double loop's result, to the bit, at a matrix product's speed: method/nearest.c. */

enum { QUERY_BLOCK = 2048 }; /* a 37 x 37 grid at once */

void lake_nearest(float *distances, uint32_t *winners, const float *queries, size_t count, const LakeLayer *layer,
                  LakeDistance distance, const LakeExclusion *exclusion, float *workspace)
{
    double best[QUERY_BLOCK]; /* squared */

    for (size_t q = 0; q < count; q += QUERY_BLOCK) {
        size_t block = count - q < QUERY_BLOCK ? count - q : QUERY_BLOCK;
        for (size_t i = 0; i < block; i++) {
            best[i] = INFINITY;
            winners[q + i] = UINT32_MAX;
        }
        nearest_improve(best, winners + q, queries + q * layer->count, NULL, q, block, layer, exclusion, workspace);
        for (size_t i = 0; i < block; i++)
            distances[q + i] = winners[q + i] == UINT32_MAX       ? 0
                               : distance == LAKE_DISTANCE_COSINE ? (float)(best[i] / 2)
                                                                  : (float)fmin(FLT_MAX, sqrt(best[i]));
    }
}

/* ---- 4. Calibrate ------------------------------------------------------------------------------------------
 *
 *     a_l(p) = d_l(p) / (d_l(p) + delta_l)        0 for a patch that is in the gallery, 0.5 at the edge of normal
 *     a(p)   = mean over layers of a_l(p)
 *
 * delta_l is the 99th percentile of what normal patches get when their own image is left out of the gallery
 * (method/learn.c). */

void lake_calibrate(float *map, float *const *distances, const LakeLayer *layers, size_t layer_count, size_t patches)
{
    for (size_t p = 0; p < patches; p++) {
        double sum = 0;
        for (size_t l = 0; l < layer_count; l++)
            sum += distances[l][p] / (distances[l][p] + layers[l].delta);
        map[p] = (float)(sum / (double)layer_count);
    }
}

/* ---- 5. Activate: the cross-modal score of a patch ---------------------------------------------------------
 *
 *     s(p) = softmax over {normal, anomalous} of scale [z(p).t_normal, z(p).t_anomalous], the anomalous part
 *          = 1 / (1 + exp(scale (z(p).t_normal - z(p).t_anomalous)))                                           */

void lake_activate(float *map, const float *patches, size_t count, const LakeTexts *texts)
{
    for (size_t p = 0; p < count; p++) {
        const float *z = patches + p * texts->embed;
        double normal = 0, anomalous = 0;
        for (size_t i = 0; i < texts->embed; i++) {
            normal += (double)z[i] * texts->normal[i];
            anomalous += (double)z[i] * texts->anomalous[i];
        }
        map[p] = (float)(1 / (1 + exp(texts->scale * (normal - anomalous))));
    }
}

/* ---- 6. Fuse and pool --------------------------------------------------------------------------------------
 *
 *     m(p) = (1 - lambda) a(p) + lambda s(p)
 *     image score = max over p of m(p)              or the mean, or the mean of the top 1 %
 *
 * The score comes from m itself; the map that people see is enlarged and smoothed (method/map.c). */

void lake_fuse(float *map, const float *structural, const float *semantic, double lambda, size_t patches)
{
    for (size_t p = 0; p < patches; p++)
        map[p] = lambda > 0 ? (float)((1 - lambda) * structural[p] + lambda * semantic[p]) : structural[p];
}

static int descending(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return *a > *b ? -1 : *a < *b;
}

double lake_pool(const float *map, size_t patches, LakePooling pooling, double *scratch)
{
    size_t count = pooling == LAKE_POOL_MEAN ? patches : pooling == LAKE_POOL_MAX || patches < 100 ? 1 : patches / 100;
    double sum = 0;

    for (size_t p = 0; p < patches; p++)
        scratch[p] = map[p];
    qsort(scratch, patches, sizeof *scratch, descending);
    for (size_t p = 0; p < count; p++)
        sum += scratch[p];
    return sum / (double)count;
}

/* ---- 7. Attribute: why -------------------------------------------------------------------------------------
 *
 *     d^2 = sum over k of (q[k] - g*[k])^2,  g* the row that won
 *     part of neuron k of layer l   = (q[k] - g*[k])^2 / delta_l^2        cosine: (q[k] - g*[k])^2 / (2 delta_l)
 *     deviation of the patch        = sum of all parts = sum over l of (d_l / delta_l)^2   cosine: sum of d_l / delta_l
 *     share of a neuron             = its part / the deviation
 *
 * Exact within a layer. Between layers a common unit is needed, and the edge of normal is ours. */

static double part_unit(const LakeLayer *layer, LakeDistance distance)
{
    return distance == LAKE_DISTANCE_COSINE ? 1 / (2 * layer->delta) : 1 / layer->delta / layer->delta;
}

static double part_of(const LakeDetector *detector, const LakeResult *result, size_t l, size_t patch, size_t k)
{
    const LakeLayer *layer = &detector->layers[l];
    const float *winner = layer->gallery + (size_t)result->winners[l][patch] * layer->count;
    double difference = (double)result->selected[l][patch * layer->count + k] - winner[k];

    return difference * difference * part_unit(layer, detector->options.distance);
}

size_t lake_attribute(const LakeDetector *detector, const LakeResult *result, size_t patch, LakeShare *shares,
                      size_t count)
{
    size_t used = 0;
    double total = 0;

    for (size_t l = 0; l < detector->layer_count; l++)
        for (size_t k = 0; k < detector->layers[l].count; k++) {
            LakeShare share = {detector->layers[l].block, detector->layers[l].channels[k], 0};
            size_t at;
            share.share = part_of(detector, result, l, patch, k);
            total += share.share;
            if (used < count)
                used++;
            else if (count == 0 || share.share <= shares[count - 1].share)
                continue;
            for (at = used - 1; at > 0 && shares[at - 1].share < share.share; at--) /* into its place */
                shares[at] = shares[at - 1];
            shares[at] = share;
        }
    for (size_t i = 0; i < used; i++)
        shares[i].share = total > 0 ? shares[i].share / total : 0;
    return used;
}

void lake_neuron_map(const LakeDetector *detector, const LakeResult *result, size_t layer, size_t index, float *map)
{
    for (size_t p = 0; p < result->height * result->width; p++)
        map[p] = (float)part_of(detector, result, layer, p, index);
}
