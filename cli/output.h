/* What an output may replace. */
#ifndef LAKE_OUTPUT_H
#define LAKE_OUTPUT_H

#include "base/error.h"

/* Refuses (LAKE_USAGE) to replace a file that is there and does not begin as `magic` does: it is something else, as where a
 * shell put the first photo of a list behind -o. Empty files, devices and folders are not its concern. `kind`: as ".lake". */
int output_check(const char *path, const char *magic, const char *kind, Error *e);

#endif
