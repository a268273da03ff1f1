/* The report's tables: methods by measures, and categories by methods, for each number of shots. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/plot.h"
#include "eval/report_internal.h"

/* What follows the best of a row or column: no colour is needed to see it. */
#define BEST "<b>%3</b>&#8202;*"

enum { NAME_ROOM = 80 };

/* ---- methods by measures ---- */

/* The best of some values; among fewer than two there is none. */
typedef struct {
    double value;
    size_t count;
} Best;

static void add_to_best(Best *best, double value)
{
    if (isnan(value))
        return;
    best->value = best->count++ == 0 ? value : fmax(best->value, value);
}

static double best_of(const Best *best)
{
    return best->count > 1 ? best->value : NAN;
}

static double best_mean(const Report *r, const char *shots, int measure)
{
    Best best = {NAN, 0};

    for (size_t m = 0; m < r->method_count; m++)
        add_to_best(&best, report_mean(r, shots, r->methods[m], measure).mean);
    return best_of(&best);
}

static void figure_cell(Html *h, RecordFigure figure, double best)
{
    html_markup(h, "<td>");
    html_print(h, report_same(figure.mean, best) ? BEST : "%3", figure.mean);
    if (isfinite(figure.error))
        html_print(h, " <span class=\"quiet\">&#177; %3</span>", figure.error);
    html_markup(h, "</td>");
}

static void methods_by_measures(Html *h, const Report *r, const char *shots)
{
    const char *columns[1 + RECORD_MEASURES] = {"Method"};
    double best[RECORD_MEASURES];

    for (int i = 0; i < RECORD_MEASURES; i++) {
        columns[1 + i] = report_measure(i);
        best[i] = best_mean(r, shots, i);
    }
    html_table_begin(h, "Means over categories \302\261 standard error; * and bold: the best of a column", columns,
                     1 + RECORD_MEASURES);
    for (size_t m = 0; m < r->method_count; m++) {
        if (!report_has(r, shots, r->methods[m]))
            continue;
        html_row_begin(h, r->methods[m]);
        for (int i = 0; i < RECORD_MEASURES; i++)
            figure_cell(h, report_mean(r, shots, r->methods[m], i), best[i]);
        html_row_end(h);
    }
    html_table_end(h);
}

/* ---- categories by methods ---- */

static int is_measured(const Report *r, const char *shots, int measure)
{
    for (size_t m = 0; m < r->method_count; m++)
        if (report_mean(r, shots, r->methods[m], measure).categories > 0)
            return 1;
    return 0;
}

static void best_cell(Html *h, double value, double best)
{
    html_markup(h, "<td>");
    html_print(h, report_same(value, best) ? BEST : "%3", value);
    html_markup(h, "</td>");
}

static void category_row(Html *h, const Report *r, const char *shots, int measure, size_t category)
{
    Best best = {NAN, 0};

    for (size_t m = 0; m < r->method_count; m++)
        add_to_best(&best, record_category_mean(r->record, r->categories[category], shots, r->methods[m], measure));
    html_print(h, "<tr><th scope=\"row\"><a href=\"#category-%z\">%s</a></th>", category + 1,
               report_category(r, category));
    for (size_t m = 0; m < r->method_count; m++) {
        double value = record_category_mean(r->record, r->categories[category], shots, r->methods[m], measure);
        if (!report_has(r, shots, r->methods[m]))
            continue;
        best_cell(h, value, best_of(&best));
    }
    html_row_end(h);
}

static void mean_rows(Html *h, const Report *r, const char *shots, int measure)
{
    double best = best_mean(r, shots, measure);

    html_markup(h, "</tbody>\n<tfoot>\n<tr><th scope=\"row\">Mean</th>");
    for (size_t m = 0; m < r->method_count; m++)
        if (report_has(r, shots, r->methods[m]))
            best_cell(h, report_mean(r, shots, r->methods[m], measure).mean, best);
    html_markup(h, "</tr>\n<tr class=\"light\"><th scope=\"row\">&#177; standard error</th>");
    for (size_t m = 0; m < r->method_count; m++)
        if (report_has(r, shots, r->methods[m]))
            html_cell_number(h, report_mean(r, shots, r->methods[m], measure).error, 3);
    html_markup(h, "</tr>\n</tfoot>\n</table></div>\n");
}

/* A name may be broken behind a plus sign, so that many columns fit. */
static void method_heading(Html *h, const char *method)
{
    const char *plus = strchr(method, '+');
    char first[NAME_ROOM];

    if (plus == NULL || (size_t)(plus - method) + 2 > sizeof first) {
        html_print(h, "<th scope=\"col\">%s</th>", method);
        return;
    }
    snprintf(first, sizeof first, "%.*s", (int)(plus - method) + 1, method);
    html_print(h, "<th scope=\"col\">%s<wbr/>%s</th>", first, plus + 1);
}

static void categories_by_methods(Html *h, const Report *r, const char *shots, int measure)
{
    html_print(h, "<div class=\"scroll\"><table>\n<caption><span>%s by category and method; * and bold: the best "
                  "of a row</span></caption>\n<thead><tr><th scope=\"col\">Category</th>", report_measure(measure));
    for (size_t m = 0; m < r->method_count; m++)
        if (report_has(r, shots, r->methods[m]))
            method_heading(h, r->methods[m]);
    html_markup(h, "</tr></thead>\n<tbody>\n");
    for (size_t c = 0; c < r->category_count; c++)
        category_row(h, r, shots, measure, c);
    mean_rows(h, r, shots, measure);
}

