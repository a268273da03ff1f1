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

#include "tensor.h"

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
 * search serves both distances, and the deviation is a sum over neurons in both cases. */

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

/* Squared Euclidean distance, in double from the floats themselves: the one that counts everywhere. */
static double squared_distance(const float *a, const float *b, size_t count)
{
    double sum = 0;

    for (size_t k = 0; k < count; k++) {
        double difference = (double)a[k] - b[k];
        sum += difference * difference;
    }
    return sum;
}

/* Greedy k-centre, as PatchCore thins its memory bank: again and again the row that is farthest from all chosen ones
 * is chosen (ties to the smaller row); the first is drawn with the seed. Once every row equals a chosen one, the
 * farthest is at distance 0 and the smallest row not yet chosen is taken. */
int lake_coreset(unsigned char *chosen, size_t keep, const float *rows, size_t row_count, size_t width, uint64_t seed,
                 Error *e)
{
    double *nearest = malloc(row_count * sizeof *nearest); /* squared distance to the chosen rows; -1: chosen itself */
    size_t next = (size_t)lake_random_below(&seed, row_count);

    if (nearest == NULL)
        return error_memory(e, "the coreset");
    memset(chosen, 0, row_count);
    for (size_t i = 0; i < row_count; i++)
        nearest[i] = INFINITY;
    for (; keep > 0; keep--) {
        const float *centre = rows + next * width;
        size_t farthest = 0;
        chosen[next] = 1;
        nearest[next] = -1;
        for (size_t i = 0; i < row_count; i++) {
            double distance = chosen[i] ? -1 : squared_distance(centre, rows + i * width, width);
            if (distance < nearest[i])
                nearest[i] = distance;
            if (nearest[i] > nearest[farthest])
                farthest = i;
        }
        next = farthest;
    }
    free(nearest);
    return LAKE_OK;
}

/* ---- 3. Deviate: the structural score of a patch -----------------------------------------------------------
 *
 *     d(p) = min over gallery rows g of ||q(p) - g||           cosine: min of ||q(p) - g||^2 / 2
 *
 * The naive double loop's result, to the bit, at a matrix product's speed. ||q||^2 + ||g||^2 - 2 q.g gives all
 * distances of a block at once, but in float its cancellation loses small ones. So the product only rules rows out: a
 * float dot product of K terms, whatever its order of summation, is off by at most gamma ||q|| ||g|| <= gamma
 * (||q||^2 + ||g||^2) / 2 with gamma = K u / (1 - K u), u = 2^-24 (Higham, Accuracy and Stability of Numerical
 * Algorithms, 3.1). A row whose distance could still be below the best one found gets its distance computed
 * directly. That is a few rows per query; the others are passed over 32 at a time. */

enum { QUERY_BLOCK = 2048, ROW_BLOCK = 512 }; /* a 37 x 37 grid at once; a block of products is 4 MB at most */
enum { SCAN = 32 };                           /* rows ruled out at once */

size_t lake_nearest_workspace(size_t count, size_t width)
{
    size_t queries = count < QUERY_BLOCK ? count : QUERY_BLOCK;

    return queries * ROW_BLOCK + tensor_linear_workspace(queries, ROW_BLOCK, width);
}

static size_t apart(size_t a, size_t b)
{
    return a > b ? a - b : b - a;
}

static int is_excluded(const LakeExclusion *x, uint32_t source, size_t query)
{
    size_t patch = source % x->patches;

    if (source / x->patches != x->image)
        return 0;
    return x->radius < 0 || (apart(patch / x->width, query / x->width) <= (size_t)x->radius &&
                             apart(patch % x->width, query % x->width) <= (size_t)x->radius);
}

/* One query against rows first..first+count, whose dot products with it are given; updates its best row. */
static void scan_rows(const float *query, double query_norm, size_t query_index, const LakeLayer *layer, size_t first,
                      size_t count, const float *dots, const LakeExclusion *exclusion, double *best, uint32_t *winner)
{
    const double terms = (double)(layer->count + 8), unit = 1.0 / 16777216; /* + 8: roundings outside the sum */
    const double shrink = 1 - terms * unit / (1 - terms * unit);

    for (size_t j = 0; j < count; j++) {
        double norms = query_norm + layer->norms[first + j];
        double squared;
        /* The last condition: below it no sum inside the product can have overflowed. FLT_MIN covers underflow. */
        if (norms * shrink - 2.0 * dots[j] > *best + FLT_MIN && norms < 1e38)
            continue;
        if (exclusion != NULL && is_excluded(exclusion, layer->source[first + j], query_index))
            continue;
        squared = squared_distance(query, layer->gallery + (first + j) * layer->count, layer->count);
        if (squared < *best) { /* rows come in order, so of equal ones the smaller stays */
            *best = squared;
            *winner = (uint32_t)(first + j);
        }
    }
}

