/* The two 16-bit floating-point formats of checkpoints: IEEE half precision (f16: 1 sign, 5 exponent,
 * 10 mantissa bits) and bfloat16 (the upper half of a float). Widening is exact; narrowing rounds to the
 * nearest, ties to even, as PyTorch's .half() and .bfloat16() do. */
#ifndef LAKE_HALF_H
#define LAKE_HALF_H

#include "base/bytes.h"

static inline float bf16_to_float(uint16_t h) { return bits_to_float((uint32_t)h << 16); }

static inline uint16_t float_to_bf16(float f)
{
    uint32_t bits = float_to_bits(f);

    if ((bits & 0x7fffffffu) > 0x7f800000u) /* NaN: keep it one, the rounding below could carry it away */
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

static inline float f16_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 0x3ff;

    if (exponent == 31) /* infinity, NaN */
        return bits_to_float(sign | 0x7f800000u | mantissa << 13);
    if (exponent == 0) { /* zero, subnormal: mantissa * 2^-24, exact in a float */
        float f = (float)mantissa * 5.9604644775390625e-8f;
        return sign ? -f : f;
    }
    return bits_to_float(sign | (exponent + 112) << 23 | mantissa << 13);
}

static inline uint16_t float_to_f16(float f)
{
    uint32_t bits = float_to_bits(f), magnitude = bits & 0x7fffffffu, shift, mantissa, result, rest;
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);

    if (magnitude > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00);
    if (magnitude >= 0x477ff000u) /* 65520 and above round to infinity */
        return (uint16_t)(sign | 0x7c00);
    if (magnitude >= 0x38800000u) { /* normal in half precision */
        result = (magnitude - 0x38000000u) >> 13;
        rest = magnitude & 0x1fff;
        return (uint16_t)(sign | (result + (rest > 0x1000 || (rest == 0x1000 && (result & 1)))));
    }
    if (magnitude < 0x33000000u) /* below half of the smallest subnormal */
        return sign;
    shift = 126 - (magnitude >> 23); /* the subnormal unit is 2^-24 */
    mantissa = (magnitude & 0x7fffff) | 0x800000;
    result = mantissa >> shift;
    rest = mantissa & ((1u << shift) - 1);
    return (uint16_t)(sign | (result + (rest > 1u << (shift - 1) || (rest == 1u << (shift - 1) && (result & 1)))));
}

#endif
