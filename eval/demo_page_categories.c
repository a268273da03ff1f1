/* The demo's page: what the detector says of single pictures, category by category. */
#include <math.h>
#include <stdio.h>

#include "base/file.h"
#include "eval/demo_page_internal.h"
#include "eval/plot.h"

enum { TEXT_ROOM = 200 };

static int is_right(const DemoExample *x)
{
    return x->anomalous == x->flagged;
}

/* ---- an example ---- */

/* A picture of the strip; all of a strip get the same height, as their widths share the room by their own ratio. */
static void strip_image(Html *h, const Image *image, const char *what, const DemoExample *x)
{
    char alt[TEXT_ROOM], style[TEXT_ROOM];

    if (image->rgb == NULL)
        return;
    snprintf(alt, sizeof alt, "%s of %.120s", what, x->path);
    snprintf(style, sizeof style, "flex:%d 1 0", image->width);
    html_image(h, image, alt, style);
}

static void example_neurons(Html *h, const DemoExample *x, size_t grid)
{
    double largest = x->share_count > 0 ? x->shares[0].share : 0;

    if (!(largest > 0)) {
        html_markup(h, "<p class=\"small quiet\">No patch deviates from what was remembered.</p>\n");
        return;
    }
    html_print(h, "<p class=\"small quiet\">Worst patch: row %z, column %z of %z&#160;&#215;&#160;%z. Neurons behind "
                  "it:</p>\n"
                  "<ul class=\"neurons\">\n", x->row + 1, x->column + 1, grid, grid);
    for (size_t i = 0; i < x->share_count; i++) {
        html_print(h, "<li><span>block %d, neuron %z</span> ", x->shares[i].block, (size_t)x->shares[i].channel);
        plot_bar(h, x->shares[i].share / largest);
        html_print(h, " <span class=\"end\">%1&#160;%</span></li>\n", 100 * x->shares[i].share);
    }
    html_markup(h, "</ul>\n");
}

static void example_scores(Html *h, const DemoExample *x, double threshold, int has_text)
{
    html_print(h, "<p class=\"small\">Score <b>%3</b>, threshold %3.", x->score, threshold);
    if (x->anomalous)
        html_print(h, " Higher than %0&#160;% of the normal pictures.", 100 * x->rank);
    html_markup(h, "</p>\n");
    if (has_text)
        html_print(h, "<p class=\"small quiet\">From the photos %3, from the texts %3.</p>\n", x->structural, x->semantic);
}

static void example(Html *h, const DemoExample *x, const DemoResults *r, double threshold)
{
    html_markup(h, "<figure class=\"card example\">\n<div class=\"strip\">");
    strip_image(h, &x->photo, "Photo", x);
    strip_image(h, &x->heatmap, "Heatmap", x);
    strip_image(h, &x->overlay, "Heatmap over the photo", x);
    html_markup(h, "</div>\n");
    html_print(h, "<h4>%s <span class=\"file\">%s</span> <span class=\"badge %m\">%m called %m</span></h4>\n", x->kind,
               path_base(x->path), is_right(x) ? "yes" : "no", is_right(x) ? "&#10003; rightly" : "&#10007; wrongly",
               x->flagged ? "anomalous" : "normal");
    example_scores(h, x, threshold, r->has_text);
    example_neurons(h, x, r->grid);
    html_markup(h, "</figure>\n");
}

/* ---- charts ---- */

