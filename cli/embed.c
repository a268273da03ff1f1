/* lake embed: embeddings of pictures and texts, patch tokens of blocks, as .npy. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/npy.h"
#include "cli/inputs.h"
#include "cli/model.h"
#include "cli/output.h"
#include "cli/settings.h"
#include "cli/verbs.h"

static int run(int argc, char **argv, Error *e);

const Verb verb_embed = {
    "embed", "IMAGE|--text T --weights W [--layers L] -o OUT.npy",
    "write an embedding, or patch tokens of blocks, as .npy",
    "Example: lake embed part.png --weights vit_b16.clip --layers 6,12 -o tokens.npy\n"
    "Without --layers the embedding [E]; with one block its patch tokens [P, D]; with several [L, P, D].",
    run};

typedef struct {
    const char *output, *weights, *text, *text_file;
    CountList layers;
    size_t resolution;
    int positions;
    PhotoOptions photos;
} EmbedOptions;

/* The blocks of --layers, ascending, all of them for "all". */
static int choose_blocks(int *blocks, size_t *count, const CountList *layers, size_t depth, Error *e)
{
    if (layers->count == 1 && layers->value[0] == 0) {
        for (*count = 0; *count < depth; (*count)++)
            blocks[*count] = (int)*count + 1;
        return LAKE_OK;
    }
    for (*count = 0; *count < layers->count; (*count)++) {
        size_t block = layers->value[*count];
        if (block == 0 || block > depth || (*count > 0 && (int)block <= blocks[*count - 1]))
            return error_set(e, LAKE_USAGE, "--layers: expected ascending block numbers from 1 to %d, found %llu",
                             (int)depth, (unsigned long long)block);
        blocks[*count] = (int)block;
    }
    return LAKE_OK;
}

/* Runs the tower on the pixels and writes what was asked for. */
static int compute(const Clip *model, ClipState *state, const float *pixels, const EmbedOptions *o, Error *e)
{
    size_t depth = model->config.vision.layers, width = model->config.vision.width, patches = state->grid * state->grid,
           count = 0;
    size_t room = o->layers.count == 0 ? 1 : o->layers.value[0] == 0 ? depth : o->layers.count;
    size_t floats = o->layers.count == 0 ? model->config.embed : room * patches * width;
    int *blocks = malloc(room * sizeof *blocks), code = LAKE_OK;
    float **tokens = malloc(room * sizeof *tokens), *out = malloc(floats * sizeof *out);
    ClipRequest request = {0};

    if (blocks == NULL || tokens == NULL || out == NULL) {
        code = error_memory(e, "tokens");
    } else if (o->layers.count == 0) {
        const size_t shape[1] = {floats};
        request.embedding = out;
        clip_image(model, state, pixels, &request);
        code = npy_write(o->output, out, 1, shape, e);
    } else {
        code = choose_blocks(blocks, &count, &o->layers, depth, e);
        if (code == LAKE_OK) {
            const size_t shape[3] = {count, patches, width};
            for (size_t i = 0; i < count; i++)
                tokens[i] = out + i * patches * width;
            request.tap_count = count;
            request.taps = blocks;
            request.tokens = tokens;
            clip_image(model, state, pixels, &request);
            code = npy_write(o->output, out, count == 1 ? 2 : 3, count == 1 ? shape + 1 : shape, e);
        }
    }
    free(blocks);
    free(tokens);
    free(out);
    return code;
}

static int embed_image(const Clip *model, const char *path, const EmbedOptions *o, Error *e)
{
    size_t resolution = o->resolution > 0 ? o->resolution : model->config.resolution;
    ClipState state;
    Image image, resized;
    float *pixels;
    int code = clip_state_open(&state, model, resolution, (GridResize)o->positions, e);

    if (code != LAKE_OK)
        return code;
    code = read_photo(&image, path, &o->photos, model->config.patch, e);
    if (code == LAKE_OK) {
        code = img_resize(&resized, &image, (int)resolution, (int)resolution, e);
        img_free(&image);
    }
    if (code == LAKE_OK) {
        pixels = malloc(3 * resolution * resolution * sizeof *pixels);
        if (pixels != NULL) {
            clip_pixels(pixels, resized.rgb, resolution, &model->config);
            code = compute(model, &state, pixels, o, e);
        } else {
            code = error_memory(e, "pixels");
        }
        free(pixels);
        img_free(&resized);
    }
    clip_state_close(&state);
    return code;
}

