/* The small statistics of the method: order statistics as NumPy computes them, and a random generator of our own, so
 * that a seed means the same on every machine. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "lake.h"

static int ascending(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

/* numpy/lib/function_base.py, method "linear": virtual index q (n - 1), interpolated from the nearer neighbour. */
double lake_quantile(double *values, size_t count, double q)
{
    double index = q * (double)(count - 1), low, high, weight;
    size_t below = (size_t)index;

    qsort(values, count, sizeof *values, ascending);
    if (below + 1 >= count)
        return values[count - 1];
    low = values[below];
    high = values[below + 1];
    weight = index - (double)below;
    return weight < 0.5 ? low + (high - low) * weight : high - (high - low) * (1 - weight);
}

double lake_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, ascending);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

/* splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014). */
uint64_t lake_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t lake_random_below(uint64_t *state, uint64_t bound)
{
    uint64_t rest = (0 - bound) % bound; /* 2^64 mod bound: so many of the smallest numbers are rejected */
    uint64_t drawn;

    do
        drawn = lake_random(state);
    while (drawn < rest);
    return drawn % bound;
}

/* Adds the outer products of four centred tokens x [4, width] to the lower triangle: four at a time, because the
 * matrix does not fit a cache and each visit to it should do some work. */
static void add_outer_products(double *matrix, const double *x, size_t width)
{
    const double *a = x, *b = x + width, *c = x + 2 * width, *d = x + 3 * width;

    for (size_t i = 0; i < width; i++) {
        double *row = matrix + i * width;
        for (size_t j = 0; j <= i; j++)
            row[j] += a[i] * a[j] + b[i] * b[j] + c[i] * c[j] + d[i] * d[j];
    }
}

int lake_covariance_open(LakeCovariance *c, size_t width, Error *e)
{
    size_t cells;

    memset(c, 0, sizeof *c);
    c->width = width;
    c->waiting = calloc(width, 4 * sizeof *c->waiting);
    c->matrix = size_multiply(width, width, &cells) ? calloc(cells, sizeof *c->matrix) : NULL;
    if (c->waiting != NULL && c->matrix != NULL)
        return LAKE_OK;
    lake_covariance_close(c);
    return error_memory(e, "a covariance matrix");
}

void lake_covariance_close(LakeCovariance *c)
{
    free(c->matrix);
    free(c->waiting);
    memset(c, 0, sizeof *c);
}

void lake_covariance_add(LakeCovariance *c, const float *tokens, size_t patches, const double *mean,
                         const unsigned char *skip)
{
    for (size_t p = 0; p < patches; p++) {
        if (skip != NULL && skip[p])
            continue;
        for (size_t d = 0; d < c->width; d++)
            c->waiting[c->used * c->width + d] = tokens[p * c->width + d] - mean[d];
        c->count++;
        if (++c->used == 4) {
            add_outer_products(c->matrix, c->waiting, c->width);
            c->used = 0;
        }
    }
}

void lake_covariance_finish(LakeCovariance *c)
{
    if (c->used > 0) {
        memset(c->waiting + c->used * c->width, 0, (4 - c->used) * c->width * sizeof *c->waiting);
        add_outer_products(c->matrix, c->waiting, c->width);
    }
    for (size_t i = 0; i < c->width * c->width; i++)
        c->matrix[i] /= (double)c->count;
}
