/* AVX-512: 32 registers of 16 floats. Compile with -mavx512f -mfma (bw, dq, vl are fine too).
 * Tile 14 x 32: 28 sums, 2 of the panel and 1 broadcast fill 31 registers. Per step of k 28 multiply-adds meet 16
 * loads; two of each start per cycle, so the multipliers are the limit. */
#define KERNEL kernel_avx512
#define KERNEL_NAME "avx512"
#if defined(__AVX512F__) && defined(__FMA__)
#define VECTOR_AVX512
#define TILE_ROWS 14
#define TILE_VECTORS 2
#endif
#include "kernel/compile.h"
