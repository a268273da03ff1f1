/* Greedy k-centre, as PatchCore thins its memory bank: again and again the row that is farthest from all chosen ones
 * is chosen (ties to the smaller row); the first is drawn with the seed. Once every row equals a chosen one, the
 * farthest is at distance 0 and the smallest row not yet chosen is taken.
 *
 * Exactly that, but many choices at a time, so that the distances are a matrix product (nearest.c). A row's distance to
 * the chosen ones can only shrink. So take the POOL rows that are farthest now, and among them choose greedily for as
 * long as the one to choose is farther than every row outside was at the start: outside, none can be farther by then.
 * After that all rows learn their distances to the newly chosen ones. A round chooses at least one row, mostly
 * hundreds. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "kernel/kernel.h"
#include "method/codes.h"
#include "method/nearest.h"
#include "tensor.h"

enum { POOL = 2048 };

typedef struct {
    double distance; /* squared, to the nearest chosen row */
    size_t row;
} Candidate;

typedef struct {
    LakeLayer rows;   /* the gallery: gallery, rows, count, norms */
    LakeLayer chosen; /* of this round, copied, in bytes as well where those are faster */
    double *nearest;  /* [rows] squared distance to the chosen rows; -1: chosen itself */
    Candidate *pool;  /* [POOL + 1] */
    float *numbers;   /* [POOL, width] the pool's rows */
    float *dots;      /* [POOL, POOL] of each with each */
    float *workspace; /* of the search, or of the product in the pool */
} Coreset;

/* Whether a is to be chosen before b. */
static int precedes(const Candidate *a, const Candidate *b)
{
    return a->distance > b->distance || (a->distance == b->distance && a->row < b->row);
}

/* ---- the pool: a heap whose root is the last to be chosen ---- */

/* Puts an item where the place `at` is free, below which the heap is in order. */
static void sink(Candidate *heap, size_t count, size_t at, Candidate item)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < count && precedes(&heap[child], &heap[child + 1]))
            child++;
        if (child >= count || !precedes(&item, &heap[child]))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = item;
}

/* Fills the pool with the first `size` rows to be chosen, or all that are left; *outside is the next one, of distance
 * -1 where there is none. Returns how many rows are in the pool. */
static size_t fill_pool(Coreset *c, size_t size, Candidate *outside)
{
    Candidate *heap = c->pool;
    size_t count = 0;

    outside->distance = -1;
    outside->row = SIZE_MAX;
    for (size_t i = 0; i < c->rows.rows; i++) {
        Candidate item = {c->nearest[i], i};
        if (item.distance < 0)
            continue;
        if (count <= size) {
            heap[count++] = item;
            for (size_t at = count / 2; count == size + 1 && at > 0; at--)
                sink(heap, count, at - 1, heap[at - 1]);
        } else if (precedes(&item, &heap[0])) {
            sink(heap, count, 0, item);
        }
    }
    if (count <= size)
        return count;
    *outside = heap[0];
    heap[0] = heap[size];
    return size;
}

/* ---- choosing ---- */

static void multiply_pool(Coreset *c, size_t count)
{
    size_t width = c->rows.count;
    Matrix rows = {0};

    for (size_t j = 0; j < count; j++)
        memcpy(c->numbers + j * width, c->rows.gallery + c->pool[j].row * width, width * sizeof *c->numbers);
    rows.type = WTS_F32;
    rows.data = c->numbers;
    rows.rows = count;
    rows.columns = width;
    tensor_linear(c->dots, count, c->numbers, width, count, &rows, NULL, EPILOGUE_NONE, c->workspace);
}

/* Item k of the pool is chosen: the distances of the others to it, where the product does not rule out that they are
 * smaller than those that they have. */
static void approach(Coreset *c, size_t count, size_t k, double gamma)
{
    size_t width = c->rows.count;
    double norm = c->rows.norms[c->pool[k].row];

    c->pool[k].distance = -1;
    for (size_t j = 0; j < count; j++) {
        Candidate *item = &c->pool[j];
        double norms = norm + c->rows.norms[item->row], squared;
        if (item->distance < 0 || (norms < NEAREST_LIMIT && norms - 2.0 * c->dots[k * count + j] >
                                                                item->distance + 2 * (norms * gamma + FLT_MIN)))
            continue;
        squared = nearest_squared(c->numbers + k * width, c->numbers + j * width, width);
        if (squared < item->distance)
            item->distance = squared;
    }
}

