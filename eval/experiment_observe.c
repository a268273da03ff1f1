/* What an experiment has seen: where pictures come from, observing them once, and looking at what was observed; see
 * experiment.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "eval/experiment_internal.h"
#include "eval/token_file.h"
#include "kernel/kernel.h"

/* ---- pictures of a folder ---- */

typedef int Reader(Image *image, const char *path, size_t max_pixels, Error *e);

static int read_below(Image *image, const char *root, const char *path, Reader *reader, Error *e)
{
    char *full = dataset_path(root, path);
    int code = full != NULL ? reader(image, full, 0, e) : error_memory(e, "a path");

    free(full);
    return code;
}

static int folder_picture(Image *image, const void *context, const char *path, Error *e)
{
    return read_below(image, context, path, img_read, e);
}

static int folder_picture_upright(Image *image, const void *context, const char *path, Error *e)
{
    return read_below(image, context, path, img_read_upright, e);
}

static int folder_mask(unsigned char *mask, size_t height, size_t width, const void *context, const char *path,
                       Error *e)
{
    char *full = dataset_path(context, path);
    int code = full != NULL ? dataset_mask_read(mask, height, width, full, e) : error_memory(e, "a path");

    free(full);
    return code;
}

/* A hash of the file's bytes. */
static int folder_fingerprint(uint64_t *fingerprint, const void *context, const char *path, Error *e)
{
    char *full = dataset_path(context, path);
    FileView file;
    int code = full != NULL ? file_map(&file, full, e) : error_memory(e, "a path");

    free(full);
    if (code != LAKE_OK)
        return code;
    *fingerprint = fnv1a64_update(FNV1A64_START, file.data, file.size);
    file_unmap(&file);
    return LAKE_OK;
}

ExperimentSource experiment_folder(const char *root)
{
    ExperimentSource source = {folder_picture, folder_mask, NULL, folder_fingerprint};

    source.context = root;
    return source;
}

ExperimentSource experiment_folder_upright(const char *root)
{
    ExperimentSource source = experiment_folder(root);

    source.picture = folder_picture_upright;
    return source;
}

/* ---- opening and closing ---- */

/* The options' layers become the union of them and the settings' blocks. */
static int join_blocks(LakeOptions *options, const ExperimentSettings *settings, const Clip *model, Error *e)
{
    int code = lake_options_resolve(options, model, e); /* which may choose layers */

    for (size_t b = 0; code == LAKE_OK && b < settings->block_count; b++) {
        const int block = settings->blocks[b];
        size_t at = 0;
        while (at < options->layer_count && options->layers[at] < block)
            at++;
        if (at < options->layer_count && options->layers[at] == block)
            continue;
        if (options->layer_count == LAKE_MAX_LAYERS)
            return error_set(e, LAKE_USAGE, "more than %d blocks to observe", LAKE_MAX_LAYERS);
        memmove(options->layers + at + 1, options->layers + at, (options->layer_count - at) * sizeof *options->layers);
        options->layers[at] = block;
        options->layer_count++;
    }
    return code;
}

static int open_cache(Experiment *x, const char *folder, Error *e)
{
    int code = folder_create(folder, e);

    if (code != LAKE_OK)
        return code;
    x->cache = malloc(strlen(folder) + 1);
    if (x->cache == NULL)
        return error_memory(e, "a path");
    strcpy(x->cache, folder);
    return lake_observer_tokens(&x->eye, &x->shape, e);
}

static int list_images(ExperimentImage **images, const DatasetImage *entries, size_t count, Error *e)
{
    *images = calloc(count + 1, sizeof **images);
    if (*images == NULL)
        return error_memory(e, "the pictures of an experiment");
    for (size_t i = 0; i < count; i++)
        (*images)[i].entry = &entries[i];
    return LAKE_OK;
}

int experiment_open(Experiment *x, const Clip *model, const LakeOptions *options, const ExperimentSettings *settings,
                    const Dataset *dataset, const ExperimentSource *source, Error *e)
{
    const ExperimentSettings defaults = {0};
    LakeOptions joined = *options;
    int see = LAKE_SEE_STRUCTURE, code;

    settings = settings != NULL ? settings : &defaults;
    memset(x, 0, sizeof *x);
    x->dataset = dataset;
    x->source = *source;
    x->skip_unreadable = settings->skip_unreadable;
    x->pixel_side = settings->pixel_side;
    code = join_blocks(&joined, settings, model, e);
    if (code == LAKE_OK && options->class_name[0] != '\0' && model->config.has_text) {
        see |= LAKE_SEE_MEANING | LAKE_SEE_WHOLE;
        code = lake_texts_open(&x->texts, model, options->class_name, options->prompts, NULL, e);
    }
    if (code == LAKE_OK)
        code = lake_observer_open(&x->eye, model, &joined, see, e);
    if (code == LAKE_OK && settings->cache != NULL)
        code = open_cache(x, settings->cache, e);
    if (code == LAKE_OK)
        code = list_images(&x->train, dataset->train, dataset->train_count, e);
    return code == LAKE_OK ? list_images(&x->test, dataset->test, dataset->test_count, e) : code;
}

