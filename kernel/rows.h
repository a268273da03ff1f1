/* Rows of x as lanes (tile.h), copied to where the distance of two rows is a constant, block after block of k:
 *
 *   [blocks of k][rows, stride] lanes
 *
 * As they are, rounded to bf16, or coded in bytes: x = scale (byte - zero) with the smallest and the largest number of
 * the row at 0 and 255 (Jacob et al. 2018, "Quantization and training of neural networks for efficient
 * integer-arithmetic-only inference", equation 1), zero itself always exact. */

/* How a row of k numbers is cut into lanes, and lanes into blocks. */
typedef struct {
    Arithmetic arithmetic;
    size_t in_lane; /* numbers */
    size_t k;
    size_t lanes;   /* of a row; what is missing in the last one counts as 0 */
    size_t block, blocks; /* lanes of a block; one, empty, where k is 0: y is the bias then */
    size_t stride;  /* lanes from row to row within a block */
} Lanes;

static Lanes lanes_of(Arithmetic arithmetic, size_t k)
{
    Lanes l;

    l.arithmetic = arithmetic;
    l.in_lane = arithmetic == ARITHMETIC_F32 ? 1 : arithmetic == ARITHMETIC_BF16 ? 2 : 4;
    l.k = k;
    l.lanes = divide_up(k, l.in_lane);
    l.block = l.lanes <= SHORT_LANES ? SHORT_LANES : LONG_LANES;
    l.blocks = l.lanes == 0 ? 1 : divide_up(l.lanes, l.block);
    l.stride = l.lanes <= SHORT_LANES ? SHORT_STRIDE : LONG_STRIDE;
    return l;
}

static inline size_t rows_floats(const Lanes *l, size_t rows)
{
    return rows * l->stride * l->blocks;
}

#ifdef V_HAS_BF16
/* out[ceil(count / 2)] lanes of x[count] rounded to bf16. */
static void round_row(float *out, const float *x, size_t count)
{
    size_t i = 0;

    for (; i + 2 * V_WIDTH <= count; i += 2 * V_WIDTH, out += V_WIDTH)
        v_store(out, v_narrow_bf16(v_load(x + i), v_load(x + i + V_WIDTH)));
    if (i < count) {
        float rest[2 * V_WIDTH] = {0}, lanes[V_WIDTH];
        memcpy(rest, x + i, (count - i) * sizeof *x);
        v_store(lanes, v_narrow_bf16(v_load(rest), v_load(rest + V_WIDTH)));
        memcpy(out, lanes, divide_up(count - i, 2) * sizeof *out);
    }
}
#endif

#ifdef V_HAS_Q8
/* The code of x[k]. A row that holds no number (NaN) has none: its scale is NaN, and so is every product of it. */
static RowCode code_of(const float *x, size_t k)
{
    V low = v_zero(), high = v_zero(), total = v_zero();
    float lowest = 0, highest = 0, sum = 0;
    size_t i = 0;
    RowCode code = {0, 0};

    for (; i + V_WIDTH <= k; i += V_WIDTH) {
        V some = v_load(x + i);
        low = v_min(some, low);
        high = v_max(some, high);
        total = v_add(total, some);
    }
    for (; i < k; i++) {
        lowest = x[i] < lowest ? x[i] : lowest;
        highest = x[i] > highest ? x[i] : highest;
        sum += x[i];
    }
    lowest = fminf(lowest, -v_highest(v_sub(v_zero(), low)));
    highest = fmaxf(highest, v_highest(high));
    sum += v_sum(total);
    code.scale = (highest - lowest) / 255;
    if (sum != sum)
        code.scale = sum;
    else if (code.scale > 0 && code.scale < INFINITY)
        code.zero = (int32_t)(-lowest / code.scale + 0.5f);
    return code;
}

/* The bytes of x[count]. */
static void code_row(unsigned char *out, const float *x, size_t count, RowCode code)
{
    V factor = v_set(code.scale > 0 ? 1 / code.scale : 0), zero = v_set((float)code.zero), most = v_set(255);
    size_t i = 0;

    for (; i + V_WIDTH <= count; i += V_WIDTH)
        v_store_bytes(out + i, v_min(v_max(v_fma(v_load(x + i), factor, zero), v_zero()), most));
    if (i < count) {
        float rest[V_WIDTH] = {0};
        unsigned char bytes[V_WIDTH];
        memcpy(rest, x + i, (count - i) * sizeof *x);
        v_store_bytes(bytes, v_min(v_max(v_fma(v_load(rest), factor, zero), v_zero()), most));
        memcpy(out + i, bytes, count - i);
    }
}
#endif

/* x[count]. Rows are long, and what is read was computed a while ago: it is asked for, ROW_AHEAD numbers before. */
#define ROW_AHEAD 1024
static void copy_floats(float *out, const float *x, size_t count)
{
    size_t i = 0;

    for (; i + 4 * V_WIDTH <= count; i += 4 * V_WIDTH) {
        for (size_t j = 0; j < 4 * V_WIDTH; j += LINE_FLOATS)
            v_prefetch(x + i + j + ROW_AHEAD);
        V_UNROLL
        for (size_t j = 0; j < 4 * V_WIDTH; j += V_WIDTH)
            v_store(out + i + j, v_load(x + i + j));
    }
    memcpy(out + i, x + i, (count - i) * sizeof *x);
}

/* Row r of `rows`: its part of each block. *code is set where the arithmetic has one. */
static void copy_row(float *blocks, RowCode *code, const float *x, size_t r, size_t rows, const Lanes *l)
{
    size_t numbers = l->block * l->in_lane;

#ifdef V_HAS_Q8
    if (l->arithmetic == ARITHMETIC_Q8)
        *code = code_of(x, l->k);
#endif
    for (size_t k = 0; k < l->k; k += numbers) {
        float *out = blocks + (k / numbers * rows + r) * l->stride;
        size_t count = smaller(numbers, l->k - k);

        if (l->arithmetic == ARITHMETIC_F32)
            copy_floats(out, x + k, count);
#ifdef V_HAS_BF16
        if (l->arithmetic == ARITHMETIC_BF16)
            round_row(out, x + k, count);
#endif
#ifdef V_HAS_Q8
        if (l->arithmetic == ARITHMETIC_Q8) {
            out[(count - 1) / 4] = 0; /* bytes beyond the last: any number, but not none */
            code_row((unsigned char *)out, x + k, count, *code);
        }
#endif
    }
#ifdef V_HAS_Q8
    if (l->arithmetic == ARITHMETIC_Q8)
        code->zero -= V_BYTE_FLIP;
#else
    (void)code;
#endif
}
