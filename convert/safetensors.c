/* Reading safetensors. The rules and their order are those of the reference reader (huggingface/safetensors,
 * safetensors/src/tensor.rs, at 24b0b28): the tensors, sorted by their offsets, must fill the data without hole or
 * overlap, from the first byte to the last. */
#include "convert/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/half.h"

#define HEADER_LIMIT 100000000 /* bytes; the reference's limit */

/* ---- files of other kinds ---- */

static int begins_with(const FileView *view, const char *text)
{
    size_t length = strlen(text);

    return view->size >= length && memcmp(view->data, text, length) == 0;
}

/* The first character from `at` on that is no white space. */
static int first_letter(const FileView *view, size_t at)
{
    while (at < view->size && view->data[at] != '\0' && strchr(" \t\r\n", view->data[at]) != NULL)
        at++;
    return at < view->size ? view->data[at] : -1;
}

/* A length that fits, and a header that begins as an object. The reference reader accepts white space before it. The
 * length's lowest byte may be anything, so that this must be asked before other kinds are looked for. */
static int looks_like_safetensors(const FileView *view)
{
    return view->size >= 8 && get_u64le(view->data) <= HEADER_LIMIT && get_u64le(view->data) <= view->size - 8 &&
           first_letter(view, 8) == '{';
}

/* Names the kinds of files that people take for safetensors, with the way out. LAKE_OK: none of them. */
static int refuse_other_kinds(const FileView *view, const char *path, Error *e)
{
    static const struct {
        const char *magic, *what, *next;
    } kinds[] = {
        {"PK\003\004", "a zip archive, as PyTorch writes .pt, .pth and .bin",
         "load it in Python with torch.load and save its state dict with safetensors.torch.save_file"},
        {"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", "a PyTorch file of the old form (before 1.6)",
         "load it in Python with torch.load and save its state dict with safetensors.torch.save_file"},
        {"\x80\x02", "a Python pickle", "load it in Python and save its tensors with safetensors.torch.save_file"},
        {"GGUF", "a GGUF file", "take the .safetensors file that it was made from"},
        {"version https://git-lfs", "a git-lfs pointer, not the weights themselves",
         "run: git lfs pull, or download the file itself"},
        {"\x1f\x8b", "a gzip archive", "unpack it first"},
        {"\x89"
         "CLIP",
         "a .clip file, converted already", "give it as --weights"},
        {"\x89HDF", "an HDF5 file", "take the model's .safetensors file"},
    };
    size_t i;

    if (view->size == 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: is empty, expected a safetensors file: download it again", path);
    for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (begins_with(view, kinds[i].magic))
            return error_set(e, LAKE_BAD_INPUT, "%s: is %s, expected a safetensors file; %s", path, kinds[i].what,
                             kinds[i].next);
    if (first_letter(view, 0) == '<')
        return error_set(
            e, LAKE_BAD_INPUT,
            "%s: is an HTML or XML page (a download that failed?), expected a safetensors file; download it again",
            path);
    if (first_letter(view, 0) == '{')
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: is JSON text, expected a safetensors file; name the .safetensors file itself", path);
    return LAKE_OK;
}

/* ---- the header ---- */

/* A whole number that fits a size_t. */
static int read_size(const Json *value, size_t *size)
{
    if (value == NULL || value->type != JSON_NUMBER || !(value->number >= 0 && value->number <= 9007199254740992.0) ||
        (uint64_t)value->number > SIZE_MAX || (double)(uint64_t)value->number != value->number)
        return 0;
    *size = (size_t)value->number;
    return 1;
}

/* Bits of one number of a type of the format (tensor.rs, Dtype), or 0 for an unknown one. */
static size_t type_bits(const char *name)
{
    static const struct {
        const char *name;
        size_t bits;
    } types[] = {
        {"BOOL", 8},    {"U8", 8},      {"I8", 8},          {"I16", 16},        {"U16", 16},    {"F16", 16},
        {"BF16", 16},   {"I32", 32},    {"U32", 32},        {"F32", 32},        {"I64", 64},    {"U64", 64},
        {"F64", 64},    {"C64", 64},    {"F4", 4},          {"F6_E2M3", 6},     {"F6_E3M2", 6}, {"F8_E5M2", 8},
        {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8},
    };
    size_t i;

    for (i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(name, types[i].name) == 0)
            return types[i].bits;
    return 0;
}

static StType type_of(const char *name)
{
    return strcmp(name, "F16") == 0 ? ST_F16 : strcmp(name, "BF16") == 0 ? ST_BF16 : strcmp(name, "F32") == 0 ? ST_F32
         : strcmp(name, "F64") == 0 ? ST_F64 : ST_OTHER;
}

static int read_shape(StTensor *t, const Json *shape, const char *path, Error *e)
{
    const Json *side;

    if (shape == NULL || shape->type != JSON_ARRAY || shape->count > ST_RANK_LIMIT)
        return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s: \"shape\" is no list of up to %d numbers", path, t->name,
                         (int)ST_RANK_LIMIT);
    t->count = 1;
    for (side = shape->child; side != NULL; side = side->next) {
        if (!read_size(side, &t->shape[t->rank]))
            return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s: \"shape\" holds something that is no size", path,
                             t->name);
        if (!size_multiply(t->count, t->shape[t->rank], &t->count))
            return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s: the product of its shape overflows", path, t->name);
        t->rank++;
    }
    return LAKE_OK;
}

