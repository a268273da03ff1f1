/* The flat binary: half floats against numpy and PyTorch, the list of tensors, round trips in every type and from memory
 * at every alignment, and damage: every byte flipped, every length cut, and lies told under a correct checksum. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/file.h"
#include "base/half.h"
#include "test/test.h"
#include "weights/format.h"

#define FOLDER "build/test"
#define PATH FOLDER "/weights.clip"

static const unsigned char tokenizer[] = "stands for a tokenizer section";

/* ---- half floats ---- */

/* CRC-32 of the floats that the 65536 patterns widen to, as little-endian bytes. */
static uint32_t widened_crc(WtsType type)
{
    unsigned char bytes[4];
    uint32_t crc = 0, i;

    for (i = 0; i < 65536; i++) {
        uint16_t h = (uint16_t)i;
        float f;

        wts_widen(&f, &h, type, 1);
        put_f32le(bytes, f);
        crc = crc32_update(crc, bytes, 4);
    }
    return crc;
}

static void test_half(void)
{
    FILE *f = fopen("test/golden/half.txt", "r");
    unsigned long crc16 = 0, crc_b = 0, bits, half, brain;
    int lines = 0, wrong = 0, again = 0;
    uint32_t i;

    if (f == NULL || fscanf(f, "%*[^\n] %lx %lx", &crc16, &crc_b) != 2) {
        check(0, "half golden", "test/golden/half.txt cannot be read");
        return;
    }
    check(widened_crc(WTS_F16) == crc16, "f16 widens as numpy", "crc %08lx", (unsigned long)widened_crc(WTS_F16));
    check(widened_crc(WTS_BF16) == crc_b, "bf16 widens as PyTorch", "crc %08lx", (unsigned long)widened_crc(WTS_BF16));
    for (; fscanf(f, "%lx %lx %lx", &bits, &half, &brain) == 3; lines++) {
        float value = bits_to_float((uint32_t)bits);

        wrong += float_to_f16(value) != half || float_to_bf16(value) != brain;
    }
    fclose(f);
    check(lines > 600 && wrong == 0, "half narrows as numpy and PyTorch", "%d of %d wrong", wrong, lines);
    for (i = 0; i < 65536; i++) {
        uint16_t h = (uint16_t)i;

        again += !isnan(f16_to_float(h)) && float_to_f16(f16_to_float(h)) != h;
        again += !isnan(bf16_to_float(h)) && float_to_bf16(bf16_to_float(h)) != h;
    }
    check(again == 0, "half there and back", "%d wrong", again);
}

/* ---- a small file ---- */

static ClipConfig small_config(void)
{
    ClipConfig c;

    memset(&c, 0, sizeof c);
    c.vision.width = 4;
    c.vision.layers = 1;
    c.vision.heads = 2;
    c.vision.mlp = 8;
    c.vision.activation = ACT_GELU;
    c.vision.eps = 1e-5f;
    c.resolution = 4;
    c.patch = 2;
    c.mean[0] = 0.25f;
    c.mean[1] = 0.5f;
    c.mean[2] = 0.75f;
    c.std[0] = c.std[1] = c.std[2] = 0.5f;
    c.embed = 3;
    c.has_ln_pre = c.has_patch_bias = c.has_projection = c.has_text = 1;
    c.text = c.vision;
    c.text.width = 2;
    c.text.heads = 1;
    c.text.activation = ACT_QUICK_GELU;
    c.context = 5;
    c.vocabulary = 7;
    c.logit_scale = 4.5f;
    return c;
}

/* A number that every type holds exactly, other for each place. */
static float number_at(size_t tensor, size_t index)
{
    return ((float)((tensor * 37 + index * 11) % 251) - 125.0f) / 64.0f;
}

static size_t element_count(const WtsTensor *t)
{
    return t->bytes / wts_type_size(t->type);
}

