/* lake neurons: which channels detectors chose, how far they agree, and how near the choice is to a PCA. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/verbs.h"
#include "lake.h"

static int run(int argc, char **argv, Error *e);

const Verb verb_neurons = {"neurons", "D.lake... [--top N]",
                           "show the chosen neurons, their overlap between detectors, the PCA audit",
                           "Example: lake neurons nut.lake cable.lake --top 10", run};

static void print_channels(const LakeLayer *layer, LakeSelection selection, size_t top)
{
    printf("  block %d: %lu of %lu channels, by %s:", layer->block, (unsigned long)layer->count,
           (unsigned long)layer->width, lake_selection_name(selection));
    for (size_t k = 0; k < layer->count && k < top; k++) {
        if (layer->basis != NULL)
            printf(" component %lu", (unsigned long)layer->channels[k]);
        else
            printf(" %lu (%.4g)", (unsigned long)layer->channels[k],
                   layer->moments.m2[layer->channels[k]] / (double)layer->moments.count);
    }
    printf("%s\n", layer->count > top ? " ..." : "");
}

static int print_audit(const LakeDetector *d, Error *e)
{
    for (size_t l = 0; l < d->layer_count; l++) {
        LakeAudit audit;
        int code;
        if (d->layers[l].basis != NULL)
            continue;
        code = lake_audit(&audit, d, l, e);
        if (code != LAKE_OK)
            return code;
        printf("  block %d against a PCA: variance captured %.4f, at best %.4f; mean squared cosine of the subspaces "
               "%.4f, by chance %.4f\n",
               d->layers[l].block, audit.captured, audit.optimum, audit.cosine, audit.chance);
    }
    return LAKE_OK;
}

static int print_detector(const LakeDetector *d, const char *path, size_t top, Error *e)
{
    printf("%s\n", path);
    for (size_t l = 0; l < d->layer_count; l++)
        print_channels(&d->layers[l], d->options.selection, top);
    if (d->kept != NULL)
        return print_audit(d, e);
    printf("  PCA audit: needs a detector fitted with --keep-tokens\n");
    return LAKE_OK;
}

/* Every pair of detectors, layer by layer. */
static int print_overlaps(const LakeDetector *detectors, const char *const *paths, size_t count, Error *e)
{
    printf("overlap of the chosen neurons\n");
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++) {
            if (detectors[i].layer_count != detectors[j].layer_count)
                return error_set(e, LAKE_BAD_INPUT, "%s has %d layers, %s has %d: their neurons cannot be compared",
                                 paths[i], (int)detectors[i].layer_count, paths[j], (int)detectors[j].layer_count);
            if (detectors[i].fingerprint != detectors[j].fingerprint)
                return error_set(e, LAKE_BAD_INPUT,
                                 "%s and %s were fitted with different weights: their neurons cannot be compared",
                                 paths[i], paths[j]);
            printf("  %s and %s\n", paths[i], paths[j]);
            for (size_t l = 0; l < detectors[i].layer_count; l++) {
                LakeOverlap overlap;
                int code = lake_overlap(&overlap, &detectors[i].layers[l], &detectors[j].layers[l], e);
                if (code != LAKE_OK)
                    return code;
                printf("    block %d", detectors[i].layers[l].block);
                if (detectors[j].layers[l].block != detectors[i].layers[l].block)
                    printf(" and %d", detectors[j].layers[l].block);
                printf(": %lu in common, %.1f by chance, Jaccard %.3f\n", (unsigned long)overlap.common,
                       overlap.expected, overlap.jaccard);
            }
        }
    return LAKE_OK;
}

static int show(const Arguments *arguments, LakeDetector *detectors, size_t top, Error *e)
{
    size_t read = 0;
    int code = LAKE_OK;

    for (; read < arguments->count; read++) {
        code = lake_detector_read(&detectors[read], arguments->items[read], e);
        if (code != LAKE_OK)
            break;
    }
    for (size_t i = 0; i < read && code == LAKE_OK; i++)
        code = print_detector(&detectors[i], arguments->items[i], top, e);
    if (code == LAKE_OK && read > 1)
        code = print_overlaps(detectors, arguments->items, read, e);
    while (read > 0)
        lake_detector_close(&detectors[--read]);
    return code;
}

static int run(int argc, char **argv, Error *e)
{
    size_t top = 10;
    Arguments arguments;
    const Option options[] = {
        {"--top", OPTION_COUNT, &top, "N", 0, 0, "channels to print per layer (default 10)"},
    };
    int code = arguments_read(&arguments, &verb_neurons, options, COUNT_OF(options), argc, argv, e);

    if (code == LAKE_OK && !arguments.help) {
        if (arguments.count == 0) {
            code = error_set(e, LAKE_USAGE, "expected at least one detector, found none");
        } else {
            LakeDetector *detectors = calloc(arguments.count, sizeof *detectors);
            code = detectors != NULL ? show(&arguments, detectors, top, e) : error_memory(e, "the detectors");
            free(detectors);
        }
    }
    arguments_free(&arguments);
    return code;
}
