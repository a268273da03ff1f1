/* The .lake file: what is read is what was written, and no damage, however well checksummed, does worse than a
 * refusal. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/file.h"
#include "lake.h"
#include "test/test.h"

enum { HEIGHT = 2, WIDTH = 3, PATCHES = HEIGHT * WIDTH, EMBED = 4, LAYERS = 2, IMAGES = 3 };
static const size_t widths[LAYERS] = {9, 5};

static const char *path(void)
{
    return path_kind("build") == PATH_FOLDER ? "build/test_detector.lake" : "test_detector.lake";
}

static void fill(float *numbers, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++)
        numbers[i] = (float)((double)(lake_random(&seed) >> 40) / 16777216) * 0.5f;
}

static int make(LakeDetector *d, LakeSelection selection, int text, int keep, double trim, Error *e)
{
    float normal[EMBED] = {1, 0, 0, 0}, anomalous[EMBED] = {0, 1, 0, 0};
    LakeTexts texts = {EMBED, 100, NULL, NULL};
    LakeTokens tokens;
    LakeOptions options;
    LakeFit *fit;
    int code;

    texts.normal = normal;
    texts.anomalous = anomalous;
    lake_defaults(&options);
    options.layer_count = LAYERS;
    options.neurons = 4;
    options.seed = UINT64_C(0x123456789abcdef0);
    options.selection = selection;
    options.keep_tokens = keep;
    options.trim = trim;
    strcpy(options.class_name, "metal_nut");
    code = lake_options_resolve(&options, NULL, e);
    if (code == LAKE_OK)
        code = lake_tokens_open(&tokens, HEIGHT, WIDTH, LAYERS, widths, EMBED, 0, e);
    if (code != LAKE_OK)
        return code;
    code = lake_fit_begin(&fit, &options, NULL, text ? &texts : NULL, &tokens, e);
    for (unsigned i = 0; code == LAKE_OK && i < IMAGES; i++) {
        for (size_t l = 0; l < LAYERS; l++)
            fill(tokens.layers[l], PATCHES * widths[l], 10 * i + l);
        fill(tokens.patches, PATCHES * EMBED, 99 + i);
        tokens.normalised = 0;
        code = lake_fit_add(fit, &tokens, i == 1 ? "b \xc3\xa4.png" : "a.png", e);
    }
    lake_tokens_close(&tokens);
    return code == LAKE_OK ? lake_fit_finish(fit, d, e) : code;
}

#define SAME(a, b, count) (memcmp(a, b, (count) * sizeof *(a)) == 0)

/* Every field that the file holds, and what is derived from it. */
static int same(const LakeDetector *a, const LakeDetector *b)
{
    LakeOptions x = a->options, y = b->options;
    size_t sum = 0;
    int equal = x.normalisation == y.normalisation && x.selection == y.selection && x.neurons == y.neurons &&
                x.seed == y.seed && x.distance == y.distance && x.coreset == y.coreset && x.trim == y.trim &&
                strcmp(x.class_name, y.class_name) == 0 && x.patch_attention == y.patch_attention &&
                x.semantic_block == y.semantic_block && x.resolution == y.resolution && x.grid_resize == y.grid_resize &&
                x.upright == y.upright && x.keep_tokens == y.keep_tokens && x.layer_count == y.layer_count &&
                SAME(x.layers, y.layers, x.layer_count) && x.decision.lambda == y.decision.lambda &&
                x.decision.pooling == y.decision.pooling && x.decision.threshold == y.decision.threshold &&
                a->weights == NULL && b->weights == NULL && a->fingerprint == b->fingerprint && a->height == b->height &&
                a->width == b->width && a->normal_count == b->normal_count && a->threshold == b->threshold &&
                a->provisional == b->provisional && SAME(a->normal_scores, b->normal_scores, IMAGES) &&
                SAME(a->outlier, b->outlier, IMAGES) &&
                SAME(a->normal_structural, b->normal_structural, IMAGES * PATCHES) && a->texts.embed == b->texts.embed &&
                a->texts.scale == b->texts.scale && a->dropped_count == b->dropped_count &&
                (a->kept == NULL) == (b->kept == NULL);

    if (equal && a->texts.embed > 0)
        equal = SAME(a->texts.normal, b->texts.normal, EMBED) && SAME(a->texts.anomalous, b->texts.anomalous, EMBED) &&
                SAME(a->normal_semantic, b->normal_semantic, IMAGES * PATCHES);
    if (equal && a->dropped_count > 0)
        equal = SAME(a->dropped, b->dropped, a->dropped_count);
    for (size_t l = 0; equal && l < LAYERS; l++) {
        const LakeLayer *p = &a->layers[l], *q = &b->layers[l];
        sum += p->width;
        equal = p->block == q->block && p->width == q->width && p->count == q->count &&
                SAME(p->channels, q->channels, p->count) && p->moments.count == q->moments.count &&
                SAME(p->moments.mean, q->moments.mean, p->width) && SAME(p->moments.m2, q->moments.m2, p->width) &&
                (p->basis == NULL) == (q->basis == NULL) &&
                (p->basis == NULL || SAME(p->basis, q->basis, p->count * p->width)) && p->rows == q->rows &&
                SAME(p->gallery, q->gallery, p->rows * p->count) && SAME(p->source, q->source, p->rows) &&
                p->delta == q->delta && SAME(p->norms, q->norms, p->rows);
    }
    for (size_t i = 0; equal && i < IMAGES; i++)
        equal = strcmp(a->names[i], b->names[i]) == 0 && (a->kept == NULL || SAME(a->kept[i], b->kept[i], PATCHES * sum));
    return equal;
}

