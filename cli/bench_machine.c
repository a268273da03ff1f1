/* The table of lake bench: peaks, copying, and the products and the attention of two towers. Each round measures
 * everything once, the peak among it, so that a slower minute of the machine meets all figures alike. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/large.h"
#include "base/measure.h"
#include "cli/bench.h"
#include "cli/verbs.h"
#include "kernel/kernel.h"
#include "tensor.h"

static const WtsType types[] = {WTS_F32, WTS_BF16, WTS_Q8};
enum { TYPES = COUNT_OF(types) };

/* The products of a block: ViT-B/16 at 224 pixels, ViT-L/14 at 518. */
static const struct {
    size_t rows, outputs, inputs;
} products[] = {{197, 2304, 768},   {197, 768, 768},    {197, 3072, 768},   {197, 768, 3072},
                {1370, 3072, 1024}, {1370, 1024, 1024}, {1370, 4096, 1024}, {1370, 1024, 4096}};

static const struct {
    size_t tokens, heads, head_width;
} attentions[] = {{197, 12, 64}, {1370, 16, 64}};

enum {
    PRODUCTS = COUNT_OF(products),
    ATTENTIONS = COUNT_OF(attentions),
    COLD_FLOATS = 1 << 25 /* weights lie here, taken in turn: more than any cache holds */
};

/* Best of all rounds, in 10^9 operations (copying: bytes) a second. */
typedef struct {
    double peak[TYPES], copy, product[PRODUCTS][TYPES], attention[ATTENTIONS][TYPES];
} Figures;

/* Memory for the largest shape of any kind. */
typedef struct {
    float *weights; /* [COLD_FLOATS] */
    float *x, *y, *bias, *workspace;
    size_t next; /* where the next weights begin */
} Room;

WtsType bench_arithmetic(WtsType type)
{
    const Kernel *kernel = kernel_current();

    return (type == WTS_BF16 && kernel->multiplies_bf16) || (type == WTS_Q8 && kernel->multiplies_q8) ? type : WTS_F32;
}

double bench_peak(WtsType type, double seconds)
{
    const Kernel *kernel = kernel_current();
    double used = 0, best = 0, begin = clock_seconds();

    if (kernel->spin == NULL)
        return 0;
    do { /* as long as a product takes: shorter ones catch moments of a higher clock that no product could keep */
        double start = clock_seconds(), count = kernel->spin(type, 1000000, &used);
        double rate = 2e-9 * count / (clock_seconds() - start);
        best = rate > best ? rate : best;
    } while (clock_seconds() - begin < seconds);
    return used == 0.125 ? 0 : best; /* which it never is; no compiler can know */
}

static void keep_best(double *best, double value)
{
    *best = value > *best ? value : *best;
}

/* Numbers between -1 and 1; any will do, but products of zeros may be faster than others. */
static void fill(float *x, size_t count)
{
    uint32_t seed = 1;

    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
    }
}

static void measure_product(double *best, size_t index, WtsType type, Room *room)
{
    size_t m = products[index].rows, n = products[index].outputs, k = products[index].inputs;
    size_t floats = n * k * wts_type_size(type) / sizeof(float);
    Matrix w = {NULL, type, n, k, room->bias, LAYOUT_PANELS};
    double start;

    if (room->next + floats > COLD_FLOATS)
        room->next = 0;
    w.data = room->weights + room->next;
    room->next += floats;
    start = clock_seconds();
    tensor_linear(room->y, n, room->x, k, m, &w, room->bias, EPILOGUE_NONE, room->workspace);
    keep_best(best, 2e-9 * (double)m * (double)n * (double)k / (clock_seconds() - start));
}

static void measure_attention(double *best, size_t index, WtsType type, Room *room)
{
    size_t n = attentions[index].tokens, heads = attentions[index].heads, d = heads * attentions[index].head_width;
    double start = clock_seconds();

    tensor_attention(room->y, d, room->x, room->x + d, room->x + 2 * d, 3 * d, n, heads, attentions[index].head_width,
                     0.125f, 0, type == WTS_F32 ? WTS_F32 : WTS_BF16, room->workspace);
    keep_best(best, 4e-9 * (double)n * (double)n * (double)d / (clock_seconds() - start));
}

static void measure_copy(double *best, Room *room)
{
    double start = clock_seconds();
    size_t half = COLD_FLOATS / 2;

    memcpy(room->weights, room->weights + half, half * sizeof(float));
    keep_best(best, 2e-9 * (double)half * sizeof(float) / (clock_seconds() - start));
}

/* The weights of every type are the same bytes: random floats are random bf16 and random q8 as well, but for bf16 beyond
 * all measure, which floats of this range are not in their upper halves only. So each type has its own fill. */
static void fill_weights(Room *room, WtsType type)
{
    fill(room->weights, COLD_FLOATS);
    if (type == WTS_BF16) {
        uint16_t *halves = (uint16_t *)(void *)room->weights;
        for (size_t i = 0; i < COLD_FLOATS; i++) {
            uint32_t bits;
            memcpy(&bits, &room->weights[i], sizeof bits);
            halves[2 * i] = halves[2 * i + 1] = (uint16_t)(bits >> 16);
        }
    }
}

