/* The model against PyTorch, stage by stage, for every kernel that this machine runs: test/golden/clip_tiny.safetensors
 * holds two tiny models and what PyTorch computes with them in double (made by make_clip.py beside it). Then what
 * clip_open says about files that do not fit, and that results do not depend on batching. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "clip.h"
#include "kernel/kernel.h"
#include "test/test.h"
#include "test/tiny_clip.h"

/* PyTorch computed in double; we compute in float, and each value went through up to three blocks of sums of a hundred
 * terms: errors of 1e-6 of the largest value are the rule. A missing bias or a wrong epsilon is 1e-3 and more. */
#define LIMIT 1e-5

/* ---- comparing ---- */

/* One golden array against `got`; largest error relative to the largest value into *worst. */
static void compare(const Golden *g, char model, const char *name, const float *got, size_t expected_count,
                    double *worst, char *where, size_t where_size)
{
    size_t count = 0;
    float *expected = golden_floats(g, model, name, &count);
    double error = 0, scale = 0;

    if (expected == NULL || count != expected_count) {
        error = INFINITY;
        scale = 1;
    }
    for (size_t i = 0; expected != NULL && i < count && i < expected_count; i++) {
        double off = fabs((double)got[i] - expected[i]);
        error = fmax(error, off == off ? off : INFINITY); /* no number is the worst of errors */
        scale = fabs(expected[i]) > scale ? fabs(expected[i]) : scale; /* fmax here crashes GCC 12 for aarch64 */
    }
    if (error / scale > *worst) {
        *worst = error / scale;
        snprintf(where, where_size, "%s", name);
    }
    free(expected);
}

/* The picture of make_clip.py's test_pixels: byte i is (i (i mod 97) + 13 i) mod 256. */
static void fill_pixels(float *pixels, size_t resolution, const ClipConfig *config)
{
    size_t count = 3 * resolution * resolution;
    unsigned char *rgb = malloc(count);

    for (size_t i = 0; i < count; i++)
        rgb[i] = (unsigned char)((i * (i % 97) + 13 * i) % 256);
    clip_pixels(pixels, rgb, resolution, config);
    free(rgb);
}

/* All stages that the golden file has for this model and resolution. */
typedef struct {
    const Golden *g;
    char key;
    const Clip *model;
    size_t resolution;
    double worst;
    char where[128];
} Stages;

static void compare_stage(Stages *s, const char *stage, const float *got, size_t count)
{
    char name[96];

    snprintf(name, sizeof name, "golden.%lu.%s", (unsigned long)s->resolution, stage);
    compare(s->g, s->key, name, got, count, &s->worst, s->where, sizeof s->where);
}

static void compare_blocks(Stages *s, ClipState *state, const float *pixels)
{
    enum { BLOCKS = 3 };
    size_t layers = s->model->config.vision.layers, width = s->model->config.vision.width, patches = state->tokens - 1;
    float *tokens[BLOCKS], *class_token = malloc(width * sizeof *class_token);
    int taps[BLOCKS] = {1, 2, 3};
    ClipRequest request = {0};
    char stage[32];

    for (size_t i = 0; i < layers; i++)
        tokens[i] = malloc(patches * width * sizeof **tokens);
    request.tap_count = layers;
    request.taps = taps;
    request.tokens = tokens;
    request.class_token = class_token;
    clip_image(s->model, state, pixels, &request);
    for (size_t i = 0; i < layers; i++) {
        snprintf(stage, sizeof stage, "block%d", taps[i]);
        compare_stage(s, stage, tokens[i], patches * width);
        free(tokens[i]);
    }
    compare_stage(s, "class_token", class_token, width);
    free(class_token);
}

static void compare_joint_space(Stages *s, ClipState *state, const float *pixels)
{
    static const struct {
        const char *stage;
        int patch_block, vv_first; /* patch_block -1: the last but one is where vv begins */
    } ways[] = {{"patches", 0, 0}, {"patches_vv", 0, -1}, {"patches_at_2", 2, 0}, {"patches_vv_1_to_2", 2, 1}};
    size_t embed = s->model->config.embed, patches = state->tokens - 1;
    int layers = (int)s->model->config.vision.layers;
    float *embedding = malloc(embed * sizeof *embedding), *projected = malloc(patches * embed * sizeof *projected);

    for (size_t i = 0; i < (layers > 2 ? 4u : 2u); i++) {
        ClipRequest request = {0};
        request.embedding = i % 2 == 0 ? embedding : NULL; /* with and without: fewer blocks may run */
        request.patches = projected;
        request.patch_block = ways[i].patch_block;
        request.vv_first = ways[i].vv_first < 0 ? (layers > 1 ? layers - 1 : 1) : ways[i].vv_first;
        clip_image(s->model, state, pixels, &request);
        compare_stage(s, ways[i].stage, projected, patches * embed);
        if (request.embedding != NULL)
            compare_stage(s, "embedding", embedding, embed);
    }
    free(embedding);
    free(projected);
}

