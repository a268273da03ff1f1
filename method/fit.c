/* Fitting: normal images in, detector out. learn.c has the steps of the method that run at the end. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "method/fit.h"

char *fit_copy_text(const char *text)
{
    char *copy = malloc(strlen(text) + 1);

    return copy != NULL ? strcpy(copy, text) : NULL;
}

static float *copy_floats(const float *numbers, size_t count)
{
    float *copy = malloc(count * sizeof *copy);

    return copy != NULL ? memcpy(copy, numbers, count * sizeof *copy) : NULL;
}

/* ---- beginning and adding ---- */

static int describe(LakeFit *fit, const LakeOptions *options, const Clip *model, const LakeTokens *shape, Error *e)
{
    LakeDetector *d = &fit->detector;
    int code;

    d->options = *options;
    d->options.prompts = NULL;
    d->height = shape->height;
    d->width = shape->width;
    d->layer_count = options->layer_count;
    if (model != NULL) {
        d->weights = fit_copy_text(wts_path(model->file));
        if (d->weights == NULL)
            return error_memory(e, "a path");
        d->fingerprint = wts_fingerprint(model->file);
    }
    for (size_t l = 0; l < d->layer_count; l++) {
        LakeLayer *layer = &d->layers[l];
        layer->block = options->layers[l];
        layer->width = shape->widths[l];
        layer->count =
            options->selection == LAKE_SELECT_ALL || options->neurons > layer->width ? layer->width : options->neurons;
    }
    fit->patches = shape->height * shape->width;
    code = store_open(&fit->tokens, fit->patches, shape->widths, d->layer_count,
                      options->keep_tokens ? SIZE_MAX : options->token_memory, e);
    for (size_t l = 0; code == LAKE_OK && l < d->layer_count; l++)
        code = lake_moments_open(&d->layers[l].moments, d->layers[l].width, e);
    return code;
}

int fit_copy_texts(LakeTexts *to, const LakeTexts *from, Error *e)
{
    to->embed = from->embed;
    to->scale = from->scale;
    to->normal = copy_floats(from->normal, from->embed);
    to->anomalous = copy_floats(from->anomalous, from->embed);
    return to->normal != NULL && to->anomalous != NULL ? LAKE_OK : error_memory(e, "the text embeddings");
}

int lake_fit_begin(LakeFit **fit, const LakeOptions *options, const Clip *model, const LakeTexts *texts,
                   const LakeTokens *shape, Error *e)
{
    LakeOptions complete = *options;
    int code = tensor_begin(e);

    *fit = NULL;
    if (code == LAKE_OK)
        code = lake_options_resolve(&complete, model, e);
    if (code != LAKE_OK)
        return code;
    if (shape->layer_count != complete.layer_count)
        return error_set(e, LAKE_USAGE, "tokens of %llu layers where the options name %llu",
                         (unsigned long long)shape->layer_count, (unsigned long long)complete.layer_count);
    if (texts != NULL && (shape->patches == NULL || shape->embed != texts->embed))
        return error_set(e, LAKE_USAGE, "texts of width %llu, and patches in a joint space of width %llu",
                         (unsigned long long)texts->embed,
                         (unsigned long long)(shape->patches != NULL ? shape->embed : 0));
    *fit = calloc(1, sizeof **fit);
    if (*fit == NULL)
        return error_memory(e, "a fit");
    code = describe(*fit, &complete, model, shape, e);
    if (code == LAKE_OK && texts != NULL)
        code = fit_copy_texts(&(*fit)->detector.texts, texts, e);
    if (code != LAKE_OK) {
        lake_fit_abandon(*fit);
        *fit = NULL;
    }
    return code;
}

void lake_fit_abandon(LakeFit *fit)
{
    if (fit == NULL)
        return;
    store_close(&fit->tokens);
    free(fit->skip);
    for (size_t l = 0; l < LAKE_MAX_LAYERS; l++)
        free(fit->distances[l]);
    lake_detector_close(&fit->detector);
    free(fit);
}

/* Makes room for one more image in every array that has an entry per image. */
static int make_room(LakeFit *fit, Error *e)
{
    LakeDetector *d = &fit->detector;
    size_t larger = fit->room == 0 ? 8 : 2 * fit->room, numbers;
    void *grown;

    if (d->normal_count < fit->room)
        return LAKE_OK;
    if (!size_multiply(larger, fit->patches, &numbers) || numbers >= UINT32_MAX)
        return error_set(e, LAKE_USAGE, "more than %lu normal patches: fit fewer images", (unsigned long)UINT32_MAX);
    if ((grown = realloc(d->names, larger * sizeof *d->names)) == NULL)
        return error_memory(e, "the normal images");
    d->names = grown;
    if (d->texts.embed > 0) {
        if ((grown = realloc(d->normal_semantic, numbers * sizeof *d->normal_semantic)) == NULL)
            return error_memory(e, "the normal images");
        d->normal_semantic = grown;
    }
    fit->room = larger;
    return LAKE_OK;
}

