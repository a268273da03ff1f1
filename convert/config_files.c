/* Configuration files beside a checkpoint. Hugging Face: config.json (transformers, configuration_clip.py, whose defaults
 * stand for absent keys, for it writes only what differs from them) and preprocessor_config.json. open_clip:
 * open_clip_config.json. timm: config.json with pretrained_cfg. */
#include "convert/config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "convert/json.h"

enum { CONFIG_SIZE_LIMIT = 1 << 24 };

/* One configuration file and what is told of it. */
typedef struct {
    char *path;
    Json *root;
    ConvertNote *note;
    void *context;
    Error *e;
} Source;

/* ---- opening ---- */

static void close_source(Source *s)
{
    json_free(s->root);
    free(s->path);
}

/* Reads the file of this name beside the checkpoint; s->root stays NULL where there is none. */
static int open_source(Source *s, const char *checkpoint, const char *name)
{
    unsigned char *text;
    size_t size;
    int code;

    s->root = NULL;
    s->path = path_beside(checkpoint, name);
    if (s->path == NULL)
        return error_memory(s->e, "a path");
    if (path_kind(s->path) != PATH_FILE)
        return LAKE_OK;
    code = file_read(&text, &size, s->path, CONFIG_SIZE_LIMIT, s->e);
    if (code == LAKE_OK) {
        code = json_parse(&s->root, (const char *)text, size, s->path, s->e);
        free(text);
    }
    return code;
}

/* ---- values ---- */

/* The number under a key into *value, which stays where the key is absent or null. */
static int get_number(const Source *s, const Json *object, const char *key, double *value)
{
    const Json *member = json_get(object, key);

    if (member == NULL || member->type == JSON_NULL)
        return LAKE_OK;
    if (member->type != JSON_NUMBER)
        return error_set(s->e, LAKE_BAD_INPUT, "%s: \"%s\" is no number", s->path, key);
    *value = member->number;
    return LAKE_OK;
}

/* The heads of a tower of this width; `standard` is what an absent key means. */
static int get_heads(const Source *s, const Json *object, const char *key, double standard, uint32_t width, long *heads)
{
    double value = standard;

    if (get_number(s, object, key, &value) != LAKE_OK)
        return LAKE_BAD_INPUT;
    if (!(value >= 1 && value <= 65536 && value == floor(value)))
        return error_set(s->e, LAKE_BAD_INPUT, "%s: \"%s\" is %g, expected a whole number from 1", s->path, key, value);
    if (width % (uint32_t)value != 0)
        return error_set(s->e, LAKE_BAD_INPUT,
                         "%s: \"%s\" is %g%s, which does not divide the width %lu: correct it, or move the file away",
                         s->path, key, value, json_get(object, key) == NULL ? " where it is absent" : "",
                         (unsigned long)width);
    *heads = (long)value;
    return LAKE_OK;
}

static int get_eps(const Source *s, const Json *object, const char *key, double standard, float *eps)
{
    double value = standard;

    if (get_number(s, object, key, &value) != LAKE_OK)
        return LAKE_BAD_INPUT;
    if (!(value > 0 && value < 1))
        return error_set(s->e, LAKE_BAD_INPUT, "%s: \"%s\" is %g, expected between 0 and 1", s->path, key, value);
    *eps = (float)value;
    return LAKE_OK;
}

/* A list of three numbers, mean or std; *found tells whether the key is there. */
static int get_triple(const Source *s, const Json *object, const char *key, float triple[3], int *found)
{
    const Json *list = json_get(object, key), *item;
    int i = 0;

    *found = list != NULL && list->type != JSON_NULL;
    if (!*found)
        return LAKE_OK;
    if (list->type == JSON_ARRAY && list->count == 3)
        for (item = list->child; item != NULL && item->type == JSON_NUMBER; item = item->next)
            triple[i++] = double_to_float(item->number);
    return i == 3 ? LAKE_OK : error_set(s->e, LAKE_BAD_INPUT, "%s: \"%s\" is no list of three numbers", s->path, key);
}

/* Mean and std under these keys, where both are there. */
static int get_pixels(const Source *s, const Json *object, const char *mean_key, const char *std_key, ConfigHints *h)
{
    float mean[3], std[3];
    int has_mean, has_std;

    if (get_triple(s, object, mean_key, mean, &has_mean) != LAKE_OK ||
        get_triple(s, object, std_key, std, &has_std) != LAKE_OK)
        return LAKE_BAD_INPUT;
    if (!has_mean || !has_std)
        return LAKE_OK;
    memcpy(h->mean, mean, sizeof mean);
    memcpy(h->std, std, sizeof std);
    config_note(s->note, s->context, "%s: mean %g,%g,%g, std %g,%g,%g", s->path, (double)mean[0], (double)mean[1],
                (double)mean[2], (double)std[0], (double)std[1], (double)std[2]);
    return LAKE_OK;
}

