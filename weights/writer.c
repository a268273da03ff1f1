/* Writing a .clip file (FORMAT.md). The head stands first and holds the checksums of the data behind it, so it is
 * written twice: once to take its place, and again when the data are known. Memory is the head, one small buffer and,
 * for matrices in panels and of q8, one panel, one row and the scales of a matrix. */
#include "weights/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/file.h"
#include "base/half.h"
#include "weights/quantise.h"

enum { NUMBERS_AT_ONCE = 4096 };

/* A matrix whose numbers are collected to rows: of q8, since a row's scale is that of all its numbers; or in panels. */
typedef struct {
    float *row;           /* [columns], room for any */
    unsigned char *coded; /* [columns] the row in the file's type */
    unsigned char *panel; /* [WTS_PANEL_ROWS, columns] in the file's type and order */
    float *scales;        /* [rows] of q8, room for any */
    size_t columns, collected, rows; /* of the current tensor; numbers in `row`; rows complete */
    double squares, squared_error;   /* of q8: sums over the rows complete */
} Collected;

struct WtsWriter {
    FileOut out;
    WtsTensor *tensors;   /* [count] with bytes, and crc as far as written */
    size_t count;
    unsigned char *head;  /* [head_size] */
    size_t head_size;
    size_t current;       /* tensor that wts_put continues */
    size_t done;          /* bytes of it that are written or collected */
    Collected rows;
    WtsErrors errors;
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
    put_u32le(p + ENTRY_LAYOUT, (uint32_t)t->layout);
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

/* Appends a tensor to the table, where there is room for it. */
static int add_tensor(WtsWriter *w, const WtsTensor *tensor, const char *path, Error *e)
{
    WtsTensor *t = &w->tensors[w->count];

    *t = *tensor;
    t->crc = 0;
    if (wts_check_tensor(t, path, e) != LAKE_OK)
        return LAKE_BAD_INPUT;
    if (!wts_tensor_bytes(t, &t->bytes))
        return error_set(e, LAKE_RESOURCE, "%s: tensor %s is larger than this machine can address", path, t->name);
    w->count++;
    return LAKE_OK;
}

/* Appends the tensor of `numbers` f32 that goes with a q8 tensor. */
static int add_companion(WtsWriter *w, const WtsTensor *of, const char *suffix, uint32_t numbers, const char *path,
                         Error *e)
{
    WtsTensor t = {"", WTS_F32, 1, {0, 1, 1, 1}, NULL, 0, 0, LAYOUT_ROWS};

    t.shape[0] = numbers;
    if (!wts_companion_name(t.name, of->name, suffix))
        return error_set(e, LAKE_USAGE, "%s: the name of q8 tensor %s leaves no room for %s", path, of->name, suffix);
    return add_tensor(w, &t, path, e);
}

/* The table: the caller's tensors, each q8 tensor followed by its scales and its error. */
static int list_tensors(WtsWriter *w, const WtsTensor *tensors, size_t count, const char *path, Error *e)
{
    size_t i, bytes;
    int code = LAKE_OK;

    if (!size_multiply(count, 3 * sizeof *tensors, &bytes) || (w->tensors = malloc(bytes + 1)) == NULL)
        return error_memory(e, "the table of tensors");
    for (i = 0; code == LAKE_OK && i < count; i++) {
        const WtsTensor *t = &tensors[i];

        code = add_tensor(w, t, path, e);
        if (code == LAKE_OK && t->type == WTS_Q8)
            code = add_companion(w, t, WTS_SCALE, t->shape[0], path, e);
        if (code == LAKE_OK && t->type == WTS_Q8)
            code = add_companion(w, t, WTS_ERROR, 1, path, e);
    }
    return code;
}

static int is_collected(const WtsTensor *t)
{
    return t->type == WTS_Q8 || t->layout == LAYOUT_PANELS;
}

static size_t columns_of(const WtsTensor *t)
{
    return t->bytes / wts_type_size(t->type) / t->shape[0];
}

/* Room for the longest row that is collected, and for the scales of the q8 matrix with most rows. */
static int allocate_rows(WtsWriter *w, Error *e)
{
    size_t i, columns = 0, rows = 0;

    for (i = 0; i < w->count; i++) {
        const WtsTensor *t = &w->tensors[i];

        if (is_collected(t) && columns_of(t) > columns)
            columns = columns_of(t);
        if (t->type == WTS_Q8 && t->shape[0] > rows)
            rows = t->shape[0];
    }
    if (columns == 0)
        return LAKE_OK;
    w->rows.row = calloc(columns, sizeof *w->rows.row);
    w->rows.coded = calloc(columns, 4);
    w->rows.panel = calloc(columns, (size_t)WTS_PANEL_ROWS * 4);
    w->rows.scales = calloc(rows + 1, sizeof *w->rows.scales);
    return w->rows.row != NULL && w->rows.coded != NULL && w->rows.panel != NULL && w->rows.scales != NULL
               ? LAKE_OK
               : error_memory(e, "the rows of a panel");
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
    code = list_tensors(w, tensors, count, path, e);
    if (code == LAKE_OK)
        code = allocate_rows(w, e);
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

static int write_data(WtsWriter *w, WtsTensor *t, const unsigned char *data, size_t bytes, Error *e)
{
    t->crc = crc32_update(t->crc, data, bytes);
    return file_write(&w->out, data, bytes, e);
}

/* Numbers of f32, f16 or bf16; at most NUMBERS_AT_ONCE. */
static int put_numbers(WtsWriter *w, WtsTensor *t, const float *values, size_t count, Error *e)
{
    size_t i, size = wts_type_size(t->type);

    for (i = 0; i < count; i++)
        if (!encode(w->buffer + i * size, t->type, values[i]))
            return refuse_number(w, t, values[i], e);
    return write_data(w, t, w->buffer, count * size, e);
}

/* The row in the file's type; of q8 with its scale and what it costs. */
static int code_row(WtsWriter *w, const WtsTensor *t, Error *e)
{
    Collected *c = &w->rows;
    size_t i, size = wts_type_size(t->type);
    float scale;

    if (t->type != WTS_Q8) {
        for (i = 0; i < c->columns; i++)
            if (!encode(c->coded + i * size, t->type, c->row[i]))
                return refuse_number(w, t, c->row[i], e);
        return LAKE_OK;
    }
    for (i = 0; i < c->columns; i++)
        if (!(fabsf(c->row[i]) <= Q8_RANGE)) /* written so that NaN fails too */
            return refuse_number(w, t, c->row[i], e);
    scale = c->scales[c->rows] = q8_scale(c->row, c->columns);
    q8_numbers((signed char *)c->coded, c->row, c->columns, scale);
    c->squared_error += q8_squared_error((const signed char *)c->coded, c->row, c->columns, scale);
    for (i = 0; i < c->columns; i++)
        c->squares += (double)c->row[i] * c->row[i];
    return LAKE_OK;
}

/* The row that is complete: written, or put into its panel, which is written with its last row. */
static int put_row(WtsWriter *w, WtsTensor *t, Error *e)
{
    Collected *c = &w->rows;
    size_t i, size = wts_type_size(t->type), bytes = c->columns * size, row = c->rows % WTS_PANEL_ROWS;

    if (code_row(w, t, e) != LAKE_OK)
        return LAKE_BAD_INPUT;
    c->rows++;
    c->collected = 0;
    if (t->layout == LAYOUT_ROWS)
        return write_data(w, t, c->coded, bytes, e);
    for (i = 0; i < c->columns; i++)
        memcpy(c->panel + wts_panel_index(t->type, c->columns, row, i) * size, c->coded + i * size, size);
    return row + 1 == WTS_PANEL_ROWS ? write_data(w, t, c->panel, WTS_PANEL_ROWS * bytes, e) : LAKE_OK;
}

/* Numbers of a matrix that is collected, at most to the end of the row. */
static int put_into_row(WtsWriter *w, WtsTensor *t, const float *values, size_t count, Error *e)
{
    memcpy(w->rows.row + w->rows.collected, values, count * sizeof *values);
    w->rows.collected += count;
    return w->rows.collected == w->rows.columns ? put_row(w, t, e) : LAKE_OK;
}

/* What goes with the q8 tensor that is complete: its scales, and the error relative to its size. */
static int put_companions(WtsWriter *w, Error *e)
{
    float error = (float)(w->rows.squares > 0 ? sqrt(w->rows.squared_error / w->rows.squares) : 0);
    int code;

    wts_errors_add(&w->errors, w->tensors[w->current - 1].name, error);
    code = wts_put(w, w->rows.scales, w->rows.rows, e);
    return code == LAKE_OK ? wts_put(w, &error, 1, e) : code;
}

/* What comes before the first number of a tensor. */
static int begin_tensor(WtsWriter *w, const WtsTensor *t, Error *e)
{
    w->rows.columns = columns_of(t);
    w->rows.collected = w->rows.rows = 0;
    w->rows.squares = w->rows.squared_error = 0;
    return write_padding(w, e);
}

int wts_put(WtsWriter *w, const float *values, size_t count, Error *e)
{
    WtsTensor *t = &w->tensors[w->current];
    size_t size, n;
    int code;

    if (w->current == w->count || count > (t->bytes - w->done) / wts_type_size(t->type))
        return error_set(e, LAKE_USAGE, "%s: more numbers than %s has room for", w->out.path,
                         w->current == w->count ? "the last tensor" : t->name);
    if (w->done == 0 && begin_tensor(w, t, e) != LAKE_OK)
        return LAKE_RESOURCE;
    size = wts_type_size(t->type);
    for (; count > 0; count -= n, values += n) {
        n = is_collected(t) ? w->rows.columns - w->rows.collected : NUMBERS_AT_ONCE;
        n = count < n ? count : n;
        code = is_collected(t) ? put_into_row(w, t, values, n, e) : put_numbers(w, t, values, n, e);
        if (code != LAKE_OK)
            return code;
        w->done += n * size;
    }
    if (w->done < t->bytes)
        return LAKE_OK;
    w->current++;
    w->done = 0;
    return t->type == WTS_Q8 ? put_companions(w, e) : LAKE_OK;
}

const WtsErrors *wts_writer_errors(const WtsWriter *w)
{
    return &w->errors;
}

/* ---- closing ---- */

static void free_memory(WtsWriter *w)
{
    free(w->rows.row);
    free(w->rows.coded);
    free(w->rows.panel);
    free(w->rows.scales);
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
