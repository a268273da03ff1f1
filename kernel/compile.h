/* The body of every kernel_*.c: the fast kernel for the instruction set that the including file selected, or nothing
 * where the compiler was not told to use it. */
#include "kernel/kernel.h"

#ifdef TILE_ROWS

#include <math.h>
#include <string.h>

#include "base/half.h"
#include "kernel/parallel.h"
#include "kernel/vector.h"

#include "kernel/vector_math.h"

#include "kernel/memory.h"

#include "kernel/tile.h"

#include "kernel/rows.h"

#include "kernel/panel.h"

#include "kernel/gemm.h"

#include "kernel/attention.h"

#include "kernel/layernorm.h"

#include "kernel/peak.h"

#ifdef V_HAS_BF16
#define MULTIPLIES_BF16 1
#else
#define MULTIPLIES_BF16 0
#endif
#ifdef V_HAS_Q8
#define MULTIPLIES_Q8 1
#else
#define MULTIPLIES_Q8 0
#endif

static const Kernel table = {
    KERNEL_NAME,         fast_linear,      fast_linear_workspace, fast_layernorm, fast_attention, fast_attention_workspace,
    fast_exponential,    fast_error_function, MULTIPLIES_BF16,    MULTIPLIES_Q8,  fast_spin,
};
const Kernel *const KERNEL = &table;

#else

const Kernel *const KERNEL = NULL;

#endif
