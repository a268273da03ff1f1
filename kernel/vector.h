/* A thin layer over the vector instructions: the only file that names any. Included once by each kernel_*.c, which
 * says which section it wants. All functions work on every lane; the rest of kernel/ is written with them alone.
 *
 *   V, V_WIDTH                    a vector of floats, and how many
 *   v_zero v_set v_load v_store   addresses need no alignment
 *   v_load_f16 v_load_bf16        V_WIDTH 16-bit numbers, widened exactly
 *   v_add v_sub v_mul v_div v_max v_min   max and min return the second where either is no number
 *   v_fma(a, b, c)                a b + c, rounded once where the instruction set has it (SSE2: twice)
 *   v_abs, v_copysign(a, s)       |a|; |a| with the sign of s
 *   v_if_less(a, b, x, y)         a < b ? x : y
 *   v_times_power(a, n)           a * 2^n; n is an integer + V_ROUND: its low bits hold it
 *   v_transpose(r)                r[V_WIDTH] as a square matrix, in place
 *   v_prefetch(p)                 asks for the cache line at p; any address will do
 *   v_prefetch_to_write(p)        the same for a line that will be written, into the first-level cache
 *
 * Lanes that hold several numbers (tile.h): their bits travel in a V.
 *   v_bf16(a, i), v_byte(a, i)    number i of each lane as a float: bf16 0 or 1, signed byte 0 to 3
 *   V_HAS_BF16: v_dot_bf16(x, b, sum)   sum + x0 b0 + x1 b1
 *               v_narrow_bf16(a, b)     2 V_WIDTH floats in a row -> lanes, rounded to nearest
 *               v_pair_bf16(a, b)       lane i holds a[i], then b[i]
 *   V_HAS_Q8:   v_dot_q8(x, b, sum)     whole numbers: sum + x0 b0 + ... + x3 b3; b signed, x unsigned but for V_BYTE_FLIP,
 *                                     which is to be added to bytes of x, and then they are signed (128 or 0)
 *               v_from_sums(s, z, c)    (float)(s - z c[V_WIDTH])
 *               v_store_bytes(p, a)     whole numbers 0 to 255 -> V_WIDTH bytes, V_BYTE_FLIP added
 */
#include <stdint.h>

#define V_INLINE static inline __attribute__((always_inline, unused))

/* Unrolled completely where the count is a constant: needed for arrays of vectors to live in registers. */
#if defined(__clang__)
#define V_UNROLL _Pragma("unroll")
#else
#define V_UNROLL _Pragma("GCC unroll 16")
#endif

V_INLINE void v_prefetch(const void *p) { __builtin_prefetch(p, 0, 2); }
V_INLINE void v_prefetch_to_write(const void *p) { __builtin_prefetch(p, 1, 3); }

/* Adding this number (1.5 * 2^23) rounds a float below 2^22 to an integer, which then stands in the low bits. */
#define V_ROUND 12582912.0f

#if defined(VECTOR_AVX512)
#include <immintrin.h>
#define V_WIDTH 16
typedef __m512 V;

V_INLINE V v_zero(void) { return _mm512_setzero_ps(); }
V_INLINE V v_set(float a) { return _mm512_set1_ps(a); }
V_INLINE V v_load(const float *p) { return _mm512_loadu_ps(p); }
V_INLINE void v_store(float *p, V a) { _mm512_storeu_ps(p, a); }
V_INLINE V v_add(V a, V b) { return _mm512_add_ps(a, b); }
V_INLINE V v_sub(V a, V b) { return _mm512_sub_ps(a, b); }
V_INLINE V v_mul(V a, V b) { return _mm512_mul_ps(a, b); }
V_INLINE V v_div(V a, V b) { return _mm512_div_ps(a, b); }
V_INLINE V v_fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
V_INLINE V v_max(V a, V b) { return _mm512_max_ps(a, b); }
V_INLINE V v_min(V a, V b) { return _mm512_min_ps(a, b); }
V_INLINE V v_abs(V a) { return _mm512_abs_ps(a); }

V_INLINE V v_copysign(V a, V s)
{
    __m512i sign = _mm512_set1_epi32((int)0x80000000u);
    __m512i bits = _mm512_ternarylogic_epi32(sign, _mm512_castps_si512(s), _mm512_castps_si512(a), 0xca);
    return _mm512_castsi512_ps(bits);
}

