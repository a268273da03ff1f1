/* Which weights a verb works with. */
#ifndef LAKE_MODEL_H
#define LAKE_MODEL_H

#include "clip.h"
#include "lake.h"

/* The demo model inside the program, wherever weights are named: on the command line, in LAKE_WEIGHTS, in a detector. A
 * file of this name is reached as ./builtin:demo. */
#define MODEL_BUILTIN "builtin:demo"

/* The option that names weights, for the table of a verb; `target` is its const char *, NULL where it is not given. */
#define MODEL_OPTION(target)                                        \
    {                                                               \
        "--weights", OPTION_TEXT, &(target), "W", 0, 0,             \
            "the flat binary (default: $LAKE_WEIGHTS, then the demo model)" \
    }

/* Opens the file `name`, or the demo model for MODEL_BUILTIN: LAKE_BAD_INPUT where the program was built without it. */
int model_open_named(Clip *model, const char *name, Error *e);

/* Opens the weights that --weights named (option, or NULL), else $LAKE_WEIGHTS, else those that `detector` (or NULL) was
 * fitted with, else the demo model. The demo model also stands in for a detector's file that is gone, where it has
 * the same fingerprint. Whoever gets the demo model without having named it is told by a note in the name of `verb`.
 * LAKE_USAGE where nothing names weights and the program was built without the demo model. */
int model_open(Clip *model, const char *verb, const char *option, const LakeDetector *detector, Error *e);

/* The texts of options->class_name; notes in the name of `verb` how many sentences the model's context cut. */
int model_texts(LakeTexts *texts, const Clip *model, const LakeOptions *options, const char *verb, Error *e);

#endif
