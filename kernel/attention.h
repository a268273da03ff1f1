/* Multi-head attention without the n x n matrix: per head, a block of queries meets one block of keys after the other,
 * and the softmax is carried along (Milakov and Gimelshein 2018, "Online normalizer calculation for softmax"; the
 * tiling is that of FlashAttention, Dao et al. 2022):
 *
 *   S = (scale Q) K^T                       the tiles of gemm.h, keys transposed to panels
 *   m' = max(m, row maxima of S)            running maximum of each query
 *   P = exp(S - m'), s = s e^(m - m') + row sums of P
 *   O = O e^(m - m') + P V                  the same tiles, values copied to panels
 *
 * and at the end out = O / s. A block has at most BLOCK_K keys, so that P can stand where tiles expect an x block; up
 * to that many tokens it is a single block. Each query is computed in one fixed order, whichever thread takes it. */
#include <math.h>

#define KEYS (BLOCK_K / TILE_COLUMNS * TILE_COLUMNS) /* of one block: whole panels */
#define QUERIES (4 * TILE_ROWS) /* of one block: S and O together stay within the second-level cache */

/* Panels that cover a head's width, and floats of O per query. */
static size_t head_panels(size_t head_width)
{
    return divide_up(head_width, TILE_COLUMNS);
}

/* Floats of one head's keys as panels [n / TILE_COLUMNS][head_width][TILE_COLUMNS], and of its values as panels
 * [head_width / TILE_COLUMNS][n][TILE_COLUMNS]. */
static size_t keys_floats(size_t n, size_t head_width)
{
    return divide_up(n, TILE_COLUMNS) * TILE_COLUMNS * head_width;
}

static size_t values_floats(size_t n, size_t head_width)
{
    return head_panels(head_width) * TILE_COLUMNS * n;
}

/* One thread's buffers. */
typedef struct {
    float *q;       /* [QUERIES, ROW_STRIDE] scaled queries */
    float *p;       /* [QUERIES, ROW_STRIDE] scores, then weights, of one block of keys */
    float *o;       /* [QUERIES, head_panels * TILE_COLUMNS] */
    float *highest; /* [QUERIES] m */
    float *sum;     /* [QUERIES] s */
} AttentionBuffers;

static size_t attention_thread_floats(size_t head_width)
{
    return divide_up(QUERIES * (2 * ROW_STRIDE + head_panels(head_width) * TILE_COLUMNS + 2), LINE_FLOATS) *
           LINE_FLOATS;
}

static AttentionBuffers carve_attention(float *at, size_t head_width)
{
    AttentionBuffers b;

    b.q = at;
    b.p = b.q + QUERIES * ROW_STRIDE;
    b.o = b.p + QUERIES * ROW_STRIDE;
    b.highest = b.o + QUERIES * head_panels(head_width) * TILE_COLUMNS;
    b.sum = b.highest + QUERIES;
    return b;
}

static void pack_keys(float *keys, const float *k, size_t stride, size_t n, size_t head_width)
{
    Rows rows = {k, WTS_F32, stride};

    for (size_t first = 0; first < n; first += TILE_COLUMNS)
        transpose_panel(keys + first * head_width, rows, first, smaller(TILE_COLUMNS, n - first), 0, head_width);
}

static void pack_values(float *values, const float *v, size_t stride, size_t n, size_t head_width)
{
    for (size_t first = 0; first < head_width; first += TILE_COLUMNS) {
        size_t width = smaller(TILE_COLUMNS, head_width - first);
        for (size_t i = 0; i < n; i++, values += TILE_COLUMNS) {
            memcpy(values, v + i * stride + first, width * sizeof *v);
            memset(values + width, 0, (TILE_COLUMNS - width) * sizeof *v);
        }
    }
}

/* c[rows, columns of all panels] (+)= a[rows, count] times panels that are `step` floats apart. */
static void multiply_panels(float *c, size_t ldc, const float *a, size_t rows, size_t count, const float *panels,
                            size_t step, size_t panel_count, int add)
{
    for (size_t j = 0; j < panel_count; j++)
        for (size_t r = 0; r < rows; r += TILE_ROWS)
            tile(smaller(TILE_ROWS, rows - r), c + r * ldc + j * TILE_COLUMNS, ldc, a + r * ROW_STRIDE,
                 panels + j * step, count, NULL, add);
}

/* Scores p[count] of one query become weights e^(p - m'); from `visible` on they become 0. m and s are brought up to
 * date; returns e^(m - m'), the factor for what was summed before. */
