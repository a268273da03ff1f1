/* What the demo's measurements say: means over categories, overlaps of the chosen neurons, and a verdict on each claim.
 *
 * A verdict compares two figures a and b category by category: the mean of the differences against its standard error
 * (sample deviation / sqrt(categories)). Two standard errors are asked for: with six categories, means that are truly
 * equal pass that, one way or the other, in one of ten cases (Student's t, 5 degrees of freedom). A claim that is right
 * may come out undecided on a small data set; it is then said so. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "eval/demo_internal.h"

#define ERRORS_ASKED 2.0
#define MARGIN 0.02 /* of image AUROC: what "at least as good" and "little harm" allow */

static const char rule_better[] = "yes: a - b is above 2 standard errors; no: below -2; else undecided";
static const char rule_as_good[] =
    "yes: a - b is above -0.02 by 2 standard errors; no: below -0.02 by as much; else undecided";

const char *demo_answer_name(DemoAnswer answer)
{
    return answer == DEMO_YES ? "yes" : answer == DEMO_NO ? "no" : "undecided";
}

/* ---- means ---- */

static DemoFigure figure_of(const double *values, size_t count)
{
    DemoFigure figure = {0, NAN};
    double squares = 0;

    for (size_t i = 0; i < count; i++)
        figure.mean += values[i] / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - figure.mean) * (values[i] - figure.mean);
    if (count > 1)
        figure.error = sqrt(squares / (double)(count - 1) / (double)count);
    return figure;
}

/* The mean over categories of the number at the same place in each; place: of one in categories[0]. */
static DemoFigure mean_at(const DemoResults *r, const double *place, double *scratch)
{
    size_t offset = (size_t)((const char *)place - (const char *)r->categories);

    for (size_t c = 0; c < r->category_count; c++)
        memcpy(&scratch[c], (const char *)&r->categories[c] + offset, sizeof *scratch);
    return figure_of(scratch, r->category_count);
}

static void mean_measures(const DemoResults *r, const DemoMeasures *place, DemoMeasures *mean, DemoMeasures *error,
                          double *scratch)
{
    const double *from[] = {&place->image_auroc, &place->image_ap,    &place->image_f1max, &place->pixel_auroc,
                            &place->pixel_ap,    &place->pixel_f1max, &place->pro};
    double *means[] = {&mean->image_auroc, &mean->image_ap,    &mean->image_f1max, &mean->pixel_auroc,
                       &mean->pixel_ap,    &mean->pixel_f1max, &mean->pro};
    double *errors[] = {&error->image_auroc, &error->image_ap,    &error->image_f1max, &error->pixel_auroc,
                        &error->pixel_ap,    &error->pixel_f1max, &error->pro};

    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        DemoFigure figure = mean_at(r, from[i], scratch);
        *means[i] = figure.mean;
        *errors[i] = figure.error;
    }
}

static void take_means(DemoResults *r, double *scratch)
{
    const DemoCategory *first = &r->categories[0];

    mean_measures(r, &first->lake, &r->lake, &r->lake_error, scratch);
    mean_measures(r, &first->zero, &r->zero, &r->zero_error, scratch);
    r->all = mean_at(r, &first->all, scratch);
    for (size_t s = 0; s < 3; s++)
        for (size_t i = 0; i < DEMO_COUNTS; i++)
            r->by_count[s][i] = mean_at(r, &first->by_count[s][i], scratch);
    for (size_t i = 0; i < DEMO_WEIGHTS; i++)
        r->by_weight[i] = mean_at(r, &first->by_weight[i], scratch);
    for (size_t i = 0; i < DEMO_POOLINGS; i++)
        r->by_pooling[i] = mean_at(r, &first->by_pooling[i], scratch);
    for (size_t trim = 0; trim < 2; trim++)
        for (size_t k = 0; k < DEMO_DIRT; k++)
            r->by_dirt[trim][k] = mean_at(r, &first->by_dirt[trim][k], scratch);
}

/* ---- overlaps ---- */

