/* Time and memory of measuring pixels: metrics [IMAGES [SIDE [EXACT]]]
 *
 * All measures of IMAGES maps of SIDE x SIDE (default 160 of 1024), half of them with a mask of three to nine round
 * regions. The maps are made as a detector's are: a 37 x 37 grid of made-up patch scores, higher on the defects but not
 * everywhere, brought to SIDE (map_of_grid); what making them takes is not counted. EXACT: so many pixels are kept one
 * by one (default: EVAL_EXACT_PIXELS); where it is all of them the margins are 0 and memory is not bounded. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/measure.h"
#include "eval/metrics.h"
#include "kernel/kernel.h"
#include "lake.h"
#include "method/map.h"
#include "tensor.h"

enum { GRID = 37, MOST_SIDE = 8192 };

/* In [0, 1). */
static double uniform(uint64_t *state)
{
    return (double)(lake_random(state) >> 11) / 9007199254740992.0;
}

/* Round regions of up to a twelfth of the side. */
static void draw_mask(unsigned char *mask, size_t side, uint64_t *state)
{
    const int regions = 3 + (int)(lake_random(state) % 7);

    memset(mask, 0, side * side);
    for (int r = 0; r < regions; r++) {
        const double x = uniform(state) * (double)side, y = uniform(state) * (double)side;
        const double radius = (0.01 + 0.07 * uniform(state)) * (double)side;
        for (size_t j = 0; j < side; j++)
            for (size_t i = 0; i < side; i++)
                if (((double)i - x) * ((double)i - x) + ((double)j - y) * ((double)j - y) < radius * radius)
                    mask[j * side + i] = 255;
    }
}

/* A new map; the patches in whose middle the mask is set are higher, by chance up to three times. */
static int make_map(float **map, const unsigned char *mask, size_t side, uint64_t *state, Error *e)
{
    float grid[GRID * GRID];

    for (size_t p = 0; p < GRID * GRID; p++) {
        const size_t y = (2 * (p / GRID) + 1) * side / (2 * GRID), x = (2 * (p % GRID) + 1) * side / (2 * GRID);
        const double noise = uniform(state) + uniform(state) + uniform(state);
        grid[p] = (float)(0.2 + 0.1 * noise + (mask != NULL && mask[y * side + x] != 0 ? 0.6 * uniform(state) : 0));
    }
    return map_of_grid(map, side, side, grid, GRID, GRID, e);
}

/* Adds all images; *seconds is what the measures took. */
static int add_images(EvalPixels *pixels, size_t images, size_t side, double *seconds, Error *e)
{
    unsigned char *mask = malloc(side * side);
    uint64_t state = 1;
    int code = mask != NULL ? LAKE_OK : error_memory(e, "a mask");

    for (size_t i = 0; i < images && code == LAKE_OK; i++) {
        const int defective = i % 2 == 1;
        float *map = NULL;
        double start;
        if (defective)
            draw_mask(mask, side, &state);
        code = make_map(&map, defective ? mask : NULL, side, &state, e);
        start = clock_seconds();
        if (code == LAKE_OK)
            code = eval_pixels_add(pixels, map, defective ? mask : NULL, side, side, e);
        *seconds += clock_seconds() - start;
        free(map);
    }
    free(mask);
    return code;
}

static int measure(size_t images, size_t side, size_t exact, Error *e)
{
    EvalPixels *pixels = NULL;
    EvalPixelScores scores;
    double adding = 0, start;
    int code = eval_pixels_open(&pixels, exact, e);

    if (code == LAKE_OK)
        code = add_images(pixels, images, side, &adding, e);
    start = clock_seconds();
    if (code == LAKE_OK)
        code = eval_pixels_scores(pixels, &scores, e);
    if (code == LAKE_OK) {
        const double last = clock_seconds() - start;
        printf("%lu maps of %lu x %lu, %lu regions, %d threads: %.2f s (%.2f adding, %.2f at the end), peak %.0f MB\n",
               (unsigned long)images, (unsigned long)side, (unsigned long)side, (unsigned long)scores.regions,
               kernel_threads(), adding + last, adding, last, memory_peak_mb());
        printf("auroc %.9f +- %.2g, ap %.9f, f1max %.9f, pro %.9f +- %.2g, pro_200 %.9f\n", scores.auroc,
               scores.auroc_margin, scores.ap, scores.f1max, scores.pro, scores.pro_margin, scores.pro_200);
    }
    eval_pixels_close(pixels);
    return code;
}

int main(int argc, char **argv)
{
    const size_t images = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 160;
    const size_t side = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 1024;
    const size_t exact = argc > 3 ? (size_t)strtoul(argv[3], NULL, 10) : 0;
    Error e;
    int code;

    if (images == 0 || side < GRID || side > MOST_SIDE) {
        fprintf(stderr, "usage: metrics [IMAGES [SIDE [EXACT]]], sides from %d to %d\n", GRID, MOST_SIDE);
        return LAKE_USAGE;
    }
    code = tensor_begin(&e);
    if (code == LAKE_OK)
        code = measure(images, side, exact, &e);
    if (code != LAKE_OK)
        fprintf(stderr, "%s\n", e.text);
    return code;
}
