/* The search for nearest rows and the greedy coreset against the loops that define them, to the bit: every size from 1
 * to 70, sizes around the blocks of the search, numbers that make its product useless, rows left out, on every kernel
 * that runs here and with several threads. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "lake.h"
#include "method/codes.h"
#include "test/test.h"

/* ---- made-up rows ---- */

typedef enum {
    EVEN,     /* of the unit cube */
    COARSE,   /* whole numbers 0 to 2: mostly ties */
    FAR_TIES, /* the same far from the origin: equal distances of unequal products */
    REPEATED, /* every other row is an earlier one */
    OFFSET,   /* far from the origin and near each other: the product's cancellation loses all digits */
    LARGE,    /* beyond the overflow of a float product */
    TINY,     /* where it underflows */
    MIXED,    /* magnitudes from 1e-30 to 1e30 */
    FALLING,  /* ever nearer to the origin: every row is the best so far */
    UNIT,     /* of unit length, as with the cosine distance */
    SHELL,    /* the same, and queries so near the middle that all rows are a millionth nearer or farther */
    OUTLIER,  /* one number a thousand times as large as the others: bytes keep little of those */
    CLOSE,    /* near the least that is coded in bytes: some rows are, some count as 0 */
    KINDS
} Kind;

static const char *const kind_names[KINDS] = {
    "even", "coarse",           "far ties",    "repeated",    "offset",           "large",  "tiny",
    "mixed magnitudes", "ever nearer", "unit length", "equal distances", "an outlier", "close"};

static float even_number(uint64_t *state)
{
    return (float)(lake_random(state) >> 40) / 16777216.0f;
}

static float number_of(Kind kind, size_t row, size_t rows, uint64_t *state)
{
    switch (kind) {
    case COARSE:
        return floorf(3 * even_number(state));
    case FAR_TIES:
        return 1000 + floorf(3 * even_number(state));
    case OFFSET:
        return 4096 + even_number(state);
    case LARGE:
        return 6e19f * (even_number(state) - 0.5f);
    case TINY:
        return 1e-21f * even_number(state);
    case MIXED:
        return even_number(state) * powf(10, 60 * even_number(state) - 30);
    case OUTLIER:
        return even_number(state) * (lake_random_below(state, 5) == 0 ? 1000.0f : 1.0f);
    case CLOSE:
        return 1e-15f * even_number(state) * even_number(state);
    case FALLING:
        return even_number(state) * 0.01f + (float)(rows - row);
    default:
        return even_number(state);
    }
}

static void make_unit(float *row, size_t width)
{
    double sum = 0;

    for (size_t k = 0; k < width; k++)
        sum += (double)row[k] * row[k];
    for (size_t k = 0; k < width && sum > 0; k++)
        row[k] = (float)(row[k] / sqrt(sum));
}

static void fill_rows(float *out, size_t rows, size_t width, Kind kind, uint64_t seed)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t k = 0; k < width; k++)
            out[r * width + k] = number_of(kind, r, rows, &seed) - (kind == SHELL || kind == UNIT ? 0.5f : 0);
        if (kind == UNIT || kind == SHELL)
            make_unit(out + r * width, width);
        if (kind == REPEATED && r % 2 == 1)
            memcpy(out + r * width, out + (size_t)lake_random_below(&seed, r) * width, width * sizeof *out);
    }
}

static double direct(const float *a, const float *b, size_t width)
{
    double sum = 0;

    for (size_t k = 0; k < width; k++) {
        double difference = (double)a[k] - b[k]; /* x87 would keep more bits without the variable */
        sum += difference * difference;
    }
    return sum;
}

/* ---- nearest rows ---- */

/* 1 where row r may be compared with query i: the sentence in lake.h, again. */
static int allowed(const LakeExclusion *x, uint32_t source, size_t i)
{
    long row = (long)(source % x->patches / x->width), column = (long)(source % x->patches % x->width);

    if (source / x->patches != x->image)
        return 1;
    return x->radius >= 0 &&
           (labs(row - (long)(i / x->width)) > x->radius || labs(column - (long)(i % x->width)) > x->radius);
}

/* How many queries do not have the distance and the winner of the double loop. */
static size_t wrong_queries(const float *queries, size_t count, const LakeLayer *layer, LakeDistance distance,
                            const LakeExclusion *exclusion)
{
    float *distances = malloc(count * sizeof *distances);
    float *workspace = malloc(lake_nearest_workspace(count, layer->count) * sizeof *workspace);
    uint32_t *winners = malloc(count * sizeof *winners);
    size_t wrong = 0;

    lake_nearest(distances, winners, queries, count, layer, distance, exclusion, workspace);
    for (size_t i = 0; i < count; i++) {
        double best = HUGE_VAL;
        uint32_t winner = UINT32_MAX;
        for (size_t r = 0; r < layer->rows; r++) {
            double squared = direct(queries + i * layer->count, layer->gallery + r * layer->count, layer->count);
            if ((exclusion == NULL || allowed(exclusion, layer->source[r], i)) && squared < best) {
                best = squared;
                winner = (uint32_t)r;
            }
        }
        best = winner == UINT32_MAX ? 0 : distance == LAKE_DISTANCE_COSINE ? best / 2 : sqrt(best);
        wrong += winners[i] != winner || distances[i] != (float)best;
    }
    free(distances);
    free(workspace);
    free(winners);
    return wrong;
}

