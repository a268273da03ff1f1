/* Reading GGUF; ggml's docs/gguf.md is the specification. What the keys of clip.cpp's files mean is taken from its
 * writer, monatis/clip.cpp, models/convert_hf_to_gguf.py. */
#include "convert/gguf.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "weights/weights.h"

enum {
    HEAD_SIZE = 24,          /* magic, version, number of tensors, number of keys */
    LEAST_KEY = 8 + 4 + 1,   /* bytes that a key and its value take at least */
    LEAST_TENSOR = 8 + 4 + 4 + 8,
    KEY_LIMIT = 65535,       /* bytes of a key */
    NAME_LIMIT = 64,         /* bytes of a tensor's name */
    GGUF_RANK_LIMIT = 4,
    STANDARD_ALIGNMENT = 32
};

/* A place in the file; reading beyond the end sets `failed` and gives zeros. */
typedef struct {
    const FileView *view;
    size_t at;
    int failed;
} Cursor;

/* ---- numbers and texts ---- */

/* Steps over `size` bytes and returns where they begin, or NULL. */
static const unsigned char *take(Cursor *c, size_t size)
{
    const unsigned char *p = c->view->data + c->at;

    if (c->failed || size > c->view->size - c->at) {
        c->failed = 1;
        return NULL;
    }
    c->at += size;
    return p;
}

static uint32_t take_u32(Cursor *c)
{
    const unsigned char *p = take(c, 4);

    return p != NULL ? get_u32le(p) : 0;
}

/* A size or count; what no size_t holds is beyond every file. */
static size_t take_size(Cursor *c)
{
    const unsigned char *p = take(c, 8);

    if (p == NULL || get_u64le(p) > SIZE_MAX) {
        c->failed = 1;
        return 0;
    }
    return (size_t)get_u64le(p);
}

/* A length and as many bytes. */
static Piece take_text(Cursor *c)
{
    Piece text = {"", 0};
    size_t size = take_size(c);
    const unsigned char *p = take(c, size);

    if (p != NULL) {
        text.text = (const char *)p;
        text.size = size;
    }
    return text;
}

/* Bytes of one item of a type; 0: texts, and what is no type. */
static size_t item_size(uint32_t type)
{
    static const unsigned char sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

    return type < sizeof sizes ? sizes[type] : 0;
}

/* For "%.*s" in messages. */
static int shown(Piece p) { return p.size < 80 ? (int)p.size : 80; }

static int refuse_cut_off(const Gguf *g, const char *where, Error *e)
{
    return error_set(e, LAKE_BAD_INPUT, "%s: cut off or damaged in %s: download it again", g->path, where);
}

/* ---- keys ---- */

static int compare_pieces(Piece a, Piece b)
{
    int order = memcmp(a.text, b.text, a.size < b.size ? a.size : b.size);

    return order != 0 ? order : a.size < b.size ? -1 : a.size > b.size;
}

static int by_key(const void *a, const void *b)
{
    return compare_pieces(((const GgufValue *)a)->key, ((const GgufValue *)b)->key);
}

/* Steps over the items of a value. */
static void skip_items(Cursor *c, const GgufValue *value)
{
    size_t i, bytes;

    if (value->type != GGUF_STRING) {
        if (!size_multiply(value->count, item_size((uint32_t)value->type), &bytes))
            c->failed = 1;
        else
            take(c, bytes);
        return;
    }
    for (i = 0; i < value->count && !c->failed; i++)
        take_text(c);
}

static int read_value(const Gguf *g, Cursor *c, GgufValue *value, Error *e)
{
    uint32_t type;

    value->key = take_text(c);
    type = take_u32(c);
    value->count = 1;
    value->is_array = type == GGUF_ARRAY;
    if (value->is_array) {
        type = take_u32(c);
        value->count = take_size(c);
    }
    if (c->failed || value->key.size == 0 || value->key.size > KEY_LIMIT)
        return refuse_cut_off(g, "its keys", e);
    if (type != GGUF_STRING && item_size(type) == 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: key %.*s: unknown type %lu of its value", g->path, shown(value->key),
                         value->key.text, (unsigned long)type);
    value->type = (GgufType)type;
    value->at = c->at;
    skip_items(c, value);
    return c->failed ? refuse_cut_off(g, "its keys", e) : LAKE_OK;
}

