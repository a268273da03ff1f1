/* Reading a .clip file (FORMAT.md): maps it, or takes it where it lies in memory, and checks the whole head before
 * anything in it is believed. A file passes only if it is exactly what the writer makes: no gap, no overlap, no byte
 * beyond the end. */
#include "weights/format.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/file.h"
#include "base/large.h"

struct WtsFile {
    FileView view;
    int borrowed;              /* the view's bytes are the caller's, not ours to unmap */
    char *path;
    ClipConfig config;
    WtsTensor *tensors;        /* [count] in the file's order */
    const WtsTensor **by_name; /* [count] sorted */
    size_t count;
    size_t head_size;
    const unsigned char *tokenizer;
    size_t tokenizer_size;
    uint64_t fingerprint;
    unsigned char *copy;       /* the data as the machine can use them, where the view's are not; else NULL */
};

#define NEXT_STEP "copy it or convert the checkpoint again"

/* ---- what kind of file this is ---- */

/* The message for a file without our magic. */
static int refuse_kind(const char *path, const unsigned char *p, size_t size, Error *e)
{
    const char *next = "make one with: lake convert CHECKPOINT -o OUT.clip";

    if (size == 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: is empty, expected a .clip file; %s", path, next);
    if (size >= 5 && size < WTS_MAGIC_SIZE && memcmp(p, WTS_MAGIC, size) == 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: cut off within its first bytes: " NEXT_STEP, path);
    if (size >= 5 && memcmp(p, WTS_MAGIC, 5) == 0)
        return error_set(
            e, LAKE_BAD_INPUT,
            "%s: a .clip file whose line ends were changed by a transfer in text mode; copy it in binary mode", path);
    if (size >= 5 && memcmp(p, "\x89" "LAKE", 5) == 0)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: is a detector, expected weights (a .clip file); to use it: lake score %s PHOTO...", path,
                         path);
    if (size >= 9 && p[8] == '{')
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: looks like safetensors, expected a .clip file; run: lake convert %s -o OUT.clip", path,
                         path);
    return error_set(e, LAKE_BAD_INPUT, "%s: is no .clip file; %s", path, next);
}

static int check_kind(const char *path, const unsigned char *p, size_t size, Error *e)
{
    if (size < WTS_MAGIC_SIZE || memcmp(p, WTS_MAGIC, WTS_MAGIC_SIZE) != 0)
        return refuse_kind(path, p, size, e);
    if (size < AT_TABLE)
        return error_set(e, LAKE_BAD_INPUT, "%s: cut off: %llu bytes, the head alone needs %d: " NEXT_STEP,
                         path, (unsigned long long)size, (int)AT_TABLE);
    if (get_u32le(p + AT_VERSION) != WTS_VERSION)
        return error_set(e, LAKE_BAD_INPUT, "%s: format version %lu, expected %lu: convert the checkpoint again", path,
                         (unsigned long)get_u32le(p + AT_VERSION), (unsigned long)WTS_VERSION);
    if (get_u32le(p + AT_BYTE_ORDER) != WTS_BYTE_ORDER)
        return error_set(e, LAKE_BAD_INPUT, "%s: byte order mark 0x%08lx, expected 0x%08lx: it is damaged: " NEXT_STEP, path,
                         (unsigned long)get_u32le(p + AT_BYTE_ORDER), (unsigned long)WTS_BYTE_ORDER);
    return LAKE_OK;
}

/* Sizes and the checksum of the head: from here on the head is what a writer wrote. */
static int check_head(WtsFile *f, Error *e)
{
    const unsigned char *p = f->view.data;
    uint64_t file_size = get_u64le(p + AT_FILE_SIZE);
    uint32_t head_size = get_u32le(p + AT_HEAD_SIZE), crc;

    if (file_size != f->view.size)
        return error_set(e, LAKE_BAD_INPUT, "%s: %s: %llu bytes, its head says %llu: " NEXT_STEP, f->path,
                         f->view.size < file_size ? "cut off" : "too long", (unsigned long long)f->view.size,
                         (unsigned long long)file_size);
    if (head_size < AT_TABLE || head_size > f->view.size || head_size % WTS_ALIGNMENT != 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: impossible head size %lu: " NEXT_STEP, f->path,
                         (unsigned long)head_size);
    crc = wts_head_crc(p, head_size);
    if (crc != get_u32le(p + AT_HEAD_CRC))
        return error_set(e, LAKE_BAD_INPUT, "%s: the head is damaged: checksum %08lx, expected %08lx: " NEXT_STEP,
                         f->path, (unsigned long)crc, (unsigned long)get_u32le(p + AT_HEAD_CRC));
    f->head_size = head_size;
    return LAKE_OK;
}

