/* Processor features by the compiler's built-in, which reads CPUID and whether the operating system saves the wide
 * registers (XGETBV). A compiler without it gets "no": slower, never wrong. NEON is part of every 64-bit ARM. */
#include "kernel/cpu.h"

#if (defined(__GNUC__) || defined(__clang__)) && (defined(__x86_64__) || defined(__i386__)) && !defined(__TINYC__)
#define CPU_HAS(feature) (__builtin_cpu_supports(feature) != 0)
#else
#define CPU_HAS(feature) 0
#endif

int cpu_has_sse2(void)
{
    return CPU_HAS("sse2");
}

int cpu_has_avx2(void)
{
    /* Every processor with AVX2 and FMA also converts f16; compilers do not all know that feature's name. */
    return CPU_HAS("avx2") && CPU_HAS("fma");
}

int cpu_has_avx512(void)
{
    return CPU_HAS("avx512f") && CPU_HAS("avx512bw") && CPU_HAS("avx512dq") && CPU_HAS("avx512vl") && CPU_HAS("fma");
}

int cpu_has_neon(void)
{
#if defined(__aarch64__)
    return 1;
#else
    return 0;
#endif
}