static size_t count_common(const DemoLayer *a, const DemoLayer *b)
{
    size_t common = 0;

    for (size_t i = 0; i < a->count; i++)
        for (size_t j = 0; j < b->count; j++)
            common += a->channels[i] == b->channels[j];
    return common;
}

/* All categories have the same layers, widths and counts: they come from one model and one set of options. */
static int compare_layer(DemoResults *r, size_t l, Error *e)
{
    DemoOverlap *o = &r->overlaps[l];
    const DemoLayer *first = &r->categories[0].layers[l];
    size_t n = r->category_count, pairs = 0;

    o->block = first->block;
    o->expected = (double)first->count * (double)first->count / (double)first->width;
    o->common = calloc(n, n * sizeof *o->common);
    o->jaccard = calloc(n, n * sizeof *o->jaccard);
    if (o->common == NULL || o->jaccard == NULL)
        return error_memory(e, "the overlaps");
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++) {
            size_t common = count_common(&r->categories[a].layers[l], &r->categories[b].layers[l]);
            o->common[a * n + b] = common;
            o->jaccard[a * n + b] = (double)common / (double)(2 * first->count - common);
            if (a < b) {
                o->mean_common += (double)common;
                o->mean_jaccard += o->jaccard[a * n + b];
                pairs++;
            }
        }
    o->mean_common = pairs > 0 ? o->mean_common / (double)pairs : NAN;
    o->mean_jaccard = pairs > 0 ? o->mean_jaccard / (double)pairs : NAN;
    return LAKE_OK;
}

/* Channels that a category shares with another one, mean over the others and over layers; and what chance gives. */
static double shared_by(const DemoResults *r, size_t category, double *expected)
{
    size_t n = r->category_count;
    double shared = 0;

    *expected = 0;
    for (size_t l = 0; l < r->overlap_count; l++) {
        const DemoOverlap *o = &r->overlaps[l];
        *expected += o->expected / (double)r->overlap_count;
        for (size_t other = 0; other < n; other++)
            if (other != category)
                shared += (double)o->common[category * n + other] / (double)(n - 1) / (double)r->overlap_count;
    }
    return n > 1 ? shared : NAN;
}

/* ---- verdicts ---- */

/* The two figures of a claim in every category. */
typedef struct {
    double *a, *b, *difference; /* [categories] */
} Columns;

/* Puts a claim to the test. margin 0: a better than b; else a at most that much worse. */
static void judge(DemoResults *r, const char *claim, const char *measured, const Columns *column, double margin)
{
    DemoVerdict *v = &r->verdicts[r->verdict_count++];
    size_t n = r->category_count;
    double allowance;

    v->claim = claim;
    snprintf(v->measured, sizeof v->measured, "%s", measured);
    v->rule = margin > 0 ? rule_as_good : rule_better;
    v->a = figure_of(column->a, n).mean;
    v->b = figure_of(column->b, n).mean;
    for (size_t c = 0; c < n; c++)
        column->difference[c] = column->a[c] - column->b[c];
    v->difference = figure_of(column->difference, n);
    allowance = ERRORS_ASKED * v->difference.error;
    v->answer = v->difference.mean + margin > allowance    ? DEMO_YES
                : v->difference.mean + margin < -allowance ? DEMO_NO
                                                           : DEMO_UNDECIDED; /* also where a number is missing */
}

/* The text weight outside 0.2 .. 0.4 that does best over all categories. */
static size_t best_other_weight(const DemoResults *r)
{
    size_t best = 0;

    for (size_t i = 1; i < DEMO_WEIGHTS; i++)
        if ((i < 2 || i > 4) && r->by_weight[i].mean > r->by_weight[best].mean)
            best = i;
    return best;
}

