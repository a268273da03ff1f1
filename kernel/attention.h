/* Multi-head attention without the n x n matrix: per head, a block of queries meets one block of keys after the other,
 * and the softmax is carried along (Milakov and Gimelshein 2018, "Online normalizer calculation for softmax"; the
 * tiling is that of FlashAttention, Dao et al. 2022):
 *
 *   S = (scale log2(e) Q) K^T               tiles (tile.h), keys transposed to panels
 *   m' = max(m, row maxima of S)            running maximum of each query
 *   P = 2^(S - m'), s = s 2^(m - m') + row sums of P
 *   O = O 2^(m - m') + P V                  tiles again, values copied to panels
 *
 * and at the end out = O / s. Powers of two, because 2^x is cheaper than e^x and log2(e) costs nothing where the scale
 * is multiplied in anyway. Lanes hold floats or, where it is allowed and the processor has it, pairs of bf16: then Q, K,
 * V and P are rounded, all sums are floats. A block has at most KEYS keys, so that P can stand where tiles expect rows of
 * x. Each query is computed in one fixed order, whichever thread takes it.
 *
 * Reached on Zen 4 (AVX-512, one thread, operands from memory): 57 to 63 % of the peak of f32 at 197 tokens and 82 % at
 * 1370; bf16 42 to 49 % and 72 %. The softmax is not counted as work, and it, the packing and the last, part-filled
 * panel are what is missing. */
#define KEYS SHORT_LANES
/* Queries of one block, at most: whole tiles, not fewer than PANEL, whose buffers the packing of keys borrows; S, P and O
 * together stay within the second-level cache. */
#define QUERIES ((TILE_ROWS < 8 ? 8 : 4) * TILE_ROWS)
#define ROWS_AHEAD 8
#define LOG2_E 1.44269504f

/* The sizes of one call. */
typedef struct {
    Arithmetic arithmetic;
    size_t in_lane;       /* numbers */
    size_t n, head_width;
    size_t head_lanes;    /* of a row of q or k */
    size_t key_lanes;     /* of n keys */
    size_t value_panels;  /* that cover a head's width */
    size_t keys_floats;   /* one head's keys: [panels of keys][head_lanes][PANEL] */
    size_t values_floats; /* one head's values: [value_panels][key_lanes][PANEL] */
} AttentionSizes;

static AttentionSizes attention_sizes(Arithmetic arithmetic, size_t n, size_t head_width)
{
    AttentionSizes s;

    s.arithmetic = arithmetic;
    s.in_lane = arithmetic == ARITHMETIC_BF16 ? 2 : 1;
    s.n = n;
    s.head_width = head_width;
    s.head_lanes = divide_up(head_width, s.in_lane);
    s.key_lanes = divide_up(n, s.in_lane);
    s.value_panels = divide_up(head_width, PANEL);
    s.keys_floats = divide_up(n, PANEL) * PANEL * s.head_lanes;
    s.values_floats = s.value_panels * PANEL * s.key_lanes;
    return s;
}

/* One thread's buffers. */
typedef struct {
    float *q;       /* [QUERIES, SHORT_STRIDE] lanes of scaled queries */
    float *p;       /* [QUERIES, SHORT_STRIDE] scores, then lanes of weights, of one block of keys */
    float *o;       /* [QUERIES, value_panels * PANEL] */
    float *highest; /* [QUERIES] m */
    float *sum;     /* [QUERIES] s */
    float *row;     /* [KEYS] */
} AttentionBuffers;

static size_t attention_thread_floats(size_t head_width)
{
    return divide_up(QUERIES * (2 * SHORT_STRIDE + divide_up(head_width, PANEL) * PANEL + 2) + KEYS, LINE_FLOATS) *
           LINE_FLOATS;
}

static AttentionBuffers carve_attention(float *at, const AttentionSizes *s)
{
    AttentionBuffers b;

    b.q = at;
    b.p = b.q + QUERIES * SHORT_STRIDE;
    b.o = b.p + QUERIES * SHORT_STRIDE;
    b.row = b.o + QUERIES * s->value_panels * PANEL;
    b.highest = b.row + KEYS;
    b.sum = b.highest + QUERIES;
    return b;
}

