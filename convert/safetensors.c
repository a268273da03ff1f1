/* Reading safetensors. The rules and their order are those of the reference reader (huggingface/safetensors,
 * safetensors/src/tensor.rs, at 24b0b28): the tensors, sorted by their offsets, must fill the data without hole or
 * overlap, from the first byte to the last. */
#include "convert/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "convert/json.h"

#define HEADER_LIMIT 100000000 /* bytes; the reference's limit */

#define NEXT_STEP "; download it again"

/* The file while its header is read. `offset` and `end` of a tensor count from the first byte of data. */
typedef struct {
    const char *path;
    Json *header;
    CkptTensor *tensors; /* [count] */
    size_t count;
} Header;

/* The length's lowest byte may be anything, so that this must be asked before other kinds are looked for. The reference
 * reader accepts white space before the header. */
int safetensors_recognises(const FileView *view)
{
    return view->size >= 8 && get_u64le(view->data) <= HEADER_LIMIT && get_u64le(view->data) <= view->size - 8 &&
           ckpt_first_letter(view, 8) == '{';
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

/* The types of the format (tensor.rs, Dtype) and the bits of one number; 0: unknown. */
static size_t find_type(CkptTensor *t, const char *name)
{
    static const struct {
        const char *name;
        size_t bits;
        NumberType type;
    } types[] = {
        {"F16", 16, NUMBER_F16},         {"BF16", 16, NUMBER_BF16},
        {"F32", 32, NUMBER_F32},         {"F64", 64, NUMBER_F64},
        {"BOOL", 8, NUMBER_OTHER},       {"U8", 8, NUMBER_OTHER},
        {"I8", 8, NUMBER_OTHER},         {"I16", 16, NUMBER_OTHER},
        {"U16", 16, NUMBER_OTHER},       {"I32", 32, NUMBER_OTHER},
        {"U32", 32, NUMBER_OTHER},       {"I64", 64, NUMBER_OTHER},
        {"U64", 64, NUMBER_OTHER},       {"C64", 64, NUMBER_OTHER},
        {"F4", 4, NUMBER_OTHER},         {"F6_E2M3", 6, NUMBER_OTHER},
        {"F6_E3M2", 6, NUMBER_OTHER},    {"F8_E5M2", 8, NUMBER_OTHER},
        {"F8_E4M3", 8, NUMBER_OTHER},    {"F8_E8M0", 8, NUMBER_OTHER},
        {"F8_E4M3FNUZ", 8, NUMBER_OTHER}, {"F8_E5M2FNUZ", 8, NUMBER_OTHER},
    };
    size_t i;

    for (i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(name, types[i].name) == 0) {
            t->type_name = types[i].name;
            t->type = types[i].type;
            return types[i].bits;
        }
    return 0;
}

static int read_shape(CkptTensor *t, const Json *shape, const char *path, Error *e)
{
    const Json *side;

    if (shape == NULL || shape->type != JSON_ARRAY || shape->count > CKPT_RANK_LIMIT)
        return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s: \"shape\" is no list of up to %d numbers" NEXT_STEP, path, t->name,
                         (int)CKPT_RANK_LIMIT);
    t->count = 1;
    for (side = shape->child; side != NULL; side = side->next) {
        if (!read_size(side, &t->shape[t->rank]))
            return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s: \"shape\" holds something that is no size" NEXT_STEP, path,
                             t->name);
        if (!size_multiply(t->count, t->shape[t->rank], &t->count))
            return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s: the product of its shape overflows" NEXT_STEP, path, t->name);
        t->rank++;
    }
    return LAKE_OK;
}

/* One member of the header: {"dtype": "F32", "shape": [...], "data_offsets": [begin, end]}. */
static int read_entry(CkptTensor *t, const Json *entry, const char *path, Error *e)
{
    const Json *type = json_get(entry, "dtype"), *offsets = json_get(entry, "data_offsets");
    size_t bits;

    t->name = entry->key;
    if (type == NULL || type->type != JSON_STRING)
        return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s: has no \"dtype\"" NEXT_STEP, path, t->name);
    bits = find_type(t, type->string);
    if (bits == 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s: unknown dtype \"%s\"", path, t->name, type->string);
    if (read_shape(t, json_get(entry, "shape"), path, e) != LAKE_OK)
        return LAKE_BAD_INPUT;
    if (offsets == NULL || offsets->type != JSON_ARRAY || offsets->count != 2 ||
        !read_size(offsets->child, &t->offset) || !read_size(offsets->child->next, &t->end) || t->end < t->offset)
        return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s: \"data_offsets\" is no pair of offsets begin <= end" NEXT_STEP, path,
                         t->name);
    if (!size_multiply(t->count, bits, &bits) || bits % 8 != 0 || bits / 8 != t->end - t->offset)
        return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s: %llu bytes of data do not make %llu numbers of type %s" NEXT_STEP,
                         path, t->name, (unsigned long long)(t->end - t->offset), (unsigned long long)t->count,
                         t->type_name);
    return LAKE_OK;
}

