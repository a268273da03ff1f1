/* Exact quantile by counting twice; see quantile.h. */
#include "eval/quantile.h"

#include <stdlib.h>
#include <string.h>

#include "eval/histogram.h"

#define HALF 65536 /* values of half a key */

int quantile_open(Quantile *quantile, double share, Error *e)
{
    memset(quantile, 0, sizeof *quantile);
    quantile->share = share;
    quantile->upper = calloc(3 * (size_t)HALF, sizeof *quantile->upper);
    if (quantile->upper == NULL)
        return error_memory(e, "the counts of a quantile");
    quantile->lower[0] = quantile->upper + HALF;
    quantile->lower[1] = quantile->upper + 2 * (size_t)HALF;
    return LAKE_OK;
}

void quantile_close(Quantile *quantile)
{
    free(quantile->upper);
    memset(quantile, 0, sizeof *quantile);
}

void quantile_add(Quantile *quantile, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t key = score_key(values[i]), upper = key >> 16, lower = key & 0xffff;
        if (quantile->narrowed) {
            quantile->lower[0][lower] += upper == quantile->interval[0];
            quantile->lower[1][lower] += upper == quantile->interval[1];
            continue;
        }
        if (quantile->count == 0)
            quantile->least = quantile->largest = values[i];
        quantile->least = values[i] < quantile->least ? values[i] : quantile->least;
        quantile->largest = values[i] > quantile->largest ? values[i] : quantile->largest;
        quantile->upper[upper]++;
        quantile->count++;
    }
}

/* In which of the bins the value of this rank lies; *rank becomes its rank within that bin. */
static uint32_t find_bin(const uint64_t *bins, uint64_t *rank)
{
    uint32_t bin = 0;

    while (bin < HALF - 1 && *rank >= bins[bin])
        *rank -= bins[bin++];
    return bin;
}

/* Where the quantile lies: *below is the lower order statistic; returned is the weight of the one above it. */
static double position(const Quantile *quantile, uint64_t *below)
{
    double index = quantile->share * (double)(quantile->count - 1);

    *below = (uint64_t)index;
    return index - (double)*below;
}

void quantile_narrow(Quantile *quantile)
{
    uint64_t below;

    position(quantile, &below);
    for (int i = 0; i < 2; i++) {
        uint64_t rank = below + (uint64_t)i < quantile->count ? below + (uint64_t)i : quantile->count - 1;
        quantile->interval[i] = find_bin(quantile->upper, &rank);
        quantile->rank[i] = rank;
    }
    quantile->narrowed = 1;
}

double quantile_value(const Quantile *quantile)
{
    double value[2], weight;
    uint64_t below;

    for (int i = 0; i < 2; i++) {
        uint64_t rank = quantile->rank[i];
        value[i] = key_score(quantile->interval[i] << 16 | find_bin(quantile->lower[i], &rank));
    }
    weight = position(quantile, &below);
    return weight < 0.5 ? value[0] + (value[1] - value[0]) * weight : value[1] - (value[1] - value[0]) * (1 - weight);
}
