/* Checkpoints; see checkpoint.h. Which reader a file gets, the list of tensors, and reading numbers. */
#include "convert/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/half.h"
#include "convert/safetensors.h"

/* The pickle of the number that PyTorch's files of before 1.6 begin with (torch/serialization.py, MAGIC_NUMBER). */
#define PYTORCH_OLD_MAGIC "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"

enum { Q8_NUMBERS = 32, Q8_BYTES = 2 + Q8_NUMBERS }; /* ggml's block_q8_0 */

/* ---- which reader ---- */

static int begins_with(const FileView *view, const char *text)
{
    size_t length = strlen(text);

    return view->size >= length && memcmp(view->data, text, length) == 0;
}

int ckpt_first_letter(const FileView *view, size_t at)
{
    while (at < view->size && view->data[at] != '\0' && strchr(" \t\r\n", view->data[at]) != NULL)
        at++;
    return at < view->size ? view->data[at] : -1;
}

/* Names the kinds of files that people take for a checkpoint, with the way out. LAKE_OK: none of them. */
static int refuse_other_kinds(const FileView *view, const char *path, Error *e)
{
    static const struct {
        const char *magic, *what, *next;
    } kinds[] = {
        {"\x80\x02", "a Python pickle", "load it in Python and save its tensors with safetensors.torch.save_file"},
        {"version https://git-lfs", "a git-lfs pointer, not the weights themselves",
         "run: git lfs pull, or download the file itself"},
        {"\x1f\x8b", "a gzip archive", "unpack it first"},
        {"\x89"
         "CLIP",
         "a .clip file, converted already", "give it as --weights"},
        {"\x89LAKE", "a detector, made by lake fit", "name the model's own file"},
        {"\x89HDF", "an HDF5 file", "take the model's .safetensors file"},
        {"\x89PNG", "a picture", "name the model's file"},
        {"\xff\xd8\xff", "a picture", "name the model's file"},
        {"\"bpe_simple_vocab", "a vocabulary", "give it as --vocab, and name the model's file"},
        {"#version:", "a vocabulary", "give it as --vocab, and name the model's file"},
    };
    size_t i;

    if (view->size == 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: is empty, expected a safetensors file: download it again", path);
    for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (begins_with(view, kinds[i].magic))
            return error_set(e, LAKE_BAD_INPUT, "%s: is %s, expected a safetensors file; %s", path, kinds[i].what,
                             kinds[i].next);
    if (ckpt_first_letter(view, 0) == '<')
        return error_set(
            e, LAKE_BAD_INPUT,
            "%s: is an HTML or XML page (a download that failed?), expected a safetensors file; download it again",
            path);
    if (ckpt_first_letter(view, 0) == '{')
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: is JSON text, expected a safetensors file; name the .safetensors file itself", path);
    return LAKE_OK;
}

int ckpt_list_file(Checkpoint *c, size_t file, Error *e)
{
    const FileView *view = &c->files[file].view;

    /* The lowest byte of a safetensors file's first number may be anything, so it is asked first, and its reader gets
     * what nothing else claims: its messages tell what is missing. */
    if (safetensors_recognises(view))
        return safetensors_list(c, file, e);
    if (begins_with(view, "PK\003\004") || begins_with(view, PYTORCH_OLD_MAGIC))
        return pytorch_list(c, file, e);
    if (begins_with(view, "GGUF"))
        return gguf_list(c, file, e);
    if (refuse_other_kinds(view, c->files[file].path, e) != LAKE_OK)
        return LAKE_BAD_INPUT;
    return safetensors_list(c, file, e);
}

/* ---- opening ---- */

static char *copy_text(const char *text)
{
    char *copy = malloc(strlen(text) + 1);

    return copy != NULL ? strcpy(copy, text) : NULL;
}

int ckpt_add_file(Checkpoint *c, const char *path, Error *e)
{
    CkptFile *grown = realloc(c->files, (c->file_count + 1) * sizeof *grown), *file;

    if (grown == NULL)
        return error_memory(e, "the list of files");
    c->files = grown;
    file = &c->files[c->file_count];
    memset(file, 0, sizeof *file);
    file->path = copy_text(path);
    if (file->path == NULL)
        return error_memory(e, "a path");
    c->file_count++;
    return file_map(&file->view, path, e);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const CkptTensor *)a)->name, ((const CkptTensor *)b)->name);
}

int ckpt_sort(Checkpoint *c, Error *e)
{
    size_t i;

    if (c->count > 1)
        qsort(c->tensors, c->count, sizeof *c->tensors, by_name);
    for (i = 1; i < c->count; i++)
        if (strcmp(c->tensors[i - 1].name, c->tensors[i].name) == 0)
            return error_set(e, LAKE_BAD_INPUT, "%s: two tensors named %s (in %s and in %s)", c->path,
                             c->tensors[i].name, path_base(ckpt_tensor_path(c, &c->tensors[i - 1])),
                             path_base(ckpt_tensor_path(c, &c->tensors[i])));
    return LAKE_OK;
}

