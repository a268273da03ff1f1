/* Seconds per image of the image tower: tower WEIGHTS.clip RESOLUTION [RUNS]
 *
 * One warm-up, then RUNS images (default 9) on synthetic pixels; prints minimum and median. Embedding and patch tokens in the
 * joint space are asked for, as ../shared/peers exports them to ONNX. bench/compare.sh alternates it with ONNX Runtime. */
#if defined(__unix__) || defined(__APPLE__)
#define _POSIX_C_SOURCE 200809L
#endif

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "clip.h"
#include "kernel/kernel.h"

#define MOST_RUNS 100

static double now(void)
{
    struct timespec t;

#ifdef _POSIX_C_SOURCE
    clock_gettime(CLOCK_MONOTONIC, &t);
#else
    timespec_get(&t, TIME_UTC);
#endif
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static int measure(const Clip *model, size_t resolution, int runs, Error *e)
{
    size_t pixels = 3 * resolution * resolution, patches;
    double seconds[MOST_RUNS], start;
    ClipRequest request = {0};
    ClipState state;
    float *x, *out;
    int code = clip_state_open(&state, model, resolution, GRID_BICUBIC_ANTIALIAS, e);

    if (code != LAKE_OK)
        return code;
    patches = state.grid * state.grid;
    x = malloc(pixels * sizeof *x);
    out = malloc((patches + 1) * model->config.embed * sizeof *out);
    if (x == NULL || out == NULL) {
        code = error_memory(e, "pixels");
    } else {
        for (size_t i = 0; i < pixels; i++)
            x[i] = sinf((float)(i % 4096) * 0.37f);
        request.embedding = out;
        request.patches = out + model->config.embed;
        clip_image(model, &state, x, &request);
        for (int i = 0; i < runs; i++) {
            start = now();
            clip_image(model, &state, x, &request);
            seconds[i] = now() - start;
        }
        qsort(seconds, (size_t)runs, sizeof *seconds, ascending);
        printf("lake %s res %d threads %d: best %.4f median %.4f s/image\n", kernel_current()->name, (int)resolution, kernel_threads(),
               seconds[0], seconds[runs / 2]);
    }
    free(x);
    free(out);
    clip_state_close(&state);
    return code;
}

int main(int argc, char **argv)
{
    int code, runs = argc > 3 ? atoi(argv[3]) : 9;
    Clip model;
    Error e;

    if (argc < 3 || runs < 1 || runs > MOST_RUNS) {
        fprintf(stderr, "usage: tower WEIGHTS.clip RESOLUTION [RUNS], 1 to %d runs\n", MOST_RUNS);
        return LAKE_USAGE;
    }
    code = clip_open(&model, argv[1], &e);
    if (code == LAKE_OK) {
        code = measure(&model, (size_t)atol(argv[2]), runs, &e);
        clip_close(&model);
    }
    if (code != LAKE_OK)
        fprintf(stderr, "%s\n", e.text);
    return code;
}
