/* Charts of measurements as SVG inside a page, drawn to be read by everybody: series differ in colour, dash and marker;
 * all text is text; a chart has a name for those who do not see it; colours come from the page's style
 * (html_page_begin), so a chart follows light, dark and print.
 *
 * A value that is not finite is left out, and a line is broken there; a value outside a range that was given is drawn at
 * its edge. */
#ifndef LAKE_EVAL_PLOT_H
#define LAKE_EVAL_PLOT_H

#include <stddef.h>

#include "eval/html.h"

/* How a series looks: colour, dash and marker go together. */
enum { PLOT_BLUE, PLOT_ORANGE, PLOT_GREEN, PLOT_PURPLE, PLOT_REFERENCE /* grey, dashed, without markers */ };

typedef struct {
    const char *label;   /* NULL: none */
    double lo, hi;       /* the range; lo == hi: that of the data, widened to round numbers */
    const double *ticks; /* [tick_count]; tick_count 0: round numbers */
    size_t tick_count;
    int logarithmic;     /* all values are above 0 then, and ticks must be given */
} PlotAxis;

typedef struct {
    const char *label;
    int style;
    const double *x, *y; /* [count], x ascending */
    const double *error; /* [count] standard errors, drawn as bars up and down; NULL: none */
    size_t count;
    int bare;            /* 1: no markers */
} PlotSeries;

/* Lines of y over x. */
typedef struct {
    const char *title; /* what the chart is called and, to those who do not see it, what it shows */
    PlotAxis x, y;
    const PlotSeries *series; /* [series_count] */
    size_t series_count;
} PlotLines;

void plot_lines(Html *h, const PlotLines *plot);

/* The numbers of such a chart as a table to be unfolded; all series must have the same x. */
void plot_lines_table(Html *h, const PlotLines *plot, int x_decimals);

/* Scores of pictures, a dot each, a row per group, equal ones stacked. */
typedef struct {
    const char *label;
    int style;
    const double *values; /* [count] in any order */
    size_t count;
} PlotGroup;

typedef struct {
    const char *title;
    PlotAxis x;
    const PlotGroup *groups; /* [group_count] */
    size_t group_count;
    double threshold;        /* a vertical line; NaN: none */
    const char *threshold_label;
} PlotStrip;

void plot_strip(Html *h, const PlotStrip *plot);

/* The same scores counted in bins, where there are too many for dots: the first group as filled bars, the others as
 * outlines over them. */
void plot_histogram(Html *h, const PlotStrip *plot);

/* A row per thing, in it a marker per series: for figures of which the differences count, so that the axis need not
 * begin at zero. */
typedef struct {
    const char *label;
    int style;
    const double *values; /* [row_count] */
    const double *errors; /* [row_count] or NULL */
} PlotMarks;

typedef struct {
    const char *title;
    PlotAxis x;
    const char *const *rows; /* [row_count] names */
    size_t row_count;
    const PlotMarks *series; /* [series_count] */
    size_t series_count;
    int decimals;            /* with one series its values are written beside the markers; negative: they are not */
} PlotDots;

void plot_dots(Html *h, const PlotDots *plot);

/* A bar for a share of 0 to 1, to stand in a line or a cell of a table beside its number; it says nothing to those who
 * do not see it. */
void plot_bar(Html *h, double share);

/* A square matrix [count, count] as a table whose cells are the darker the nearer to hi, and plain from lo downwards.
 * Columns bear the numbers of the rows. The diagonal is a dash where skip_diagonal is 1. */
void plot_matrix(Html *h, const char *caption, const char *const *names, size_t count, const double *values, int decimals,
                 double lo, double hi, int skip_diagonal);

#endif
