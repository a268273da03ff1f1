/* Choosing the loops of image/pixels.h: once per picture, so nothing is kept. */
#include "image/pixels.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/cpu.h"

const Pixels *pixels_choose(void)
{
    const char *wanted = getenv("LAKE_KERNEL");
    const int wants_wide = wanted == NULL || wanted[0] == '\0' || strcmp(wanted, "avx2") == 0 || strcmp(wanted, "avx512") == 0;

    return wants_wide && pixels_avx2 != NULL && cpu_has_avx2() ? pixels_avx2 : pixels_plain;
}