/* How many of SCAN rows have norms[j] - 2 dots[j] not above the limit; a form that compilers turn into vector
 * instructions. */
static unsigned count_candidates(const float *norms, const float *dots, float limit)
{
    unsigned count = 0;

    for (size_t j = 0; j < SCAN; j++)
        count += !(norms[j] - 2 * dots[j] > limit);
    return count;
}

/* scan_rows for a block of rows, SCAN of them passed over at once where none can be nearer: scan_rows' own condition in
 * float, with the largest norm in place of the row's in the rounding terms. Below 1e30 nothing overflows; 16 roundings
 * of 2^-24 cover the limit's and those of norms - 2 dots, where 2 |dots| <= query_norm + largest but for dots' own. */
static void scan_block(const float *query, double query_norm, size_t query_index, const LakeLayer *layer, size_t first,
                       size_t count, const float *dots, const float *norms, double largest,
                       const LakeExclusion *exclusion, double *best, uint32_t *winner)
{
    const double unit = 1.0 / 16777216, terms = (double)(layer->count + 8), both = query_norm + largest;
    const double slack = both * (terms * unit / (1 - terms * unit) + 16 * unit) + 2 * (double)FLT_MIN - query_norm;
    const int overflows = !(both < 1e30);

    for (size_t j = 0; j < count; j += SCAN) {
        size_t rows = count - j < SCAN ? count - j : SCAN;
        if (overflows || rows < SCAN || !(*best < 1e30) ||
            count_candidates(norms + j, dots + j, (float)(*best + slack)) > 0)
            scan_rows(query, query_norm, query_index, layer, first + j, rows, dots + j, exclusion, best, winner);
    }
}

/* At most QUERY_BLOCK queries against the whole gallery. first: number of the first query. */
static void search_block(double *best, uint32_t *winners, const float *queries, size_t first, size_t count,
                         const LakeLayer *layer, const LakeExclusion *exclusion, float *workspace)
{
    float *dots = workspace, *linear_workspace = workspace + count * ROW_BLOCK, row_norms[ROW_BLOCK];
    double norms[QUERY_BLOCK];

    for (size_t i = 0; i < count; i++) {
        double length = length_of(queries + i * layer->count, layer->count);
        norms[i] = length * length;
        best[i] = INFINITY;
        winners[i] = UINT32_MAX;
    }
    for (size_t r = 0; r < layer->rows; r += ROW_BLOCK) {
        size_t rows = layer->rows - r < ROW_BLOCK ? layer->rows - r : ROW_BLOCK;
        Matrix block = {NULL, WTS_F32, rows, layer->count, NULL};
        double largest = 0;
        block.data = layer->gallery + r * layer->count;
        for (size_t j = 0; j < rows; j++) {
            double norm = layer->norms[r + j];
            row_norms[j] = (float)(norm < FLT_MAX ? norm : FLT_MAX);
            largest = norm > largest ? norm : largest;
        }
        tensor_linear(dots, rows, queries, layer->count, count, &block, NULL, EPILOGUE_NONE, linear_workspace);
        for (size_t i = 0; i < count; i++)
            scan_block(queries + i * layer->count, norms[i], first + i, layer, r, rows, dots + i * rows, row_norms, largest,
                       exclusion, &best[i], &winners[i]);
    }
}

void lake_nearest(float *distances, uint32_t *winners, const float *queries, size_t count, const LakeLayer *layer,
                  LakeDistance distance, const LakeExclusion *exclusion, float *workspace)
{
    double best[QUERY_BLOCK];

    for (size_t q = 0; q < count; q += QUERY_BLOCK) {
        size_t block = count - q < QUERY_BLOCK ? count - q : QUERY_BLOCK;
        search_block(best, winners + q, queries + q * layer->count, q, block, layer, exclusion, workspace);
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