static int read_values(Gguf *g, Cursor *c, size_t count, Error *e)
{
    size_t i, bytes;

    if (!size_multiply(count + 1, sizeof *g->values, &bytes) || (g->values = malloc(bytes)) == NULL)
        return error_memory(e, "the keys of a GGUF file");
    for (i = 0; i < count; i++)
        if (read_value(g, c, &g->values[i], e) != LAKE_OK)
            return LAKE_BAD_INPUT;
    g->value_count = count;
    qsort(g->values, count, sizeof *g->values, by_key);
    for (i = 1; i < count; i++)
        if (by_key(&g->values[i - 1], &g->values[i]) == 0)
            return error_set(e, LAKE_BAD_INPUT, "%s: two keys named %.*s", g->path, shown(g->values[i].key),
                             g->values[i].key.text);
    return LAKE_OK;
}

int gguf_open(Gguf *g, const FileView *view, const char *path, Error *e)
{
    Cursor c = {NULL, 4, 0}; /* behind the magic */
    size_t values;
    uint32_t version;
    int code;

    memset(g, 0, sizeof *g);
    g->view = c.view = view;
    g->path = path;
    if (view->size < HEAD_SIZE)
        return error_set(e, LAKE_BAD_INPUT, "%s: is no whole GGUF file: %llu bytes, expected %d at least", path,
                         (unsigned long long)view->size, (int)HEAD_SIZE);
    version = take_u32(&c);
    if (version != 2 && version != 3)
        return error_set(e, LAKE_BAD_INPUT, "%s: is a GGUF file of version %lu%s, only 2 and 3 can be read", path,
                         (unsigned long)version,
                         version >> 24 != 0 && (version & 0xffffff) == 0 ? " with big-endian numbers" : "");
    g->tensor_count = take_size(&c);
    values = take_size(&c);
    if (c.failed || values > view->size / LEAST_KEY || g->tensor_count > view->size / LEAST_TENSOR)
        return error_set(e, LAKE_BAD_INPUT, "%s: more keys or tensors than its %llu bytes could hold", path,
                         (unsigned long long)view->size);
    code = read_values(g, &c, values, e);
    g->tensors_at = c.at;
    if (code != LAKE_OK)
        gguf_close(g);
    return code;
}

void gguf_close(Gguf *g)
{
    free(g->values);
    memset(g, 0, sizeof *g);
}

const GgufValue *gguf_find(const Gguf *g, const char *key)
{
    GgufValue wanted;

    memset(&wanted, 0, sizeof wanted);
    wanted.key.text = key;
    wanted.key.size = strlen(key);
    return bsearch(&wanted, g->values, g->value_count, sizeof *g->values, by_key);
}

/* Two's complement of `bits` bits. */
static double as_signed(uint64_t value, int bits)
{
    uint64_t half = (uint64_t)1 << (bits - 1);

    return value < half ? (double)value : -(double)(2 * (half - 1) + 1 - value) - 1;
}

int gguf_number(const Gguf *g, const GgufValue *value, size_t i, double *number)
{
    const unsigned char *p;

    if (value == NULL || value->type == GGUF_STRING || i >= value->count)
        return 0;
    p = g->view->data + value->at + i * item_size((uint32_t)value->type);
    switch (value->type) {
    case GGUF_U8:
    case GGUF_BOOL:
        *number = p[0];
        return 1;
    case GGUF_I8:
        *number = as_signed(p[0], 8);
        return 1;
    case GGUF_U16:
        *number = get_u16le(p);
        return 1;
    case GGUF_I16:
        *number = as_signed(get_u16le(p), 16);
        return 1;
    case GGUF_U32:
        *number = get_u32le(p);
        return 1;
    case GGUF_I32:
        *number = as_signed(get_u32le(p), 32);
        return 1;
    case GGUF_F32:
        *number = (double)get_f32le(p);
        return 1;
    case GGUF_U64:
        *number = (double)get_u64le(p);
        return 1;
    case GGUF_I64:
        *number = as_signed(get_u64le(p), 64);
        return 1;
    case GGUF_F64:
        *number = get_f64le(p);
        return 1;
    default:
        return 0;
    }
}

Piece gguf_text(const Gguf *g, size_t *at)
{
    Cursor c = {NULL, 0, 0};
    Piece text;

    c.view = g->view;
    c.at = *at;
    text = take_text(&c);
    *at = c.at;
    return text;
}