/* Writes all tensors of the configuration; pieces of `piece` numbers. */
static int write_file(const char *path, const ClipConfig *config, WtsType type, size_t piece, Error *e)
{
    WtsTensor *tensors;
    WtsWriter *writer;
    size_t count, i, j;
    int code = wts_layout(config, type, &tensors, &count, e);

    if (code != LAKE_OK)
        return code;
    code = wts_create(&writer, path, config, tensors, count, config->has_text ? tokenizer : NULL,
                      config->has_text ? sizeof tokenizer : 0, e);
    for (i = 0; code == LAKE_OK && i < count; i++)
        for (j = 0; code == LAKE_OK && j < element_count(&tensors[i]); j += piece) {
            float values[64];
            size_t n = element_count(&tensors[i]) - j < piece ? element_count(&tensors[i]) - j : piece, k;

            for (k = 0; k < n; k++)
                values[k] = number_at(i, j + k);
            code = wts_put(writer, values, n, e);
        }
    free(tensors);
    return code == LAKE_OK ? wts_finish(writer, e) : code;
}

static int content_is_right(const WtsFile *file)
{
    size_t i, j;

    for (i = 0; i < wts_tensor_count(file); i++) {
        const WtsTensor *t = wts_tensor(file, i);
        float values[256];

        wts_read(values, t, 0, element_count(t));
        for (j = 0; j < element_count(t); j++)
            if (values[j] != number_at(i, j))
                return 0;
    }
    return 1;
}

static void test_round_trip(WtsType type)
{
    const char *name = wts_type_name(type);
    const ClipConfig config = small_config(), *read;
    const WtsTensor *t;
    const unsigned char *section;
    WtsFile *file;
    size_t size;
    Error e;

    if (!check(write_file(PATH, &config, type, 64, &e) == LAKE_OK, "weights written", "%s: %s", name, e.text) ||
        !check(wts_open(&file, PATH, &e) == LAKE_OK, "weights opened", "%s: %s", name, e.text))
        return;
    read = wts_config(file);
    /* The cast rounds the constant to float where the machine evaluates floats in double (FLT_EVAL_METHOD). */
    check(read->vision.width == 4 && read->vision.mlp == 8 && read->vision.activation == ACT_GELU && read->patch == 2 &&
              read->resolution == 4 && read->mean[2] == 0.75f && read->std[0] == 0.5f && read->embed == 3 &&
              read->has_ln_pre && read->has_patch_bias && read->has_projection && read->has_text &&
              read->text.width == 2 && read->text.heads == 1 && read->text.eps == (float)1e-5 && read->context == 5 &&
              read->vocabulary == 7 && read->logit_scale == 4.5f,
          "weights configuration", "%s", name);
    section = wts_tokenizer(file, &size);
    check(size == sizeof tokenizer && memcmp(section, tokenizer, size) == 0, "weights tokenizer section", "%d bytes",
          (int)size);
    check(content_is_right(file), "weights data", "%s", name);
    check(wts_verify(file, &e) == LAKE_OK, "weights verify", "%s: %s", name, e.text);
    t = wts_find(file, "text.blocks.0.mlp_out.weight");
    check(t != NULL && t->type == type && t->rank == 2 && t->shape[0] == 2 && t->shape[1] == 8, "wts_find", "%s", name);
    check(wts_find(file, "vision.class")->type == WTS_F32, "vectors stay f32", "%s", name);
    check(wts_find(file, "nothing") == NULL && wts_tensor(file, wts_tensor_count(file)) == NULL, "wts_find absent",
          "found");
    wts_close(file);
}

