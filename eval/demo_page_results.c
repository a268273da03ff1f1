/* The demo's page: how well it works, category by category. */
#include <math.h>

#include "eval/demo_page_internal.h"

enum { MEASURES = 4 };

static const char *const measure_names[MEASURES] = {"Image AUROC", "Image AP", "Pixel AUROC", "PRO"};

static double measure(const DemoMeasures *m, size_t which)
{
    const double values[MEASURES] = {m->image_auroc, m->image_ap, m->pixel_auroc, m->pro};

    return values[which];
}

static void table_head(Html *h)
{
    html_print(h, "<p class=\"small quiet\">few: %d good pictures, mean of %d draws, of which false alarms and misses are "
                  "the sum. "
                  "zero: the texts alone.</p>\n<div class=\"scroll\"><table>\n<caption>Results by category</caption>\n"
                  "<thead><tr><th scope=\"col\" rowspan=\"2\">Category</th>",
               DEMO_SHOTS, DEMO_DRAWS);
    for (size_t i = 0; i < MEASURES; i++)
        html_print(h, "<th scope=\"colgroup\" colspan=\"2\" class=\"group\">%s</th>", measure_names[i]);
    html_markup(h, "<th scope=\"col\" rowspan=\"2\">False alarms</th><th scope=\"col\" "
                   "rowspan=\"2\">Misses</th></tr>\n<tr>");
    for (size_t i = 0; i < MEASURES; i++)
        html_markup(h, "<th scope=\"col\">few</th><th scope=\"col\" class=\"second\">zero</th>");
    html_markup(h, "</tr></thead>\n");
}

static void measure_cells(Html *h, const DemoMeasures *few, const DemoMeasures *zero)
{
    for (size_t i = 0; i < MEASURES; i++)
        html_print(h, "<td>%3</td><td class=\"second\">%3</td>", measure(few, i), measure(zero, i));
}

static void table_body(Html *h, const DemoResults *r)
{
    html_markup(h, "<tbody>\n");
    for (size_t i = 0; i < r->category_count; i++) {
        const DemoCategory *c = &r->categories[i];
        html_print(h, "<tr><th scope=\"row\"><a href=\"#category-%z\">%s</a></th>", i + 1, c->name);
        measure_cells(h, &c->lake, &c->zero);
        html_print(h, "<td>%z of %z</td><td>%z of %z</td>", c->lake_false_alarms, c->lake_normal, c->lake_misses,
                   c->lake_anomalous);
        html_row_end(h);
    }
    html_markup(h, "</tbody>\n");
}

/* Decisions of all categories and draws together. */
typedef struct {
    size_t false_alarms, normal, misses, anomalous;
} Decisions;

static Decisions sum_decisions(const DemoResults *r)
{
    Decisions sum = {0, 0, 0, 0};

    for (size_t i = 0; i < r->category_count; i++) {
        sum.false_alarms += r->categories[i].lake_false_alarms;
        sum.normal += r->categories[i].lake_normal;
        sum.misses += r->categories[i].lake_misses;
        sum.anomalous += r->categories[i].lake_anomalous;
    }
    return sum;
}

static void table_foot(Html *h, const DemoResults *r, const Decisions *sum)
{
    html_markup(h, "<tfoot>\n<tr><th scope=\"row\">Mean</th>");
    measure_cells(h, &r->lake, &r->zero);
    html_print(h, "<td>%z of %z</td><td>%z of %z</td></tr>\n", sum->false_alarms, sum->normal, sum->misses, sum->anomalous);
    html_markup(h, "<tr class=\"light\"><th scope=\"row\">&#177; standard error</th>");
    measure_cells(h, &r->lake_error, &r->zero_error);
    html_markup(h, "<td></td><td></td></tr>\n</tfoot>\n</table></div>\n");
}

static double percent(size_t part, size_t whole)
{
    return whole > 0 ? 100 * (double)part / (double)whole : NAN;
}

static void say_ranking(Html *h, const DemoResults *r)
{
    const DemoCategory *worst = &r->categories[0];

    for (size_t i = 1; i < r->category_count; i++)
        if (r->categories[i].lake.image_auroc < worst->lake.image_auroc)
            worst = &r->categories[i];
    html_print(h, "<p>With %d good pictures of a product, the detector ranks a random defective picture above a random "
                  "normal one "
                  "in %1&#160;% of all pairs (guessing: 50). It does worst on %s, with %1&#160;%.",
               DEMO_SHOTS, 100 * r->lake.image_auroc, worst->name, 100 * worst->lake.image_auroc);
    if (!r->has_text)
        html_markup(h, " The model has no text tower, so there is no zero-shot column.</p>\n");
    else if (!(r->zero.image_auroc - 2 * r->zero_error.image_auroc > 0.5))
        html_print(h, " The texts alone reach %1&#160;%, which is not clearly better than guessing.</p>\n",
                   100 * r->zero.image_auroc);
    else
        html_print(h, " The texts alone, without a single picture of the product, reach %1&#160;%.</p>\n",
                   100 * r->zero.image_auroc);
}

static void say_decisions(Html *h, const Decisions *sum)
{
    double alarms = percent(sum->false_alarms, sum->normal), misses = percent(sum->misses, sum->anomalous);

    html_print(h, "<p>A ranking is not a decision. At the threshold that the detector set itself, from those %d pictures, "
                  "%1&#160;% of the normal pictures raise a false alarm and %1&#160;% of the defective ones are missed.",
               DEMO_SHOTS, alarms, misses);
    if (alarms > 10 || misses > 10)
        html_markup(h, " For most uses that is too many: look at the scores of your own parts and set "
                       "<code>--threshold</code>.");
    html_markup(h, "</p>\n");
}

void demo_page_results(Html *h, const DemoResults *r)
{
    Decisions sum = sum_decisions(r);

    html_markup(h, "<section id=\"results\">\n<h2>1. How well it works here</h2>\n");
    say_ranking(h, r);
    say_decisions(h, &sum);
    table_head(h);
    table_body(h, r);
    table_foot(h, r, &sum);
    html_markup(h, "</section>\n");
}
