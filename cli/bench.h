/* What this machine can do and what the kernels make of it: the parts of lake bench. */
#ifndef LAKE_BENCH_H
#define LAKE_BENCH_H

#include "weights/weights.h"

/* The type whose arithmetic matrices of `type` are multiplied in by the kernel in use: bf16 and q8 where it has them,
 * else f32. */
WtsType bench_arithmetic(WtsType type);

/* 10^9 operations a second, a multiplication and an addition each one: multiply-adds on registers alone, on all threads,
 * for about `seconds`. 0 for the plain kernel, which has no such loop. */
double bench_peak(WtsType type, double seconds);

/* Measures peaks, memory, products and attention, the best of `rounds` alternating rounds, and prints the table.
 * LAKE_RESOURCE where memory is out. */
int bench_machine(int rounds, Error *e);

#endif
