/* What lake neurons prints of detectors; see neurons.h. */
#include <math.h>
#include <stdio.h>

#include "cli/neurons.h"
#include "cli/terminal.h"

/* ---- tables: one list of columns for all kinds of rows, empty where a kind has nothing to say ---- */

enum {
    LAYER, OTHER_LAYER, CHANNEL, VARIANCE, COMMON, EXPECTED, PROBABILITY, JACCARD, CAPTURED, OPTIMUM, COSINE, CHANCE,
    NUMBERS
};

static const char *const number_names[NUMBERS] = {"layer", "other_layer", "channel", "variance", "common", "expected",
                                                  "probability", "jaccard", "captured", "optimum", "cosine", "chance"};

typedef struct {
    const char *kind, *detector, *other; /* other: NULL where there is none */
    double numbers[NUMBERS];             /* NaN: empty */
} Record;

static Record record_of(const char *kind, const char *detector, int block)
{
    Record r = {kind, detector, NULL, {0}};

    for (int i = 0; i < NUMBERS; i++)
        r.numbers[i] = NAN;
    r.numbers[LAYER] = block;
    return r;
}

static void print_header(void)
{
    printf("record,detector,other");
    for (int i = 0; i < NUMBERS; i++)
        printf(",%s", number_names[i]);
    printf("\n");
}

static void print_csv(const Record *r)
{
    printf("%s,", r->kind);
    print_csv_field(stdout, r->detector);
    printf(",");
    if (r->other != NULL)
        print_csv_field(stdout, r->other);
    for (int i = 0; i < NUMBERS; i++)
        if (isnan(r->numbers[i]))
            printf(",");
        else
            printf(",%.9g", r->numbers[i]);
    printf("\n");
}

static void print_json(const Record *r)
{
    printf("{\"record\": \"%s\", \"detector\": ", r->kind);
    print_json_string(stdout, r->detector);
    if (r->other != NULL) {
        printf(", \"other\": ");
        print_json_string(stdout, r->other);
    }
    for (int i = 0; i < NUMBERS; i++)
        if (!isnan(r->numbers[i]))
            printf(", \"%s\": %.9g", number_names[i], r->numbers[i]);
    printf("}\n");
}

static void print_record(const Record *r, const NeuronReport *report)
{
    if (report->csv)
        print_csv(r);
    else
        print_json(r);
}

static int is_table(const NeuronReport *report)
{
    return report->csv || report->jsonl;
}

/* ---- one detector ---- */

static double variance_of(const LakeLayer *layer, size_t k)
{
    return layer->moments.m2[layer->channels[k]] / (double)layer->moments.count;
}

static void tabulate_channels(const LakeLayer *layer, const char *path, const NeuronReport *report)
{
    for (size_t k = 0; k < layer->count && k < report->top; k++) {
        Record r = record_of("neuron", path, layer->block);
        r.numbers[CHANNEL] = layer->channels[k];
        if (layer->basis == NULL)
            r.numbers[VARIANCE] = variance_of(layer, k);
        print_record(&r, report);
    }
}

static void print_channels(const LakeLayer *layer, LakeSelection selection, size_t top)
{
    printf("  block %d: %lu of %lu channels, by %s:", layer->block, (unsigned long)layer->count,
           (unsigned long)layer->width, lake_selection_name(selection));
    for (size_t k = 0; k < layer->count && k < top; k++) {
        if (layer->basis != NULL)
            printf(" component %lu", (unsigned long)layer->channels[k]);
        else
            printf(" %lu (%.4g)", (unsigned long)layer->channels[k], variance_of(layer, k));
    }
    printf("%s\n", layer->count > top ? " ..." : "");
}

static void print_audit(const LakeAudit *audit, int block)
{
    printf("  block %d against a PCA: variance captured %.4f, at best %.4f; mean squared cosine of the subspaces "
           "%.4f, by chance %.4f\n", block, audit->captured, audit->optimum, audit->cosine, audit->chance);
}

static void tabulate_audit(const LakeAudit *audit, int block, const char *path, const NeuronReport *report)
{
    Record r = record_of("audit", path, block);

    r.numbers[CAPTURED] = audit->captured;
    r.numbers[OPTIMUM] = audit->optimum;
    r.numbers[COSINE] = audit->cosine;
    r.numbers[CHANCE] = audit->chance;
    print_record(&r, report);
}

static int report_audits(const LakeDetector *d, const char *path, const NeuronReport *report, Error *e)
{
    int code = LAKE_OK;

    for (size_t l = 0; l < d->layer_count && code == LAKE_OK; l++) {
        LakeAudit audit;
        if (d->layers[l].basis != NULL)
            continue;
        code = lake_audit(&audit, d, l, e);
        if (code == LAKE_OK && is_table(report))
            tabulate_audit(&audit, d->layers[l].block, path, report);
        else if (code == LAKE_OK)
            print_audit(&audit, d->layers[l].block);
    }
    return code;
}

static int report_detector(const LakeDetector *d, const char *path, const NeuronReport *report, Error *e)
{
    if (!is_table(report))
        printf("%s\n", path);
    for (size_t l = 0; l < d->layer_count; l++)
        if (is_table(report))
            tabulate_channels(&d->layers[l], path, report);
        else
            print_channels(&d->layers[l], d->options.selection, report->top);
    if (d->kept != NULL)
        return report_audits(d, path, report, e);
    if (!is_table(report))
        printf("  PCA audit: needs a detector fitted with --keep-tokens\n");
    return LAKE_OK;
}

