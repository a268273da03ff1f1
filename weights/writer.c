/* Writing a .clip file (FORMAT.md). The head stands first and holds the checksums of the data behind it, so it is
 * written twice: once to take its place, and again when the data are known. Memory is the head and one small buffer. */
#include "weights/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/file.h"
#include "base/half.h"

enum { NUMBERS_AT_ONCE = 4096 };

struct WtsWriter {
    FileOut out;
    WtsTensor *tensors;   /* [count] with bytes, and crc as far as written */
    size_t count;
    unsigned char *head;  /* [head_size] */
    size_t head_size;
    size_t current;       /* tensor that wts_put continues */
    size_t done;          /* bytes of it that are written */
    unsigned char buffer[NUMBERS_AT_ONCE * 4];
};

/* ---- the head ---- */

static void put_tower(unsigned char *p, const TowerConfig *t)
{
    put_u32le(p, t->width);
    put_u32le(p + 4, t->layers);
    put_u32le(p + 8, t->heads);
    put_u32le(p + 12, t->mlp);
    put_u32le(p + 16, (uint32_t)t->activation);
    put_f32le(p + 20, t->eps);
}

static void put_config(unsigned char *p, const ClipConfig *c)
{
    int i;

    put_tower(p, &c->vision);
    put_u32le(p + 24, c->resolution);
    put_u32le(p + 28, c->patch);
    for (i = 0; i < 3; i++) {
        put_f32le(p + 32 + 4 * i, c->mean[i]);
        put_f32le(p + 44 + 4 * i, c->std[i]);
    }
    put_u32le(p + 56, c->embed);
    put_u32le(p + 60, (c->has_ln_pre ? FLAG_LN_PRE : 0u) | (c->has_patch_bias ? FLAG_PATCH_BIAS : 0u) |
                          (c->has_projection ? FLAG_PROJECTION : 0u) | (c->has_text ? FLAG_TEXT : 0u));
    put_tower(p + 64, &c->text);
    put_u32le(p + 88, c->context);
    put_u32le(p + 92, c->vocabulary);
    put_f32le(p + 96, c->logit_scale);
}

static void put_entry(unsigned char *p, const WtsTensor *t, uint64_t offset)
{
    int i;

    memcpy(p + ENTRY_NAME, t->name, sizeof t->name);
    put_u32le(p + ENTRY_TYPE, (uint32_t)t->type);
    put_u32le(p + ENTRY_RANK, t->rank);
    for (i = 0; i < 4; i++)
        put_u32le(p + ENTRY_SHAPE + 4 * i, t->shape[i]);
    put_u64le(p + ENTRY_OFFSET, offset);
    put_u64le(p + ENTRY_BYTES, t->bytes);
}

/* Fills in the head but for the checksums, which put_checksums adds when the data are written. */
static int put_head(WtsWriter *w, const ClipConfig *config, const unsigned char *tokenizer, size_t tokenizer_size,
                    Error *e)
{
    unsigned char *entry = w->head + AT_TABLE;
    size_t i, end = w->head_size;

    memcpy(w->head, WTS_MAGIC, WTS_MAGIC_SIZE);
    put_u32le(w->head + AT_VERSION, WTS_VERSION);
    put_u32le(w->head + AT_BYTE_ORDER, WTS_BYTE_ORDER);
    put_u32le(w->head + AT_HEAD_SIZE, (uint32_t)w->head_size);
    put_u32le(w->head + AT_TENSOR_COUNT, (uint32_t)w->count);
    put_u32le(w->head + AT_TOKENIZER_SIZE, (uint32_t)tokenizer_size);
    put_config(w->head + AT_CONFIG, config);
    for (i = 0; i < w->count; i++, entry += ENTRY_SIZE) {
        size_t offset;

        if (!wts_align(end, &offset) || !size_add(offset, w->tensors[i].bytes, &end))
            return error_set(e, LAKE_RESOURCE, "%s: the file would be larger than this machine can address",
                             w->out.path);
        put_entry(entry, &w->tensors[i], offset);
    }
    if (tokenizer_size > 0)
        memcpy(entry, tokenizer, tokenizer_size);
    put_u64le(w->head + AT_FILE_SIZE, end);
    return LAKE_OK;
}

static void put_checksums(WtsWriter *w)
{
    size_t i;

    for (i = 0; i < w->count; i++)
        put_u32le(w->head + AT_TABLE + i * ENTRY_SIZE + ENTRY_CRC, w->tensors[i].crc);
    put_u32le(w->head + AT_HEAD_CRC, wts_head_crc(w->head, w->head_size));
}

/* ---- opening ---- */

static int copy_tensors(WtsWriter *w, const WtsTensor *tensors, const char *path, Error *e)
{
    size_t i, bytes;

    if (!size_multiply(w->count, sizeof *tensors, &bytes) || (w->tensors = malloc(bytes + 1)) == NULL)
        return error_memory(e, "the table of tensors");
    for (i = 0; i < w->count; i++) {
        WtsTensor *t = &w->tensors[i];

        *t = tensors[i];
        t->crc = 0;
        if (wts_check_tensor(t, path, e) != LAKE_OK)
            return LAKE_BAD_INPUT;
        if (!wts_tensor_bytes(t, &t->bytes))
            return error_set(e, LAKE_RESOURCE, "%s: tensor %s is larger than this machine can address", path, t->name);
    }
    return LAKE_OK;
}

