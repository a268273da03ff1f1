/* y = x W^T + bias: the matrix product that is nine tenths of a transformer's time.
 *
 * Both operands come with k contiguous. The inner loop wants, per step of k, one vector of W's outputs and one number
 * of each row of x:
 *
 *   tile      TILE_ROWS rows of x times TILE_COLUMNS outputs, all sums in registers (kernel_*.c says why this shape)
 *   panel     TILE_COLUMNS rows of W, BLOCK_K long, transposed to [k][TILE_COLUMNS] and widened to float: 32 KiB at
 *             most, so it stays in the first-level cache while every tile of the row block uses it
 *   x block   BLOCK_ROWS rows of x, BLOCK_K long, copied so that the distance of two rows is a constant: addresses
 *             of a tile are then one pointer plus constants, and rows of 4096 bytes do not fall on one cache set.
 *             544 KiB at most: the second-level cache
 *
 *   for each block of rows:
 *       copy its x blocks, for all of k                        (threads share the rows)
 *       for each group of a few panels:                        (each thread takes the next one when it is free)
 *           for each block of k, for each panel of the group:
 *               transpose the panel, then tile by tile: y = or += x block * panel; after the last k the epilogue
 *
 * Threads meet twice per block of rows, no more: a meeting costs microseconds on an idle machine, and a time slice of
 * the scheduler on a busy one. A group's panels share an x block while it is in the second-level cache.
 *
 * A number of y is summed over k in order within a block, and the blocks are added in order: the same wherever it
 * stands and whichever thread computes it. */
#include <string.h>

#include "base/half.h"
#include "kernel/parallel.h"

#define TILE_COLUMNS (TILE_VECTORS * V_WIDTH)
#define BLOCK_K 256
#define BLOCK_ROWS 512
#define ROW_STRIDE (BLOCK_K + 16) /* of the x block: an odd number of cache lines */
#define PANEL_FLOATS (BLOCK_K * TILE_COLUMNS)

/* A vector load that crosses a cache line costs two; buffers therefore start on a line. */
#define LINE_FLOATS 16
static inline float *line_start(float *p)
{
    return p + (LINE_FLOATS - (uintptr_t)p / sizeof *p % LINE_FLOATS) % LINE_FLOATS;
}
static inline size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t divide_up(size_t a, size_t b) { return (a + b - 1) / b; }

/* Blocks of k; one, empty, where k is 0: y is the bias then. */
static inline size_t k_blocks_of(size_t k) { return k == 0 ? 1 : divide_up(k, BLOCK_K); }

/* c[rows, TILE_COLUMNS] = a[rows, count] panel[count, TILE_COLUMNS] + bias, or without bias (NULL) where it was added
 * before; with add != 0 plus what c held. Rows of a are ROW_STRIDE apart. `rows` is a constant where this is
 * inlined. */
V_INLINE void tile_of(const int rows, float *c, size_t ldc, const float *a, const float *panel, size_t count,
                      const float *bias, int add)
{
    V sum[TILE_ROWS][TILE_VECTORS];

    V_UNROLL
    for (int r = 0; r < rows; r++) {
        V_UNROLL
        for (int j = 0; j < TILE_VECTORS; j++)
            sum[r][j] = v_zero();
    }
    for (size_t k = 0; k < count; k++) {
        V b[TILE_VECTORS];
        V_UNROLL
        for (int j = 0; j < TILE_VECTORS; j++)
            b[j] = v_load(panel + k * TILE_COLUMNS + j * V_WIDTH);
        V_UNROLL
        for (int r = 0; r < rows; r++) {
            V x = v_set(a[k + (size_t)r * ROW_STRIDE]);
            V_UNROLL
            for (int j = 0; j < TILE_VECTORS; j++)
                sum[r][j] = v_fma(x, b[j], sum[r][j]);
        }
    }
    V_UNROLL
    for (int r = 0; r < rows; r++) {
        V_UNROLL
        for (int j = 0; j < TILE_VECTORS; j++) {
            float *at = c + (size_t)r * ldc + j * V_WIDTH;
            V value = sum[r][j];
            if (bias != NULL)
                value = v_add(value, v_load(bias + j * V_WIDTH));
            if (add)
                value = v_add(value, v_load(at));
            v_store(at, value);
        }
    }
}

