/* The loops of image/pixels.h for AVX2, whose vectors hold 8 numbers of 32 bits that can be multiplied. Compile with -mavx2. */
#include "image/pixels.h"

#if defined(__AVX2__)

#define PIXELS_NAME "avx2"
#include "image/pixels_loops.h"

const Pixels *const pixels_avx2 = &table;

#else

const Pixels *const pixels_avx2 = NULL;

#endif
