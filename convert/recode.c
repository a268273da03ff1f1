/* .clip -> .clip; see recode.h. Everything but the type of the matrices stays, and each tensor's checksum is compared
 * before it is copied, so that damage is not handed on under a new checksum. */
#include "convert/recode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "clip.h"
#include "convert/config.h"

enum {
    NUMBERS_AT_ONCE = 16384,
    RELEASE_BYTES = 1 << 25 /* after so many bytes of output the file is mapped anew */
};

typedef struct {
    const ConvertOptions *options;
    ConvertProgress *progress;
    void *context;
    Error *e;
    WtsFile *file;
    uint64_t fingerprint;
    WtsTensor *tensors; /* [count] of the output, without what the writer adds */
    size_t count;
    size_t total_bytes, done_bytes, released_at;
    WtsWriter *writer;
    float values[NUMBERS_AT_ONCE];
} Recoding;

int recode_recognises(const char *path)
{
    FileView view;
    int found;

    if (path_kind(path) != PATH_FILE || file_map(&view, path, NULL) != LAKE_OK)
        return 0;
    found = view.size >= 5 && memcmp(view.data, "\x89" "CLIP", 5) == 0;
    file_unmap(&view);
    return found;
}

static int check_options(const ConvertOptions *o, Error *e)
{
    if (o->vocabulary != NULL || o->activation != -1 || o->eps != 0 || o->heads != 0 || o->text_heads != 0 ||
        !isnan(o->mean[0]) || o->std[0] != 0)
        return error_set(e, LAKE_USAGE,
                         "%s: is a .clip file, of which only --dtype can be changed: convert the checkpoint again",
                         o->checkpoint);
    return LAKE_OK;
}

/* The tensor that the output's tensor number `index` is made of. */
static int find_source(const Recoding *r, const WtsTensor **source, size_t index)
{
    const WtsTensor *t = &r->tensors[index], *found = wts_find(r->file, t->name);

    if (found == NULL || found->rank != t->rank || memcmp(found->shape, t->shape, sizeof t->shape) != 0)
        return error_set(r->e, LAKE_BAD_INPUT,
                         "%s: tensor %s is missing, or not of the shape that the configuration asks for",
                         wts_path(r->file), t->name);
    if (found->type == WTS_Q8)
        return error_set(r->e, LAKE_BAD_INPUT,
                         "%s: tensor %s is q8 already, and what was lost then stays lost: convert the checkpoint, or a "
                         ".clip file of another type",
                         wts_path(r->file), t->name);
    *source = found;
    return LAKE_OK;
}

/* Lists the output's tensors, and finds a source for each before anything is written. */
static int list_tensors(Recoding *r)
{
    const WtsTensor *source;
    int code = wts_layout(wts_config(r->file), r->options->type, &r->tensors, &r->count, r->e);

    for (size_t i = 0; code == LAKE_OK && i < r->count; i++) {
        code = find_source(r, &source, i);
        r->total_bytes += r->tensors[i].bytes;
    }
    if (code == LAKE_OK && wts_tensor_count(r->file) != r->count)
        code = error_set(r->e, LAKE_BAD_INPUT, "%s: holds %lu tensors, the configuration asks for %lu",
                         wts_path(r->file), (unsigned long)wts_tensor_count(r->file), (unsigned long)r->count);
    return code;
}

/* What is not opened as a model, for its tokenizer say, would be refused again in its new form. */
static int check_model(const Recoding *r)
{
    Clip model;
    int code = clip_open(&model, r->options->checkpoint, r->e);

    if (code == LAKE_OK)
        clip_close(&model);
    return code;
}

/* Opens the file again, so that the pages read so far no longer count as memory of this process. */
static int release(Recoding *r)
{
    int code;

    if (r->done_bytes - r->released_at <= RELEASE_BYTES)
        return LAKE_OK;
    r->released_at = r->done_bytes;
    wts_close(r->file);
    code = wts_open(&r->file, r->options->checkpoint, r->e);
    if (code == LAKE_OK && wts_fingerprint(r->file) != r->fingerprint)
        code = error_set(r->e, LAKE_BAD_INPUT, "%s: was changed while it was read", r->options->checkpoint);
    return code;
}

static int copy_tensor(Recoding *r, size_t index)
{
    const size_t size = wts_type_size(r->tensors[index].type), numbers = r->tensors[index].bytes / size;
    const WtsTensor *source;
    int code = release(r);

    if (code == LAKE_OK)
        code = find_source(r, &source, index);
    if (code == LAKE_OK)
        code = wts_verify_tensor(r->file, source, r->e);
    for (size_t i = 0, n; code == LAKE_OK && i < numbers; i += n) {
        n = numbers - i < NUMBERS_AT_ONCE ? numbers - i : NUMBERS_AT_ONCE;
        wts_read(r->values, source, i, n);
        code = wts_put(r->writer, r->values, n, r->e);
        r->done_bytes += n * size;
        if (r->progress != NULL)
            r->progress(r->context, (double)r->done_bytes / (double)r->total_bytes);
    }
    return code;
}

static int write_output(Recoding *r, ConvertNote *note)
{
    size_t size;
    const unsigned char *tokenizer = wts_tokenizer(r->file, &size);
    int code = wts_create(&r->writer, r->options->output, wts_config(r->file), r->tensors, r->count, tokenizer, size,
                          r->e);

    if (code != LAKE_OK)
        return code;
    for (size_t i = 0; code == LAKE_OK && i < r->count; i++)
        code = copy_tensor(r, i);
    if (code != LAKE_OK) {
        wts_abandon(r->writer);
        return code;
    }
    convert_note_errors(wts_writer_errors(r->writer), note, r->context);
    return wts_finish(r->writer, r->e);
}

int recode(const ConvertOptions *options, ConvertProgress *progress, ConvertNote *note, void *context, Error *e)
{
    Recoding *r;
    int code = check_options(options, e);

    if (code != LAKE_OK)
        return code;
    r = calloc(1, sizeof *r);
    if (r == NULL)
        return error_memory(e, "a conversion");
    r->options = options;
    r->progress = progress;
    r->context = context;
    r->e = e;
    code = wts_open(&r->file, options->checkpoint, e);
    if (code == LAKE_OK) {
        r->fingerprint = wts_fingerprint(r->file);
        code = list_tensors(r);
    }
    if (code == LAKE_OK)
        code = check_model(r);
    if (code == LAKE_OK)
        code = write_output(r, note);
    wts_close(r->file);
    free(r->tensors);
    free(r);
    return code;
}
