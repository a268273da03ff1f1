/* The loops over samples that most of the time of reading a JPEG file goes to, as a table: the same plain C
 * (pixels_loops.h), compiled once for the compiler's usual target and once for AVX2, where compilers make vector instructions
 * of it. Results are the same bytes. */
#ifndef LAKE_PIXELS_H
#define LAKE_PIXELS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *name;

    /* Dequantises `count` 8x8 blocks that follow each other, count even, and transforms them to 8 rows of 8 * count samples,
     * rows out_stride bytes apart. Coefficients and quantisation in natural order. */
    void (*idct)(unsigned char *out, size_t out_stride, const int16_t *blocks, const uint16_t *quant, size_t count);

    /* Upsampling of a row of n samples, n >= 1, as libjpeg does it: out[2 n] at twice the width; out[n] of the two rows
     * that a row lies between, `lower` telling which of the nearer row's halves it is; out[2 n] in both directions. */
    void (*widen)(unsigned char *out, const unsigned char *in, size_t n);
    void (*between)(unsigned char *out, const unsigned char *nearer, const unsigned char *further, int lower, size_t n);
    void (*widen_between)(unsigned char *out, const unsigned char *nearer, const unsigned char *further, size_t n);

    /* rgb[3 n] of three rows of n samples: red, green and blue as they are; YCbCr. */
    void (*interleave)(unsigned char *rgb, const unsigned char *red, const unsigned char *green, const unsigned char *blue, size_t n);
    void (*ycc)(unsigned char *rgb, const unsigned char *y, const unsigned char *cb, const unsigned char *cr, size_t n);
    /* The same of four rows, inks as light that they let through: CMYK; with the first three as YCbCr of the inks. */
    void (*cmyk)(unsigned char *rgb, const unsigned char *const inks[4], size_t n);
    void (*ycck)(unsigned char *rgb, const unsigned char *const inks[4], size_t n);
} Pixels;

extern const Pixels *const pixels_plain; /* pixels_plain.c */
extern const Pixels *const pixels_avx2;  /* kernel/pixels_avx2.c; NULL where it was compiled without the instruction set */

/* The widest that this processor runs; the plain ones where LAKE_KERNEL is plain or sse2. */
const Pixels *pixels_choose(void);

#endif
