/* The table of arithmetic that tensor.h's functions run, and how one is chosen.
 *
 * Every kernel computes the same formulas. `plain` (tensor.c) is the definition: one loop per formula, sums in
 * double. The others are one source (gemm.h, attention.h, layernorm.h over vector.h), compiled once per
 * instruction set; a file whose compiler flags are missing leaves its pointer NULL, so that a plain `cc` of
 * everything works and runs on what there is. */
#ifndef LAKE_KERNEL_H
#define LAKE_KERNEL_H

#include <stddef.h>

#include "base/error.h"
#include "tensor.h"

#define KERNEL_CODE_ERROR (0.501 / 255)

typedef struct {
    const char *name;
    /* The functions of tensor.h, of the same shapes and meaning. */
    void (*linear)(float *y, size_t ldy, const float *x, size_t ldx, size_t m, const Matrix *w, const float *bias,
                   Epilogue epilogue, float *workspace);
    size_t (*linear_workspace)(size_t m, size_t n, size_t k);
    void (*layernorm)(float *y, const float *x, const float *gain, const float *bias, size_t m, size_t d, float eps);
    void (*attention)(float *out, size_t ldo, const float *q, const float *k, const float *v, size_t stride, size_t n,
                      size_t heads, size_t head_width, float scale, int causal, WtsType type, float *workspace);
    size_t (*attention_workspace)(size_t n, size_t heads, size_t head_width);
    /* exp(x) and erf(x) of count numbers in place: what softmax and GELU are built on, here to be tested. */
    void (*exponential)(float *x, size_t count);
    void (*error_function)(float *x, size_t count);
    /* 1 where matrices of the type in panels are multiplied in their own arithmetic: rows of x are rounded to bf16, or
     * coded in bytes (kernel/rows.h), each number off by at most KERNEL_CODE_ERROR of the distance between the smallest
     * and the largest of the row and 0. Else weights are widened, and nothing else is rounded. */
    int multiplies_bf16, multiplies_q8;
    /* Multiply-adds on registers alone, for measuring (kernel/peak.h); NULL where there is none. */
    double (*spin)(WtsType type, size_t rounds, double *used);
} Kernel;

extern const Kernel kernel_plain; /* tensor.c */
/* NULL where the file was compiled without the instruction set. */
extern const Kernel *const kernel_sse2, *const kernel_avx2, *const kernel_avxvnni, *const kernel_avx512,
    *const kernel_avx512vnni, *const kernel_avx512bf16, *const kernel_neon, *const kernel_neondot,
    *const kernel_neonbf16;

#define KERNEL_NAMES "plain, sse2, avx2, avxvnni, avx512, avx512vnni, avx512bf16, neon, neondot or neonbf16"

/* Picks the kernel for the rest of the process: the one that LAKE_KERNEL names (KERNEL_NAMES), else
 * the widest that this processor runs. LAKE_USAGE where the name is unknown or cannot run here. Also fixes the number
 * of threads, which workspaces are sized by. Not to be called while another thread computes; calling it again is
 * harmless. Before the first call everything runs on `plain`. */
int kernel_choose(Error *e);

/* 1 once kernel_choose has succeeded. */
int kernel_is_chosen(void);

/* The kernel called `name`; LAKE_USAGE where there is none or it cannot run here. */
int kernel_find(const Kernel **kernel, const char *name, Error *e);

const Kernel *kernel_current(void);
void kernel_use(const Kernel *kernel);

/* How many threads one call may use: OpenMP's own default (OMP_NUM_THREADS or the processors) at the first
 * kernel_choose; 1 without OpenMP. kernel_set_threads changes it (0: the default again); workspaces sized before do
 * not fit afterwards. */
int kernel_threads(void);
void kernel_set_threads(int threads);

#endif
