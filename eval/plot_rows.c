/* Charts with a row per group or thing, bars and matrices; see plot.h. */
#include <math.h>

#include "eval/plot_internal.h"

enum { STRIP_ROW = 46, STRIP_LEFT = 10, BIN = 7, BINS = PLOT_WIDTH / BIN + 1, DOT_ROW = 24, BELOW = 40, MOST_KEYS = 16 };

/* ---- strips of scores ---- */

static size_t bin_of(double place)
{
    return (size_t)(place / BIN);
}

/* A dot per score at its exact place. Dots within a bin are stacked, closer where the highest stack asks for it. */
static void draw_group(Html *h, const PlotGroup *group, const PlotScale *x, double base)
{
    size_t heights[BINS] = {0}, highest = 1;
    double step;

    for (size_t i = 0; i < group->count; i++)
        if (isfinite(group->values[i])) {
            size_t *height = &heights[bin_of(plot_place(x, group->values[i]))];
            ++*height;
            highest = *height > highest ? *height : highest;
        }
    step = highest > 1 ? (STRIP_ROW - 24.0) / (double)(highest - 1) : 0;
    step = step < 7.4 ? step : 7.4;
    for (size_t b = 0; b < BINS; b++)
        heights[b] = 0;
    for (size_t i = 0; i < group->count; i++)
        if (isfinite(group->values[i])) {
            double place = plot_place(x, group->values[i]);
            plot_mark(h, group->style, place, base - 6 - step * (double)heights[bin_of(place)]++);
        }
}

void plot_strip(Html *h, const PlotStrip *plot)
{
    double top = 20, bottom = top + STRIP_ROW * (double)plot->group_count;
    PlotRange range;
    PlotScale x;

    plot_range_begin(&range);
    plot_range_add(&range, plot->threshold);
    for (size_t g = 0; g < plot->group_count; g++)
        for (size_t i = 0; i < plot->groups[g].count; i++)
            plot_range_add(&range, plot->groups[g].values[i]);
    plot_scale(&x, &plot->x, &range, STRIP_LEFT, PLOT_RIGHT);
    plot_begin(h, plot->title, bottom + BELOW);
    plot_axis_below(h, &x, &plot->x, top, bottom);
    for (size_t g = 0; g < plot->group_count; g++) {
        double base = top + STRIP_ROW * (double)(g + 1);
        plot_segment(h, "grid", STRIP_LEFT, base, PLOT_RIGHT, base);
        plot_text(h, "label halo", STRIP_LEFT, base - STRIP_ROW + 13, plot->groups[g].label);
    }
    plot_threshold(h, plot, &x, top, bottom);
    for (size_t g = 0; g < plot->group_count; g++)
        draw_group(h, &plot->groups[g], &x, top + STRIP_ROW * (double)(g + 1));
    plot_end(h);
}

/* ---- rows of markers ---- */

static int writes_numbers(const PlotDots *plot)
{
    return plot->series_count == 1 && plot->decimals >= 0;
}

static void range_of_marks(const PlotDots *plot, PlotRange *range)
{
    plot_range_begin(range);
    for (size_t s = 0; s < plot->series_count; s++)
        for (size_t i = 0; i < plot->row_count; i++) {
            const PlotMarks *m = &plot->series[s];
            double error = m->errors != NULL && isfinite(m->errors[i]) ? m->errors[i] : 0;
            plot_range_add(range, m->values[i] - error);
            plot_range_add(range, m->values[i] + error);
        }
}

static void draw_marks(Html *h, const PlotDots *plot, const PlotMarks *m, const PlotScale *x, double top)
{
    for (size_t i = 0; i < plot->row_count; i++) {
        double y = top + DOT_ROW * ((double)i + 0.5), place;
        if (!isfinite(m->values[i]))
            continue;
        place = plot_place(x, m->values[i]);
        if (m->errors != NULL && isfinite(m->errors[i])) {
            double from = plot_place(x, m->values[i] - m->errors[i]), to = plot_place(x, m->values[i] + m->errors[i]);
            html_print(h, "<path class=\"error s%d\" d=\"M%1 %1H%1M%1 %1v6M%1 %1v6\"/>", m->style, from, y, to, from,
                       y - 3, to, y - 3);
        }
        plot_mark(h, m->style, place, y);
        if (writes_numbers(plot)) {
            html_print(h, "<text class=\"num end\" x=\"%1\" y=\"%1\">", PLOT_WIDTH - 2.0, y + 4);
            html_number(h, m->values[i], plot->decimals);
            html_markup(h, "</text>");
        }
    }
}