/* ---- the head's content ---- */

static void get_tower(TowerConfig *t, const unsigned char *p)
{
    uint32_t activation = get_u32le(p + 16);

    t->width = get_u32le(p);
    t->layers = get_u32le(p + 4);
    t->heads = get_u32le(p + 8);
    t->mlp = get_u32le(p + 12);
    t->activation = activation <= ACT_GELU ? (Activation)activation : (Activation)-1;
    t->eps = get_f32le(p + 20);
}

static int read_config(WtsFile *f, Error *e)
{
    const unsigned char *p = f->view.data + AT_CONFIG;
    ClipConfig *c = &f->config;
    uint32_t flags = get_u32le(p + 60);
    int i;

    if ((flags & ~(uint32_t)FLAGS_ALL) != 0 || get_u32le(f->view.data + AT_RESERVED) != 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: a reserved bit of the head is set: the file needs a newer program",
                         f->path);
    get_tower(&c->vision, p);
    c->resolution = get_u32le(p + 24);
    c->patch = get_u32le(p + 28);
    for (i = 0; i < 3; i++) {
        c->mean[i] = get_f32le(p + 32 + 4 * i);
        c->std[i] = get_f32le(p + 44 + 4 * i);
    }
    c->embed = get_u32le(p + 56);
    c->has_ln_pre = (flags & FLAG_LN_PRE) != 0;
    c->has_patch_bias = (flags & FLAG_PATCH_BIAS) != 0;
    c->has_projection = (flags & FLAG_PROJECTION) != 0;
    c->has_text = (flags & FLAG_TEXT) != 0;
    get_tower(&c->text, p + 64);
    c->context = get_u32le(p + 88);
    c->vocabulary = get_u32le(p + 92);
    c->logit_scale = get_f32le(p + 96);
    return wts_check_config(c, f->path, e);
}

/* The table and the tokenizer section must fill the head to its last 64 bytes, and the rest must be zero. */
static int place_sections(WtsFile *f, Error *e)
{
    const unsigned char *p = f->view.data;
    size_t table, end, aligned;

    f->count = get_u32le(p + AT_TENSOR_COUNT);
    f->tokenizer_size = get_u32le(p + AT_TOKENIZER_SIZE);
    if (!size_multiply(f->count, ENTRY_SIZE, &table) || !size_add(table, AT_TABLE, &table) ||
        !size_add(table, f->tokenizer_size, &end) || !wts_align(end, &aligned) || aligned != f->head_size)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: %llu tensors and a tokenizer of %llu bytes do not make a head of %llu bytes", f->path,
                         (unsigned long long)f->count, (unsigned long long)f->tokenizer_size,
                         (unsigned long long)f->head_size);
    for (; end < f->head_size; end++)
        if (p[end] != 0)
            return error_set(e, LAKE_BAD_INPUT, "%s: byte %llu, behind the head's end, is not zero", f->path,
                             (unsigned long long)end);
    f->tokenizer = f->tokenizer_size > 0 ? p + table : NULL;
    if (!f->config.has_text && f->tokenizer_size > 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: has a tokenizer section and no text tower", f->path);
    return LAKE_OK;
}

/* The entry at p; its data must begin at the first multiple of 64 at or behind *end, which is moved to their end. */
static int read_tensor(const WtsFile *f, WtsTensor *t, const unsigned char *p, size_t *end, Error *e)
{
    uint64_t offset = get_u64le(p + ENTRY_OFFSET), bytes = get_u64le(p + ENTRY_BYTES);
    uint32_t type = get_u32le(p + ENTRY_TYPE), layout = get_u32le(p + ENTRY_LAYOUT);
    size_t begin;
    int i;

    memcpy(t->name, p + ENTRY_NAME, sizeof t->name);
    t->type = type <= WTS_Q8 ? (WtsType)type : (WtsType)-1;
    t->rank = get_u32le(p + ENTRY_RANK);
    for (i = 0; i < 4; i++)
        t->shape[i] = get_u32le(p + ENTRY_SHAPE + 4 * i);
    t->crc = get_u32le(p + ENTRY_CRC);
    t->layout = layout <= LAYOUT_PANELS ? (WtsLayout)layout : (WtsLayout)-1;
    if (wts_check_tensor(t, f->path, e) != LAKE_OK)
        return LAKE_BAD_INPUT;
    if (!wts_tensor_bytes(t, &t->bytes) || t->bytes != bytes)
        return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s says %llu bytes, its shape says otherwise", f->path, t->name,
                         (unsigned long long)bytes);
    if (!wts_align(*end, &begin) || begin != offset || !size_add(begin, t->bytes, end) || *end > f->view.size)
        return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s: %llu bytes at offset %llu are not where they must be",
                         f->path, t->name, (unsigned long long)bytes, (unsigned long long)offset);
    t->data = f->view.data + begin;
    return LAKE_OK;
}

