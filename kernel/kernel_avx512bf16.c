/* AVX-512 with VNNI and BF16 (Intel since Sapphire Rapids, AMD since Zen 4): kernel_avx512vnni.c, and bf16 multiplied as
 * bf16, two per lane. Compile with the flags of AVX-512, -mavx512vnni and -mavx512bf16.
 * The same tile: a lane is a lane. Reached on Zen 4: 90 to 93 % of the peak of bf16, which is twice that of f32. */
#define KERNEL kernel_avx512bf16
#define KERNEL_NAME "avx512bf16"
#if defined(__AVX512F__) && defined(__FMA__) && defined(__AVX512VNNI__) && defined(__AVX512BF16__)
#define VECTOR_AVX512
#define TILE_ROWS 14
#define TILE_VECTORS 2
#endif
#include "kernel/compile.h"