/* ---- is it this checkpoint's file? ---- */

typedef struct {
    const char *key;
    uint32_t expected;
} Size;

/* Every size that the file states must be the tensors'; else activation and heads would be another model's as well. */
static int check_sizes(const Source *s, const Json *object, const Size *sizes, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        double value = sizes[i].expected;

        if (get_number(s, object, sizes[i].key, &value) != LAKE_OK)
            return LAKE_BAD_INPUT;
        if (value != sizes[i].expected)
            return error_set(
                s->e, LAKE_BAD_INPUT,
                "%s: \"%s\" is %g, the checkpoint's tensors say %lu: the file belongs to another model, move it away",
                s->path, sizes[i].key, value, (unsigned long)sizes[i].expected);
    }
    return LAKE_OK;
}

/* ---- Hugging Face ---- */

/* `standard` is what an absent key means. */
static int get_hidden_act(const Source *s, const Json *tower, int standard, int *activation)
{
    const Json *act = json_get(tower, "hidden_act");

    if (act != NULL && act->type != JSON_STRING)
        return error_set(s->e, LAKE_BAD_INPUT, "%s: \"hidden_act\" is no string", s->path);
    if (act == NULL)
        *activation = standard;
    else if (strcmp(act->string, "quick_gelu") == 0)
        *activation = ACT_QUICK_GELU;
    else if (strcmp(act->string, "gelu") == 0)
        *activation = ACT_GELU;
    else
        return error_set(s->e, LAKE_BAD_INPUT, "%s: \"hidden_act\" is \"%s\", only quick_gelu and gelu can be computed",
                         s->path, act->string);
    return LAKE_OK;
}

static int read_hf_tower(const Source *s, const Json *tower, int index, double standard_heads, uint32_t width,
                         ConfigHints *h)
{
    if (get_hidden_act(s, tower, ACT_QUICK_GELU, &h->activation[index]) != LAKE_OK ||
        get_eps(s, tower, "layer_norm_eps", 1e-5, &h->eps[index]) != LAKE_OK ||
        get_heads(s, tower, "num_attention_heads", standard_heads, width, &h->heads[index]) != LAKE_OK)
        return LAKE_BAD_INPUT;
    config_note(s->note, s->context, "%s: %s tower: activation %s, eps %g, %ld heads", s->path,
                index == 0 ? "vision" : "text", h->activation[index] == ACT_QUICK_GELU ? "quick_gelu" : "gelu",
                (double)h->eps[index], h->heads[index]);
    return LAKE_OK;
}

static int read_hf_vision(const Source *s, const Json *tower, const ClipConfig *c, ConfigHints *h)
{
    const Size sizes[] = {{"hidden_size", c->vision.width},
                          {"num_hidden_layers", c->vision.layers},
                          {"intermediate_size", c->vision.mlp},
                          {"patch_size", c->patch},
                          {"image_size", c->resolution}};

    if (check_sizes(s, tower, sizes, sizeof sizes / sizeof *sizes) != LAKE_OK)
        return LAKE_BAD_INPUT;
    return read_hf_tower(s, tower, 0, 12, c->vision.width, h);
}

static int read_hf_text(const Source *s, const Json *tower, const ClipConfig *c, ConfigHints *h)
{
    const Size sizes[] = {{"hidden_size", c->text.width},
                          {"num_hidden_layers", c->text.layers},
                          {"intermediate_size", c->text.mlp},
                          {"max_position_embeddings", c->context},
                          {"vocab_size", c->vocabulary}};
    double end_id = -1;

    if (check_sizes(s, tower, sizes, sizeof sizes / sizeof *sizes) != LAKE_OK ||
        get_number(s, tower, "eos_token_id", &end_id) != LAKE_OK)
        return LAKE_BAD_INPUT;
    /* 2, a value of old files, means the largest id (transformers PR #24773) */
    if (end_id >= 0 && end_id < 2147483647.0 && end_id != 2)
        h->end_id = (long)end_id;
    return read_hf_tower(s, tower, 1, 8, c->text.width, h);
}

