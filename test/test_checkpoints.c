/* Damaged GGUF files and indexes of shards: every byte of small ones changed in several ways and every prefix cut, each
 * in a buffer of exactly its size, so that the sanitizers see a read beyond it. Whatever is left of such a file must be
 * refused or be readable to its last number. The files are put together here after ggml's docs/gguf.md. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "convert/checkpoint.h"
#include "convert/gguf.h"
#include "test/test.h"
#include "weights/weights.h"

enum { SIZE_LIMIT = 2048 };

typedef struct {
    unsigned char data[SIZE_LIMIT];
    size_t size;
} Bytes;

static void add_u32(Bytes *b, uint32_t n)
{
    put_u32le(b->data + b->size, n);
    b->size += 4;
}

static void add_u64(Bytes *b, uint64_t n)
{
    put_u64le(b->data + b->size, n);
    b->size += 8;
}

static void add_text(Bytes *b, const char *text)
{
    add_u64(b, strlen(text));
    memcpy(b->data + b->size, text, strlen(text));
    b->size += strlen(text);
}

static void add_key(Bytes *b, const char *key, uint32_t type)
{
    add_text(b, key);
    add_u32(b, type);
}

static void add_tensor(Bytes *b, const char *name, uint64_t columns, uint64_t rows, uint32_t type, uint64_t offset)
{
    add_text(b, name);
    add_u32(b, 2);
    add_u64(b, columns);
    add_u64(b, rows);
    add_u32(b, type);
    add_u64(b, offset);
}

/* Six keys of all shapes, tensors in f32, f16 and q8_0. */
static void build_gguf(Bytes *b)
{
    size_t i;

    memset(b, 0, sizeof *b);
    memcpy(b->data, "GGUF", 4);
    b->size = 4;
    add_u32(b, 3);
    add_u64(b, 3);
    add_u64(b, 6);
    add_key(b, "general.architecture", GGUF_STRING);
    add_text(b, "clip");
    add_key(b, "clip.use_gelu", GGUF_BOOL);
    b->data[b->size++] = 1;
    add_key(b, "clip.vision.attention.head_count", GGUF_I32);
    add_u32(b, 12);
    add_key(b, "negative", GGUF_I64);
    add_u64(b, UINT64_MAX - 1);
    add_key(b, "clip.vision.image_mean", GGUF_ARRAY);
    add_u32(b, GGUF_F32);
    add_u64(b, 3);
    for (i = 0; i < 3; i++)
        add_u32(b, float_to_bits(0.25f));
    add_key(b, GGUF_TOKENS, GGUF_ARRAY);
    add_u32(b, GGUF_STRING);
    add_u64(b, 2);
    add_text(b, "a");
    add_text(b, "bc");
    add_tensor(b, "a", 3, 2, 0, 0);
    add_tensor(b, "b", 4, 2, 1, 32);
    add_tensor(b, "c", 32, 2, 8, 64);
    b->size = (b->size + 31) / 32 * 32;
    for (i = 0; i < 6; i++)
        put_f32le(b->data + b->size + 4 * i, (float)i);
    for (i = 0; i < 8; i++)
        put_u16le(b->data + b->size + 32 + 2 * i, (uint16_t)(0x3c00 + i)); /* 1 and a little */
    for (i = 0; i < 2; i++) {
        unsigned char *block = b->data + b->size + 64 + 34 * i;

        put_u16le(block, 0x3800); /* 0.5 */
        memset(block + 2, i == 0 ? 6 : 250, 32);
    }
    b->size += 64 + 2 * 34;
}

/* A checkpoint whose only file is a copy of these bytes. */
static int open_bytes(Checkpoint *c, const unsigned char *data, size_t size, CkptReader *list, Error *e)
{
    unsigned char *copy = malloc(size + (size == 0));

    memset(c, 0, sizeof *c);
    c->files = calloc(1, sizeof *c->files);
    c->path = calloc(1, 16);
    if (copy == NULL || c->files == NULL || c->path == NULL)
        abort();
    memcpy(copy, data, size);
    strcpy(c->path, "none/test");
    c->file_count = 1;
    c->files[0].path = calloc(1, 16);
    if (c->files[0].path == NULL)
        abort();
    strcpy(c->files[0].path, "none/test");
    c->files[0].view.data = copy;
    c->files[0].view.size = size;
    return list(c, 0, e);
}

static int list_shards(Checkpoint *c, size_t file, Error *e)
{
    (void)file;
    return shards_list(c, e);
}

/* Opens the bytes, reads every number that is promised, closes. Returns the code; -1 for another than LAKE_OK and
 * LAKE_BAD_INPUT with a message. */
