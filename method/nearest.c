/* Nearest rows: the result of the naive double loop, to the bit, at a matrix product's speed.
 *
 *     ||q - g||^2 = ||q||^2 - 2 (q.g - ||g||^2 / 2)
 *
 * so the nearest row has the largest y = q.g - ||g||^2 / 2: a product with a bias. But in float its cancellation loses
 * small distances. So the product only rules rows out, by a bound on what it is off (slack). A row that could still be
 * as near as the best one found gets its distance computed directly, in double. Those are a few rows per query; the
 * others are passed over 32 at a time.
 *
 * Where the processor multiplies bytes, the product is of bytes (method/codes.h), which leaves a few more rows to be
 * tried. Should they become many, because distances hardly differ, the rest of the gallery is multiplied in floats.
 *
 * Each thread takes a piece of the queries through the whole gallery, block by block, so that a block of products stays
 * in its second-level cache and threads need not meet. The result does not depend on the order of the rows' visits:
 * it is the smallest distance, and of equal ones the smallest row. */
#include "method/nearest.h"

#include <float.h>
#include <math.h>

#include "kernel/parallel.h"
#include "method/codes.h"
#include "tensor.h"

enum { PIECE = 352, LEAST_PIECE = 64 }; /* queries of a thread at a time; for fewer, rows would be copied in vain */
enum { ROW_BLOCK = CODES_BLOCK };       /* rows at a time */
enum { STRIDE = ROW_BLOCK + 16 };       /* of the products: not a power of two, so that they do not share cache sets */
enum { SCAN = 32 };                     /* rows ruled out at once */
enum { LANES = 8 };                     /* sums side by side that compilers make a vector of */
enum { WORTH_TRYING = 8 };              /* rows of a block for each query: beyond, floats are faster than bytes */

double nearest_squared(const float *a, const float *b, size_t width)
{
    double sum = 0;

    for (size_t k = 0; k < width; k++) {
        double difference = (double)a[k] - b[k];
        sum += difference * difference;
    }
    return sum;
}

static double squared_length(const float *a, size_t width)
{
    double sum = 0;

    for (size_t k = 0; k < width; k++)
        sum += (double)a[k] * a[k];
    return sum;
}

/* n = width + 1 terms; 8 more roundings cover those of the bias and of the limit that the result is compared with. */
double nearest_gamma(size_t width)
{
    const double terms = (double)(width + 9) / 16777216;

    return terms / (1 - terms);
}

/* ---- one query against one block of rows ---- */

/* Rows first .. first + count - 1 of a gallery, and what they are multiplied as. */
typedef struct {
    const LakeLayer *layer;
    const LakeExclusion *exclusion;
    size_t first, count;
    Matrix rows;
    float room[ROW_BLOCK];
    const float *bias;    /* -||g||^2 / 2 */
    double length, error; /* the largest ||g|| and the largest ||g~ - g||, g~ being what is multiplied */
    double gamma;
    size_t tried;         /* rows that the product did not rule out though they are farther, in all blocks */
} Block;

typedef struct {
    const float *numbers;
    size_t index;       /* the patch that exclusions speak of */
    double norm, error; /* ||q||^2 and ||q~ - q|| of the product */
    double best;
    uint32_t winner;
} Query;

static size_t apart(size_t a, size_t b)
{
    return a > b ? a - b : b - a;
}

int nearest_is_excluded(const LakeExclusion *x, uint32_t source, size_t query)
{
    size_t patch = source % x->patches;

    if (source / x->patches != x->image)
        return 0;
    return x->radius < 0 || (apart(patch / x->width, query / x->width) <= (size_t)x->radius &&
                             apart(patch % x->width, query % x->width) <= (size_t)x->radius);
}

static int may_win(const Query *q, const Block *block, size_t j)
{
    return block->exclusion == NULL || !nearest_is_excluded(block->exclusion, block->layer->source[block->first + j], q->index);
}

/* By how much y may be off. With a = ||q|| + ||q~ - q|| and b = ||g|| + ||g~ - g||
 *
 *     |q.g - q~.g~| <= ||q~ - q|| ||g|| + ||q~|| ||g~ - g||            (Cauchy and Schwarz)
 *
 * and a float sum of n terms, whatever its order, is off by at most gamma_n times the sum of their absolute values,
 * gamma_n = n u / (1 - n u), u = 2^-24 (Higham, Accuracy and Stability of Numerical Algorithms, 3.1); these are at most
 * a b + ||g||^2 / 2 <= a^2 / 2 + b^2. FLT_MIN covers what underflows. */
