/* The plain version of the arithmetic: each formula of a transformer as the loop that it is, sums in double, no
 * blocking and no order to explain. It is what the fast kernels are tested against, what runs where none of them
 * does, and the place to read what they compute. The public functions of tensor.h stand at the end. */
#include "tensor.h"

#include <math.h>
#include <string.h>

#include "base/half.h"
#include "kernel/kernel.h"
#include "kernel/parallel.h"

static float matrix_at(const Matrix *w, size_t row, size_t column)
{
    size_t i = w->layout == LAYOUT_PANELS ? wts_panel_index(w->type, w->columns, row, column)
                                          : row * w->columns + column;

    switch (w->type) {
    case WTS_F16:
        return f16_to_float(((const uint16_t *)w->data)[i]);
    case WTS_BF16:
        return bf16_to_float(((const uint16_t *)w->data)[i]);
    case WTS_Q8:
        return ((const int8_t *)w->data)[i] * w->scales[row];
    default:
        return ((const float *)w->data)[i];
    }
}

/* x Phi(x), Phi the standard normal distribution function; and CLIP's approximation of it. */
static double gelu(double x)
{
    return 0.5 * x * (1.0 + erf(x / sqrt(2.0)));
}

static double quick_gelu(double x)
{
    return x / (1.0 + exp(-1.702 * x));
}

static void plain_linear(float *y, size_t ldy, const float *x, size_t ldx, size_t m, const Matrix *w, const float *bias,
                         Epilogue epilogue, float *workspace)
{
    (void)workspace;
    PARALLEL((double)m * (double)w->rows * (double)w->columns > PARALLEL_WORTHWHILE)
    {
        DIVIDED_LOOP
        for (size_t j = 0; j < w->rows; j++) {
            for (size_t i = 0; i < m; i++) {
                double sum = bias != NULL ? bias[j] : 0.0;
                for (size_t k = 0; k < w->columns; k++)
                    sum += (double)x[i * ldx + k] * matrix_at(w, j, k);
                if (epilogue == EPILOGUE_GELU)
                    sum = gelu(sum);
                else if (epilogue == EPILOGUE_QUICK_GELU)
                    sum = quick_gelu(sum);
                else if (epilogue == EPILOGUE_ADD)
                    sum += y[i * ldy + j];
                y[i * ldy + j] = (float)sum;
            }
        }
    }
}

static size_t plain_linear_workspace(size_t m, size_t n, size_t k)
{
    (void)m, (void)n, (void)k;
    return 0;
}

static void plain_layernorm(float *y, const float *x, const float *gain, const float *bias, size_t m, size_t d,
                            float eps)
{
    for (; m > 0; m--, x += d, y += d) {
        double mean = 0, variance = 0;
        for (size_t i = 0; i < d; i++)
            mean += x[i];
        mean /= (double)d;
        for (size_t i = 0; i < d; i++)
            variance += (x[i] - mean) * (x[i] - mean);
        variance /= (double)d;
        for (size_t i = 0; i < d; i++)
            y[i] = (float)((x[i] - mean) / sqrt(variance + eps) * gain[i] + bias[i]);
    }
}

/* softmax of x[count] in place; the maximum is subtracted so that exp does not overflow. */
static void plain_softmax(float *x, size_t count)
{
    double sum = 0;
    float highest = x[0];

    for (size_t i = 1; i < count; i++)
        highest = x[i] > highest ? x[i] : highest;
    for (size_t i = 0; i < count; i++) {
        x[i] = (float)exp((double)x[i] - highest);
        sum += x[i];
    }
    for (size_t i = 0; i < count; i++)
        x[i] = (float)(x[i] / sum);
}

static void plain_attention(float *out, size_t ldo, const float *q, const float *k, const float *v, size_t stride,
                            size_t n, size_t heads, size_t head_width, float scale, int causal, WtsType type,
                            float *workspace)
{
    float *weights = workspace; /* [n] of one query */

    (void)type; /* nothing is rounded here */

    for (size_t head = 0; head < heads; head++, q += head_width, k += head_width, v += head_width, out += head_width) {
        for (size_t i = 0; i < n; i++) {
            size_t visible = causal ? i + 1 : n;
            for (size_t j = 0; j < visible; j++) {
                double score = 0;
                for (size_t d = 0; d < head_width; d++)
                    score += (double)q[i * stride + d] * k[j * stride + d];
                weights[j] = (float)(score * scale);
            }
            plain_softmax(weights, visible);
            for (size_t d = 0; d < head_width; d++) {
                double sum = 0;
                for (size_t j = 0; j < visible; j++)
                    sum += (double)weights[j] * v[j * stride + d];
                out[i * ldo + d] = (float)sum;
            }
        }
    }
}

static size_t plain_attention_workspace(size_t n, size_t heads, size_t head_width)
{
    (void)heads, (void)head_width;
    return n;
}

static void plain_exponential(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] = (float)exp(x[i]);
}

static void plain_error_function(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] = (float)erf(x[i]);
}

