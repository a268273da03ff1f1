/* Choosing the loops of image/pixels.h: once per picture, so nothing is kept. */
#include "image/pixels.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/cpu.h"

const Pixels *pixels_choose(void)
{
    const char *wanted = getenv("LAKE_KERNEL");
    const int narrow = wanted != NULL && (strcmp(wanted, "plain") == 0 || strcmp(wanted, "sse2") == 0);

    return !narrow && pixels_avx2 != NULL && cpu_has_avx2() ? pixels_avx2 : pixels_plain;
}
