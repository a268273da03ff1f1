/* The demo's results as plain text; see demo_tables.h. */
#include "cli/demo_tables.h"

#include <math.h>
#include <stdio.h>

enum { NAMED = 6 }; /* neurons named per category and layer */

/* A figure in `width` columns with three decimals; "-" where it is not defined. */
static void print_figure(int width, double value)
{
    if (isnan(value))
        printf("%*s", width, "-");
    else
        printf("%*.3f", width, value);
}

/* "3 of 24", flush right. */
static void print_part(int width, size_t part, size_t whole)
{
    char text[48];

    snprintf(text, sizeof text, "%lu of %lu", (unsigned long)part, (unsigned long)whole);
    printf("%*s", width, text);
}

static void print_title(const char *title)
{
    printf("\n%s\n", title);
}

/* ---- the model and the defaults ---- */

static void print_model(const DemoResults *r)
{
    printf("model     %s: %lu blocks of %lu neurons, %lu x %lu patches of %lu pixels (%lu x %lu where neurons and\n"
           "          contaminated normals are compared, in hundreds of fits)%s\n", r->model,
           (unsigned long)r->depth, (unsigned long)r->width, (unsigned long)r->grid, (unsigned long)r->grid,
           (unsigned long)r->patch, (unsigned long)r->trained_grid, (unsigned long)r->trained_grid,
           r->has_text ? "" : "; no text tower");
    printf("pictures  %lu categories of drawn products, of kinds that the demo's own model never saw in training\n",
           (unsigned long)r->category_count);
}

static void print_measures(const DemoMeasures *lake)
{
    print_figure(7, lake->image_auroc);
    print_figure(7, lake->image_ap);
    print_figure(7, lake->pixel_auroc);
    print_figure(7, lake->pro);
}

static void print_defaults(const DemoResults *r)
{
    print_title("Detection with lake's defaults, and by the texts alone (alarms: normal called anomalous)");
    printf("%-14s  %d normal pictures, mean of %d draws               no normal picture\n", "", DEMO_SHOTS, DEMO_DRAWS);
    printf("%-14s%7s%7s%7s%7s%10s%10s%9s%7s%10s%10s\n", "category", "AUROC", "AP", "pixel", "PRO", "alarms", "misses",
           "AUROC", "pixel", "alarms", "misses");
    for (size_t i = 0; i < r->category_count; i++) {
        const DemoCategory *c = &r->categories[i];
        printf("%-14.14s", c->name);
        print_measures(&c->lake);
        print_part(10, c->lake_false_alarms, c->lake_normal);
        print_part(10, c->lake_misses, c->lake_anomalous);
        print_figure(9, c->zero.image_auroc);
        print_figure(7, c->zero.pixel_auroc);
        if (r->has_text) {
            print_part(10, c->zero_false_alarms, c->normal);
            print_part(10, c->zero_misses, c->anomalous);
        }
        printf("\n");
    }
    printf("%-14s", "mean");
    print_measures(&r->lake);
    printf("%20s", "");
    print_figure(9, r->zero.image_auroc);
    print_figure(7, r->zero.pixel_auroc);
    printf("\n%-14s", "std. error");
    print_measures(&r->lake_error);
    printf("%20s", "");
    print_figure(9, r->zero_error.image_auroc);
    print_figure(7, r->zero_error.pixel_auroc);
    printf("\n");
}

/* ---- curves: means over categories ---- */

static void print_figures(const char *name, const DemoFigure *figures, size_t count)
{
    printf("%-14s", name);
    for (size_t i = 0; i < count; i++)
        print_figure(7, figures[i].mean);
}

static void print_neuron_counts(const DemoResults *r)
{
    print_title("Which neurons, and how many: image AUROC without texts, mean over categories");
    printf("%-14s", "neurons");
    for (size_t i = 0; i < DEMO_COUNTS; i++)
        printf("%7lu", (unsigned long)r->counts[i]);
    printf("%5s %lu\n", "all", (unsigned long)r->width);
    print_figures("most variance", r->by_count[DEMO_TOP], DEMO_COUNTS);
    print_figure(9, r->all.mean);
    printf("\n");
    print_figures("random", r->by_count[DEMO_RANDOM], DEMO_COUNTS);
    printf("\n");
    print_figures("least variance", r->by_count[DEMO_BOTTOM], DEMO_COUNTS);
    printf("\n");
}

