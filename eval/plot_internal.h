/* What the kinds of charts share: plot_lines.c, plot_rows.c and plot_histogram.c draw, plot_axis.c knows scales, ticks,
 * frame, legend and markers. Lengths are in units of the drawing, whose width is PLOT_WIDTH; on a phone a unit is about a pixel. */
#ifndef LAKE_EVAL_PLOT_INTERNAL_H
#define LAKE_EVAL_PLOT_INTERNAL_H

#include "eval/plot.h"

enum { PLOT_WIDTH = 360, PLOT_RIGHT = 346, PLOT_LINE = 17, PLOT_TICKS = 12 };

/* From values to places in the drawing. */
typedef struct {
    double lo, hi;     /* values, or their logarithms */
    double from, to;   /* where these are drawn */
    int logarithmic;
    double ticks[PLOT_TICKS];
    size_t tick_count;
    int decimals;      /* that tell the ticks apart */
} PlotScale;

/* The range of values seen so far; empty: lo > hi. */
typedef struct {
    double lo, hi;
} PlotRange;

void plot_range_begin(PlotRange *range);
void plot_range_add(PlotRange *range, double value); /* not where it is not finite */

/* The scale of an axis over data of this range. */
void plot_scale(PlotScale *scale, const PlotAxis *axis, const PlotRange *range, double from, double to);

/* Where a finite value lies; held within from .. to. */
double plot_place(const PlotScale *scale, double value);

/* The <svg> and its name; height in units. */
void plot_begin(Html *h, const char *title, double height);
void plot_end(Html *h);

/* Grid lines, numbers and label of the axis below (y: of the axis) or at the left (x). The other scale says how far
 * lines reach. */
void plot_axis_below(Html *h, const PlotScale *x, const PlotAxis *axis, double top, double bottom);
void plot_axis_left(Html *h, const PlotScale *y, double left, double right);

/* A legend from the line at `top` downwards; returns where it ends. */
typedef struct {
    const char *label;
    int style, line, mark, fill; /* what is drawn of it */
} PlotKey;
double plot_legend(Html *h, const PlotKey *keys, size_t count, double top);

/* About how wide a text is drawn; a little more in most fonts. */
double plot_text_width(const char *text);

/* The threshold of a chart of scores, from top to bottom, its label above. */
void plot_threshold(Html *h, const PlotStrip *plot, const PlotScale *x, double top, double bottom);

void plot_mark(Html *h, int style, double x, double y);
void plot_segment(Html *h, const char *classes, double x1, double y1, double x2, double y2);
void plot_text(Html *h, const char *classes, double x, double y, const char *text);

#endif
