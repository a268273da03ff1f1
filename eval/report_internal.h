/* What the files of the report share: report.c (frame, settings), report_verdict.c (what it comes to, in sentences),
 * report_tables.c, report_decisions.c, report_sweeps.c, report_neurons.c, report_categories.c and report_curves.c.
 * Private to this folder. */
#ifndef LAKE_EVAL_REPORT_INTERNAL_H
#define LAKE_EVAL_REPORT_INTERNAL_H

#include "eval/html.h"
#include "eval/report.h"

/* What a run measured, sorted out. */
typedef struct {
    const Record *record;
    const char **categories; /* [category_count] in the order of the units */
    const char **shots;      /* [shots_count] ascending, "all" last */
    const char **methods;    /* [method_count] those that are no sweep's */
    const char **ranked;     /* [method_count] the same, those that papers compare first: for charts of a few */
    const char **sweeps;     /* [sweep_count] "lake neurons=50" */
    size_t category_count, shots_count, method_count, sweep_count;
    const RecordUnit **shown; /* [category_count] what the category's page shows: the first seed of most shots */
} Report;

/* The sections of the page, in their order. */
void report_verdict(Html *h, const Report *r);
void report_tables(Html *h, const Report *r);
void report_decisions(Html *h, const Report *r);
void report_sweeps(Html *h, const Report *r);
void report_overlap(Html *h, const Report *r);
void report_categories(Html *h, const Report *r);

/* ROC curve, precision-recall curve and histogram of a category. */
void report_curves(Html *h, const Report *r, size_t category);

/* The chosen neurons of most variance of a unit. */
void report_neurons(Html *h, const RecordUnit *unit);

/* ---- small things ---- */

/* The row of a method in a unit, or NULL. */
const RecordRow *report_row(const RecordUnit *unit, const char *method);

/* Whether a method was measured with so many shots. */
int report_has(const Report *r, const char *shots, const char *method);

/* record_mean over all categories. */
RecordFigure report_mean(const Report *r, const char *shots, const char *method, int measure);

/* The mean over categories of the difference of two methods, a - b, where both are defined, and its standard error. */
RecordFigure report_difference(const Report *r, const char *shots, const char *a, const char *b, int measure);

/* What readers call a category; that of a data set without categories has no name of its own. */
const char *report_category(const Report *r, size_t category);

/* "Image AUROC" */
const char *report_measure(int measure);

/* "4 normal pictures", "no normal picture", "all normal pictures" */
void report_shots(Html *h, const char *shots);

/* "0.954 +- 0.012" with three decimals; the error only where there is one. */
void report_figure(Html *h, RecordFigure figure);

/* 1 where both are written with the same three decimals. */
int report_same(double a, double b);

/* The decisions of a method with so many shots at its threshold, seeds added up; of one category, or of all (NULL). */
typedef struct {
    size_t good, bad, false_alarms, misses;
} ReportDecisions;
ReportDecisions report_decided(const Report *r, const char *category, const char *shots, const char *method);

/* part of whole in percent; NaN for nothing. */
double report_percent(size_t part, size_t whole);

#endif
