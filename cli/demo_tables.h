/* The demo's results as plain text. */
#ifndef LAKE_DEMO_TABLES_H
#define LAKE_DEMO_TABLES_H

#include "eval/demo.h"

/* Prints tables and verdicts on standard output, in lines of at most 100 columns for up to 13 categories. */
void demo_print(const DemoResults *results);

#endif