/* The file to open in a folder, into the new buffer c->path: the first of the names under which Hugging Face and
 * open_clip publish weights. */
static int choose_file(Checkpoint *c, const char *folder, Error *e)
{
    static const char *const names[] = {"model.safetensors",           "model.safetensors.index.json",
                                        "open_clip_model.safetensors", "open_clip_pytorch_model.bin",
                                        "pytorch_model.bin",           "pytorch_model.bin.index.json"};
    size_t i;

    for (i = 0; i < sizeof names / sizeof *names; i++) {
        c->path = path_join(folder, names[i]);
        if (c->path == NULL)
            return error_memory(e, "a path");
        if (path_kind(c->path) == PATH_FILE)
            return LAKE_OK;
        free(c->path);
        c->path = NULL;
    }
    return error_set(e, LAKE_BAD_INPUT,
                     "%s: is a folder without a checkpoint, expected in it %s, %s, %s, or their .index.json; or name "
                     "the file itself",
                     folder, names[0], names[2], names[4]);
}

static int open_file(Checkpoint *c, const char *path, Error *e)
{
    int code = LAKE_OK;

    if (path_kind(path) == PATH_FOLDER)
        code = choose_file(c, path, e);
    else if ((c->path = copy_text(path)) == NULL)
        code = error_memory(e, "a path");
    if (code == LAKE_OK)
        code = ckpt_add_file(c, c->path, e);
    if (code != LAKE_OK)
        return code;
    if (ckpt_first_letter(&c->files[0].view, 0) == '{' && !safetensors_recognises(&c->files[0].view))
        return shards_list(c, e);
    code = ckpt_list_file(c, 0, e);
    return code == LAKE_OK ? ckpt_sort(c, e) : code;
}

int ckpt_open(Checkpoint *c, const char *path, Error *e)
{
    int code;

    memset(c, 0, sizeof *c);
    c->hints.activation[0] = c->hints.activation[1] = -1;
    c->hints.end_id = -1;
    code = open_file(c, path, e);
    if (code != LAKE_OK)
        ckpt_close(c);
    return code;
}

void ckpt_close(Checkpoint *c)
{
    size_t i;

    for (i = 0; i < c->count; i++)
        free((void *)(uintptr_t)c->tensors[i].name);
    for (i = 0; i < c->file_count; i++) {
        free(c->files[i].path);
        file_unmap(&c->files[i].view);
    }
    free(c->tensors);
    free(c->files);
    free(c->path);
    memset(c, 0, sizeof *c);
}

int ckpt_release(Checkpoint *c, Error *e)
{
    size_t i;

    for (i = 0; i < c->file_count; i++) {
        CkptFile *file = &c->files[i];
        const size_t size = file->view.size;
        int code;

        if (!file->view.mapped)
            continue;
        file_unmap(&file->view);
        code = file_map(&file->view, file->path, e);
        if (code == LAKE_OK && file->view.size != size)
            code = error_set(e, LAKE_BAD_INPUT, "%s: its size changed while it was read", file->path);
        if (code != LAKE_OK)
            return code;
    }
    return LAKE_OK;
}

/* ---- the list of tensors ---- */

/* Bytes of one number of a type that has such. */
static size_t number_size(NumberType type)
{
    return type == NUMBER_F64 ? 8 : type == NUMBER_F32 ? 4 : 2;
}

/* The product of the shape, and the strides of C order where the tensor has no others. */
static int complete(CkptTensor *t, const char *path, Error *e)
{
    size_t k;

    if (t->rank > CKPT_RANK_LIMIT)
        return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s has %llu sides, at most %d are allowed", path, t->name,
                         (unsigned long long)t->rank, (int)CKPT_RANK_LIMIT);
    t->count = 1;
    for (k = t->rank; k-- > 0;) {
        if (!t->strided)
            t->stride[k] = t->count;
        if (!size_multiply(t->count, t->shape[k], &t->count))
            return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s: the product of its shape overflows", path, t->name);
    }
    return LAKE_OK;
}

/* The bytes from the first number to behind the last one; returns 0 where they do not fit a size_t. */
static int data_span(const CkptTensor *t, size_t *bytes)
{
    size_t span = 1, k, far;

    if (t->type == NUMBER_Q8_0)
        return size_multiply(t->count / Q8_NUMBERS, Q8_BYTES, bytes);
    for (k = 0; k < t->rank && t->count > 0; k++)
        if (!size_multiply(t->shape[k] - 1, t->stride[k], &far) || !size_add(span, far, &span))
            return 0;
    return size_multiply(t->count > 0 ? span : 0, number_size(t->type), bytes);
}