/* Equal content gives equal bytes however it is handed over; other content another fingerprint. */
static void test_fingerprint(void)
{
    ClipConfig config = small_config();
    uint64_t first, second;
    WtsFile *file;
    unsigned char *a, *b;
    size_t a_size, b_size;
    Error e;

    write_file(PATH, &config, WTS_F32, 64, &e);
    file_read(&a, &a_size, PATH, 1 << 20, &e);
    wts_open(&file, PATH, &e);
    first = wts_fingerprint(file);
    check(wts_size(file) == a_size && strcmp(wts_path(file), PATH) == 0, "wts_size and wts_path", "%d", (int)a_size);
    wts_close(file);
    write_file(PATH, &config, WTS_F32, 1, &e);
    file_read(&b, &b_size, PATH, 1 << 20, &e);
    check(a_size == b_size && memcmp(a, b, a_size) == 0, "same bytes in pieces of one number", "%d, %d", (int)a_size,
          (int)b_size);
    config.logit_scale = 4.25f;
    write_file(PATH, &config, WTS_F32, 64, &e);
    wts_open(&file, PATH, &e);
    second = wts_fingerprint(file);
    wts_close(file);
    check(first != second && first == fnv1a64_update(FNV1A64_START, a, get_u32le(a + AT_HEAD_SIZE)),
          "fingerprint names the content", "equal");
    free(a);
    free(b);
}

/* The bytes of a file in memory at this distance from an aligned address: the same content under the name given; the
 * sanitizers see a number read where it may not lie. Aligned bytes are used in place, where their order is the
 * machine's. */
static void test_memory_at(const unsigned char *bytes, size_t size, size_t distance)
{
    unsigned char *room = malloc(size + distance), *at = room + distance;
    const WtsTensor *t;
    WtsFile *file;
    int in_place, aligned = distance % sizeof(float) == 0;
    Error e;

    memcpy(at, bytes, size);
    if (check(wts_open_memory(&file, at, size, "built in", &e) == LAKE_OK, "weights opened in memory", "at %d: %s",
              (int)distance, e.text)) {
        t = wts_tensor(file, 0);
        in_place = t->data == (const void *)(at + get_u64le(at + AT_TABLE + ENTRY_OFFSET));
        check(content_is_right(file) && wts_verify(file, &e) == LAKE_OK && strcmp(wts_path(file), "built in") == 0 &&
                  wts_size(file) == size &&
                  wts_fingerprint(file) == fnv1a64_update(FNV1A64_START, bytes, get_u32le(bytes + AT_HEAD_SIZE)),
              "weights in memory", "at %d", (int)distance);
        check(in_place == (aligned && machine_is_little_endian()),
              "weights in memory are copied only where they must be", "at %d: %d", (int)distance, in_place);
        wts_close(file);
    }
    check(memcmp(at, bytes, size) == 0, "weights in memory stay as they are", "at %d", (int)distance);
    check(wts_open_memory(&file, at, size - 1, "built in", &e) == LAKE_BAD_INPUT && file == NULL &&
              strstr(e.text, "built in: cut off") == e.text,
          "weights in memory are checked like a file", "%s", e.text);
    free(room);
}

static void test_memory(void)
{
    const ClipConfig config = small_config();
    unsigned char *bytes;
    size_t size, distance;
    WtsFile *file;
    Error e;
    int type;

    for (type = WTS_F32; type <= WTS_BF16; type++) {
        if (!check(write_file(PATH, &config, (WtsType)type, 64, &e) == LAKE_OK &&
                       file_read(&bytes, &size, PATH, 1 << 20, &e) == LAKE_OK,
                   "a file for memory", "%s", e.text))
            return;
        for (distance = 0; distance < 5; distance++)
            test_memory_at(bytes, size, distance);
        free(bytes);
    }
    check(wts_open_memory(&file, NULL, 0, "built in", &e) == LAKE_BAD_INPUT && file == NULL &&
              strstr(e.text, "built in: is empty") == e.text,
          "no weights in memory", "%s", e.text);
}

/* ---- the list of tensors, and configurations that cannot be ---- */