static int open_layer(LakeLayer *layer, size_t rows, size_t width, Kind kind, uint64_t seed)
{
    Error e;

    memset(layer, 0, sizeof *layer);
    layer->rows = rows;
    layer->count = width;
    layer->gallery = malloc(rows * width * sizeof *layer->gallery);
    layer->source = malloc(rows * sizeof *layer->source);
    fill_rows(layer->gallery, rows, width, kind, seed);
    for (size_t r = 0; r < rows; r++)
        layer->source[r] = (uint32_t)r;
    return lake_layer_norms(layer, &e) != LAKE_OK || lake_layer_codes(layer, &e) != LAKE_OK;
}

static void close_layer(LakeLayer *layer)
{
    free(layer->gallery);
    free(layer->source);
    free(layer->norms);
    lake_codes_close(layer->codes);
}

/* Queries of the same kind; a third of them are rows of the gallery, at distance 0. */
static size_t try_search(size_t count, size_t rows, size_t width, Kind kind, const LakeExclusion *exclusion)
{
    float *queries = malloc(count * width * sizeof *queries);
    LakeLayer layer;
    size_t wrong;

    open_layer(&layer, rows, width, kind, 1 + rows);
    fill_rows(queries, count, width, kind, 1000 + count);
    for (size_t i = 0; i < count; i += 3)
        memcpy(queries + i * width, layer.gallery + i % rows * width, width * sizeof *queries);
    for (size_t i = 0; kind == SHELL && i < count * width; i++)
        queries[i] *= 1e-6f;
    wrong = wrong_queries(queries, count, &layer, kind == UNIT ? LAKE_DISTANCE_COSINE : LAKE_DISTANCE_L2, exclusion);
    free(queries);
    close_layer(&layer);
    return wrong;
}

static void test_search(const char *kernel)
{
    char name[100];

    for (int kind = 0; kind < KINDS; kind++) {
        size_t wrong = 0;
        for (size_t n = 1; n <= 70; n++) /* 29 and 37 have no divisor in common with 71: all sizes, mixed */
            wrong += try_search(n, n * 29 % 71, n * 37 % 71, (Kind)kind, NULL) +
                     try_search(70, n % 9 + 2, n % 5 + 1, (Kind)kind, NULL);
        wrong += try_search(75, 1100, 9, (Kind)kind, NULL);
        wrong += try_search(750, 130, 5, (Kind)kind, NULL);
        wrong += try_search(7, 40, 2100, (Kind)kind, NULL) + try_search(7, 40, 4101, (Kind)kind, NULL);
        snprintf(name, sizeof name, "nearest, %s, %s", kernel, kind_names[kind]);
        check(wrong == 0, name, "%lu queries differ from the double loop", (unsigned long)wrong);
    }
}

/* Queries beyond one call's block, and exclusions: of an image, and of a neighbourhood in the only image. */
static void test_blocks(void)
{
    LakeExclusion image = {36, 6, 3, -1}, near = {36, 6, 0, 2}, own = {36, 6, 0, 0};

    check(try_search(2100, 40, 3, EVEN, NULL) == 0, "nearest: more queries than a block", "differs");
    check(try_search(40, 12000, 6, SHELL, NULL) == 0 && try_search(40, 12000, 24, EVEN, NULL) == 0,
          "nearest: many blocks of rows, and so many near ones that floats take the place of bytes", "differs");
    check(try_search(36, 1100, 7, EVEN, &image) == 0 && try_search(36, 1100, 7, COARSE, &image) == 0,
          "nearest: an image left out", "differs");
    check(try_search(36, 36, 7, EVEN, &near) == 0 && try_search(36, 36, 7, REPEATED, &near) == 0,
          "nearest: a neighbourhood left out", "differs");
    check(try_search(36, 36, 7, REPEATED, &own) == 0, "nearest: only the patch itself left out", "differs");
    image.image = 0;
    check(try_search(36, 36, 7, EVEN, &image) == 0, "nearest: nothing left", "differs");
}

/* ---- rows in bytes ---- */

/* Whether row r, in bytes, is off by more than its block's bound, or longer than it. */
static int is_beyond(const LakeLayer *layer, size_t r)
{
    const struct LakeCodes *c = layer->codes;
    double error = 0, length = 0;

    for (size_t k = 0; k < layer->count; k++) {
        double exact = (double)layer->gallery[r * layer->count + k] - c->centre[k];
        double off = (double)c->scales[r] * c->numbers[wts_panel_index(WTS_Q8, layer->count, r, k)] - exact;
        error += off * off;
        length += exact * exact;
    }
    return sqrt(error) > c->bounds[r / CODES_BLOCK].error || sqrt(length) > c->bounds[r / CODES_BLOCK].length;
}