static void test_images(const Golden *g, char key, const Clip *model)
{
    static const char *const methods[] = {"antialias", "bicubic", "bilinear"};
    size_t side = model->config.resolution / model->config.patch, grids[3];
    Error e;

    grids[0] = side;
    grids[1] = side - 1;
    grids[2] = side + 2;
    for (int i = 0; i < 3; i++) {
        Stages s = {g, key, model, grids[i] * model->config.patch, 0, "nothing"};
        float *pixels = malloc(3 * s.resolution * s.resolution * sizeof *pixels);
        char stage[64];
        fill_pixels(pixels, s.resolution, &model->config);
        if (i == 0)
            compare_stage(&s, "pixels", pixels, 3 * s.resolution * s.resolution);
        for (int method = 0; method < (i == 0 ? 1 : 3); method++) {
            ClipState state;
            ClipRequest nothing = {0};
            if (clip_state_open(&state, model, s.resolution, (GridResize)method, &e) != LAKE_OK) {
                check(0, "clip_state_open", "%s", e.text);
                continue;
            }
            clip_image(model, &state, pixels, &nothing); /* no block runs: the embedded pixels stay in x */
            snprintf(stage, sizeof stage, "%s.embedded", methods[method]);
            compare_stage(&s, stage, state.activations.x, state.tokens * model->config.vision.width);
            if (method == GRID_BICUBIC_ANTIALIAS) {
                compare_blocks(&s, &state, pixels);
                compare_joint_space(&s, &state, pixels);
            }
            clip_state_close(&state);
        }
        free(pixels);
        snprintf(stage, sizeof stage, "%s: model %c at %lu is PyTorch's", kernel_current()->name, key,
                 (unsigned long)s.resolution);
        check(s.worst < LIMIT, stage, "error %.3g of the largest value (limit %g) in %s", s.worst, LIMIT, s.where);
    }
}

static uint32_t *golden_ids(const Golden *g, size_t *count)
{
    float *numbers = golden_floats(g, 'a', "golden.ids", count);
    uint32_t *ids = malloc(*count * sizeof *ids);

    for (size_t i = 0; i < *count; i++)
        ids[i] = (uint32_t)numbers[i];
    free(numbers);
    return ids;
}

static void test_ids(const Golden *g, const Clip *model)
{
    size_t total = 0, context = model->config.context, embed = model->config.embed, count;
    uint32_t *ids = golden_ids(g, &total);
    float *out;
    double worst = 0;
    char where[128] = "", name[96];
    Error e;
    int code;

    count = total / context;
    out = malloc(count * embed * sizeof *out);
    code = clip_text_ids(model, ids, count, context, out, &e);
    if (code == LAKE_OK)
        compare(g, 'a', "golden.text", out, count * embed, &worst, where, sizeof where);
    snprintf(name, sizeof name, "%s: text embeddings are PyTorch's", kernel_current()->name);
    check(code == LAKE_OK && worst < LIMIT, name, "%s, error %.3g", code == LAKE_OK ? where : e.text, worst);
    free(ids);
    free(out);
}

/* Many texts, more than one stack holds, must give each the bits that it gets alone. */
static void test_stacking(const Clip *model)
{
    enum { TEXTS = 300, DISTINCT = 5 };
    static const char *const words[DISTINCT] = {"a", "dent", "a cut", "flawless", "far too long for this context"};
    const char *texts[TEXTS];
    size_t embed = model->config.embed, truncated = 0, one_truncated = 0;
    float *all = malloc(TEXTS * embed * sizeof *all), *one = malloc(embed * sizeof *one);
    char name[96];
    Error e;
    int same = 1;

    for (size_t i = 0; i < TEXTS; i++)
        texts[i] = words[i % DISTINCT];
    same = clip_text(model, texts, TEXTS, all, &truncated, &e) == LAKE_OK;
    for (size_t i = 0; same && i < TEXTS; i++) {
        same = clip_text(model, &texts[i], 1, one, &one_truncated, &e) == LAKE_OK;
        same = same && memcmp(one, all + i * embed, embed * sizeof *one) == 0;
    }
    snprintf(name, sizeof name, "%s: 300 texts at once give each one's own bits", kernel_current()->name);
    check(same && truncated == TEXTS / DISTINCT && one_truncated == 1, name, "%lu truncated", (unsigned long)truncated);
    free(all);
    free(one);
}

/* ---- a model in memory ---- */

/* The bytes of the file of `model`, at an address that no number can lie at, give the bits that the file gives; a name
 * stands where a path stands, and damage is refused. */
