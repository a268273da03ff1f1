/* What the processor we run on can do, asked at run time. */
#ifndef LAKE_KERNEL_CPU_H
#define LAKE_KERNEL_CPU_H

/* 1 where both the processor and the operating system support it. */
int cpu_has_sse2(void);
int cpu_has_avx2(void); /* with FMA and the f16 conversions */
int cpu_has_avx512(void); /* F, BW, DQ and VL: every server since 2017, so that the compiler may use them */
int cpu_has_neon(void);

/* What these add: products of bytes (VNNI; dot product on ARM), and of bf16. */
int cpu_has_avxvnni(void);
int cpu_has_avx512vnni(void);
int cpu_has_avx512bf16(void); /* and vnni: no processor has the one without the other */
int cpu_has_neondot(void);
int cpu_has_neonbf16(void); /* and dot product */

#endif
