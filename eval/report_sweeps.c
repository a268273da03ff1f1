/* The report's sweeps: LAKE with one option changed, rows whose method is "lake OPTION=VALUE", and behind a further
 * space what else was changed: "lake contaminate=2 trim=0.1". Each option gets a table and charts, against LAKE as it
 * is. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/plot.h"
#include "eval/report_internal.h"

enum { NAME_ROOM = 80, SERIES = 4, MEASURES = 3, TICKS = 12 };

/* Pictures that contaminate are not measured, so contaminated fits are held against one that leaves out the same. */
#define CLEAN "lake contaminate=0"

static const int shown[MEASURES] = {RECORD_IMAGE_AUROC, RECORD_PIXEL_AUROC, RECORD_PRO};

typedef struct {
    const char *method;
    char axis[NAME_ROOM], value[NAME_ROOM], variant[NAME_ROOM]; /* "contaminate", "2", "trim=0.1" or "" */
    double number;                                             /* the value; NaN where it is none */
} Point;

/* The points of one axis with one number of shots. */
typedef struct {
    const Report *report;
    const char *axis, *shots;
    const char *base; /* the method that values are held against */
    Point *points; /* [count] */
    size_t count;
    int numeric; /* all values are numbers: points are sorted by them */
    const char *variants[SERIES];
    size_t variant_count;
} Sweep;

static void copy_part(char to[NAME_ROOM], const char *from, size_t length)
{
    length = length < NAME_ROOM ? length : NAME_ROOM - 1;
    memcpy(to, from, length);
    to[length] = '\0';
}

/* How many channels there are, for "all" of them; NaN where no unit tells. */
static double width_of(const Report *r)
{
    return r->shown[0]->neuron_count > 0 ? (double)r->shown[0]->neurons[0].width : NAN;
}

static void parse_point(Point *point, const Report *r, const char *method)
{
    const char *axis = strchr(method, ' ') + 1, *value = strchr(axis, '=') + 1;
    size_t length = strcspn(value, " ");

    point->method = method;
    copy_part(point->axis, axis, (size_t)(value - 1 - axis));
    copy_part(point->value, value, length);
    copy_part(point->variant, value[length] == ' ' ? value + length + 1 : "", strlen(value + length));
    if (strcmp(point->axis, "neurons") == 0 && strcmp(point->value, "all") == 0)
        point->number = width_of(r);
    else if (!record_number(&point->number, point->value))
        point->number = NAN;
}

static int by_number(const void *a, const void *b)
{
    const Point *x = a, *y = b;

    if (x->number != y->number)
        return (x->number > y->number) - (x->number < y->number);
    return strcmp(x->variant, y->variant);
}

static void add_variant(Sweep *s, const char *variant)
{
    for (size_t i = 0; i < s->variant_count; i++)
        if (strcmp(s->variants[i], variant) == 0)
            return;
    if (s->variant_count < SERIES)
        s->variants[s->variant_count++] = variant;
}

/* s->points: with room for all of the report's sweeps. */
static void collect(Sweep *s)
{
    const Report *r = s->report;

    s->count = s->variant_count = 0;
    s->numeric = 1;
    for (size_t i = 0; i < r->sweep_count; i++) {
        Point *point = &s->points[s->count];
        parse_point(point, r, r->sweeps[i]);
        if (strcmp(point->axis, s->axis) != 0 || !report_has(r, s->shots, point->method))
            continue;
        s->numeric &= !isnan(point->number);
        s->count++;
    }
    if (s->numeric)
        qsort(s->points, s->count, sizeof *s->points, by_number);
    for (size_t i = 0; i < s->count; i++)
        add_variant(s, s->points[i].variant);
    s->base = strcmp(s->axis, "contaminate") == 0 && report_has(r, s->shots, CLEAN) ? CLEAN : "lake";
}

/* What charts and tables call the base. */
static const char *base_name(const Sweep *s)
{
    return strcmp(s->base, "lake") == 0 ? "default" : strchr(s->base, ' ') + 1;
}

/* ---- the table ---- */