/* ---- keys and values to panels ---- */

/* A head's part of a row, which is needed soon. Rows are far apart, and no processor guesses that: keys and values of the
 * next head are asked for with those of this one, queries some rows ahead. */
static void prefetch_row(const float *x, size_t count)
{
    for (size_t i = 0; i < count; i += LINE_FLOATS)
        v_prefetch(x + i);
}

/* x[count] to lanes; out may be x. */
static void to_lanes(float *out, const float *x, size_t count, Arithmetic arithmetic)
{
#ifdef V_HAS_BF16
    if (arithmetic == ARITHMETIC_BF16) {
        round_row(out, x, count);
        return;
    }
#endif
    (void)arithmetic;
    if (out != x)
        memcpy(out, x, count * sizeof *out);
}

/* Keys first .. first + PANEL - 1 (or to the last) of one head: lanes in `rows` [PANEL, SHORT_STRIDE], then a panel. */
static void pack_keys(float *keys, const float *k, size_t stride, const AttentionSizes *s, size_t first, float *rows)
{
    Rows lanes = {rows, WTS_F32, SHORT_STRIDE, NULL};
    size_t count = smaller(PANEL, s->n - first);

    for (size_t i = 0; i < count; i++) {
        const float *key = k + (first + i) * stride;
        prefetch_row(key + s->head_width, s->head_width);
        to_lanes(rows + i * SHORT_STRIDE, key, s->head_width, s->arithmetic);
    }
    transpose_panel(keys + first * s->head_lanes, lanes, 0, count, 0, s->head_lanes);
}

/* out[PANEL] = v[width] of one key, in bf16 beside those of the next key (or 0, where there is none). */
static void pack_value_lanes(float *out, const float *v, const float *next, size_t width, Arithmetic arithmetic)
{
    memset(out + width, 0, (PANEL - width) * sizeof *out);
    memcpy(out, v, width * sizeof *out);
#ifdef V_HAS_BF16
    if (arithmetic == ARITHMETIC_BF16) {
        float other[PANEL] = {0};
        if (next != NULL)
            memcpy(other, next, width * sizeof *other);
        for (size_t j = 0; j < PANEL; j += V_WIDTH)
            v_store(out + j, v_pair_bf16(v_load(out + j), v_load(other + j)));
    }
#endif
    (void)next, (void)arithmetic;
}

/* The values of the same keys. PANEL is even: no pair of keys is torn. */
static void pack_values(float *values, const float *v, size_t stride, const AttentionSizes *s, size_t first)
{
    size_t end = smaller(first + PANEL, s->n);

    for (size_t column = 0; column < s->head_width; column += PANEL, values += s->key_lanes * PANEL) {
        size_t width = smaller(PANEL, s->head_width - column);
        for (size_t i = first; i < end; i += s->in_lane) {
            const float *value = v + i * stride + column;
            prefetch_row(value + s->head_width, width);
            prefetch_row(value + (s->in_lane - 1) * stride + s->head_width, width);
            pack_value_lanes(values + i / s->in_lane * PANEL, value, i + 1 < s->n ? value + stride : NULL, width,
                             s->arithmetic);
        }
    }
}

/* ---- the softmax ---- */

/* 2^x = 2^n 2^f for x <= 0, |f| <= 1/2; below 2^-126 it stays there. Our own fit as in vector_math.h; the largest
 * relative error, over two million f, is 1.7e-7. */
V_INLINE V v_exp2_negative(V x)
{
    V clipped = v_max(v_set(-126.0f), x), n_bits = v_add(clipped, v_set(V_ROUND));
    V f = v_sub(clipped, v_sub(n_bits, v_set(V_ROUND))), p = v_set(0.0013264724f);

    p = v_fma(p, f, v_set(0.009671513f));
    p = v_fma(p, f, v_set(0.055507336f));
    p = v_fma(p, f, v_set(0.24022242f));
    p = v_fma(p, f, v_set(0.693147f));
    return v_times_power(v_fma(p, f, v_set(1.0f)), n_bits);
}

