/* The loops of pixels.h, and `table` of them; the file that includes this gives it a name (PIXELS_NAME) and has the compiler's flags.
 *
 * They are written for compilers to vectorise: equal work for many samples side by side, whole numbers of 32 bits, no table,
 * no decision per sample that is not a minimum or a maximum. Conversion to a narrower signed type is taken to
 * wrap, and a negative number shifted right to stay negative, as with every compiler that is known. */
#include "image/pixels.h"

#include <string.h>

/* ---- dequantisation and the inverse DCT ----
 *
 * The method is that of C. Loeffler, A. Ligtenberg and G. Moschytz, "Practical fast 1-D DCT algorithms with 11
 * multiplications" (ICASSP 1989), over columns and then rows, in integers, with constants of 13 bits and 2 more bits
 * kept between the passes: the arithmetic of the "islow" transform in libjpeg. Every rounding below is part of
 * the result.
 *
 * Coefficients that no encoder makes from a picture can overflow that arithmetic. There libjpeg's own versions
 * differ; this one does what the vector code of libjpeg-turbo for x86 does (jidctint-avx2.asm), which is what Pillow
 * runs on most machines: inputs and their sums are 16-bit words that wrap, results between the passes and at the end
 * saturate.
 *
 * Two blocks are transformed together. A pass does the same to each of 16 lanes: the columns of both blocks, then
 * their rows. In between the numbers change places. */
enum { CONST_BITS = 13, PASS1_BITS = 2, BLOCK_SIZE = 64, PAIR = 2 * BLOCK_SIZE, LANES = 16 };

/* The rotations' constants, times 2^13. */
enum {
    F_0_298 = 2446, F_0_390 = 3196, F_0_541 = 4433, F_0_765 = 6270, F_0_899 = 7373, F_1_175 = 9633,
    F_1_501 = 12299, F_1_847 = 15137, F_1_961 = 16069, F_2_053 = 16819, F_2_562 = 20995, F_3_072 = 25172
};

/* The low 16 bits as a signed word. */
static inline int32_t word(int32_t x)
{
    return (int32_t)((uint32_t)x << 16) >> 16;
}

static inline int32_t limit(int32_t x, int32_t low, int32_t high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}

static inline uint32_t multiply(int32_t x, int32_t constant)
{
    return (uint32_t)x * (uint32_t)constant;
}

/* sum / 2^shift rounded to nearest, where sum is a signed number modulo 2^32. */
static inline int32_t descale(uint32_t sum, int shift)
{
    return (int32_t)(sum + ((uint32_t)1 << (shift - 1))) >> shift;
}

/* One pass: lane i of the 8 vectors `in` to lane i of the 8 vectors `out`. Results are limited to 16 bits; those of the second
 * pass are within them anyway. */
static inline void transform(int32_t *restrict out, const int32_t *restrict in, int shift)
{
    for (int i = 0; i < LANES; i++) {
        const int32_t in0 = in[i], in1 = in[LANES + i], in2 = in[2 * LANES + i], in3 = in[3 * LANES + i];
        const int32_t in4 = in[4 * LANES + i], in5 = in[5 * LANES + i], in6 = in[6 * LANES + i], in7 = in[7 * LANES + i];
        const int32_t z3 = word(in7 + in3), z4 = word(in5 + in1);
        const uint32_t even0 = (uint32_t)word(in0 + in4) << CONST_BITS, even1 = (uint32_t)word(in0 - in4) << CONST_BITS;
        const uint32_t rotated = multiply(in2 + in6, F_0_541);
        const uint32_t even2 = rotated - multiply(in6, F_1_847), even3 = rotated + multiply(in2, F_0_765);
        const uint32_t shared = multiply(z3 + z4, F_1_175);
        const uint32_t odd73 = shared - multiply(z3, F_1_961), odd51 = shared - multiply(z4, F_0_390);
        const uint32_t odd71 = multiply(in7 + in1, F_0_899), odd53 = multiply(in5 + in3, F_2_562);
        const uint32_t odd0 = multiply(in7, F_0_298) - odd71 + odd73;
        const uint32_t odd1 = multiply(in5, F_2_053) - odd53 + odd51;
        const uint32_t odd2 = multiply(in3, F_3_072) - odd53 + odd73;
        const uint32_t odd3 = multiply(in1, F_1_501) - odd71 + odd51;

        out[i] = limit(descale(even0 + even3 + odd3, shift), -32768, 32767);
        out[LANES + i] = limit(descale(even1 + even2 + odd2, shift), -32768, 32767);
        out[2 * LANES + i] = limit(descale(even1 - even2 + odd1, shift), -32768, 32767);
        out[3 * LANES + i] = limit(descale(even0 - even3 + odd0, shift), -32768, 32767);
        out[4 * LANES + i] = limit(descale(even0 - even3 - odd0, shift), -32768, 32767);
        out[5 * LANES + i] = limit(descale(even1 - even2 - odd1, shift), -32768, 32767);
        out[6 * LANES + i] = limit(descale(even1 + even2 - odd2, shift), -32768, 32767);
        out[7 * LANES + i] = limit(descale(even0 + even3 - odd3, shift), -32768, 32767);
    }
}