const Kernel kernel_plain = {
    "plain",           plain_linear,          plain_linear_workspace, plain_layernorm,
    plain_attention,   plain_attention_workspace, plain_exponential,  plain_error_function,
    0,                 0,                     NULL,
};

/* ---- the public functions that a kernel computes ---- */

int tensor_begin(Error *e)
{
    return kernel_is_chosen() ? LAKE_OK : kernel_choose(e);
}

void tensor_linear(float *y, size_t ldy, const float *x, size_t ldx, size_t m, const Matrix *w, const float *bias,
                   Epilogue epilogue, float *workspace)
{
    kernel_current()->linear(y, ldy, x, ldx, m, w, bias, epilogue, workspace);
}

size_t tensor_linear_workspace(size_t m, size_t n, size_t k)
{
    return kernel_current()->linear_workspace(m, n, k);
}

void tensor_layernorm(float *y, const float *x, const float *gain, const float *bias, size_t m, size_t d, float eps)
{
    kernel_current()->layernorm(y, x, gain, bias, m, d, eps);
}

void tensor_attention(float *out, size_t ldo, const float *q, const float *k, const float *v, size_t stride, size_t n,
                      size_t heads, size_t head_width, float scale, int causal, WtsType type, float *workspace)
{
    kernel_current()->attention(out, ldo, q, k, v, stride, n, heads, head_width, scale, causal, type, workspace);
}

size_t tensor_attention_workspace(size_t n, size_t heads, size_t head_width)
{
    return kernel_current()->attention_workspace(n, heads, head_width);
}

/* ---- those that are never the bottleneck ---- */

void tensor_row(float *out, const Matrix *w, size_t row)
{
    for (size_t column = 0; column < w->columns; column++)
        out[column] = matrix_at(w, row, column);
}

void tensor_normalise(float *x, size_t n)
{
    double sum = 0, length;

    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * x[i];
    length = sqrt(sum);
    if (length > 0)
        for (size_t i = 0; i < n; i++)
            x[i] = (float)(x[i] / length);
}

/* ---- resampling a grid ---- */

/* Keys' cubic convolution kernel: a = -0.5 and -0.75 are the two in use. */
static double cubic(double x, double a)
{
    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

/* One axis of a resampling: from `in` samples to `out`. */
typedef struct {
    size_t in, out;
    GridResize method;
} Axis;

/* The share of input sample i in output sample o, before normalisation. Positions are those of align_corners false:
 * centre of o is at (o + 0.5) in / out - 0.5. `i` may lie outside the grid where the method repeats the edge. */
static double tap_weight(const Axis *axis, double i, size_t o)
{
    double ratio = (double)axis->in / (double)axis->out, centre = ((double)o + 0.5) * ratio - 0.5;
    double distance = i - centre, widening = ratio > 1 ? ratio : 1;

    switch (axis->method) {
    case GRID_BICUBIC_ANTIALIAS:
        return cubic(distance / widening, -0.5);
    case GRID_BICUBIC:
        return cubic(distance, -0.75);
    default:
        return fabs(distance) < 1 ? 1 - fabs(distance) : 0;
    }
}

/* out[c] = output sample o of a line whose input samples are `step` floats apart and have `channels` channels. */
static void resample(float *out, const float *in, size_t step, size_t channels, const Axis *axis, size_t o)
{
    double ratio = (double)axis->in / (double)axis->out, centre = ((double)o + 0.5) * ratio - 0.5;
    double reach = axis->method == GRID_BICUBIC_ANTIALIAS && ratio > 1 ? 2 * ratio : 2;
    double first = ceil(centre - reach), last = floor(centre + reach), edge = (double)axis->in - 1, total = 0;

    if (axis->method == GRID_BICUBIC_ANTIALIAS) { /* the window is cut at the edge, and what is left sums to 1 */
        first = first < 0 ? 0 : first;
        last = last > edge ? edge : last;
        for (double i = first; i <= last; i++)
            total += tap_weight(axis, i, o);
    } else {
        total = 1;
    }
    for (size_t c = 0; c < channels; c++)
        out[c] = 0;
    for (double i = first; i <= last; i++) {
        const float *sample = in + (size_t)(i < 0 ? 0 : i > edge ? edge : i) * step; /* the edge is repeated */
        float weight = (float)(tap_weight(axis, i, o) / total);
        for (size_t c = 0; c < channels; c++)
            out[c] += weight * sample[c];
    }
}

void tensor_resize_grid(float *out, size_t h2, size_t w2, const float *in, size_t h, size_t w, size_t channels,
                        GridResize method, float *workspace)
{
    Axis across = {w, w2, method}, down = {h, h2, method};
    float *between = workspace; /* [h, w2, channels] */

    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w2; x++)
            resample(between + (y * w2 + x) * channels, in + y * w * channels, channels, channels, &across, x);
    for (size_t y = 0; y < h2; y++)
        for (size_t x = 0; x < w2; x++)
            resample(out + (y * w2 + x) * channels, between + x * channels, w2 * channels, channels, &down, y);
}