/* config.json of a CLIPModel, with a part per tower, or of a CLIPVisionModel, flat. */
static int read_hf_config(const Source *s, const ClipConfig *c, ConfigHints *h)
{
    const Json *type = json_get(s->root, "model_type"), *vision = json_get(s->root, "vision_config");
    int is_flat = type != NULL && type->type == JSON_STRING && strcmp(type->string, "clip_vision_model") == 0;

    if (!is_flat && vision == NULL) {
        config_note(s->note, s->context, "%s: is not the configuration of a CLIP, ignored", s->path);
        return LAKE_OK;
    }
    if (read_hf_vision(s, is_flat ? s->root : vision, c, h) != LAKE_OK)
        return LAKE_BAD_INPUT;
    return c->has_text ? read_hf_text(s, json_get(s->root, "text_config"), c, h) : LAKE_OK;
}

/* config.json of a Dinov2Model (configuration_dinov2.py); its MLP has 4 times the width where mlp_ratio is absent. */
static int read_dino_config(const Source *s, const ClipConfig *c, ConfigHints *h)
{
    const Size sizes[] = {{"hidden_size", c->vision.width},
                          {"num_hidden_layers", c->vision.layers},
                          {"patch_size", c->patch},
                          {"image_size", c->resolution}};

    if (check_sizes(s, s->root, sizes, sizeof sizes / sizeof *sizes) != LAKE_OK ||
        get_hidden_act(s, s->root, ACT_GELU, &h->activation[0]) != LAKE_OK ||
        get_eps(s, s->root, "layer_norm_eps", 1e-6, &h->eps[0]) != LAKE_OK ||
        get_heads(s, s->root, "num_attention_heads", 12, c->vision.width, &h->heads[0]) != LAKE_OK)
        return LAKE_BAD_INPUT;
    config_note(s->note, s->context, "%s: activation %s, eps %g, %ld heads", s->path,
                h->activation[0] == ACT_GELU ? "gelu" : "quick_gelu", (double)h->eps[0], h->heads[0]);
    return LAKE_OK;
}

static int read_hf_preprocessor(const Source *s, const ClipConfig *c, ConfigHints *h)
{
    (void)c;
    return get_pixels(s, s->root, "image_mean", "image_std", h);
}

/* ---- open_clip ---- */

/* 1 where an option is there and says more than "none" or "off". */
static int is_set(const Json *value)
{
    return value != NULL && value->type != JSON_NULL && (value->type != JSON_BOOL || value->number != 0) &&
           (value->type != JSON_OBJECT || value->count > 0);
}

static int is_text(const Json *value, const char *text)
{
    return value->type == JSON_STRING && strcmp(value->string, text) == 0;
}

/* Settings that leave no trace in the tensors' names and change what is computed. */
static int refuse_open_clip_variants(const Source *s, const Json *vision, const Json *text)
{
    const struct {
        const Json *object;
        const char *key;
    } unsupported[] = {
        {text, "no_causal_mask"},        {text, "hf_model_name"},         {text, "act_kwargs"},
        {vision, "timm_model_name"},     {vision, "attentional_pool"},    {vision, "act_kwargs"},
        {vision, "global_average_pool"}, {vision, "final_ln_after_pool"},
    };
    const Json *image_pool = json_get(vision, "pool_type"), *text_pool = json_get(text, "pool_type");
    size_t i;

    for (i = 0; i < sizeof unsupported / sizeof *unsupported; i++)
        if (is_set(json_get(unsupported[i].object, unsupported[i].key)))
            return error_set(s->e, LAKE_BAD_INPUT, "%s: \"%s\" is set: this variant of CLIP is not supported", s->path,
                             unsupported[i].key);
    if (is_set(image_pool) && !is_text(image_pool, "tok"))
        return error_set(s->e, LAKE_BAD_INPUT,
                         "%s: \"pool_type\" of vision_cfg is not \"tok\", the class token: this variant of CLIP is not "
                         "supported", s->path);
    if (is_set(text_pool) && !is_text(text_pool, "argmax") && !is_text(text_pool, "eos"))
        return error_set(s->e, LAKE_BAD_INPUT,
                         "%s: \"pool_type\" of text_cfg is not \"argmax\", the end token: this variant of CLIP is not "
                         "supported", s->path);
    return LAKE_OK;
}

