/* The report's figures and how they are written. */
#include <math.h>
#include <string.h>

#include "eval/report_internal.h"

const RecordRow *report_row(const RecordUnit *unit, const char *method)
{
    for (size_t i = 0; i < unit->row_count; i++)
        if (strcmp(unit->rows[i].method, method) == 0)
            return &unit->rows[i];
    return NULL;
}

int report_has(const Report *r, const char *shots, const char *method)
{
    for (size_t u = 0; u < r->record->unit_count; u++)
        if (strcmp(r->record->units[u].shots, shots) == 0 && report_row(&r->record->units[u], method) != NULL)
            return 1;
    return 0;
}

RecordFigure report_mean(const Report *r, const char *shots, const char *method, int measure)
{
    return record_mean(r->record, r->categories, r->category_count, shots, method, measure);
}

RecordFigure report_difference(const Report *r, const char *shots, const char *a, const char *b, int measure)
{
    RecordFigure figure = {NAN, NAN, 0};

    for (size_t c = 0; c < r->category_count; c++)
        record_figure_add(&figure, record_category_mean(r->record, r->categories[c], shots, a, measure) -
                                       record_category_mean(r->record, r->categories[c], shots, b, measure));
    return figure;
}

const char *report_category(const Report *r, size_t category)
{
    return r->categories[category][0] != '\0' ? r->categories[category] : "(the whole set)";
}

const char *report_measure(int measure)
{
    static const char *const names[RECORD_MEASURES] = {"Image AUROC", "Image AP",     "Image F1-max", "Pixel AUROC",
                                                       "Pixel AP",    "Pixel F1-max", "PRO"};

    return names[measure];
}

void report_shots(Html *h, const char *shots)
{
    if (strcmp(shots, "0") == 0)
        html_markup(h, "no normal picture");
    else
        html_print(h, "%s normal %m", shots, strcmp(shots, "1") == 0 ? "picture" : "pictures");
}

void report_figure(Html *h, RecordFigure figure)
{
    html_print(h, "%3", figure.mean);
    if (isfinite(figure.error))
        html_print(h, " &#177; %3", figure.error);
}

int report_same(double a, double b)
{
    return floor(1000 * a + 0.5) == floor(1000 * b + 0.5);
}

ReportDecisions report_decided(const Report *r, const char *category, const char *shots, const char *method)
{
    ReportDecisions sum = {0, 0, 0, 0};

    for (size_t u = 0; u < r->record->unit_count; u++) {
        const RecordUnit *unit = &r->record->units[u];
        const RecordRow *row = report_row(unit, method);
        if (row == NULL || strcmp(unit->shots, shots) != 0 ||
            (category != NULL && strcmp(unit->category, category) != 0))
            continue;
        sum.good += row->good;
        sum.bad += row->bad;
        sum.false_alarms += row->false_alarms;
        sum.misses += row->misses;
    }
    return sum;
}

double report_percent(size_t part, size_t whole)
{
    return whole > 0 ? 100 * (double)part / (double)whole : NAN;
}
