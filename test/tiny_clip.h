/* Two tiny CLIP models, "a" with everything and "b" built like timm's ViTs, as test/golden/clip_tiny.safetensors holds
 * them (made by make_clip.py beside it): read from there, and written as .clip files. */
#ifndef LAKE_TINY_CLIP_H
#define LAKE_TINY_CLIP_H

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/half.h"
#include "clip.h"
#include "convert/json.h"

#define GOLDEN "test/golden/clip_tiny.safetensors"
#define FOLDER "build/test" /* where tests write */

/* ---- the golden file: safetensors (8 bytes length, JSON, data) ---- */

typedef struct {
    unsigned char *bytes;
    const unsigned char *data; /* behind the JSON */
    Json *header;
} Golden;

static inline int golden_open(Golden *g, Error *e)
{
    size_t size, length;

    if (file_read(&g->bytes, &size, GOLDEN, 1 << 24, e) != LAKE_OK)
        return 0;
    length = (size_t)get_u64le(g->bytes);
    g->data = g->bytes + 8 + length;
    return json_parse(&g->header, (const char *)g->bytes + 8, length, GOLDEN, e) == LAKE_OK;
}

static inline void golden_close(Golden *g)
{
    json_free(g->header);
    free(g->bytes);
}

/* The array MODEL.NAME as floats in a new buffer, and how many; NULL where the file has none. */
static inline float *golden_floats(const Golden *g, char model, const char *name, size_t *count)
{
    char full[128];
    const Json *entry, *offsets;
    const unsigned char *from;
    float *values;
    int half;

    snprintf(full, sizeof full, "%c.%s", model, name);
    entry = json_get(g->header, full);
    if (entry == NULL)
        return NULL;
    half = strcmp(json_get(entry, "dtype")->string, "F16") == 0;
    offsets = json_get(entry, "data_offsets");
    from = g->data + (size_t)offsets->child->number;
    *count = (size_t)(offsets->child->next->number - offsets->child->number) / (half ? 2 : 4);
    values = malloc(*count * sizeof *values);
    for (size_t i = 0; i < *count; i++)
        values[i] = half ? f16_to_float(get_u16le(from + 2 * i)) : get_f32le(from + 4 * i);
    return values;
}

/* ---- the two models as .clip files ---- */

static inline ClipConfig config_of(char model)
{
    static const float mean[3] = {0.48145466f, 0.4578275f, 0.40821073f},
                       std[3] = {0.26862954f, 0.26130258f, 0.27577711f};
    ClipConfig c;

    memset(&c, 0, sizeof c);
    memcpy(c.mean, mean, sizeof mean);
    memcpy(c.std, std, sizeof std);
    if (model == 'a') {
        c.vision = (TowerConfig){24, 3, 3, 40, ACT_QUICK_GELU, 1e-5f};
        c.resolution = 32;
        c.patch = 8;
        c.embed = 18;
        c.has_ln_pre = c.has_projection = c.has_text = 1;
        c.text = (TowerConfig){14, 2, 2, 36, ACT_GELU, 1e-5f};
        c.context = 12;
        c.vocabulary = 514;
        c.logit_scale = 4.6f;
    } else {
        c.vision = (TowerConfig){16, 1, 2, 24, ACT_GELU, 1e-6f};
        c.resolution = 15;
        c.patch = 5;
        c.embed = 16;
        c.has_patch_bias = 1;
    }
    return c;
}

/* A tokenizer of single bytes: 256 inside a word, 256 at its end, start 512 and end 513. */
static inline int byte_tokenizer(unsigned char **section, size_t *size, Error *e)
{
    TokTables tables;

    memset(&tables, 0, sizeof tables);
    for (uint32_t i = 0; i < 256; i++) {
        tables.byte_id[i] = i;
        tables.byte_end_id[i] = 256 + i;
    }
    tables.start_id = 512;
    tables.end_id = 513;
    return tok_pack(section, size, &tables, e);
}

/* Writes MODEL's tensors, matrices as `type`, to path. `skip_last`: without the list's last tensor. */
static inline int write_model(const Golden *g, char model, WtsType type, const char *path, int skip_last, Error *e)
{
    ClipConfig config = config_of(model);
    unsigned char *section = NULL;
    size_t section_size = 0, count;
    WtsTensor *tensors = NULL;
    WtsWriter *writer = NULL;
    int code = wts_layout(&config, type, &tensors, &count, e);

    if (code == LAKE_OK && config.has_text)
        code = byte_tokenizer(&section, &section_size, e);
    count -= skip_last != 0;
    if (code == LAKE_OK)
        code = wts_create(&writer, path, &config, tensors, count, section, section_size, e);
    for (size_t i = 0; code == LAKE_OK && i < count; i++) {
        size_t numbers = 0;
        float *values = golden_floats(g, model, tensors[i].name, &numbers);
        code = values == NULL ? error_set(e, LAKE_BAD_INPUT, GOLDEN " lacks %c.%s", model, tensors[i].name)
                              : wts_put(writer, values, numbers, e);
        free(values);
    }
    if (writer != NULL && code == LAKE_OK)
        code = wts_finish(writer, e);
    else if (writer != NULL)
        wts_abandon(writer);
    free(tensors);
    free(section);
    return code;
}

#endif