/* The place of the pool's item to be chosen next. */
static size_t first_of(const Candidate *pool, size_t count)
{
    size_t first = 0;

    for (size_t j = 1; j < count; j++)
        if (precedes(&pool[j], &pool[first]))
            first = j;
    return first;
}

/* Chooses at most `most` rows, at least one; they are marked, and copied to c->chosen. */
static void choose(Coreset *c, unsigned char *chosen, size_t most, size_t pool_size)
{
    size_t width = c->rows.count, k = 0;
    double gamma = nearest_gamma(width);
    Candidate outside;
    size_t count = fill_pool(c, pool_size, &outside);

    multiply_pool(c, count);
    c->chosen.rows = 0;
    for (k = first_of(c->pool, count); c->chosen.rows < most && precedes(&c->pool[k], &outside);
         k = first_of(c->pool, count)) {
        size_t row = c->pool[k].row;
        memcpy(c->chosen.gallery + c->chosen.rows * width, c->numbers + k * width, width * sizeof *c->numbers);
        c->chosen.norms[c->chosen.rows++] = c->rows.norms[row];
        c->nearest[row] = -1;
        chosen[row] = 1;
        approach(c, count, k, gamma);
    }
}

/* ---- all of it ---- */

static int open_coreset(Coreset *c, size_t pool_size, const float *rows, size_t row_count, size_t width, Error *e)
{
    size_t search = lake_nearest_workspace(row_count, width);
    size_t product = tensor_linear_workspace(pool_size, pool_size, width);

    memset(c, 0, sizeof *c);
    c->rows.gallery = (float *)rows; /* only read */
    c->rows.rows = row_count;
    c->rows.count = c->chosen.count = width;
    c->nearest = malloc(row_count * sizeof *c->nearest);
    c->pool = malloc((pool_size + 1) * sizeof *c->pool);
    c->numbers = malloc(pool_size * width * sizeof *c->numbers);
    c->dots = malloc(pool_size * pool_size * sizeof *c->dots);
    c->chosen.gallery = malloc(pool_size * width * sizeof *c->chosen.gallery);
    c->chosen.norms = malloc(pool_size * sizeof *c->chosen.norms);
    c->workspace = malloc((search > product ? search : product) * sizeof *c->workspace);
    if (c->nearest == NULL || c->pool == NULL || c->numbers == NULL || c->dots == NULL || c->chosen.gallery == NULL ||
        c->chosen.norms == NULL || c->workspace == NULL)
        return error_memory(e, "the coreset");
    if (kernel_current()->multiplies_q8 && codes_open(&c->chosen.codes, pool_size, width, e) != LAKE_OK)
        return LAKE_RESOURCE;
    if (c->chosen.codes != NULL)
        codes_set_centre(c->chosen.codes, rows, row_count);
    return lake_layer_norms(&c->rows, e);
}

static void close_coreset(Coreset *c)
{
    free(c->rows.norms);
    free(c->chosen.gallery);
    free(c->chosen.norms);
    lake_codes_close(c->chosen.codes);
    free(c->nearest);
    free(c->pool);
    free(c->numbers);
    free(c->dots);
    free(c->workspace);
}

int lake_coreset(unsigned char *chosen, size_t keep, const float *rows, size_t row_count, size_t width, uint64_t seed,
                 Error *e)
{
    size_t pool_size = row_count < POOL ? row_count : POOL, first = (size_t)lake_random_below(&seed, row_count);
    Coreset c;
    int code = open_coreset(&c, pool_size, rows, row_count, width, e);

    if (code == LAKE_OK) {
        memset(chosen, 0, row_count);
        for (size_t i = 0; i < row_count; i++)
            c.nearest[i] = i == first ? HUGE_VAL : DBL_MAX; /* so that it is the first to be chosen */
        while (keep > 0) {
            choose(&c, chosen, keep, pool_size);
            keep -= c.chosen.rows;
            if (c.chosen.codes != NULL)
                codes_fill(c.chosen.codes, c.chosen.gallery, c.chosen.rows);
            nearest_improve(c.nearest, NULL, rows, c.rows.norms, 0, row_count, &c.chosen, NULL, c.workspace);
        }
    }
    close_coreset(&c);
    return code;
}