static void round_trip(const char *name, LakeSelection selection, int text, int keep, double trim)
{
    LakeDetector d, back;
    Error e = {0, ""};

    if (!check(make(&d, selection, text, keep, trim, &e) == LAKE_OK, name, "%s", e.text))
        return;
    if (check(lake_detector_write(&d, path(), &e) == LAKE_OK && lake_detector_read(&back, path(), &e) == LAKE_OK, name,
              "%s", e.text)) {
        check(same(&d, &back), name, "something changed");
        lake_detector_close(&back);
    }
    lake_detector_close(&d);
}

static void seal(unsigned char *file, size_t size)
{
    put_u64le(file + 16, size);
    put_u32le(file + 12, crc32_update(0, file + 24, size - 24));
}

/* The word of version 2: there where photos were turned, and nowhere else, so that older programs read all other files. */
static void test_turning(void)
{
    LakeDetector d, back;
    Error e = {0, ""};
    unsigned char *stored = NULL, *turned = NULL;
    size_t stored_size = 0, turned_size = 0, at = 24;

    if (!check(make(&d, LAKE_SELECT_VARIANCE, 1, 0, 0, &e) == LAKE_OK, "turned photos", "%s", e.text))
        return;
    lake_detector_write(&d, path(), &e);
    file_read(&stored, &stored_size, path(), 1 << 20, &e);
    d.options.upright = 1;
    lake_detector_write(&d, path(), &e);
    if (check(file_read(&turned, &turned_size, path(), 1 << 20, &e) == LAKE_OK && lake_detector_read(&back, path(), &e) == LAKE_OK,
              "turned photos", "%s", e.text)) {
        check(same(&d, &back) && back.options.upright, "turned photos", "something changed");
        lake_detector_close(&back);
        while (at < stored_size && stored[at] == turned[at])
            at++;
        check(stored[8] == 1 && turned[8] == 2 && turned_size == stored_size + 4 && get_u32le(turned + at) == 1 &&
                  memcmp(turned + at + 4, stored + at, stored_size - at) == 0,
              "a word more, of version 2, where photos are turned", "byte %lu", (unsigned long)at);
        put_u32le(turned + at, 0);
        seal(turned, turned_size);
        if (check(lake_detector_decode(&back, turned, turned_size, "0", &e) == LAKE_OK, "version 2 of photos as stored", "%s", e.text)) {
            check(!back.options.upright, "version 2 of photos as stored", "turned");
            lake_detector_close(&back);
        }
        put_u32le(turned + at, 2);
        seal(turned, turned_size);
        check(lake_detector_decode(&back, turned, turned_size, "2", &e) == LAKE_BAD_INPUT && strstr(e.text, "how photos are turned") != NULL,
              "photos turned otherwise", "%s", e.text);
    }
    lake_detector_close(&d);
    free(stored);
    free(turned);
}

/* ---- damage ---- */

