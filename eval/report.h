/* A measured data set as a page: what eval/record.h has of a run, for reading. */
#ifndef LAKE_EVAL_REPORT_H
#define LAKE_EVAL_REPORT_H

#include "eval/record.h"

/* Writes one HTML file that loads nothing from elsewhere and needs no script: tables of all measures, decisions at the
 * automatic threshold, sweeps, overlap of neurons, and a page per category with curves, histogram and the pictures that
 * came out worst. The same record gives the same bytes. LAKE_BAD_INPUT where no unit is finished. Pictures that are
 * missing or damaged are passed over. */
int report_write(const Record *record, const char *path, Error *e);

#endif
