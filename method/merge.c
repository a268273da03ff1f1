/* Merging: detectors fitted on parts of one normal set, with their tokens kept, become the one of a single fit. */
#include <stdlib.h>
#include <string.h>

#include "method/fit.h"

/* The first option in which two detectors differ that the merged one needs to be the same; or NULL. */
static const char *difference(const LakeDetector *a, const LakeDetector *b)
{
    const LakeOptions *x = &a->options, *y = &b->options;
    size_t layers = a->layer_count;

    if ((a->weights == NULL) != (b->weights == NULL) || a->fingerprint != b->fingerprint)
        return "weights";
    if (a->height != b->height || a->width != b->width || x->resolution != y->resolution)
        return "resolution";
    if (x->upright != y->upright)
        return "EXIF orientation (--exif)";
    if (x->grid_resize != y->grid_resize)
        return "resize of the position embedding";
    if (layers != b->layer_count)
        return "layers";
    for (size_t l = 0; l < layers; l++)
        if (a->layers[l].block != b->layers[l].block || a->layers[l].width != b->layers[l].width)
            return "layers";
    if (x->normalisation != y->normalisation)
        return "token normalisation";
    if (x->selection != y->selection || x->neurons != y->neurons || x->seed != y->seed)
        return "selection of neurons";
    if (x->distance != y->distance || x->coreset != y->coreset)
        return x->distance != y->distance ? "distance" : "coreset";
    if (x->trim != y->trim)
        return "trim";
    if (a->texts.embed != b->texts.embed || a->texts.scale != b->texts.scale)
        return "class name";
    if (a->texts.embed > 0 && (x->patch_attention != y->patch_attention || x->semantic_block != y->semantic_block))
        return "patch attention";
    if (a->texts.embed > 0 && (memcmp(a->texts.normal, b->texts.normal, a->texts.embed * sizeof(float)) != 0 ||
                               memcmp(a->texts.anomalous, b->texts.anomalous, a->texts.embed * sizeof(float)) != 0))
        return "class name or prompts";
    return NULL;
}

/* Adds the images of a detector that kept its tokens. */
static int add_part(LakeFit *fit, const LakeDetector *part, Error *e)
{
    LakeTokens tokens;
    int code = LAKE_OK;

    memset(&tokens, 0, sizeof tokens);
    tokens.normalised = 1;
    for (size_t i = 0; code == LAKE_OK && i < part->normal_count; i++) {
        for (size_t l = 0; l < part->layer_count; l++) {
            tokens.widths[l] = part->layers[l].width;
            tokens.layers[l] = part->kept[i] + fit->tokens.offsets[l];
        }
        code = fit_append(fit, &tokens, part->normal_semantic != NULL ? part->normal_semantic + i * fit->patches : NULL,
                      part->names[i], e);
    }
    return code;
}

/* A fit of the same kind as a detector, without images. */
static int begin_like(LakeFit **fit, const LakeDetector *like, int keep_tokens, Error *e)
{
    LakeOptions options = like->options, defaults;
    LakeTokens shape;
    int code;

    lake_defaults(&defaults);
    options.token_memory = defaults.token_memory; /* no part of a detector */
    options.keep_tokens = keep_tokens;
    memset(&shape, 0, sizeof shape);
    shape.height = like->height;
    shape.width = like->width;
    shape.layer_count = like->layer_count;
    for (size_t l = 0; l < shape.layer_count; l++)
        shape.widths[l] = like->layers[l].width;
    code = lake_fit_begin(fit, &options, NULL, NULL, &shape, e);
    if (code != LAKE_OK)
        return code;
    if (like->texts.embed > 0)
        code = fit_copy_texts(&(*fit)->detector.texts, &like->texts, e);
    (*fit)->detector.fingerprint = like->fingerprint;
    (*fit)->detector.weights = like->weights != NULL ? fit_copy_text(like->weights) : NULL;
    if (code == LAKE_OK && like->weights != NULL && (*fit)->detector.weights == NULL)
        code = error_memory(e, "a path");
    if (code != LAKE_OK)
        lake_fit_abandon(*fit);
    return code;
}

/* LAKE_BAD_INPUT where an image of part b has the tokens of one of part a, to the bit: a shard given twice, or a photo
 * in two shards. Leaving one out would find its copy at distance 0, and the edge of normal would shrink to nothing. */
static int check_repeated(const LakeDetector *a, const LakeDetector *b, const char *a_name, const char *b_name,
                          Error *e)
{
    size_t floats = 0;

    for (size_t l = 0; l < a->layer_count; l++)
        floats += a->height * a->width * a->layers[l].width;
    for (size_t i = 0; i < a->normal_count; i++)
        for (size_t j = 0; j < b->normal_count; j++)
            if (memcmp(a->kept[i], b->kept[j], floats * sizeof(float)) == 0)
                return error_set(e, LAKE_BAD_INPUT,
                                 "%s: holds %s, which has the same tokens as %s in %s; a photo that counts twice "
                                 "spoils the threshold: merge parts without common photos",
                                 b_name, b->names[j], a->names[i], a_name);
    return LAKE_OK;
}

int lake_merge(LakeDetector *merged, const LakeDetector *const *parts, const char *const *names, size_t count,
               int keep_tokens, Error *e)
{
    LakeFit *fit;
    int code;

    memset(merged, 0, sizeof *merged);
    if (count == 0)
        return error_set(e, LAKE_USAGE, "no detector to merge");
    for (size_t i = 0; i < count; i++) {
        const char *other = difference(parts[0], parts[i]);
        if (other != NULL)
            return error_set(e, LAKE_BAD_INPUT, "%s: differs from %s in its %s; only shards of one fit can be merged",
                             names[i], names[0], other);
        if (parts[i]->kept == NULL)
            return error_set(e, LAKE_BAD_INPUT, "%s: has not kept its tokens; fit it with --keep-tokens to merge it",
                             names[i]);
    }
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            if ((code = check_repeated(parts[i], parts[j], names[i], names[j], e)) != LAKE_OK)
                return code;
    code = begin_like(&fit, parts[0], keep_tokens, e);
    if (code != LAKE_OK)
        return code;
    for (size_t i = 0; code == LAKE_OK && i < count; i++)
        code = add_part(fit, parts[i], e);
    if (code == LAKE_OK)
        return lake_fit_finish(fit, merged, e);
    lake_fit_abandon(fit);
    return code;
}
