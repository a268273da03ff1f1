/* The options of the method: defaults, checks, and the names that the command line and messages use. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lake.h"

void lake_defaults(LakeOptions *options)
{
    memset(options, 0, sizeof *options);
    options->normalisation = LAKE_NORMALISE_CLIP;
    options->selection = LAKE_SELECT_VARIANCE;
    options->neurons = 100;
    options->distance = LAKE_DISTANCE_L2;
    options->coreset = 1;
    options->token_memory = (size_t)1 << 30;
    options->patch_attention = LAKE_ATTENTION_VV;
    options->grid_resize = GRID_BICUBIC_ANTIALIAS;
    options->decision.lambda = 0.3;
    options->decision.pooling = LAKE_POOL_MAX;
    options->decision.threshold = LAKE_THRESHOLD_AUTO;
}

/* depth/4 and depth/2; a model of one block has it alone. doc/METHOD.md has the measurement behind it. */
static void default_layers(LakeOptions *options, int depth)
{
    for (int quarter = 1; quarter <= 2; quarter++) {
        int block = quarter * depth / 4 > 0 ? quarter * depth / 4 : 1;
        if (options->layer_count == 0 || options->layers[options->layer_count - 1] < block)
            options->layers[options->layer_count++] = block;
    }
}

static int check_layers(const LakeOptions *options, int depth, Error *e)
{
    if (options->layer_count == 0 || options->layer_count > LAKE_MAX_LAYERS)
        return error_set(e, LAKE_USAGE, "%llu layers; expected 1 to %d", (unsigned long long)options->layer_count,
                         LAKE_MAX_LAYERS);
    for (size_t l = 0; l < options->layer_count; l++) {
        if (options->layers[l] < 1 || (depth > 0 && options->layers[l] > depth))
            return error_set(e, LAKE_USAGE, "layer %d: the model has blocks 1 to %d", options->layers[l], depth);
        if (l > 0 && options->layers[l] <= options->layers[l - 1])
            return error_set(e, LAKE_USAGE, "layers %d, %d: expected ascending numbers, each once",
                             options->layers[l - 1], options->layers[l]);
    }
    return LAKE_OK;
}

/* The multiple of the patch size that is possible and nearest to a wish. */
static size_t nearest_resolution(size_t wish, size_t patch)
{
    size_t most = CLIP_MAX_RESOLUTION / patch * patch, rounded;

    if (wish > most)
        return most;
    rounded = (wish + patch / 2) / patch * patch;
    return rounded < patch ? patch : rounded > most ? most : rounded;
}

static int resolve_model(LakeOptions *options, const Clip *model, Error *e)
{
    int depth = (int)model->config.vision.layers;
    size_t patch = model->config.patch;

    if (options->layer_count == 0)
        default_layers(options, depth);
    if (options->resolution == 0)
        options->resolution = clip_default_resolution(model);
    if (options->resolution % patch != 0 || options->resolution > CLIP_MAX_RESOLUTION)
        return error_set(e, LAKE_USAGE,
                         "resolution %llu: expected a multiple of the patch size %llu, at most %d; nearest is %llu",
                         (unsigned long long)options->resolution, (unsigned long long)patch, CLIP_MAX_RESOLUTION,
                         (unsigned long long)nearest_resolution(options->resolution, patch));
    if (options->semantic_block == 0)
        options->semantic_block = depth;
    if (options->semantic_block < 1 || options->semantic_block > depth)
        return error_set(e, LAKE_USAGE, "semantic layer %d: the model has blocks 1 to %d", options->semantic_block,
                         depth);
    return check_layers(options, depth, e);
}

int lake_check_decision(const LakeDecision *d, Error *e)
{
    if (!(d->lambda >= 0 && d->lambda <= 1))
        return error_set(e, LAKE_USAGE, "lambda %g: expected a weight from 0 to 1", d->lambda);
    if (d->threshold == LAKE_THRESHOLD_FPR && !(d->threshold_value >= 0 && d->threshold_value <= 1))
        return error_set(e, LAKE_USAGE, "threshold fpr=%g: expected a share from 0 to 1", d->threshold_value);
    if (d->threshold == LAKE_THRESHOLD_NUMBER && !isfinite(d->threshold_value))
        return error_set(e, LAKE_USAGE, "threshold %g: expected a finite number", d->threshold_value);
    return LAKE_OK;
}