/* Reads the bytes; a detector that passes must be fit for use: it is scored with. Returns 1 where it was accepted. */
static int try_bytes(const unsigned char *file, size_t size)
{
    LakeDetector d;
    LakeTokens tokens;
    LakeResult result;
    Error e = {0, ""};
    size_t layer_widths[LAKE_MAX_LAYERS];
    unsigned char *exact = malloc(size > 0 ? size : 1); /* so that a sanitizer sees a byte too many */
    int code;

    memcpy(exact, file, size);
    code = lake_detector_decode(&d, exact, size, "damaged.lake", &e);
    free(exact);
    if (code != LAKE_OK)
        return 0;
    for (size_t l = 0; l < d.layer_count; l++)
        layer_widths[l] = d.layers[l].width;
    if (d.height * d.width < 1000 &&
        lake_tokens_open(&tokens, d.height, d.width, d.layer_count, layer_widths, d.texts.embed, 0, &e) == LAKE_OK) {
        for (size_t l = 0; l < d.layer_count; l++)
            fill(tokens.layers[l], d.height * d.width * layer_widths[l], l);
        if (d.texts.embed > 0)
            fill(tokens.patches, d.height * d.width * d.texts.embed, 3);
        if (lake_result_open(&result, &d, &e) == LAKE_OK) {
            LakeShare shares[3];
            if (lake_score(&d, &tokens, &result, &e) == LAKE_OK)
                lake_attribute(&d, &result, 0, shares, 3);
            lake_result_close(&result);
        }
        lake_tokens_close(&tokens);
    }
    lake_detector_close(&d);
    return 1;
}

static void refused(const char *name, const unsigned char *file, size_t size, const char *says)
{
    LakeDetector d;
    Error e = {0, ""};
    int code = lake_detector_decode(&d, file, size, "x.lake", &e);

    check(code == LAKE_BAD_INPUT && strstr(e.text, "x.lake: ") == e.text && strstr(e.text, says) != NULL, name, "%s", e.text);
}

static void test_damage(void)
{
    unsigned char *file, *copy;
    size_t size, accepted = 0, unsealed = 0;
    LakeDetector d;
    Error e = {0, ""};

    if (!check(make(&d, LAKE_SELECT_PCA, 1, 1, 0.2, &e) == LAKE_OK && lake_detector_write(&d, path(), &e) == LAKE_OK &&
                   file_read(&file, &size, path(), 1 << 20, &e) == LAKE_OK,
               "damage", "%s", e.text))
        return;
    lake_detector_close(&d);
    copy = malloc(size + 16);
    for (size_t n = 0; n < size; n += n < 400 ? 1 : 7) { /* cut, as it is and with a head that agrees */
        memcpy(copy, file, size);
        unsealed += (size_t)try_bytes(copy, n);
        if (n < 24)
            continue;
        seal(copy, n);
        accepted += (size_t)try_bytes(copy, n);
    }
    check(accepted == 0 && unsealed == 0, "cut files", "%lu and %lu accepted", (unsigned long)accepted,
          (unsigned long)unsealed);
    memcpy(copy, file, size);
    memset(copy + size, 0, 16);
    seal(copy, size + 16);
    check(!try_bytes(copy, size + 16), "bytes behind the end", "accepted");

    accepted = unsealed = 0;
    for (size_t n = 0; n < size; n += n < 600 ? 1 : 5) {
        memcpy(copy, file, size);
        copy[n] ^= (unsigned char)(1 << n % 8);
        unsealed += (size_t)try_bytes(copy, size);
        if (n >= 24) {
            seal(copy, size);
            accepted += (size_t)try_bytes(copy, size); /* a changed number may well be a number: it must only not crash */
        }
    }
    check(unsealed == 0, "changed bits", "%lu accepted", (unsigned long)unsealed);
    check(accepted > 0, "changed bits under a right checksum", "nothing is accepted: is the checksum right?");
    for (size_t n = 24; n + 4 <= size; n += n < 600 ? 1 : 9) { /* sizes that lie */
        static const uint32_t lies[] = {0, 1, 0x7fffffff, 0x80000000u, 0xffffffffu, 1 << 20, 65536};
        for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
            memcpy(copy, file, size);
            put_u32le(copy + n, lies[i]);
            seal(copy, size);
            try_bytes(copy, size);
        }
    }
    check(1, "sizes that lie", "a crash");
    memcpy(copy, file, size);
    put_u32le(copy + 8, 3);
    refused("another version", copy, size, "version 3");
    memcpy(copy, "\x89" "CLIP\r\n\x1a", 8);
    refused("weights", copy, size, "not a detector, but weights");
    memcpy(copy, "\x89" "LAKE\n\x1a", 7);
    refused("changed line ends", copy, size, "text mode");
    refused("some text", (const unsigned char *)"some text, longer than a head is", 32, "not a detector");
    refused("nothing", file, 0, "not a detector");
    refused("four bytes", file, 4, "not a detector");
    for (size_t n = 5; n < 24; n++)
        refused("cut within its head", file, n, "cut off");
    check(lake_detector_read(&d, "/nonexistent.lake", &e) == LAKE_BAD_INPUT, "no file", "read");
    free(file);
    free(copy);
}