static double draw_keys(Html *h, const PlotDots *plot)
{
    PlotKey keys[MOST_KEYS];
    size_t count = 0;

    for (size_t s = 0; plot->series_count > 1 && s < plot->series_count && count < MOST_KEYS; s++) {
        const PlotKey key = {plot->series[s].label, plot->series[s].style, 0, 1, 0};
        keys[count++] = key;
    }
    return plot_legend(h, keys, count, 4) + 4;
}

/* Where the names at the left end: they get what the longest needs, up to 40 % of the drawing. */
static double left_of(const PlotDots *plot)
{
    double left = 30;

    for (size_t i = 0; i < plot->row_count; i++) {
        double width = plot_text_width(plot->rows[i]) + 10;
        left = width > left ? width : left;
    }
    return left < 0.4 * PLOT_WIDTH ? left : 0.4 * PLOT_WIDTH;
}

void plot_dots(Html *h, const PlotDots *plot)
{
    double left = left_of(plot), right = writes_numbers(plot) ? PLOT_WIDTH - 44.0 : PLOT_RIGHT, top, bottom;
    PlotRange range;
    PlotScale x;
    Html scratch; /* the legend's height is needed before the drawing begins */

    html_open(&scratch);
    top = draw_keys(&scratch, plot);
    html_close(&scratch);
    bottom = top + DOT_ROW * (double)plot->row_count;
    range_of_marks(plot, &range);
    plot_scale(&x, &plot->x, &range, left, right);
    plot_begin(h, plot->title, bottom + BELOW);
    draw_keys(h, plot);
    plot_axis_below(h, &x, &plot->x, top, bottom);
    for (size_t i = 0; i < plot->row_count; i++) {
        double y = top + DOT_ROW * ((double)i + 0.5);
        plot_segment(h, "grid", left, y, right, y);
        plot_text(h, "label end", left - 8, y + 4, plot->rows[i]);
    }
    for (size_t s = 0; s < plot->series_count; s++)
        draw_marks(h, plot, &plot->series[s], &x, top);
    plot_end(h);
}

/* ---- bars and matrices ---- */

static double share_of(double value)
{
    return value > 1 ? 1 : value > 0 ? value : 0; /* NaN: 0 */
}

void plot_bar(Html *h, double share)
{
    html_print(h, "<svg class=\"bar\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\" "
                  "xmlns=\"http://www.w3.org/2000/svg\"><rect class=\"ground\" width=\"100\" height=\"8\"/>"
                  "<rect class=\"part\" width=\"%1\" height=\"8\"/></svg>", 100 * share_of(share));
}

static void matrix_cell(Html *h, double value, int decimals, double lo, double hi)
{
    html_print(h, "<td style=\"--heat:%2\">", hi > lo ? share_of((value - lo) / (hi - lo)) : 0.0);
    html_number(h, value, decimals);
    html_markup(h, "</td>");
}

void plot_matrix(Html *h, const char *caption, const char *const *names, size_t count, const double *values, int decimals,
                 double lo, double hi, int skip_diagonal)
{
    html_print(h, "<div class=\"scroll\"><table class=\"matrix\">\n<caption><span>%s</span></caption>\n"
                  "<thead><tr><th scope=\"col\"></th>", caption);
    for (size_t i = 0; i < count; i++)
        html_print(h, "<th scope=\"col\" title=\"%s\">%z</th>", names[i], i + 1);
    html_markup(h, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < count; i++) {
        html_print(h, "<tr><th scope=\"row\">%z %s</th>", i + 1, names[i]);
        for (size_t j = 0; j < count; j++)
            if (skip_diagonal && i == j)
                html_cell(h, HTML_MISSING);
            else
                matrix_cell(h, values[i * count + j], decimals, lo, hi);
        html_row_end(h);
    }
    html_table_end(h);
}
