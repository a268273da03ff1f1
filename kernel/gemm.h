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
 *             512 KiB at most: the second-level cache
 *
 *   for each row block, for each block of k:
 *       copy the x block                                  (threads share the rows)
 *       for each panel:                                   (threads share the panels)
 *           transpose the panel, then tile by tile: y = or += x block * panel; after the last block of k the epilogue
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
static inline float *line_start(float *p) { return p + (LINE_FLOATS - (uintptr_t)p / sizeof *p % LINE_FLOATS) % LINE_FLOATS; }
static inline size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t divide_up(size_t a, size_t b) { return (a + b - 1) / b; }

/* c[rows, TILE_COLUMNS] = a[rows, count] panel[count, TILE_COLUMNS] + bias, or without bias (NULL) where it was added
 * before; with add != 0 plus what c held. Rows of a are ROW_STRIDE apart. `rows` is a constant where this is inlined. */
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

/* What one pass over a block of k does, the same for all panels. */
typedef struct {
    float *y;
    size_t ldy;
    const float *x_block; /* [rows, ROW_STRIDE] */
    size_t rows, k0, count;
    const Matrix *w;
    const float *bias; /* NULL unless this is the first block of k */
    int add;           /* y holds a part of the sum already, or the residual */
    Epilogue finish;   /* EPILOGUE_NONE unless this is the last block of k */
} Pass;

/* Asks for the part-th of `parts` shares of the panel that starts at `row`, so that memory works while we multiply. */
static void prefetch_panel(const Pass *p, size_t row, size_t part, size_t parts)
{
    size_t size = p->w->type == WTS_F32 ? 4 : 2;
    size_t first = TILE_COLUMNS * part / parts, end = TILE_COLUMNS * (part + 1) / parts;

    for (size_t r = row + first; r < smaller(row + end, p->w->rows); r++) {
        const char *line = (const char *)p->w->data + (r * p->w->columns + p->k0) * size;
        for (size_t byte = 0; byte < p->count * size; byte += 64)
            v_prefetch(line + byte);
    }
}

static void activate(float *y, size_t ldy, size_t rows, size_t columns, Epilogue epilogue)
{
    for (size_t r = 0; r < rows; r++) {
        if (epilogue == EPILOGUE_GELU)
            apply(v_gelu, y + r * ldy, columns);
        else if (epilogue == EPILOGUE_QUICK_GELU)
            apply(v_quick_gelu, y + r * ldy, columns);
    }
}

/* The tiles of a panel that has fewer than TILE_COLUMNS columns: by way of a buffer of full width. */
static void narrow_tile(const Pass *p, size_t row, size_t rows, size_t column, size_t columns, const float *panel)
{
    float c[TILE_ROWS * TILE_COLUMNS], bias[TILE_COLUMNS] = {0};

    if (p->bias != NULL)
        memcpy(bias, p->bias + column, columns * sizeof *bias);
    memset(c, 0, sizeof c);
    if (p->add)
        for (size_t r = 0; r < rows; r++)
            memcpy(c + r * TILE_COLUMNS, p->y + (row + r) * p->ldy + column, columns * sizeof *c);
    tile(rows, c, TILE_COLUMNS, p->x_block + row * ROW_STRIDE, panel, p->count, p->bias != NULL ? bias : NULL, p->add);
    for (size_t r = 0; r < rows; r++)
        memcpy(p->y + (row + r) * p->ldy + column, c + r * TILE_COLUMNS, columns * sizeof *c);
}

/* All rows of the block against one panel. Rows are spread evenly over the tiles: 197 rows are 13 or 14 each, no
 * tile is left with one. */
static void run_panel(const Pass *p, size_t index, float *panel)
{
    size_t column = index * TILE_COLUMNS, columns = smaller(TILE_COLUMNS, p->w->rows - column);
    size_t tiles = divide_up(p->rows, TILE_ROWS);
    Rows w = {p->w->data, p->w->type, p->w->columns};

    transpose_panel(panel, w, column, columns, p->k0, p->count);
    for (size_t t = 0; t < tiles; t++) {
        size_t row = p->rows * t / tiles, rows = p->rows * (t + 1) / tiles - row;
        float *y = p->y + row * p->ldy + column;

        prefetch_panel(p, column + TILE_COLUMNS, t, tiles);
        if (columns == TILE_COLUMNS)
            tile(rows, y, p->ldy, p->x_block + row * ROW_STRIDE, panel, p->count,
                 p->bias != NULL ? p->bias + column : NULL, p->add);
        else
            narrow_tile(p, row, rows, column, columns, panel);
        activate(y, p->ldy, rows, columns, p->finish);
    }
}

static size_t linear_block_rows(size_t m)
{
    size_t blocks = divide_up(m, BLOCK_ROWS);

    return blocks == 0 ? 0 : divide_up(m, blocks);
}

static void fast_linear(float *y, size_t ldy, const float *x, size_t ldx, size_t m, const Matrix *w, const float *bias,
                        Epilogue epilogue, float *workspace)
{
    size_t block_rows = linear_block_rows(m), panels = divide_up(w->rows, TILE_COLUMNS);
    float *x_block = line_start(workspace), *thread_panels = x_block + block_rows * ROW_STRIDE;

    if (m == 0 || w->rows == 0)
        return;
    PARALLEL((double)m * (double)w->rows * (double)w->columns > PARALLEL_WORTHWHILE)
    {
        float *panel = thread_panels + parallel_index() * PANEL_FLOATS;

        for (size_t first = 0; first < m; first += block_rows) {
            size_t rows = smaller(block_rows, m - first), k0 = 0;

            do { /* once even where k is 0: y is the bias then */
                size_t count = smaller(BLOCK_K, w->columns - k0);
                int is_first = k0 == 0, is_last = k0 + count == w->columns;
                Pass pass = {y + first * ldy, ldy, x_block, rows, k0, count, w, is_first ? bias : NULL,
                             !is_first || epilogue == EPILOGUE_ADD, is_last ? epilogue : EPILOGUE_NONE};

                DIVIDED_LOOP
                for (size_t r = 0; r < rows; r++)
                    memcpy(x_block + r * ROW_STRIDE, x + (first + r) * ldx + k0, count * sizeof *x);
                DIVIDED_LOOP
                for (size_t i = 0; i < panels; i++)
                    run_panel(&pass, i, panel);
                k0 += count;
            } while (k0 < w->columns);
        }
    }
}

static size_t fast_linear_workspace(size_t m, size_t n, size_t k)
{
    (void)n;
    (void)k;
    return LINE_FLOATS + smaller(m, BLOCK_ROWS) * ROW_STRIDE + (size_t)kernel_threads() * PANEL_FLOATS;
}
