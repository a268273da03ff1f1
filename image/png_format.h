/* What PNG's reader (png.c) and writer (png_encode.c) share; nobody else includes this. Sections are those of the W3C
 * Recommendation "Portable Network Graphics", second edition. */
#ifndef LAKE_PNG_FORMAT_H
#define LAKE_PNG_FORMAT_H

#include <stdlib.h>

enum { GREY = 0, RGB = 2, PALETTE = 3, GREY_ALPHA = 4, RGB_ALPHA = 6 }; /* colour types */
enum { FILTER_NONE, FILTER_SUB, FILTER_UP, FILTER_AVERAGE, FILTER_PAETH, FILTERS };
enum { CHUNK_FRAME = 12 }; /* length, type and checksum around a chunk's data */

static const unsigned char png_signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

/* The predictor of the Paeth filter (9.4): whichever of a (left), b (above) and c (above left) is closest to a + b - c; the
 * first of equals. Written as choices rather than branches, which noise would make unpredictable. */
static inline unsigned char paeth(int a, int b, int c)
{
    int to_a = abs(b - c), to_b = abs(a - c), to_c = abs(a + b - 2 * c);
    int nearer = to_b < to_a ? b : a, distance = to_b < to_a ? to_b : to_a;

    return (unsigned char)(to_c < distance ? c : nearer);
}

#endif