/* Deals the second half between the numbers of the first: what had the index bits (a b c d e f g) has (b c d e f g a). */
static inline void shuffle(int32_t *restrict out, const int32_t *restrict in)
{
    for (int i = 0; i < PAIR / 2; i++) {
        out[2 * i] = in[i];
        out[2 * i + 1] = in[i + PAIR / 2];
    }
}

static inline void shuffle_bytes(unsigned char *restrict out, const unsigned char *restrict in)
{
    for (int i = 0; i < PAIR / 2; i++) {
        out[2 * i] = in[i];
        out[2 * i + 1] = in[i + PAIR / 2];
    }
}

/* 1 where the rows below the first hold zeros only. */
static inline int has_one_row(const int16_t *block)
{
    int any = 0;

    for (int i = 8; i < BLOCK_SIZE; i++)
        any |= block[i];
    return any == 0;
}

static inline int has_one_value(const int16_t *block)
{
    int any = 0;

    for (int i = 1; i < 8; i++)
        any |= block[i];
    return any == 0;
}

/* Words of both blocks, dequantised, into work[8 rows, 2 blocks, 8]. Where a block has one row only, libjpeg-turbo
 * takes a shorter way, on which a result of the first pass (4 times the word) wraps instead of saturating: so does the word here. */
static inline void dequantise(int32_t *restrict work, const int16_t *restrict blocks, const uint16_t *restrict quant,
                              const int one_row[2])
{
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 8; x++) {
            work[LANES * y + x] = word(blocks[8 * y + x] * (int32_t)quant[8 * y + x]);
            work[LANES * y + 8 + x] = word(blocks[BLOCK_SIZE + 8 * y + x] * (int32_t)quant[8 * y + x]);
        }
    for (int b = 0; b < 2; b++)
        for (int x = 0; x < 8 && one_row[b]; x++)
            work[8 * b + x] = word(work[8 * b + x] * (1 << PASS1_BITS)) >> PASS1_BITS;
}

/* A pair of any coefficients. With index bits row, block, column (r r r b c c c) columns are the lanes of the first pass; four
 * shuffles make that (c c c r r r b), so that rows are the lanes of the second; three more bring back the first order. */
static inline void idct_pair(unsigned char *restrict out, size_t out_stride, const int16_t *restrict blocks,
                             const uint16_t *restrict quant, const int one_row[2])
{
    int32_t a[PAIR], b[PAIR];
    unsigned char samples[PAIR], turned[PAIR];

    dequantise(a, blocks, quant, one_row);
    transform(b, a, CONST_BITS - PASS1_BITS);
    shuffle(a, b);
    shuffle(b, a);
    shuffle(a, b);
    shuffle(b, a);
    transform(a, b, CONST_BITS + PASS1_BITS + 3);
    for (int i = 0; i < PAIR; i++)
        samples[i] = (unsigned char)limit(a[i] + 128, 0, 255);
    shuffle_bytes(turned, samples);
    shuffle_bytes(samples, turned);
    shuffle_bytes(turned, samples);
    for (int y = 0; y < 8; y++)
        memcpy(out + (size_t)y * out_stride, turned + LANES * y, LANES);
}