V_INLINE V v_if_less(V a, V b, V x, V y)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), y, x);
}

V_INLINE V v_times_power(V a, V n)
{
    __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(n), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), exponent));
}

V_INLINE V v_load_f16(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

V_INLINE V v_load_bf16(const uint16_t *p)
{
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

V_INLINE V v_bf16(V a, int i)
{
    __m512i bits = _mm512_castps_si512(a);
    return _mm512_castsi512_ps(i == 0 ? _mm512_slli_epi32(bits, 16)
                                      : _mm512_and_si512(bits, _mm512_set1_epi32((int)0xffff0000u)));
}

V_INLINE V v_byte(V a, int i)
{
    return _mm512_cvtepi32_ps(
        _mm512_srai_epi32(_mm512_slli_epi32(_mm512_castps_si512(a), (unsigned)(24 - 8 * i)), 24));
}

#if defined(__AVX512BF16__)
#define V_HAS_BF16
V_INLINE V v_dot_bf16(V x, V b, V sum)
{
    return _mm512_dpbf16_ps(sum, (__m512bh)_mm512_castps_si512(x), (__m512bh)_mm512_castps_si512(b));
}

V_INLINE V v_narrow_bf16(V a, V b) { return _mm512_castsi512_ps((__m512i)_mm512_cvtne2ps_pbh(b, a)); }

V_INLINE V v_pair_bf16(V a, V b)
{
    __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(a));
    __m512i high = _mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(b)), 16);
    return _mm512_castsi512_ps(_mm512_or_si512(low, high));
}
#endif

#if defined(__AVX512VNNI__)
#define V_HAS_Q8
#define V_BYTE_FLIP 0
/* Not by _mm512_dpbusd_epi32: where sums change between float and integer vectors at every step, gcc 12 copies each of
 * them and runs out of registers, at a third of the speed. */
V_INLINE V v_dot_q8(V x, V b, V sum)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(b));
    return sum;
}

V_INLINE V v_from_sums(V sum, int32_t zero, const int32_t *column_sums)
{
    __m512i shift = _mm512_mullo_epi32(_mm512_set1_epi32(zero), _mm512_loadu_si512(column_sums));
    return _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_castps_si512(sum), shift));
}

V_INLINE void v_store_bytes(unsigned char *p, V a)
{
    _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(a)));
}
#endif

#define V_UNPACK_LOW(a, b) _mm512_unpacklo_ps(a, b)
#define V_UNPACK_HIGH(a, b) _mm512_unpackhi_ps(a, b)
#define V_PAIRS(f, a, b) _mm512_castpd_ps(f(_mm512_castps_pd(a), _mm512_castps_pd(b)))
#define V_PAIRS_LOW(a, b) V_PAIRS(_mm512_unpacklo_pd, a, b)
#define V_PAIRS_HIGH(a, b) V_PAIRS(_mm512_unpackhi_pd, a, b)

/* Quarter i of q[0..3] on entry: column j of four rows. On return vector 4 i + j: quarter i of the four. */
V_INLINE void v_transpose_quarters(V *r)
{
    V_UNROLL
    for (int j = 0; j < 4; j++) {
        V ab_even = _mm512_shuffle_f32x4(r[j], r[4 + j], 0x88), ab_odd = _mm512_shuffle_f32x4(r[j], r[4 + j], 0xdd);
        V cd_even = _mm512_shuffle_f32x4(r[8 + j], r[12 + j], 0x88);
        V cd_odd = _mm512_shuffle_f32x4(r[8 + j], r[12 + j], 0xdd);
        r[j] = _mm512_shuffle_f32x4(ab_even, cd_even, 0x88);
        r[4 + j] = _mm512_shuffle_f32x4(ab_odd, cd_odd, 0x88);
        r[8 + j] = _mm512_shuffle_f32x4(ab_even, cd_even, 0xdd);
        r[12 + j] = _mm512_shuffle_f32x4(ab_odd, cd_odd, 0xdd);
    }
}

#elif defined(VECTOR_AVX2)
#include <immintrin.h>
#define V_WIDTH 8
typedef __m256 V;