static int read_table(WtsFile *f, Error *e)
{
    size_t i, end = f->head_size;

    f->tensors = calloc(f->count + 1, sizeof *f->tensors);
    f->by_name = calloc(f->count + 1, sizeof *f->by_name);
    if (f->tensors == NULL || f->by_name == NULL)
        return error_memory(e, "the table of tensors");
    for (i = 0; i < f->count; i++) {
        if (read_tensor(f, &f->tensors[i], f->view.data + AT_TABLE + i * ENTRY_SIZE, &end, e) != LAKE_OK)
            return LAKE_BAD_INPUT;
        f->by_name[i] = &f->tensors[i];
    }
    if (end != f->view.size)
        return error_set(e, LAKE_BAD_INPUT, "%s: %llu bytes behind the last tensor", f->path,
                         (unsigned long long)(f->view.size - end));
    return LAKE_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const WtsTensor *const *)a)->name, (*(const WtsTensor *const *)b)->name);
}

static int sort_names(WtsFile *f, Error *e)
{
    size_t i;

    qsort(f->by_name, f->count, sizeof *f->by_name, compare_names);
    for (i = 1; i < f->count; i++)
        if (strcmp(f->by_name[i - 1]->name, f->by_name[i]->name) == 0)
            return error_set(e, LAKE_BAD_INPUT, "%s: two tensors are named %s", f->path, f->by_name[i]->name);
    return LAKE_OK;
}

/* ---- numbers as the machine can use them ---- */

/* `bytes` of little-endian numbers to the machine's order; right on every machine, a plain copy on most. */
static void to_machine_order(unsigned char *out, const unsigned char *in, WtsType type, size_t bytes)
{
    size_t i;

    if (wts_type_size(type) == 1) {
        memcpy(out, in, bytes);
    } else if (wts_type_size(type) == 4) {
        for (i = 0; i < bytes; i += 4) {
            uint32_t v = get_u32le(in + i);
            memcpy(out + i, &v, sizeof v);
        }
    } else {
        for (i = 0; i < bytes; i += 2) {
            uint16_t v = get_u16le(in + i);
            memcpy(out + i, &v, sizeof v);
        }
    }
}

/* Tensors lie at multiples of 64 from the file's first byte, so that its address decides for all of them. A map begins at
 * a page, an array of bytes may begin anywhere; no type here is wider than a float. */
static int usable_in_place(const WtsFile *f)
{
    return machine_is_little_endian() && (uintptr_t)f->view.data % sizeof(float) == 0;
}

/* Where the data cannot be used as they lie: copies all, in the machine's order, and points the tensors there. */
static int settle_data(WtsFile *f, Error *e)
{
    size_t i;

    if (usable_in_place(f) || f->view.size == f->head_size)
        return LAKE_OK;
    f->copy = malloc(f->view.size - f->head_size);
    if (f->copy == NULL)
        return error_memory(e, "the weights");
    for (i = 0; i < f->count; i++) {
        WtsTensor *t = &f->tensors[i];
        const unsigned char *stored = t->data;
        unsigned char *copy = f->copy + (stored - f->view.data) - f->head_size;

        to_machine_order(copy, stored, t->type, t->bytes);
        t->data = copy;
    }
    return LAKE_OK;
}

/* ---- public ---- */

/* Everything once the bytes are in view. */
static int read_file(WtsFile *f, Error *e)
{
    int code;

    if ((code = check_kind(f->path, f->view.data, f->view.size, e)) != LAKE_OK ||
        (code = check_head(f, e)) != LAKE_OK || (code = read_config(f, e)) != LAKE_OK ||
        (code = place_sections(f, e)) != LAKE_OK || (code = read_table(f, e)) != LAKE_OK ||
        (code = sort_names(f, e)) != LAKE_OK)
        return code;
    f->fingerprint = fnv1a64_update(FNV1A64_START, f->view.data, f->head_size);
    return settle_data(f, e);
}