/* ---- several detectors ---- */

static int check_pair(const LakeDetector *a, const LakeDetector *b, const char *name, const char *other, Error *e)
{
    if (a->layer_count != b->layer_count)
        return error_set(e, LAKE_BAD_INPUT, "%s has %d layers, %s has %d: their neurons cannot be compared", name,
                         (int)a->layer_count, other, (int)b->layer_count);
    if (a->fingerprint != b->fingerprint)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s and %s were fitted with different weights: their neurons cannot be compared", name, other);
    return LAKE_OK;
}

static void print_overlap(const LakeOverlap *o, int block, int other)
{
    printf("    block %d", block);
    if (other != block)
        printf(" and %d", other);
    printf(": %lu in common, %.1f by chance (%.2f times; so many or more by chance: %.2g), Jaccard %.3f\n",
           (unsigned long)o->common, o->expected, (double)o->common / o->expected, o->probability, o->jaccard);
}

static void tabulate_overlap(const LakeOverlap *o, const char *name, const char *other, int block, int other_block,
                             const NeuronReport *report)
{
    Record r = record_of("overlap", name, block);

    r.other = other;
    r.numbers[OTHER_LAYER] = other_block;
    r.numbers[COMMON] = (double)o->common;
    r.numbers[EXPECTED] = o->expected;
    r.numbers[PROBABILITY] = o->probability;
    r.numbers[JACCARD] = o->jaccard;
    print_record(&r, report);
}

static int report_pair(const LakeDetector *a, const LakeDetector *b, const char *name, const char *other,
                       const NeuronReport *report, Error *e)
{
    if (!is_table(report))
        printf("  %s and %s\n", name, other);
    for (size_t l = 0; l < a->layer_count; l++) {
        LakeOverlap overlap;
        int code = lake_overlap(&overlap, &a->layers[l], &b->layers[l], e);
        if (code != LAKE_OK)
            return code;
        if (is_table(report))
            tabulate_overlap(&overlap, name, other, a->layers[l].block, b->layers[l].block, report);
        else
            print_overlap(&overlap, a->layers[l].block, b->layers[l].block);
    }
    return LAKE_OK;
}

/* A layer of three and more detectors: neurons in common above the diagonal, how many times chance that is below it. */
static int print_matrix(const LakeDetector *detectors, const char *const *paths, size_t count, size_t l, Error *e)
{
    double common = 0, expected = 0, unlikely = 0;
    const double pairs = (double)count * (double)(count - 1) / 2;

    printf("  block %d: neurons in common (right of x), times chance (left of it)\n   ", detectors[0].layers[l].block);
    for (size_t j = 0; j < count; j++)
        printf("%7lu", (unsigned long)(j + 1));
    printf("\n");
    for (size_t i = 0; i < count; i++) {
        printf("%3lu", (unsigned long)(i + 1));
        for (size_t j = 0; j < count; j++) {
            LakeOverlap o = {0, 0, 0, 0};
            int code = i == j ? LAKE_OK : lake_overlap(&o, &detectors[i].layers[l], &detectors[j].layers[l], e);
            if (code != LAKE_OK)
                return code;
            if (i == j)
                printf("%7s", "x");
            else if (i < j)
                printf("%7lu", (unsigned long)o.common);
            else
                printf("%7.2f", (double)o.common / o.expected);
            common += i < j ? (double)o.common : 0;
            expected += i < j ? o.expected : 0;
            unlikely += i < j && o.probability < 0.01;
        }
        printf("  %s\n", paths[i]);
    }
    printf("  mean %.1f in common, %.1f by chance; %.0f of %.0f pairs have so many that chance gives it in less than one "
           "case of a hundred\n", common / pairs, expected / pairs, unlikely, pairs);
    return LAKE_OK;
}

static int report_overlaps(const LakeDetector *detectors, const char *const *paths, size_t count,
                           const NeuronReport *report, Error *e)
{
    const int matrices = count > 2 && !is_table(report);
    int code = LAKE_OK;

    if (!is_table(report))
        printf("overlap of the chosen neurons\n");
    for (size_t i = 0; i < count && code == LAKE_OK; i++)
        for (size_t j = i + 1; j < count && code == LAKE_OK; j++) {
            code = check_pair(&detectors[i], &detectors[j], paths[i], paths[j], e);
            if (code == LAKE_OK && !matrices)
                code = report_pair(&detectors[i], &detectors[j], paths[i], paths[j], report, e);
        }
    for (size_t l = 0; matrices && code == LAKE_OK && l < detectors[0].layer_count; l++)
        code = print_matrix(detectors, paths, count, l, e);
    return code;
}

int neurons_report(const LakeDetector *detectors, const char *const *paths, size_t count, const NeuronReport *report,
                   Error *e)
{
    int code = LAKE_OK;

    if (report->csv)
        print_header();
    for (size_t i = 0; i < count && code == LAKE_OK; i++)
        code = report_detector(&detectors[i], paths[i], report, e);
    if (code == LAKE_OK && count > 1)
        code = report_overlaps(detectors, paths, count, report, e);
    return code;
}