V_INLINE V v_zero(void) { return _mm256_setzero_ps(); }
V_INLINE V v_set(float a) { return _mm256_set1_ps(a); }
V_INLINE V v_load(const float *p) { return _mm256_loadu_ps(p); }
V_INLINE void v_store(float *p, V a) { _mm256_storeu_ps(p, a); }
V_INLINE V v_add(V a, V b) { return _mm256_add_ps(a, b); }
V_INLINE V v_sub(V a, V b) { return _mm256_sub_ps(a, b); }
V_INLINE V v_mul(V a, V b) { return _mm256_mul_ps(a, b); }
V_INLINE V v_div(V a, V b) { return _mm256_div_ps(a, b); }
V_INLINE V v_fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
V_INLINE V v_max(V a, V b) { return _mm256_max_ps(a, b); }
V_INLINE V v_min(V a, V b) { return _mm256_min_ps(a, b); }
V_INLINE V v_abs(V a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
V_INLINE V v_copysign(V a, V s) { return _mm256_or_ps(v_abs(a), _mm256_and_ps(_mm256_set1_ps(-0.0f), s)); }
V_INLINE V v_if_less(V a, V b, V x, V y) { return _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_LT_OQ)); }

V_INLINE V v_times_power(V a, V n)
{
    __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(n), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), exponent));
}

V_INLINE V v_load_f16(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

V_INLINE V v_load_bf16(const uint16_t *p)
{
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

V_INLINE V v_bf16(V a, int i)
{
    __m256i bits = _mm256_castps_si256(a);
    return _mm256_castsi256_ps(i == 0 ? _mm256_slli_epi32(bits, 16)
                                      : _mm256_and_si256(bits, _mm256_set1_epi32((int)0xffff0000u)));
}

V_INLINE V v_byte(V a, int i)
{
    return _mm256_cvtepi32_ps(_mm256_srai_epi32(_mm256_slli_epi32(_mm256_castps_si256(a), 24 - 8 * i), 24));
}

#if defined(__AVXVNNI__)
#define V_HAS_Q8
#define V_BYTE_FLIP 0
V_INLINE V v_dot_q8(V x, V b, V sum) /* as above */
{
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(x), "x"(b));
    return sum;
}

V_INLINE V v_from_sums(V sum, int32_t zero, const int32_t *column_sums)
{
    __m256i sums = _mm256_loadu_si256((const __m256i *)(const void *)column_sums);
    __m256i shift = _mm256_mullo_epi32(_mm256_set1_epi32(zero), sums);
    return _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_castps_si256(sum), shift));
}

V_INLINE void v_store_bytes(unsigned char *p, V a)
{
    __m256i whole = _mm256_cvtps_epi32(a);
    __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    _mm_storel_epi64((__m128i *)(void *)p, _mm_packus_epi16(words, words));
}
#endif

#define V_UNPACK_LOW(a, b) _mm256_unpacklo_ps(a, b)
#define V_UNPACK_HIGH(a, b) _mm256_unpackhi_ps(a, b)
#define V_PAIRS(f, a, b) _mm256_castpd_ps(f(_mm256_castps_pd(a), _mm256_castps_pd(b)))
#define V_PAIRS_LOW(a, b) V_PAIRS(_mm256_unpacklo_pd, a, b)
#define V_PAIRS_HIGH(a, b) V_PAIRS(_mm256_unpackhi_pd, a, b)

V_INLINE void v_transpose_quarters(V *r)
{
    V_UNROLL
    for (int j = 0; j < 4; j++) {
        V low = _mm256_permute2f128_ps(r[j], r[4 + j], 0x20), high = _mm256_permute2f128_ps(r[j], r[4 + j], 0x31);
        r[j] = low;
        r[4 + j] = high;
    }
}

#elif defined(VECTOR_SSE2)
#include <emmintrin.h>

#include "base/half.h"
#define V_WIDTH 4
typedef __m128 V;

V_INLINE V v_zero(void) { return _mm_setzero_ps(); }
V_INLINE V v_set(float a) { return _mm_set1_ps(a); }
V_INLINE V v_load(const float *p) { return _mm_loadu_ps(p); }
V_INLINE void v_store(float *p, V a) { _mm_storeu_ps(p, a); }
V_INLINE V v_add(V a, V b) { return _mm_add_ps(a, b); }
V_INLINE V v_sub(V a, V b) { return _mm_sub_ps(a, b); }
V_INLINE V v_mul(V a, V b) { return _mm_mul_ps(a, b); }
V_INLINE V v_div(V a, V b) { return _mm_div_ps(a, b); }
V_INLINE V v_fma(V a, V b, V c) { return _mm_add_ps(_mm_mul_ps(a, b), c); }
V_INLINE V v_max(V a, V b) { return _mm_max_ps(a, b); }
V_INLINE V v_min(V a, V b) { return _mm_min_ps(a, b); }
V_INLINE V v_abs(V a) { return _mm_andnot_ps(_mm_set1_ps(-0.0f), a); }
V_INLINE V v_copysign(V a, V s) { return _mm_or_ps(v_abs(a), _mm_and_ps(_mm_set1_ps(-0.0f), s)); }