/* ---- the configuration ---- */

/* A number between least and most into *number, which stays where the key is absent. */
static int get_number(const Gguf *g, const char *key, double least, double most, double *number, Error *e)
{
    const GgufValue *value = gguf_find(g, key);
    double found = 0;

    if (value == NULL)
        return LAKE_OK;
    if (value->is_array || !gguf_number(g, value, 0, &found) || !(found >= least && found <= most))
        return error_set(e, LAKE_BAD_INPUT, "%s: key %s: expected a number from %g to %g", g->path, key, least, most);
    *number = found;
    return LAKE_OK;
}

static int get_triple(const Gguf *g, const char *key, float triple[3], int *found, Error *e)
{
    const GgufValue *value = gguf_find(g, key);
    size_t i;

    *found = value != NULL;
    for (i = 0; value != NULL && i < 3; i++) {
        double number;

        if (!value->is_array || value->count != 3 || !gguf_number(g, value, i, &number))
            return error_set(e, LAKE_BAD_INPUT, "%s: key %s: expected three numbers", g->path, key);
        triple[i] = double_to_float(number);
    }
    return LAKE_OK;
}

static int read_pixels(const Gguf *g, ConfigHints *h, Error *e)
{
    float mean[3], std[3];
    int has_mean, has_std;

    if (get_triple(g, "clip.vision.image_mean", mean, &has_mean, e) != LAKE_OK ||
        get_triple(g, "clip.vision.image_std", std, &has_std, e) != LAKE_OK)
        return LAKE_BAD_INPUT;
    if (has_mean && has_std) {
        memcpy(h->mean, mean, sizeof mean);
        memcpy(h->std, std, sizeof std);
    }
    return LAKE_OK;
}

/* What the keys say of the configuration. */
static int read_hints(const Gguf *g, ConfigHints *h, Error *e)
{
    static const char *const head_keys[] = {"clip.vision.attention.head_count", "clip.text.attention.head_count"};
    static const char *const eps_keys[] = {"clip.vision.attention.layer_norm_epsilon",
                                           "clip.text.attention.layer_norm_epsilon"};
    double gelu = -1;
    int i;

    if (get_number(g, "clip.use_gelu", 0, 1, &gelu, e) != LAKE_OK)
        return LAKE_BAD_INPUT;
    for (i = 0; i < 2; i++) {
        double heads = 0, eps = 0;

        if (gelu >= 0)
            h->activation[i] = gelu != 0 ? ACT_GELU : ACT_QUICK_GELU;
        if (get_number(g, head_keys[i], 1, 65536, &heads, e) != LAKE_OK ||
            get_number(g, eps_keys[i], 1e-12, 0.1, &eps, e) != LAKE_OK)
            return LAKE_BAD_INPUT;
        h->heads[i] = (long)heads;
        h->eps[i] = (float)eps;
    }
    return read_pixels(g, h, e);
}

/* Refuses what other programs keep in GGUF files. */
static int check_kind(const Gguf *g, Error *e)
{
    const GgufValue *kind = gguf_find(g, "general.architecture");
    Piece clip = {"clip", 4}, name = {"", 0};
    double set = 0;

    if (kind != NULL && kind->type == GGUF_STRING && !kind->is_array) {
        size_t at = kind->at;
        name = gguf_text(g, &at);
    }
    if (compare_pieces(name, clip) != 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: is a GGUF file of architecture \"%.*s\", expected \"clip\"", g->path,
                         shown(name), name.text);
    if (gguf_number(g, gguf_find(g, "clip.has_llava_projector"), 0, &set) && set != 0)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: holds the image tower of a LLaVA without its last block: take the CLIP that it was made "
                         "of",
                         g->path);
    if (gguf_number(g, gguf_find(g, "clip.use_silu"), 0, &set) && set != 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: its activation is SiLU, only quick_gelu and gelu can be computed",
                         g->path);
    return LAKE_OK;
}

/* ---- tensors ---- */