/* ---- detectors that cannot be: written as they are, they must not be read ---- */

static void spoil_channel(LakeDetector *d)
{
    d->layers[1].channels[2] = 5;
}
static void spoil_source(LakeDetector *d)
{
    d->layers[0].source[1] = IMAGES * PATCHES;
}
static void spoil_delta(LakeDetector *d)
{
    d->layers[0].delta = 0;
}
static void spoil_gallery(LakeDetector *d)
{
    d->layers[1].gallery[3] = NAN;
}
static void spoil_mean(LakeDetector *d)
{
    d->layers[0].moments.mean[2] = HUGE_VAL;
}
static void spoil_m2(LakeDetector *d)
{
    d->layers[0].moments.m2[0] = -1;
}
static void spoil_count(LakeDetector *d)
{
    d->layers[0].moments.count = 0;
}
static void spoil_dropped(LakeDetector *d)
{
    d->dropped[1] = d->dropped[0];
}
static void spoil_map(LakeDetector *d)
{
    d->normal_structural[4] = 1.5f;
}
static void spoil_semantic(LakeDetector *d)
{
    d->normal_semantic[0] = -0.1f;
}
static void spoil_kept(LakeDetector *d)
{
    d->kept[2][0] = -INFINITY;
}
static void spoil_scale(LakeDetector *d)
{
    d->texts.scale = -1;
}
static void spoil_trim(LakeDetector *d)
{
    d->options.trim = 0.6;
}
static void spoil_lambda(LakeDetector *d)
{
    d->options.decision.lambda = 1.5;
}
static void spoil_pooling(LakeDetector *d)
{
    d->options.decision.pooling = (LakePooling)3;
}
static void spoil_name(LakeDetector *d)
{
    d->names[0][0] = '\0';
}

static void test_impossible(void)
{
    static const struct {
        const char *name;
        void (*spoil)(LakeDetector *);
    } cases[] = {
        {"a channel beyond the width", spoil_channel},
        {"a source beyond the images", spoil_source},
        {"delta 0", spoil_delta},
        {"NaN in the gallery", spoil_gallery},
        {"an infinite mean", spoil_mean},
        {"a negative variance", spoil_m2},
        {"statistics of nothing", spoil_count},
        {"a patch dropped twice", spoil_dropped},
        {"a map above 1", spoil_map},
        {"a map below 0", spoil_semantic},
        {"an infinite token", spoil_kept},
        {"a negative scale of the texts", spoil_scale},
        {"trim 0.6", spoil_trim},
        {"lambda 1.5", spoil_lambda},
        {"an unknown pooling", spoil_pooling},
        {"an empty name", spoil_name},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        LakeDetector d, back;
        Error e = {0, ""};
        if (!check(make(&d, LAKE_SELECT_VARIANCE, 1, 1, 0.2, &e) == LAKE_OK, cases[i].name, "%s", e.text))
            continue;
        cases[i].spoil(&d);
        check(lake_detector_write(&d, path(), &e) == LAKE_OK && lake_detector_read(&back, path(), &e) == LAKE_BAD_INPUT &&
                  strstr(e.text, "damaged detector: ") != NULL,
              cases[i].name, "'%s'", e.text);
        lake_detector_close(&d);
    }
}

static void test_unwritable(void)
{
    LakeDetector d;
    Error e = {0, ""};

    make(&d, LAKE_SELECT_VARIANCE, 0, 0, 0, &e);
    check(lake_detector_write(&d, "/nonexistent/d.lake", &e) == LAKE_RESOURCE, "no folder", "written");
    lake_detector_close(&d);
}

int main(void)
{
    round_trip("round trip", LAKE_SELECT_VARIANCE, 0, 0, 0);
    round_trip("round trip with texts", LAKE_SELECT_RANDOM, 1, 0, 0);
    round_trip("round trip with tokens", LAKE_SELECT_ALL, 1, 1, 0);
    round_trip("round trip of a PCA, trimmed", LAKE_SELECT_PCA, 0, 1, 0.2);
    test_turning();
    test_damage();
    test_impossible();
    test_unwritable();
    remove(path());
    return 0;
}
