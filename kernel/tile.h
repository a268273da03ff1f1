/* The micro-kernel: a tile of TILE_ROWS x TILE_COLUMNS sums that stay in registers while k runs. Per step it loads one
 * lane of each row of x, repeated over a vector, and TILE_VECTORS vectors of a panel, and multiplies each with each.
 *
 * A lane is 32 bits. What it holds decides the arithmetic; the loop is the same:
 *
 *   ARITHMETIC_F32    1 float                     sum += x b                         sums are floats
 *   ARITHMETIC_BF16   2 bf16, k and k + 1         sum += x0 b0 + x1 b1               sums are floats
 *   ARITHMETIC_Q8     4 bytes, k to k + 3         sum += x0 b0 + ... + x3 b3         sums are whole numbers, exact
 *
 * Panel: [lanes][PANEL] lanes, PANEL (32) columns whatever the width of a tile, which divides it. Rows of x: a constant
 * number of lanes apart, so that every address of a step is one pointer plus a constant. */

#define TILE_COLUMNS (TILE_VECTORS * V_WIDTH)
#define PANEL WTS_PANEL_ROWS

/* Distances of two rows, in lanes: an odd number of cache lines, so that rows do not fall on one cache set. */
#define SHORT_LANES 512
#define LONG_LANES 1024
#define SHORT_STRIDE (SHORT_LANES + 16)
#define LONG_STRIDE (LONG_LANES + 16)

typedef enum { ARITHMETIC_F32, ARITHMETIC_BF16, ARITHMETIC_Q8 } Arithmetic;

/* How a row of x was brought to bytes: x = scale (byte - zero). */
typedef struct {
    float scale;
    int32_t zero;
} RowCode;

/* c[rows, TILE_COLUMNS] = x panel + bias, with add != 0 plus what c held. */
typedef struct {
    float *c;
    size_t ldc;
    const float *x;     /* lanes */
    const float *panel; /* lanes, the tile's first column */
    size_t lanes;
    const float *bias;  /* of the columns, or NULL */
    int add;
    const float *ahead; /* what will be read next from memory: fetched meanwhile, a cache line every `pace` lanes */
    size_t pace;        /* 1 or more */
    const RowCode *codes;         /* Q8: of the rows */
    const float *column_scales;   /* Q8 */
    const int32_t *column_sums;   /* Q8: of each column's bytes over these lanes */
} Tile;

V_INLINE V multiply_add(const Arithmetic arithmetic, V x, V b, V sum)
{
#ifdef V_HAS_BF16
    if (arithmetic == ARITHMETIC_BF16)
        return v_dot_bf16(x, b, sum);
#endif
#ifdef V_HAS_Q8
    if (arithmetic == ARITHMETIC_Q8)
        return v_dot_q8(x, b, sum);
#endif
    (void)arithmetic;
    return v_fma(x, b, sum);
}

/* What the sum in row r, vector j, stands for: itself, or in Q8, where x = s (u - z) and w = t q,
 * sum x w = s t (sum u q - z sum q). */
V_INLINE V value_of(const Arithmetic arithmetic, const Tile *t, V sum, int r, int j)
{
#ifdef V_HAS_Q8
    if (arithmetic == ARITHMETIC_Q8) {
        V scale = v_mul(v_set(t->codes[r].scale), v_load(t->column_scales + j * V_WIDTH));
        return v_mul(v_from_sums(sum, t->codes[r].zero, t->column_sums + j * V_WIDTH), scale);
    }
#endif
    (void)arithmetic, (void)t, (void)r, (void)j;
    return sum;
}

/* Stores the sums. *whole is copied first: stores could change it, for all that a compiler knows. */
V_INLINE void finish_tile(const int rows, const Arithmetic arithmetic, V sum[TILE_ROWS][TILE_VECTORS],
                          const Tile *whole)
{
    const Tile t = *whole;
    V bias[TILE_VECTORS];

    V_UNROLL
    for (int j = 0; j < TILE_VECTORS; j++)
        bias[j] = t.bias == NULL ? v_zero() : v_load(t.bias + j * V_WIDTH);
    V_UNROLL
    for (int r = 0; r < rows; r++) {
        V_UNROLL
        for (int j = 0; j < TILE_VECTORS; j++) {
            float *at = t.c + (size_t)r * t.ldc + j * V_WIDTH;
            V value = v_add(value_of(arithmetic, &t, sum[r][j], r, j), bias[j]);
            if (t.add)
                value = v_add(value, v_load(at));
            v_store(at, value);
        }
    }
}