/* One member of the header: {"dtype": "F32", "shape": [...], "data_offsets": [begin, end]}. */
static int read_entry(StTensor *t, const Json *entry, const char *path, Error *e)
{
    const Json *type = json_get(entry, "dtype"), *offsets = json_get(entry, "data_offsets");
    size_t bits;

    t->name = entry->key;
    if (type == NULL || type->type != JSON_STRING)
        return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s: has no \"dtype\"", path, t->name);
    t->type_name = type->string;
    t->type = type_of(type->string);
    bits = type_bits(type->string);
    if (bits == 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s: unknown dtype \"%s\"", path, t->name, type->string);
    if (read_shape(t, json_get(entry, "shape"), path, e) != LAKE_OK)
        return LAKE_BAD_INPUT;
    if (offsets == NULL || offsets->type != JSON_ARRAY || offsets->count != 2 ||
        !read_size(offsets->child, &t->begin) || !read_size(offsets->child->next, &t->end) || t->end < t->begin)
        return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s: \"data_offsets\" is no pair of offsets begin <= end", path,
                         t->name);
    if (!size_multiply(t->count, bits, &bits) || bits % 8 != 0 || bits / 8 != t->end - t->begin)
        return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s: %llu bytes of data do not make %llu numbers of type %s",
                         path, t->name, (unsigned long long)(t->end - t->begin), (unsigned long long)t->count,
                         t->type_name);
    return LAKE_OK;
}

/* "__metadata__" may hold only strings; nothing in it concerns us. */
static int check_metadata(const Json *metadata, const char *path, Error *e)
{
    const Json *member;

    if (metadata->type != JSON_OBJECT)
        return error_set(e, LAKE_BAD_INPUT, "%s: \"__metadata__\" is no object", path);
    for (member = metadata->child; member != NULL; member = member->next)
        if (member->type != JSON_STRING)
            return error_set(e, LAKE_BAD_INPUT, "%s: \"__metadata__\" holds \"%s\", which is no string", path,
                             member->key);
    return LAKE_OK;
}

static int read_entries(StFile *f, const char *path, Error *e)
{
    const Json *member;

    if (f->header->type != JSON_OBJECT)
        return error_set(e, LAKE_BAD_INPUT, "%s: its header is no JSON object", path);
    f->tensors = calloc(f->header->count + 1, sizeof *f->tensors);
    if (f->tensors == NULL)
        return error_memory(e, "the list of tensors");
    for (member = f->header->child; member != NULL; member = member->next) {
        int code = strcmp(member->key, "__metadata__") == 0 ? check_metadata(member, path, e)
                                                            : read_entry(&f->tensors[f->count++], member, path, e);
        if (code != LAKE_OK)
            return code;
    }
    return LAKE_OK;
}

/* ---- the data ---- */

static int by_offset(const void *a, const void *b)
{
    const StTensor *x = a, *y = b;

    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const StTensor *)a)->name, ((const StTensor *)b)->name);
}