/* A block of one value, which is frequent: the transform's result is that value everywhere. */
static inline void fill_block(unsigned char *out, size_t out_stride, int value, int quant)
{
    const int32_t first = word(word(value * quant) * (1 << PASS1_BITS));
    const int sample = limit(descale((uint32_t)first, PASS1_BITS + 3) + 128, 0, 255);

    for (int y = 0; y < 8; y++)
        memset(out + (size_t)y * out_stride, sample, 8);
}

static void idct(unsigned char *out, size_t out_stride, const int16_t *blocks, const uint16_t *quant, size_t count)
{
    for (; count > 0; count -= 2, blocks += PAIR, out += LANES) {
        const int16_t *second = blocks + BLOCK_SIZE;
        const int one_row[2] = {has_one_row(blocks), has_one_row(second)};

        if (one_row[0] && one_row[1] && has_one_value(blocks) && has_one_value(second)) {
            fill_block(out, out_stride, blocks[0], quant[0]);
            fill_block(out + 8, out_stride, second[0], quant[0]);
        } else {
            idct_pair(out, out_stride, blocks, quant, one_row);
        }
    }
}

/* ---- upsampling ----
 *
 * Each new sample is 3/4 the nearer and 1/4 the further of its two neighbours, in each direction. At the ends of a row
 * the outermost sample stands for what is missing: 3/4 and 1/4 of the same. Rounding alternates between neighbours (+1, +2 of 4;
 * +8, +7 of 16) so that no drift arises; it is part of the result. */
enum { STRIP = 256 /* samples that are widened at a time, on the stack */ };

/* out[2 n] from in[-1 .. n], rounded: (3 * nearer + further + even or odd) / 2^bits. */
static inline void widen_strip(unsigned char *restrict out, const int16_t *restrict in, size_t n, int even, int odd, int bits)
{
    for (size_t x = 0; x < n; x++) {
        out[2 * x] = (unsigned char)((3 * in[x] + *(in + x - 1) + even) >> bits);
        out[2 * x + 1] = (unsigned char)((3 * in[x] + in[x + 1] + odd) >> bits);
    }
}

/* The sums a * nearer + b * further are widened, a + b being 1 or 4. */
static inline void widen_sums(unsigned char *restrict out, const unsigned char *restrict nearer, const unsigned char *restrict further,
                              size_t n, int a, int b, int even, int odd, int bits)
{
    int16_t line[STRIP + 2];

    for (size_t first = 0; first < n; first += STRIP) {
        const size_t count = n - first < STRIP ? n - first : STRIP;
        const size_t before = first > 0 ? first - 1 : 0, behind = first + count < n ? first + count : n - 1;
        line[0] = (int16_t)(a * nearer[before] + b * further[before]);
        for (size_t x = 0; x < count; x++)
            line[x + 1] = (int16_t)(a * nearer[first + x] + b * further[first + x]);
        line[count + 1] = (int16_t)(a * nearer[behind] + b * further[behind]);
        widen_strip(out + 2 * first, line + 1, count, even, odd, bits);
    }
}

static void widen(unsigned char *out, const unsigned char *in, size_t n)
{
    widen_sums(out, in, in, n, 1, 0, 1, 2, 2);
}

static void between(unsigned char *restrict out, const unsigned char *restrict nearer, const unsigned char *restrict further, int lower,
                    size_t n)
{
    const int bias = lower ? 2 : 1;

    for (size_t x = 0; x < n; x++)
        out[x] = (unsigned char)((3 * nearer[x] + further[x] + bias) >> 2);
}

static void widen_between(unsigned char *out, const unsigned char *nearer, const unsigned char *further, size_t n)
{
    widen_sums(out, nearer, further, n, 3, 1, 8, 7, 4);
}

/* ---- colours ---- */

static void interleave(unsigned char *restrict rgb, const unsigned char *restrict red, const unsigned char *restrict green,
                       const unsigned char *restrict blue, size_t n)
{
    for (size_t x = 0; x < n; x++) {
        rgb[3 * x] = red[x];
        rgb[3 * x + 1] = green[x];
        rgb[3 * x + 2] = blue[x];
    }
}

