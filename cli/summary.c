/* A detector in a few lines; see summary.h. */
#include "cli/summary.h"

#include <stdio.h>

/* The share of the layer's total variance that the selected channels hold. */
static double captured_variance(const LakeLayer *layer)
{
    double total = 0, captured = 0;

    for (size_t d = 0; d < layer->width; d++)
        total += layer->moments.m2[d];
    for (size_t k = 0; k < layer->count; k++)
        captured += layer->moments.m2[layer->channels[k]];
    return total > 0 ? captured / total : 0;
}

static void print_layers(const LakeDetector *d)
{
    for (size_t l = 0; l < d->layer_count; l++) {
        const LakeLayer *layer = &d->layers[l];
        printf("  block %-3d     %lu of %lu channels", layer->block, (unsigned long)layer->count,
               (unsigned long)layer->width);
        if (layer->basis == NULL)
            printf(" with %.1f %% of the variance", 100 * captured_variance(layer));
        printf(", gallery of %lu patches, edge of normal %.4g\n", (unsigned long)layer->rows, layer->delta);
    }
}

static void print_text_branch(const LakeDetector *d)
{
    if (d->texts.embed == 0)
        printf("  text branch   off\n");
    else
        printf("  text branch   \"%s\", weight %g, %s attention, block %d\n", d->options.class_name, lake_lambda(d),
               lake_attention_name(d->options.patch_attention), d->options.semantic_block);
}

static void print_decision(const LakeDetector *d)
{
    double low = d->normal_scores[0], high = low;

    for (size_t i = 1; i < d->normal_count; i++) {
        low = d->normal_scores[i] < low ? d->normal_scores[i] : low;
        high = d->normal_scores[i] > high ? d->normal_scores[i] : high;
    }
    printf("  normal scores %.4f to %.4f, pooled by %s\n", low, high, lake_pooling_name(d->options.decision.pooling));
    printf("  threshold     %.4f%s\n", d->threshold,
           d->provisional ? " (provisional: fewer than 4 normal images)" : "");
    for (size_t i = 0; i < d->normal_count; i++)
        if (d->outlier[i])
            printf("  look at       %s: score %.4f stands out among the normals\n", d->names[i], d->normal_scores[i]);
}

void summary_print(const LakeDetector *d, const char *path)
{
    printf("%s\n", path);
    printf("  normal images %lu, grid %lu x %lu", (unsigned long)d->normal_count, (unsigned long)d->height,
           (unsigned long)d->width);
    if (d->weights != NULL)
        printf(", %lu pixels%s, weights %s", (unsigned long)d->options.resolution,
               d->options.upright ? ", upright by EXIF" : "", d->weights);
    printf("\n  tokens        normalised: %s; selected: %s; distance: %s\n",
           lake_normalisation_name(d->options.normalisation), lake_selection_name(d->options.selection),
           lake_distance_name(d->options.distance));
    print_layers(d);
    if (d->dropped_count > 0)
        printf("  trimmed       %lu patches\n", (unsigned long)d->dropped_count);
    print_text_branch(d);
    print_decision(d);
}
