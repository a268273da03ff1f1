/* Large blocks of memory; see large.h. The system's advice is just that: where it is missing or refused, pages are small. */
#if defined(__linux__)
#define _DEFAULT_SOURCE /* madvise */
#endif

#include "base/large.h"

#include <stdint.h>
#include <stdlib.h>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#if defined(__linux__) && defined(MADV_HUGEPAGE)

enum { WORTHWHILE = 4 << 20 /* bytes: two large pages of the usual 2 MB */ };

/* Asks for the whole pages within the block. */
static void advise(void *block, size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), before = (page - (uintptr_t)block % page) % page;

    (void)madvise((unsigned char *)block + before, (size - before) / page * page, MADV_HUGEPAGE);
}

void *large_calloc(size_t count, size_t size)
{
    void *block = calloc(count, size);

    if (block != NULL && size > 0 && count >= WORTHWHILE / size)
        advise(block, count * size);
    return block;
}

void large_advise(const void *block, size_t size)
{
    if (size >= WORTHWHILE)
        advise((void *)(uintptr_t)block, size);
}

#else

void large_advise(const void *block, size_t size)
{
    (void)block, (void)size;
}

void *large_calloc(size_t count, size_t size)
{
    return calloc(count, size);
}

#endif
