/* Fusing on arrays (method/fuse.h), and quantiles by counting (eval/quantile.h) against sorting. The golden values of the
 * whole are in test_fuse.py, by NumPy and PyTorch. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/quantile.h"
#include "lake.h"
#include "method/fuse.h"
#include "test/test.h"

/* ---- quantiles ---- */

/* Both ways of finding a quantile; the values are shown in two parts. Exact: both interpolate the same two floats. */
static int same_quantile(const float *values, size_t count, double share)
{
    double *sorted = malloc(count * sizeof *sorted), wanted;
    Quantile q;
    Error e;
    int same;

    if (sorted == NULL || quantile_open(&q, share, &e) != LAKE_OK)
        return 0;
    for (size_t i = 0; i < count; i++)
        sorted[i] = values[i];
    wanted = lake_quantile(sorted, count, share);
    quantile_add(&q, values, count / 3);
    quantile_add(&q, values + count / 3, count - count / 3);
    quantile_narrow(&q);
    quantile_add(&q, values + count / 3, count - count / 3);
    quantile_add(&q, values, count / 3);
    same = quantile_value(&q) == wanted && q.least == sorted[0] && q.largest == sorted[count - 1] && q.count == count;
    quantile_close(&q);
    free(sorted);
    return same;
}

static void test_quantile(void)
{
    static const double shares[] = {0, 0.01, 0.3, 0.5, 0.99, 0.999, 1};
    static float values[5000];
    static const float few[] = {-0.0f, FLT_MAX, -FLT_MAX, 1e-42f, 0.0f, -1e-42f, 2, 2, 2};
    uint64_t state = 1;
    int good = 1, extreme = 1;

    for (size_t i = 0; i < 5000; i++) /* negative and positive, some equal, neighbours that differ in the last bit */
        values[i] = (float)((double)(lake_random(&state) >> 40) / (1 << 20) - 8) * (i % 3 == 0 ? 1e-3f : 1);
    for (size_t i = 0; i < 7; i++)
        for (size_t count = 1; count <= 5000; count = count * 7 + 1)
            good &= same_quantile(values, count, shares[i]);
    check(good, "quantiles of random floats", "another than by sorting");
    for (size_t i = 0; i < 7; i++)
        extreme &= same_quantile(few, sizeof few / sizeof *few, shares[i]);
    check(extreme, "quantiles of extreme floats", "another than by sorting");
}

/* ---- calibrating ---- */

static FuseScale distances(double least, double edge, double largest)
{
    FuseScale scale;
    Error e;

    check(fuse_scale(&scale, FUSE_DISTANCE, least, edge, largest, "t", &e) == LAKE_OK, "a scale", "%s", e.text);
    return scale;
}

static void test_scale(void)
{
    FuseScale s = distances(1, 4, 5);
    Error e;

    check(s.origin == 0 && fuse_calibrate(&s, 0) == 0 && fuse_calibrate(&s, 4) == 0.5 && fuse_calibrate(&s, 12) == 0.75 &&
              fuse_calibrate(&s, -1) == 0, "distances: d / (d + edge)", "0, 0.5, 0.75 expected");
    s = distances(-6, -2, 0);
    check(fuse_calibrate(&s, -6) == 0 && fuse_calibrate(&s, -2) == 0.5 && fuse_calibrate(&s, 6) == 0.75 &&
              fuse_calibrate(&s, -9) == 0, "below zero: distances from the least", "0, 0.5, 0.75 expected");
    s = distances(0, 0, 3);
    check(fuse_calibrate(&s, 3) == 0.5, "a quantile of 0: the largest is the edge", "%g", s.edge);
    s = distances(-DBL_MAX, DBL_MAX / 2, DBL_MAX);
    check(fuse_calibrate(&s, DBL_MAX / 2) == 0.5 && fuse_calibrate(&s, DBL_MAX) > 0.5, "numbers whose difference overflows",
          "%g", fuse_calibrate(&s, DBL_MAX));
    s = distances(0, DBL_MIN, DBL_MIN);
    check(fuse_calibrate(&s, DBL_MAX) == 1, "far above a tiny edge", "%g", fuse_calibrate(&s, DBL_MAX));
    check(fuse_scale(&s, FUSE_DISTANCE, 0, 0, 0, "t", &e) == LAKE_BAD_INPUT, "normals that are all 0", "accepted");
    check(fuse_scale(&s, FUSE_DISTANCE, -3, -3, -3, "t", &e) == LAKE_BAD_INPUT, "normals that are all -3", "accepted");
    check(fuse_scale(&s, FUSE_PROBABILITY, 1, 1, 1, "t", &e) == LAKE_BAD_INPUT, "probabilities that are all 1", "accepted");
}

