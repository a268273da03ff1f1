/* The loops of pixels.h for the compiler's usual target. */
#define PIXELS_NAME "plain"
#include "image/pixels_loops.h"

const Pixels *const pixels_plain = &table;
