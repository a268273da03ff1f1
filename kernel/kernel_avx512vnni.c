/* AVX-512 with VNNI (Intel since Cascade Lake, AMD since Zen 4): kernel_avx512.c, and bytes multiplied as bytes, four per
 * lane. Compile with the flags of AVX-512 and -mavx512vnni. The same tile: a lane is a lane.
 * Reached on Zen 4: 84 to 91 % of the peak of bytes, which is four times that of f32. A tile is done in a
 * quarter of the time, so its start and end, and bringing x to bytes, weigh four times as much. */
#define KERNEL kernel_avx512vnni
#define KERNEL_NAME "avx512vnni"
#if defined(__AVX512F__) && defined(__FMA__) && defined(__AVX512VNNI__)
#define VECTOR_AVX512
#define TILE_ROWS 14
#define TILE_VECTORS 2
#endif
#include "kernel/compile.h"
