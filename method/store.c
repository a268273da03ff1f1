/* Tokens in memory or in files; see store.h. A layer's file is written image after image and read the same way, so
 * positions beyond what fseek can express do not matter. */
#include "method/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/temporary.h"

int store_open(TokenStore *store, size_t patches, const size_t *widths, size_t layer_count, size_t memory, Error *e)
{
    size_t floats = 0;

    memset(store, 0, sizeof *store);
    for (size_t l = 0; l < layer_count; l++) {
        store->offsets[l] = floats;
        if (widths[l] == 0)
            return error_set(e, LAKE_USAGE, "tokens of width 0");
        if (!size_multiply(patches, widths[l], &store->floats[l]) || !size_add(floats, store->floats[l], &floats))
            floats = SIZE_MAX;
    }
    if (floats == 0 || floats > SIZE_MAX / sizeof(float))
        return error_set(e, LAKE_USAGE, "tokens of %llu patches", (unsigned long long)patches);
    store->layer_count = layer_count;
    store->most = memory / (floats * sizeof(float));
    return LAKE_OK;
}

size_t store_image_floats(const TokenStore *store)
{
    return store->offsets[store->layer_count - 1] + store->floats[store->layer_count - 1];
}

void store_close(TokenStore *store)
{
    for (size_t i = 0; i < store->held; i++)
        free(store->images[i]);
    for (size_t l = 0; l < store->layer_count; l++)
        if (store->files[l] != NULL)
            fclose(store->files[l]);
    free(store->images);
    free(store->buffer);
    memset(store, 0, sizeof *store);
}

static int hold(TokenStore *store, float *block, Error *e)
{
    if (store->held == store->room) {
        size_t room = store->room == 0 ? 8 : 2 * store->room;
        float **grown = realloc(store->images, room * sizeof *grown);
        if (grown == NULL)
            return error_memory(e, "the normal images");
        store->images = grown;
        store->room = room;
    }
    store->images[store->held++] = block;
    return LAKE_OK;
}

/* The message for what a file did not do. */
static int failed(const char *what, Error *e)
{
    return error_set(e, LAKE_RESOURCE,
                     "the temporary file of the normal tokens in %s cannot be %s: %s; TMPDIR names another folder, "
                     "--memory keeps more in memory",
                     temporary_folder(), what, errno != 0 ? strerror(errno) : "input/output error");
}

static int write_out(TokenStore *store, const float *block, Error *e)
{
    size_t largest = 0;
    int code = LAKE_OK;

    for (size_t l = 0; l < store->layer_count; l++)
        largest = store->floats[l] > largest ? store->floats[l] : largest;
    if (store->buffer == NULL && (store->buffer = malloc(largest * sizeof *store->buffer)) == NULL)
        return error_memory(e, "the tokens of a normal image");
    for (size_t l = 0; code == LAKE_OK && l < store->layer_count; l++) {
        if (store->files[l] == NULL)
            code = temporary_open(&store->files[l], e);
        errno = 0;
        if (code == LAKE_OK && (fwrite(block + store->offsets[l], sizeof *block, store->floats[l], store->files[l]) !=
                                    store->floats[l] ||
                                fflush(store->files[l]) != 0))
            code = failed("written", e);
    }
    return code;
}

int store_add(TokenStore *store, float *block, Error *e)
{
    int code, kept = store->count < store->most;

    code = kept ? hold(store, block, e) : write_out(store, block, e);
    if (!kept || code != LAKE_OK)
        free(block);
    store->count += code == LAKE_OK;
    return code;
}

int store_layer(const float **tokens, TokenStore *store, size_t layer, size_t image, Error *e)
{
    FILE *file = store->files[layer];

    if (image < store->held) {
        *tokens = store->images[image] + store->offsets[layer];
        return LAKE_OK;
    }
    if (image == store->held)
        rewind(file);
    errno = 0;
    if (fread(store->buffer, sizeof *store->buffer, store->floats[layer], file) != store->floats[layer])
        return failed("read", e);
    *tokens = store->buffer;
    return LAKE_OK;
}

float **store_release(TokenStore *store)
{
    float **images = store->images;

    store->images = NULL;
    store->held = store->count = store->room = 0;
    return images;
}