static float soften(float *p, size_t visible, size_t count, float *highest, float *sum)
{
    size_t whole = visible / V_WIDTH * V_WIDTH;
    V top = v_set(*highest), total = v_zero(), shift;
    float before = *highest, factor, rest;

    for (size_t i = 0; i < whole; i += V_WIDTH)
        top = v_max(top, v_load(p + i));
    *highest = v_highest(top);
    for (size_t i = whole; i < visible; i++)
        *highest = p[i] > *highest ? p[i] : *highest;

    shift = v_set(*highest);
    for (size_t i = 0; i < whole; i += V_WIDTH) {
        V weight = v_exp(v_sub(v_load(p + i), shift));
        v_store(p + i, weight);
        total = v_add(total, weight);
    }
    rest = 0;
    if (whole < visible) {
        float last[V_WIDTH];
        v_store(last, v_exp(v_sub(v_load(p + whole), shift))); /* reads into the padding of the row */
        for (size_t i = whole; i < visible; i++)
            rest += p[i] = last[i - whole];
    }
    memset(p + visible, 0, (count - visible) * sizeof *p);
    factor = before > -INFINITY ? expf(before - *highest) : 0.0f;
    *sum = *sum * factor + (v_sum(total) + rest);
    return factor;
}

static void scale_row(float *x, size_t count, float factor)
{
    for (size_t i = 0; i < count; i += V_WIDTH)
        v_store(x + i, v_mul(v_load(x + i), v_set(factor)));
}

/* What all blocks of one head share. */
typedef struct {
    const float *q, *keys, *values; /* queries as given; keys and values packed */
    float *out;
    size_t stride, ldo, n, head_width;
    float scale;
    int causal;
} Head;

static void attend_block(const Head *h, size_t first, const AttentionBuffers *b)
{
    size_t rows = smaller(QUERIES, h->n - first), width = head_panels(h->head_width) * TILE_COLUMNS;
    size_t end = h->causal ? first + rows : h->n; /* keys that any of these queries sees */

    for (size_t r = 0; r < rows; r++) {
        for (size_t d = 0; d < h->head_width; d++)
            b->q[r * ROW_STRIDE + d] = h->q[(first + r) * h->stride + d] * h->scale;
        b->highest[r] = -INFINITY;
        b->sum[r] = 0;
    }
    for (size_t key = 0; key < end; key += KEYS) {
        size_t count = smaller(KEYS, end - key);

        for (size_t j = 0; j < count; j += TILE_COLUMNS)
            multiply_panels(b->p + j, ROW_STRIDE, b->q, rows, h->head_width, h->keys + (key + j) * h->head_width, 0, 1,
                            0);
        for (size_t r = 0; r < rows; r++) {
            size_t query = first + r, visible = count;
            float factor;
            if (h->causal)
                visible = query < key ? 0 : smaller(count, query + 1 - key);
            factor = soften(b->p + r * ROW_STRIDE, visible, count, &b->highest[r], &b->sum[r]);
            if (key > 0)
                scale_row(b->o + r * width, width, factor);
        }
        multiply_panels(b->o, width, b->p, rows, count, h->values + key * TILE_COLUMNS, h->n * TILE_COLUMNS,
                        head_panels(h->head_width), key > 0);
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t d = 0; d < h->head_width; d++)
            h->out[(first + r) * h->ldo + d] = b->o[r * width + d] / b->sum[r];
}

static void fast_attention(float *out, size_t ldo, const float *q, const float *k, const float *v, size_t stride,
                           size_t n, size_t heads, size_t head_width, float scale, int causal, float *workspace)
{
    size_t keys_size = keys_floats(n, head_width), values_size = values_floats(n, head_width);
    size_t blocks = divide_up(n, QUERIES);
    float *keys = line_start(workspace), *values = keys + heads * keys_size, *buffers = values + heads * values_size;

    if (head_width > BLOCK_K) { /* no model has such heads; the tiles would need another loop */
        kernel_plain.attention(out, ldo, q, k, v, stride, n, heads, head_width, scale, causal, workspace);
        return;
    }
    PARALLEL((double)n * (double)n * (double)head_width * (double)heads > PARALLEL_WORTHWHILE)
    {
        AttentionBuffers b =
            carve_attention(buffers + parallel_index() * attention_thread_floats(head_width), head_width);

        DIVIDED_LOOP
        for (size_t h = 0; h < heads; h++) {
            pack_keys(keys + h * keys_size, k + h * head_width, stride, n, head_width);
            pack_values(values + h * values_size, v + h * head_width, stride, n, head_width);
        }
        SHARED_LOOP
        for (size_t unit = 0; unit < heads * blocks; unit++) {
            size_t h = unit / blocks;
            Head head = {q + h * head_width, keys + h * keys_size, values + h * values_size, out + h * head_width,
                         stride, ldo, n, head_width, scale, causal};
            attend_block(&head, unit % blocks * QUERIES, &b);
        }
    }
}

static size_t fast_attention_workspace(size_t n, size_t heads, size_t head_width)
{
    size_t fast = LINE_FLOATS + heads * (keys_floats(n, head_width) + values_floats(n, head_width)) +
                  (size_t)kernel_threads() * attention_thread_floats(head_width);
    size_t plain = kernel_plain.attention_workspace(n, heads, head_width);

    return fast > plain ? fast : plain;
}