/* Calibrating the odds of LAKE's a = d / (d + delta) is calibrating d itself. */
static void test_odds(void)
{
    FuseScale d = distances(0, 6, 7), odds, none = fuse_scale_none();
    double delta = 2.5, off = 0;
    Error e;

    fuse_scale(&odds, FUSE_PROBABILITY, 0, 6 / (6 + delta), 7 / (7 + delta), "t", &e);
    for (double x = 0; x < 100; x += 0.37) {
        off = fmax(off, fabs(fuse_calibrate(&odds, x / (x + delta)) - fuse_calibrate(&d, x)));
        off = fmax(off, fabs(fuse_calibrate(&none, x / (x + delta)) - x / (x + delta)));
    }
    check(off <= 1e-14, "odds of calibrated distances", "off by %g", off); /* some roundings of 1.1e-16, of numbers below 1 */
    check(fuse_calibrate(&odds, 1) == 1 && fuse_calibrate(&odds, 0) == 0, "0 and 1 stay", "moved");
}

/* ---- combining ---- */

static void test_maps(void)
{
    const double a = 0.2, b = 0.6; /* x87 has the literals in more bits */
    float small[] = {0, 1}, large[] = {0.25f, 0.5f, 0.75f, 0.125f, 0.5f, 0.5f, 0.5f, 0.5f};
    FuseMap lake = {1, 2, small}, other = {2, 4, large}, fused, tall = {(size_t)1 << 20, 1, NULL}, wide = {1, (size_t)1 << 20, NULL};
    const FuseScale none = fuse_scale_none();
    static const float wanted[] = {0, 0.25f, 0.75f, 1, 0, 0.25f, 0.75f, 1}; /* small, bilinear with half-pixel centres */
    float off = 0;
    Error e;

    if (!check(fuse_maps(&fused, &lake, &none, &other, &none, 0.5, FUSE_MEAN, &e) == LAKE_OK, "two maps", "%s", e.text))
        return;
    check(fused.height == 2 && fused.width == 4, "the larger size", "%d x %d", (int)fused.height, (int)fused.width);
    for (int i = 0; i < 8; i++) {
        float d = fabsf(fused.data[i] - 0.5f * (wanted[i] + large[i]));
        off = d > off ? d : off;
    }
    check(off <= 1e-7f, "enlarged and averaged", "off by %g", off);
    free(fused.data);
    if (check(fuse_maps(&fused, &lake, &none, &other, &none, 0, FUSE_MAX, &e) == LAKE_OK, "the larger of two", "%s", e.text))
        check(fused.data[3] == 1 && fused.data[4] == 0.5f, "the larger of two", "%g %g", fused.data[3], fused.data[4]);
    free(fused.data);
    check(fuse_maps(&fused, &tall, &none, &wide, &none, 0, FUSE_MEAN, &e) == LAKE_BAD_INPUT && fused.data == NULL,
          "a common size beyond reason", "made");
    check(fabs(fuse_pair(a, b, 0.25, FUSE_MEAN) - (0.75 * a + 0.25 * b)) <= 1e-16 && fuse_pair(a, b, 0, FUSE_MEAN) == a &&
              fuse_pair(a, b, 1, FUSE_MEAN) == b, "weights", "another mean");
}

int main(void)
{
    test_quantile();
    test_scale();
    test_odds();
    test_maps();
    return 0;
}
