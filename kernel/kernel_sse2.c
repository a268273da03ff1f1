/* SSE2, part of every x86-64: 16 registers of 4 floats, no fused multiply-add. Needs no flag there.
 * Tile 4 x 8: 8 sums, 2 of the panel, 1 broadcast and the products on their way to a sum; 6 x 8 would spill. */
#define KERNEL kernel_sse2
#define KERNEL_NAME "sse2"
#if defined(__SSE2__)
#define VECTOR_SSE2
#define TILE_ROWS 4
#define TILE_VECTORS 2
#endif
#include "kernel/compile.h"