static int digest(const unsigned char *data, size_t size, CkptReader *list)
{
    Checkpoint c;
    Error e = {0, ""};
    int code = open_bytes(&c, data, size, list, &e);
    size_t i, k;
    float number;

    for (i = 0; code == LAKE_OK && i < c.count; i++)
        for (k = 0; c.tensors[i].type != NUMBER_OTHER && k < c.tensors[i].count; k++)
            ckpt_read(&number, &c, &c.tensors[i], k, 1, 1);
    ckpt_close(&c);
    return code == LAKE_OK || (code == LAKE_BAD_INPUT && e.text[0] != '\0') ? code : -1;
}

/* Every prefix, and every byte changed; the number of outcomes that are neither a refusal nor a whole checkpoint. */
static size_t count_wrong(const unsigned char *good, size_t size, CkptReader *list, size_t *accepted)
{
    static const unsigned char changes[] = {0x01, 0x80, 0xff, 0x20};
    unsigned char bad[SIZE_LIMIT];
    size_t i, k, wrong = 0;

    *accepted = 0;
    for (i = 0; i < size; i++) {
        wrong += digest(good, i, list) != LAKE_BAD_INPUT;
        for (k = 0; k < sizeof changes; k++) {
            int code;

            memcpy(bad, good, size);
            bad[i] ^= changes[k];
            code = digest(bad, size, list);
            wrong += code == -1;
            *accepted += code == LAKE_OK;
        }
    }
    return wrong;
}

static void test_good(const Bytes *b)
{
    Checkpoint c;
    Error e = {0, ""};
    float a[6] = {0}, half[2] = {0}, q[4] = {0};
    int code = open_bytes(&c, b->data, b->size, gguf_list, &e);
    int found = check(code == LAKE_OK && ckpt_sort(&c, &e) == LAKE_OK && c.count == 3, "a GGUF file", "%s", e.text);

    if (found) {
        ckpt_read(a, &c, ckpt_find(&c, "a"), 1, 3, 2);
        ckpt_read(half, &c, ckpt_find(&c, "b"), 7, 1, 1);
        ckpt_read(q, &c, ckpt_find(&c, "c"), 31, 1, 2);
        check(a[0] == 1 && a[1] == 4 && half[0] == 1 + 7 / 1024.0f && q[0] == 3 && q[1] == -3, "its numbers",
              "%g %g %g %g %g", (double)a[0], (double)a[1], (double)half[0], (double)q[0], (double)q[1]);
        check(c.tensors[0].shape[0] == 2 && c.tensors[0].shape[1] == 3, "shapes are turned to slowest first", "not");
        check(c.hints.activation[0] == ACT_GELU && c.hints.heads[0] == 12 && c.hints.std[0] == 0 && c.has_vocabulary,
              "its keys", "activation %d, heads %ld", c.hints.activation[0], c.hints.heads[0]);
    }
    ckpt_close(&c);
}

static void test_values(const Bytes *b)
{
    FileView view = {NULL, 0, 0};
    Gguf g;
    Error e = {0, ""};
    double n = 0;
    size_t at;

    view.data = b->data;
    view.size = b->size;
    if (!check(gguf_open(&g, &view, "test", &e) == LAKE_OK, "keys of a GGUF file", "%s", e.text))
        return;
    check(gguf_number(&g, gguf_find(&g, "negative"), 0, &n) && n == -2, "a negative number of 64 bits", "%g", n);
    check(!gguf_number(&g, gguf_find(&g, "clip.vision.image_mean"), 3, &n), "an item beyond an array", "was read");
    check(!gguf_number(&g, gguf_find(&g, GGUF_TOKENS), 0, &n) && gguf_find(&g, "general") == NULL,
          "texts are no numbers", "was read");
    at = gguf_find(&g, GGUF_TOKENS)->at;
    gguf_text(&g, &at);
    check(gguf_text(&g, &at).size == 2, "the second text of an array", "another length");
    gguf_close(&g);
}

int main(void)
{
    static const char index[] =
        "{\"metadata\": {\"total_size\": 4}, \"weight_map\": {\"a\": \"x.safetensors\", \"b\": \"y\"}}";
    Bytes b;
    size_t accepted, wrong;

    build_gguf(&b);
    test_good(&b);
    test_values(&b);
    wrong = count_wrong(b.data, b.size, gguf_list, &accepted);
    check(wrong == 0, "damaged GGUF files are refused or whole", "%lu of them", (unsigned long)wrong);
    check(accepted > 100, "some damage is only other numbers", "%lu accepted", (unsigned long)accepted);
    wrong = count_wrong((const unsigned char *)index, sizeof index - 1, list_shards, &accepted);
    check(wrong == 0 && accepted == 0, "damaged indexes are refused", "%lu wrong", (unsigned long)wrong);
    return 0;
}