static void score_chart(Html *h, const DemoCategory *c, size_t normal)
{
    char title[TEXT_ROOM], threshold[TEXT_ROOM];
    const PlotGroup groups[] = {
        {"good, fitted on (each judged by the others)", PLOT_GREEN, c->normal_scores, DEMO_SHOTS},
        {"normal test pictures", PLOT_BLUE, c->scores, normal},
        {"defective test pictures", PLOT_ORANGE, c->scores + normal, c->test_count - normal},
    };
    PlotStrip plot = {0};

    snprintf(title, sizeof title, "Scores of the pictures of %.60s, with the threshold at %.3f", c->name, c->threshold);
    snprintf(threshold, sizeof threshold, "threshold %.3f", c->threshold);
    plot.title = title;
    plot.x.label = "score";
    plot.groups = groups;
    plot.group_count = sizeof groups / sizeof *groups;
    plot.threshold = c->threshold;
    plot.threshold_label = threshold;
    html_markup(h, "<figure>");
    plot_strip(h, &plot);
    html_markup(h, "<figcaption>A picture is called anomalous where its score is right of the "
                   "line.</figcaption></figure>\n");
}

static void roc_chart(Html *h, const DemoCategory *c)
{
    static const double corner[2] = {0, 1};
    double fpr[DEMO_ROC_POINTS], tpr[DEMO_ROC_POINTS];
    const PlotSeries series[] = {{"guessing", PLOT_REFERENCE, corner, corner, NULL, 2, 1},
                                 {"detector", PLOT_BLUE, fpr, tpr, NULL, c->roc_count, 1}};
    char title[TEXT_ROOM];
    PlotLines plot = {0};

    for (size_t i = 0; i < c->roc_count; i++) {
        fpr[i] = c->roc[i].fpr;
        tpr[i] = c->roc[i].tpr;
    }
    snprintf(title, sizeof title, "ROC curve of %.60s", c->name);
    plot.title = title;
    plot.x.label = "share of normal pictures flagged";
    plot.y.label = "share of defective pictures found";
    plot.x.hi = plot.y.hi = 1;
    plot.series = series;
    plot.series_count = 2;
    html_markup(h, "<figure>");
    plot_lines(h, &plot);
    html_markup(h, "<figcaption>Every threshold is a point of the curve; the area below it is the image AUROC of this "
                   "draw.</figcaption></figure>\n");
}

/* ---- a category ---- */

static size_t count_right(const DemoCategory *c)
{
    size_t right = 0;

    for (size_t i = 0; i < c->test_count; i++)
        right += (c->scores[i] > c->threshold) == (c->labels[i] != 0);
    return right;
}

static void category(Html *h, const DemoResults *r, size_t index)
{
    const DemoCategory *c = &r->categories[index];
    size_t normal = 0;

    while (normal < c->test_count && !c->labels[normal])
        normal++;
    html_print(h, "<section id=\"category-%z\">\n<h3>%s</h3>\n", index + 1, c->name);
    html_print(h, "<p>Fitted on %d of %z good pictures; %z of %z test pictures come out right at the threshold.",
               DEMO_SHOTS, c->train, count_right(c), c->test_count);
    if (r->has_text)
        html_print(h, " The texts call it &#8220;%s&#8221;.", c->class_name);
    html_markup(h, "</p>\n");
    html_markup(h, "<div class=\"columns tight\">\n");
    for (size_t i = 0; i < c->example_count; i++)
        example(h, &c->examples[i], r, c->threshold);
    html_markup(h, "<div class=\"stack\">\n");
    score_chart(h, c, normal);
    roc_chart(h, c);
    html_markup(h, "</div>\n</div>\n</section>\n");
}

void demo_page_categories(Html *h, const DemoResults *r)
{
    html_markup(h, "<section id=\"categories\">\n<h2>2. Picture by picture</h2>\n<p>Each card shows the photo, the map of "
                   "deviation (dark: as remembered, light: unlike anything remembered; colours span half to one and a half "
                   "times the threshold) and the map over the photo: inside the white line it is above the threshold, the "
                   "green line is the true outline of the defect. Shown are the first normal picture and the first of each "
                   "kind of defect, not the ones that came out best.</p>\n"
                   "<p>The bars, each as a part of the longest, name the neurons that made the worst patch deviate; the "
                   "percentages are exact shares of its squared distance to the nearest remembered patch.</p>\n");
    for (size_t i = 0; i < r->category_count; i++)
        category(h, r, i);
    html_markup(h, "</section>\n");
}
