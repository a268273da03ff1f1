/* Maps at the image's size; see map.h. */
#include "method/map.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

/* Where output index i reads: low, low + 1 (or the edge twice), and the weight of the second. */
static void bilinear_tap(size_t i, size_t out, size_t in, size_t *low, size_t *high, double *weight)
{
    double at = ((double)i + 0.5) * (double)in / (double)out - 0.5;

    if (at < 0)
        at = 0;
    *low = (size_t)at;
    if (*low > in - 1)
        *low = in - 1;
    *high = *low + 1 < in ? *low + 1 : *low;
    *weight = at - (double)*low;
}

void map_upsample(float *out, size_t height, size_t width, const float *grid, size_t grid_height, size_t grid_width)
{
    for (size_t y = 0; y < height; y++) {
        size_t top, bottom, left, right;
        double down, across;
        const float *upper, *lower;
        bilinear_tap(y, height, grid_height, &top, &bottom, &down);
        upper = grid + top * grid_width;
        lower = grid + bottom * grid_width;
        for (size_t x = 0; x < width; x++) {
            bilinear_tap(x, width, grid_width, &left, &right, &across);
            out[y * width + x] = (float)((1 - down) * ((1 - across) * upper[left] + across * upper[right]) +
                                         down * ((1 - across) * lower[left] + across * lower[right]));
        }
    }
}

/* Index i - radius of a row of n numbers mirrored at both ends with the edge repeated: d c b a | a b c d | d c b a. */
static size_t mirror(size_t i, size_t radius, size_t n)
{
    size_t period = 2 * n, at = (i + period - radius % period) % period;

    return at < n ? at : period - 1 - at;
}

/* The 2 radius + 1 weights of a Gaussian cut at 4 sigma, summing to 1. */
static void gaussian(float *kernel, size_t radius, double sigma)
{
    double sum = 0;

    for (size_t i = 0; i <= 2 * radius; i++) {
        double x = (double)i - (double)radius;
        sum += exp(-0.5 * x * x / (sigma * sigma));
    }
    for (size_t i = 0; i <= 2 * radius; i++) {
        double x = (double)i - (double)radius;
        kernel[i] = (float)(exp(-0.5 * x * x / (sigma * sigma)) / sum);
    }
}

static void blur_columns(float *out, const float *in, size_t height, size_t width, const float *kernel, size_t radius)
{
    memset(out, 0, height * width * sizeof *out);
    for (size_t y = 0; y < height; y++)
        for (size_t k = 0; k <= 2 * radius; k++) {
            const float *from = in + mirror(y + k, radius, height) * width;
            float *to = out + y * width;
            for (size_t x = 0; x < width; x++)
                to[x] += kernel[k] * from[x];
        }
}

/* padded: workspace [width + 2 radius], a row with its mirrored ends. */
static void blur_rows(float *out, const float *in, size_t height, size_t width, const float *kernel, size_t radius,
                      float *padded)
{
    memset(out, 0, height * width * sizeof *out);
    for (size_t y = 0; y < height; y++) {
        float *to = out + y * width;
        for (size_t x = 0; x < width + 2 * radius; x++)
            padded[x] = in[y * width + mirror(x, radius, width)];
        for (size_t k = 0; k <= 2 * radius; k++)
            for (size_t x = 0; x < width; x++)
                to[x] += kernel[k] * padded[x + k];
    }
}

static size_t radius_of(double sigma)
{
    return sigma > 0 ? (size_t)(4 * sigma + 0.5) : 0;
}

int map_blur(float *map, size_t height, size_t width, double sigma_y, double sigma_x, Error *e)
{
    size_t radius_y = radius_of(sigma_y), radius_x = radius_of(sigma_x);
    size_t longest = radius_y > radius_x ? radius_y : radius_x;
    float *other = malloc(height * width * sizeof *other);
    float *kernel = malloc((2 * longest + 1) * sizeof *kernel);
    float *padded = malloc((width + 2 * radius_x) * sizeof *padded);
    int code = LAKE_OK;

    if (other == NULL || kernel == NULL || padded == NULL) {
        code = error_memory(e, "a blurred map");
    } else {
        const float *from = map;
        if (radius_y > 0) {
            gaussian(kernel, radius_y, sigma_y);
            blur_columns(other, map, height, width, kernel, radius_y);
            from = other;
        }
        if (radius_x > 0) {
            gaussian(kernel, radius_x, sigma_x);
            if (from == map) {
                memcpy(other, map, height * width * sizeof *other);
                from = other;
            }
            blur_rows(map, from, height, width, kernel, radius_x, padded);
        } else if (from == other) {
            memcpy(map, other, height * width * sizeof *other);
        }
    }
    free(other);
    free(kernel);
    free(padded);
    return code;
}

int map_of_grid(float **map, size_t height, size_t width, const float *grid, size_t grid_height, size_t grid_width,
                Error *e)
{
    size_t count, bytes;
    int code;

    *map = NULL;
    if (!size_multiply(height, width, &count) || !size_multiply(count, sizeof **map, &bytes))
        return error_set(e, LAKE_RESOURCE, "a map of %llu x %llu pixels is more than this machine can address",
                         (unsigned long long)width, (unsigned long long)height);
    *map = malloc(bytes);
    if (*map == NULL)
        return error_memory(e, "a map");
    map_upsample(*map, height, width, grid, grid_height, grid_width);
    code = map_blur(*map, height, width, 4.0 * (double)height / 518, 4.0 * (double)width / 518, e);
    if (code != LAKE_OK) {
        free(*map);
        *map = NULL;
    }
    return code;
}
