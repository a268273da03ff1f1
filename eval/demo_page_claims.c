/* The demo's page: the paper's claims, each with what was measured, the rule that decided, and the chart that shows it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "eval/demo_page_internal.h"
#include "eval/plot.h"

enum { TEXT_ROOM = 200 };

/* ---- verdicts ---- */

static const char *badge_class(DemoAnswer answer)
{
    return answer == DEMO_YES ? "yes" : answer == DEMO_NO ? "no" : "open";
}

static void badge(Html *h, DemoAnswer answer)
{
    static const char *const marks[] = {[DEMO_NO] = "&#10007;", [DEMO_YES] = "&#10003;", [DEMO_UNDECIDED] = "?"};

    html_print(h, "<span class=\"badge %m\">%m %s</span>", badge_class(answer), marks[answer], demo_answer_name(answer));
}

static const char *meaning(DemoAnswer answer)
{
    switch (answer) {
    case DEMO_YES: return "The claim holds on these pictures, with this model.";
    case DEMO_NO: return "The claim does not hold here.";
    default: return "These pictures cannot settle it: the difference is too small for how much it varies between "
                    "categories.";
    }
}

static void verdict(Html *h, const DemoResults *r, size_t which)
{
    const DemoVerdict *v;

    if (which >= r->verdict_count)
        return;
    v = &r->verdicts[which];
    html_print(h, "<article class=\"card\">\n<h4>%s ", v->claim);
    badge(h, v->answer);
    html_print(h, "</h4>\n<p class=\"figures\">a = %3, b = %3; difference %3 &#177; %3</p>\n", v->a, v->b,
               v->difference.mean, v->difference.error);
    html_print(h, "<p class=\"small\">%s</p>\n<p class=\"small quiet\">Measured: %s.<br/>Rule: %s.</p>\n</article>\n",
               meaning(v->answer), v->measured, v->rule);
}

static void overview(Html *h, const DemoResults *r)
{
    size_t counts[3] = {0, 0, 0};

    for (size_t i = 0; i < r->verdict_count; i++)
        counts[r->verdicts[i].answer]++;
    html_print(h, "<p>Of %z claims, %z come out as yes, %z as no and %z undecided.</p>\n<ul class=\"claims\">\n",
               r->verdict_count, counts[DEMO_YES], counts[DEMO_NO], counts[DEMO_UNDECIDED]);
    for (size_t i = 0; i < r->verdict_count; i++) {
        html_markup(h, "<li>");
        badge(h, r->verdicts[i].answer);
        html_print(h, " <span>%s</span></li>\n", r->verdicts[i].claim);
    }
    html_markup(h, "</ul>\n");
}

/* ---- topics: verdicts at the left, the chart that belongs to them at the right ---- */

static void topic_begin(Html *h, const char *title)
{
    html_print(h, "<section class=\"topic\">\n<h3>%s</h3>\n<div class=\"columns\">\n<div class=\"stack\">\n", title);
}

static void topic_chart(Html *h)
{
    html_markup(h, "</div>\n<figure>\n");
}

static void topic_end(Html *h, const char *caption)
{
    html_print(h, "<figcaption>%s</figcaption>\n</figure>\n</div>\n</section>\n", caption);
}

static void split_figures(double *mean, double *error, const DemoFigure *figures, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        mean[i] = figures[i].mean;
        error[i] = figures[i].error;
    }
}

/* Image AUROC against plot->x, whose ticks, range and scale the caller has set; and its numbers. */
static void auroc_chart(Html *h, PlotLines *plot, const char *title, const char *label, const PlotSeries *series,
                        size_t series_count, int decimals)
{
    plot->title = title;
    plot->x.label = label;
    plot->y.label = "image AUROC";
    plot->series = series;
    plot->series_count = series_count;
    plot_lines(h, plot);
    plot_lines_table(h, plot, decimals);
}

