/* What the method costs beside the tower: gallery [ROWS [WIDTH [QUERIES [LATENT [RUNS]]]]]
 *
 * The nearest rows of QUERIES patches in a gallery of ROWS x WIDTH numbers, beside the bare matrix product of the same
 * size, and greedy coresets of 1 % and 10 % of the gallery. The defaults are 200 images of a ViT-L/14 at 518 pixels in
 * 100 neurons. Rows are made up: LATENT independent normal numbers per row, mapped to WIDTH by a fixed random matrix,
 * plus a tenth of noise; LATENT 0: WIDTH independent normal numbers. RUNS 0: the coresets alone. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/measure.h"
#include "kernel/kernel.h"
#include "lake.h"
#include "tensor.h"

enum { BLOCK = 512, MOST_RUNS = 100 };

/* Nearly normal: a sum of four even numbers, of variance 1. */
static float normal_number(uint64_t *state)
{
    uint64_t bits = lake_random(state);
    double sum = 0;

    for (int i = 0; i < 4; i++)
        sum += (double)(bits >> 16 * i & 65535) / 65536 - 0.5;
    return (float)(sum * sqrt(3));
}

static int make_rows(float *rows, size_t count, size_t width, size_t latent, uint64_t seed, Error *e)
{
    float *map = malloc((latent * width + latent + 1) * sizeof *map), *z = map + latent * width;
    uint64_t fixed = 7;

    if (map == NULL)
        return error_memory(e, "the made-up rows");
    for (size_t i = 0; i < latent * width; i++)
        map[i] = normal_number(&fixed);
    for (size_t r = 0; r < count; r++) {
        for (size_t i = 0; i < latent; i++)
            z[i] = normal_number(&seed);
        for (size_t d = 0; d < width; d++)
            rows[r * width + d] = normal_number(&seed) * (latent == 0 ? 1.0f : 0.1f);
        for (size_t i = 0; i < latent; i++)
            for (size_t d = 0; d < width; d++)
                rows[r * width + d] += z[i] * map[i * width + d];
    }
    free(map);
    return LAKE_OK;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static void report(const char *what, double *seconds, int runs, double flop)
{
    qsort(seconds, (size_t)runs, sizeof *seconds, ascending);
    printf("%-8s best %.4f median %.4f s, %.0f GFLOP/s\n", what, seconds[0], seconds[runs / 2],
           flop / seconds[0] / 1e9);
}

/* The product of the queries with all rows, a block at a time, results thrown away. */
static void product(float *y, const float *queries, size_t count, const LakeLayer *layer, float *workspace)
{
    for (size_t r = 0; r < layer->rows; r += BLOCK) {
        Matrix block = {0};
        block.type = WTS_F32;
        block.data = layer->gallery + r * layer->count;
        block.rows = layer->rows - r < BLOCK ? layer->rows - r : BLOCK;
        block.columns = layer->count;
        tensor_linear(y, BLOCK, queries, layer->count, count, &block, NULL, EPILOGUE_NONE, workspace);
    }
}

static int measure_search(const LakeLayer *layer, const float *queries, size_t count, int runs, Error *e)
{
    double flop = 2.0 * (double)count * (double)layer->rows * (double)layer->count;
    double plain[MOST_RUNS], nearest[MOST_RUNS], start;
    float *y = malloc(count * BLOCK * sizeof *y), *distances = malloc(count * sizeof *distances);
    float *w = malloc(tensor_linear_workspace(count, BLOCK, layer->count) * sizeof *w);
    float *workspace = malloc(lake_nearest_workspace(count, layer->count) * sizeof *workspace);
    uint32_t *winners = malloc(count * sizeof *winners);
    int complete = y != NULL && distances != NULL && w != NULL && workspace != NULL && winners != NULL;

    for (int i = 0; complete && i < runs; i++) {
        start = clock_seconds();
        product(y, queries, count, layer, w);
        plain[i] = clock_seconds() - start;
        start = clock_seconds();
        lake_nearest(distances, winners, queries, count, layer, LAKE_DISTANCE_L2, NULL, workspace);
        nearest[i] = clock_seconds() - start;
    }
    if (complete && runs > 0) {
        report("product", plain, runs, flop);
        report("nearest", nearest, runs, flop);
    }
    free(y);
    free(distances);
    free(w);
    free(workspace);
    free(winners);
    return complete ? LAKE_OK : error_memory(e, "the search");
}

static int measure_coreset(const LakeLayer *layer, double share, Error *e)
{
    size_t keep = (size_t)(share * (double)layer->rows);
    unsigned char *chosen = malloc(layer->rows);
    double start = clock_seconds();
    int code = chosen != NULL ? lake_coreset(chosen, keep, layer->gallery, layer->rows, layer->count, 1, e)
                              : error_memory(e, "the coreset");

    if (code == LAKE_OK) {
        printf("coreset  %g %%, %lu rows: %.2f s\n", 100 * share, (unsigned long)keep, clock_seconds() - start);
        fflush(stdout);
    }
    free(chosen);
    return code;
}

static int measure(LakeLayer *layer, size_t count, size_t latent, int runs, Error *e)
{
    float *queries = malloc(count * layer->count * sizeof *queries);
    int code;

    layer->gallery = malloc(layer->rows * layer->count * sizeof *layer->gallery);
    layer->source = calloc(layer->rows, sizeof *layer->source);
    code = queries != NULL && layer->gallery != NULL && layer->source != NULL
               ? make_rows(layer->gallery, layer->rows, layer->count, latent, 1, e)
               : error_memory(e, "the gallery");
    if (code == LAKE_OK)
        code = make_rows(queries, count, layer->count, latent, 2, e);
    if (code == LAKE_OK)
        code = lake_layer_norms(layer, e);
    if (code == LAKE_OK)
        code = lake_layer_codes(layer, e);
    if (code == LAKE_OK)
        code = measure_search(layer, queries, count, runs, e);
    if (code == LAKE_OK)
        code = measure_coreset(layer, 0.01, e);
    if (code == LAKE_OK)
        code = measure_coreset(layer, 0.1, e);
    free(queries);
    free(layer->gallery);
    free(layer->source);
    free(layer->norms);
    lake_codes_close(layer->codes);
    return code;
}

static size_t number(int argc, char **argv, int at, size_t otherwise)
{
    return argc > at ? (size_t)strtoul(argv[at], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    size_t queries = number(argc, argv, 3, 1369), latent = number(argc, argv, 4, 16), runs = number(argc, argv, 5, 5);
    LakeLayer layer;
    Error e;
    int code;

    memset(&layer, 0, sizeof layer);
    layer.rows = number(argc, argv, 1, 273800);
    layer.count = number(argc, argv, 2, 100);
    if (layer.rows < 100 || layer.count == 0 || queries == 0 || runs > MOST_RUNS) {
        fprintf(stderr, "usage: gallery [ROWS [WIDTH [QUERIES [LATENT [RUNS]]]]], at least 100 rows, at most %d runs\n",
                MOST_RUNS);
        return LAKE_USAGE;
    }
    code = tensor_begin(&e);
    printf("%s, %d threads: %lu queries, %lu rows of %lu, %lu of them independent\n", kernel_current()->name,
           kernel_threads(), (unsigned long)queries, (unsigned long)layer.rows, (unsigned long)layer.count,
           (unsigned long)(latent > 0 ? latent : layer.count));
    if (code == LAKE_OK)
        code = measure(&layer, queries, latent, (int)runs, &e);
    if (code != LAKE_OK)
        fprintf(stderr, "%s\n", e.text);
    return code;
}