V_INLINE V v_if_less(V a, V b, V x, V y)
{
    V mask = _mm_cmplt_ps(a, b);
    return _mm_or_ps(_mm_and_ps(mask, x), _mm_andnot_ps(mask, y));
}

V_INLINE V v_times_power(V a, V n)
{
    __m128i exponent = _mm_slli_epi32(_mm_castps_si128(n), 23);
    return _mm_castsi128_ps(_mm_add_epi32(_mm_castps_si128(a), exponent));
}

V_INLINE V v_load_f16(const uint16_t *p)
{
    return _mm_setr_ps(f16_to_float(p[0]), f16_to_float(p[1]), f16_to_float(p[2]), f16_to_float(p[3]));
}

V_INLINE V v_load_bf16(const uint16_t *p)
{
    __m128i four = _mm_loadl_epi64((const __m128i *)(const void *)p);
    return _mm_castsi128_ps(_mm_unpacklo_epi16(_mm_setzero_si128(), four));
}

V_INLINE V v_bf16(V a, int i)
{
    __m128i bits = _mm_castps_si128(a);
    return _mm_castsi128_ps(i == 0 ? _mm_slli_epi32(bits, 16)
                                   : _mm_and_si128(bits, _mm_set1_epi32((int)0xffff0000u)));
}

V_INLINE V v_byte(V a, int i)
{
    return _mm_cvtepi32_ps(_mm_srai_epi32(_mm_slli_epi32(_mm_castps_si128(a), 24 - 8 * i), 24));
}

#define V_UNPACK_LOW(a, b) _mm_unpacklo_ps(a, b)
#define V_UNPACK_HIGH(a, b) _mm_unpackhi_ps(a, b)
#define V_PAIRS_LOW(a, b) _mm_movelh_ps(a, b)
#define V_PAIRS_HIGH(a, b) _mm_movehl_ps(b, a)

V_INLINE void v_transpose_quarters(V *r) { (void)r; }

#elif defined(VECTOR_NEON)
#include <arm_neon.h>
#define V_WIDTH 4
typedef float32x4_t V;

V_INLINE V v_zero(void) { return vdupq_n_f32(0); }
V_INLINE V v_set(float a) { return vdupq_n_f32(a); }
V_INLINE V v_load(const float *p) { return vld1q_f32(p); }
V_INLINE void v_store(float *p, V a) { vst1q_f32(p, a); }
V_INLINE V v_add(V a, V b) { return vaddq_f32(a, b); }
V_INLINE V v_sub(V a, V b) { return vsubq_f32(a, b); }
V_INLINE V v_mul(V a, V b) { return vmulq_f32(a, b); }
V_INLINE V v_div(V a, V b) { return vdivq_f32(a, b); }
V_INLINE V v_fma(V a, V b, V c) { return vfmaq_f32(c, a, b); }
V_INLINE V v_max(V a, V b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
V_INLINE V v_min(V a, V b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
V_INLINE V v_abs(V a) { return vabsq_f32(a); }
V_INLINE V v_copysign(V a, V s) { return vbslq_f32(vdupq_n_u32(0x80000000u), s, a); }
V_INLINE V v_if_less(V a, V b, V x, V y) { return vbslq_f32(vcltq_f32(a, b), x, y); }

V_INLINE V v_times_power(V a, V n)
{
    int32x4_t exponent = vshlq_n_s32(vreinterpretq_s32_f32(n), 23);
    return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(a), exponent));
}

V_INLINE V v_load_f16(const uint16_t *p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
V_INLINE V v_load_bf16(const uint16_t *p) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16)); }

V_INLINE V v_bf16(V a, int i)
{
    uint32x4_t bits = vreinterpretq_u32_f32(a);
    return vreinterpretq_f32_u32(i == 0 ? vshlq_n_u32(bits, 16) : vandq_u32(bits, vdupq_n_u32(0xffff0000u)));
}