static void neurons_chart(Html *h, const DemoResults *r)
{
    double x[DEMO_COUNTS], mean[3][DEMO_COUNTS], error[3][DEMO_COUNTS], all[DEMO_COUNTS];
    const PlotSeries series[] = {{"most variance", PLOT_BLUE, x, mean[DEMO_TOP], error[DEMO_TOP], DEMO_COUNTS, 0},
                                 {"random", PLOT_ORANGE, x, mean[DEMO_RANDOM], error[DEMO_RANDOM], DEMO_COUNTS, 0},
                                 {"least variance", PLOT_GREEN, x, mean[DEMO_BOTTOM], error[DEMO_BOTTOM], DEMO_COUNTS, 0},
                                 {"all neurons", PLOT_REFERENCE, x, all, NULL, DEMO_COUNTS, 1}};
    PlotLines plot = {0};

    for (size_t i = 0; i < DEMO_COUNTS; i++) {
        x[i] = (double)r->counts[i];
        all[i] = r->all.mean;
    }
    for (size_t s = 0; s < 3; s++)
        split_figures(mean[s], error[s], r->by_count[s], DEMO_COUNTS);
    plot.x.ticks = x;
    plot.x.tick_count = DEMO_COUNTS;
    plot.x.logarithmic = 1;
    auroc_chart(h, &plot, "Image AUROC against the number of neurons K, by how they are chosen", "neurons per layer, K",
                series, sizeof series / sizeof *series, 0);
}

static void neurons_topic(Html *h, const DemoResults *r)
{
    char caption[TEXT_ROOM];

    topic_begin(h, "Do few neurons know enough?");
    verdict(h, r, DEMO_ON_TOP_AGAINST_RANDOM);
    verdict(h, r, DEMO_ON_TOP_AGAINST_ALL);
    topic_chart(h);
    neurons_chart(h, r);
    snprintf(caption, sizeof caption, "Mean over %lu categories, without texts; bars: \302\261 1 standard error. "
                                      "The horizontal axis is logarithmic.",
             (unsigned long)r->category_count);
    topic_end(h, caption);
}

/* ---- shared neurons ---- */

static void overlap_table(Html *h, const DemoResults *r, const DemoOverlap *o)
{
    size_t n = r->category_count;
    double *common = calloc(n, n * sizeof *common);
    const char **names = calloc(n, sizeof *names);
    char caption[TEXT_ROOM];

    if (common == NULL || names == NULL) {
        error_memory(&h->error, "a table of the page");
    } else {
        for (size_t i = 0; i < n * n; i++)
            common[i] = (double)o->common[i];
        for (size_t i = 0; i < n; i++)
            names[i] = r->categories[i].name;
        snprintf(caption, sizeof caption,
                 "Block %d: neurons in common, of %lu. By chance %.1f; mean found %.1f (Jaccard index %.2f).", o->block,
                 (unsigned long)r->sparse, o->expected, o->mean_common, o->mean_jaccard);
        plot_matrix(h, caption, names, n, common, 0, o->expected, (double)r->sparse, 1);
    }
    free(common);
    free(names);
}

static void overlap_topic(Html *h, const DemoResults *r)
{
    topic_begin(h, "Do products share neurons?");
    verdict(h, r, DEMO_ON_SHARED_NEURONS);
    topic_chart(h);
    for (size_t i = 0; i < r->overlap_count; i++)
        overlap_table(h, r, &r->overlaps[i]);
    topic_end(h, "Cells are plain at what chance gives and darker towards full agreement.");
}

/* ---- PCA ---- */

static void audit_table(Html *h, const DemoResults *r)
{
    static const char *const columns[] = {"Category", "Block", "Captured", "PCA's optimum", "Captured / optimum",
                                          "Subspace cosine\302\262", "Chance"};

    html_markup(h, "<details><summary>The numbers of these charts</summary>\n");
    html_table_begin(h, "Variance captured by the chosen neurons, and by a PCA of as many dimensions.", columns,
                     sizeof columns / sizeof *columns);
    for (size_t i = 0; i < r->category_count; i++)
        for (size_t l = 0; l < r->categories[i].layer_count; l++) {
            const DemoLayer *layer = &r->categories[i].layers[l];
            const LakeAudit *a = &layer->audit;
            html_row_begin(h, r->categories[i].name);
            html_print(h, "<td>%d</td><td>%3</td><td>%3</td><td>%3</td><td>%3</td><td>%3</td>", layer->block, a->captured,
                       a->optimum, a->captured / a->optimum, a->cosine, a->chance);
            html_row_end(h);
        }
    html_table_end(h);
    html_markup(h, "</details>\n");
}

/* Sums over categories of layer l. */
static void audit_means(const DemoResults *r, size_t l, double *captured, double *optimum)
{
    *captured = *optimum = 0;
    for (size_t i = 0; i < r->category_count; i++) {
        *captured += r->categories[i].layers[l].audit.captured / (double)r->category_count;
        *optimum += r->categories[i].layers[l].audit.optimum / (double)r->category_count;
    }
}

