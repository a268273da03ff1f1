/* What the processor we run on can do, asked at run time. */
#ifndef LAKE_KERNEL_CPU_H
#define LAKE_KERNEL_CPU_H

/* 1 where both the processor and the operating system support it. */
int cpu_has_sse2(void);
int cpu_has_avx2(void); /* with FMA and the f16 conversions */
int cpu_has_avx512(void); /* F, BW, DQ and VL: every server since 2017, so that the compiler may use them */
int cpu_has_neon(void);

#endif
