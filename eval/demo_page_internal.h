/* The sections of the demo's page; demo_page.c puts them together. Private to this folder. */
#ifndef LAKE_EVAL_DEMO_PAGE_INTERNAL_H
#define LAKE_EVAL_DEMO_PAGE_INTERNAL_H

#include "eval/demo.h"
#include "eval/html.h"

void demo_page_results(Html *h, const DemoResults *r);    /* the table over categories */
void demo_page_categories(Html *h, const DemoResults *r); /* examples, scores and ROC curve of each */
void demo_page_claims(Html *h, const DemoResults *r);     /* verdicts with their charts */

#endif
