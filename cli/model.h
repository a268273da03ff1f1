/* Which weights a verb works with. */
#ifndef LAKE_MODEL_H
#define LAKE_MODEL_H

#include "clip.h"

/* Opens the weights that --weights named (option, or NULL), else $LAKE_WEIGHTS, else those that a detector recorded (or
 * NULL). LAKE_USAGE where none of them names a file. */
int model_open(Clip *model, const char *option, const char *recorded, Error *e);

#endif
