/* Histograms of scores; see plot.h. */
#include <math.h>

#include "eval/plot_internal.h"

enum { LEFT = 40, HEIGHT = 150, BELOW = 40, MOST_KEYS = 8, MOST_BINS = 64, BINS_WANTED = 25 };

typedef struct {
    size_t count;
    double first, width; /* bin b spans first + b width .. first + (b + 1) width; the last one has its end too */
} Bins;

/* Some BINS_WANTED bins over the scale, so many to a step between its ticks that these fall on their borders. */
static Bins bins_over(const PlotScale *x)
{
    Bins bins = {1, x->lo, x->hi - x->lo};
    double step = x->tick_count > 1 ? x->ticks[1] - x->ticks[0] : bins.width, parts;

    parts = floor(BINS_WANTED * step / bins.width + 0.5);
    bins.width = step / (parts > 1 ? parts : 1);
    while (bins.count < MOST_BINS && bins.first + bins.width * (double)bins.count < x->hi - 1e-6 * bins.width)
        bins.count++;
    return bins;
}

/* What is outside falls into the outermost bins. */
static void count_into(size_t counts[MOST_BINS], const PlotGroup *group, const Bins *bins)
{
    for (size_t b = 0; b < MOST_BINS; b++)
        counts[b] = 0;
    for (size_t i = 0; i < group->count; i++)
        if (isfinite(group->values[i])) {
            double bin = floor((group->values[i] - bins->first) / bins->width);
            bin = bin > 0 ? bin : 0;
            counts[bin < (double)bins->count ? (size_t)bin : bins->count - 1]++;
        }
}

static double highest_count(const PlotStrip *plot, const Bins *bins)
{
    size_t counts[MOST_BINS], highest = 1;

    for (size_t g = 0; g < plot->group_count; g++) {
        count_into(counts, &plot->groups[g], bins);
        for (size_t b = 0; b < bins->count; b++)
            highest = counts[b] > highest ? counts[b] : highest;
    }
    return (double)highest;
}

/* Whole numbers only: up to four steps of 1, 2 or 5 times a power of ten. */
static size_t count_ticks(double ticks[PLOT_TICKS], double highest)
{
    double step = 1;
    size_t n = 0;

    for (int i = 0; highest / step > 4; i++)
        step *= i % 3 == 1 ? 2.5 : 2;
    for (; n < PLOT_TICKS && (double)n * step < highest + step; n++)
        ticks[n] = (double)n * step;
    return n;
}

/* The outline of a group's bars, down to the base line at both ends. */
static void draw_bars(Html *h, const PlotGroup *group, const Bins *bins, const PlotScale *x, const PlotScale *y,
                      int filled)
{
    size_t counts[MOST_BINS];

    count_into(counts, group, bins);
    html_print(h, "<path class=\"%m s%d\" d=\"M%1 %1", filled ? "fill" : "line", group->style, x->from, y->from);
    for (size_t b = 0; b < bins->count; b++)
        html_print(h, "V%1H%1", plot_place(y, (double)counts[b]),
                   plot_place(x, bins->first + bins->width * (double)(b + 1)));
    html_print(h, "V%1%m\"/>", y->from, filled ? "z" : "");
}

static double draw_keys(Html *h, const PlotStrip *plot)
{
    PlotKey keys[MOST_KEYS];
    size_t count = 0;

    for (size_t g = 0; g < plot->group_count && count < MOST_KEYS; g++) {
        const PlotKey key = {plot->groups[g].label, plot->groups[g].style, g > 0, 0, g == 0};
        keys[count++] = key;
    }
    return plot_legend(h, keys, count, 4) + 20; /* the threshold's label is there */
}

void plot_histogram(Html *h, const PlotStrip *plot)
{
    PlotAxis counts = {NULL, 0, 0, NULL, 0, 0};
    double ticks[PLOT_TICKS], top, bottom;
    PlotRange range;
    PlotScale x, y;
    Bins bins;
    Html scratch; /* the legend's height is needed before the drawing begins */

    html_open(&scratch);
    top = draw_keys(&scratch, plot);
    html_close(&scratch);
    bottom = top + HEIGHT;
    plot_range_begin(&range);
    plot_range_add(&range, plot->threshold);
    for (size_t g = 0; g < plot->group_count; g++)
        for (size_t i = 0; i < plot->groups[g].count; i++)
            plot_range_add(&range, plot->groups[g].values[i]);
    plot_scale(&x, &plot->x, &range, LEFT, PLOT_RIGHT);
    bins = bins_over(&x);
    counts.tick_count = count_ticks(ticks, highest_count(plot, &bins));
    counts.ticks = ticks;
    counts.hi = ticks[counts.tick_count - 1];
    plot_scale(&y, &counts, &range, bottom, top);
    plot_begin(h, plot->title, bottom + BELOW);
    draw_keys(h, plot);
    plot_axis_left(h, &y, LEFT, PLOT_RIGHT);
    plot_axis_below(h, &x, &plot->x, bottom, bottom);
    for (size_t g = 0; g < plot->group_count; g++)
        draw_bars(h, &plot->groups[g], &bins, &x, &y, g == 0);
    plot_threshold(h, plot, &x, top, bottom);
    plot_end(h);
}