static void audit_chart(Html *h, const DemoResults *r, size_t l)
{
    size_t n = r->category_count;
    double *values = calloc(n, 3 * sizeof *values);
    const char **names = calloc(n, sizeof *names);
    char title[TEXT_ROOM], label[TEXT_ROOM];

    if (values == NULL || names == NULL) {
        error_memory(&h->error, "a chart of the page");
    } else {
        const PlotMarks series[] = {{"random neurons, expected", PLOT_GREEN, values + 2 * n, NULL},
                                    {"chosen neurons", PLOT_BLUE, values, NULL},
                                    {"best possible: PCA", PLOT_ORANGE, values + n, NULL}};
        PlotDots plot = {0};
        for (size_t i = 0; i < n; i++) {
            const LakeAudit *a = &r->categories[i].layers[l].audit;
            names[i] = r->categories[i].name;
            values[i] = a->captured;
            values[n + i] = a->optimum;
            values[2 * n + i] = a->chance;
        }
        snprintf(title, sizeof title, "Share of the variance captured in block %d, by category",
                 r->categories[0].layers[l].block);
        snprintf(label, sizeof label, "share of the variance, block %d", r->categories[0].layers[l].block);
        plot.title = title;
        plot.x.label = label;
        plot.x.hi = 1;
        plot.rows = names;
        plot.row_count = n;
        plot.series = series;
        plot.series_count = sizeof series / sizeof *series;
        plot_dots(h, &plot);
    }
    free(values);
    free(names);
}

static void audit_topic(Html *h, const DemoResults *r)
{
    const DemoCategory *first = &r->categories[0];

    html_print(h, "<section class=\"topic\">\n<h3>How near does the choice come to a PCA?</h3>\n<p>The paper calls the "
                  "choice by variance "
                  "a PCA restricted to the axes. No choice of %z neurons can capture more variance than a PCA of %z "
                  "dimensions; "
                  "how much less it captures depends on how correlated the neurons are. There is no yes or no here, only "
                  "figures:</p>\n<ul>\n", r->sparse, r->sparse);
    for (size_t l = 0; l < first->layer_count; l++) {
        double captured, optimum;
        audit_means(r, l, &captured, &optimum);
        html_print(h, "<li>block %d: the chosen neurons capture %1&#160;% of the variance, a PCA %1&#160;%, random neurons "
                      "%1&#160;% on average."
                      "</li>\n", first->layers[l].block, 100 * captured, 100 * optimum,
                   100 * first->layers[l].audit.chance);
    }
    html_markup(h, "</ul>\n<div class=\"columns\">\n");
    for (size_t l = 0; l < first->layer_count; l++) {
        html_markup(h, "<figure>");
        audit_chart(h, r, l);
        html_markup(h, "</figure>\n");
    }
    html_markup(h, "</div>\n");
    audit_table(h, r);
    html_markup(h, "</section>\n");
}

/* ---- texts ---- */

static void weight_chart(Html *h, const DemoResults *r)
{
    double mean[DEMO_WEIGHTS], error[DEMO_WEIGHTS];
    const PlotSeries series = {"image AUROC", PLOT_BLUE, r->text_weights, mean, error, DEMO_WEIGHTS, 0};
    PlotLines plot = {0};

    split_figures(mean, error, r->by_weight, DEMO_WEIGHTS);
    plot.x.hi = 1;
    auroc_chart(h, &plot, "Image AUROC against the weight of the texts",
                "weight of the texts, \316\273 (0: photos alone, 1: texts alone)", &series, 1, 1);
}

static void text_topic(Html *h, const DemoResults *r)
{
    if (!r->has_text) {
        html_markup(h, "<section class=\"topic\">\n<h3>How much should texts weigh?</h3>\n<p>The model has no text tower: "
                       "what texts add could not be "
                       "measured, and the claims about them are undecided for that reason.</p>\n</section>\n");
        return;
    }
    topic_begin(h, "How much should texts weigh?");
    verdict(h, r, DEMO_ON_TEXT_WEIGHT);
    verdict(h, r, DEMO_ON_HALF_TEXT);
    verdict(h, r, DEMO_ON_ZERO_SHOT);
    topic_chart(h);
    weight_chart(h, r);
    topic_end(h, "Mean over categories, bars: \302\261 1 standard error. At weight 1 the score is that of the patches "
                 "against "
                 "the texts; zero-shot also looks at the whole picture.");
}

/* ---- pooling, contamination ---- */