static void test_layout(void)
{
    static const char *const expected[] = {"vision.patch.weight",
                                           "vision.patch.bias",
                                           "vision.class",
                                           "vision.positions",
                                           "vision.ln_pre.weight",
                                           "vision.ln_pre.bias",
                                           "vision.blocks.0.ln_1.weight",
                                           "vision.blocks.0.ln_1.bias",
                                           "vision.blocks.0.qkv.weight",
                                           "vision.blocks.0.qkv.bias",
                                           "vision.blocks.0.attn_out.weight",
                                           "vision.blocks.0.attn_out.bias",
                                           "vision.blocks.0.ln_2.weight",
                                           "vision.blocks.0.ln_2.bias",
                                           "vision.blocks.0.mlp_in.weight",
                                           "vision.blocks.0.mlp_in.bias",
                                           "vision.blocks.0.mlp_out.weight",
                                           "vision.blocks.0.mlp_out.bias",
                                           "vision.ln_post.weight",
                                           "vision.ln_post.bias",
                                           "vision.projection.weight",
                                           "text.tokens.weight",
                                           "text.positions",
                                           "text.blocks.0.ln_1.weight",
                                           "text.blocks.0.ln_1.bias",
                                           "text.blocks.0.qkv.weight",
                                           "text.blocks.0.qkv.bias",
                                           "text.blocks.0.attn_out.weight",
                                           "text.blocks.0.attn_out.bias",
                                           "text.blocks.0.ln_2.weight",
                                           "text.blocks.0.ln_2.bias",
                                           "text.blocks.0.mlp_in.weight",
                                           "text.blocks.0.mlp_in.bias",
                                           "text.blocks.0.mlp_out.weight",
                                           "text.blocks.0.mlp_out.bias",
                                           "text.ln_final.weight",
                                           "text.ln_final.bias",
                                           "text.projection.weight"};
    const size_t expected_count = sizeof expected / sizeof *expected;
    ClipConfig config = small_config();
    WtsTensor *t;
    size_t count, i, equal = 0;
    Error e;

    if (!check(wts_layout(&config, WTS_BF16, &t, &count, &e) == LAKE_OK, "layout", "%s", e.text))
        return;
    for (i = 0; i < count && i < expected_count; i++)
        equal += strcmp(t[i].name, expected[i]) == 0;
    check(count == expected_count && equal == count, "layout names in order", "%d of %d equal", (int)equal, (int)count);
    check(t[0].rank == 4 && t[0].shape[1] == 3 && t[0].shape[3] == 2 && t[0].type == WTS_BF16 &&
              t[0].bytes == 4 * 3 * 2 * 2 * 2,
          "layout patch", "%d bytes", (int)t[0].bytes);
    check(t[3].shape[0] == 5 && t[3].type == WTS_F32 && t[20].shape[0] == 3 && t[20].shape[1] == 4 &&
              t[21].shape[0] == 7,
          "layout shapes", "%d", (int)t[3].shape[0]);
    free(t);
    memset(&config.text, 0, sizeof config.text);
    config.has_text = config.has_ln_pre = config.has_patch_bias = config.has_projection = 0;
    config.context = config.vocabulary = 0;
    config.logit_scale = 0;
    config.embed = 4;
    check(wts_layout(&config, WTS_F32, &t, &count, &e) == LAKE_OK && count == 17, "layout of a plain ViT", "%s",
          e.text);
    free(t);
}

