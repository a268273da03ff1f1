/* Which weights a verb works with. */
#ifndef LAKE_MODEL_H
#define LAKE_MODEL_H

#include "clip.h"
#include "lake.h"

/* Opens the weights that --weights named (option, or NULL), else $LAKE_WEIGHTS, else those that a detector recorded (or
 * NULL). LAKE_USAGE where none of them names a file. */
int model_open(Clip *model, const char *option, const char *recorded, Error *e);

/* The texts of options->class_name; notes in the name of `verb` how many sentences the model's context cut. */
int model_texts(LakeTexts *texts, const Clip *model, const LakeOptions *options, const char *verb, Error *e);

#endif
