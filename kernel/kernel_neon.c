/* NEON, part of every 64-bit ARM: 32 registers of 4 floats. Needs no flag there.
 * Tile 8 x 12: 24 sums, 3 of the panel and 1 broadcast fill 28 registers; 24 multiply-adds meet 11 loads. */
#define KERNEL kernel_neon
#define KERNEL_NAME "neon"
#if defined(__aarch64__) && defined(__ARM_NEON) && !defined(__AARCH64EB__) /* big-endian orders pairs otherwise */
#define VECTOR_NEON
#define TILE_ROWS 8
#define TILE_VECTORS 3
#endif
#include "kernel/compile.h"