/* One compiled tile for each number of rows up to TILE_ROWS, at most 14. */
static void tile(size_t rows, float *c, size_t ldc, const float *a, const float *panel, size_t count,
                 const float *bias, int add)
{
    switch (rows) {
#define TILE_CASE(R)                                                      \
    case R:                                                               \
        tile_of(R <= TILE_ROWS ? R : 1, c, ldc, a, panel, count, bias, add); \
        break;
        TILE_CASE(1) TILE_CASE(2) TILE_CASE(3) TILE_CASE(4) TILE_CASE(5) TILE_CASE(6) TILE_CASE(7)
        TILE_CASE(8) TILE_CASE(9) TILE_CASE(10) TILE_CASE(11) TILE_CASE(12) TILE_CASE(13) TILE_CASE(14)
#undef TILE_CASE
    }
}

V_INLINE V load_widened(const void *row, WtsType type, size_t k)
{
    if (type == WTS_F32)
        return v_load((const float *)row + k);
    return type == WTS_F16 ? v_load_f16((const uint16_t *)row + k) : v_load_bf16((const uint16_t *)row + k);
}

static float widened(const void *row, WtsType type, size_t k)
{
    if (type == WTS_F32)
        return ((const float *)row)[k];
    return type == WTS_F16 ? f16_to_float(((const uint16_t *)row)[k]) : bf16_to_float(((const uint16_t *)row)[k]);
}

/* Rows of a matrix of any type, `stride` numbers apart. */
typedef struct {
    const void *data;
    WtsType type;
    size_t stride;
} Rows;

V_INLINE const void *row_of(Rows w, WtsType type, size_t row)
{
    return (const unsigned char *)w.data + row * w.stride * (type == WTS_F32 ? 4 : 2);
}

/* Squares of V_WIDTH x V_WIDTH at a time, from a whole panel of rows. `type` is a constant where this is inlined. */
V_INLINE void transpose_squares(float *panel, Rows w, WtsType type, size_t row, size_t k0, size_t count)
{
    for (int j = 0; j < TILE_VECTORS; j++) {
        for (size_t k = 0; k + V_WIDTH <= count; k += V_WIDTH) {
            V square[V_WIDTH];
            V_UNROLL
            for (int i = 0; i < V_WIDTH; i++)
                square[i] = load_widened(row_of(w, type, row + (size_t)(j * V_WIDTH + i)), type, k0 + k);
            v_transpose(square);
            V_UNROLL
            for (int i = 0; i < V_WIDTH; i++)
                v_store(panel + (k + (size_t)i) * TILE_COLUMNS + j * V_WIDTH, square[i]);
        }
    }
}

/* panel[k][c] = w[row + c][k0 + k] for k < count, c < TILE_COLUMNS; zero from row + rows on. */
static void transpose_panel(float *panel, Rows w, size_t row, size_t rows, size_t k0, size_t count)
{
    size_t k = 0;

    if (rows >= TILE_COLUMNS) {
        k = count / V_WIDTH * V_WIDTH;
        if (w.type == WTS_F32)
            transpose_squares(panel, w, WTS_F32, row, k0, k);
        else if (w.type == WTS_F16)
            transpose_squares(panel, w, WTS_F16, row, k0, k);
        else
            transpose_squares(panel, w, WTS_BF16, row, k0, k);
    }
    for (; k < count; k++)
        for (size_t c = 0; c < TILE_COLUMNS; c++)
            panel[k * TILE_COLUMNS + c] = c < rows ? widened(row_of(w, w.type, row + c), w.type, k0 + k) : 0.0f;
}

/* One block of rows of a product. */
typedef struct {
    float *y;
    size_t ldy, rows;
    const float *x_blocks; /* [blocks of k][rows, ROW_STRIDE] */
    const Matrix *w;
    const float *bias;
    Epilogue epilogue;
} Product;

/* One panel of it at one block of k. */
typedef struct {
    size_t column, columns; /* of y */
    size_t k0, count;
} Step;

static void activate(float *y, size_t ldy, size_t rows, size_t columns, Epilogue epilogue)
{
    for (size_t r = 0; r < rows; r++) {
        if (epilogue == EPILOGUE_GELU)
            apply(v_gelu, y + r * ldy, columns);
        else if (epilogue == EPILOGUE_QUICK_GELU)
            apply(v_quick_gelu, y + r * ldy, columns);
    }
}

/* A tile of a panel that has fewer than TILE_COLUMNS columns: by way of a buffer of full width. */
static void narrow_tile(size_t rows, size_t columns, float *y, size_t ldy, const float *x, const float *panel,
                        size_t count, const float *bias, int add)
{
    float c[TILE_ROWS * TILE_COLUMNS] = {0}, wide_bias[TILE_COLUMNS] = {0};

    if (bias != NULL)
        memcpy(wide_bias, bias, columns * sizeof *bias);
    for (size_t r = 0; add && r < rows; r++)
        memcpy(c + r * TILE_COLUMNS, y + r * ldy, columns * sizeof *c);
    tile(rows, c, TILE_COLUMNS, x, panel, count, bias != NULL ? wide_bias : NULL, add);
    for (size_t r = 0; r < rows; r++)
        memcpy(y + r * ldy, c + r * TILE_COLUMNS, columns * sizeof *c);
}

