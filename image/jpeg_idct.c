/* Dequantisation and the inverse DCT of 8x8 blocks.
 *
 * The method is that of C. Loeffler, A. Ligtenberg and G. Moschytz, "Practical fast 1-D DCT algorithms with 11
 * multiplications" (ICASSP 1989), over columns and then rows, in integers, with constants of 13 bits and 2 more bits
 * kept between the passes: the arithmetic of the "islow" transform in libjpeg. Every rounding below is part of
 * the result.
 *
 * Coefficients that no encoder makes from a picture can overflow that arithmetic. There libjpeg's own versions
 * differ; this one does what the vector code of libjpeg-turbo for x86 does (jidctint-avx2.asm), which is what Pillow
 * runs on most machines: inputs and their sums are 16-bit words that wrap, results between the passes and at the end
 * saturate. */
#include "image/jpeg_internal.h"

#include <string.h>

#define CONST_BITS 13
#define PASS1_BITS 2

/* The rotations' constants, times 2^13. */
#define F_0_298 2446
#define F_0_390 3196
#define F_0_541 4433
#define F_0_765 6270
#define F_0_899 7373
#define F_1_175 9633
#define F_1_501 12299
#define F_1_847 15137
#define F_1_961 16069
#define F_2_053 16819
#define F_2_562 20995
#define F_3_072 25172

/* The low 16 bits as a signed word. */
static int word(int x)
{
    return (int)(((uint32_t)x & 0xffffu) ^ 0x8000u) - 0x8000;
}

static int saturate_word(int x)
{
    return x < -32768 ? -32768 : x > 32767 ? 32767 : x;
}

static uint32_t multiply(int x, int constant)
{
    return (uint32_t)x * (uint32_t)constant;
}

/* sum / 2^shift rounded to nearest, where sum is a signed number modulo 2^32. Shifting the biased number is an
 * arithmetic shift without leaning on how the compiler shifts negative ones. */
static int descale(uint32_t sum, int shift)
{
    sum += (uint32_t)1 << (shift - 1);
    return (int)((sum ^ 0x80000000u) >> shift) - (int)(0x80000000u >> shift);
}

/* One pass over 8 values: out = descaled transform of in. */
static void transform8(int out[8], const int in[8], int shift)
{
    const int z3 = word(in[7] + in[3]), z4 = word(in[5] + in[1]);
    const uint32_t even0 = (uint32_t)word(in[0] + in[4]) << CONST_BITS, even1 = (uint32_t)word(in[0] - in[4]) << CONST_BITS;
    const uint32_t rotated = multiply(in[2], F_0_541) + multiply(in[6], F_0_541);
    const uint32_t even2 = rotated - multiply(in[6], F_1_847), even3 = rotated + multiply(in[2], F_0_765);
    const uint32_t shared = multiply(z3, F_1_175) + multiply(z4, F_1_175);
    const uint32_t odd73 = shared - multiply(z3, F_1_961), odd51 = shared - multiply(z4, F_0_390);
    const uint32_t odd71 = multiply(in[7], F_0_899) + multiply(in[1], F_0_899);
    const uint32_t odd53 = multiply(in[5], F_2_562) + multiply(in[3], F_2_562);
    const uint32_t odd0 = multiply(in[7], F_0_298) - odd71 + odd73;
    const uint32_t odd1 = multiply(in[5], F_2_053) - odd53 + odd51;
    const uint32_t odd2 = multiply(in[3], F_3_072) - odd53 + odd73;
    const uint32_t odd3 = multiply(in[1], F_1_501) - odd71 + odd51;

    out[0] = descale(even0 + even3 + odd3, shift);
    out[7] = descale(even0 + even3 - odd3, shift);
    out[1] = descale(even1 + even2 + odd2, shift);
    out[6] = descale(even1 + even2 - odd2, shift);
    out[2] = descale(even1 - even2 + odd1, shift);
    out[5] = descale(even1 - even2 - odd1, shift);
    out[3] = descale(even0 - even3 + odd0, shift);
    out[4] = descale(even0 - even3 - odd0, shift);
}

/* A transformed value, centred at 0, as a sample. */
static unsigned char sample(int x)
{
    x += 128;
    return (unsigned char)(x < 0 ? 0 : x > 255 ? 255 : x);
}

/* 1 where the rows below the first hold zeros only, as in most blocks of smooth areas. */
static int rows_below_are_zero(const int16_t *block)
{
    static const int16_t zeros[JPEG_BLOCK - 8];

    return memcmp(block + 8, zeros, sizeof zeros) == 0;
}

/* Columns, into work[8 rows, 8]. A column of which only the first coefficient is set is constant; the shortcut gives
 * what the transform would give. */
static void columns(int work[JPEG_BLOCK], const int16_t *block, const uint16_t *quant)
{
    int in[8], out[8];
    int x, y, ac;

    for (x = 0; x < 8; x++) {
        in[0] = word(block[x] * (int)quant[x]);
        for (y = 1, ac = 0; y < 8; y++)
            ac |= block[8 * y + x];
        if (ac == 0) {
            for (y = 0; y < 8; y++)
                work[8 * y + x] = saturate_word(in[0] * (1 << PASS1_BITS));
            continue;
        }
        for (y = 1; y < 8; y++)
            in[y] = word(block[8 * y + x] * (int)quant[8 * y + x]);
        transform8(out, in, CONST_BITS - PASS1_BITS);
        for (y = 0; y < 8; y++)
            work[8 * y + x] = saturate_word(out[y]);
    }
}

static void row(unsigned char *out, const int in[8])
{
    int value[8], x;

    transform8(value, in, CONST_BITS + PASS1_BITS + 3);
    for (x = 0; x < 8; x++)
        out[x] = sample(value[x]);
}

void jpeg_idct(unsigned char *out, size_t out_stride, const int16_t *block, const uint16_t *quant)
{
    int work[JPEG_BLOCK];
    int x, y;

    if (rows_below_are_zero(block)) {
        for (x = 0; x < 8; x++)
            work[x] = word(word(block[x] * (int)quant[x]) * (1 << PASS1_BITS));
        row(out, work);
        for (y = 1; y < 8; y++)
            memcpy(out + (size_t)y * out_stride, out, 8);
        return;
    }
    columns(work, block, quant);
    for (y = 0; y < 8; y++)
        row(out + (size_t)y * out_stride, work + 8 * y);
}