static int write_texts(const Clip *model, const char *const *texts, size_t count, size_t rank, const char *output,
                       Error *e)
{
    const size_t shape[2] = {count, model->config.embed};
    float *out = malloc(count * shape[1] * sizeof *out);
    size_t truncated = 0;
    int code = out != NULL ? clip_text(model, texts, count, out, &truncated, e) : error_memory(e, "embeddings");

    if (code == LAKE_OK)
        code = npy_write(output, out, rank, rank == 1 ? shape + 1 : shape, e);
    if (code == LAKE_OK && truncated > 0)
        fprintf(stderr, "lake embed: note: %d texts were cut to %d tokens\n", (int)truncated,
                (int)model->config.context);
    free(out);
    return code;
}

/* One text per line of a file. */
static int embed_text_file(const Clip *model, const char *path, const char *output, Error *e)
{
    InputList lines = {0, 0, NULL};
    const char **texts = NULL;
    char *line = NULL;
    size_t room = 0;
    int got, code = LAKE_OK;
    FILE *f = fopen(path, "rb");

    if (f == NULL)
        return error_set(e, LAKE_BAD_INPUT, "%s: cannot open", path);
    while (code == LAKE_OK && (got = read_line(&line, &room, f)) != 0)
        code = got < 0 ? line_error(got, path, e) : inputs_add_file(&lines, line, e);
    fclose(f);
    free(line);
    if (code == LAKE_OK && lines.count == 0)
        code = error_set(e, LAKE_BAD_INPUT, "%s: no text in this file", path);
    if (code == LAKE_OK) {
        texts = malloc(lines.count * sizeof *texts);
        if (texts == NULL)
            code = error_memory(e, "texts");
    }
    if (code == LAKE_OK) {
        for (size_t i = 0; i < lines.count; i++)
            texts[i] = lines.items[i].path;
        code = write_texts(model, texts, lines.count, 2, output, e);
    }
    free(texts);
    inputs_free(&lines);
    return code;
}

static int embed(const EmbedOptions *o, const Arguments *arguments, Error *e)
{
    Clip model;
    int code;

    if (arguments->count + (o->text != NULL) + (o->text_file != NULL) != 1)
        return error_set(e, LAKE_USAGE, "expected one picture, or --text, or --text-file, found %d of them",
                         (int)arguments->count + (o->text != NULL) + (o->text_file != NULL));
    if (arguments->count == 0 && (o->layers.count > 0 || o->resolution > 0))
        return error_set(e, LAKE_USAGE, "--layers and --res are of pictures, not of texts");
    if (o->output == NULL)
        return error_set(e, LAKE_USAGE, "expected -o OUT.npy, the array to write");
    code = output_check(o->output, "\x93NUMPY", ".npy", e);
    if (code == LAKE_OK)
        code = model_open(&model, "embed", o->weights, NULL, e);
    if (code != LAKE_OK)
        return code;
    if (o->text != NULL)
        code = write_texts(&model, &o->text, 1, 1, o->output, e);
    else if (o->text_file != NULL)
        code = embed_text_file(&model, o->text_file, o->output, e);
    else
        code = embed_image(&model, arguments->items[0], o, e);
    clip_close(&model);
    return code;
}

static int run(int argc, char **argv, Error *e)
{
    EmbedOptions o = {0};
    Arguments arguments;
    const Option options[] = {
        {"-o", OPTION_TEXT, &o.output, "OUT.npy", 0, 0, "the array to write, float32"},
        MODEL_OPTION(o.weights),
        {"--text", OPTION_TEXT, &o.text, "T", 0, 0, "embed this text: [E]"},
        {"--text-file", OPTION_TEXT, &o.text_file, "FILE", 0, 0, "embed every line of a file: [n, E]"},
        {"--layers", OPTION_COUNTS, &o.layers, "6,12|all", 0, 0,
         "patch tokens after these blocks in place of the embedding"},
        {"--layer", OPTION_COUNTS, &o.layers, "L", 0, 0, "the same for one block"},
        {"--res", OPTION_COUNT, &o.resolution, "R", 0, 0,
         "side in pixels (default: what the weights were trained for)"},
        {"--positions", OPTION_CHOICE, &o.positions, "antialias|bicubic|bilinear", 0, 0,
         "resampling of the position embedding (default antialias)"},
        PHOTO_OPTIONS(o.photos, "as stored"),
    };
    int code = arguments_read(&arguments, &verb_embed, options, COUNT_OF(options), argc, argv, e);

    if (code == LAKE_OK && !arguments.help)
        code = embed(&o, &arguments, e);
    arguments_free(&arguments);
    return code;
}