/* A file with a name and no bytes yet; *file is NULL where memory is out. */
static int new_file(WtsFile **file, const char *name, Error *e)
{
    WtsFile *f = calloc(1, sizeof *f);

    *file = NULL;
    if (f == NULL || (f->path = malloc(strlen(name) + 1)) == NULL) {
        free(f);
        return error_memory(e, name);
    }
    strcpy(f->path, name);
    *file = f;
    return LAKE_OK;
}

/* Reads the file where `code` says that its bytes are there; closes it where they are not, or are refused. */
static int check_file(WtsFile **file, int code, Error *e)
{
    if (code == LAKE_OK)
        code = read_file(*file, e);
    if (code != LAKE_OK) {
        wts_close(*file);
        *file = NULL;
    }
    return code;
}

int wts_open(WtsFile **file, const char *path, Error *e)
{
    int code = new_file(file, path, e);

    if (code == LAKE_OK)
        code = file_map(&(*file)->view, path, e);
    if (code == LAKE_OK)
        large_advise((*file)->view.data, (*file)->view.size); /* read from end to end for every image */
    return check_file(file, code, e);
}

int wts_open_memory(WtsFile **file, const unsigned char *data, size_t size, const char *name, Error *e)
{
    int code = new_file(file, name, e);

    if (code == LAKE_OK) {
        (*file)->borrowed = 1;
        (*file)->view.data = data;
        (*file)->view.size = size;
    }
    return check_file(file, code, e);
}

void wts_close(WtsFile *f)
{
    if (f == NULL)
        return;
    if (!f->borrowed)
        file_unmap(&f->view);
    free(f->copy);
    free(f->by_name);
    free(f->tensors);
    free(f->path);
    free(f);
}

const ClipConfig *wts_config(const WtsFile *f)
{
    return &f->config;
}

const char *wts_path(const WtsFile *f)
{
    return f->path;
}

uint64_t wts_fingerprint(const WtsFile *f)
{
    return f->fingerprint;
}

size_t wts_size(const WtsFile *f)
{
    return f->view.size;
}

size_t wts_tensor_count(const WtsFile *f)
{
    return f->count;
}

const WtsTensor *wts_tensor(const WtsFile *f, size_t index)
{
    return index < f->count ? &f->tensors[index] : NULL;
}

static int compare_with_name(const void *name, const void *tensor)
{
    return strcmp(name, (*(const WtsTensor *const *)tensor)->name);
}

const WtsTensor *wts_find(const WtsFile *f, const char *name)
{
    const WtsTensor *const *found = bsearch(name, f->by_name, f->count, sizeof *f->by_name, compare_with_name);

    return found != NULL ? *found : NULL;
}

const WtsTensor *wts_companion(const WtsFile *f, const WtsTensor *tensor, const char *suffix)
{
    char name[sizeof tensor->name];

    return wts_companion_name(name, tensor->name, suffix) ? wts_find(f, name) : NULL;
}

const unsigned char *wts_tokenizer(const WtsFile *f, size_t *size)
{
    *size = f->tokenizer_size;
    return f->tokenizer;
}

/* Where the tensor's data lie in the file; checked by wts_open. */
static size_t begin_of(const WtsFile *f, const WtsTensor *t)
{
    return (size_t)get_u64le(f->view.data + AT_TABLE + (size_t)(t - f->tensors) * ENTRY_SIZE + ENTRY_OFFSET);
}

int wts_verify_tensor(const WtsFile *f, const WtsTensor *t, Error *e)
{
    uint32_t crc = crc32_update(0, f->view.data + begin_of(f, t), t->bytes);

    if (crc == t->crc)
        return LAKE_OK;
    return error_set(e, LAKE_BAD_INPUT, "%s: the data of tensor %s are damaged: checksum %08lx, not %08lx: " NEXT_STEP, f->path,
                     t->name, (unsigned long)crc, (unsigned long)t->crc);
}

int wts_verify(const WtsFile *f, Error *e)
{
    size_t i, end = f->head_size;

    for (i = 0; i < f->count; i++) {
        const WtsTensor *t = &f->tensors[i];
        size_t begin = begin_of(f, t);

        for (; end < begin; end++)
            if (f->view.data[end] != 0)
                return error_set(e, LAKE_BAD_INPUT, "%s: byte %llu, between two tensors, is not zero", f->path,
                                 (unsigned long long)end);
        if (wts_verify_tensor(f, t, e) != LAKE_OK)
            return LAKE_BAD_INPUT;
        end = begin + t->bytes;
    }
    return LAKE_OK;
}
