/* Observing: from a picture to what the method sees of it, and from a class name to its two states in the joint space.
 * */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "lake.h"
#include "method/prompts.h"

/* ---- room for an observation ---- */

/* count = a * b floats, or NULL. */
static float *new_floats(size_t a, size_t b)
{
    size_t count, bytes;

    if (!size_multiply(a, b, &count) || !size_multiply(count, sizeof(float), &bytes))
        return NULL;
    return malloc(bytes > 0 ? bytes : 1);
}

int lake_tokens_open(LakeTokens *tokens, size_t height, size_t width, size_t layer_count, const size_t *widths,
                     size_t embed, int with_embedding, Error *e)
{
    size_t patches;
    int missing = 0;

    memset(tokens, 0, sizeof *tokens);
    if (layer_count > LAKE_MAX_LAYERS)
        return error_set(e, LAKE_USAGE, "%llu layers; at most %d", (unsigned long long)layer_count, LAKE_MAX_LAYERS);
    if (height == 0 || width == 0 || !size_multiply(height, width, &patches))
        return error_set(e, LAKE_USAGE, "a grid of %llu x %llu patches", (unsigned long long)height,
                         (unsigned long long)width);
    tokens->height = height;
    tokens->width = width;
    tokens->layer_count = layer_count;
    tokens->embed = embed;
    for (size_t l = 0; l < layer_count; l++) {
        tokens->widths[l] = widths[l];
        tokens->layers[l] = new_floats(patches, widths[l]);
        missing |= tokens->layers[l] == NULL;
    }
    if (embed > 0) {
        tokens->patches = new_floats(patches, embed);
        missing |= tokens->patches == NULL;
    }
    if (embed > 0 && with_embedding) {
        tokens->embedding = new_floats(1, embed);
        missing |= tokens->embedding == NULL;
    }
    if (missing) {
        lake_tokens_close(tokens);
        return error_memory(e, "the tokens of an image");
    }
    return LAKE_OK;
}

void lake_tokens_close(LakeTokens *tokens)
{
    for (size_t l = 0; l < tokens->layer_count; l++)
        free(tokens->layers[l]);
    free(tokens->patches);
    free(tokens->embedding);
    memset(tokens, 0, sizeof *tokens);
}

/* ---- the observer ---- */

int lake_observer_open(LakeObserver *observer, const Clip *model, const LakeOptions *options, int see, Error *e)
{
    int code;

    memset(observer, 0, sizeof *observer);
    observer->model = model;
    observer->options = *options;
    observer->see = see;
    code = lake_options_resolve(&observer->options, model, e);
    if (code == LAKE_OK)
        code = clip_state_open(&observer->state, model, observer->options.resolution, options->grid_resize, e);
    if (code != LAKE_OK)
        return code;
    observer->pixels = new_floats(3 * observer->options.resolution, observer->options.resolution);
    if (observer->pixels == NULL) {
        lake_observer_close(observer);
        return error_memory(e, "the pixels of an image");
    }
    return LAKE_OK;
}

void lake_observer_close(LakeObserver *observer)
{
    clip_state_close(&observer->state);
    free(observer->pixels);
    memset(observer, 0, sizeof *observer);
}

int lake_observer_tokens(const LakeObserver *observer, LakeTokens *tokens, Error *e)
{
    size_t widths[LAKE_MAX_LAYERS], layers = observer->see & LAKE_SEE_STRUCTURE ? observer->options.layer_count : 0;
    size_t embed = observer->see & (LAKE_SEE_MEANING | LAKE_SEE_WHOLE) ? observer->model->config.embed : 0;
    int code;

    for (size_t l = 0; l < layers; l++)
        widths[l] = observer->model->config.vision.width;
    code = lake_tokens_open(tokens, observer->state.grid, observer->state.grid, layers, widths, embed,
                            observer->see & LAKE_SEE_WHOLE, e);
    if (code == LAKE_OK && !(observer->see & LAKE_SEE_MEANING)) { /* nothing would fill them: nobody shall read them */
        free(tokens->patches);
        tokens->patches = NULL;
    }
    return code;
}

/* The first block of the value-value path: it covers a quarter of the model's blocks, at least one, and ends with the
 * block that the semantic patches are taken from. 0 where attention is plain. */
static int first_vv_block(const LakeOptions *options, const ClipConfig *config)
{
    int quarter = (int)config->vision.layers / 4 > 0 ? (int)config->vision.layers / 4 : 1;

    if (options->patch_attention == LAKE_ATTENTION_PLAIN)
        return 0;
    return options->semantic_block > quarter ? options->semantic_block - quarter + 1 : 1;
}