/* The largest of p[whole], a multiple of V_WIDTH, and `least`: four chains, since a maximum waits for the one before. */
static float largest_of(const float *p, size_t whole, float least)
{
    V top[4] = {v_set(least), v_set(least), v_set(least), v_set(least)};
    size_t i = 0;

    for (; i + 4 * V_WIDTH <= whole; i += 4 * V_WIDTH) {
        V_UNROLL
        for (int j = 0; j < 4; j++)
            top[j] = v_max(top[j], v_load(p + i + j * V_WIDTH));
    }
    for (; i < whole; i += V_WIDTH)
        top[0] = v_max(top[0], v_load(p + i));
    return v_highest(v_max(v_max(top[0], top[1]), v_max(top[2], top[3])));
}

/* Scores p[count] of one query become weights 2^(p - m'); from `visible` on they become 0. m and s are brought up to
 * date; returns 2^(m - m'), the factor for what was summed before. */
static float soften(float *p, size_t visible, size_t count, float *highest, float *sum)
{
    size_t whole = visible / V_WIDTH * V_WIDTH;
    V total = v_zero(), shift;
    float before = *highest, rest = 0;

    *highest = largest_of(p, whole, before);
    for (size_t i = whole; i < visible; i++)
        *highest = p[i] > *highest ? p[i] : *highest;

    shift = v_set(*highest);
    for (size_t i = 0; i < whole; i += V_WIDTH) {
        V weight = v_exp2_negative(v_sub(v_load(p + i), shift));
        v_store(p + i, weight);
        total = v_add(total, weight);
    }
    if (whole < visible) {
        float last[V_WIDTH];
        v_store(last, v_exp2_negative(v_sub(v_load(p + whole), shift))); /* reads into the padding of the row */
        for (size_t i = whole; i < visible; i++)
            rest += p[i] = last[i - whole];
    }
    memset(p + visible, 0, (count - visible) * sizeof *p);
    if (before == *highest) {
        *sum += v_sum(total) + rest;
        return 1;
    }
    before = before > -INFINITY ? exp2f(before - *highest) : 0.0f;
    *sum = *sum * before + (v_sum(total) + rest);
    return before;
}

/* ---- a block of queries ---- */

/* What all blocks of one head share. */
typedef struct {
    const float *q, *keys, *values; /* queries as given; keys and values packed */
    float *out;
    size_t stride, ldo;
    float scale; /* with log2(e) */
    int causal;
    TileFunction tile;
} Head;

/* c[rows, PANEL each] (+)= x[rows, lanes] times panels `step` floats apart; rows spread evenly over the tiles. */
static void multiply_panels(const Head *h, float *c, size_t ldc, const float *x, size_t rows, size_t lanes,
                            const float *panels, size_t step, size_t panel_count, int add)
{
    size_t tiles = divide_up(rows, TILE_ROWS);

    for (size_t j = 0; j < panel_count; j++) {
        const float *panel = panels + j * step;
        for (size_t i = 0; i < tiles; i++) {
            size_t row = rows * i / tiles, end = rows * (i + 1) / tiles;
            for (size_t at = 0; at < PANEL; at += TILE_COLUMNS) {
                Tile t = {c + row * ldc + j * PANEL + at, ldc, x + row * SHORT_STRIDE, panel + at, lanes, NULL, add,
                          panel, lanes, NULL, NULL, NULL};
                h->tile(end - row, &t);
            }
        }
    }
}

static void scale_row(float *out, const float *x, size_t count, V factor)
{
    size_t i = 0;

    for (; i + V_WIDTH <= count; i += V_WIDTH)
        v_store(out + i, v_mul(v_load(x + i), factor));
    if (i < count) {
        float rest[V_WIDTH] = {0};
        memcpy(rest, x + i, (count - i) * sizeof *x);
        v_store(rest, v_mul(v_load(rest), factor));
        memcpy(out + i, rest, (count - i) * sizeof *out);
    }
}