/* JFIF's conversion from YCbCr in fixed point of 16 bits, Cb and Cr centred at 128: R = Y + 1.402 Cr,
 * G = Y - 0.34414 Cb - 0.71414 Cr, B = Y + 1.772 Cb. Whole multiples of Cb and Cr are taken out of the factors (1.402 = 1 + 0.402,
 * -0.71414 = -1 + 0.28586, 1.772 = 2 - 0.228), so that both sides of a product have 16 bits, which SSE2 can multiply. */
static inline int16_t red_of(int16_t y, int16_t cr)
{
    return (int16_t)limit(y + cr + ((26345 * cr + 32768) >> 16), 0, 255);
}

static inline int16_t green_of(int16_t y, int16_t cb, int16_t cr)
{
    return (int16_t)limit(y - cr + ((18734 * cr - 22554 * cb + 32768) >> 16), 0, 255);
}

static inline int16_t blue_of(int16_t y, int16_t cb)
{
    return (int16_t)limit(y + 2 * cb + ((-14942 * cb + 32768) >> 16), 0, 255);
}

/* n samples, at most STRIP, as red, green and blue. */
typedef struct {
    unsigned char red[STRIP], green[STRIP], blue[STRIP];
} Strip;

static inline void convert_ycc(Strip *restrict out, const unsigned char *restrict y, const unsigned char *restrict cb,
                               const unsigned char *restrict cr, size_t n)
{
    for (size_t x = 0; x < n; x++) {
        const int16_t cb_x = (int16_t)(cb[x] - 128), cr_x = (int16_t)(cr[x] - 128);
        out->red[x] = (unsigned char)red_of(y[x], cr_x);
        out->green[x] = (unsigned char)green_of(y[x], cb_x, cr_x);
        out->blue[x] = (unsigned char)blue_of(y[x], cb_x);
    }
}

static void ycc(unsigned char *rgb, const unsigned char *y, const unsigned char *cb, const unsigned char *cr, size_t n)
{
    Strip strip;

    for (size_t first = 0; first < n; first += STRIP) {
        const size_t count = n - first < STRIP ? n - first : STRIP;
        convert_ycc(&strip, y + first, cb + first, cr + first, count);
        interleave(rgb + 3 * first, strip.red, strip.green, strip.blue, count);
    }
}

/* Black less what an ink takes of it: ink * black / 255, rounded to nearest without a division, as Pillow has it. */
static inline unsigned char through(unsigned char light, unsigned char black)
{
    const uint16_t product = (uint16_t)((255 - light) * black + 128);
    const uint16_t taken = (uint16_t)((uint16_t)((product >> 8) + product) >> 8);

    return (unsigned char)(black - taken); /* not negative: an ink takes black at most */
}

static void cmyk(unsigned char *restrict rgb, const unsigned char *const inks[4], size_t n)
{
    const unsigned char *restrict c = inks[0], *restrict m = inks[1], *restrict y = inks[2], *restrict k = inks[3];

    for (size_t x = 0; x < n; x++) {
        rgb[3 * x] = through(c[x], k[x]);
        rgb[3 * x + 1] = through(m[x], k[x]);
        rgb[3 * x + 2] = through(y[x], k[x]);
    }
}

static void ycck(unsigned char *rgb, const unsigned char *const inks[4], size_t n)
{
    Strip strip;

    for (size_t first = 0; first < n; first += STRIP) {
        const size_t count = n - first < STRIP ? n - first : STRIP;
        const unsigned char *black = inks[3] + first;
        convert_ycc(&strip, inks[0] + first, inks[1] + first, inks[2] + first, count);
        for (size_t x = 0; x < count; x++) {
            strip.red[x] = through((unsigned char)(255 - strip.red[x]), black[x]);
            strip.green[x] = through((unsigned char)(255 - strip.green[x]), black[x]);
            strip.blue[x] = through((unsigned char)(255 - strip.blue[x]), black[x]);
        }
        interleave(rgb + 3 * first, strip.red, strip.green, strip.blue, count);
    }
}

static const Pixels table = {
    PIXELS_NAME, idct, widen, between, widen_between, interleave, ycc, cmyk, ycck,
};