/* Whether what the observer computes is what these tokens have room for. */
static int fits(const LakeObserver *observer, const LakeTokens *tokens)
{
    const ClipConfig *config = &observer->model->config;
    size_t layers = observer->see & LAKE_SEE_STRUCTURE ? observer->options.layer_count : 0;
    int same = tokens->height == observer->state.grid && tokens->width == observer->state.grid &&
               tokens->layer_count == layers &&
               (tokens->patches != NULL) == ((observer->see & LAKE_SEE_MEANING) != 0) &&
               (tokens->embedding != NULL) == ((observer->see & LAKE_SEE_WHOLE) != 0);

    for (size_t l = 0; same && l < layers; l++)
        same = tokens->widths[l] == config->vision.width;
    return same && ((tokens->patches == NULL && tokens->embedding == NULL) || tokens->embed == config->embed);
}

int lake_observe(LakeObserver *observer, const Image *image, LakeTokens *tokens, Error *e)
{
    const LakeOptions *options = &observer->options;
    int side = (int)options->resolution, code;
    ClipRequest request;
    Image square;

    if (!fits(observer, tokens))
        return error_set(e, LAKE_USAGE, "these tokens are not of lake_observer_tokens for this observer");
    code = img_resize(&square, image, side, side, e);
    if (code != LAKE_OK)
        return code;
    clip_pixels(observer->pixels, square.rgb, options->resolution, &observer->model->config);
    img_free(&square);

    memset(&request, 0, sizeof request);
    request.tap_count = tokens->layer_count;
    request.taps = options->layers;
    request.tokens = tokens->layers;
    request.patches = tokens->patches;
    request.patch_block = options->semantic_block;
    request.vv_first = first_vv_block(options, &observer->model->config);
    request.embedding = tokens->embedding;
    clip_image(observer->model, &observer->state, observer->pixels, &request);

    tokens->normalised = 0;
    for (size_t p = 0; request.patches != NULL && p < tokens->height * tokens->width; p++)
        tensor_normalise(tokens->patches + p * tokens->embed, tokens->embed);
    if (tokens->embedding != NULL)
        tensor_normalise(tokens->embedding, tokens->embed);
    return LAKE_OK;
}

/* ---- texts ---- */

/* The direction of one state: its sentences' unit embeddings averaged, and the mean brought to unit length. */
static int embed_state(float *state, const Clip *model, const Prompts *prompts, int which, const char *class_name,
                       size_t *truncated, Error *e)
{
    size_t count, embed = model->config.embed, cut = 0;
    char **sentences;
    float *embeddings;
    int code = prompts_sentences(&sentences, &count, prompts, which, class_name, e);

    if (code != LAKE_OK)
        return code;
    embeddings = new_floats(count, embed);
    code = embeddings == NULL ? error_memory(e, "the text embeddings")
                              : clip_text(model, (const char *const *)sentences, count, embeddings, &cut, e);
    if (code == LAKE_OK) {
        memset(state, 0, embed * sizeof *state);
        for (size_t i = 0; i < count; i++) {
            tensor_normalise(embeddings + i * embed, embed);
            for (size_t d = 0; d < embed; d++)
                state[d] += embeddings[i * embed + d] / (float)count;
        }
        tensor_normalise(state, embed);
        *truncated += cut;
    }
    free(embeddings);
    prompts_free_sentences(sentences, count);
    return code;
}

int lake_texts_open(LakeTexts *texts, const Clip *model, const char *class_name, const char *prompts, size_t *truncated,
                    Error *e)
{
    size_t cut = 0;
    Prompts ensemble;
    int code;

    memset(texts, 0, sizeof *texts);
    if (!model->config.has_text)
        return error_set(e, LAKE_USAGE,
                         "these weights have no text tower, so a class name has no meaning to them: leave it out");
    code = prompts_read(&ensemble, prompts, e);
    if (code != LAKE_OK)
        return code;
    texts->embed = model->config.embed;
    texts->scale = (float)exp(model->config.logit_scale);
    texts->normal = new_floats(1, texts->embed);
    texts->anomalous = new_floats(1, texts->embed);
    if (texts->normal == NULL || texts->anomalous == NULL)
        code = error_memory(e, "the text embeddings");
    if (code == LAKE_OK)
        code = embed_state(texts->normal, model, &ensemble, PROMPTS_NORMAL, class_name, &cut, e);
    if (code == LAKE_OK)
        code = embed_state(texts->anomalous, model, &ensemble, PROMPTS_ANOMALOUS, class_name, &cut, e);
    prompts_free(&ensemble);
    if (code != LAKE_OK)
        lake_texts_close(texts);
    else if (truncated != NULL)
        *truncated = cut;
    return code;
}

void lake_texts_close(LakeTexts *texts)
{
    free(texts->normal);
    free(texts->anomalous);
    memset(texts, 0, sizeof *texts);
}