static void print_decisions(const DemoResults *r)
{
    print_title("Text weight and pooling: image AUROC, mean over categories");
    printf("%-14s", "text weight");
    for (size_t i = 0; i < DEMO_WEIGHTS; i++)
        printf("%7.1f", r->text_weights[i]);
    printf("\n");
    print_figures("", r->by_weight, DEMO_WEIGHTS);
    printf("\n%-14s", "pooling");
    for (int p = 0; p < DEMO_POOLINGS; p++)
        printf("%7s", lake_pooling_name((LakePooling)p));
    printf("\n");
    print_figures("", r->by_pooling, DEMO_POOLINGS);
    printf("\n");
}

static void print_dirt(const DemoResults *r)
{
    char title[100];

    snprintf(title, sizeof title, "Defective pictures among %d normal ones: image AUROC, mean over categories",
             DEMO_CLEAN_SHOTS);
    print_title(title);
    printf("%-14s%7d%7d%7d\n", "defective", 0, 1, 2);
    print_figures("as they are", r->by_dirt[0], DEMO_DIRT);
    printf("\n");
    snprintf(title, sizeof title, "trimmed %.0f %%", 100 * DEMO_TRIM);
    print_figures(title, r->by_dirt[1], DEMO_DIRT);
    printf("\n");
}

/* ---- neurons ---- */

/* The first neurons of the sparse choice of one layer, with their share of the variance, and the audit. */
static void print_layer(const DemoCategory *c, size_t l)
{
    const DemoLayer *layer = &c->layers[l];

    printf("%-14.14s", c->name);
    for (size_t k = 0; k < NAMED && k < layer->count; k++)
        printf("%5lu %4.1f%%", (unsigned long)layer->channels[k], 100 * layer->shares[k]);
    printf("%8.3f%8.3f\n", layer->audit.captured, layer->audit.optimum);
}

static void print_neurons(const DemoResults *r)
{
    char title[160];

    for (size_t l = 0; l < r->overlap_count; l++) {
        snprintf(title, sizeof title,
                 "The neurons of most variance in block %d, with their share; variance captured by %lu",
                 r->overlaps[l].block, (unsigned long)r->sparse);
        print_title(title);
        printf("%-14s%-*s%8s%8s\n", "category", 11 * NAMED, "   neuron and share", "these", "PCA");
        for (size_t c = 0; c < r->category_count; c++)
            print_layer(&r->categories[c], l);
    }
}

/* Counts above the diagonal, Jaccard indices below it. */
static void print_overlap(const DemoResults *r, const DemoOverlap *o)
{
    size_t n = r->category_count;
    char title[160];

    snprintf(title, sizeof title,
             "Block %d: neurons in common (right of x), Jaccard (left); %.1f in common, %.1f by chance", o->block,
             o->mean_common, o->expected);
    print_title(title);
    for (size_t a = 0; a < n; a++) {
        printf("%-14.14s", r->categories[a].name);
        for (size_t b = 0; b < n; b++)
            if (a == b)
                printf("%6s", "x");
            else if (a < b)
                printf("%6lu", (unsigned long)o->common[a * n + b]);
            else
                printf("%6.2f", o->jaccard[a * n + b]);
        printf("\n");
    }
}

/* ---- verdicts ---- */

static void print_verdict(const DemoVerdict *v)
{
    printf("%-10s %s\n", demo_answer_name(v->answer), v->claim);
    printf("%-10s %s\n", "", v->measured);
    printf("%-10s a", "");
    print_figure(6, v->a);
    printf(", b");
    print_figure(6, v->b);
    printf(", a - b");
    print_figure(7, v->difference.mean);
    printf(", standard error");
    print_figure(6, v->difference.error);
    printf("\n");
}

/* Claims under the same rule stand together, the rule above them. */
static void print_verdicts(const DemoResults *r)
{
    print_title("What this model and these pictures say of the method's claims");
    for (size_t first = 0; first < r->verdict_count; first++) {
        const char *rule = r->verdicts[first].rule;
        int seen = 0;
        for (size_t i = 0; i < first; i++)
            seen |= r->verdicts[i].rule == rule;
        if (seen)
            continue;
        printf("(%s)\n", rule);
        for (size_t i = first; i < r->verdict_count; i++)
            if (r->verdicts[i].rule == rule)
                print_verdict(&r->verdicts[i]);
    }
}

void demo_print(const DemoResults *r)
{
    print_model(r);
    print_defaults(r);
    print_neuron_counts(r);
    print_decisions(r);
    print_dirt(r);
    print_neurons(r);
    for (size_t l = 0; l < r->overlap_count; l++)
        print_overlap(r, &r->overlaps[l]);
    print_verdicts(r);
}
