/* Rows in bytes, and by how much they are off. Whatever is rounded here, the bounds are of what came out: each error is
 * computed in double from the very bytes. */
#include "method/codes.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "kernel/parallel.h"
#include "weights/quantise.h"

/* Rows whose largest number is below this one count as 0, and it as their error: the product of two scales above
 * 1e-15 / 255 does not underflow. */
#define LEAST_LARGEST 1e-15f

/* A little more than 1: the rounding of sums in double. */
#define SLIGHTLY_MORE (1 + 1e-6)

enum { CENTRE_COLUMNS = 16, MOST = 2 * Q8_LARGEST + 1 };

/* ---- room ---- */

int codes_open(struct LakeCodes **codes, size_t room, size_t width, Error *e)
{
    struct LakeCodes *c = calloc(1, sizeof *c);
    size_t rows = (room + CODES_BLOCK - 1) / CODES_BLOCK * CODES_BLOCK, bytes = 0;
    int complete = c != NULL && width <= SIZE_MAX - 4 && size_multiply(rows, width + 4, &bytes);

    *codes = c;
    if (complete) {
        c->room = rows;
        c->width = width;
        c->centre = calloc(width, sizeof *c->centre);
        c->numbers = calloc(bytes, 1);
        c->scales = calloc(rows, sizeof *c->scales);
        c->bias = calloc(rows, sizeof *c->bias);
        c->bounds = calloc(rows / CODES_BLOCK, sizeof *c->bounds);
        complete = c->centre != NULL && c->numbers != NULL && c->scales != NULL && c->bias != NULL && c->bounds != NULL;
    }
    if (complete)
        return LAKE_OK;
    lake_codes_close(c);
    *codes = NULL;
    return error_memory(e, "a gallery in bytes");
}

void lake_codes_close(struct LakeCodes *codes)
{
    if (codes == NULL)
        return;
    free(codes->centre);
    free(codes->numbers);
    free(codes->scales);
    free(codes->bias);
    free(codes->bounds);
    free(codes);
}

/* Columns k to k + count - 1, at most a cache line of each row. */
static void set_centre(struct LakeCodes *c, const float *rows, size_t row_count, size_t k, size_t count)
{
    double sums[CENTRE_COLUMNS] = {0};

    for (size_t r = 0; r < row_count; r++)
        for (size_t i = 0; i < count; i++)
            sums[i] += rows[r * c->width + k + i];
    for (size_t i = 0; i < count; i++)
        c->centre[k + i] = (float)(sums[i] / (double)row_count);
}

void codes_set_centre(struct LakeCodes *codes, const float *rows, size_t count)
{
    size_t width = codes->width;

    PARALLEL((double)count * (double)width > PARALLEL_WORTHWHILE)
    {
        DIVIDED_LOOP
        for (size_t k = 0; k < width; k += CENTRE_COLUMNS)
            set_centre(codes, rows, count, k, width - k < CENTRE_COLUMNS ? width - k : CENTRE_COLUMNS);
    }
}

/* ---- rows ---- */

/* The numbers of row r, and how far they are from it. */
static double code_row(struct LakeCodes *c, size_t r, const float *row, float largest)
{
    const float scale = largest < LEAST_LARGEST ? 0 : largest / Q8_LARGEST, inverse = scale > 0 ? 1 / scale : 0;
    signed char *numbers = c->numbers + wts_panel_index(WTS_Q8, c->width, r, 0);
    const size_t step = wts_panel_step(WTS_Q8);
    double error = 0;

    for (size_t k = 0; k < c->width; k++) {
        float exact = row[k] - c->centre[k], shifted = exact * inverse + (Q8_LARGEST + 1.5f);
        int number = (int)(shifted < MOST ? shifted > 1 ? shifted : 1 : MOST) - (Q8_LARGEST + 1); /* NaN: MOST */
        double off = (double)row[k] - c->centre[k] - (double)scale * number;
        numbers[k / step * step * WTS_PANEL_ROWS + k % step] = (signed char)number;
        error += off * off;
    }
    c->scales[r] = scale;
    return sqrt(error);
}

/* Rows first to first + count - 1, a block of one bound. */
static void code_block(struct LakeCodes *c, const float *rows, size_t first, size_t count)
{
    CodeBounds bounds = {0, 0};

    for (size_t r = first; r < first + count; r++) {
        const float *row = rows + r * c->width;
        double norm = 0, error;
        float largest = 0;
        for (size_t k = 0; k < c->width; k++) {
            double number = (double)row[k] - c->centre[k];
            float size = fabsf(row[k] - c->centre[k]);
            largest = size > largest ? size : largest;
            norm += number * number;
        }
        error = code_row(c, r, row, largest);
        c->bias[r] = (float)(-0.5 * (norm < FLT_MAX ? norm : FLT_MAX));
        bounds.length = fmax(bounds.length, sqrt(norm) * SLIGHTLY_MORE);
        bounds.error = fmax(bounds.error, error * SLIGHTLY_MORE);
    }
    c->bounds[first / CODES_BLOCK] = bounds;
}

void codes_fill(struct LakeCodes *codes, const float *rows, size_t count)
{
    PARALLEL((double)count * (double)codes->width > PARALLEL_WORTHWHILE)
    {
        DIVIDED_LOOP
        for (size_t first = 0; first < count; first += CODES_BLOCK)
            code_block(codes, rows, first, count - first < CODES_BLOCK ? count - first : CODES_BLOCK);
    }
}

int lake_layer_codes(LakeLayer *layer, Error *e)
{
    int code;

    lake_codes_close(layer->codes);
    layer->codes = NULL;
    if (!kernel_current()->multiplies_q8)
        return LAKE_OK;
    code = codes_open(&layer->codes, layer->rows, layer->count, e);
    if (code == LAKE_OK) {
        codes_set_centre(layer->codes, layer->gallery, layer->rows);
        codes_fill(layer->codes, layer->gallery, layer->rows);
    }
    return code;
}

/* ---- queries ---- */

/* The numbers of `out` are off by one rounding, 2^-24 of them, and the bytes by at most CODE_ERROR of their range. */
void codes_centre_query(const struct LakeCodes *codes, float *out, const float *query, double *norm, double *error)
{
    float lowest = 0, highest = 0;

    *norm = 0;
    for (size_t k = 0; k < codes->width; k++) {
        double number = (double)query[k] - codes->centre[k];
        out[k] = query[k] - codes->centre[k];
        lowest = out[k] < lowest ? out[k] : lowest;
        highest = out[k] > highest ? out[k] : highest;
        *norm += number * number;
    }
    if (fmaxf(highest, -lowest) < LEAST_LARGEST) {
        memset(out, 0, codes->width * sizeof *out);
        *error = sqrt(*norm) * SLIGHTLY_MORE;
    } else {
        *error = ((double)highest - lowest) * KERNEL_CODE_ERROR * sqrt((double)codes->width) + sqrt(*norm) / 8388608;
    }
}
