/* The demo's results as a page: the first lesson on the method, with the figures, pictures and verdicts of one run. */
#ifndef LAKE_EVAL_DEMO_PAGE_H
#define LAKE_EVAL_DEMO_PAGE_H

#include "eval/demo.h"

/* Writes the page: one HTML file that loads nothing from elsewhere and needs no script. The same results give the same
 * bytes. */
int demo_page_write(const DemoResults *results, const char *path, Error *e);

#endif
