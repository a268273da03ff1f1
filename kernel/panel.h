/* Panels of W: PANEL rows of it, a block of k long, with k slowest, as tiles read them (tile.h).
 *
 * A matrix stored in panels (WtsLayout) whose type the processor multiplies is used where it lies. Everything else
 * is brought to a panel of floats in a buffer that stays in the second-level cache while all rows of x pass: panels of
 * a narrower type are widened, rows are transposed in registers, V_WIDTH x V_WIDTH at a time. */

#define PANEL_FLOATS ((size_t)LONG_LANES * PANEL)

static Arithmetic arithmetic_of(const Matrix *w)
{
#ifdef V_HAS_BF16
    if (w->layout == LAYOUT_PANELS && w->type == WTS_BF16)
        return ARITHMETIC_BF16;
#endif
#ifdef V_HAS_Q8
    if (w->layout == LAYOUT_PANELS && w->type == WTS_Q8)
        return ARITHMETIC_Q8;
#endif
    (void)w;
    return ARITHMETIC_F32;
}

/* Where panel `index` has the lane (or, f16, number) that k lies in. */
static const void *stored_panel(const Matrix *w, size_t index, size_t k)
{
    size_t in_step = wts_panel_step(w->type), steps = divide_up(w->columns, in_step);

    return (const unsigned char *)w->data + (index * steps + k / in_step) * PANEL * in_step * wts_type_size(w->type);
}

/* ---- from panels of narrower numbers ---- */

/* buffer[k][PANEL] of `count` numbers from a stored panel; up to 3 more are written. */
static void widen_panel(float *buffer, const void *stored, WtsType type, const float *scales, size_t count)
{
    const float *lanes = stored;
    const uint16_t *halves = stored;

    for (size_t k = 0; k < count; k += wts_panel_step(type)) {
        for (size_t j = 0; j < PANEL; j += V_WIDTH, lanes += V_WIDTH) {
            float *at = buffer + k * PANEL + j;
            if (type == WTS_F16) {
                v_store(at, v_load_f16(halves + k * PANEL + j));
            } else if (type == WTS_BF16) {
                for (int i = 0; i < 2; i++)
                    v_store(at + i * PANEL, v_bf16(v_load(lanes), i));
            } else {
                for (int i = 0; i < 4; i++)
                    v_store(at + i * PANEL, v_mul(v_byte(v_load(lanes), i), v_load(scales + j)));
            }
        }
    }
}

/* ---- from rows ---- */

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
    if (type == WTS_Q8)
        return ((const int8_t *)row)[k];
    return type == WTS_F16 ? f16_to_float(((const uint16_t *)row)[k]) : bf16_to_float(((const uint16_t *)row)[k]);
}

/* Rows of a matrix of any type, `stride` numbers apart. */
typedef struct {
    const void *data;
    WtsType type;
    size_t stride;
    const float *scales; /* of q8 */
} Rows;

V_INLINE const void *row_of(Rows w, WtsType type, size_t row)
{
    return (const unsigned char *)w.data + row * w.stride * (type == WTS_F32 ? 4 : type == WTS_Q8 ? 1 : 2);
}

/* Squares of V_WIDTH x V_WIDTH at a time, from a whole panel of rows. `type` is a constant where this is inlined. */
V_INLINE void transpose_squares(float *panel, Rows w, WtsType type, size_t row, size_t k0, size_t count)
{
    for (size_t j = 0; j < PANEL; j += V_WIDTH) {
        for (size_t k = 0; k + V_WIDTH <= count; k += V_WIDTH) {
            V square[V_WIDTH];
            V_UNROLL
            for (size_t i = 0; i < V_WIDTH; i++)
                square[i] = load_widened(row_of(w, type, row + j + i), type, k0 + k);
            v_transpose(square);
            V_UNROLL
            for (size_t i = 0; i < V_WIDTH; i++)
                v_store(panel + (k + i) * PANEL + j, square[i]);
        }
    }
}

/* panel[k][c] = w[row + c][k0 + k] for k < count, c < PANEL; zero from row + rows on. */
static void transpose_panel(float *panel, Rows w, size_t row, size_t rows, size_t k0, size_t count)
{
    size_t k = 0;

    if (rows >= PANEL && w.type != WTS_Q8) {
        k = count / V_WIDTH * V_WIDTH;
        if (w.type == WTS_F32)
            transpose_squares(panel, w, WTS_F32, row, k0, k);
        else if (w.type == WTS_F16)
            transpose_squares(panel, w, WTS_F16, row, k0, k);
        else
            transpose_squares(panel, w, WTS_BF16, row, k0, k);
    }
    for (; k < count; k++) {
        for (size_t c = 0; c < PANEL; c++) {
            float value = c < rows ? widened(row_of(w, w.type, row + c), w.type, k0 + k) : 0.0f;
            panel[k * PANEL + c] = w.type == WTS_Q8 && c < rows ? value * w.scales[row + c] : value;
        }
    }
}

/* ---- either ---- */

/* Panel `index` of W from number k0 on, `count` numbers of k long, as lanes of the arithmetic: in `buffer` or where it
 * is stored. Scales of q8 are read PANEL at a time: `scales` holds those of this panel. */
static const float *panel_of(float *buffer, const Matrix *w, size_t index, size_t k0, size_t count, const float *scales)
{
    Rows rows = {w->data, w->type, w->columns, w->scales};
    size_t row = index * PANEL;

    if (w->layout == LAYOUT_ROWS)
        transpose_panel(buffer, rows, row, smaller(PANEL, w->rows - row), k0, count);
    else if (w->type == WTS_F32 || arithmetic_of(w) != ARITHMETIC_F32)
        return stored_panel(w, index, k0);
    else
        widen_panel(buffer, stored_panel(w, index, k0), w->type, scales, count);
    return buffer;
}

#ifdef V_HAS_Q8
/* The sum of each column's bytes, which Q8 needs where bytes of x have a zero other than 0. */
static void sum_columns(int32_t *sums, const float *panel, size_t lanes)
{
    const uint32_t one_in_each_byte = 0x01010101u;
    V ones;
    float lane;

    memcpy(&lane, &one_in_each_byte, sizeof lane);
    ones = v_set(lane);
    for (size_t j = 0; j < PANEL; j += V_WIDTH) {
        V sum = v_zero();
        for (size_t i = 0; i < lanes; i++)
            sum = v_dot_q8(ones, v_load(panel + i * PANEL + j), sum);
        v_store((float *)(void *)(sums + j), sum);
    }
}
#endif
