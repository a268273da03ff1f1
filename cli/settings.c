/* Shared options of the method; see settings.h. */
#include "cli/settings.h"

#include <stdint.h>
#include <string.h>

void settings_defaults(Settings *settings)
{
    LakeOptions o;

    lake_defaults(&o);
    memset(settings, 0, sizeof *settings);
    settings->normalisation = o.normalisation;
    settings->selection = o.selection;
    settings->distance = o.distance;
    settings->attention = o.patch_attention;
    settings->pooling = o.decision.pooling;
    settings->positions = o.grid_resize;
    settings->neurons = o.neurons;
    settings->seed = (size_t)o.seed;
    settings->coreset = o.coreset;
    settings->trim = o.trim;
    settings->lambda = o.decision.lambda;
    settings->memory = o.token_memory >> 20;
}

int settings_apply(LakeOptions *options, const Settings *s, Error *e)
{
    lake_defaults(options);
    options->layer_count = s->layers.count;
    for (size_t i = 0; i < s->layers.count; i++) {
        if (s->layers.value[i] == 0 || s->layers.value[i] > 10000)
            return error_set(e, LAKE_USAGE, "--layers: expected block numbers from 1 up, separated by commas");
        options->layers[i] = (int)s->layers.value[i];
    }
    if (s->semantic_block > 10000)
        return error_set(e, LAKE_USAGE, "--semantic-block: expected a block number, found %llu",
                         (unsigned long long)s->semantic_block);
    if (s->class_name != NULL && strlen(s->class_name) >= sizeof options->class_name)
        return error_set(e, LAKE_USAGE, "--class: longer than %d bytes", (int)sizeof options->class_name - 1);
    options->normalisation = (LakeNormalisation)s->normalisation;
    options->selection = (LakeSelection)s->selection;
    options->distance = (LakeDistance)s->distance;
    options->patch_attention = (LakeAttention)s->attention;
    options->grid_resize = (GridResize)s->positions;
    options->neurons = s->neurons;
    options->seed = s->seed;
    options->semantic_block = (int)s->semantic_block;
    options->resolution = s->resolution;
    options->coreset = s->coreset;
    options->trim = s->trim;
    options->prompts = s->prompts;
    options->upright = s->photos.exif;
    options->keep_tokens = s->keep_tokens;
    options->token_memory = s->memory < SIZE_MAX >> 20 ? s->memory << 20 : SIZE_MAX;
    options->decision.lambda = s->lambda;
    options->decision.pooling = (LakePooling)s->pooling;
    if (s->class_name != NULL)
        strcpy(options->class_name, s->class_name);
    return settings_threshold(&options->decision, s->threshold, e);
}

int settings_threshold(LakeDecision *decision, const char *text, Error *e)
{
    if (text != NULL && !lake_parse_threshold(decision, text))
        return error_set(e, LAKE_USAGE, "--threshold: expected auto, a number, or fpr=Q with Q from 0 to 1, found '%s'",
                         text);
    return LAKE_OK;
}

int read_picture(Image *image, const char *path, const PhotoOptions *options, Error *e)
{
    enum { MOST = 4000 }; /* 12 GB of RGB */
    size_t pixels = options->megapixels * 1000000;

    if (options->megapixels > MOST)
        return error_set(e, LAKE_USAGE, "--max-megapixels: expected at most %d, found %llu", MOST,
                         (unsigned long long)options->megapixels);
    return options->exif ? img_read_upright(image, path, pixels, e) : img_read(image, path, pixels, e);
}

int read_photo(Image *image, const char *path, const PhotoOptions *options, size_t patch, Error *e)
{
    int width, height, code = read_picture(image, path, options, e);

    if (code != LAKE_OK)
        return code;
    width = image->width;
    height = image->height;
    if ((size_t)width < patch || (size_t)height < patch) {
        img_free(image);
        return error_set(
            e, LAKE_BAD_INPUT,
            "%s: %d x %d pixels are too few to inspect, expected at least %d x %d (one patch of the model)", path,
            width, height, (int)patch, (int)patch);
    }
    return LAKE_OK;
}