static int take_room(Room *room, Error *e)
{
    size_t x = 0, y = 0, n = 0, workspace = 0;

    for (size_t i = 0; i < PRODUCTS; i++) {
        size_t need = tensor_linear_workspace(products[i].rows, products[i].outputs, products[i].inputs);
        workspace = need > workspace ? need : workspace;
        x = products[i].rows * products[i].inputs > x ? products[i].rows * products[i].inputs : x;
        y = products[i].rows * products[i].outputs > y ? products[i].rows * products[i].outputs : y;
        n = products[i].outputs > n ? products[i].outputs : n;
    }
    for (size_t i = 0; i < ATTENTIONS; i++) {
        size_t floats = 3 * attentions[i].tokens * attentions[i].heads * attentions[i].head_width;
        size_t need = tensor_attention_workspace(attentions[i].tokens, attentions[i].heads, attentions[i].head_width);
        workspace = need > workspace ? need : workspace;
        x = floats > x ? floats : x;
    }
    memset(room, 0, sizeof *room);
    room->weights = malloc((size_t)COLD_FLOATS * sizeof(float));
    room->x = large_calloc(x, sizeof(float));
    room->y = large_calloc(y, sizeof(float));
    room->bias = malloc(n * sizeof(float));
    room->workspace = large_calloc(workspace, sizeof(float));
    if (room->weights == NULL || room->x == NULL || room->y == NULL || room->bias == NULL || room->workspace == NULL)
        return error_memory(e, "matrices to multiply");
    fill(room->x, x);
    fill(room->bias, n);
    for (size_t i = 0; i < n; i++)
        room->bias[i] = room->bias[i] * room->bias[i]; /* also the scales of q8: not negative */
    return LAKE_OK;
}

static void free_room(Room *room)
{
    free(room->weights);
    free(room->x);
    free(room->y);
    free(room->bias);
    free(room->workspace);
}

static void measure_round(Figures *f, Room *room)
{
    size_t towers = kernel_current()->spin != NULL ? 2 : 1; /* minutes with the plain kernel: there the smaller alone */

    for (size_t t = 0; t < TYPES; t++) {
        if (bench_arithmetic(types[t]) != types[t])
            continue; /* would be the f32 product again, of wider numbers */
        fill_weights(room, types[t]);
        keep_best(&f->peak[t], bench_peak(types[t], 0.02));
        for (size_t i = 0; i < PRODUCTS / 2 * towers; i++) { /* twice: what the caches hold before differs */
            measure_product(&f->product[i][t], i, types[t], room);
            measure_product(&f->product[i][t], i, types[t], room);
        }
        for (size_t i = 0; i < ATTENTIONS / 2 * towers && types[t] != WTS_Q8; i++)
            measure_attention(&f->attention[i][t], i, types[t], room);
    }
    measure_copy(&f->copy, room);
}

static void print_figure(double value, double peak)
{
    if (value == 0)
        printf("%16s", "-");
    else if (peak == 0)
        printf("%11.1f     ", value);
    else
        printf("%9.1f %4.0f %%", value, 100 * value / peak);
}

static void print_figures(const Figures *f)
{
    char name[40];

    printf("%-26s", "GFLOP/s, share of peak");
    for (size_t t = 0; t < TYPES; t++)
        printf("%16s", wts_type_name(types[t]));
    printf("\n%-26s", "peak (registers alone)");
    for (size_t t = 0; t < TYPES; t++)
        print_figure(f->peak[t], f->peak[t]);
    for (size_t i = 0; i < PRODUCTS; i++) {
        snprintf(name, sizeof name, "product %lu x %lu x %lu", (unsigned long)products[i].rows,
                 (unsigned long)products[i].outputs, (unsigned long)products[i].inputs);
        printf("\n%-26s", name);
        for (size_t t = 0; t < TYPES; t++)
            print_figure(f->product[i][t], f->peak[t]);
    }
    for (size_t i = 0; i < ATTENTIONS; i++) {
        snprintf(name, sizeof name, "attention %lu, %lu heads", (unsigned long)attentions[i].tokens,
                 (unsigned long)attentions[i].heads);
        printf("\n%-26s", name);
        for (size_t t = 0; t < TYPES; t++)
            print_figure(f->attention[i][t], f->peak[t]);
    }
    printf("\nmemory copied by one thread, bytes read and written: %.1f GB/s\n", f->copy);
}

int bench_machine(int rounds, Error *e)
{
    Figures figures = {{0}, 0, {{0}}, {{0}}};
    Room room;
    int code = take_room(&room, e);

    for (int i = 0; code == LAKE_OK && i < rounds; i++)
        measure_round(&figures, &room);
    if (code == LAKE_OK)
        print_figures(&figures);
    free_room(&room);
    return code;
}
