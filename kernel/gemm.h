/* y = x W^T + bias: the matrix product that is nine tenths of a transformer's time.
 *
 *   tile      TILE_ROWS rows of x times TILE_COLUMNS outputs, all sums in registers (tile.h; kernel_*.c say why this
 *             shape)
 *   panel     PANEL outputs, LONG_LANES of k long: 128 KiB at most, the second-level cache (panel.h)
 *   x block   rows of x, LONG_LANES of k long; those of all k together are BLOCK_FLOATS at most: 8 MiB, part of the
 *             third-level cache (rows.h)
 *
 *   for each block of rows:
 *       copy its x blocks, for all of k                        (threads share the rows)
 *       for each group of a few panels:                        (each thread takes the next one when it is free)
 *           for each block of k, for each panel of the group:
 *               tile by tile: y = or += x block * panel; after the last k the epilogue
 *
 * Blocks of k are long, because each one loads and stores y once more, which is not in a cache near by; what that costs
 * the caches, the fetching ahead of the next panel and of rows makes up for (doc/SPEED.md has the figures). Threads meet
 * twice per block of rows, no more: a meeting costs microseconds on an idle machine, and a time slice of the scheduler
 * on a busy one.
 *
 * Shares of the peak that this reaches: kernel_*.c; where the rest goes: doc/SPEED.md.
 *
 * A number of y is summed over k in order within a block, and the blocks are added in order: the same wherever it
 * stands and whichever thread computes it. */
#define BLOCK_FLOATS ((size_t)1 << 21)

/* One block of rows of a product. */
typedef struct {
    float *y;
    size_t ldy, rows;
    const float *x_blocks; /* [blocks of k][rows, stride] lanes */
    const RowCode *codes;  /* [rows], where the arithmetic is Q8 */
    Lanes lanes;
    TileFunction tile;
    const Matrix *w;
    const float *bias;
    Epilogue epilogue;
} Product;