static void close_images(ExperimentImage *images, size_t count)
{
    for (size_t i = 0; images != NULL && i < count; i++) {
        lake_tokens_close(&images[i].tokens);
        free(images[i].file);
        free(images[i].failure);
        free(images[i].mask_failure);
    }
    free(images);
}

void experiment_close(Experiment *x)
{
    if (x->dataset != NULL) {
        close_images(x->train, x->dataset->train_count);
        close_images(x->test, x->dataset->test_count);
    }
    free(x->cache);
    lake_tokens_close(&x->shape);
    lake_texts_close(&x->texts);
    lake_observer_close(&x->eye);
    memset(x, 0, sizeof *x);
}

/* ---- observing ---- */

static int observe_into(LakeTokens *tokens, Experiment *x, ExperimentImage *image, Error *e)
{
    const char *path = image->entry->path;
    size_t patch = x->eye.model->config.patch;
    Image picture;
    int code = x->source.picture(&picture, x->source.context, path, e);

    if (code != LAKE_OK)
        return code;
    image->height = (size_t)picture.height;
    image->width = (size_t)picture.width;
    if (image->height < patch || image->width < patch)
        code = error_set(e, LAKE_BAD_INPUT, "%s: %d x %d pixels, and a patch of this model has %d x %d", path,
                         picture.width, picture.height, (int)patch, (int)patch);
    if (code == LAKE_OK)
        code = lake_observe(&x->eye, &picture, tokens, e);
    img_free(&picture);
    return code;
}

static int observe_in_memory(Experiment *x, ExperimentImage *image, Error *e)
{
    int code = lake_observer_tokens(&x->eye, &image->tokens, e);

    if (code == LAKE_OK)
        code = observe_into(&image->tokens, x, image, e);
    if (code != LAKE_OK)
        lake_tokens_close(&image->tokens);
    return code;
}

/* ---- observations in files ---- */

static uint64_t hash_number(uint64_t hash, uint64_t number)
{
    unsigned char bytes[8];

    put_u64le(bytes, number);
    return fnv1a64_update(hash, bytes, sizeof bytes);
}

/* With the 0 at its end, so that two texts are not one longer text. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    return fnv1a64_update(hash, text, strlen(text) + 1);
}

/* Names all that an observation depends on: program, weights, kernel (another one rounds otherwise), how the picture is
 * brought to the model, what is taken from it, and the picture. */
static int key_of(uint64_t *key, const Experiment *x, const ExperimentImage *image, Error *e)
{
    const LakeOptions *o = &x->eye.options;
    uint64_t hash = hash_text(FNV1A64_START, LAKE_VERSION), picture = 0;
    int code = LAKE_OK;

    if (x->source.fingerprint != NULL)
        code = x->source.fingerprint(&picture, x->source.context, image->entry->path, e);
    hash = hash_number(hash, wts_fingerprint(x->eye.model->file));
    hash = hash_text(hash, kernel_current()->name);
    hash = hash_number(hash, o->resolution);
    hash = hash_number(hash, (uint64_t)o->grid_resize);
    hash = hash_number(hash, o->upright != 0);
    hash = hash_number(hash, (uint64_t)x->eye.see);
    hash = hash_number(hash, o->layer_count);
    for (size_t l = 0; l < o->layer_count; l++)
        hash = hash_number(hash, (uint64_t)o->layers[l]);
    if (x->eye.see & LAKE_SEE_MEANING) {
        hash = hash_number(hash, (uint64_t)o->patch_attention);
        hash = hash_number(hash, (uint64_t)o->semantic_block);
    }
    hash = hash_text(hash, image->entry->path);
    *key = hash_number(hash, picture);
    return code;
}

static int name_file(ExperimentImage *image, const Experiment *x, Error *e)
{
    char name[32];

    snprintf(name, sizeof name, "%08lx%08lx.tokens", (unsigned long)(image->key >> 32),
             (unsigned long)(image->key & 0xffffffff));
    free(image->file);
    image->file = path_join(x->cache, name);
    return image->file != NULL ? LAKE_OK : error_memory(e, "a path");
}