V_INLINE V v_byte(V a, int i)
{
    int32x4_t high = vshlq_s32(vreinterpretq_s32_f32(a), vdupq_n_s32(24 - 8 * i));
    return vcvtq_f32_s32(vshrq_n_s32(high, 24));
}

#if defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
#define V_HAS_BF16
V_INLINE V v_dot_bf16(V x, V b, V sum)
{
    return vbfdotq_f32(sum, vreinterpretq_bf16_f32(x), vreinterpretq_bf16_f32(b));
}

V_INLINE V v_narrow_bf16(V a, V b)
{
    return vreinterpretq_f32_bf16(vcvtq_high_bf16_f32(vcvtq_low_bf16_f32(a), b));
}

V_INLINE V v_pair_bf16(V a, V b)
{
    uint32x4_t low = vmovl_u16(vreinterpret_u16_bf16(vcvt_bf16_f32(a)));
    uint32x4_t high = vshll_n_u16(vreinterpret_u16_bf16(vcvt_bf16_f32(b)), 16);
    return vreinterpretq_f32_u32(vorrq_u32(low, high));
}
#endif

#if defined(__ARM_FEATURE_DOTPROD)
#define V_HAS_Q8
#define V_BYTE_FLIP 128
V_INLINE V v_dot_q8(V x, V b, V sum)
{
    return vreinterpretq_f32_s32(
        vdotq_s32(vreinterpretq_s32_f32(sum), vreinterpretq_s8_f32(x), vreinterpretq_s8_f32(b)));
}

V_INLINE V v_from_sums(V sum, int32_t zero, const int32_t *column_sums)
{
    return vcvtq_f32_s32(vmlsq_s32(vreinterpretq_s32_f32(sum), vdupq_n_s32(zero), vld1q_s32(column_sums)));
}

V_INLINE void v_store_bytes(unsigned char *p, V a)
{
    uint16x4_t words = vmovn_u32(vcvtnq_u32_f32(a));
    uint8x8_t bytes = veor_u8(vmovn_u16(vcombine_u16(words, words)), vdup_n_u8(V_BYTE_FLIP));
    vst1_lane_u32((uint32_t *)(void *)p, vreinterpret_u32_u8(bytes), 0);
}
#endif

#define V_UNPACK_LOW(a, b) vzip1q_f32(a, b)
#define V_UNPACK_HIGH(a, b) vzip2q_f32(a, b)
#define V_PAIRS(f, a, b) vreinterpretq_f32_f64(f(vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b)))
#define V_PAIRS_LOW(a, b) V_PAIRS(vzip1q_f64, a, b)
#define V_PAIRS_HIGH(a, b) V_PAIRS(vzip2q_f64, a, b)

V_INLINE void v_transpose_quarters(V *r) { (void)r; }

#endif

/* Every instruction set interleaves within 128 bits. So: first transpose each 4 x 4 square in place, then let
 * v_transpose_quarters move the squares. */
V_INLINE void v_transpose(V r[V_WIDTH])
{
    V_UNROLL
    for (int i = 0; i < V_WIDTH; i += 4) {
        V a = V_UNPACK_LOW(r[i], r[i + 1]), b = V_UNPACK_HIGH(r[i], r[i + 1]);
        V c = V_UNPACK_LOW(r[i + 2], r[i + 3]), d = V_UNPACK_HIGH(r[i + 2], r[i + 3]);
        r[i] = V_PAIRS_LOW(a, c);
        r[i + 1] = V_PAIRS_HIGH(a, c);
        r[i + 2] = V_PAIRS_LOW(b, d);
        r[i + 3] = V_PAIRS_HIGH(b, d);
    }
    v_transpose_quarters(r);
}

/* Sum and maximum over the lanes: halves are folded onto each other until one number is left. */
#if defined(VECTOR_AVX512)
V_INLINE float v_sum(V a) { return _mm512_reduce_add_ps(a); }
V_INLINE float v_highest(V a) { return _mm512_reduce_max_ps(a); }
#else
V_INLINE float v_sum(V a)
{
    float lane[V_WIDTH];

    v_store(lane, a);
    for (int half = V_WIDTH / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            lane[i] += lane[i + half];
    return lane[0];
}

V_INLINE float v_highest(V a)
{
    float lane[V_WIDTH], highest;

    v_store(lane, a);
    highest = lane[0];
    for (int i = 1; i < V_WIDTH; i++)
        highest = lane[i] > highest ? lane[i] : highest;
    return highest;
}
#endif
