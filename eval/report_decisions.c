/* What the automatic threshold does, in the report. */
#include <math.h>

#include "eval/report_internal.h"

static void decision_cells(Html *h, const ReportDecisions *d)
{
    html_print(h, "<td>%z of %z</td><td class=\"second\">%1</td><td>%z of %z</td><td class=\"second\">%1</td>",
               d->false_alarms, d->good, report_percent(d->false_alarms, d->good), d->misses, d->bad,
               report_percent(d->misses, d->bad));
}

static void by_category(Html *h, const Report *r, const char *shots)
{
    static const char *const columns[] = {"Category", "False alarms", "%", "Misses", "%"};
    ReportDecisions all = report_decided(r, NULL, shots, "lake");

    html_table_begin(h, "LAKE's decisions at its automatic threshold, draws added up", columns, 5);
    for (size_t c = 0; c < r->category_count; c++) {
        ReportDecisions d = report_decided(r, r->categories[c], shots, "lake");
        if (d.good + d.bad == 0)
            continue;
        html_print(h, "<tr><th scope=\"row\"><a href=\"#category-%z\">%s</a></th>", c + 1, report_category(r, c));
        decision_cells(h, &d);
        html_row_end(h);
    }
    html_markup(h, "</tbody>\n<tfoot><tr><th scope=\"row\">All</th>");
    decision_cells(h, &all);
    html_markup(h, "</tr></tfoot>\n</table></div>\n");
}

static void by_method(Html *h, const Report *r, const char *shots)
{
    static const char *const columns[] = {"Method", "False alarms", "%", "Misses", "%"};

    html_table_begin(h, "Every method's decisions at its own threshold, categories and draws added up", columns, 5);
    for (size_t m = 0; m < r->method_count; m++) {
        ReportDecisions d = report_decided(r, NULL, shots, r->methods[m]);
        if (d.good + d.bad == 0)
            continue;
        html_row_begin(h, r->methods[m]);
        decision_cells(h, &d);
        html_row_end(h);
    }
    html_table_end(h);
}

void report_decisions(Html *h, const Report *r)
{
    html_markup(h, "<section id=\"decisions\">\n<h2>Decisions</h2>\n<p>A ranking is not a decision. The threshold "
                   "comes from the normal pictures that were drawn, each judged by the others; no defective picture "
                   "had a say.</p>\n");
    for (size_t s = 0; s < r->shots_count; s++) {
        html_markup(h, "<h3>With ");
        report_shots(h, r->shots[s]);
        html_markup(h, "</h3>\n<div class=\"columns\">\n");
        if (report_has(r, r->shots[s], "lake"))
            by_category(h, r, r->shots[s]);
        by_method(h, r, r->shots[s]);
        html_markup(h, "</div>\n");
    }
    html_markup(h, "</section>\n");
}