static void pooling_chart(Html *h, const DemoResults *r)
{
    static const char *const names[DEMO_POOLINGS] = {[LAKE_POOL_MAX] = "maximum", [LAKE_POOL_MEAN] = "mean",
                                                     [LAKE_POOL_TOP1] = "mean of top 1 %"};
    double mean[DEMO_POOLINGS], error[DEMO_POOLINGS];
    const PlotMarks series = {"image AUROC", PLOT_BLUE, mean, error};
    PlotDots plot = {0};

    split_figures(mean, error, r->by_pooling, DEMO_POOLINGS);
    plot.title = "Image AUROC by how patch scores become an image score";
    plot.x.label = "image AUROC";
    plot.rows = names;
    plot.row_count = DEMO_POOLINGS;
    plot.series = &series;
    plot.series_count = 1;
    plot.decimals = 3;
    plot_dots(h, &plot);
}

static void pooling_topic(Html *h, const DemoResults *r)
{
    char caption[TEXT_ROOM];

    topic_begin(h, "Is a picture as bad as its worst patch?");
    verdict(h, r, DEMO_ON_MAXIMUM);
    topic_chart(h);
    pooling_chart(h, r);
    snprintf(caption, sizeof caption, "Mean over categories, bars: \302\261 1 standard error. A picture has %lu patches "
                                      "here%s.",
             (unsigned long)(r->grid * r->grid),
             r->grid * r->grid < 200 ? "; below 200 the top 1 % is the maximum itself" : "");
    topic_end(h, caption);
}

static void dirt_chart(Html *h, const DemoResults *r)
{
    double x[DEMO_DIRT], mean[2][DEMO_DIRT], error[2][DEMO_DIRT];
    char trimmed[TEXT_ROOM];
    const PlotSeries series[] = {{"as they are", PLOT_BLUE, x, mean[0], error[0], DEMO_DIRT, 0},
                                 {trimmed, PLOT_ORANGE, x, mean[1], error[1], DEMO_DIRT, 0}};
    PlotLines plot = {0};

    for (size_t i = 0; i < DEMO_DIRT; i++)
        x[i] = (double)i;
    for (size_t s = 0; s < 2; s++)
        split_figures(mean[s], error[s], r->by_dirt[s], DEMO_DIRT);
    snprintf(trimmed, sizeof trimmed, "oddest %.0f %% of patches dropped", 100 * DEMO_TRIM);
    plot.x.ticks = x;
    plot.x.tick_count = DEMO_DIRT;
    auroc_chart(h, &plot, "Image AUROC against the number of defective pictures among the normal ones",
                "defective pictures among those fitted on", series, 2, 0);
}

static void dirt_topic(Html *h, const DemoResults *r)
{
    char caption[TEXT_ROOM];

    topic_begin(h, "What does dirt among the good pictures do?");
    verdict(h, r, DEMO_ON_CONTAMINATION);
    topic_chart(h);
    dirt_chart(h, r);
    snprintf(caption, sizeof caption,
             "%d good pictures and 0 to %d defective ones. Mean over categories, bars: \302\261 1 standard error. Dropping "
             "is "
             "the option --trim %.1f.", DEMO_CLEAN_SHOTS, DEMO_DIRT - 1, DEMO_TRIM);
    topic_end(h, caption);
}

void demo_page_claims(Html *h, const DemoResults *r)
{
    html_print(h, "<section id=\"claims\">\n<h2>3. The paper&#8217;s claims, put to the test</h2>\n<p>Every claim compares "
                  "two "
                  "figures, a and b, category by category; the answer comes from the mean difference and its standard "
                  "error over "
                  "%z categories, by a rule fixed in the program. A claim can be true and come out undecided on so few "
                  "pictures, and "
                  "a small model can behave unlike a large one.%m</p>\n", r->category_count,
               r->sparse < r->neurons ? "" : " The sparse choice is the default choice here.");
    if (r->sparse < r->neurons)
        html_print(h, "<p>The paper keeps 100 of 768 neurons, an eighth. The model here has only %z, so the claims about "
                      "neurons are "
                      "tested with an eighth of these, %z, while the defaults of section 1 keep %z.</p>\n",
                   r->width, r->sparse, r->neurons);
    overview(h, r);
    neurons_topic(h, r);
    overlap_topic(h, r);
    audit_topic(h, r);
    text_topic(h, r);
    pooling_topic(h, r);
    dirt_topic(h, r);
    html_markup(h, "</section>\n");
}
