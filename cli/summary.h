/* A detector in a few lines, for people. */
#ifndef LAKE_SUMMARY_H
#define LAKE_SUMMARY_H

#include "lake.h"

/* Prints what the detector is and how it decides; `path` is what it is called. */
void summary_print(const LakeDetector *detector, const char *path);

#endif