int lake_options_resolve(LakeOptions *options, const Clip *model, Error *e)
{
    int code;

    if (model != NULL) {
        code = resolve_model(options, model, e);
    } else {
        int numbered = options->layers[0] != 0;
        for (size_t l = 0; !numbered && l < options->layer_count && l < LAKE_MAX_LAYERS; l++)
            options->layers[l] = (int)l + 1;
        code = check_layers(options, 0, e);
    }
    if (code != LAKE_OK)
        return code;
    if (options->neurons == 0)
        return error_set(e, LAKE_USAGE, "0 neurons: expected at least 1");
    if (!(options->coreset > 0 && options->coreset <= 1))
        return error_set(e, LAKE_USAGE, "coreset %g: expected a share above 0, at most 1", options->coreset);
    if (!(options->trim >= 0 && options->trim <= 0.5))
        return error_set(e, LAKE_USAGE, "trim %g: expected a share from 0 to 0.5", options->trim);
    return lake_check_decision(&options->decision, e);
}

/* ---- names ---- */

static const char *const normalisations[] = {"none", "clip", "l2", "ln", NULL};
static const char *const selections[] = {"variance", "random", "bottom", "all", "pca", NULL};
static const char *const distances[] = {"l2", "cosine", NULL};
static const char *const attentions[] = {"vv", "plain", NULL};
static const char *const poolings[] = {"max", "mean", "top1", NULL};
static const char *const grid_resizes[] = {"antialias", "bicubic", "bilinear", NULL};

/* The index of name in a list that ends with NULL, or -1. */
static int find(const char *const *names, const char *name)
{
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

const char *lake_normalisation_name(LakeNormalisation value)
{
    return normalisations[value];
}
const char *lake_selection_name(LakeSelection value)
{
    return selections[value];
}
const char *lake_distance_name(LakeDistance value)
{
    return distances[value];
}
const char *lake_attention_name(LakeAttention value)
{
    return attentions[value];
}
const char *lake_pooling_name(LakePooling value)
{
    return poolings[value];
}
const char *lake_grid_resize_name(GridResize value)
{
    return grid_resizes[value];
}

int lake_parse_normalisation(LakeNormalisation *value, const char *name)
{
    int i = find(normalisations, name);
    if (i >= 0)
        *value = (LakeNormalisation)i;
    return i >= 0;
}

int lake_parse_selection(LakeSelection *value, const char *name)
{
    int i = find(selections, name);
    if (i >= 0)
        *value = (LakeSelection)i;
    return i >= 0;
}

int lake_parse_distance(LakeDistance *value, const char *name)
{
    int i = find(distances, name);
    if (i >= 0)
        *value = (LakeDistance)i;
    return i >= 0;
}

int lake_parse_attention(LakeAttention *value, const char *name)
{
    int i = find(attentions, name);
    if (i >= 0)
        *value = (LakeAttention)i;
    return i >= 0;
}

int lake_parse_pooling(LakePooling *value, const char *name)
{
    int i = find(poolings, name);
    if (i >= 0)
        *value = (LakePooling)i;
    return i >= 0;
}

int lake_parse_grid_resize(GridResize *value, const char *name)
{
    int i = find(grid_resizes, name);
    if (i >= 0)
        *value = (GridResize)i;
    return i >= 0;
}

int lake_parse_threshold(LakeDecision *decision, const char *text)
{
    LakeThreshold kind = strncmp(text, "fpr=", 4) == 0 ? LAKE_THRESHOLD_FPR : LAKE_THRESHOLD_NUMBER;
    const char *number = kind == LAKE_THRESHOLD_FPR ? text + 4 : text;
    char *end;
    double value;

    if (strcmp(text, "auto") == 0) {
        decision->threshold = LAKE_THRESHOLD_AUTO;
        return 1;
    }
    value = strtod(number, &end);
    if (end == number || *end != '\0' || !isfinite(value) ||
        (kind == LAKE_THRESHOLD_FPR && !(value >= 0 && value <= 1)))
        return 0;
    decision->threshold = kind;
    decision->threshold_value = value;
    return 1;
}
