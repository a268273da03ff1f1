/* OpenMP where the compiler has it, nothing where not: the loops below are correct C either way. All kernels divide
 * work so that each number is computed by one thread in one order; results do not depend on how many there are. */
#ifndef LAKE_KERNEL_PARALLEL_H
#define LAKE_KERNEL_PARALLEL_H

#include "kernel/kernel.h"

#ifdef _OPENMP
#include <omp.h>
#define PARALLEL_PRAGMA(text) _Pragma(#text)
/* The block that follows is run by every thread of a team, unless `worthwhile` is 0. */
#define PARALLEL(worthwhile) PARALLEL_PRAGMA(omp parallel num_threads(kernel_threads()) if (worthwhile))
/* Inside such a block: the loop that follows is divided among the team in equal runs; all wait at its end. */
#define DIVIDED_LOOP PARALLEL_PRAGMA(omp for schedule(static))
/* The same for iterations of unequal length: each thread takes the next one when it is free. */
#define SHARED_LOOP PARALLEL_PRAGMA(omp for schedule(dynamic))
static inline size_t parallel_index(void) { return (size_t)omp_get_thread_num(); }
#else
#define PARALLEL(worthwhile)
#define DIVIDED_LOOP
#define SHARED_LOOP
static inline size_t parallel_index(void) { return 0; }
#endif

/* Below this many multiplications the start of a team (some microseconds) costs more than it saves. */
#define PARALLEL_WORTHWHILE 100000.0

#endif