static double slack(const Query *q, const Block *block)
{
    double a = sqrt(q->norm) + q->error, b = block->length + block->error, norms = a * a / 2 + b * b;

    if (!(norms < NEAREST_LIMIT))
        return INFINITY;
    return q->error * block->length + a * block->error + norms * block->gamma + (double)FLT_MIN;
}

/* The least y of a row of the block that may be as near as the best one. y is at most a^2 / 2 + b^2, as above: where
 * rounding the limit to a float moves it farther than gamma allows, it is below every y anyway. */
static float limit_of(const Query *q, double slack_of_block)
{
    double limit = (q->norm - q->best) / 2 - slack_of_block;

    return limit > -FLT_MAX ? (float)limit : -INFINITY;
}

/* How many of SCAN numbers are not below the limit; a form that compilers turn into vector instructions. */
static unsigned count_candidates(const float *y, float limit)
{
    unsigned count = 0;

    for (size_t j = 0; j < SCAN; j++)
        count += !(y[j] < limit);
    return count;
}

/* The first number from y[j] on that is not below the limit, or `count` where there is none. */
static size_t next_candidate(const float *y, size_t j, size_t count, float limit)
{
    for (;; j++) {
        while (j % SCAN == 0 && count - j >= SCAN && count_candidates(y + j, limit) == 0)
            j += SCAN;
        if (j == count || !(y[j] < limit))
            return j;
    }
}

/* Whether floats are enough to tell that a row is farther than the best one. All terms of the sum are 0 or more, so it
 * is off by gamma times itself at most. */
static int is_farther(const float *a, const float *b, size_t width, double best, double gamma)
{
    float sums[LANES] = {0}, sum = 0;
    size_t k = 0;

    for (; k + LANES <= width; k += LANES)
        for (size_t i = 0; i < LANES; i++)
            sums[i] += (a[k + i] - b[k + i]) * (a[k + i] - b[k + i]);
    for (; k < width; k++)
        sum += (a[k] - b[k]) * (a[k] - b[k]);
    for (size_t i = 0; i < LANES; i++)
        sum += sums[i];
    return sum <= FLT_MAX && sum * (1 - 2 * gamma) > best + (double)FLT_MIN * (double)width;
}

static void try_row(Query *q, Block *block, size_t j)
{
    const LakeLayer *layer = block->layer;
    uint32_t row = (uint32_t)(block->first + j);
    const float *numbers = layer->gallery + (size_t)row * layer->count;
    double squared;

    if (is_farther(q->numbers, numbers, layer->count, q->best, block->gamma)) {
        block->tried++;
        return;
    }
    squared = nearest_squared(q->numbers, numbers, layer->count);
    if (squared < q->best || (squared == q->best && row < q->winner)) {
        q->best = squared;
        q->winner = row;
    }
}

/* y: products of the query with the rows of the block. The most promising row comes first: after it few others are left
 * to be tried, in whatever order they stand. */
static void search_block(Query *q, Block *block, const float *y)
{
    const double off = slack(q, block);
    float limit = limit_of(q, off);
    size_t first = next_candidate(y, 0, block->count, limit), top = block->count;

    for (size_t j = first; j < block->count; j = next_candidate(y, j + 1, block->count, limit))
        if ((top == block->count || y[j] > y[top]) && may_win(q, block, j))
            top = j;
    if (top == block->count)
        return;
    try_row(q, block, top);
    limit = limit_of(q, off);
    for (size_t j = next_candidate(y, first, block->count, limit); j < block->count;
         j = next_candidate(y, j + 1, block->count, limit))
        if (j != top && may_win(q, block, j))
            try_row(q, block, j);
}

/* ---- all queries against all rows ---- */

static void begin_block(Block *block, size_t first)
{
    const LakeLayer *layer = block->layer;

    block->first = first;
    block->count = layer->rows - first < ROW_BLOCK ? layer->rows - first : ROW_BLOCK;
    block->rows.rows = block->count;
    block->rows.columns = layer->count;
}

/* As floats: nothing is rounded before the product. */
static void begin_floats(Block *block)
{
    double largest = 0;

    for (size_t j = 0; j < block->count; j++) {
        double norm = block->layer->norms[block->first + j];
        block->room[j] = (float)(-0.5 * (norm < FLT_MAX ? norm : FLT_MAX));
        largest = norm > largest ? norm : largest;
    }
    block->rows.data = block->layer->gallery + block->first * block->layer->count;
    block->rows.type = WTS_F32;
    block->rows.layout = LAYOUT_ROWS;
    block->rows.scales = NULL;
    block->bias = block->room;
    block->length = sqrt(largest);
    block->error = 0;
}

