/* From maps to a decision: the scores of the normal images, those that stand out, the threshold; and what keeps
 * a detector from being used on things it was not fitted for. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lake.h"

double lake_lambda(const LakeDetector *detector)
{
    return detector->texts.embed > 0 ? detector->options.decision.lambda : 0;
}

/* Leave-one-out score of every normal image. */
static int score_normals(LakeDetector *d, Error *e)
{
    size_t patches = d->height * d->width;
    float *map = malloc(patches * sizeof *map);
    double *scratch = malloc(patches * sizeof *scratch);

    for (size_t i = 0; map != NULL && scratch != NULL && i < d->normal_count; i++) {
        const float *semantic = d->normal_semantic != NULL ? d->normal_semantic + i * patches : NULL;
        lake_fuse(map, d->normal_structural + i * patches, semantic, lake_lambda(d), patches);
        d->normal_scores[i] = lake_pool(map, patches, d->options.decision.pooling, scratch);
    }
    free(map);
    free(scratch);
    return map == NULL || scratch == NULL ? error_memory(e, "the scores of the normal images") : LAKE_OK;
}

/* Marks scores above median + 5 MAD (median absolute deviation). Of one or two scores none can be. */
static void find_outliers(LakeDetector *d, double *scratch)
{
    size_t n = d->normal_count;
    double median, deviation;

    memcpy(scratch, d->normal_scores, n * sizeof *scratch);
    median = lake_median(scratch, n);
    for (size_t i = 0; i < n; i++)
        scratch[i] = fabs(d->normal_scores[i] - median);
    deviation = lake_median(scratch, n);
    for (size_t i = 0; i < n; i++)
        d->outlier[i] = d->normal_scores[i] > median + 5 * deviation;
}

/* 1.1 times the largest normal score; where that is near 1, which scores never pass, halfway from it to 1. */
static double automatic_threshold(double largest)
{
    double scaled = 1.1 * largest, halfway = 0.5 * (1 + largest);

    return scaled < halfway ? scaled : halfway;
}

double lake_threshold(const LakeDecision *decision, double *scores, size_t count)
{
    if (decision->threshold == LAKE_THRESHOLD_NUMBER)
        return decision->threshold_value;
    if (decision->threshold == LAKE_THRESHOLD_FPR)
        return lake_quantile(scores, count, 1 - decision->threshold_value);
    return automatic_threshold(lake_quantile(scores, count, 1));
}

/* The threshold, from the scores that are trusted: all, or with trimming (the normals are distrusted) those that do not
 * stand out. The median never stands out, so some are left. */
static void set_threshold(LakeDetector *d, double *trusted)
{
    size_t count = 0;

    for (size_t i = 0; i < d->normal_count; i++)
        if (d->options.trim == 0 || !d->outlier[i])
            trusted[count++] = d->normal_scores[i];
    d->provisional = d->options.decision.threshold != LAKE_THRESHOLD_NUMBER && count < 4;
    d->threshold = lake_threshold(&d->options.decision, trusted, count);
}

int lake_decide(LakeDetector *detector, const LakeDecision *decision, Error *e)
{
    double *scratch;
    int code = lake_check_decision(decision, e);

    if (code != LAKE_OK)
        return code;
    scratch = malloc(detector->normal_count * sizeof *scratch);
    if (scratch == NULL)
        return error_memory(e, "the scores of the normal images");
    detector->options.decision = *decision;
    code = score_normals(detector, e);
    if (code == LAKE_OK) {
        find_outliers(detector, scratch);
        set_threshold(detector, scratch);
    }
    free(scratch);
    return code;
}