static int observe_in_file(Experiment *x, ExperimentImage *image, Error *e)
{
    int code = key_of(&image->key, x, image, e);

    if (code == LAKE_OK)
        code = name_file(image, x, e);
    if (code != LAKE_OK || token_file_check(&image->height, &image->width, image->file, image->key, &x->shape))
        return code;
    code = observe_into(&x->shape, x, image, e);
    if (code == LAKE_OK)
        code = token_file_write(image->file, image->key, image->height, image->width, &x->shape, e);
    return code;
}

/* ---- all of it ---- */

int experiment_forgive(char **failure, int code, const Experiment *x, Error *e)
{
    if (code != LAKE_BAD_INPUT || !x->skip_unreadable)
        return code;
    *failure = malloc(strlen(e->text) + 1);
    if (*failure == NULL)
        return error_memory(e, "a message");
    strcpy(*failure, e->text);
    return LAKE_OK;
}

int experiment_observe(Experiment *x, ExperimentImage *image, Error *e)
{
    int code;

    if (image->observed || image->failure != NULL)
        return LAKE_OK;
    code = x->cache != NULL ? observe_in_file(x, image, e) : observe_in_memory(x, image, e);
    if (code == LAKE_OK)
        image->observed = 1;
    return experiment_forgive(&image->failure, code, x, e);
}

int experiment_observe_all(Experiment *x, const ExperimentPlan *plan, Error *e)
{
    int code = LAKE_OK;

    for (size_t i = 0; i < x->dataset->test_count && code == LAKE_OK; i++)
        code = experiment_observe(x, &x->test[i], e);
    for (size_t i = 0; plan != NULL && i < plan->shot_count && code == LAKE_OK; i++)
        code = experiment_observe(x, &x->train[plan->shots[i]], e);
    return code;
}

/* ---- what could not be read ---- */

/* Failure `wanted` of a list of pictures into *failure where there are so many; returns how many there are. */
static size_t look_through(ExperimentFailure *failure, size_t wanted, const ExperimentImage *images, size_t count)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++) {
        const DatasetImage *entry = images[i].entry;
        if (images[i].failure != NULL && found++ == wanted) {
            failure->path = entry->path;
            failure->message = images[i].failure;
        }
        if (images[i].mask_failure != NULL && found++ == wanted) {
            failure->path = entry->mask;
            failure->message = images[i].mask_failure;
        }
    }
    return found;
}

size_t experiment_failure_count(const Experiment *x)
{
    return look_through(NULL, SIZE_MAX, x->train, x->dataset->train_count) +
           look_through(NULL, SIZE_MAX, x->test, x->dataset->test_count);
}

ExperimentFailure experiment_failure(const Experiment *x, size_t i)
{
    ExperimentFailure failure = {"", ""};
    size_t before = look_through(&failure, i, x->train, x->dataset->train_count);

    if (i >= before)
        look_through(&failure, i - before, x->test, x->dataset->test_count);
    return failure;
}

/* ---- looking at observations ---- */

/* Moves the layers of these blocks to the front. */
static int pick_layers(LakeTokens *tokens, const LakeOptions *seen, const int *blocks, size_t block_count, Error *e)
{
    size_t at = 0;

    for (size_t b = 0; b < block_count; b++, at++) {
        while (at < seen->layer_count && seen->layers[at] != blocks[b])
            at++;
        if (at >= seen->layer_count)
            return error_set(e, LAKE_USAGE, "the tokens of block %d are asked for and were not observed", blocks[b]);
        tokens->layers[b] = tokens->layers[at];
        tokens->widths[b] = tokens->widths[at];
    }
    tokens->layer_count = block_count;
    return LAKE_OK;
}

int experiment_view(ExperimentView *view, const Experiment *x, const ExperimentImage *image, const int *blocks,
                    size_t block_count, Error *e)
{
    int code = LAKE_OK;

    memset(view, 0, sizeof *view);
    if (!image->observed)
        return error_set(e, LAKE_USAGE, "%s: was not observed", image->entry->path);
    if (image->file == NULL)
        view->tokens = image->tokens;
    else
        code = token_file_map(&view->tokens, &view->file, image->file, image->key, &x->shape, e);
    if (code == LAKE_OK)
        code = pick_layers(&view->tokens, &x->eye.options, blocks, block_count, e);
    if (code != LAKE_OK)
        experiment_view_close(view);
    return code;
}

void experiment_view_close(ExperimentView *view)
{
    if (view->file.data != NULL)
        file_unmap(&view->file);
    memset(view, 0, sizeof *view);
}
