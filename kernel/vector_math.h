/* exp, erf and the two GELUs on vectors. The polynomials are our own fits (weighted least squares, reweighted towards
 * the smallest maximum error); test/test_tensor.c measures them against libm in double over their whole range:
 * exp within 2 ulp (found: 1.0), erf within 3 ulp (found: 1.3). */
#include <string.h>

/* Largest float whose exp is finite, and the smallest whose exp is a normal number; below it the result is 0. */
#define EXP_HIGHEST 88.0f
#define EXP_LOWEST (-87.0f)

/* e^r for |r| <= ln(2) / 2 */
V_INLINE V v_exp_fraction(V r)
{
    V p = v_set(0.0013814613f);

    p = v_fma(p, r, v_set(0.00836871f));
    p = v_fma(p, r, v_set(0.04166839f));
    p = v_fma(p, r, v_set(0.16666521f));
    p = v_fma(p, r, v_set(0.49999994f));
    return v_add(v_fma(p, v_mul(r, r), r), v_set(1.0f));
}

/* e^x = 2^n e^r with n = round(x / ln 2), |r| <= ln(2) / 2. ln 2 is subtracted in two parts, the first with so few
 * bits that n times it is exact. Above EXP_HIGHEST: e^EXP_HIGHEST. */
V_INLINE V v_exp(V x)
{
    V clipped = v_min(v_set(EXP_HIGHEST), v_max(v_set(EXP_LOWEST), x));
    V n_bits = v_add(v_mul(clipped, v_set(1.44269504f)), v_set(V_ROUND));
    V n = v_sub(n_bits, v_set(V_ROUND));
    V r = v_fma(n, v_set(2.12194440e-4f), v_fma(n, v_set(-0.693359375f), clipped));

    return v_if_less(x, v_set(EXP_LOWEST), v_zero(), v_times_power(v_exp_fraction(r), n_bits));
}

/* erf(x) = x + x P(x^2) for |x| < 1; sign(x) (1 - e^Q(|x|)) beyond, where Q fits log(erfc). From 4 on it is 1. */
V_INLINE V v_erf(V x)
{
    V a = v_min(v_set(4.0f), v_abs(x)), square = v_mul(x, x);
    V p = v_set(7.8538615e-05f), q = v_set(0.0001863793f);

    p = v_fma(p, square, v_set(-0.00080101937f));
    p = v_fma(p, square, v_set(0.0051883277f));
    p = v_fma(p, square, v_set(-0.026853813f));
    p = v_fma(p, square, v_set(0.112835854f));
    p = v_fma(p, square, v_set(-0.37612626f));
    p = v_fma(p, square, v_set(0.12837917f));
    p = v_fma(p, x, x);
    q = v_fma(q, a, v_set(-0.0029476595f));
    q = v_fma(q, a, v_set(0.021838069f));
    q = v_fma(q, a, v_set(-0.10310677f));
    q = v_fma(q, a, v_set(-0.63814485f));
    q = v_fma(q, a, v_set(-1.1270891f));
    q = v_fma(q, a, v_set(-0.00034152126f));
    q = v_copysign(v_sub(v_set(1.0f), v_exp(q)), x);
    return v_if_less(v_abs(x), v_set(1.0f), p, q);
}

/* x Phi(x) = x / 2 (1 + erf(x / sqrt 2)) */
V_INLINE V v_gelu(V x)
{
    return v_mul(v_mul(v_set(0.5f), x), v_add(v_set(1.0f), v_erf(v_mul(x, v_set(0.70710678f)))));
}

/* x sigmoid(1.702 x) */
V_INLINE V v_quick_gelu(V x)
{
    return v_div(x, v_add(v_set(1.0f), v_exp(v_mul(x, v_set(-1.702f)))));
}

/* function(x) for x[count] in place; always inlined, so `function` is no call. The last, incomplete vector goes
 * through a buffer. */
V_INLINE void apply(V (*function)(V), float *x, size_t count)
{
    size_t i = 0;

    for (; i + V_WIDTH <= count; i += V_WIDTH)
        v_store(x + i, function(v_load(x + i)));
    if (i < count) {
        float rest[V_WIDTH] = {0};
        memcpy(rest, x + i, (count - i) * sizeof *x);
        v_store(rest, function(v_load(rest)));
        memcpy(x + i, rest, (count - i) * sizeof *x);
    }
}

static void fast_exponential(float *x, size_t count)
{
    apply(v_exp, x, count);
}

static void fast_error_function(float *x, size_t count)
{
    apply(v_erf, x, count);
}