/* A normalised copy of an observation's tokens, in a new block laid out as the store's. */
static int copy_tokens(float **block, const LakeFit *fit, const LakeTokens *tokens, Error *e)
{
    const LakeDetector *d = &fit->detector;
    double *lengths = malloc(fit->patches * sizeof *lengths);

    *block = malloc(store_image_floats(&fit->tokens) * sizeof **block);
    if (*block == NULL || lengths == NULL) {
        free(*block);
        free(lengths);
        return error_memory(e, "the tokens of a normal image");
    }
    for (size_t l = 0; l < d->layer_count; l++) {
        float *to = *block + fit->tokens.offsets[l];
        memcpy(to, tokens->layers[l], fit->tokens.floats[l] * sizeof *to);
        if (!tokens->normalised)
            lake_normalise(to, fit->patches, tokens->widths[l], d->options.normalisation, lengths);
    }
    free(lengths);
    return LAKE_OK;
}

/* Adds an image's tokens to the statistics of every layer. */
static int add_moments(LakeFit *fit, const float *block, Error *e)
{
    for (size_t l = 0; l < fit->detector.layer_count; l++) {
        LakeLayer *layer = &fit->detector.layers[l];
        double *scratch = malloc(2 * layer->width * sizeof *scratch);
        if (scratch == NULL)
            return error_memory(e, "the statistics of a layer");
        lake_moments_add(&layer->moments, block + fit->tokens.offsets[l], fit->patches, layer->width, NULL, scratch);
        free(scratch);
    }
    return LAKE_OK;
}

int fit_append(LakeFit *fit, const LakeTokens *tokens, const float *semantic, const char *name, Error *e)
{
    LakeDetector *d = &fit->detector;
    size_t n = d->normal_count;
    float *block = NULL;
    int code = make_room(fit, e);

    if (code == LAKE_OK)
        code = copy_tokens(&block, fit, tokens, e);
    if (code != LAKE_OK)
        return code;
    code = add_moments(fit, block, e);
    if (code != LAKE_OK) {
        free(block);
        return code;
    }
    code = store_add(&fit->tokens, block, e);
    if (code != LAKE_OK)
        return code;
    if (d->texts.embed > 0 && semantic != NULL)
        memcpy(d->normal_semantic + n * fit->patches, semantic, fit->patches * sizeof *semantic);
    else if (d->texts.embed > 0)
        lake_activate(d->normal_semantic + n * fit->patches, tokens->patches, fit->patches, &d->texts);
    d->names[n] = fit_copy_text(name);
    if (d->names[n] == NULL)
        return error_memory(e, "a name");
    d->normal_count++;
    return LAKE_OK;
}

int lake_fit_add(LakeFit *fit, const LakeTokens *tokens, const char *name, Error *e)
{
    const LakeDetector *d = &fit->detector;
    int code = lake_check_tokens(d, tokens, name, e);

    if (code == LAKE_OK && d->texts.embed > 0)
        code = lake_check_meaning(&d->texts, tokens, name, e);
    return code == LAKE_OK ? fit_append(fit, tokens, NULL, name, e) : code;
}

/* ---- finishing ---- */

static int finish(LakeFit *fit, Error *e)
{
    LakeDetector *d = &fit->detector;
    LakeDecision decision = d->options.decision;
    int code;

    if (d->normal_count == 0)
        return error_set(e, LAKE_USAGE, "no normal image to fit on");
    d->normal_structural = malloc(d->normal_count * fit->patches * sizeof *d->normal_structural);
    d->normal_scores = malloc(d->normal_count * sizeof *d->normal_scores);
    d->outlier = malloc(d->normal_count);
    if (d->normal_structural == NULL || d->normal_scores == NULL || d->outlier == NULL)
        return error_memory(e, "the scores of the normal images");
    code = fit_learn(fit, e);
    if (code == LAKE_OK && d->options.trim > 0)
        code = fit_drop_suspects(fit, e);
    return code == LAKE_OK ? lake_decide(d, &decision, e) : code;
}

int lake_fit_finish(LakeFit *fit, LakeDetector *detector, Error *e)
{
    int code = finish(fit, e);

    memset(detector, 0, sizeof *detector);
    if (code == LAKE_OK) {
        *detector = fit->detector;
        if (detector->options.keep_tokens)
            detector->kept = store_release(&fit->tokens);
        memset(&fit->detector, 0, sizeof fit->detector); /* handed over; abandoning frees the rest */
    }
    lake_fit_abandon(fit);
    return code;
}