/* Asks for where the sums of a row are to be stored: row by row while k runs, so that storing waits for no memory. */
V_INLINE void prefetch_sums(const Tile *t, int row)
{
    for (size_t j = 0; j < TILE_COLUMNS; j += LINE_FLOATS)
        v_prefetch_to_write(t->c + (size_t)row * t->ldc + j);
}

/* `rows`, `stride` and `arithmetic` are constants where this is inlined. */
V_INLINE void tile_of(const int rows, const size_t stride, const Arithmetic arithmetic, const Tile *t)
{
    const float *x = t->x, *panel = t->panel, *ahead = t->ahead;
    V sum[TILE_ROWS][TILE_VECTORS];
    int row = 0; /* of c, to be fetched */

    V_UNROLL
    for (int r = 0; r < rows; r++) {
        V_UNROLL
        for (int j = 0; j < TILE_VECTORS; j++)
            sum[r][j] = v_zero();
    }
    for (size_t left = t->lanes; left > 0;) {
        size_t steps = left < t->pace ? left : t->pace;

        v_prefetch(ahead);
        if (row < rows)
            prefetch_sums(t, row++);
        ahead += LINE_FLOATS;
        left -= steps;
        for (; steps > 0; steps--, x++, panel += PANEL) {
            V b[TILE_VECTORS];
            V_UNROLL
            for (int j = 0; j < TILE_VECTORS; j++)
                b[j] = v_load(panel + j * V_WIDTH);
            V_UNROLL
            for (int r = 0; r < rows; r++) {
                V repeated = v_set(x[(size_t)r * stride]);
                V_UNROLL
                for (int j = 0; j < TILE_VECTORS; j++)
                    sum[r][j] = multiply_add(arithmetic, repeated, b[j], sum[r][j]);
            }
        }
    }
    finish_tile(rows, arithmetic, sum, t);
}

/* One compiled tile for each number of rows up to TILE_ROWS, at most 14. */
V_INLINE void tile_of_rows(size_t rows, const size_t stride, const Arithmetic arithmetic, const Tile *t)
{
    switch (rows) {
#define TILE_CASE(R)                                                    \
    case R:                                                             \
        tile_of(R <= TILE_ROWS ? R : 1, stride, arithmetic, t);         \
        break;
        TILE_CASE(1) TILE_CASE(2) TILE_CASE(3) TILE_CASE(4) TILE_CASE(5) TILE_CASE(6) TILE_CASE(7)
        TILE_CASE(8) TILE_CASE(9) TILE_CASE(10) TILE_CASE(11) TILE_CASE(12) TILE_CASE(13) TILE_CASE(14)
#undef TILE_CASE
    }
}

/* The tiles that are compiled: an arithmetic and a stride. */
typedef void (*TileFunction)(size_t rows, const Tile *t);

static void tile_f32_short(size_t rows, const Tile *t) { tile_of_rows(rows, SHORT_STRIDE, ARITHMETIC_F32, t); }
static void tile_f32_long(size_t rows, const Tile *t) { tile_of_rows(rows, LONG_STRIDE, ARITHMETIC_F32, t); }
#ifdef V_HAS_BF16
static void tile_bf16_short(size_t rows, const Tile *t) { tile_of_rows(rows, SHORT_STRIDE, ARITHMETIC_BF16, t); }
static void tile_bf16_long(size_t rows, const Tile *t) { tile_of_rows(rows, LONG_STRIDE, ARITHMETIC_BF16, t); }
#endif
#ifdef V_HAS_Q8
static void tile_q8_short(size_t rows, const Tile *t) { tile_of_rows(rows, SHORT_STRIDE, ARITHMETIC_Q8, t); }
static void tile_q8_long(size_t rows, const Tile *t) { tile_of_rows(rows, LONG_STRIDE, ARITHMETIC_Q8, t); }
#endif

static TileFunction tile_function(Arithmetic arithmetic, size_t stride)
{
#ifdef V_HAS_BF16
    if (arithmetic == ARITHMETIC_BF16)
        return stride == SHORT_STRIDE ? tile_bf16_short : tile_bf16_long;
#endif
#ifdef V_HAS_Q8
    if (arithmetic == ARITHMETIC_Q8)
        return stride == SHORT_STRIDE ? tile_q8_short : tile_q8_long;
#endif
    (void)arithmetic;
    return stride == SHORT_STRIDE ? tile_f32_short : tile_f32_long;
}
