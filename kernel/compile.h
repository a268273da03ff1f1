/* The body of every kernel_*.c: the fast kernel for the instruction set that the including file selected, or nothing
 * where the compiler was not told to use it. */
#include "kernel/kernel.h"

#ifdef TILE_ROWS

#include "kernel/vector.h"

#include "kernel/vector_math.h"

#include "kernel/gemm.h"

#include "kernel/attention.h"

#include "kernel/layernorm.h"

static const Kernel table = {
    KERNEL_NAME,         fast_linear,    fast_linear_workspace, fast_layernorm, fast_attention, fast_attention_workspace,
    fast_exponential,    fast_error_function,
};
const Kernel *const KERNEL = &table;

#else

const Kernel *const KERNEL = NULL;

#endif