int lake_check_model(const LakeDetector *detector, const char *name, const Clip *model, Error *e)
{
    const ClipConfig *config = &model->config;
    const char *path = wts_path(model->file);

    if (detector->weights == NULL)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: was fitted on features from .npy files, not on images: score .npy files of the "
                         "same model",
                         name);
    if (wts_fingerprint(model->file) != detector->fingerprint)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: was fitted with the weights %s (fingerprint %016llx), not with %s (%016llx), whose "
                         "tokens mean something else: give the former with --weights, or fit again",
                         name, detector->weights, (unsigned long long)detector->fingerprint, path,
                         (unsigned long long)wts_fingerprint(model->file));
    for (size_t l = 0; l < detector->layer_count; l++)
        if (detector->layers[l].width != config->vision.width || detector->layers[l].block < 1 ||
            detector->layers[l].block > (int)config->vision.layers)
            return error_set(e, LAKE_BAD_INPUT,
                             "%s: holds block %d of width %llu, the weights %s have %u blocks of width %u: fit again",
                             name, detector->layers[l].block, (unsigned long long)detector->layers[l].width, path,
                             (unsigned)config->vision.layers, (unsigned)config->vision.width);
    if (detector->options.resolution == 0 || detector->options.resolution % config->patch != 0 ||
        detector->height != detector->options.resolution / config->patch || detector->width != detector->height)
        return error_set(
            e, LAKE_BAD_INPUT,
            "%s: its grid of %llu x %llu patches is not that of %llu pixels with the weights %s: fit again", name,
            (unsigned long long)detector->height, (unsigned long long)detector->width,
            (unsigned long long)detector->options.resolution, path);
    if (detector->texts.embed > 0 && detector->texts.embed != config->embed)
        return error_set(e, LAKE_BAD_INPUT, "%s: its texts have width %llu, the weights %s give %u: fit again", name,
                         (unsigned long long)detector->texts.embed, path, (unsigned)config->embed);
    if (detector->texts.embed > 0 && (detector->options.semantic_block < 1 ||
                                      detector->options.semantic_block > (int)config->vision.layers))
        return error_set(e, LAKE_BAD_INPUT, "%s: its text branch uses block %d, the weights %s have %u: fit again",
                         name, detector->options.semantic_block, path, (unsigned)config->vision.layers);
    return LAKE_OK;
}

static int all_finite(const float *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(numbers[i]))
            return 0;
    return 1;
}

int lake_check_tokens(const LakeDetector *detector, const LakeTokens *tokens, const char *name, Error *e)
{
    size_t patches = detector->height * detector->width;

    if (tokens->height != detector->height || tokens->width != detector->width)
        return error_set(e, LAKE_BAD_INPUT, "%s: a grid of %llu x %llu patches; the detector has %llu x %llu", name,
                         (unsigned long long)tokens->height, (unsigned long long)tokens->width,
                         (unsigned long long)detector->height, (unsigned long long)detector->width);
    if (tokens->layer_count != detector->layer_count)
        return error_set(e, LAKE_BAD_INPUT, "%s: tokens of %llu layers; the detector has %llu", name,
                         (unsigned long long)tokens->layer_count, (unsigned long long)detector->layer_count);
    for (size_t l = 0; l < detector->layer_count; l++) {
        if (tokens->widths[l] != detector->layers[l].width)
            return error_set(e, LAKE_BAD_INPUT, "%s: tokens of width %llu in layer %d; the detector has %llu", name,
                             (unsigned long long)tokens->widths[l], detector->layers[l].block,
                             (unsigned long long)detector->layers[l].width);
        if (!all_finite(tokens->layers[l], patches * tokens->widths[l]))
            return error_set(e, LAKE_BAD_INPUT, "%s: a token of layer %d is not finite (NaN or infinity)", name,
                             detector->layers[l].block);
    }
    return LAKE_OK;
}

int lake_check_meaning(const LakeTexts *texts, const LakeTokens *tokens, const char *name, Error *e)
{
    if (tokens->patches == NULL || tokens->embed != texts->embed)
        return error_set(
            e, LAKE_USAGE, "%s: the texts need patches of width %llu in the joint space; the observation has %llu",
            name, (unsigned long long)texts->embed, (unsigned long long)(tokens->patches != NULL ? tokens->embed : 0));
    if (!all_finite(tokens->patches, tokens->height * tokens->width * tokens->embed))
        return error_set(e, LAKE_BAD_INPUT, "%s: a patch in the joint space is not finite (NaN or infinity)", name);
    return LAKE_OK;
}

static void close_layer(LakeLayer *layer)
{
    free(layer->channels);
    lake_moments_close(&layer->moments);
    free(layer->basis);
    free(layer->gallery);
    free(layer->source);
    free(layer->norms);
    lake_codes_close(layer->codes);
}

void lake_detector_close(LakeDetector *detector)
{
    for (size_t l = 0; l < detector->layer_count; l++)
        close_layer(&detector->layers[l]);
    for (size_t i = 0; i < detector->normal_count; i++) {
        if (detector->names != NULL)
            free(detector->names[i]);
        if (detector->kept != NULL)
            free(detector->kept[i]);
    }
    free(detector->names);
    free(detector->kept);
    free(detector->weights);
    lake_texts_close(&detector->texts);
    free(detector->normal_structural);
    free(detector->normal_semantic);
    free(detector->dropped);
    free(detector->normal_scores);
    free(detector->outlier);
    memset(detector, 0, sizeof *detector);
}