/* One panel of it at one block of k. */
typedef struct {
    size_t column, columns; /* of y */
    size_t lanes;
    const float *panel;
    const void *ahead; /* what the thread reads from memory next, and how many cache lines that is */
    size_t ahead_lines;
    const float *x_block;
    float bias[PANEL];      /* zero where it was added before */
    float scales[PANEL];    /* of q8 */
    int32_t sums[PANEL];    /* of Q8 */
    int has_bias, add, is_last;
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

/* A tile of which y has `columns` columns only, by way of a buffer of full width. */
static void run_cut_tile(TileFunction tile, size_t rows, size_t columns, Tile *t)
{
    float buffer[TILE_ROWS * TILE_COLUMNS] = {0}, *y = t->c;
    size_t ldy = t->ldc;

    t->c = buffer;
    t->ldc = TILE_COLUMNS;
    for (size_t r = 0; t->add && r < rows; r++)
        memcpy(buffer + r * TILE_COLUMNS, y + r * ldy, columns * sizeof *y);
    tile(rows, t);
    for (size_t r = 0; r < rows; r++)
        memcpy(y + r * ldy, buffer + r * TILE_COLUMNS, columns * sizeof *y);
}

/* Rows row .. end - 1 against columns `at` and on of the panel. `part` of `parts` of what is wanted next is fetched
 * meanwhile. */
static void run_tile(const Product *p, const Step *s, size_t row, size_t end, size_t at, size_t part, size_t parts)
{
    size_t columns = smaller(TILE_COLUMNS, s->columns - at), first_line = s->ahead_lines * part / parts;
    size_t lines = s->ahead_lines * (part + 1) / parts - first_line, pace = lines == 0 ? s->lanes : s->lanes / lines;
    float *y = p->y + row * p->ldy + s->column + at;
    Tile t = {y, p->ldy, s->x_block + row * p->lanes.stride, s->panel + at, s->lanes, s->has_bias ? s->bias + at : NULL,
              s->add, (const float *)s->ahead + first_line * LINE_FLOATS, pace == 0 ? 1 : pace, p->codes + row,
              s->scales + at, s->sums + at};

    if (columns == TILE_COLUMNS)
        p->tile(end - row, &t);
    else
        run_cut_tile(p->tile, end - row, columns, &t);
    if (s->is_last)
        activate(y, p->ldy, end - row, columns, p->epilogue);
}

/* All rows against one panel. They are spread evenly over the tiles: 197 rows are 13 or 14 each, no tile is left with
 * one. */
static void run_step(const Product *p, const Step *s)
{
    size_t tiles = divide_up(p->rows, TILE_ROWS), across = divide_up(s->columns, TILE_COLUMNS);

    for (size_t i = 0; i < tiles; i++)
        for (size_t j = 0; j < across; j++)
            run_tile(p, s, p->rows * i / tiles, p->rows * (i + 1) / tiles, j * TILE_COLUMNS, i * across + j,
                     tiles * across);
}

/* Panel `index` at block `block` of k; the panel is in `buffer` or where it is stored. */
static void begin_step(Step *s, const Product *p, size_t index, size_t block, float *buffer)
{
    const Matrix *w = p->w;
    size_t first = block * p->lanes.block, k0 = first * p->lanes.in_lane;

    s->column = index * PANEL;
    s->columns = smaller(PANEL, w->rows - s->column);
    s->lanes = smaller(p->lanes.block, p->lanes.lanes - first);
    s->x_block = p->x_blocks + block * p->rows * p->lanes.stride;
    s->has_bias = block == 0 && p->bias != NULL;
    s->add = block > 0 || p->epilogue == EPILOGUE_ADD;
    s->is_last = block + 1 == p->lanes.blocks;
    if (s->has_bias)
        memcpy(s->bias, p->bias + s->column, s->columns * sizeof *s->bias);
    if (w->type == WTS_Q8)
        memcpy(s->scales, w->scales + s->column, s->columns * sizeof *s->scales);
    s->panel = panel_of(buffer, w, index, k0, smaller(p->lanes.block * p->lanes.in_lane, w->columns - k0), s->scales);
#ifdef V_HAS_Q8
    if (p->lanes.arithmetic == ARITHMETIC_Q8)
        sum_columns(s->sums, s->panel, s->lanes);
#endif
}

/* Panel `index` at block `block` of k is what the thread will read after this step. */
static void look_ahead(Step *s, const Product *p, size_t index, size_t block)
{
    const Matrix *w = p->w;
    size_t numbers = p->lanes.block * p->lanes.in_lane, k0 = block * numbers, line = LINE_FLOATS * sizeof(float);

    s->ahead = s->panel;
    s->ahead_lines = 0;
    if (w->layout == LAYOUT_PANELS && index * PANEL < w->rows && k0 < w->columns) {
        s->ahead = stored_panel(w, index, k0);
        s->ahead_lines = smaller(numbers, w->columns - k0) * PANEL * wts_type_size(w->type) / line;
    }
}

/* Panels first .. end - 1 over all of k. */
static void run_group(const Product *p, size_t first, size_t end, float *buffer)
{
    Step s;
    size_t other_threads = (size_t)kernel_threads() - 1;

    memset(&s, 0, sizeof s); /* the columns that a last panel lacks */
    for (size_t block = 0; block < p->lanes.blocks; block++) {
        for (size_t i = first; i < end; i++) {
            begin_step(&s, p, i, block, buffer);
            if (i + 1 < end)
                look_ahead(&s, p, i + 1, block);
            else if (block + 1 < p->lanes.blocks)
                look_ahead(&s, p, first, block + 1);
            else
                look_ahead(&s, p, end + other_threads * (end - first), 0); /* most likely: the others take theirs */
            run_step(p, &s);
        }
    }
}

/* Rows of a block: all, or nearly equal shares of what fits. */
static size_t block_rows_of(size_t m, const Lanes *l)
{
    size_t fit = BLOCK_FLOATS / rows_floats(l, 1), blocks = divide_up(m, fit == 0 ? 1 : fit);

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
    Lanes lanes = lanes_of(arithmetic_of(w), w->columns);
    size_t block_rows = block_rows_of(m, &lanes), panels = divide_up(w->rows, PANEL), group = group_size(panels);
    float *x_blocks = line_start(workspace), *buffers = x_blocks + rows_floats(&lanes, block_rows);
    RowCode *codes = (RowCode *)(void *)(buffers + (size_t)kernel_threads() * PANEL_FLOATS);

    PARALLEL((double)m * (double)w->rows * (double)w->columns > PARALLEL_WORTHWHILE)
    {
        float *buffer = buffers + parallel_index() * PANEL_FLOATS;

        for (size_t first = 0; first < m; first += block_rows) {
            size_t rows = smaller(block_rows, m - first);
            Product product = {y + first * ldy, ldy, rows, x_blocks, codes, lanes,
                               tile_function(lanes.arithmetic, lanes.stride), w, bias, epilogue};

            DIVIDED_LOOP
            for (size_t r = 0; r < rows; r++)
                copy_row(x_blocks, &codes[r], x + (first + r) * ldx, r, rows, &lanes);
            SHARED_LOOP
            for (size_t i = 0; i < divide_up(panels, group); i++)
                run_group(&product, i * group, smaller((i + 1) * group, panels), buffer);
        }
    }
}

/* For matrices of any type: floats need most lanes. */
static size_t fast_linear_workspace(size_t m, size_t n, size_t k)
{
    Lanes lanes = lanes_of(ARITHMETIC_F32, k);
    size_t row = rows_floats(&lanes, 1), most = BLOCK_FLOATS < row ? row : BLOCK_FLOATS;
    size_t blocks = m < most / row ? m * row : most;

    (void)n;
    return LINE_FLOATS + blocks + (size_t)kernel_threads() * PANEL_FLOATS +
           smaller(m, BLOCK_FLOATS / SHORT_STRIDE) * sizeof(RowCode) / sizeof(float);
}
