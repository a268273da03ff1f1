/* A quantile of any number of floats, exact and in 1.5 MB: the values are shown twice and only counted.
 *
 *     quantile_open(&q, 0.99, e);
 *     for every part of the values: quantile_add(&q, part, count);
 *     quantile_narrow(&q);
 *     for every part of the values: quantile_add(&q, part, count);      the same values, in any order
 *     quantile_value(&q);
 *
 * The first round counts the upper 16 bits of each value, in the order of floats. It tells in which of 65536 intervals
 * the two order statistics lie that the quantile is interpolated from; the second round counts the lower 16 bits
 * within these. A million pixels for each of hundreds of maps need no memory and no sorting that way. */
#ifndef LAKE_EVAL_QUANTILE_H
#define LAKE_EVAL_QUANTILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct {
    double share;           /* which quantile: 0 to 1 */
    uint64_t count;         /* values of the first round */
    float least, largest;   /* of the first round */
    int narrowed;           /* the second round has begun */
    uint64_t *upper;        /* [65536] values per upper half of their key */
    uint64_t *lower[2];     /* [65536] each: values per lower half, within the interval of either order statistic */
    uint32_t interval[2];   /* upper half of the key of either order statistic */
    uint64_t rank[2];       /* and its place among the values of that interval, from 0 */
} Quantile;

int quantile_open(Quantile *quantile, double share, Error *e);
void quantile_close(Quantile *quantile);

/* Counts finite values; -0 counts as 0. */
void quantile_add(Quantile *quantile, const float *values, size_t count);

/* Ends the first round; at least one value must have been counted. */
void quantile_narrow(Quantile *quantile);

/* As NumPy's default: at the virtual index share (count - 1), interpolated between its neighbours. */
double quantile_value(const Quantile *quantile);

#endif
