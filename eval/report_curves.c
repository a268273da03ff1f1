/* A category's curves in the report: ROC, precision-recall, and the histogram of LAKE's scores. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/metrics.h"
#include "eval/plot.h"
#include "eval/report_internal.h"

enum { SERIES = 4, POINTS = 160, TEXT_ROOM = 200, LABEL_ROOM = 80 };

/* ---- scores of a method ---- */

/* The scores of one method on the test pictures of a unit. */
typedef struct {
    double *scores;        /* [count] */
    unsigned char *labels; /* [count] 1: anomalous */
    size_t count, good, bad;
} Scores;

static void close_scores(Scores *s)
{
    free(s->scores);
    free(s->labels);
}

static int open_scores(Scores *s, const RecordUnit *unit, const char *method)
{
    memset(s, 0, sizeof *s);
    s->scores = malloc((unit->image_count + 1) * sizeof *s->scores);
    s->labels = malloc(unit->image_count + 1);
    if (s->scores == NULL || s->labels == NULL)
        return 0;
    for (size_t i = 0; i < unit->image_count; i++)
        if (strcmp(unit->images[i].method, method) == 0) {
            s->scores[s->count] = unit->images[i].score;
            s->labels[s->count++] = (unsigned char)unit->images[i].anomalous;
            *(unit->images[i].anomalous ? &s->bad : &s->good) += 1;
        }
    return 1;
}

/* Whether the unit has scores of the method. */
static int has_scores(const RecordUnit *unit, const char *method)
{
    for (size_t i = 0; i < unit->image_count; i++)
        if (strcmp(unit->images[i].method, method) == 0)
            return 1;
    return 0;
}

/* Where the scores of a method are: in the unit that is shown, or, of what needs no normal picture, in the category's
 * unit without shots. NULL: nowhere. */
static const RecordUnit *unit_of(const Report *r, size_t category, const char *method)
{
    if (has_scores(r->shown[category], method))
        return r->shown[category];
    for (size_t u = 0; u < r->record->unit_count; u++) {
        const RecordUnit *unit = &r->record->units[u];
        if (strcmp(unit->category, r->categories[category]) == 0 && strcmp(unit->shots, "0") == 0 &&
            has_scores(unit, method))
            return unit;
    }
    return NULL;
}

/* ---- curves ---- */

/* A method's two curves. */
typedef struct {
    char roc_label[LABEL_ROOM], pr_label[LABEL_ROOM];
    double fpr[POINTS], tpr[POINTS], precision[POINTS];
    size_t count;
} Curves;

/* "lake 0.954", the value of the unit's row where it has one. */
static void label_of(char label[LABEL_ROOM], const char *method, const RecordRow *row, int measure)
{
    if (row != NULL && !isnan(row->measures[measure]))
        snprintf(label, LABEL_ROOM, "%.50s %.3f", method, row->measures[measure]);
    else
        snprintf(label, LABEL_ROOM, "%.60s", method);
}

/* Precision follows from the shares flagged and how many there are of each class; where nothing is flagged it is 1, as
 * sklearn's precision_recall_curve has it. */
static void curves_of(Curves *c, const RecordUnit *unit, const char *method, const Scores *s, Error *e)
{
    EvalPoint points[POINTS];

    if (eval_roc(points, POINTS, &c->count, s->scores, s->labels, s->count, e) != LAKE_OK)
        return;
    for (size_t i = 0; i < c->count; i++) {
        double found = points[i].tpr * (double)s->bad, wrong = points[i].fpr * (double)s->good;
        c->fpr[i] = points[i].fpr;
        c->tpr[i] = points[i].tpr;
        c->precision[i] = found + wrong > 0 ? found / (found + wrong) : 1;
    }
    label_of(c->roc_label, method, report_row(unit, method), RECORD_IMAGE_AUROC);
    label_of(c->pr_label, method, report_row(unit, method), RECORD_IMAGE_AP);
}

/* A chart from 0 to 1; series 0 is what guessing gives. */
static void curves_chart(Html *h, const char *kind, const char *category, const char *x, const char *y,
                         const PlotSeries *series, size_t count, const char *caption)
{
    PlotLines plot = {0};
    char title[TEXT_ROOM];

    snprintf(title, sizeof title, "%s curves of %.100s", kind, category);
    plot.title = title;
    plot.x.label = x;
    plot.y.label = y;
    plot.x.hi = plot.y.hi = 1;
    plot.series = series;
    plot.series_count = count;
    html_markup(h, "<figure>");
    plot_lines(h, &plot);
    html_print(h, "<figcaption>%m</figcaption></figure>\n", caption);
}

