/* What was excavated, looked at across detectors and against the optimum. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "method/eigen.h"
#include "lake.h"

/* The logarithm of the number of ways to choose k of n. */
static double log_choose(double n, double k)
{
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}

/* The upper tail of the hypergeometric distribution: the probability that of b drawn from `width`, `common` or more are
 * among a marked ones. */
static double chance_of(size_t common, size_t a, size_t b, size_t width)
{
    const size_t least = a + b > width ? a + b - width : 0, most = a < b ? a : b;
    const double all = log_choose((double)width, (double)b);
    double sum = 0;

    if (common <= least)
        return 1;
    for (size_t i = common; i <= most; i++)
        sum += exp(log_choose((double)a, (double)i) + log_choose((double)(width - a), (double)(b - i)) - all);
    return fmin(sum, 1);
}

int lake_overlap(LakeOverlap *overlap, const LakeLayer *a, const LakeLayer *b, Error *e)
{
    unsigned char *chosen;

    if (a->width != b->width)
        return error_set(e, LAKE_BAD_INPUT, "selections out of %llu and of %llu channels have no overlap to speak of",
                         (unsigned long long)a->width, (unsigned long long)b->width);
    if (a->basis != NULL || b->basis != NULL)
        return error_set(e, LAKE_BAD_INPUT, "a PCA selects directions, not channels: there is no overlap of channels");
    chosen = calloc(a->width, 1);
    if (chosen == NULL)
        return error_memory(e, "an overlap");
    overlap->common = 0;
    for (size_t k = 0; k < a->count; k++)
        chosen[a->channels[k]] = 1;
    for (size_t k = 0; k < b->count; k++)
        overlap->common += chosen[b->channels[k]];
    free(chosen);
    overlap->jaccard = (double)overlap->common / (double)(a->count + b->count - overlap->common);
    overlap->expected = (double)a->count * (double)b->count / (double)a->width;
    overlap->probability = chance_of(overlap->common, a->count, b->count, a->width);
    return LAKE_OK;
}

/* How much of a subspace's variance, and of the leading eigenspace, the selection holds. vectors: rows in descending
 * order of their eigenvalues. With PCA the rows of layer->basis are the selection. */
static void compare_subspaces(LakeAudit *audit, const LakeLayer *layer, const double *values, const double *vectors)
{
    double total = 0, captured = 0, optimum = 0, cosine = 0;
    size_t width = layer->width, count = layer->count;

    for (size_t i = 0; i < width; i++)
        total += values[i];
    for (size_t i = 0; i < width; i++) {
        double part = 0; /* squared length of eigenvector i's projection on the selection */
        for (size_t k = 0; k < count; k++) {
            double dot = 0;
            if (layer->basis == NULL)
                dot = vectors[i * width + layer->channels[k]];
            for (size_t d = 0; layer->basis != NULL && d < width; d++)
                dot += layer->basis[k * width + d] * vectors[i * width + d];
            part += dot * dot;
        }
        captured += values[i] * part;
        if (i < count) {
            optimum += values[i];
            cosine += part;
        }
    }
    audit->captured = total > 0 ? captured / total : 0;
    audit->optimum = total > 0 ? optimum / total : 0;
    audit->cosine = cosine / (double)count;
    audit->chance = (double)count / (double)width;
}

int lake_audit(LakeAudit *audit, const LakeDetector *detector, size_t layer, Error *e)
{
    const LakeLayer *which = &detector->layers[layer];
    size_t patches = detector->height * detector->width, offset = 0, width = which->width;
    LakeCovariance covariance = {0};
    double *values = malloc(width * sizeof *values), *vectors = NULL;
    unsigned char *skip = calloc(detector->normal_count, patches);
    int code = LAKE_OK;

    if (detector->kept == NULL)
        code = error_set(e, LAKE_USAGE, "the audit needs the normal tokens at full width; fit with --keep-tokens");
    else if (values == NULL || skip == NULL)
        code = error_memory(e, "the audit");
    if (code == LAKE_OK) {
        for (size_t l = 0; l < layer; l++)
            offset += patches * detector->layers[l].width;
        for (size_t i = 0; i < detector->dropped_count; i++)
            skip[detector->dropped[i]] = 1;
        code = lake_covariance_open(&covariance, width, e);
    }
    if (code == LAKE_OK) { /* width * width did not overflow there */
        for (size_t i = 0; i < detector->normal_count; i++)
            lake_covariance_add(&covariance, detector->kept[i] + offset, patches, which->moments.mean,
                                skip + i * patches);
        lake_covariance_finish(&covariance);
        vectors = malloc(width * width * sizeof *vectors);
        code = vectors == NULL ? error_memory(e, "the audit")
                               : eigen_symmetric(values, vectors, covariance.matrix, width, e);
    }
    if (code == LAKE_OK)
        compare_subspaces(audit, which, values, vectors);
    lake_covariance_close(&covariance);
    free(values);
    free(vectors);
    free(skip);
    return code;
}
