/* The verbs of the command, one file each: cli/convert.c, cli/fit.c, ... */
#ifndef LAKE_VERBS_H
#define LAKE_VERBS_H

#include "cli/options.h"

extern const Verb verb_convert, verb_info, verb_tokens, verb_pixels, verb_embed, verb_fit, verb_merge, verb_score,
    verb_zero, verb_neurons, verb_demo, verb_bench, verb_fuse, verb_eval;

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

#endif