static int read_open_clip_vision(const Source *s, const Json *vision, const ClipConfig *c, ConfigHints *h)
{
    const Size sizes[] = {{"image_size", c->resolution},
                          {"layers", c->vision.layers},
                          {"width", c->vision.width},
                          {"patch_size", c->patch}};
    double head_width = 64;

    if (check_sizes(s, vision, sizes, sizeof sizes / sizeof *sizes) != LAKE_OK ||
        get_number(s, vision, "head_width", &head_width) != LAKE_OK ||
        get_eps(s, json_get(vision, "norm_kwargs"), "eps", 1e-5, &h->eps[0]) != LAKE_OK)
        return LAKE_BAD_INPUT;
    if (!(head_width >= 1 && head_width <= c->vision.width && fmod(c->vision.width, head_width) == 0))
        return error_set(s->e, LAKE_BAD_INPUT, "%s: \"head_width\" is %g, which does not divide the width %lu: correct it, or move the file "
                         "away", s->path, head_width, (unsigned long)c->vision.width);
    h->heads[0] = (long)(c->vision.width / head_width);
    return LAKE_OK;
}

static int read_open_clip_text(const Source *s, const Json *text, const ClipConfig *c, ConfigHints *h)
{
    const Size sizes[] = {{"context_length", c->context},
                          {"vocab_size", c->vocabulary},
                          {"width", c->text.width},
                          {"layers", c->text.layers}};

    if (check_sizes(s, text, sizes, sizeof sizes / sizeof *sizes) != LAKE_OK ||
        get_eps(s, json_get(text, "norm_kwargs"), "eps", 1e-5, &h->eps[1]) != LAKE_OK)
        return LAKE_BAD_INPUT;
    return get_heads(s, text, "heads", 8, c->text.width, &h->heads[1]);
}

static int read_open_clip_config(const Source *s, const ClipConfig *c, ConfigHints *h)
{
    const Json *model = json_get(s->root, "model_cfg"), *vision = json_get(model, "vision_cfg"),
               *text = json_get(model, "text_cfg");
    const Json *quick = json_get(model, "quick_gelu");

    if (vision == NULL) {
        config_note(s->note, s->context, "%s: holds no model_cfg with a vision_cfg, ignored", s->path);
        return LAKE_OK;
    }
    if (refuse_open_clip_variants(s, vision, text) != LAKE_OK || read_open_clip_vision(s, vision, c, h) != LAKE_OK ||
        (c->has_text && read_open_clip_text(s, text, c, h) != LAKE_OK) ||
        get_pixels(s, json_get(s->root, "preprocess_cfg"), "mean", "std", h) != LAKE_OK)
        return LAKE_BAD_INPUT;
    h->activation[0] = quick != NULL && quick->number != 0 ? ACT_QUICK_GELU : ACT_GELU; /* absent: false */
    h->activation[1] = h->activation[0];
    config_note(s->note, s->context, "%s: activation %s, %ld heads", s->path,
                h->activation[0] == ACT_GELU ? "gelu" : "quick_gelu", h->heads[0]);
    return LAKE_OK;
}

/* ---- timm ---- */

static int read_timm_config(const Source *s, const ClipConfig *c, ConfigHints *h)
{
    const Json *architecture = json_get(s->root, "architecture");

    (void)c;
    if (architecture != NULL && architecture->type == JSON_STRING && strstr(architecture->string, "quickgelu") != NULL)
        h->activation[0] = ACT_QUICK_GELU;
    return get_pixels(s, json_get(s->root, "pretrained_cfg"), "mean", "std", h);
}

/* ---- public ---- */

int config_read_files(ConfigHints *hints, const ClipConfig *config, const NameScheme *scheme, const char *checkpoint,
                      ConvertNote *note, void *context, Error *e)
{
    static const struct {
        NameFamily family;
        const char *name;
        int (*read)(const Source *s, const ClipConfig *config, ConfigHints *hints);
    } files[] = {
        {NAMES_HF, "config.json", read_hf_config},
        {NAMES_HF, "preprocessor_config.json", read_hf_preprocessor},
        {NAMES_OPENAI, "open_clip_config.json", read_open_clip_config},
        {NAMES_TIMM, "config.json", read_timm_config},
        {NAMES_DINO, "config.json", read_dino_config},
        {NAMES_DINO, "preprocessor_config.json", read_hf_preprocessor},
    };
    size_t i;
    int code = LAKE_OK;

    for (i = 0; code == LAKE_OK && i < sizeof files / sizeof *files; i++) {
        Source s = {0};

        if (files[i].family != scheme->family)
            continue;
        s.note = note;
        s.context = context;
        s.e = e;
        code = open_source(&s, checkpoint, files[i].name);
        if (code == LAKE_OK && s.root != NULL)
            code = files[i].read(&s, config, hints);
        close_source(&s);
    }
    return code;
}
