/* Every kernel that this machine runs against the plain one: odd shapes, all types, all epilogues; exp and erf against
 * libm in double; the same bits for any number of threads and any neighbours; and a kernel broken on purpose, which
 * the comparison must notice. Seeds are fixed. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "kernel/kernel.h"
#include "tensor.h"
#include "test/test.h"

static uint32_t seed = 1;

/* Numerical Recipes' generator: enough for test data. */
static uint32_t next_random(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

static size_t random_size(size_t limit)
{
    return 1 + next_random() % limit;
}

static float *random_floats(size_t count)
{
    float *x = malloc((count + 1) * sizeof *x);

    for (size_t i = 0; i < count; i++)
        x[i] = (float)next_random() / (float)(1 << 23) - 1.0f;
    return x;
}

/* A new buffer of exactly `count` floats (the address sanitizer sees the first one beyond), filled with a pattern. */
static float *filled(size_t count)
{
    float *x = malloc((count == 0 ? 1 : count) * sizeof *x);

    for (size_t i = 0; i < count; i++)
        x[i] = 12345.0f;
    return x;
}

/* ---- comparing ---- */

typedef struct {
    double nmse;    /* sum of squared errors over sum of squares */
    double largest; /* largest error over the largest absolute value */
} Difference;

static Difference compare(const float *got, const float *expected, size_t count)
{
    double error = 0, power = 0, largest = 0, scale = 0;
    Difference d;

    for (size_t i = 0; i < count; i++) {
        double off = fabs((double)got[i] - expected[i]);
        if (off != off) /* no number is the worst of errors, and compares as none */
            off = INFINITY;
        error += off * off;
        power += (double)expected[i] * expected[i];
        largest = fmax(largest, off);
        scale = fmax(scale, fabs(expected[i]));
    }
    d.nmse = power > 0 ? error / power : error;
    d.largest = scale > 0 ? largest / scale : largest;
    return d;
}

/* Rounding errors of float sums grow like the square root of the number of terms: 600 terms of random sign err by some
 * 25 * 6e-8 = 1.5e-6 of a term, which is of the order of the result. A wrong term or a lost one is 1e-2 and more. */
#define NMSE_LIMIT 1e-11
#define LARGEST_LIMIT 1e-5

static int is_equal(Difference d)
{
    return d.nmse < NMSE_LIMIT && d.largest < LARGEST_LIMIT;
}

/* The worst of many comparisons, and where it was. */
typedef struct {
    Difference d;
    char where[96];
    size_t cases;
} Worst;

static void note(Worst *worst, Difference d, const char *format, ...)
{
    worst->cases++;
    if (worst->cases == 1 || !(d.nmse <= worst->d.nmse)) {
        va_list args;
        va_start(args, format);
        vsnprintf(worst->where, sizeof worst->where, format, args);
        va_end(args);
        worst->d = d;
    }
}

static void report(const Worst *worst, const Kernel *kernel, const char *what)
{
    char name[96];

    snprintf(name, sizeof name, "%s %s is the plain one's in %lu cases", kernel->name, what,
             (unsigned long)worst->cases);
    check(is_equal(worst->d), name, "NMSE %.3g (limit %g), largest error %.3g of the largest value (limit %g), at %s",
          worst->d.nmse, NMSE_LIMIT, worst->d.largest, LARGEST_LIMIT, worst->where);
}

/* ---- linear ---- */

/* What a matrix holds: its type, where its numbers stand, and their count. */
typedef struct {
    WtsType type;
    WtsLayout layout;
} Kind;

static const Kind kinds[] = {{WTS_F32, LAYOUT_ROWS},   {WTS_F16, LAYOUT_ROWS},   {WTS_BF16, LAYOUT_ROWS},
                             {WTS_Q8, LAYOUT_ROWS},    {WTS_F32, LAYOUT_PANELS}, {WTS_F16, LAYOUT_PANELS},
                             {WTS_BF16, LAYOUT_PANELS}, {WTS_Q8, LAYOUT_PANELS}};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* Number i of an array of the type, from a float within -1 to 1. */
static void store(void *data, WtsType type, size_t i, float value)
{
    if (type == WTS_F32)
        ((float *)data)[i] = value;
    else if (type == WTS_Q8)
        ((signed char *)data)[i] = (signed char)(value * 127);
    else
        ((uint16_t *)data)[i] = type == WTS_F16 ? float_to_f16(value) : float_to_bf16(value);
}

/* values [rows, columns] in panels of 32 rows, as weights/FORMAT.md says: written in the order of the file. */
static void fill_panels(void *data, WtsType type, const float *values, size_t rows, size_t columns)
{
    size_t step = type == WTS_Q8 ? 4 : type == WTS_BF16 ? 2 : 1, at = 0;

    for (size_t first = 0; first < rows; first += 32)
        for (size_t k = 0; k < columns; k += step)
            for (size_t row = first; row < first + 32; row++)
                for (size_t i = k; i < k + step; i++)
                    store(data, type, at++, row < rows && i < columns ? values[row * columns + i] : 0);
}

/* Random weights in a buffer of exactly their size. */
static Matrix random_matrix(size_t rows, size_t columns, Kind kind)
{
    float *values = random_floats(rows * columns), *scales = random_floats(rows);
    size_t step = kind.type == WTS_Q8 ? 4 : kind.type == WTS_BF16 ? 2 : 1;
    size_t in_panels = (rows + 31) / 32 * 32 * ((columns + step - 1) / step * step);
    size_t numbers = kind.layout == LAYOUT_PANELS ? in_panels : rows * columns;
    Matrix m = {malloc(numbers * wts_type_size(kind.type) + 1), kind.type, rows, columns, scales, kind.layout};

    for (size_t i = 0; i < rows; i++)
        scales[i] = fabsf(scales[i]) / 127;
    if (kind.layout == LAYOUT_PANELS)
        fill_panels((void *)m.data, kind.type, values, rows, columns);
    for (size_t i = 0; kind.layout == LAYOUT_ROWS && i < numbers; i++)
        store((void *)m.data, kind.type, i, values[i]);
    free(values);
    return m;
}

static void free_matrix(Matrix *m)
{
    free((void *)m->data);
    free((void *)m->scales);
}

/* What a kernel that multiplies q8 makes of a row: 255 steps from the smallest number to the largest, 0 one of them. */
static void code_and_decode(float *x, size_t k)
{
    float low = 0, high = 0, scale;
    int zero;

    for (size_t i = 0; i < k; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    scale = (high - low) / 255;
    zero = (int)(-low / scale + 0.5f);
    for (size_t i = 0; i < k; i++)
        x[i] = scale * (fminf(fmaxf(rintf(fmaf(x[i], 1 / scale, (float)zero)), 0), 255) - (float)zero);
}

/* x as the kernel rounds it for this matrix: then nothing but the order of sums differs from the plain kernel. */
static void round_rows(const Kernel *kernel, float *x, size_t m, const Matrix *w)
{
    for (size_t r = 0; w->layout == LAYOUT_PANELS && r < m; r++) {
        float *row = x + r * (w->columns + 3);
        if (w->type == WTS_Q8 && kernel->multiplies_q8)
            code_and_decode(row, w->columns);
        for (size_t i = 0; w->type == WTS_BF16 && kernel->multiplies_bf16 && i < w->columns; i++)
            row[i] = bf16_to_float(float_to_bf16(row[i]));
    }
}

/* y [m, n] with row distance n + 1 by one kernel; what lay in y before is the same for all. */
static float *run_linear(const Kernel *kernel, const float *x, size_t m, const Matrix *w, const float *bias,
                         Epilogue epilogue)
{
    size_t ldy = w->rows + 1;
    float *y = filled(m * ldy), *workspace = filled(kernel->linear_workspace(m, w->rows, w->columns));

    for (size_t i = 0; i < m * ldy; i++)
        y[i] = (float)(i % 7) - 3.0f;
    kernel->linear(y, ldy, x, w->columns + 3, m, w, bias, epilogue, workspace);
    free(workspace);
    return y;
}

static Difference compare_linear(const Kernel *kernel, size_t m, size_t n, size_t k, Kind kind, Epilogue epilogue,
                                 int with_bias)
{
    float *x = random_floats(m * (k + 3)), *bias = random_floats(n), *expected, *got;
    Matrix w = random_matrix(n, k, kind);
    Difference d;

    got = run_linear(kernel, x, m, &w, with_bias ? bias : NULL, epilogue);
    round_rows(kernel, x, m, &w);
    expected = run_linear(&kernel_plain, x, m, &w, with_bias ? bias : NULL, epilogue);
    d = compare(got, expected, m * (n + 1));
    for (size_t i = 0; i < m; i++) /* what lies between the rows is nobody's business */
        if (got[i * (n + 1) + n] != expected[i * (n + 1) + n])
            d.nmse = INFINITY;
    free(x), free(bias), free_matrix(&w), free(expected), free(got);
    return d;
}

static void compare_shape(Worst *worst, const Kernel *kernel, size_t m, size_t n, size_t k, size_t i)
{
    Kind kind = kinds[i % KINDS];
    Epilogue epilogue = (Epilogue)(i / KINDS % 4);

    note(worst, compare_linear(kernel, m, n, k, kind, epilogue, i % 5 != 0),
         "m %lu n %lu k %lu type %d layout %d epilogue %d", (unsigned long)m, (unsigned long)n, (unsigned long)k,
         (int)kind.type, (int)kind.layout, (int)epilogue);
}

/* Each size from 1 to 70 as each of m, n and k, and each kind of matrix with it; then more than one block of each. */
static void test_linear(const Kernel *kernel)
{
    static const size_t large[][3] = {{3, 40, 2100}, {530, 33, 260}, {29, 70, 256}, {1, 1, 257}, {57, 100, 1030},
                                      {17, 35, 5000}, {45, 3, 100000}};
    Worst worst = {{0, 0}, "", 0};

    for (size_t size = 1; size <= 70; size++) {
        for (size_t i = 0; i < KINDS; i++) {
            size_t turn = i + size * KINDS;
            compare_shape(&worst, kernel, size, random_size(70), random_size(70), turn);
            compare_shape(&worst, kernel, random_size(70), size, random_size(70), turn + KINDS);
            compare_shape(&worst, kernel, random_size(70), random_size(70), size, turn + 2 * KINDS);
        }
    }
    for (size_t i = 0; i < sizeof large / sizeof *large; i++)
        for (size_t j = 0; j < KINDS; j++)
            compare_shape(&worst, kernel, large[i][0], large[i][1], large[i][2], j + i * KINDS);
    report(&worst, kernel, "linear");
}

/* ---- layernorm ---- */

static void test_layernorm(const Kernel *kernel)
{
    Worst worst = {{0, 0}, "", 0};

    for (int i = 0; i < 60; i++) {
        size_t m = random_size(20), d = 7 + random_size(i < 50 ? 70 : 1500); /* two or three numbers may be nearly
                                                                              equal, which magnifies any rounding */
        float *x = random_floats(m * d), *gain = random_floats(d), *bias = random_floats(d);
        float *expected = filled(m * d), *got = filled(m * d);

        for (size_t j = 0; j < m * d; j++)
            x[j] += 3.0f; /* a mean that is larger than the spread */
        kernel_plain.layernorm(expected, x, gain, bias, m, d, 1e-5f);
        memcpy(got, x, m * d * sizeof *x);
        kernel->layernorm(got, got, gain, bias, m, d, 1e-5f); /* in place, as the models do */
        note(&worst, compare(got, expected, m * d), "m %lu d %lu", (unsigned long)m, (unsigned long)d);
        free(x), free(gain), free(bias), free(expected), free(got);
    }
    report(&worst, kernel, "layernorm");
}

/* ---- attention ---- */

static float *run_attention(const Kernel *kernel, const float *qkv, size_t n, size_t heads, size_t width, int causal,
                            WtsType type)
{
    size_t d = heads * width, ldo = d + 2;
    float *out = filled(n * ldo), *workspace = filled(kernel->attention_workspace(n, heads, width));

    kernel->attention(out, ldo, qkv, qkv + d, qkv + 2 * d, 3 * d, n, heads, width, 1.7f, causal, type, workspace);
    free(workspace);
    return out;
}

static void compare_attention(Worst *worst, const Kernel *kernel, size_t n, size_t heads, size_t width, int causal)
{
    float *qkv = random_floats(n * 3 * heads * width);
    float *expected = run_attention(&kernel_plain, qkv, n, heads, width, causal, WTS_F32);
    float *got = run_attention(kernel, qkv, n, heads, width, causal, WTS_F32);

    note(worst, compare(got, expected, n * (heads * width + 2)), "n %lu heads %lu width %lu causal %d",
         (unsigned long)n, (unsigned long)heads, (unsigned long)width, causal);
    free(qkv), free(expected), free(got);
}

static void test_attention(const Kernel *kernel)
{
    Worst worst = {{0, 0}, "", 0};

    for (int i = 0; i < 80; i++)
        compare_attention(&worst, kernel, random_size(70), random_size(4), random_size(70), i % 2);
    compare_attention(&worst, kernel, 600, 2, 64, 0); /* more than one block of keys */
    compare_attention(&worst, kernel, 530, 1, 24, 1);
    compare_attention(&worst, kernel, 1100, 1, 20, 1);
    compare_attention(&worst, kernel, 257, 1, 512, 0); /* the widest head of the fast path, and the first beyond */
    compare_attention(&worst, kernel, 20, 2, 513, 1);
    report(&worst, kernel, "attention");
}

/* bf16 has 8 bits: q, k, v and the weights are each off by up to 2^-9 = 2e-3 of themselves, 1e-3 on average; scores are
 * up to some 5 here, so weights are off by 5e-3 and results, which average many, by less. NMSE (5e-3)^2 = 2.5e-5. */
static void test_attention_bf16(const Kernel *kernel)
{
    Difference worst = {0, 0};
    char name[64];

    for (size_t i = 0; kernel->multiplies_bf16 && i < 60; i++) {
        size_t n = i < 50 ? random_size(70) : random_size(600), heads = random_size(4), width = random_size(70);
        float *qkv = random_floats(n * 3 * heads * width);
        float *expected = run_attention(&kernel_plain, qkv, n, heads, width, i % 2, WTS_BF16);
        float *got = run_attention(kernel, qkv, n, heads, width, i % 2, WTS_BF16);
        Difference d = compare(got, expected, n * (heads * width + 2));
        worst.nmse = fmax(worst.nmse, d.nmse);
        worst.largest = fmax(worst.largest, d.largest);
        free(qkv), free(expected), free(got);
    }
    snprintf(name, sizeof name, "%s attention in bf16", kernel->name);
    if (kernel->multiplies_bf16)
        check(worst.nmse < 1e-4 && worst.largest < 0.05, name, "NMSE %.3g, largest error %.3g of the largest value",
              worst.nmse, worst.largest);
}

/* Scores so large that exp would overflow without the maximum, and one block's scores far above the other's. */
static void test_attention_range(const Kernel *kernel)
{
    size_t n = 600, width = 16;
    float *qkv = random_floats(n * 3 * width);
    float *expected, *got;
    char name[64];
    Difference d;

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < 2 * width; j++)
            qkv[i * 3 * width + j] *= i > 400 ? 40.0f : 3.0f;
    expected = run_attention(&kernel_plain, qkv, n, 1, width, 0, WTS_F32);
    got = run_attention(kernel, qkv, n, 1, width, 0, WTS_F32);
    d = compare(got, expected, n * (width + 2));
    snprintf(name, sizeof name, "%s attention with scores of thousands", kernel->name);
    /* Scores near 10^4 are rounded to 1e-3 in float, and exp turns that into a relative error of 1e-3. */
    check(d.nmse < 1e-6 && d.largest < 1e-2, name, "NMSE %.3g, largest %.3g", d.nmse, d.largest);
    free(qkv), free(expected), free(got);
}

/* ---- exp and erf ---- */

/* Distance in units of the last place of the float nearest to `exact`. */
static double ulps(float got, double exact)
{
    int exponent;

    frexp(exact, &exponent);
    return fabs(got - exact) / ldexp(1.0, (exponent < -125 ? -125 : exponent) - 24);
}

static double sweep(void (*function)(float *, size_t), double (*exact)(double), double low, double high, float *at)
{
    enum { POINTS = 200001 };
    float *x = malloc(POINTS * sizeof *x);
    double worst = 0;

    for (size_t i = 0; i < POINTS; i++)
        x[i] = (float)(low + (high - low) * (double)i / (POINTS - 1));
    function(x, POINTS);
    for (size_t i = 0; i < POINTS; i++) {
        float point = (float)(low + (high - low) * (double)i / (POINTS - 1));
        double off = ulps(x[i], exact(point));
        if (!(off <= worst)) {
            worst = off;
            *at = point;
        }
    }
    free(x);
    return worst;
}

static void test_functions(const Kernel *kernel)
{
    float at = 0, edges[] = {-INFINITY, -200.0f, 0.0f, NAN, -0.0f, INFINITY, 9.0f, -9.0f};
    double worst = sweep(kernel->exponential, exp, -86.9, 87.9, &at);
    char name[64];

    snprintf(name, sizeof name, "%s exp within 2 ulp", kernel->name);
    check(worst < 2, name, "%.3f ulp at %.9g", worst, at);
    worst = fmax(sweep(kernel->error_function, erf, -5, 5, &at), sweep(kernel->error_function, erf, -1e-3, 1e-3, &at));
    snprintf(name, sizeof name, "%s erf within 3 ulp", kernel->name);
    check(worst < 3, name, "%.3f ulp at %.9g", worst, at);

    kernel->exponential(edges, 4);
    kernel->error_function(edges + 4, 4);
    snprintf(name, sizeof name, "%s exp and erf at the ends", kernel->name);
    check(edges[0] == 0 && edges[1] == 0 && edges[2] == 1 && isnan(edges[3]) && edges[4] == 0 && edges[5] == 1 &&
              edges[6] == 1 && edges[7] == -1,
          name, "%g %g %g %g %g %g %g %g", edges[0], edges[1], edges[2], edges[3], edges[4], edges[5], edges[6],
          edges[7]);
}

/* ---- the same bits ---- */

/* All that a kernel computes of the inputs, in one array. */
static float *run_all(const Kernel *kernel, const float *x, size_t m, const Matrix *w, const float *bias, WtsType type)
{
    size_t linear = m * (w->rows + 1), attended = 300 * 162, normed = m * w->columns;
    float *all = malloc((linear + attended + normed) * sizeof *all);
    float *y = run_linear(kernel, x, m, w, bias, EPILOGUE_GELU), *a = run_attention(kernel, x, 300, 5, 32, 0, type);

    memcpy(all, y, linear * sizeof *y);
    memcpy(all + linear, a, attended * sizeof *a);
    kernel->layernorm(all + linear + attended, x, x, x, m, w->columns, 1e-5f);
    free(y), free(a);
    return all;
}

static void test_threads(const Kernel *kernel)
{
    size_t m = 533, n = 100, k = 300;
    float *x = random_floats(m * (k + 3)), *bias = random_floats(n);
    int same = 1;
    char name[64];

    for (size_t i = 0; i < KINDS; i++) {
        Matrix w = random_matrix(n, k, kinds[i]);
        float *one;

        kernel_set_threads(1);
        one = run_all(kernel, x, m, &w, bias, kinds[i].type);
        for (int threads = 2; threads <= 5; threads += 3) {
            float *many;
            kernel_set_threads(threads);
            many = run_all(kernel, x, m, &w, bias, kinds[i].type);
            same = same && memcmp(one, many, (m * (n + 1) + 300 * 162 + m * k) * sizeof *one) == 0;
            free(many);
        }
        free(one), free_matrix(&w);
    }
    kernel_set_threads(0);
    snprintf(name, sizeof name, "%s: the same bits for 1, 2 and 5 threads", kernel->name);
    check(same, name, "they differ");
    free(x), free(bias);
}

/* A row's result must not depend on the rows around it: a text alone or in a stack of texts is the same. */
static void test_neighbours(const Kernel *kernel)
{
    size_t m = 67, n = 45, k = 300;
    float *x = random_floats(m * (k + 3)), *bias = random_floats(n);
    int same = 1;
    char name[64];

    for (size_t kind = 0; kind < KINDS; kind++) {
        Matrix w = random_matrix(n, k, kinds[kind]);
        float *all = run_linear(kernel, x, m, &w, bias, EPILOGUE_QUICK_GELU);

        for (size_t i = 0; i < m; i++) {
            float *alone = run_linear(kernel, x + i * (k + 3), 1, &w, bias, EPILOGUE_QUICK_GELU);
            same = same && memcmp(alone, all + i * (n + 1), n * sizeof *all) == 0;
            free(alone);
        }
        free_matrix(&w), free(all);
    }
    snprintf(name, sizeof name, "%s: a row's bits do not depend on its neighbours", kernel->name);
    check(same, name, "they do");
    free(x), free(bias);
}

/* ---- the test tested ---- */

/* The plain product with the last term of one sum left out: the smallest mistake a blocked loop makes. */
static void broken_linear(float *y, size_t ldy, const float *x, size_t ldx, size_t m, const Matrix *w,
                          const float *bias, Epilogue epilogue, float *workspace)
{
    kernel_plain.linear(y, ldy, x, ldx, m, w, bias, epilogue, workspace);
    y[0] -= x[w->columns - 1] * ((const float *)w->data)[w->columns - 1];
}

static void test_broken(void)
{
    Kernel broken = kernel_plain;
    Difference d;

    broken.linear = broken_linear;
    d = compare_linear(&broken, 70, 70, 70, kinds[0], EPILOGUE_NONE, 1);
    check(!is_equal(d), "one lost term among 343000 is noticed", "NMSE %.3g, largest %.3g passed as equal", d.nmse,
          d.largest);
}

static void test_names(void)
{
    const Kernel *kernel = NULL;
    Error e;

    check(kernel_find(&kernel, "plain", &e) == LAKE_OK && kernel == &kernel_plain, "the plain kernel is found",
          "it is not");
    check(kernel_find(&kernel, "avx1024", &e) == LAKE_USAGE && strstr(e.text, "avx1024") != NULL,
          "an unknown kernel is refused by name", "%s", e.text);
}

/* Whoever begins a piece of work calls tensor_begin; what is under way must not get other kernels by it. */
static void test_begin(void)
{
    Error e;

    check(tensor_begin(&e) == LAKE_OK && kernel_is_chosen(), "a kernel is chosen", "%s", e.text);
    kernel_use(&kernel_plain);
    check(tensor_begin(&e) == LAKE_OK && kernel_current() == &kernel_plain, "beginning again changes nothing", "%s",
          kernel_current()->name);
}

/* ---- small functions ---- */

static void test_small(void)
{
    float v[] = {3.0f, 4.0f}, zero[] = {0.0f, 0.0f};

    tensor_normalise(v, 2);
    tensor_normalise(zero, 2);
    /* The casts round the constants to float where the machine evaluates floats in double (FLT_EVAL_METHOD). */
    check(v[0] == (float)0.6 && v[1] == (float)0.8 && zero[0] == 0 && zero[1] == 0, "normalise", "%g %g %g", v[0], v[1],
          zero[0]);
}

int main(void)
{
    static const char *const names[] = {"avx512bf16", "avx512vnni", "avx512",  "avxvnni", "avx2",
                                        "sse2",       "neonbf16",   "neondot", "neon"};

    test_names();
    test_broken();
    test_begin();
    test_small();
    kernel_set_threads(2);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const Kernel *kernel;
        Error e;
        if (kernel_find(&kernel, names[i], &e) != LAKE_OK) {
            skip(names[i], e.text);
            continue;
        }
        test_linear(kernel);
        test_layernorm(kernel);
        test_attention(kernel);
        test_attention_bf16(kernel);
        test_attention_range(kernel);
        test_functions(kernel);
        test_threads(kernel);
        test_neighbours(kernel);
    }
    test_functions(&kernel_plain);
    return 0;
}