static void figures_of(Html *h, const Sweep *s, const char *method)
{
    for (size_t i = 0; i < MEASURES; i++) {
        html_markup(h, "<td>");
        report_figure(h, report_mean(s->report, s->shots, method, shown[i]));
        html_markup(h, "</td>");
    }
}

/* What LAKE as it is has on this axis, in brackets; nothing where the settings do not tell. */
static void default_value(Html *h, const Sweep *s)
{
    const char *value = record_setting(s->report->record, strcmp(s->axis, "norm") == 0 ? "normalise" : s->axis);

    if (strcmp(s->axis, "shots") == 0) /* the settings list all numbers */
        value = s->shots;
    if (*value != '\0')
        html_print(h, " (%s)", value);
}

static void sweep_table(Html *h, const Sweep *s)
{
    char against[2 * NAME_ROOM];
    const char *const columns[] = {s->axis, "Image AUROC", "Pixel AUROC", "PRO", against};

    snprintf(against, sizeof against, "Image AUROC against %s", base_name(s));
    html_table_begin(h, "Means over categories \302\261 standard error; the last column is the mean difference within "
                        "a category", columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < s->count; i++) {
        const Point *p = &s->points[i];
        html_print(h, "<tr><th scope=\"row\">%s%s%s</th>", p->value, *p->variant != '\0' ? ", " : "", p->variant);
        figures_of(h, s, p->method);
        html_markup(h, "<td>");
        report_figure(h, report_difference(s->report, s->shots, p->method, s->base, RECORD_IMAGE_AUROC));
        html_markup(h, "</td>");
        html_row_end(h);
    }
    if (report_has(s->report, s->shots, "lake")) {
        html_markup(h, "<tr><th scope=\"row\"><b>default");
        default_value(h, s);
        html_markup(h, "</b></th>");
        figures_of(h, s, "lake");
        html_markup(h, "<td></td>");
        html_row_end(h);
    }
    html_table_end(h);
}

/* ---- charts ---- */

/* The axis is logarithmic where its values span much; those that are far enough apart are its ticks. */
static void choose_axis(PlotAxis *axis, double ticks[TICKS], const Sweep *s)
{
    const double least = s->points[0].number, largest = s->points[s->count - 1].number;

    axis->label = s->axis;
    axis->logarithmic = least > 0 && largest >= 8 * least;
    axis->ticks = ticks;
    for (size_t i = 0; i < s->count && axis->tick_count < TICKS; i++) {
        double value = s->points[i].number, last = axis->tick_count > 0 ? ticks[axis->tick_count - 1] : -HUGE_VAL;
        if (axis->logarithmic ? value >= last * pow(largest / least, 0.08) : value >= last + 0.08 * (largest - least))
            ticks[axis->tick_count++] = value;
    }
}

/* Of numbers: a line per variant, and LAKE as it is as a line across. x, y and error have room for all points of all
 * variants. */
static void number_chart(Html *h, const Sweep *s, int measure, double *x, double *y, double *error)
{
    const double ends[2] = {s->points[0].number, s->points[s->count - 1].number};
    const double base = report_mean(s->report, s->shots, s->base, measure).mean, level[2] = {base, base};
    PlotSeries series[SERIES + 1] = {{base_name(s), PLOT_REFERENCE, ends, level, NULL, 2, 1}};
    PlotLines plot = {0};
    double ticks[TICKS];
    char title[2 * NAME_ROOM];

    choose_axis(&plot.x, ticks, s);
    plot.series_count = isnan(base) ? 0 : 1;
    for (size_t v = 0; v < s->variant_count; v++) {
        PlotSeries *line = &series[plot.series_count++];
        const PlotSeries empty = {*s->variants[v] != '\0' ? s->variants[v] : s->axis, (int)v, x, y, error, 0, 0};
        *line = empty;
        for (size_t i = 0; i < s->count; i++) {
            RecordFigure figure;
            if (strcmp(s->points[i].variant, s->variants[v]) != 0)
                continue;
            figure = report_mean(s->report, s->shots, s->points[i].method, measure);
            *x++ = s->points[i].number;
            *y++ = figure.mean;
            *error++ = figure.error;
            line->count++;
        }
    }
    snprintf(title, sizeof title, "%s by %s", report_measure(measure), s->axis);
    plot.title = title;
    plot.y.label = report_measure(measure);
    plot.series = series;
    plot_lines(h, &plot);
}