static void test_hostile_configs(void)
{
    const ClipConfig good = small_config();
    ClipConfig bad[32];
    size_t n = 0, i;
    WtsTensor *t;
    size_t count;
    Error e;

#define BAD(field, value) (bad[n] = good, bad[n++].field = (value))
    BAD(vision.width, 0);
    BAD(vision.width, 0xfffffffeu);
    BAD(vision.layers, 0);
    BAD(vision.layers, 4000000000u);
    BAD(vision.heads, 0);
    BAD(vision.heads, 3);
    BAD(vision.mlp, 0);
    BAD(vision.mlp, 0xffffffffu);
    BAD(vision.eps, 0);
    BAD(vision.eps, NAN);
    BAD(vision.activation, (Activation)7);
    BAD(resolution, 0);
    BAD(resolution, 0x80000000u);
    BAD(patch, 0);
    BAD(patch, 3);
    BAD(patch, 8);
    BAD(mean[1], INFINITY);
    BAD(std[2], 0);
    BAD(std[2], NAN);
    BAD(embed, 0);
    BAD(has_projection, 0);
    BAD(has_ln_pre, 2);
    BAD(has_text, 0);
    BAD(text.layers, 0xffffffffu);
    BAD(text.heads, 0);
    BAD(context, 1);
    BAD(context, 0xffffffffu);
    BAD(vocabulary, 0);
    BAD(vocabulary, 0xffffffffu);
    BAD(logit_scale, NAN);
    BAD(logit_scale, 1000);
#undef BAD
    for (i = 0; i < n; i++)
        check(wts_layout(&bad[i], WTS_F32, &t, &count, &e) == LAKE_BAD_INPUT && t == NULL, "hostile configuration",
              "number %d", (int)i);
}

/* ---- damage ---- */

static int open_bytes(WtsFile **file, const unsigned char *data, size_t size, Error *e)
{
    FILE *f = fopen(PATH, "wb");

    if (f == NULL || fwrite(data, 1, size, f) != size || fclose(f) != 0) {
        check(0, "test file", "cannot write " PATH);
        exit(1);
    }
    return wts_open(file, PATH, e);
}

/* Reads everything that an opened file shows, so that the sanitizers see a pointer that is wrong. */
static unsigned touch_all(const WtsFile *file)
{
    unsigned sum = 0;
    size_t i, j, size;
    const unsigned char *section = wts_tokenizer(file, &size);

    for (i = 0; i < size; i++)
        sum += section[i];
    for (i = 0; i < wts_tensor_count(file); i++)
        for (j = 0; j < wts_tensor(file, i)->bytes; j++)
            sum += ((const unsigned char *)wts_tensor(file, i)->data)[j];
    return sum;
}

static void test_flips(const unsigned char *good, size_t size)
{
    const size_t head_size = get_u32le(good + AT_HEAD_SIZE);
    unsigned char *data = malloc(size);
    size_t i, undetected = 0, accepted = 0, same = 0;
    uint64_t fingerprint = fnv1a64_update(FNV1A64_START, good, head_size);
    WtsFile *file;
    Error e;

    for (i = 0; i < size; i++) {
        int opened;

        memcpy(data, good, size);
        data[i] ^= (unsigned char)(1u << i % 8);
        opened = open_bytes(&file, data, size, &e) == LAKE_OK;
        undetected += opened && (i < head_size || wts_verify(file, &e) == LAKE_OK);
        wts_close(file);
    }
    check(undetected == 0, "every flipped byte is found", "%d of %d not", (int)undetected, (int)size);
    for (i = 0; i < head_size; i++) { /* the same under a right checksum: refused, or a file that can be read */
        memcpy(data, good, size);
        data[i] ^= (unsigned char)(1u << i % 8);
        put_u32le(data + AT_HEAD_CRC, wts_head_crc(data, head_size));
        if (open_bytes(&file, data, size, &e) != LAKE_OK)
            continue;
        accepted++;
        touch_all(file);
        same += wts_fingerprint(file) == fingerprint && (i < AT_HEAD_CRC || i >= AT_HEAD_CRC + 4);
        wts_close(file);
    }
    check(accepted > 0 && same == 0, "a changed head has another fingerprint", "%d accepted, %d same", (int)accepted,
          (int)same);
    free(data);
}

static void test_truncation(const unsigned char *good, size_t size)
{
    unsigned char *data = malloc(size + 1);
    size_t length, opened = 0;
    WtsFile *file;
    Error e;

    for (length = 0; length < size; length++) {
        opened += open_bytes(&file, good, length, &e) == LAKE_OK;
        wts_close(file);
    }
    memcpy(data, good, size);
    data[size] = 0;
    opened += open_bytes(&file, data, size + 1, &e) == LAKE_OK;
    wts_close(file);
    check(opened == 0, "cut or prolonged at every length", "%d opened", (int)opened);
    free(data);
}