static void test_memory(const Clip *model)
{
    const char *texts[] = {"a cut"};
    size_t embed = model->config.embed, size;
    float *expected = malloc(embed * sizeof *expected), *found = malloc(embed * sizeof *found);
    unsigned char *bytes, *odd;
    Clip inner;
    Error e;

    if (!check(file_read(&bytes, &size, wts_path(model->file), 1 << 24, &e) == LAKE_OK, "a model's bytes", "%s",
               e.text))
        return;
    odd = malloc(size + 1);
    memcpy(odd + 1, bytes, size);
    if (check(clip_open_memory(&inner, odd + 1, size, "built in", &e) == LAKE_OK, "a model in memory", "%s", e.text)) {
        check(clip_text(model, texts, 1, expected, NULL, &e) == LAKE_OK &&
                  clip_text(&inner, texts, 1, found, NULL, &e) == LAKE_OK &&
                  memcmp(expected, found, embed * sizeof *found) == 0 && strcmp(wts_path(inner.file), "built in") == 0,
              "a model in memory computes what its file does", "%s", wts_path(inner.file));
        clip_close(&inner);
    }
    check(clip_open_memory(&inner, bytes, size / 2, "built in", &e) == LAKE_BAD_INPUT &&
              strstr(e.text, "built in: cut off") == e.text,
          "a cut model in memory is refused", "%s", e.text);
    clip_close(&inner); /* allowed after a failure */
    free(bytes);
    free(odd);
    free(expected);
    free(found);
}

static void check_default_resolution(uint32_t trained, uint32_t patch, size_t expected)
{
    Clip model;
    char name[80];

    memset(&model, 0, sizeof model);
    model.config.resolution = trained;
    model.config.patch = patch;
    snprintf(name, sizeof name, "default resolution of a model trained at %u with patches of %u", (unsigned)trained,
             (unsigned)patch);
    check(clip_default_resolution(&model) == expected, name, "%lu, expected %lu",
          (unsigned long)clip_default_resolution(&model), (unsigned long)expected);
}

/* ---- what is refused ---- */

static void test_refusals(const Golden *g, const Clip *a, const Clip *b)
{
    static const uint32_t endless[] = {512, 1, 2}, outside[] = {512, 514, 513};
    const char *texts[] = {"x"};
    float out[64];
    Clip model;
    ClipState state;
    Error e;

    check(clip_open(&model, FOLDER "/absent.clip", &e) == LAKE_BAD_INPUT && strstr(e.text, "absent.clip") != NULL,
          "a missing file is named", "%s", e.text);
    check(write_model(g, 'b', WTS_F32, FOLDER "/clip_short.clip", 1, &e) == LAKE_OK &&
              clip_open(&model, FOLDER "/clip_short.clip", &e) == LAKE_BAD_INPUT && strstr(e.text, "is missing") != NULL,
          "a file without its last tensor is refused", "%s", e.text);
    check(clip_state_open(&state, a, 33, GRID_BILINEAR, &e) == LAKE_USAGE && strstr(e.text, "patch size 8") != NULL,
          "a resolution beside the patch size is refused", "%s", e.text);
    check(clip_state_open(&state, a, 0, GRID_BILINEAR, &e) == LAKE_USAGE, "resolution 0 is refused", "%s", e.text);
    check(clip_text(b, texts, 1, out, NULL, &e) == LAKE_USAGE && strstr(e.text, "no text tower") != NULL,
          "texts without a text tower are refused", "%s", e.text);
    check(clip_text_ids(a, endless, 1, 3, out, &e) == LAKE_USAGE && strstr(e.text, "end id") != NULL,
          "ids without an end are refused", "%s", e.text);
    check(clip_text_ids(a, outside, 1, 3, out, &e) == LAKE_USAGE && strstr(e.text, "514") != NULL,
          "an id beyond the vocabulary is refused", "%s", e.text);
    check_default_resolution(224, 16, 512);
    check_default_resolution(224, 14, 518);
    check_default_resolution(336, 14, 518);
    check_default_resolution(128, 8, 256);
    check_default_resolution(35, 10, 70);
    check_default_resolution(1024, 1024, 1024);
}

int main(void)
{
    static const char *const names[] = {"plain", "avx512", "avx2", "sse2", "neon"};
    Golden g = {0};
    Clip a, b;
    Error e;

    if (!golden_open(&g, &e) || folder_create(FOLDER, &e) != LAKE_OK ||
        write_model(&g, 'a', WTS_F16, FOLDER "/clip_a.clip", 0, &e) != LAKE_OK ||
        write_model(&g, 'b', WTS_F32, FOLDER "/clip_b.clip", 0, &e) != LAKE_OK ||
        clip_open(&a, FOLDER "/clip_a.clip", &e) != LAKE_OK || clip_open(&b, FOLDER "/clip_b.clip", &e) != LAKE_OK) {
        check(0, "the tiny models are written and opened", "%s", e.text);
        return 0;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const Kernel *kernel;
        if (kernel_find(&kernel, names[i], &e) != LAKE_OK) {
            skip(names[i], e.text);
            continue;
        }
        kernel_use(kernel);
        test_images(&g, 'a', &a);
        test_images(&g, 'b', &b);
        test_ids(&g, &a);
        test_stacking(&a);
    }
    test_memory(&a);
    test_refusals(&g, &a, &b);
    clip_close(&a);
    clip_close(&b);
    golden_close(&g);
    return 0;
}
