/* Pillow's bicubic resize, to the byte: src/libImaging/Resample.c of Pillow 9.4.
 *
 * A separable filter: each output column is a weighted sum of input columns, each output row a weighted sum of
 * rows of that. The weights are those of the cubic convolution kernel with a = -0.5, stretched by the scale
 * when the picture shrinks, so that it looks at all input pixels. Weights are rounded to fixed point with 22
 * fraction bits, sums to bytes; columns are done first and rounded before rows are. A side that keeps its
 * length is not filtered. Built with -ffp-contract=off on machines with fused multiply-add, or weights could
 * round differently. */
#include "image/image.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum {
    FRACTION_BITS = 22,
    BLOCK = 64 /* bytes of a row that are summed together: a fixed number, so that compilers vectorise */
};

/* For every output position i, count[i] weights for the input positions from first[i] on. */
typedef struct {
    size_t stride; /* weights of i start at weights + i * stride */
    size_t *first, *count;
    int32_t *weights;
} Taps;

static double cubic(double x)
{
    const double a = -0.5;

    x = fabs(x);
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

static void taps_free(Taps *t)
{
    free(t->first);
    free(t->count);
    free(t->weights);
}

/* The weights of one output position, normalised to the sum 1, in fixed point. */
static void fill_taps(Taps *t, size_t i, double *w, size_t in, double scale)
{
    double stretch = scale > 1.0 ? scale : 1.0, support = 2.0 * stretch, shrink = 1.0 / stretch;
    double center = ((double)i + 0.5) * scale, sum = 0.0, low = center - support + 0.5, high = center + support + 0.5;
    size_t first = low > 0.0 ? (size_t)low : 0, end = high < (double)in ? (size_t)high : in;

    for (size_t k = 0; k < end - first; k++) {
        w[k] = cubic(((double)(k + first) - center + 0.5) * shrink);
        sum += w[k];
    }
    for (size_t k = 0; k < end - first; k++) {
        double v = (sum != 0.0 ? w[k] / sum : w[k]) * (1 << FRACTION_BITS);
        t->weights[i * t->stride + k] = (int32_t)(v < 0 ? v - 0.5 : v + 0.5);
    }
    t->first[i] = first;
    t->count[i] = end - first;
}

/* The weights that turn `in` positions into `out`. */
static int make_taps(Taps *t, size_t in, size_t out, Error *e)
{
    double scale = (double)in / (double)out, *w;
    size_t widest = (size_t)ceil(2.0 * (scale > 1.0 ? scale : 1.0)) * 2 + 1, total;

    t->stride = widest < in ? widest : in;
    t->first = malloc(out * sizeof *t->first);
    t->count = malloc(out * sizeof *t->count);
    t->weights = NULL;
    if (size_multiply(out, t->stride, &total) && size_multiply(total, sizeof *t->weights, &total))
        t->weights = malloc(total);
    w = malloc(t->stride * sizeof *w);
    if (t->first == NULL || t->count == NULL || t->weights == NULL || w == NULL) {
        taps_free(t);
        free(w);
        return error_memory(e, "the weights of a resize");
    }
    for (size_t i = 0; i < out; i++)
        fill_taps(t, i, w, in, scale);
    free(w);
    return LAKE_OK;
}

/* A sum with FRACTION_BITS, which began with one half, as a byte. */
static inline unsigned char to_byte(int32_t sum)
{
    return (unsigned char)(sum <= 0 ? 0 : sum >= 256 << FRACTION_BITS ? 255 : sum >> FRACTION_BITS);
}

/* Columns: one row of `in` filtered to out[n pixels]. */
static void filter_row(unsigned char *out, const unsigned char *in, size_t n, const Taps *t)
{
    const int32_t half = 1 << (FRACTION_BITS - 1);

    for (size_t x = 0; x < n; x++, out += 3) {
        const unsigned char *p = in + t->first[x] * 3;
        const int32_t *w = t->weights + x * t->stride;
        int32_t red = half, green = half, blue = half;
        for (size_t k = 0; k < t->count[x]; k++, p += 3) {
            red += w[k] * p[0];
            green += w[k] * p[1];
            blue += w[k] * p[2];
        }
        out[0] = to_byte(red);
        out[1] = to_byte(green);
        out[2] = to_byte(blue);
    }
}

/* Rows: BLOCK bytes of an output row, from those above each other in `count` rows that are `stride` apart. */
static void filter_block(unsigned char *out, const unsigned char *in, size_t stride, const int32_t *w, size_t count)
{
    int32_t sums[BLOCK];

    for (int i = 0; i < BLOCK; i++)
        sums[i] = 1 << (FRACTION_BITS - 1);
    for (size_t k = 0; k < count; k++, in += stride)
        for (int i = 0; i < BLOCK; i++)
            sums[i] += w[k] * in[i];
    for (int i = 0; i < BLOCK; i++)
        out[i] = to_byte(sums[i]);
}

/* Filters the columns of the `rows` rows of `in` from `first` on, into rows of `width` pixels, `stride` bytes
 * apart. */
static int filter_columns(unsigned char *out, size_t stride, const Image *in, size_t width, size_t first, size_t rows,
                          Error *e)
{
    size_t in_stride = (size_t)in->width * 3;
    const unsigned char *row = in->rgb + first * in_stride, *end = row + rows * in_stride;
    Taps t;

    if (width == (size_t)in->width) {
        for (; row < end; row += in_stride, out += stride)
            memcpy(out, row, in_stride);
        return LAKE_OK;
    }
    if (make_taps(&t, (size_t)in->width, width, e) != LAKE_OK)
        return LAKE_RESOURCE;
    for (; row < end; row += in_stride, out += stride)
        filter_row(out, row, width, &t);
    taps_free(&t);
    return LAKE_OK;
}

/* Filters the rows of `in`, whose first one is row first_row of the picture; stride is a multiple of BLOCK. */
static void filter_rows(Image *out, const unsigned char *in, size_t stride, size_t first_row, const Taps *t)
{
    size_t size = (size_t)out->width * 3;
    unsigned char block[BLOCK], *to = out->rgb;

    for (size_t y = 0; y < (size_t)out->height; y++, to += size) {
        const unsigned char *from = in + (t->first[y] - first_row) * stride;
        for (size_t x = 0; x < size; x += BLOCK) {
            filter_block(block, from + x, stride, t->weights + y * t->stride, t->count[y]);
            memcpy(to + x, block, size - x < BLOCK ? size - x : BLOCK);
        }
    }
}

/* Columns, then rows. Only the rows that the second pass reads go through the first. */
static int filter_both(Image *out, const Image *in, Error *e)
{
    size_t stride = ((size_t)out->width * 3 / BLOCK + 1) * BLOCK, last = (size_t)out->height - 1, first, rows, size;
    unsigned char *between = NULL;
    Taps t;
    int code = make_taps(&t, (size_t)in->height, (size_t)out->height, e);

    if (code != LAKE_OK)
        return code;
    first = t.first[0];
    rows = t.first[last] + t.count[last] - first;
    if (size_multiply(stride, rows, &size))
        between = calloc(size, 1);
    if (between == NULL)
        code = error_memory(e, "a resize");
    if (code == LAKE_OK)
        code = filter_columns(between, stride, in, (size_t)out->width, first, rows, e);
    if (code == LAKE_OK)
        filter_rows(out, between, stride, first, &t);
    free(between);
    taps_free(&t);
    return code;
}

int img_resize(Image *out, const Image *in, int width, int height, Error *e)
{
    int code = img_new(out, width, height, e);

    if (code != LAKE_OK)
        return code;
    if (height == in->height)
        code = filter_columns(out->rgb, (size_t)width * 3, in, (size_t)width, 0, (size_t)height, e);
    else
        code = filter_both(out, in, e);
    if (code != LAKE_OK)
        img_free(out);
    return code;
}