/* Of other values: a marker per value, and one of LAKE as it is. */
static void value_chart(Html *h, const Sweep *s, int measure, const char **rows, double *values, double *errors)
{
    const PlotMarks marks = {NULL, PLOT_BLUE, values, errors};
    PlotDots plot = {0};
    char title[2 * NAME_ROOM];

    for (size_t i = 0; i < s->count; i++) {
        RecordFigure figure = report_mean(s->report, s->shots, s->points[i].method, measure);
        rows[i] = strchr(s->points[i].method, '=') + 1;
        values[i] = figure.mean;
        errors[i] = figure.error;
    }
    rows[s->count] = "default";
    values[s->count] = report_mean(s->report, s->shots, "lake", measure).mean;
    errors[s->count] = report_mean(s->report, s->shots, "lake", measure).error;
    snprintf(title, sizeof title, "%s by %s", report_measure(measure), s->axis);
    plot.title = title;
    plot.x.label = report_measure(measure);
    plot.rows = rows;
    plot.row_count = s->count + 1;
    plot.series = &marks;
    plot.series_count = 1;
    plot.decimals = 3;
    plot_dots(h, &plot);
}

static void chart(Html *h, const Sweep *s, int measure)
{
    double *numbers = malloc(3 * (s->count + 1) * sizeof *numbers);
    const char **rows = malloc((s->count + 1) * sizeof *rows);
    size_t defined = 0;

    for (size_t i = 0; i < s->count; i++)
        defined += report_mean(s->report, s->shots, s->points[i].method, measure).categories > 0;
    if (numbers == NULL || rows == NULL) {
        error_memory(&h->error, "a chart");
    } else if (defined > 0) {
        html_markup(h, "<figure>");
        if (s->numeric)
            number_chart(h, s, measure, numbers, numbers + s->count, numbers + 2 * s->count);
        else
            value_chart(h, s, measure, rows, numbers, numbers + s->count + 1);
        html_markup(h, "</figure>\n");
    }
    free(numbers);
    free(rows);
}

/* ---- the section ---- */

static void sweep(Html *h, const Sweep *s)
{
    html_print(h, "<h3>%s, with ", s->axis);
    report_shots(h, s->shots);
    html_markup(h, "</h3>\n<div class=\"columns\">\n");
    chart(h, s, RECORD_IMAGE_AUROC);
    chart(h, s, RECORD_PRO);
    html_markup(h, "</div>\n");
    sweep_table(h, s);
}

/* Whether an earlier sweep has the axis of sweep i. */
static int is_known_axis(const Report *r, size_t i, const char *axis)
{
    Point earlier;

    for (size_t k = 0; k < i; k++) {
        parse_point(&earlier, r, r->sweeps[k]);
        if (strcmp(earlier.axis, axis) == 0)
            return 1;
    }
    return 0;
}

void report_sweeps(Html *h, const Report *r)
{
    Sweep s = {0};
    Point first;

    if (r->sweep_count == 0)
        return;
    s.report = r;
    s.points = malloc(r->sweep_count * sizeof *s.points);
    if (s.points == NULL) {
        error_memory(&h->error, "sweeps");
        return;
    }
    html_markup(h, "<section id=\"sweeps\">\n<h2>Sweeps</h2>\n<p>LAKE with one option at a time changed; all else is "
                   "as under <a href=\"#settings\">settings</a>. The default is LAKE as in the tables above.</p>\n");
    for (size_t i = 0; i < r->sweep_count; i++) {
        parse_point(&first, r, r->sweeps[i]);
        s.axis = first.axis;
        for (size_t n = 0; n < r->shots_count && !is_known_axis(r, i, first.axis); n++) {
            s.shots = r->shots[n];
            collect(&s);
            if (s.count > 0)
                sweep(h, &s);
        }
    }
    free(s.points);
    html_markup(h, "</section>\n");
}
