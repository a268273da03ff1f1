/* AVX2 with VNNI (Intel since Alder Lake, AMD since Zen 5): kernel_avx2.c, and bytes multiplied as bytes, four per lane.
 * Compile with -mavx2 -mfma -mf16c -mavxvnni. */
#define KERNEL kernel_avxvnni
#define KERNEL_NAME "avxvnni"
#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__) && defined(__AVXVNNI__)
#define VECTOR_AVX2
#define TILE_ROWS 6
#define TILE_VECTORS 2
#endif
#include "kernel/compile.h"