/* Takes a head of zeros of the right size. */
static int allocate_head(WtsWriter *w, const char *path, size_t tokenizer_size, Error *e)
{
    size_t size;

    if (!size_multiply(w->count, ENTRY_SIZE, &size) || !size_add(size, AT_TABLE, &size) ||
        !size_add(size, tokenizer_size, &size) || !wts_align(size, &size) || size > UINT32_MAX)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: %llu tensors and a tokenizer of %llu bytes are too many for the file's head", path,
                         (unsigned long long)w->count, (unsigned long long)tokenizer_size);
    w->head_size = size;
    w->head = calloc(size, 1);
    return w->head != NULL ? LAKE_OK : error_memory(e, "the head of the file");
}

/* Opens the output and writes the head for the first time. */
static int begin(WtsWriter *w, const char *path, Error *e)
{
    int code = file_create(&w->out, path, e);

    if (code != LAKE_OK)
        return code;
    if (fseek(w->out.stream, 0, SEEK_SET) != 0)
        return error_set(e, LAKE_RESOURCE, "%s: cannot write: is a pipe, expected a file (its head is written last)",
                         path);
    return file_write(&w->out, w->head, w->head_size, e);
}

int wts_create(WtsWriter **writer, const char *path, const ClipConfig *config, const WtsTensor *tensors, size_t count,
               const unsigned char *tokenizer, size_t tokenizer_size, Error *e)
{
    WtsWriter *w;
    int code;

    *writer = NULL;
    if (wts_check_config(config, path, e) != LAKE_OK)
        return LAKE_BAD_INPUT;
    w = calloc(1, sizeof *w);
    if (w == NULL)
        return error_memory(e, "a writer");
    w->count = count;
    code = copy_tensors(w, tensors, path, e);
    if (code == LAKE_OK)
        code = allocate_head(w, path, tokenizer_size, e);
    if (code == LAKE_OK)
        code = put_head(w, config, tokenizer, tokenizer_size, e);
    if (code == LAKE_OK)
        code = begin(w, path, e);
    if (code != LAKE_OK) {
        wts_abandon(w);
        return code;
    }
    *writer = w;
    return LAKE_OK;
}

/* ---- data ---- */

static int refuse_number(const WtsWriter *w, const WtsTensor *t, float value, Error *e)
{
    if (!isfinite(value))
        return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s holds %s: the weights are damaged", w->out.path, t->name,
                         isnan(value) ? "NaN" : "an infinity");
    return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s holds %g, beyond the range of %s: write %s", w->out.path,
                     t->name, (double)value, wts_type_name(t->type),
                     t->type == WTS_F16 ? "bf16 (--dtype bf16)" : "f32 (--dtype f32)");
}

/* One number to the file's bytes; returns 0 where the type does not hold it. */
static int encode(unsigned char *out, WtsType type, float value)
{
    uint16_t half;

    if (!isfinite(value))
        return 0;
    if (type == WTS_F32) {
        put_f32le(out, value);
        return 1;
    }
    half = type == WTS_F16 ? float_to_f16(value) : float_to_bf16(value);
    put_u16le(out, half);
    return isfinite(type == WTS_F16 ? f16_to_float(half) : bf16_to_float(half));
}

/* Zeros between the end of the tensor before and the place of the current one. */
static int write_padding(WtsWriter *w, Error *e)
{
    static const unsigned char zeros[WTS_ALIGNMENT];

    if (w->current == 0)
        return LAKE_OK;
    return file_write(&w->out, zeros,
                      (WTS_ALIGNMENT - w->tensors[w->current - 1].bytes % WTS_ALIGNMENT) % WTS_ALIGNMENT, e);
}

int wts_put(WtsWriter *w, const float *values, size_t count, Error *e)
{
    WtsTensor *t = &w->tensors[w->current];
    size_t size, n, i;

    if (w->current == w->count || count > (t->bytes - w->done) / wts_type_size(t->type))
        return error_set(e, LAKE_USAGE, "%s: more numbers than %s has room for", w->out.path,
                         w->current == w->count ? "the last tensor" : t->name);
    if (w->done == 0 && write_padding(w, e) != LAKE_OK)
        return LAKE_RESOURCE;
    size = wts_type_size(t->type);
    for (; count > 0; count -= n, values += n) {
        n = count < NUMBERS_AT_ONCE ? count : NUMBERS_AT_ONCE;
        for (i = 0; i < n; i++)
            if (!encode(w->buffer + i * size, t->type, values[i]))
                return refuse_number(w, t, values[i], e);
        if (file_write(&w->out, w->buffer, n * size, e) != LAKE_OK)
            return LAKE_RESOURCE;
        t->crc = crc32_update(t->crc, w->buffer, n * size);
        w->done += n * size;
    }
    if (w->done == t->bytes) {
        w->current++;
        w->done = 0;
    }
    return LAKE_OK;
}

/* ---- closing ---- */

static void free_memory(WtsWriter *w)
{
    free(w->tensors);
    free(w->head);
    free(w);
}

int wts_finish(WtsWriter *w, Error *e)
{
    int code;

    if (w->current < w->count) {
        code = error_set(e, LAKE_USAGE, "%s: tensor %s is not complete", w->out.path, w->tensors[w->current].name);
        wts_abandon(w);
        return code;
    }
    put_checksums(w);
    if (fseek(w->out.stream, 0, SEEK_SET) != 0)
        code = error_set(e, LAKE_RESOURCE, "%s: cannot write: cannot go back to its head", w->out.path);
    else
        code = file_write(&w->out, w->head, w->head_size, e);
    if (code != LAKE_OK) {
        wts_abandon(w);
        return code;
    }
    code = file_commit(&w->out, e);
    free_memory(w);
    return code;
}

void wts_abandon(WtsWriter *w)
{
    if (w == NULL)
        return;
    file_discard(&w->out);
    free_memory(w);
}