/* Puts `value` (of 4 or 8 bytes) at `at`, mends the checksum and expects the message to hold `expected`. */
static void lie(const unsigned char *good, size_t size, size_t at, uint64_t value, int bytes, const char *expected)
{
    unsigned char *data = malloc(size);
    WtsFile *file;
    Error e;
    int code;

    memcpy(data, good, size);
    if (bytes == 8)
        put_u64le(data + at, value);
    else
        put_u32le(data + at, (uint32_t)value);
    if (get_u32le(data + AT_HEAD_SIZE) <= size && get_u32le(data + AT_HEAD_SIZE) >= AT_TABLE)
        put_u32le(data + AT_HEAD_CRC, wts_head_crc(data, get_u32le(data + AT_HEAD_SIZE)));
    e.text[0] = '\0';
    code = open_bytes(&file, data, size, &e);
    check(code == LAKE_BAD_INPUT && strstr(e.text, expected) != NULL && strstr(e.text, PATH ": ") == e.text,
          "lie refused", "expected \"%s\", found \"%s\"", expected, e.text);
    wts_close(file);
    free(data);
}

static void test_lies(const unsigned char *good, size_t size)
{
    const size_t second = AT_TABLE + ENTRY_SIZE, head_size = get_u32le(good + AT_HEAD_SIZE);
    const uint64_t offset = get_u64le(good + second + ENTRY_OFFSET);

    lie(good, size, 0, 0x50494c43, 4, "is no .clip file; make one with: lake convert");
    lie(good, size, 4, 0x1a0a0a50, 4, "transfer in text mode");
    lie(good, size, AT_VERSION, 2, 4, "format version 2, expected 1");
    lie(good, size, AT_BYTE_ORDER, 0x04030201, 4, "byte order mark 0x04030201");
    lie(good, size, AT_FILE_SIZE, UINT64_MAX, 8, "copy it or convert the checkpoint again");
    lie(good, size, 0, UINT64_C(0x1a0a0d454b414c89), 8, "is a detector, expected weights");
    lie(good, size, AT_FILE_SIZE, size - 1, 8, "too long");
    lie(good, size, AT_HEAD_SIZE, 0, 4, "impossible head size 0");
    lie(good, size, AT_HEAD_SIZE, 0xffffffc0u, 4, "impossible head size");
    lie(good, size, AT_HEAD_SIZE, head_size - 1, 4, "impossible head size");
    lie(good, size, AT_HEAD_SIZE, head_size - 64, 4, "do not make a head of");
    lie(good, size, AT_TENSOR_COUNT, 0xffffffffu, 4, "do not make a head of");
    lie(good, size, AT_TENSOR_COUNT, 0, 4, "do not make a head of");
    lie(good, size, AT_TOKENIZER_SIZE, 0xffffffffu, 4, "do not make a head of");
    lie(good, size, AT_TOKENIZER_SIZE, sizeof tokenizer - 2, 4, "behind the head's end, is not zero");
    lie(good, size, AT_CONFIG + 4, 4000000000u, 4, "number of layers of the vision tower is 4000000000");
    lie(good, size, AT_CONFIG + 16, 2, 4, "unknown activation");
    lie(good, size, AT_CONFIG + 28, 3, 4, "does not divide the resolution");
    lie(good, size, AT_CONFIG + 60, 31, 4, "a reserved bit");
    lie(good, size, AT_CONFIG + 60, 7, 4, "has no text tower, yet describes one");
    lie(good, size, AT_RESERVED, 1, 4, "a reserved bit");
    lie(good, size, head_size - 4, 1, 4, "behind the head's end, is not zero");
    lie(good, size, second + ENTRY_NAME, 0, 4, "name is not");
    lie(good, size, second + ENTRY_NAME + 60, 0x41414141, 4, "name is not");
    lie(good, size, second + ENTRY_TYPE, 4, 4, "unknown type");
    lie(good, size, second + ENTRY_TYPE, 3, 4, "its shape says otherwise");
    lie(good, size, second + ENTRY_RANK, 0, 4, "has rank 0");
    lie(good, size, second + ENTRY_RANK, 5, 4, "has rank 5");
    lie(good, size, second + ENTRY_SHAPE, 0, 4, "has 0 as number 1 of its shape");
    lie(good, size, second + ENTRY_SHAPE + 4, 2, 4, "has 2 as number 2 of its shape");
    lie(good, size, second + ENTRY_SHAPE, 0xffffffffu, 4, "its shape says otherwise");
    lie(good, size, AT_TABLE + ENTRY_SHAPE, 0xffffffffu, 4, "its shape says otherwise");
    lie(good, size, second + ENTRY_BYTES, UINT64_MAX, 8, "its shape says otherwise");
    lie(good, size, second + ENTRY_OFFSET, 0, 8, "are not where they must be");
    lie(good, size, second + ENTRY_OFFSET, offset - 64, 8, "are not where they must be");
    lie(good, size, second + ENTRY_OFFSET, offset + 1, 8, "are not where they must be");
    lie(good, size, second + ENTRY_OFFSET, UINT64_MAX - 63, 8, "are not where they must be");
    lie(good, size, second + ENTRY_LAYOUT, 2, 4, "unknown layout");
    lie(good, size, second + ENTRY_LAYOUT, 1, 4, "of rank 1 has the unknown layout");
    lie(good, size, AT_TABLE + ENTRY_LAYOUT, 1, 4, "is in panels, expected a multiple of 32 rows");
}