/* All rows against one panel. They are spread evenly over the tiles: 197 rows are 13 or 14 each, no tile is left with
 * one. */
static void run_step(const Product *p, const Step *s, float *panel)
{
    Rows w = {p->w->data, p->w->type, p->w->columns};
    const float *x_block = p->x_blocks + s->k0 / BLOCK_K * p->rows * ROW_STRIDE;
    const float *bias = s->k0 == 0 && p->bias != NULL ? p->bias + s->column : NULL;
    int add = s->k0 > 0 || p->epilogue == EPILOGUE_ADD, is_last = s->k0 + s->count == p->w->columns;
    size_t tiles = divide_up(p->rows, TILE_ROWS);

    transpose_panel(panel, w, s->column, s->columns, s->k0, s->count);
    for (size_t t = 0; t < tiles; t++) {
        size_t row = p->rows * t / tiles, rows = p->rows * (t + 1) / tiles - row;
        const float *x = x_block + row * ROW_STRIDE;
        float *y = p->y + row * p->ldy + s->column;

        if (s->columns == TILE_COLUMNS)
            tile(rows, y, p->ldy, x, panel, s->count, bias, add);
        else
            narrow_tile(rows, s->columns, y, p->ldy, x, panel, s->count, bias, add);
        if (is_last)
            activate(y, p->ldy, rows, s->columns, p->epilogue);
    }
}

/* Panels first .. end - 1 over all of k. */
static void run_group(const Product *p, size_t first, size_t end, float *panel)
{
    for (size_t block = 0; block < k_blocks_of(p->w->columns); block++) {
        for (size_t i = first; i < end; i++) {
            Step s;
            s.column = i * TILE_COLUMNS;
            s.columns = smaller(TILE_COLUMNS, p->w->rows - s.column);
            s.k0 = block * BLOCK_K;
            s.count = smaller(BLOCK_K, p->w->columns - s.k0);
            run_step(p, &s, panel);
        }
    }
}

/* Row r of `rows`: its part of each x block. */
static void copy_row(float *x_blocks, const float *x, size_t r, size_t rows, size_t k)
{
    for (size_t k0 = 0; k0 < k; k0 += BLOCK_K)
        memcpy(x_blocks + (k0 / BLOCK_K * rows + r) * ROW_STRIDE, x + k0, smaller(BLOCK_K, k - k0) * sizeof *x);
}

/* Rows of a block: all, or nearly equal shares of at most BLOCK_ROWS. */
static size_t linear_block_rows(size_t m)
{
    size_t blocks = divide_up(m, BLOCK_ROWS);

    return blocks == 0 ? 0 : divide_up(m, blocks);
}

/* Panels of a group: at least three groups per thread, so that the last one to finish is not waited for long. */
static size_t group_size(size_t panels)
{
    size_t size = panels / (3 * (size_t)kernel_threads());

    return size < 1 ? 1 : smaller(size, 4);
}

static void fast_linear(float *y, size_t ldy, const float *x, size_t ldx, size_t m, const Matrix *w, const float *bias,
                        Epilogue epilogue, float *workspace)
{
    size_t block_rows = linear_block_rows(m), k = w->columns, panels = divide_up(w->rows, TILE_COLUMNS);
    size_t group = group_size(panels), groups = divide_up(panels, group);
    float *x_blocks = line_start(workspace), *thread_panels = x_blocks + block_rows * ROW_STRIDE * k_blocks_of(k);

    PARALLEL((double)m * (double)w->rows * (double)k > PARALLEL_WORTHWHILE)
    {
        float *panel = thread_panels + parallel_index() * PANEL_FLOATS;

        for (size_t first = 0; first < m; first += block_rows) {
            size_t rows = smaller(block_rows, m - first);
            Product product = {y + first * ldy, ldy, rows, x_blocks, w, bias, epilogue};

            DIVIDED_LOOP
            for (size_t r = 0; r < rows; r++)
                copy_row(x_blocks, x + (first + r) * ldx, r, rows, k);
            SHARED_LOOP
            for (size_t i = 0; i < groups; i++)
                run_group(&product, i * group, smaller((i + 1) * group, panels), panel);
        }
    }
}

static size_t fast_linear_workspace(size_t m, size_t n, size_t k)
{
    (void)n;
    return LINE_FLOATS + smaller(m, BLOCK_ROWS) * ROW_STRIDE * k_blocks_of(k) + (size_t)kernel_threads() * PANEL_FLOATS;
}
