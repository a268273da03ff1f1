/* Counts of pixels per score, as fine as a fixed amount of memory permits whatever the range of the scores. */
#ifndef LAKE_EVAL_HISTOGRAM_H
#define LAKE_EVAL_HISTOGRAM_H

#include <stdint.h>

#include "base/bytes.h"
#include "eval/curve.h"

/* A finite float's place in the order of floats: a < b exactly where score_key(a) < score_key(b); -0 is 0. */
static inline uint32_t score_key(float score)
{
    uint32_t bits = score == 0 ? 0 : float_to_bits(score);

    return bits >> 31 != 0 ? ~bits : bits | UINT32_C(0x80000000);
}

static inline float key_score(uint32_t key)
{
    return bits_to_float(key >> 31 != 0 ? key & UINT32_C(0x7fffffff) : ~key);
}

typedef struct Histogram Histogram;

/* Empty, every float apart from every other. NULL where memory is out. */
Histogram *histogram_new(void);
void histogram_free(Histogram *h);

/* Makes room for a key, merging neighbouring bins everywhere where memory would grow past the limit. Returns 0 where
 * memory is out; the counts are as before in every case. */
int histogram_reserve(Histogram *h, uint32_t key);

/* Adds one pixel whose key was reserved: a normal one for area 0, else one of a defect region of that area. Up to
 * UINT32_MAX pixels in all. */
void histogram_add(Histogram *h, uint32_t key, uint32_t area);

/* A CurveWalk over the non-empty bins; a bin's score is the lowest in it. */
void histogram_walk(const void *histogram, CurveVisitor *visit, void *context);

#endif