/* Two tensors of one name, which no single number makes. */
static void test_same_names(const unsigned char *good, size_t size)
{
    unsigned char *data = malloc(size);
    WtsFile *file;
    Error e;

    memcpy(data, good, size);
    memcpy(data + AT_TABLE + ENTRY_SIZE, data + AT_TABLE, ENTRY_TYPE);
    put_u32le(data + AT_HEAD_CRC, wts_head_crc(data, get_u32le(data + AT_HEAD_SIZE)));
    check(open_bytes(&file, data, size, &e) == LAKE_BAD_INPUT &&
              strstr(e.text, "two tensors are named vision.patch.weight") != NULL,
          "two tensors of one name", "%s", e.text);
    wts_close(file);
    free(data);
}

/* A byte more than the tensors need, of which the head knows. */
static void test_trailing_byte(const unsigned char *good, size_t size)
{
    unsigned char *data = malloc(size + 1);
    WtsFile *file;
    Error e;

    memcpy(data, good, size);
    data[size] = 0;
    put_u64le(data + AT_FILE_SIZE, size + 1);
    put_u32le(data + AT_HEAD_CRC, wts_head_crc(data, get_u32le(data + AT_HEAD_SIZE)));
    check(open_bytes(&file, data, size + 1, &e) == LAKE_BAD_INPUT &&
              strstr(e.text, "1 bytes behind the last tensor") != NULL,
          "a byte behind the last tensor", "%s", e.text);
    wts_close(file);
    free(data);
}

static void test_damage(void)
{
    const ClipConfig config = small_config();
    unsigned char *good;
    size_t size;
    Error e;

    if (!check(write_file(PATH, &config, WTS_F16, 64, &e) == LAKE_OK &&
                   file_read(&good, &size, PATH, 1 << 20, &e) == LAKE_OK,
               "a good file", "%s", e.text))
        return;
    test_flips(good, size);
    test_truncation(good, size);
    test_lies(good, size);
    test_same_names(good, size);
    test_trailing_byte(good, size);
    free(good);
    check(wts_open(&(WtsFile *){NULL}, FOLDER "/absent.clip", &e) == LAKE_BAD_INPUT, "an absent file", "opened");
}

