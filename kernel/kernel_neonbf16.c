/* NEON with dot products of bytes and of bf16 (ARMv8.6): kernel_neondot.c, and bf16 multiplied as bf16, two per lane.
 * Compile with -march=armv8.2-a+dotprod+bf16. */
#define KERNEL kernel_neonbf16
#define KERNEL_NAME "neonbf16"
#if defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD) && defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC) && \
    !defined(__AARCH64EB__)
#define VECTOR_NEON
#define TILE_ROWS 6
#define TILE_VECTORS 4
#endif
#include "kernel/compile.h"
