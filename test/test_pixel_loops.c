/* The loops of image/pixels.h, of each instruction set that runs here, against one sample at a time, on numbers that pictures
 * have and on the largest there can be. */
#include <stdlib.h>
#include <string.h>

#include "image/pixels.h"
#include "kernel/cpu.h"
#include "test/test.h"

enum { BLOCKS = 8, LONGEST = 600, PAIRS = 256 * 256 };

static uint32_t random_state = 1;

static uint32_t next_random(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

/* ---- the inverse DCT, block by block and number by number ---- */

static int32_t word(int32_t x)
{
    return (int32_t)(((uint32_t)x & 0xffffu) ^ 0x8000u) - 0x8000;
}

static int32_t limit(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : x > high ? high : x;
}

static uint32_t times(int32_t x, int32_t constant)
{
    return (uint32_t)x * (uint32_t)constant;
}

static int32_t descale(uint32_t sum, int shift)
{
    sum += (uint32_t)1 << (shift - 1);
    return (int32_t)((sum ^ 0x80000000u) >> shift) - (int32_t)(0x80000000u >> shift);
}

static void transform8(int32_t out[8], const int32_t in[8], int shift)
{
    const int32_t z3 = word(in[7] + in[3]), z4 = word(in[5] + in[1]);
    const uint32_t even0 = times(word(in[0] + in[4]), 8192), even1 = times(word(in[0] - in[4]), 8192);
    const uint32_t even2 = times(in[2], 4433) + times(in[6], 4433 - 15137), even3 = times(in[6], 4433) + times(in[2], 4433 + 6270);
    const uint32_t odd73 = times(z3, 9633 - 16069) + times(z4, 9633), odd51 = times(z3, 9633) + times(z4, 9633 - 3196);
    const uint32_t odd0 = times(in[7], 2446 - 7373) - times(in[1], 7373) + odd73;
    const uint32_t odd1 = times(in[5], 16819 - 20995) - times(in[3], 20995) + odd51;
    const uint32_t odd2 = times(in[3], 25172 - 20995) - times(in[5], 20995) + odd73;
    const uint32_t odd3 = times(in[1], 12299 - 7373) - times(in[7], 7373) + odd51;
    const uint32_t even[4] = {even0 + even3, even1 + even2, even1 - even2, even0 - even3}, odd[4] = {odd3, odd2, odd1, odd0};

    for (int i = 0; i < 4; i++) {
        out[i] = descale(even[i] + odd[i], shift);
        out[7 - i] = descale(even[i] - odd[i], shift);
    }
}

static void expected_idct(unsigned char *out, size_t stride, const int16_t *block, const uint16_t *quant)
{
    int32_t work[64], in[8], row[8];
    int one_row = 1;

    for (int i = 8; i < 64; i++)
        one_row &= block[i] == 0;
    for (int x = 0; x < 8; x++) {
        for (int y = 0; y < 8; y++)
            in[y] = word(block[8 * y + x] * (int32_t)quant[8 * y + x]);
        transform8(row, in, 11);
        for (int y = 0; y < 8; y++)
            work[8 * y + x] = one_row ? word(in[0] * 4) : limit(row[y], -32768, 32767);
    }
    for (int y = 0; y < 8; y++) {
        transform8(row, work + 8 * y, 18);
        for (int x = 0; x < 8; x++)
            out[(size_t)y * stride + (size_t)x] = (unsigned char)limit(row[x] + 128, 0, 255);
    }
}

/* One in `sparse` of the first `used` coefficients of each block at random, up to `largest`, the others 0. */
static void test_idct(const Pixels *p, const char *name, int used, int largest, int most_quant, int sparse)
{
    unsigned char out[8 * 8 * BLOCKS], expected[8 * 8 * BLOCKS];
    int16_t blocks[64 * BLOCKS];
    uint16_t quant[64];
    int wrong = 0;

    for (int round = 0; round < 200; round++) {
        memset(blocks, 0, sizeof blocks);
        for (int i = 0; i < 64; i++)
            quant[i] = (uint16_t)(1 + next_random() % (uint32_t)most_quant);
        for (int b = 0; b < BLOCKS; b++)
            for (int i = 0; i < used; i++)
                if (next_random() % (uint32_t)sparse == 0)
                    blocks[64 * b + i] = (int16_t)((int)(next_random() % (uint32_t)(2 * largest + 1)) - largest);
        p->idct(out, 8 * BLOCKS, blocks, quant, BLOCKS);
        for (int b = 0; b < BLOCKS; b++)
            expected_idct(expected + 8 * b, 8 * BLOCKS, blocks + 64 * b, quant);
        wrong += memcmp(out, expected, sizeof out) != 0;
    }
    check(wrong == 0, "pixel loops inverse DCT", "%s, %s: %d of 200 groups of blocks differ", p->name, name, wrong);
}

/* ---- upsampling ---- */

static int at(const unsigned char *row, int x, int n)
{
    return row[limit(x, 0, n - 1)];
}

/* in of n samples, against the sample further at x - 1 or x + 1, or of the row `further`, or both. */
static void test_upsampling(const Pixels *p)
{
    unsigned char near_row[LONGEST], far_row[LONGEST], wide[2 * LONGEST], both[2 * LONGEST], upper[LONGEST], lower[LONGEST];
    int wrong = 0;

    for (int n = 1; n <= LONGEST; n++) {
        for (int x = 0; x < n; x++) {
            near_row[x] = (unsigned char)(next_random() & 255);
            far_row[x] = (unsigned char)(next_random() & 255);
        }
        p->widen(wide, near_row, (size_t)n);
        p->between(upper, near_row, far_row, 0, (size_t)n);
        p->between(lower, near_row, far_row, 1, (size_t)n);
        p->widen_between(both, near_row, far_row, (size_t)n);
        for (int x = 0; x < n; x++) {
            const int sum = 3 * near_row[x] + far_row[x];
            wrong += upper[x] != (sum + 1) / 4 || lower[x] != (sum + 2) / 4;
            for (int side = 0; side < 2; side++) {
                const int next = side ? x + 1 : x - 1, next_sum = 3 * at(near_row, next, n) + at(far_row, next, n);
                wrong += wide[2 * x + side] != (3 * near_row[x] + at(near_row, next, n) + 1 + side) / 4;
                wrong += both[2 * x + side] != (3 * sum + next_sum + 8 - side) / 16;
            }
        }
    }
    check(wrong == 0, "pixel loops upsampling, rows of 1 to 600 samples", "%s: %d samples differ", p->name, wrong);
}

/* ---- colours ---- */

/* a / 65536, rounded to the nearest whole number. */
static int rounded(int a)
{
    a += 32768;
    return a >= 0 ? a / 65536 : -((65535 - a) / 65536);
}

static void expected_ycc(unsigned char rgb[3], int y, int cb, int cr)
{
    rgb[0] = (unsigned char)limit(y + rounded(91881 * (cr - 128)), 0, 255);
    rgb[1] = (unsigned char)limit(y + rounded(-22554 * (cb - 128) - 46802 * (cr - 128)), 0, 255);
    rgb[2] = (unsigned char)limit(y + rounded(116130 * (cb - 128)), 0, 255);
}

/* Black that an ink of so much light lets through. */
static unsigned char expected_light(int light, int black)
{
    return (unsigned char)(black - ((255 - light) * black * 2 + 255) / 510);
}

/* All pairs of the second and third component (or of the first and black), the others from a few values. */
static void test_colors(const Pixels *p)
{
    static const unsigned char few[] = {0, 1, 90, 128, 200, 255};
    unsigned char *rows = malloc(4 * PAIRS), *rgb = malloc(3 * PAIRS), want[3];
    const unsigned char *in[4] = {rows, rows + PAIRS, rows + 2 * PAIRS, rows + 3 * PAIRS};
    int plain = 0, ycc = 0, cmyk = 0, ycck = 0;

    for (size_t f = 0; rows != NULL && rgb != NULL && f < sizeof few; f++) {
        for (int i = 0; i < PAIRS; i++) {
            rows[i] = few[f];
            rows[PAIRS + i] = (unsigned char)(i & 255);
            rows[2 * PAIRS + i] = (unsigned char)(i >> 8);
            rows[3 * PAIRS + i] = (unsigned char)(i * 7 >> 4 & 255);
        }
        p->interleave(rgb, in[0], in[1], in[2], PAIRS);
        for (int i = 0; i < 3 * PAIRS; i++)
            plain += rgb[i] != in[i % 3][i / 3];
        p->ycc(rgb, in[0], in[1], in[2], PAIRS);
        for (int i = 0; i < PAIRS; i++) {
            expected_ycc(want, in[0][i], in[1][i], in[2][i]);
            ycc += memcmp(want, rgb + 3 * i, 3) != 0;
        }
        p->ycck(rgb, in, PAIRS);
        for (int i = 0; i < PAIRS; i++) {
            expected_ycc(want, in[0][i], in[1][i], in[2][i]);
            for (int c = 0; c < 3; c++)
                ycck += rgb[3 * i + c] != expected_light(255 - want[c], in[3][i]);
        }
        in[3] = rows + PAIRS; /* black: all pairs with the third ink */
        p->cmyk(rgb, in, PAIRS);
        for (int i = 0; i < 3 * PAIRS; i++)
            cmyk += rgb[i] != expected_light(in[i % 3][i / 3], in[3][i / 3]);
        in[3] = rows + 3 * PAIRS;
    }
    check(rows != NULL && rgb != NULL && plain + ycc + cmyk + ycck == 0, "pixel loops colours",
          "%s: %d bytes of RGB, %d pixels of YCbCr, %d bytes of CMYK, %d of YCCK differ", p->name, plain, ycc, cmyk, ycck);
    free(rows);
    free(rgb);
}

static void test_table(const Pixels *p)
{
    test_idct(p, "a photo's", 64, 20, 40, 1);
    test_idct(p, "few coefficients", 64, 200, 40, 20);
    test_idct(p, "hardly any", 64, 200, 40, 150);
    test_idct(p, "one row", 8, 300, 60, 1);
    test_idct(p, "few of one row", 8, 300, 60, 10);
    test_idct(p, "one value", 1, 1000, 20, 1);
    test_idct(p, "sums that saturate", 16, 16000, 1, 4);
    test_idct(p, "words that wrap", 64, 32767, 65535, 2);
    test_idct(p, "words that wrap in one row", 8, 32767, 65535, 2);
    test_upsampling(p);
    test_colors(p);
}

int main(void)
{
    test_table(pixels_plain);
    if (pixels_avx2 != NULL && cpu_has_avx2())
        test_table(pixels_avx2);
    else
        skip("pixel loops, avx2", "not compiled in, or not on this processor");
    return 0;
}
