/* What the report comes to, in sentences that follow from its figures. */
#include <math.h>
#include <string.h>

#include "eval/report_internal.h"

/* The method of the highest mean with so many shots, another than `but` (which may be NULL); NULL where there is
 * none. */
static const char *best_method(const Report *r, const char *shots, int measure, const char *but)
{
    const char *best = NULL;
    double highest = 0;

    for (size_t m = 0; m < r->method_count; m++) {
        double mean = report_mean(r, shots, r->methods[m], measure).mean;
        if (isnan(mean) || (but != NULL && strcmp(r->methods[m], but) == 0) || (best != NULL && mean <= highest))
            continue;
        best = r->methods[m];
        highest = mean;
    }
    return best;
}

/* Whether the difference of two methods is more than chance may make: two standard errors of the difference itself,
 * which is small where both find the same categories hard. */
static void say_difference(Html *h, const Report *r, const char *shots, const char *a, const char *b, int measure)
{
    RecordFigure d = report_difference(r, shots, a, b, measure);

    if (d.categories == 0)
        return;
    html_print(h, " It leads %s by ", b);
    report_figure(h, d);
    if (isnan(d.error))
        html_markup(h, ", of one category, which decides nothing.");
    else
        html_print(h, ", category by category: %m.",
                   d.mean > 2 * d.error ? "more than two standard errors, so hardly chance"
                                        : "within two standard errors, so it may be chance");
}

static void say_best(Html *h, const Report *r, const char *shots, int measure)
{
    const char *best = best_method(r, shots, measure, NULL), *other;
    RecordFigure figure;

    if (best == NULL)
        return;
    figure = report_mean(r, shots, best, measure);
    html_print(h, "<li>By %s, <b>%s</b> comes out first", report_measure(measure), best);
    for (size_t m = 0; m < r->method_count; m++)
        if (r->methods[m] != best && report_mean(r, shots, r->methods[m], measure).mean == figure.mean)
            html_print(h, ", with <b>%s</b>", r->methods[m]);
    html_markup(h, ": ");
    report_figure(h, figure);
    html_print(h, " over %z %m.", figure.categories, figure.categories == 1 ? "category" : "categories");
    other = strcmp(best, "lake") == 0 ? best_method(r, shots, measure, best) : "lake";
    if (other != NULL)
        say_difference(h, r, shots, best, other, measure);
    html_markup(h, "</li>\n");
}

static void say_worst(Html *h, const Report *r, const char *shots)
{
    double lowest = HUGE_VAL;
    size_t worst = 0;

    for (size_t c = 0; c < r->category_count; c++) {
        double value = record_category_mean(r->record, r->categories[c], shots, "lake", RECORD_IMAGE_AUROC);
        if (value < lowest) {
            lowest = value;
            worst = c;
        }
    }
    if (r->category_count > 1 && isfinite(lowest))
        html_print(h, "<li>LAKE does worst on <a href=\"#category-%z\">%s</a>, image AUROC %3.</li>\n", worst + 1,
                   report_category(r, worst), lowest);
}

static void say_decisions(Html *h, const Report *r, const char *shots)
{
    ReportDecisions d = report_decided(r, NULL, shots, "lake");
    double alarms = report_percent(d.false_alarms, d.good), misses = report_percent(d.misses, d.bad);

    if (d.good + d.bad == 0)
        return;
    html_print(h, "<li>At the threshold that LAKE set itself, from the normal pictures alone, %1&#160;% of the normal "
                  "test pictures raise a false alarm and %1&#160;% of the defective ones are missed.", alarms, misses);
    if (alarms > 10 || misses > 10)
        html_markup(h, " For most uses that is too many: look at the scores and set <code>--threshold</code>.");
    html_markup(h, "</li>\n");
}

static void say_texts(Html *h, const Report *r)
{
    RecordFigure figure = report_mean(r, "0", "zero", RECORD_IMAGE_AUROC);

    if (figure.categories == 0)
        return;
    html_markup(h, "<li>The texts alone, without any normal picture, reach image AUROC ");
    report_figure(h, figure);
    html_print(h, "%m.</li>\n",
               figure.mean - 2 * figure.error <= 0.5 ? ", which is not clearly better than guessing" : "");
}

/* What the paper reports (arXiv 2604.07802), in percent. */
static void say_paper(Html *h, const char *dataset)
{
    static const char *const figures[][2] = {
        {"mvtec", "On MVTec-AD the paper reports image AUROC 94.7, pixel AUROC 93.7 and PRO 88.9 (in percent) for "
                  "LAKE, and image AUROC 81.6 and PRO 45.8 with 100 random channels in place of the top 100."},
        {"visa", "On VisA the paper reports image AUROC 89.4 (in percent) for LAKE."},
        {"btad", "On BTAD the paper reports image AUROC 96.2 and pixel AUROC 96.2 (in percent) for LAKE."},
        {"bmad", "On Brain-AD, which is BMAD's Brain, the paper reports pixel AUROC 97.2 (in percent) for LAKE."},
    };

    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        if (strncmp(dataset, figures[i][0], strlen(figures[i][0])) == 0)
            html_print(h, "<li>%s It does not say with what backbone, resolution, blocks and number of normal "
                          "pictures, so the two need not be comparable.</li>\n", figures[i][1]);
}

/* The unit that is shown first has the most shots; a category may have been measured with fewer alone. */
static const char *shots_with_lake(const Report *r)
{
    for (size_t s = r->shots_count; s > 0; s--)
        if (report_has(r, r->shots[s - 1], "lake"))
            return r->shots[s - 1];
    return r->shots[r->shots_count - 1];
}

void report_verdict(Html *h, const Report *r)
{
    const char *shots = shots_with_lake(r);

    html_markup(h, "<section id=\"verdict\">\n<h2>What it comes to</h2>\n<p>With ");
    report_shots(h, shots);
    html_markup(h, ":</p>\n<ul>\n");
    say_best(h, r, shots, RECORD_IMAGE_AUROC);
    say_best(h, r, shots, RECORD_PRO);
    say_worst(h, r, shots);
    say_decisions(h, r, shots);
    say_texts(h, r);
    say_paper(h, record_setting(r->record, "dataset"));
    html_markup(h, "</ul>\n</section>\n");
}
