/* The flat binary of weights: weights/weights.c and layout.c, clip_open.c, tokenizer_section.c. Files are given once as
 * they are and once with their sizes and checksums put right, in place and where nothing is aligned. */
#include <stdlib.h>
#include <string.h>

#include "clip.h"
#include "test/fuzz/repair_clip.h"

/* The first numbers and the last, in whatever layout they stand. */
static void read_numbers(const WtsTensor *t)
{
    enum { NUMBERS = 40 };
    float numbers[NUMBERS];
    size_t count = t->bytes / wts_type_size(t->type), n = count < NUMBERS ? count : NUMBERS;

    wts_read(numbers, t, 0, n);
    wts_read(numbers, t, count - n, n);
}

static void check_tensors(const WtsFile *file)
{
    size_t i;

    for (i = 0; i < wts_tensor_count(file); i++) {
        const WtsTensor *t = wts_tensor(file, i);
        unsigned char *copy = fuzz_copy(t->data, t->bytes); /* all bytes can be read */

        PROMISE((uintptr_t)t->data % wts_type_size(t->type) == 0);
        PROMISE(strlen(t->name) < sizeof t->name && wts_find(file, t->name) == t);
        free(copy);
        read_numbers(t);
        wts_companion(file, t, WTS_SCALE);
    }
    PROMISE(wts_tensor(file, i) == NULL && wts_find(file, "no such tensor") == NULL);
}

/* Returns whether the file is good. */
static int open_weights(const unsigned char *data, size_t size)
{
    WtsFile *file;
    Error e = FUZZ_ERROR;
    int code = wts_open_memory(&file, data, size, "fuzz", &e);

    fuzz_check(code, &e);
    if (code != LAKE_OK)
        return 0;
    check_tensors(file);
    fuzz_check(wts_verify(file, &e), &e);
    wts_close(file);
    return 1;
}

static void open_model(const unsigned char *data, size_t size)
{
    Clip model;
    uint32_t *ids;
    size_t count;
    Error e = FUZZ_ERROR;
    int code = clip_open_memory(&model, data, size, "fuzz", &e);

    fuzz_check(code, &e);
    if (code == LAKE_OK && model.tokenizer != NULL) {
        ids = malloc(model.config.context * sizeof *ids);
        if (ids == NULL)
            abort();
        PROMISE(tok_encode(model.tokenizer, "a photo", model.config.context, ids, &count, NULL, &e) == LAKE_OK);
        free(ids);
    }
    clip_close(&model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *copy;
    int good;

    open_weights(data, size);
    copy = malloc(size + 1);
    if (copy == NULL)
        abort();
    memcpy(copy + 1, data, size);
    fuzz_repair_clip(copy + 1, size);
    good = open_weights(copy + 1, size);
    if (good) {
        memmove(copy, copy + 1, size);
        PROMISE(open_weights(copy, size));
        open_model(copy, size);
    }
    free(copy);
    return 0;
}
