/* AVX2 with FMA: 16 registers of 8 floats. Compile with -mavx2 -mfma -mf16c.
 * Tile 6 x 16: 12 sums, 2 of the panel and 1 broadcast fill 15 registers; 12 multiply-adds meet 8 loads.
 * Reached on Zen 4: 88 to 90 % of the peak of f32 on one thread, 85 to 90 % on two. Tiles are a
 * fifth of those of AVX-512 and start and end five times as often. */
#define KERNEL kernel_avx2
#define KERNEL_NAME "avx2"
#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#define VECTOR_AVX2
#define TILE_ROWS 6
#define TILE_VECTORS 2
#endif
#include "kernel/compile.h"