/* ---- the writer's refusals leave nothing behind ---- */

/* A file with one tensor of two numbers; what is put, and what comes of it. */
static void refuse_put(WtsType type, float value, size_t count, int code, const char *expected)
{
    const ClipConfig config = small_config();
    const float values[4] = {1, value, 1, 1};
    WtsTensor t;
    WtsWriter *writer;
    Error e;
    int found;

    memset(&t, 0, sizeof t);
    strcpy(t.name, "pair");
    t.type = type;
    t.rank = 1;
    t.shape[0] = 2;
    t.shape[1] = t.shape[2] = t.shape[3] = 1;
    remove(PATH);
    if (!check(wts_create(&writer, PATH, &config, &t, 1, NULL, 0, &e) == LAKE_OK, "a writer", "%s", e.text))
        return;
    found = wts_put(writer, values, count, &e);
    if (found == LAKE_OK)
        found = wts_finish(writer, &e);
    else
        wts_abandon(writer);
    check(found == code && (code == LAKE_OK || strstr(e.text, expected) != NULL), "writer refuses",
          "code %d, \"%s\", expected \"%s\"", found, e.text, expected);
    check((path_kind(PATH) == PATH_FILE) == (code == LAKE_OK), "no file after a refusal", "%s", expected);
}

static void test_writer(void)
{
    ClipConfig config = small_config();
    WtsWriter *writer;
    WtsTensor t;
    char **names;
    size_t count, i, parts = 0;
    Error e;

    refuse_put(WTS_F32, 2, 2, LAKE_OK, "");
    refuse_put(WTS_F16, 65519, 2, LAKE_OK, "");
    refuse_put(WTS_F16, 65520, 2, LAKE_BAD_INPUT,
               "tensor pair holds 65520, beyond the range of f16: write bf16 (--dtype bf16)");
    refuse_put(WTS_BF16, 3.4e38f, 2, LAKE_BAD_INPUT, "beyond the range of bf16");
    refuse_put(WTS_F32, NAN, 2, LAKE_BAD_INPUT, "tensor pair holds NaN");
    refuse_put(WTS_F16, -INFINITY, 2, LAKE_BAD_INPUT, "tensor pair holds an infinity");
    refuse_put(WTS_F32, 2, 3, LAKE_USAGE, "more numbers than pair has room for");
    refuse_put(WTS_F32, 2, 1, LAKE_USAGE, "tensor pair is not complete");
    memset(&t, 0, sizeof t);
    check(wts_create(&writer, PATH, &config, &t, 1, NULL, 0, &e) == LAKE_BAD_INPUT && writer == NULL,
          "writer checks names", "accepted");
    check(wts_create(&writer, FOLDER "/none/x.clip", &config, &t, 0, NULL, 0, &e) == LAKE_RESOURCE, "no such folder",
          "%s", e.text);
    config.vision.heads = 3;
    check(wts_create(&writer, PATH, &config, &t, 0, NULL, 0, &e) == LAKE_BAD_INPUT, "writer checks the configuration",
          "accepted");
    if (folder_list(&names, &count, FOLDER, &e) != LAKE_OK)
        return;
    for (i = 0; i < count; i++)
        parts += strstr(names[i], "weights.clip.part") != NULL;
    folder_free(names, count);
    check(parts == 0, "no temporary file stays", "%d", (int)parts);
}

int main(void)
{
    Error e;

    if (folder_create(FOLDER, &e) != LAKE_OK) {
        check(0, "test folder", "%s", e.text);
        return 0;
    }
    test_half();
    test_layout();
    test_hostile_configs();
    test_round_trip(WTS_F32);
    test_round_trip(WTS_F16);
    test_round_trip(WTS_BF16);
    test_fingerprint();
    test_memory();
    test_damage();
    test_writer();
    remove(PATH);
    return 0;
}