/* ggml's types (ggml.h, enum ggml_type). */
static void set_type(CkptTensor *t, uint32_t type)
{
    static const char *const names[] = {"F32",  "F16",  "Q4_0", "Q4_1", "Q4_2", "Q4_3", "Q5_0", "Q5_1",
                                        "Q8_0", "Q8_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "Q8_K"};

    t->type_name = type < sizeof names / sizeof *names ? names[type]
                 : type == 28                          ? "F64"
                 : type == 30                          ? "BF16"
                                                       : "other";
    t->type = type == 0  ? NUMBER_F32
            : type == 1  ? NUMBER_F16
            : type == 8  ? NUMBER_Q8_0
            : type == 28 ? NUMBER_F64
            : type == 30 ? NUMBER_BF16
                         : NUMBER_OTHER;
}

/* One entry of the list into *t, its offset counted from the first byte of data; name has room for NAME_LIMIT + 1. */
static int read_tensor(const Gguf *g, Cursor *c, CkptTensor *t, char *name, size_t alignment, Error *e)
{
    Piece text = take_text(c);
    uint32_t rank = take_u32(c), k;

    if (c->failed || text.size == 0 || text.size > NAME_LIMIT || memchr(text.text, '\0', text.size) != NULL ||
        rank > GGUF_RANK_LIMIT)
        return refuse_cut_off(g, "its list of tensors", e);
    memcpy(name, text.text, text.size);
    name[text.size] = '\0';
    t->name = name;
    t->rank = rank;
    for (k = 0; k < rank; k++)
        t->shape[rank - 1 - k] = take_size(c); /* the file has the fastest side first */
    set_type(t, take_u32(c));
    t->offset = take_size(c);
    if (c->failed)
        return refuse_cut_off(g, "its list of tensors", e);
    if (t->offset % alignment != 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: the data of tensor %s begin at %llu, no multiple of %llu", g->path,
                         name, (unsigned long long)t->offset, (unsigned long long)alignment);
    return LAKE_OK;
}

/* One walk over the list: counts its bytes where c is NULL, hands the tensors over otherwise. */
static int walk_tensors(const Gguf *g, Checkpoint *c, size_t file, size_t alignment, size_t *data_begin, Error *e)
{
    Cursor cursor = {NULL, 0, 0};
    char name[NAME_LIMIT + 1];
    size_t i;

    cursor.view = g->view;
    cursor.at = g->tensors_at;
    for (i = 0; i < g->tensor_count; i++) {
        CkptTensor t;
        int code;

        memset(&t, 0, sizeof t);
        if (read_tensor(g, &cursor, &t, name, alignment, e) != LAKE_OK)
            return LAKE_BAD_INPUT;
        if (c == NULL)
            continue;
        t.file = file;
        t.end = g->view->size;
        if (!size_add(t.offset, *data_begin, &t.offset))
            return refuse_cut_off(g, "its list of tensors", e);
        code = ckpt_add(c, &t, e);
        if (code != LAKE_OK)
            return code;
    }
    *data_begin = cursor.at + (alignment - cursor.at % alignment) % alignment; /* cursor.at lies in the file */
    return LAKE_OK;
}

/* The data begin behind the list, so the list is walked once to find its end. */
static int add_tensors(const Gguf *g, Checkpoint *c, size_t file, Error *e)
{
    double alignment = STANDARD_ALIGNMENT;
    size_t data_begin = 0;
    int code = get_number(g, "general.alignment", 8, 1 << 20, &alignment, e);

    if (code == LAKE_OK && (size_t)alignment % 8 != 0)
        code = error_set(e, LAKE_BAD_INPUT, "%s: key general.alignment: %g is no multiple of 8", g->path, alignment);
    if (code == LAKE_OK)
        code = walk_tensors(g, NULL, file, (size_t)alignment, &data_begin, e);
    if (code == LAKE_OK)
        code = walk_tensors(g, c, file, (size_t)alignment, &data_begin, e);
    return code;
}

int gguf_list(Checkpoint *c, size_t file, Error *e)
{
    Gguf g;
    int code = gguf_open(&g, &c->files[file].view, c->files[file].path, e);

    if (code != LAKE_OK)
        return code;
    code = check_kind(&g, e);
    if (code == LAKE_OK)
        code = read_hints(&g, &c->hints, e);
    if (code == LAKE_OK)
        code = add_tensors(&g, c, file, e);
    c->has_vocabulary = gguf_find(&g, GGUF_TOKENS) != NULL;
    gguf_close(&g);
    return code;
}