/* The tensors must tile the `size` bytes of data. */
static int place_data(StFile *f, size_t size, const char *path, Error *e)
{
    size_t i, end = 0;

    qsort(f->tensors, f->count, sizeof *f->tensors, by_offset);
    for (i = 0; i < f->count; i++) {
        StTensor *t = &f->tensors[i];

        if (t->begin != end)
            return error_set(e, LAKE_BAD_INPUT, "%s: the data of tensor %s begin at %llu, expected %llu: %s", path,
                             t->name, (unsigned long long)t->begin, (unsigned long long)end,
                             t->begin < end ? "they overlap another's" : "there is a hole");
        if (t->end > size)
            return error_set(e, LAKE_BAD_INPUT,
                             "%s: cut off: %llu bytes of data, tensor %s ends at %llu: download it again", path,
                             (unsigned long long)size, t->name, (unsigned long long)t->end);
        end = t->end;
    }
    if (end != size)
        return error_set(e, LAKE_BAD_INPUT, "%s: %llu bytes behind the last tensor's data", path,
                         (unsigned long long)(size - end));
    qsort(f->tensors, f->count, sizeof *f->tensors, by_name);
    return LAKE_OK;
}

/* ---- public ---- */

/* Everything behind the mapping of the file. */
static int read_file(StFile *f, const char *path, Error *e)
{
    const unsigned char *p = f->view.data;
    uint64_t length;
    int code;

    if (!looks_like_safetensors(&f->view) && refuse_other_kinds(&f->view, path, e) != LAKE_OK)
        return LAKE_BAD_INPUT;
    if (f->view.size < 8)
        return error_set(e, LAKE_BAD_INPUT, "%s: is no safetensors file: %llu bytes, expected 8 at least", path,
                         (unsigned long long)f->view.size);
    length = get_u64le(p);
    if (length > HEADER_LIMIT)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: is no safetensors file: it would have a header of %llu bytes, at most %d are allowed",
                         path, (unsigned long long)length, HEADER_LIMIT);
    if (length > f->view.size - 8)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: is no safetensors file, or cut off: a header of %llu bytes in a file of %llu", path,
                         (unsigned long long)length, (unsigned long long)f->view.size);
    f->data_begin = 8 + (size_t)length;
    code = json_parse(&f->header, (const char *)p + 8, (size_t)length, path, e);
    if (code == LAKE_OK)
        code = read_entries(f, path, e);
    if (code == LAKE_OK)
        code = place_data(f, f->view.size - f->data_begin, path, e);
    return code;
}

int st_open(StFile *file, const char *path, Error *e)
{
    int code;

    memset(file, 0, sizeof *file);
    code = file_map(&file->view, path, e);
    if (code == LAKE_OK)
        code = read_file(file, path, e);
    if (code != LAKE_OK)
        st_close(file);
    return code;
}

void st_close(StFile *file)
{
    free(file->tensors);
    json_free(file->header);
    file_unmap(&file->view);
    memset(file, 0, sizeof *file);
}

static int compare_with_name(const void *name, const void *tensor)
{
    return strcmp(name, ((const StTensor *)tensor)->name);
}

const StTensor *st_find(const StFile *file, const char *name)
{
    return bsearch(name, file->tensors, file->count, sizeof *file->tensors, compare_with_name);
}

int st_release(StFile *file, const char *path, Error *e)
{
    const size_t size = file->view.size;
    int code;

    if (!file->view.mapped)
        return LAKE_OK;
    file_unmap(&file->view);
    code = file_map(&file->view, path, e);
    if (code == LAKE_OK && file->view.size != size)
        code = error_set(e, LAKE_BAD_INPUT, "%s: its size changed while it was read", path);
    return code;
}

void st_read(float *out, const StFile *file, const StTensor *t, size_t first, size_t step, size_t count)
{
    const size_t size = t->type == ST_F64 ? 8 : t->type == ST_F32 ? 4 : 2;
    const unsigned char *p = file->view.data + file->data_begin + t->begin + first * size;
    size_t i;

    switch (t->type) {
    case ST_F16:
        for (i = 0; i < count; i++)
            out[i] = f16_to_float(get_u16le(p + i * step * size));
        break;
    case ST_BF16:
        for (i = 0; i < count; i++)
            out[i] = bf16_to_float(get_u16le(p + i * step * size));
        break;
    case ST_F32:
        for (i = 0; i < count; i++)
            out[i] = get_f32le(p + i * step * size);
        break;
    case ST_F64:
        for (i = 0; i < count; i++)
            out[i] = double_to_float(get_f64le(p + i * step * size)); /* the writer refuses infinities */
        break;
    case ST_OTHER:
        break;
    }
}

const char *st_shape_text(char *text, size_t size, const size_t *shape, size_t rank)
{
    size_t i, used = (size_t)snprintf(text, size, "[");

    for (i = 0; i < rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%llu", i > 0 ? ", " : "", (unsigned long long)shape[i]);
    if (used < size)
        snprintf(text + used, size - used, "]");
    return text;
}