/* "__metadata__" may hold only strings; nothing in it concerns us. */
static int check_metadata(const Json *metadata, const char *path, Error *e)
{
    const Json *member;

    if (metadata->type != JSON_OBJECT)
        return error_set(e, LAKE_BAD_INPUT, "%s: \"__metadata__\" is no object" NEXT_STEP, path);
    for (member = metadata->child; member != NULL; member = member->next)
        if (member->type != JSON_STRING)
            return error_set(e, LAKE_BAD_INPUT, "%s: \"__metadata__\" holds \"%s\", which is no string" NEXT_STEP, path,
                             member->key);
    return LAKE_OK;
}

static int read_entries(Header *h, Error *e)
{
    const Json *member;

    if (h->header->type != JSON_OBJECT)
        return error_set(e, LAKE_BAD_INPUT, "%s: its header is no JSON object" NEXT_STEP, h->path);
    h->tensors = calloc(h->header->count + 1, sizeof *h->tensors);
    if (h->tensors == NULL)
        return error_memory(e, "the list of tensors");
    for (member = h->header->child; member != NULL; member = member->next) {
        int code = strcmp(member->key, "__metadata__") == 0
                       ? check_metadata(member, h->path, e)
                       : read_entry(&h->tensors[h->count++], member, h->path, e);
        if (code != LAKE_OK)
            return code;
    }
    return LAKE_OK;
}

/* ---- the data ---- */

static int by_offset(const void *a, const void *b)
{
    const CkptTensor *x = a, *y = b;

    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* The tensors must tile the `size` bytes of data. */
static int check_tiling(Header *h, size_t size, Error *e)
{
    size_t i, end = 0;

    qsort(h->tensors, h->count, sizeof *h->tensors, by_offset);
    for (i = 0; i < h->count; i++) {
        const CkptTensor *t = &h->tensors[i];

        if (t->offset != end)
            return error_set(e, LAKE_BAD_INPUT, "%s: the data of tensor %s begin at %llu, expected %llu: %s" NEXT_STEP, h->path,
                             t->name, (unsigned long long)t->offset, (unsigned long long)end,
                             t->offset < end ? "they overlap another's" : "there is a hole");
        if (t->end > size)
            return error_set(e, LAKE_BAD_INPUT,
                             "%s: cut off: %llu bytes of data, tensor %s ends at %llu" NEXT_STEP, h->path,
                             (unsigned long long)size, t->name, (unsigned long long)t->end);
        end = t->end;
    }
    if (end != size)
        return error_set(e, LAKE_BAD_INPUT, "%s: %llu bytes behind the last tensor's data" NEXT_STEP, h->path,
                         (unsigned long long)(size - end));
    return LAKE_OK;
}

/* Hands the tensors over, their offsets counted from the file's begin. */
static int add_tensors(Checkpoint *c, size_t file, Header *h, size_t data_begin, Error *e)
{
    size_t i;
    int code = LAKE_OK;

    for (i = 0; code == LAKE_OK && i < h->count; i++) {
        h->tensors[i].file = file;
        h->tensors[i].offset += data_begin;
        h->tensors[i].end += data_begin;
        code = ckpt_add(c, &h->tensors[i], e);
    }
    return code;
}

/* The length in front of the header, checked. */
static int read_length(const FileView *view, const char *path, size_t *length, Error *e)
{
    uint64_t n;

    if (view->size < 8)
        return error_set(e, LAKE_BAD_INPUT, "%s: is no safetensors file: %llu bytes, expected 8 at least" NEXT_STEP,
                         path, (unsigned long long)view->size);
    n = get_u64le(view->data);
    if (n > HEADER_LIMIT)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: is no safetensors file, nor one of PyTorch or GGUF (its first 8 bytes, read as the length of a "
                         "header, say %llu, at most %d is allowed); name the model's .safetensors file",
                         path, (unsigned long long)n, HEADER_LIMIT);
    if (n > view->size - 8)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: is no safetensors file, or cut off: a header of %llu bytes in a file of %llu" NEXT_STEP,
                         path, (unsigned long long)n, (unsigned long long)view->size);
    *length = (size_t)n;
    return LAKE_OK;
}

int safetensors_list(Checkpoint *c, size_t file, Error *e)
{
    const FileView *view = &c->files[file].view;
    Header h = {NULL, NULL, NULL, 0};
    size_t length = 0;
    int code;

    h.path = c->files[file].path;
    if (read_length(view, h.path, &length, e) != LAKE_OK)
        return LAKE_BAD_INPUT;
    code = json_parse(&h.header, (const char *)view->data + 8, length, h.path, e);
    if (code == LAKE_OK)
        code = read_entries(&h, e);
    if (code == LAKE_OK)
        code = check_tiling(&h, view->size - 8 - length, e);
    if (code == LAKE_OK)
        code = add_tensors(c, file, &h, 8 + length, e);
    free(h.tensors);
    json_free(h.header);
    return code;
}
