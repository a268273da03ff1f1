/* AVX-512: 32 registers of 16 floats. Compile with -mavx512f -mfma (bw, dq, vl are fine too).
 * Tile 14 x 32: 28 sums, 2 of the panel and 1 broadcast fill 31 registers. Per step of k 28 multiply-adds meet 16
 * loads, and at most two of either start per cycle, so the multipliers are the limit.
 * Reached on Zen 4, products of ViT-B/16 at 224 and ViT-L/14 at 518: 92 to 95 % of the peak of f32 on one thread and on
 * two; the tile alone, out of the second-level cache, 99 %. */
#define KERNEL kernel_avx512
#define KERNEL_NAME "avx512"
#if defined(__AVX512F__) && defined(__FMA__)
#define VECTOR_AVX512
#define TILE_ROWS 14
#define TILE_VECTORS 2
#endif
#include "kernel/compile.h"