/* ---- categories by measures, of the only method ---- */

static void categories_by_measures(Html *h, const Report *r, const char *shots, const char *method)
{
    const char *columns[1 + RECORD_MEASURES] = {"Category"};

    for (int i = 0; i < RECORD_MEASURES; i++)
        columns[1 + i] = report_measure(i);
    html_table_begin(h, "By category", columns, 1 + RECORD_MEASURES);
    for (size_t c = 0; c < r->category_count; c++) {
        html_print(h, "<tr><th scope=\"row\"><a href=\"#category-%z\">%s</a></th>", c + 1, report_category(r, c));
        for (int i = 0; i < RECORD_MEASURES; i++)
            html_cell_number(h, record_category_mean(r->record, r->categories[c], shots, method, i), 3);
        html_row_end(h);
    }
    html_table_end(h);
}

/* ---- measures over shots ---- */

enum { CURVES = 4, POINTS = 12 };

/* The numbers of shots that are numbers above 0, at most POINTS. */
static size_t numbers_of_shots(double x[POINTS], const char *shots[POINTS], const Report *r)
{
    size_t count = 0;

    for (size_t s = 0; s < r->shots_count && count < POINTS; s++) {
        char *end;
        unsigned long value = strtoul(r->shots[s], &end, 10);
        if (*end != '\0' || value == 0)
            continue;
        shots[count] = r->shots[s];
        x[count++] = (double)value;
    }
    return count;
}

static void shots_chart(Html *h, const Report *r, int measure)
{
    double values[CURVES][POINTS], errors[CURVES][POINTS];
    const char *shots[POINTS];
    double x[POINTS];
    size_t count = numbers_of_shots(x, shots, r);
    PlotSeries series[CURVES];
    PlotLines plot = {0};
    char title[NAME_ROOM];

    for (size_t m = 0; m < r->method_count && plot.series_count < CURVES; m++) {
        const char *method = r->ranked[m];
        PlotSeries *s = &series[plot.series_count];
        size_t defined = 0;
        for (size_t i = 0; i < count; i++) {
            RecordFigure figure = report_mean(r, shots[i], method, measure);
            values[plot.series_count][i] = figure.mean;
            errors[plot.series_count][i] = figure.error;
            defined += figure.categories > 0;
        }
        if (defined < 2)
            continue;
        s->label = method;
        s->style = (int)plot.series_count;
        s->x = x;
        s->y = values[plot.series_count];
        s->error = errors[plot.series_count];
        s->count = count;
        s->bare = 0;
        plot.series_count++;
    }
    if (plot.series_count == 0)
        return;
    snprintf(title, sizeof title, "%s by number of normal pictures", report_measure(measure));
    plot.title = title;
    plot.x.label = "normal pictures";
    plot.x.ticks = x;
    plot.x.tick_count = count;
    plot.x.logarithmic = 1;
    plot.y.label = report_measure(measure);
    plot.series = series;
    html_markup(h, "<figure>");
    plot_lines(h, &plot);
    html_markup(h, "</figure>\n");
}

static void by_shots(Html *h, const Report *r)
{
    const char *shots[POINTS];
    double x[POINTS];

    if (numbers_of_shots(x, shots, r) < 2)
        return;
    html_markup(h, "<h3>By number of normal pictures</h3>\n<div class=\"columns\">\n");
    shots_chart(h, r, RECORD_IMAGE_AUROC);
    shots_chart(h, r, RECORD_PRO);
    html_markup(h, "</div>\n");
}

/* ---- the section ---- */

/* The method that alone was measured with so many shots, or NULL. */
static const char *only_method(const Report *r, const char *shots)
{
    const char *only = NULL;

    for (size_t m = 0; m < r->method_count; m++)
        if (report_has(r, shots, r->methods[m])) {
            if (only != NULL)
                return NULL;
            only = r->methods[m];
        }
    return only;
}

void report_tables(Html *h, const Report *r)
{
    static const int shown[] = {RECORD_IMAGE_AUROC, RECORD_PIXEL_AUROC, RECORD_PRO};

    html_markup(h, "<section id=\"tables\">\n<h2>Tables</h2>\n<p>Figures of a category are means over draws of normal "
                   "pictures; all methods see the same draws.</p>\n");
    by_shots(h, r);
    for (size_t s = 0; s < r->shots_count; s++) {
        html_markup(h, "<h3>With ");
        report_shots(h, r->shots[s]);
        html_markup(h, "</h3>\n");
        methods_by_measures(h, r, r->shots[s]);
        if (only_method(r, r->shots[s]) != NULL)
            categories_by_measures(h, r, r->shots[s], only_method(r, r->shots[s]));
        for (size_t i = 0; i < sizeof shown / sizeof *shown && only_method(r, r->shots[s]) == NULL; i++)
            if (is_measured(r, r->shots[s], shown[i]))
                categories_by_methods(h, r, r->shots[s], shown[i]);
    }
    html_markup(h, "</section>\n");
}