static void roc_chart(Html *h, const char *category, const Curves *curves, size_t count)
{
    static const double corner[2] = {0, 1};
    PlotSeries series[SERIES + 1] = {{"guessing", PLOT_REFERENCE, corner, corner, NULL, 2, 1}};

    for (size_t i = 0; i < count; i++) {
        const PlotSeries s = {curves[i].roc_label, (int)i, curves[i].fpr, curves[i].tpr, NULL, curves[i].count, 1};
        series[i + 1] = s;
    }
    curves_chart(h, "ROC", category, "share of normal pictures flagged", "share of defective pictures found", series,
                 count + 1, "ROC curves of the pictures' scores; numbers are image AUROC.");
}

static void precision_chart(Html *h, const char *category, const Curves *curves, size_t count, double share)
{
    static const double ends[2] = {0, 1};
    const double level[2] = {share, share};
    PlotSeries series[SERIES + 1] = {{"guessing", PLOT_REFERENCE, ends, level, NULL, 2, 1}};

    for (size_t i = 0; i < count; i++) {
        const PlotSeries s = {curves[i].pr_label, (int)i, curves[i].tpr, curves[i].precision, NULL, curves[i].count, 1};
        series[i + 1] = s;
    }
    curves_chart(h, "Precision-recall", category, "recall: share of defective pictures found",
                 "precision: share of the flagged that are defective", series, count + 1,
                 "Precision-recall curves; numbers are average precision.");
}

static void draw_curves(Html *h, const Report *r, size_t category, Curves *curves)
{
    size_t drawn = 0;
    double share = NAN;

    for (size_t m = 0; m < r->method_count && drawn < SERIES && h->error.code == LAKE_OK; m++) {
        const RecordUnit *unit = unit_of(r, category, r->ranked[m]);
        Scores scores;
        if (unit == NULL)
            continue;
        if (open_scores(&scores, unit, r->ranked[m]))
            curves_of(&curves[drawn], unit, r->ranked[m], &scores, &h->error);
        else
            error_memory(&h->error, "scores");
        if (scores.good > 0 && scores.bad > 0) {
            share = (double)scores.bad / (double)scores.count;
            drawn++;
        }
        close_scores(&scores);
    }
    if (drawn == 0 || h->error.code != LAKE_OK)
        return;
    roc_chart(h, report_category(r, category), curves, drawn);
    precision_chart(h, report_category(r, category), curves, drawn, share);
}

/* ---- the histogram ---- */

static void draw_histogram(Html *h, const char *category, const Scores *s, double *sorted, double threshold)
{
    PlotGroup groups[2] = {{"normal", PLOT_BLUE, sorted, 0}, {"defective", PLOT_ORANGE, sorted + s->good, 0}};
    PlotStrip plot = {0};
    char title[TEXT_ROOM], label[LABEL_ROOM];

    for (size_t i = 0; i < s->count; i++) {
        PlotGroup *group = &groups[s->labels[i] != 0];
        sorted[(s->labels[i] != 0 ? s->good : 0) + group->count++] = s->scores[i];
    }
    snprintf(title, sizeof title, "LAKE's scores of the test pictures of %.100s", category);
    snprintf(label, sizeof label, "threshold %.3f", threshold);
    plot.title = title;
    plot.x.label = "LAKE's score";
    plot.groups = groups;
    plot.group_count = 2;
    plot.threshold = threshold;
    plot.threshold_label = label;
    html_markup(h, "<figure>");
    plot_histogram(h, &plot);
    html_markup(h, "<figcaption>Test pictures by score. What is right of the threshold is called "
                   "anomalous.</figcaption></figure>\n");
}

static void histogram(Html *h, const Report *r, size_t category)
{
    const RecordRow *row = report_row(r->shown[category], "lake");
    double *sorted = malloc((r->shown[category]->image_count + 1) * sizeof *sorted);
    Scores scores;

    if (!open_scores(&scores, r->shown[category], "lake") || sorted == NULL)
        error_memory(&h->error, "scores");
    else if (scores.count > 0)
        draw_histogram(h, report_category(r, category), &scores, sorted, row != NULL ? row->threshold : NAN);
    close_scores(&scores);
    free(sorted);
}

void report_curves(Html *h, const Report *r, size_t category)
{
    Curves *curves = calloc(SERIES, sizeof *curves);

    html_markup(h, "<div class=\"columns\">\n");
    if (curves != NULL)
        draw_curves(h, r, category, curves);
    else
        error_memory(&h->error, "curves");
    histogram(h, r, category);
    html_markup(h, "</div>\n");
    free(curves);
}
