/* The connected regions of a mask. */
#ifndef LAKE_EVAL_REGIONS_H
#define LAKE_EVAL_REGIONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* areas[i] = number of pixels of the 8-connected region that pixel i of mask [height, width] (non-zero: inside) lies
 * in, 0 outside; *count = number of regions. areas is new, to be freed. height * width must fit 32 bits. */
int regions_areas(uint32_t **areas, size_t *count, const unsigned char *mask, size_t height, size_t width, Error *e);

#endif
