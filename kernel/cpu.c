/* Processor features by the compiler's built-in, which reads CPUID and whether the operating system saves the wide
 * registers (XGETBV); the newer ones, whose names not every compiler knows, from CPUID itself. NEON is part of every
 * 64-bit ARM; what came later the operating system tells. A compiler or system that is none of these gets "no": slower,
 * never wrong. */
#include "kernel/cpu.h"

#if (defined(__GNUC__) || defined(__clang__)) && (defined(__x86_64__) || defined(__i386__)) && !defined(__TINYC__)
#include <cpuid.h>
#define CPU_HAS(feature) (__builtin_cpu_supports(feature) != 0)

/* Registers EAX to EDX of CPUID leaf 7; 0 where the processor has no such leaf. */
static unsigned cpuid_7(unsigned subleaf, int index)
{
    unsigned r[4] = {0, 0, 0, 0};

    return __get_cpuid_count(7, subleaf, &r[0], &r[1], &r[2], &r[3]) ? r[index] : 0;
}
#else
#define CPU_HAS(feature) 0
static unsigned cpuid_7(unsigned subleaf, int index)
{
    (void)subleaf, (void)index;
    return 0;
}
#endif

#if defined(__aarch64__) && defined(__linux__) && !defined(__TINYC__)
#include <sys/auxv.h>
#define SYSTEM_TELLS(kind, bit) ((getauxval(kind) >> (bit) & 1) != 0)
#else
#define SYSTEM_TELLS(kind, bit) 0
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

int cpu_has_avxvnni(void)
{
    return cpu_has_avx2() && (cpuid_7(1, 0) >> 4 & 1);
}

int cpu_has_avx512vnni(void)
{
    return cpu_has_avx512() && (cpuid_7(0, 2) >> 11 & 1);
}

int cpu_has_avx512bf16(void)
{
    return cpu_has_avx512vnni() && (cpuid_7(1, 0) >> 5 & 1);
}

/* Linux, asm/hwcap.h: HWCAP_ASIMDDP is bit 20 of AT_HWCAP (16), HWCAP2_BF16 bit 14 of AT_HWCAP2 (26). */
int cpu_has_neondot(void)
{
    return cpu_has_neon() && SYSTEM_TELLS(16, 20);
}

int cpu_has_neonbf16(void)
{
    return cpu_has_neondot() && SYSTEM_TELLS(26, 14);
}
