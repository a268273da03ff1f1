/* Charts of lines; see plot.h. */
#include <math.h>

#include "eval/plot_internal.h"

enum { LEFT = 40, HEIGHT = 176, BELOW = 40, MOST_KEYS = 16 };

static void ranges_of(const PlotLines *plot, PlotRange *x, PlotRange *y)
{
    plot_range_begin(x);
    plot_range_begin(y);
    for (size_t s = 0; s < plot->series_count; s++) {
        const PlotSeries *series = &plot->series[s];
        for (size_t i = 0; i < series->count; i++) {
            double error = series->error != NULL && isfinite(series->error[i]) ? series->error[i] : 0;
            plot_range_add(x, series->x[i]);
            plot_range_add(y, series->y[i] - error);
            plot_range_add(y, series->y[i] + error);
        }
    }
}

static int is_drawn(const PlotSeries *series, size_t i)
{
    return isfinite(series->x[i]) && isfinite(series->y[i]);
}

static void draw_line(Html *h, const PlotSeries *series, const PlotScale *x, const PlotScale *y, double shift)
{
    int down = 0;

    html_print(h, "<path class=\"line s%d\" d=\"", series->style);
    for (size_t i = 0; i < series->count; i++) {
        if (is_drawn(series, i))
            html_print(h, "%m%1 %1", down ? "L" : "M", plot_place(x, series->x[i]) + shift, plot_place(y, series->y[i]));
        down = is_drawn(series, i);
    }
    html_markup(h, "\"/>");
}

static void draw_points(Html *h, const PlotSeries *series, const PlotScale *x, const PlotScale *y, double shift)
{
    for (size_t i = 0; i < series->count; i++) {
        double place;
        if (!is_drawn(series, i))
            continue;
        place = plot_place(x, series->x[i]) + shift;
        if (series->error != NULL && isfinite(series->error[i])) {
            html_print(h, "<path class=\"error s%d\" ", series->style);
            html_print(h, "d=\"M%1 %1V%1M%1 %1h5M%1 %1h5\"/>", place, plot_place(y, series->y[i] - series->error[i]),
                       plot_place(y, series->y[i] + series->error[i]), place - 2.5,
                       plot_place(y, series->y[i] - series->error[i]), place - 2.5,
                       plot_place(y, series->y[i] + series->error[i]));
        }
        if (!series->bare)
            plot_mark(h, series->style, place, plot_place(y, series->y[i]));
    }
}

/* The label of the axis at the left stands above it, where it can be read without turning the head. */
static double draw_head(Html *h, const PlotLines *plot)
{
    PlotKey keys[MOST_KEYS];
    size_t count = 0;
    double top = 4;

    for (size_t s = 0; s < plot->series_count && count < MOST_KEYS && plot->series_count > 1; s++) {
        const PlotKey key = {plot->series[s].label, plot->series[s].style, 1, !plot->series[s].bare, 0};
        keys[count++] = key;
    }
    top = plot_legend(h, keys, count, top);
    if (plot->y.label != NULL) {
        plot_text(h, "label", 4, top + 12, plot->y.label);
        top += PLOT_LINE;
    }
    return top + 8;
}

/* Legend lines there may be, at most: for the drawing's height, which is written before the legend. */
static double height_of_head(const PlotLines *plot)
{
    Html scratch;
    double top;

    html_open(&scratch);
    top = draw_head(&scratch, plot);
    html_close(&scratch);
    return top;
}

void plot_lines(Html *h, const PlotLines *plot)
{
    double top = height_of_head(plot), bottom = top + HEIGHT;
    PlotRange x_range, y_range;
    PlotScale x, y;

    ranges_of(plot, &x_range, &y_range);
    plot_scale(&x, &plot->x, &x_range, LEFT + 8, PLOT_RIGHT);
    plot_scale(&y, &plot->y, &y_range, bottom, top);
    plot_begin(h, plot->title, bottom + BELOW);
    draw_head(h, plot);
    plot_axis_left(h, &y, LEFT, PLOT_RIGHT + 6);
    plot_axis_below(h, &x, &plot->x, bottom, bottom);
    for (size_t s = 0; s < plot->series_count; s++) {
        /* Error bars of series at the same x stand side by side. */
        double shift = plot->series[s].error == NULL ? 0 : 3 * ((double)s - ((double)plot->series_count - 1) / 2);
        draw_line(h, &plot->series[s], &x, &y, shift);
        draw_points(h, &plot->series[s], &x, &y, shift);
    }
    plot_end(h);
}

void plot_lines_table(Html *h, const PlotLines *plot, int x_decimals)
{
    html_print(h, "<details><summary>The numbers of this chart</summary><div class=\"scroll\"><table>\n"
                  "<caption><span>%s</span></caption>", plot->title);
    html_print(h, "<thead><tr><th scope=\"col\">%s</th>", plot->x.label != NULL ? plot->x.label : "");
    for (size_t s = 0; s < plot->series_count; s++)
        html_print(h, "<th scope=\"col\">%s</th>", plot->series[s].label);
    html_markup(h, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; plot->series_count > 0 && i < plot->series[0].count; i++) {
        html_markup(h, "<tr><th scope=\"row\">");
        html_number(h, plot->series[0].x[i], x_decimals);
        html_markup(h, "</th>");
        for (size_t s = 0; s < plot->series_count; s++) {
            const PlotSeries *series = &plot->series[s];
            if (i >= series->count)
                html_cell(h, "");
            else if (series->error != NULL && isfinite(series->error[i]))
                html_print(h, "<td>%3 &#177; %3</td>", series->y[i], series->error[i]);
            else
                html_cell_number(h, series->y[i], 3);
        }
        html_row_end(h);
    }
    html_table_end(h);
    html_markup(h, "</details>\n");
}