/* Queries `first` up to `first` + rows - 1. */
static void attend_block(const Head *h, const AttentionSizes *s, size_t first, size_t rows, const AttentionBuffers *b)
{
    size_t width = s->value_panels * PANEL;
    size_t end = h->causal ? first + rows : s->n; /* keys that any of these queries sees */

    for (size_t r = 0; r < rows; r++) {
        prefetch_row(h->q + (first + r + ROWS_AHEAD) * h->stride, s->head_width);
        scale_row(b->row, h->q + (first + r) * h->stride, s->head_width, v_set(h->scale));
        to_lanes(b->q + r * SHORT_STRIDE, b->row, s->head_width, s->arithmetic);
        b->highest[r] = -INFINITY;
        b->sum[r] = 0;
    }
    for (size_t key = 0; key < end; key += KEYS) {
        size_t count = smaller(KEYS, end - key);

        multiply_panels(h, b->p, SHORT_STRIDE, b->q, rows, s->head_lanes, h->keys + key * s->head_lanes,
                        PANEL * s->head_lanes, divide_up(count, PANEL), 0);
        for (size_t r = 0; r < rows; r++) {
            float *p = b->p + r * SHORT_STRIDE, factor;
            size_t query = first + r, visible = count;
            if (h->causal)
                visible = query < key ? 0 : smaller(count, query + 1 - key);
            factor = soften(p, visible, count, &b->highest[r], &b->sum[r]);
            if (key > 0 && factor != 1)
                scale_row(b->o + r * width, b->o + r * width, width, v_set(factor));
            to_lanes(p, p, count, s->arithmetic);
        }
        multiply_panels(h, b->o, width, b->p, rows, divide_up(count, s->in_lane), h->values + key / s->in_lane * PANEL,
                        s->key_lanes * PANEL, s->value_panels, key > 0);
    }
    for (size_t r = 0; r < rows; r++)
        scale_row(h->out + (first + r) * h->ldo, b->o + r * width, s->head_width, v_set(1 / b->sum[r]));
}

static Arithmetic attention_arithmetic(WtsType type)
{
#ifdef V_HAS_BF16
    if (type == WTS_BF16)
        return ARITHMETIC_BF16;
#endif
    (void)type;
    return ARITHMETIC_F32;
}

static void fast_attention(float *out, size_t ldo, const float *q, const float *k, const float *v, size_t stride,
                           size_t n, size_t heads, size_t head_width, float scale, int causal, WtsType type,
                           float *workspace)
{
    AttentionSizes s = attention_sizes(attention_arithmetic(type), n, head_width);
    size_t blocks = divide_up(n, QUERIES);
    float *keys = line_start(workspace), *values = keys + heads * s.keys_floats;
    float *buffers = values + heads * s.values_floats;

    if (head_width > SHORT_LANES) { /* no model has such heads; the tiles would need another loop */
        kernel_plain.attention(out, ldo, q, k, v, stride, n, heads, head_width, scale, causal, type, workspace);
        return;
    }
    PARALLEL((double)n * (double)n * (double)head_width * (double)heads > PARALLEL_WORTHWHILE)
    {
        AttentionBuffers b = carve_attention(buffers + parallel_index() * attention_thread_floats(head_width), &s);

        DIVIDED_LOOP
        for (size_t first = 0; first < n; first += PANEL) { /* all heads of some keys: their rows are read once */
            for (size_t h = 0; h < heads; h++)
                pack_keys(keys + h * s.keys_floats, k + h * head_width, stride, &s, first, b.p);
            for (size_t h = 0; h < heads; h++)
                pack_values(values + h * s.values_floats, v + h * head_width, stride, &s, first);
        }
        SHARED_LOOP
        for (size_t unit = 0; unit < heads * blocks; unit++) {
            size_t h = unit / blocks, block = unit % blocks, first = n * block / blocks;
            Head head = {q + h * head_width, keys + h * s.keys_floats, values + h * s.values_floats,
                         out + h * head_width, stride, ldo, scale * LOG2_E, causal,
                         tile_function(s.arithmetic, SHORT_STRIDE)};
            attend_block(&head, &s, first, n * (block + 1) / blocks - first, &b);
        }
    }
}

static size_t fast_attention_workspace(size_t n, size_t heads, size_t head_width)
{
    AttentionSizes s = attention_sizes(ARITHMETIC_F32, n, head_width); /* which needs most */
    size_t fast = LINE_FLOATS + heads * (s.keys_floats + s.values_floats) +
                  (size_t)kernel_threads() * attention_thread_floats(head_width);
    size_t plain = kernel_plain.attention_workspace(n, heads, head_width);

    return fast > plain ? fast : plain;
}
