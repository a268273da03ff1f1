/* NEON, part of every 64-bit ARM: 32 registers of 4 floats. Needs no flag there.
 * Tile 6 x 16: 24 sums, 4 of the panel and 1 broadcast fill 29 registers; 24 multiply-adds meet 10 loads. */
#define KERNEL kernel_neon
#define KERNEL_NAME "neon"
#if defined(__aarch64__) && defined(__ARM_NEON) && !defined(__AARCH64EB__) /* big-endian orders pairs otherwise */
#define VECTOR_NEON
#define TILE_ROWS 6
#define TILE_VECTORS 4
#endif
#include "kernel/compile.h"
