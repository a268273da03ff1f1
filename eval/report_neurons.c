/* The neurons that LAKE chose, in the report: their overlap between categories, and those of most variance. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/plot.h"
#include "eval/report_internal.h"

enum { LISTED = 8, TITLE_ROOM = 60 };

/* The channels of a unit in a block, ascending. */
typedef struct {
    size_t *channels; /* [count] */
    size_t count, width;
} Chosen;

static int ascending(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;

    return (x > y) - (x < y);
}

static int open_chosen(Chosen *chosen, const RecordUnit *unit, size_t block)
{
    chosen->count = chosen->width = 0;
    chosen->channels = malloc((unit->neuron_count + 1) * sizeof *chosen->channels);
    if (chosen->channels == NULL)
        return 0;
    for (size_t i = 0; i < unit->neuron_count; i++)
        if (unit->neurons[i].block == block) {
            chosen->channels[chosen->count++] = unit->neurons[i].channel;
            chosen->width = unit->neurons[i].width;
        }
    qsort(chosen->channels, chosen->count, sizeof *chosen->channels, ascending);
    return 1;
}

static size_t common_of(const Chosen *a, const Chosen *b)
{
    size_t common = 0;

    for (size_t i = 0, j = 0; i < a->count && j < b->count;) {
        common += a->channels[i] == b->channels[j];
        if (a->channels[i] <= b->channels[j])
            i++;
        else
            j++;
    }
    return common;
}

/* Of the pairs of different categories in which both have neurons. */
typedef struct {
    double common, jaccard, by_chance; /* means; by_chance: of the channels in common, K K' / D */
    size_t pairs;
} Overlap;

/* Fills jaccard[categories, categories], NaN where a category has no neuron there, and the means. */
static Overlap measure_overlap(double *jaccard, const Chosen *chosen, size_t count)
{
    Overlap o = {0, 0, 0, 0};

    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            size_t common = common_of(&chosen[i], &chosen[j]), all = chosen[i].count + chosen[j].count - common;
            jaccard[i * count + j] = chosen[i].count > 0 && chosen[j].count > 0 ? (double)common / (double)all : NAN;
            if (i >= j || isnan(jaccard[i * count + j]))
                continue;
            o.pairs++;
            o.common += (double)common;
            o.jaccard += jaccard[i * count + j];
            o.by_chance += (double)chosen[i].count * (double)chosen[j].count / (double)chosen[i].width;
        }
    o.common /= (double)o.pairs;
    o.jaccard /= (double)o.pairs;
    o.by_chance /= (double)o.pairs;
    return o;
}

static void overlap_of_block(Html *h, const Report *r, size_t block, const Chosen *chosen, double *jaccard,
                             const char **names)
{
    Overlap o = measure_overlap(jaccard, chosen, r->category_count);
    char title[TITLE_ROOM];

    if (o.pairs == 0)
        return;
    for (size_t c = 0; c < r->category_count; c++)
        names[c] = report_category(r, c);
    snprintf(title, sizeof title, "Block %lu: Jaccard", (unsigned long)block);
    plot_matrix(h, title, names, r->category_count, jaccard, 2, 0, 1, 1);
    html_print(h, "<p>In block %z two categories have %1 channels in common, mean of all pairs (Jaccard %3). Choices "
                  "by chance would have %1, so there are %1 times as many.</p>\n", block, o.common, o.jaccard,
               o.by_chance, o.common / o.by_chance);
}

/* What a block needs; each block is looked at by itself. */
static void open_block(Html *h, const Report *r, size_t block)
{
    const size_t n = r->category_count;
    Chosen *chosen = calloc(n, sizeof *chosen);
    double *jaccard = malloc(n * n * sizeof *jaccard);
    const char **names = malloc(n * sizeof *names);
    int ready = chosen != NULL && jaccard != NULL && names != NULL;

    for (size_t c = 0; c < n && ready; c++)
        ready = open_chosen(&chosen[c], r->shown[c], block);
    if (ready)
        overlap_of_block(h, r, block, chosen, jaccard, names);
    else
        error_memory(&h->error, "the overlap of neurons");
    for (size_t c = 0; c < n && chosen != NULL; c++)
        free(chosen[c].channels);
    free(chosen);
    free(jaccard);
    free(names);
}

static int is_first_of_block(const RecordUnit *unit, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (unit->neurons[k].block == unit->neurons[i].block)
            return 0;
    return 1;
}

void report_overlap(Html *h, const Report *r)
{
    const RecordUnit *first = r->shown[0];

    html_markup(h, "<section id=\"neurons\">\n<h2>Neurons</h2>\n");
    if (first->neuron_count == 0)
        html_markup(h, "<p>No neurons were recorded.</p>\n");
    else if (r->category_count == 1)
        html_markup(h, "<p>One category alone has nothing to share; its neurons are listed below.</p>\n");
    else
        html_markup(h, "<p>Which channels LAKE chose in each category, and how far the choices agree: of the first "
                       "draw of most normal pictures. Jaccard: channels in common over channels chosen by "
                       "either.</p>\n");
    for (size_t i = 0; i < first->neuron_count && r->category_count > 1; i++)
        if (is_first_of_block(first, i))
            open_block(h, r, first->neurons[i].block);
    html_markup(h, "</section>\n");
}

/* ---- those of a category ---- */

static void neurons_of_block(Html *h, const RecordUnit *unit, size_t block)
{
    double largest = 0, sum = 0;
    size_t count = 0, listed = 0, width = 0;

    for (size_t i = 0; i < unit->neuron_count; i++)
        if (unit->neurons[i].block == block) {
            largest = fmax(largest, unit->neurons[i].share);
            sum += unit->neurons[i].share;
            width = unit->neurons[i].width;
            count++;
        }
    html_print(h, "<div class=\"card\"><p class=\"small\">Block %z: %z of %z channels, %1&#160;% of the variance; "
                  "those of most:</p>\n<ul class=\"neurons\">\n", block, count, width, 100 * sum);
    for (size_t i = 0; i < unit->neuron_count && listed < LISTED; i++)
        if (unit->neurons[i].block == block) {
            html_print(h, "<li><span>channel %z</span> ", unit->neurons[i].channel);
            plot_bar(h, largest > 0 ? unit->neurons[i].share / largest : 0);
            html_print(h, " <span class=\"end\">%2&#160;%</span></li>\n", 100 * unit->neurons[i].share);
            listed++;
        }
    html_markup(h, "</ul></div>\n");
}

void report_neurons(Html *h, const RecordUnit *unit)
{
    if (unit->neuron_count == 0)
        return;
    html_markup(h, "<h4>Chosen neurons</h4>\n<div class=\"columns\">\n");
    for (size_t i = 0; i < unit->neuron_count; i++)
        if (is_first_of_block(unit, i))
            neurons_of_block(h, unit, unit->neurons[i].block);
    html_markup(h, "</div>\n");
}
