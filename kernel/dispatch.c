/* Choosing a kernel once, at the start. */
#include "kernel/kernel.h"

#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "kernel/cpu.h"

static const Kernel *current = &kernel_plain;
static int threads = 0; /* 0: not fixed yet */
static int chosen = 0;

typedef struct {
    const char *name;
    const Kernel *kernel; /* NULL: not compiled in */
    int runs_here;
} Candidate;

enum { CANDIDATES = 10 };

/* Best first. */
static void list_candidates(Candidate list[CANDIDATES])
{
    list[0] = (Candidate){"avx512bf16", kernel_avx512bf16, cpu_has_avx512bf16()};
    list[1] = (Candidate){"avx512vnni", kernel_avx512vnni, cpu_has_avx512vnni()};
    list[2] = (Candidate){"avx512", kernel_avx512, cpu_has_avx512()};
    list[3] = (Candidate){"avxvnni", kernel_avxvnni, cpu_has_avxvnni()};
    list[4] = (Candidate){"avx2", kernel_avx2, cpu_has_avx2()};
    list[5] = (Candidate){"neonbf16", kernel_neonbf16, cpu_has_neonbf16()};
    list[6] = (Candidate){"neondot", kernel_neondot, cpu_has_neondot()};
    list[7] = (Candidate){"neon", kernel_neon, cpu_has_neon()};
    list[8] = (Candidate){"sse2", kernel_sse2, cpu_has_sse2()};
    list[9] = (Candidate){"plain", &kernel_plain, 1};
}

int kernel_find(const Kernel **kernel, const char *name, Error *e)
{
    Candidate list[CANDIDATES];

    list_candidates(list);
    for (size_t i = 0; i < CANDIDATES; i++) {
        if (strcmp(list[i].name, name) != 0)
            continue;
        if (list[i].kernel == NULL)
            return error_set(e, LAKE_USAGE, "kernel %s is not in this program (its compiler could not make it)", name);
        if (!list[i].runs_here)
            return error_set(e, LAKE_USAGE, "kernel %s: this processor does not have these instructions", name);
        *kernel = list[i].kernel;
        return LAKE_OK;
    }
    return error_set(e, LAKE_USAGE, "kernel %s is unknown; expected " KERNEL_NAMES, name);
}

int kernel_choose(Error *e)
{
    const char *wanted = getenv("LAKE_KERNEL");
    Candidate list[CANDIDATES];
    size_t i = 0;

    if (threads == 0)
        kernel_set_threads(0);
    if (wanted != NULL && wanted[0] != '\0') {
        int code = kernel_find(&current, wanted, e);
        if (code != LAKE_OK && e != NULL) {
            Error inner = *e;
            error_set(e, code, "environment variable LAKE_KERNEL: %s", inner.text);
        }
        chosen = code == LAKE_OK;
        return code;
    }
    list_candidates(list);
    while (list[i].kernel == NULL || !list[i].runs_here)
        i++; /* ends: plain always runs */
    current = list[i].kernel;
    chosen = 1;
    return LAKE_OK;
}

int kernel_is_chosen(void)
{
    return chosen;
}

const Kernel *kernel_current(void)
{
    return current;
}

void kernel_use(const Kernel *kernel)
{
    current = kernel;
}

int kernel_threads(void)
{
    return threads > 0 ? threads : 1;
}

void kernel_set_threads(int wanted)
{
    threads = wanted > 0 ? wanted : 1;
#ifdef _OPENMP
    if (wanted <= 0)
        threads = omp_get_max_threads();
#else
    threads = 1;
#endif
}