static void judge_neurons(DemoResults *r, const Columns *column)
{
    char text[200];

    for (size_t c = 0; c < r->category_count; c++) {
        column->a[c] = r->categories[c].by_count[DEMO_TOP][1];
        column->b[c] = r->categories[c].by_count[DEMO_RANDOM][1];
    }
    snprintf(text, sizeof text,
             "image AUROC without texts: a top %d of %d neurons, b %d random ones (mean of %d seeds)", (int)r->sparse,
             (int)r->width, (int)r->sparse, DEMO_RANDOM_SEEDS);
    judge(r, "The neurons of most variance detect better than random ones.", text, column, 0);
    for (size_t c = 0; c < r->category_count; c++)
        column->b[c] = r->categories[c].all;
    snprintf(text, sizeof text, "image AUROC without texts: a with the top %d neurons, b with all %d", (int)r->sparse,
             (int)r->width);
    judge(r, "Few neurons of most variance detect at least as well as all.", text, column, MARGIN);
    for (size_t c = 0; c < r->category_count; c++)
        column->a[c] = shared_by(r, c, &column->b[c]);
    snprintf(text, sizeof text, "neurons in common of the top %d of two categories: a found, b by chance",
             (int)r->sparse);
    judge(r, "Different categories choose the same neurons beyond chance.", text, column, 0);
}

static void judge_texts(DemoResults *r, const Columns *column)
{
    size_t other = best_other_weight(r);
    char text[200];

    for (size_t c = 0; c < r->category_count; c++) {
        column->a[c] = r->categories[c].by_weight[3];
        column->b[c] = r->categories[c].by_weight[other];
    }
    snprintf(text, sizeof text, "image AUROC: a at text weight 0.3, b at %.1f, the best outside 0.2 to 0.4",
             r->text_weights[other]);
    judge(r, "A text weight near 0.3 is best.", text, column, 0);
    for (size_t c = 0; c < r->category_count; c++)
        column->b[c] = r->categories[c].by_weight[5];
    judge(r, "From a text weight of 0.5 on the texts hurt.", "image AUROC: a at text weight 0.3, b at 0.5", column, 0);
    for (size_t c = 0; c < r->category_count; c++) {
        column->a[c] = r->categories[c].zero.image_auroc;
        column->b[c] = 0.5;
    }
    judge(r, "The texts alone, without a normal picture, tell defects from normal parts.",
          "image AUROC: a zero-shot, b by guessing", column, 0);
}

static void judge_the_rest(DemoResults *r, const Columns *column)
{
    char text[200];

    for (size_t c = 0; c < r->category_count; c++) {
        column->a[c] = r->categories[c].by_pooling[LAKE_POOL_MAX];
        column->b[c] = r->categories[c].by_pooling[LAKE_POOL_MEAN];
    }
    judge(r, "The maximum over patches separates better than the mean.", "image AUROC: a by the maximum, b by the mean",
          column, 0);
    for (size_t c = 0; c < r->category_count; c++) {
        column->a[c] = r->categories[c].by_dirt[0][DEMO_DIRT - 1];
        column->b[c] = r->categories[c].by_dirt[0][0];
    }
    snprintf(text, sizeof text, "image AUROC: a with %d defective among %d normal pictures, b with none", DEMO_DIRT - 1,
             DEMO_CLEAN_SHOTS);
    judge(r, "A few defective pictures among the normal ones do little harm.", text, column, MARGIN);
}

int demo_conclude(DemoResults *r, Error *e)
{
    double *numbers = calloc(r->category_count, 3 * sizeof *numbers);
    const Columns column = {numbers, numbers + r->category_count, numbers + 2 * r->category_count};
    int code = LAKE_OK;

    if (numbers == NULL)
        return error_memory(e, "the verdicts");
    take_means(r, numbers);
    for (size_t l = 0; l < r->categories[0].layer_count && code == LAKE_OK; l++) {
        r->overlap_count++;
        code = compare_layer(r, l, e);
    }
    if (code == LAKE_OK) {
        judge_neurons(r, &column);
        judge_texts(r, &column);
        judge_the_rest(r, &column);
    }
    free(numbers);
    return code;
}

void demo_free_concluded(DemoResults *r)
{
    for (size_t l = 0; l < r->overlap_count; l++) {
        free(r->overlaps[l].common);
        free(r->overlaps[l].jaccard);
    }
}