static void begin_bytes(Block *block)
{
    const struct LakeCodes *codes = block->layer->codes;

    block->rows.data = codes->numbers + wts_panel_index(WTS_Q8, codes->width, block->first, 0);
    block->rows.type = WTS_Q8;
    block->rows.layout = LAYOUT_PANELS;
    block->rows.scales = codes->scales + block->first;
    block->bias = codes->bias + block->first;
    block->length = codes->bounds[block->first / ROW_BLOCK].length;
    block->error = codes->bounds[block->first / ROW_BLOCK].error;
}

/* At most PIECE queries. */
typedef struct {
    const float *numbers; /* [count, layer->count] */
    const double *norms;  /* [count] or NULL */
    double *best;
    uint32_t *winners; /* or NULL */
    size_t index, count;
} Piece;

/* What a piece is multiplied as. */
typedef struct {
    const float *numbers; /* [count, layer->count] */
    double norms[PIECE], errors[PIECE];
} Multiplied;

static void multiply_floats(Multiplied *m, const Piece *p, size_t width)
{
    m->numbers = p->numbers;
    for (size_t i = 0; i < p->count; i++) {
        m->norms[i] = p->norms != NULL ? p->norms[i] : squared_length(p->numbers + i * width, width);
        m->errors[i] = 0;
    }
}

static void multiply_bytes(Multiplied *m, const Piece *p, const struct LakeCodes *codes, float *numbers)
{
    m->numbers = numbers;
    for (size_t i = 0; i < p->count; i++)
        codes_centre_query(codes, numbers + i * codes->width, p->numbers + i * codes->width, &m->norms[i],
                           &m->errors[i]);
}

/* workspace: products, the product's own, and room for a piece. */
static void search_piece(const Piece *p, Block *block, float *workspace)
{
    const LakeLayer *layer = block->layer;
    const size_t width = layer->count;
    float *room = workspace + PIECE * STRIDE, *linear = room + PIECE * width;
    int bytes = layer->codes != NULL;
    Multiplied m;

    if (bytes)
        multiply_bytes(&m, p, layer->codes, room);
    else
        multiply_floats(&m, p, width);
    block->tried = 0;
    for (size_t r = 0; r < layer->rows; r += ROW_BLOCK) {
        if (bytes && block->tried > (r / ROW_BLOCK + 1) * WORTH_TRYING * p->count) {
            bytes = 0;
            multiply_floats(&m, p, width);
        }
        begin_block(block, r);
        if (bytes)
            begin_bytes(block);
        else
            begin_floats(block);
        tensor_linear(workspace, STRIDE, m.numbers, width, p->count, &block->rows, block->bias, EPILOGUE_NONE, linear);
        for (size_t i = 0; i < p->count; i++) {
            Query q = {p->numbers + i * width, p->index + i, m.norms[i], m.errors[i], p->best[i], UINT32_MAX};
            if (p->winners != NULL)
                q.winner = p->winners[i];
            search_block(&q, block, workspace + i * STRIDE);
            p->best[i] = q.best;
            if (p->winners != NULL)
                p->winners[i] = q.winner;
        }
    }
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Queries of a piece: a whole number of pieces for every thread, none of them short. */
static size_t piece_size(size_t count)
{
    size_t threads = (size_t)kernel_threads(), rounds = (count + PIECE * threads - 1) / (PIECE * threads);
    size_t size = (count + threads * rounds - 1) / (threads * rounds);

    return smaller(count, size > LEAST_PIECE ? size : LEAST_PIECE);
}

static size_t thread_workspace(size_t width)
{
    return PIECE * STRIDE + PIECE * width + tensor_linear_workspace(PIECE, ROW_BLOCK, width);
}

size_t lake_nearest_workspace(size_t count, size_t width)
{
    return (count > LEAST_PIECE ? (size_t)kernel_threads() : 1) * thread_workspace(width);
}

void nearest_improve(double *best, uint32_t *winners, const float *queries, const double *query_norms, size_t first,
                     size_t count, const LakeLayer *layer, const LakeExclusion *exclusion, float *workspace)
{
    size_t size = piece_size(count), pieces = (count + size - 1) / size;

    PARALLEL(pieces > 1 && (double)count * (double)layer->rows * (double)layer->count > PARALLEL_WORTHWHILE)
    {
        float *own = workspace + parallel_index() * thread_workspace(layer->count);
        Block block;

        block.layer = layer;
        block.exclusion = exclusion;
        block.gamma = nearest_gamma(layer->count);
        SHARED_LOOP
        for (size_t i = 0; i < pieces; i++) {
            size_t at = i * size;
            Piece p = {queries + at * layer->count, NULL, best + at, NULL, first + at, smaller(size, count - at)};
            p.norms = query_norms != NULL ? query_norms + at : NULL;
            p.winners = winners != NULL ? winners + at : NULL;
            search_piece(&p, &block, own);
        }
    }
}
