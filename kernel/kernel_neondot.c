/* NEON with the dot product of bytes (ARMv8.2 option, in everything since about 2018): kernel_neon.c, and bytes multiplied
 * as bytes, four per lane. Compile with -march=armv8.2-a+dotprod. */
#define KERNEL kernel_neondot
#define KERNEL_NAME "neondot"
#if defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD) && !defined(__AARCH64EB__)
#define VECTOR_NEON
#define TILE_ROWS 6
#define TILE_VECTORS 4
#endif
#include "kernel/compile.h"