/* Whether a query has a length that is not its own, or numbers so small that a kernel's scale of them may underflow. */
static int is_unfit(const LakeLayer *layer, const float *query)
{
    float centred[70], largest = 0;
    double norm, error, length = 0;

    codes_centre_query(layer->codes, centred, query, &norm, &error);
    for (size_t k = 0; k < layer->count; k++) {
        double exact = (double)query[k] - layer->codes->centre[k];
        length += exact * exact;
        largest = fabsf(centred[k]) > largest ? fabsf(centred[k]) : largest;
    }
    return norm != length || (largest > 0 && largest < 1e-15f) || (largest == 0 && error < sqrt(length)) ||
           !(error >= 0);
}

static void test_codes(const char *kernel)
{
    char name[100];

    for (int kind = 0; kind < KINDS; kind++) {
        float queries[70 * 37];
        size_t wrong = 0;
        LakeLayer layer;
        open_layer(&layer, 1100, 37, (Kind)kind, 3);
        fill_rows(queries, 70, 37, (Kind)kind, 4);
        for (size_t r = 0; layer.codes != NULL && r < layer.rows; r++)
            wrong += is_beyond(&layer, r) != 0;
        for (size_t i = 0; layer.codes != NULL && i < 70; i++)
            wrong += is_unfit(&layer, queries + i * layer.count) != 0;
        snprintf(name, sizeof name, "bytes, %s, %s", kernel, kind_names[kind]);
        check(wrong == 0, name, "%lu rows or queries are not within their bounds", (unsigned long)wrong);
        close_layer(&layer);
    }
}

/* ---- the coreset ---- */

/* One row after the other, as the method says it. */
static void plain_coreset(unsigned char *chosen, size_t keep, const float *rows, size_t count, size_t width,
                          uint64_t seed)
{
    double *nearest = malloc(count * sizeof *nearest);
    size_t next = (size_t)lake_random_below(&seed, count);

    memset(chosen, 0, count);
    for (size_t i = 0; i < count; i++)
        nearest[i] = HUGE_VAL;
    for (; keep > 0; keep--) {
        size_t centre = next;
        chosen[centre] = 1;
        next = count;
        for (size_t i = 0; i < count; i++) {
            nearest[i] = fmin(nearest[i], direct(rows + centre * width, rows + i * width, width));
            if (!chosen[i] && (next == count || nearest[i] > nearest[next]))
                next = i;
        }
    }
    free(nearest);
}

static int try_coreset(size_t keep, size_t count, size_t width, Kind kind, uint64_t seed)
{
    float *rows = malloc(count * width * sizeof *rows);
    unsigned char *mine = malloc(count), *theirs = malloc(count);
    Error e;
    int same;

    fill_rows(rows, count, width, kind, seed);
    plain_coreset(theirs, keep, rows, count, width, seed);
    same = lake_coreset(mine, keep, rows, count, width, seed, &e) == LAKE_OK && memcmp(mine, theirs, count) == 0;
    free(rows);
    free(mine);
    free(theirs);
    return same;
}

static void test_coreset(const char *kernel)
{
    char name[100];

    for (int kind = 0; kind < KINDS; kind++) {
        int wrong = 0;
        for (size_t n = 1; n <= 70; n++)
            wrong += !try_coreset((n + 1) / 2, n, 1 + n * 37 % 71, (Kind)kind, n) ||
                     !try_coreset(n, n, 2, (Kind)kind, n);
        snprintf(name, sizeof name, "coreset, %s, %s", kernel, kind_names[kind]);
        check(wrong == 0, name, "%d of 70 sizes differ from the plain loop", wrong);
        snprintf(name, sizeof name, "coreset of more rows than a pool, %s, %s", kernel, kind_names[kind]);
        check(try_coreset(120, 2600, 3, (Kind)kind, 11), name, "differs from the plain loop");
    }
}

int main(void)
{
    static const char *const kernels[] = {"plain", "sse2", "avx2", "avxvnni", "avx512", "avx512vnni", "avx512bf16",
                                          "neon",  "neondot", "neonbf16"};

    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        const Kernel *kernel;
        Error e;
        if (kernel_find(&kernel, kernels[i], &e) != LAKE_OK)
            continue;
        kernel_use(kernel);
        kernel_set_threads(i % 2 == 0 ? 1 : 3);
        test_search(kernels[i]);
        if (kernel->multiplies_q8)
            test_codes(kernels[i]);
        test_coreset(kernels[i]);
    }
    kernel_set_threads(2);
    test_blocks();
    return 0;
}