static int check_data(const Checkpoint *c, const CkptTensor *t, Error *e)
{
    const CkptFile *file = &c->files[t->file];
    size_t bytes, end;

    if (t->type == NUMBER_OTHER)
        return LAKE_OK;
    if (t->type == NUMBER_Q8_0 && (t->strided || t->rank == 0 || t->shape[t->rank - 1] % Q8_NUMBERS != 0))
        return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s of type %s: its rows are no multiple of %d numbers",
                         file->path, t->name, t->type_name, (int)Q8_NUMBERS);
    if (!data_span(t, &bytes) || !size_add(t->offset, bytes, &end) || end > t->end || t->end > file->view.size)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: the data of tensor %s reach beyond their end: damaged or cut off, download it again",
                         file->path, t->name);
    return LAKE_OK;
}

int ckpt_add(Checkpoint *c, const CkptTensor *tensor, Error *e)
{
    CkptTensor *t;
    size_t bytes;

    if (c->count == c->room) {
        size_t room = c->room == 0 ? 256 : c->room * 2;
        CkptTensor *grown = size_multiply(room, sizeof *grown, &bytes) ? realloc(c->tensors, bytes) : NULL;

        if (grown == NULL)
            return error_memory(e, "the list of tensors");
        c->tensors = grown;
        c->room = room;
    }
    t = &c->tensors[c->count];
    *t = *tensor;
    if (complete(t, c->files[t->file].path, e) != LAKE_OK || check_data(c, t, e) != LAKE_OK)
        return LAKE_BAD_INPUT;
    t->name = copy_text(tensor->name);
    if (t->name == NULL)
        return error_memory(e, "the name of a tensor");
    c->count++;
    return LAKE_OK;
}

static int compare_with_name(const void *name, const void *tensor)
{
    return strcmp(name, ((const CkptTensor *)tensor)->name);
}

const CkptTensor *ckpt_find(const Checkpoint *c, const char *name)
{
    return c->count == 0 ? NULL : bsearch(name, c->tensors, c->count, sizeof *c->tensors, compare_with_name);
}

const char *ckpt_tensor_path(const Checkpoint *c, const CkptTensor *t)
{
    return c->files[t->file].path;
}

const char *ckpt_shape_text(char *text, size_t size, const size_t *shape, size_t rank)
{
    size_t i, used = (size_t)snprintf(text, size, "[");

    for (i = 0; i < rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%llu", i > 0 ? ", " : "", (unsigned long long)shape[i]);
    if (used < size)
        snprintf(text + used, size - used, "]");
    return text;
}

/* ---- reading ---- */

/* The number at p. */
static float read_number(const unsigned char *p, NumberType type, int big_endian)
{
    unsigned char turned[8];
    size_t i;

    if (big_endian) {
        for (i = 0; i < number_size(type); i++)
            turned[i] = p[number_size(type) - 1 - i];
        p = turned;
    }
    switch (type) {
    case NUMBER_F16:
        return f16_to_float(get_u16le(p));
    case NUMBER_BF16:
        return bf16_to_float(get_u16le(p));
    case NUMBER_F32:
        return get_f32le(p);
    case NUMBER_F64:
        return double_to_float(get_f64le(p)); /* the writer refuses infinities */
    default:
        return 0;
    }
}

/* Element i of blocks that begin at p. */
static float read_quantised(const unsigned char *p, size_t i)
{
    const unsigned char *block = p + i / Q8_NUMBERS * Q8_BYTES;
    int byte = block[2 + i % Q8_NUMBERS];

    return f16_to_float(get_u16le(block)) * (float)(byte < 128 ? byte : byte - 256);
}

/* Where element i in C order lies, in numbers from element [0, 0, ...]. */
static size_t place_of(const CkptTensor *t, size_t i)
{
    size_t place = 0, k;

    for (k = t->rank; k-- > 0;) {
        place += i % t->shape[k] * t->stride[k];
        i /= t->shape[k];
    }
    return place;
}

void ckpt_read(float *out, const Checkpoint *c, const CkptTensor *t, size_t first, size_t step, size_t count)
{
    const unsigned char *p = c->files[t->file].view.data + t->offset;
    const size_t size = number_size(t->type);
    size_t i;

    if (t->type == NUMBER_Q8_0)
        for (i = 0; i < count; i++)
            out[i] = read_quantised(p, first + i * step);
    else if (t->strided)
        for (i = 0; i < count; i++)
            out[i] = read_number(p + place_of(t, first + i * step) * size, t->type, t->big_endian);
    else
        for (i = 0; i < count; i++)
            out[i] = read_number(p + (first + i * step) * size, t->type, t->big_endian);
}
