/* lake bench: what the machine can do, what the kernels make of it, seconds per image, memory. */
#include "cli/bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/measure.h"
#include "cli/model.h"
#include "cli/verbs.h"
#include "kernel/kernel.h"

static int run(int argc, char **argv, Error *e);

const Verb verb_bench = {"bench", "[--weights W] [--res R] [--runs N] [--json]",
                         "measure products against the machine's peak, seconds per image, memory",
                         "Example: lake bench --weights vit_b16.clip --res 224\n"
                         "Without --weights: peaks, products and attention of ViT-B/16 at 224 and ViT-L/14 at 518 pixels.\n"
                         "LAKE_KERNEL chooses another kernel, OMP_NUM_THREADS the number of threads.",
                         run};

typedef struct {
    const char *weights;
    size_t resolution, runs;
    int json;
} BenchOptions;

/* What a tower took. */
typedef struct {
    double cold;         /* seconds from opening the file to the end of the first image */
    double median, best; /* seconds of an image after it */
    double gflop;        /* 10^9 operations of an image */
    double peak;         /* 10^9 operations a second on registers alone, in the arithmetic of the weights */
    double own_mb;       /* memory without mapped files */
} TowerFigures;

/* Multiplications and additions of an image whose embedding and patch tokens in the joint space are wanted. */
static double count_gflop(const ClipConfig *c, size_t tokens)
{
    double n = (double)tokens, d = c->vision.width, layer = 8 * n * d * d + 4 * n * d * c->vision.mlp + 4 * n * n * d;
    double patches = 2 * (n - 1) * d * 3 * c->patch * c->patch, projected = c->has_projection ? 2 * n * d * c->embed : 0;

    return 1e-9 * (c->vision.layers * layer + patches + projected);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* Warm images, `seconds` [runs] sorted; the peak before and after each of them. */
static void measure_warm(TowerFigures *f, double *seconds, size_t runs, const Clip *model, ClipState *state,
                         const float *pixels, const ClipRequest *request)
{
    WtsType type = bench_arithmetic(model->weights.vision_blocks[0].mlp_in.type);

    for (size_t i = 0; i < runs; i++) {
        double start, peak = bench_peak(type, 0.02);
        f->peak = peak > f->peak ? peak : f->peak;
        start = clock_seconds();
        clip_image(model, state, pixels, request);
        seconds[i] = clock_seconds() - start;
    }
    qsort(seconds, runs, sizeof *seconds, ascending);
    f->best = seconds[0];
    f->median = seconds[runs / 2];
}

/* Opens a state and runs the tower on synthetic pixels; `start` is when opening began. */
static int measure_tower(TowerFigures *f, const Clip *model, const BenchOptions *o, double start, Error *e)
{
    size_t resolution = o->resolution > 0 ? o->resolution : clip_default_resolution(model), floats;
    float *pixels, *out;
    double *seconds;
    ClipRequest request = {0};
    ClipState state;
    int code = clip_state_open(&state, model, resolution, GRID_BICUBIC_ANTIALIAS, e);

    if (code != LAKE_OK)
        return code;
    floats = 3 * resolution * resolution;
    pixels = malloc(floats * sizeof *pixels);
    out = malloc(state.tokens * model->config.embed * sizeof *out);
    seconds = malloc(o->runs * sizeof *seconds);
    if (pixels == NULL || out == NULL || seconds == NULL) {
        code = error_memory(e, "pixels");
    } else {
        for (size_t i = 0; i < floats; i++)
            pixels[i] = sinf((float)(i % 4096) * 0.37f);
        request.embedding = out;
        request.patches = out + model->config.embed;
        clip_image(model, &state, pixels, &request);
        f->cold = clock_seconds() - start;
        f->gflop = count_gflop(&model->config, state.tokens);
        measure_warm(f, seconds, o->runs, model, &state, pixels, &request);
        f->own_mb = memory_own_mb();
    }
    free(pixels);
    free(out);
    free(seconds);
    clip_state_close(&state);
    return code;
}

static void print_tower(const TowerFigures *f, const Clip *model, const BenchOptions *o)
{
    double rate = f->gflop / f->median;

    printf("%s, %s, kernel %s, threads %d\n", wts_path(model->file),
           wts_type_name(model->weights.vision_blocks[0].mlp_in.type), kernel_current()->name, kernel_threads());
    printf("  an image      %.4f s (median of %lu; best %.4f), %.1f GFLOP\n", f->median, (unsigned long)o->runs, f->best,
           f->gflop);
    printf("  speed         %.1f GFLOP/s", rate);
    if (f->peak > 0)
        printf(", %.0f %% of the peak of %.1f; best image %.0f %%", 100 * rate / f->peak, f->peak,
               100 * f->gflop / f->best / f->peak);
    printf("\n  the first     %.4f s, opening the weights included\n", f->cold);
    if (memory_peak_mb() >= 0)
        printf("  memory        %.0f MB at most, weights of %.0f MB included where they were read", memory_peak_mb(),
               1e-6 * (double)wts_size(model->file));
    if (f->own_mb >= 0)
        printf("; %.0f MB of its own", f->own_mb);
    printf("\n");
    if (o->json)
        printf("{\"seconds_per_image\": %.6g, \"gflops\": %.6g, \"peak_gflops\": %.6g, \"peak_rss_mb\": %.6g, "
               "\"threads\": %d, \"kernel\": \"%s\", \"seconds_best\": %.6g, \"seconds_first\": %.6g, \"own_mb\": %.6g}\n",
               f->median, rate, f->peak, memory_peak_mb(), kernel_threads(), kernel_current()->name, f->best, f->cold,
               f->own_mb);
}

static int bench(const BenchOptions *o, Error *e)
{
    TowerFigures figures = {0, 0, 0, 0, 0, 0};
    double start = clock_seconds();
    Clip model;
    int code;

    if (o->weights == NULL && !o->json) {
        code = tensor_begin(e);
        if (code != LAKE_OK)
            return code;
        printf("kernel %s, threads %d\n", kernel_current()->name, kernel_threads());
        return bench_machine((int)o->runs, e);
    }
    code = model_open(&model, "bench", o->weights, NULL, e);
    if (code != LAKE_OK)
        return code;
    code = measure_tower(&figures, &model, o, start, e);
    if (code == LAKE_OK)
        print_tower(&figures, &model, o);
    clip_close(&model);
    return code;
}

static int run(int argc, char **argv, Error *e)
{
    BenchOptions o = {NULL, 0, 7, 0};
    Arguments arguments;
    const Option options[] = {
        {"--weights", OPTION_TEXT, &o.weights, "W", 0, 0, "time the image tower of this flat binary"},
        {"--res", OPTION_COUNT, &o.resolution, "R", 0, 0, "side of the image in pixels (default: as fit and zero)"},
        {"--runs", OPTION_COUNT, &o.runs, "N", 0, 0, "images after the first, or rounds of products (7)"},
        {"--json", OPTION_FLAG, &o.json, NULL, 0, 0, "end with one line of JSON"},
    };
    int code = arguments_read(&arguments, &verb_bench, options, COUNT_OF(options), argc, argv, e);

    if (code == LAKE_OK && !arguments.help) {
        if (arguments.count > 0)
            code = error_set(e, LAKE_USAGE, "expected no argument, found %s", arguments.items[0]);
        else if (o.runs < 1 || o.runs > 1000)
            code = error_set(e, LAKE_USAGE, "--runs: expected 1 to 1000, found %lu", (unsigned long)o.runs);
        else
            code = bench(&o, e);
    }
    arguments_free(&arguments);
    return code;
}
