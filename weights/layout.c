/* What a CLIP file must hold: the limits of a configuration, and the list of tensors that follows from it. The
 * converter fills this list, clip_open checks a file against it; FORMAT.md shows it as a table. */
#include "weights/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Far above any CLIP that exists (the largest has width 1792, 56 layers, MLP 15360, 448 pixels); they keep every
 * product of two of these numbers in 64 bits and the list of tensors short. */
enum {
    WIDTH_LIMIT = 65536,
    LAYERS_LIMIT = 1024,
    MLP_LIMIT = 1 << 20,
    RESOLUTION_LIMIT = 16384,
    CONTEXT_LIMIT = 65536,
    VOCABULARY_LIMIT = 1 << 24
};

#define LOGIT_SCALE_LIMIT 80.0f /* exp(80) is still a float; checkpoints hold about log(100) = 4.6 */

/* One number of the configuration between 1 and `limit`. */
static int check_range(uint32_t value, uint32_t limit, const char *what, const char *name, Error *e)
{
    if (value >= 1 && value <= limit)
        return LAKE_OK;
    return error_set(e, LAKE_BAD_INPUT, "%s: %s is %lu, expected 1 to %lu", name, what, (unsigned long)value,
                     (unsigned long)limit);
}

static int check_tower(const TowerConfig *tower, const char *which, const char *name, Error *e)
{
    const struct {
        const char *what;
        uint32_t value, limit;
    } ranges[] = {
        {"width", tower->width, WIDTH_LIMIT},
        {"number of layers", tower->layers, LAYERS_LIMIT},
        {"number of heads", tower->heads, WIDTH_LIMIT},
        {"MLP width", tower->mlp, MLP_LIMIT},
    };
    char what[64];
    size_t i;

    for (i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        snprintf(what, sizeof what, "%s of the %s tower", ranges[i].what, which);
        if (check_range(ranges[i].value, ranges[i].limit, what, name, e) != LAKE_OK)
            return LAKE_BAD_INPUT;
    }
    if (tower->width % tower->heads != 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: the %s tower's %lu heads do not divide its width %lu", name, which,
                         (unsigned long)tower->heads, (unsigned long)tower->width);
    if (tower->activation != ACT_QUICK_GELU && tower->activation != ACT_GELU)
        return error_set(e, LAKE_BAD_INPUT, "%s: unknown activation %d of the %s tower", name, (int)tower->activation,
                         which);
    if (!(tower->eps > 0 && tower->eps < 1)) /* written so that NaN fails too */
        return error_set(e, LAKE_BAD_INPUT, "%s: the LayerNorm eps of the %s tower is %g, expected between 0 and 1",
                         name, which, (double)tower->eps);
    return LAKE_OK;
}

static int check_pixels(const ClipConfig *c, const char *name, Error *e)
{
    int i;

    if (check_range(c->resolution, RESOLUTION_LIMIT, "the resolution", name, e) != LAKE_OK ||
        check_range(c->patch, RESOLUTION_LIMIT, "the patch size", name, e) != LAKE_OK)
        return LAKE_BAD_INPUT;
    if (c->resolution % c->patch != 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: the patch size %lu does not divide the resolution %lu", name,
                         (unsigned long)c->patch, (unsigned long)c->resolution);
    for (i = 0; i < 3; i++)
        if (!isfinite(c->mean[i]) || !isfinite(c->std[i]) || !(c->std[i] > 0))
            return error_set(e, LAKE_BAD_INPUT,
                             "%s: colour channel %d has mean %g and std %g, expected finite numbers and std > 0", name,
                             i, (double)c->mean[i], (double)c->std[i]);
    return LAKE_OK;
}

static int check_text(const ClipConfig *c, const char *name, Error *e)
{
    const TowerConfig *t = &c->text;

    if (!c->has_text) {
        if (t->width != 0 || t->layers != 0 || t->heads != 0 || t->mlp != 0 || (int)t->activation != 0 ||
            t->eps != 0 || c->context != 0 || c->vocabulary != 0 || c->logit_scale != 0)
            return error_set(e, LAKE_BAD_INPUT, "%s: has no text tower, yet describes one", name);
        return LAKE_OK;
    }
    if (check_tower(t, "text", name, e) != LAKE_OK)
        return LAKE_BAD_INPUT;
    if (check_range(c->context, CONTEXT_LIMIT, "the context length", name, e) != LAKE_OK ||
        check_range(c->vocabulary, VOCABULARY_LIMIT, "the vocabulary's size", name, e) != LAKE_OK)
        return LAKE_BAD_INPUT;
    if (c->context < 2)
        return error_set(e, LAKE_BAD_INPUT, "%s: the context length is 1, too short for a start and an end token",
                         name);
    if (!(fabsf(c->logit_scale) <= LOGIT_SCALE_LIMIT))
        return error_set(e, LAKE_BAD_INPUT, "%s: logit_scale is %g, expected a logarithm between -80 and 80", name,
                         (double)c->logit_scale);
    return LAKE_OK;
}

int wts_check_config(const ClipConfig *c, const char *name, Error *e)
{
    const int flags[] = {c->has_ln_pre, c->has_patch_bias, c->has_projection, c->has_text};
    size_t i;

    for (i = 0; i < sizeof flags / sizeof *flags; i++)
        if (flags[i] != 0 && flags[i] != 1)
            return error_set(e, LAKE_BAD_INPUT, "%s: a yes-or-no value is %d", name, flags[i]);
    if (check_tower(&c->vision, "vision", name, e) != LAKE_OK || check_pixels(c, name, e) != LAKE_OK ||
        check_range(c->embed, WIDTH_LIMIT, "the embedding's width", name, e) != LAKE_OK)
        return LAKE_BAD_INPUT;
    if (!c->has_projection && c->embed != c->vision.width)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: without a projection the embedding's width must be the vision width %lu, found %lu", name,
                         (unsigned long)c->vision.width, (unsigned long)c->embed);
    return check_text(c, name, e);
}

/* The list while it grows. */
typedef struct {
    WtsTensor *tensors;
    size_t count;
    WtsType matrix_type;
} List;

static WtsTensor *add(List *list, const char *prefix, const char *name, WtsType type)
{
    WtsTensor *t = &list->tensors[list->count++];

    memset(t, 0, sizeof *t);
    snprintf(t->name, sizeof t->name, "%s%s", prefix, name);
    t->type = type;
    t->rank = 1;
    t->shape[0] = t->shape[1] = t->shape[2] = t->shape[3] = 1;
    return t;
}

static void add_vector(List *list, const char *prefix, const char *name, uint32_t n)
{
    add(list, prefix, name, WTS_F32)->shape[0] = n;
}

/* [rows, columns]: a matrix, or (WTS_F32) a table of positions. */
static void add_table(List *list, const char *prefix, const char *name, WtsType type, uint32_t rows, uint32_t columns)
{
    WtsTensor *t = add(list, prefix, name, type);

    t->rank = 2;
    t->shape[0] = rows;
    t->shape[1] = columns;
}

/* A matrix that is multiplied, in panels where it fits. */
static void add_matrix(List *list, const char *prefix, const char *name, uint32_t out, uint32_t in)
{
    add_table(list, prefix, name, list->matrix_type, out, in);
    if (wts_fits_panels(list->matrix_type, out, in))
        list->tensors[list->count - 1].layout = LAYOUT_PANELS;
}

static void add_norm(List *list, const char *prefix, const char *name, uint32_t width)
{
    char full[24];

    snprintf(full, sizeof full, "%s.weight", name);
    add_vector(list, prefix, full, width);
    snprintf(full, sizeof full, "%s.bias", name);
    add_vector(list, prefix, full, width);
}

static void add_linear(List *list, const char *prefix, const char *name, uint32_t out, uint32_t in)
{
    char full[24];

    snprintf(full, sizeof full, "%s.weight", name);
    add_matrix(list, prefix, full, out, in);
    snprintf(full, sizeof full, "%s.bias", name);
    add_vector(list, prefix, full, out);
}

static void add_blocks(List *list, const char *tower, const TowerConfig *t)
{
    char prefix[40];
    uint32_t i;

    for (i = 0; i < t->layers; i++) {
        snprintf(prefix, sizeof prefix, "%s.blocks.%lu.", tower, (unsigned long)i);
        add_norm(list, prefix, "ln_1", t->width);
        add_linear(list, prefix, "qkv", 3 * t->width, t->width);
        add_linear(list, prefix, "attn_out", t->width, t->width);
        add_norm(list, prefix, "ln_2", t->width);
        add_linear(list, prefix, "mlp_in", t->mlp, t->width);
        add_linear(list, prefix, "mlp_out", t->width, t->mlp);
    }
}

static void add_vision(List *list, const ClipConfig *c)
{
    const uint32_t grid = c->resolution / c->patch, width = c->vision.width;
    WtsTensor *patch = add(list, "vision.", "patch.weight", list->matrix_type);

    patch->rank = 4;
    patch->shape[0] = width;
    patch->shape[1] = 3;
    patch->shape[2] = patch->shape[3] = c->patch;
    if (wts_fits_panels(list->matrix_type, width, 3 * (size_t)c->patch * c->patch))
        patch->layout = LAYOUT_PANELS;
    if (c->has_patch_bias)
        add_vector(list, "vision.", "patch.bias", width);
    add_vector(list, "vision.", "class", width);
    add_table(list, "vision.", "positions", WTS_F32, 1 + grid * grid, width);
    if (c->has_ln_pre)
        add_norm(list, "vision.", "ln_pre", width);
    add_blocks(list, "vision", &c->vision);
    add_norm(list, "vision.", "ln_post", width);
    if (c->has_projection)
        add_matrix(list, "vision.", "projection.weight", c->embed, width);
}

static void add_text(List *list, const ClipConfig *c)
{
    add_table(list, "text.", "tokens.weight", list->matrix_type, c->vocabulary, c->text.width);
    add_table(list, "text.", "positions", WTS_F32, c->context, c->text.width);
    add_blocks(list, "text", &c->text);
    add_norm(list, "text.", "ln_final", c->text.width);
    add_matrix(list, "text.", "projection.weight", c->embed, c->text.width);
}

int wts_layout(const ClipConfig *config, WtsType matrix_type, WtsTensor **tensors, size_t *count, Error *e)
{
    enum { PER_BLOCK = 12, BESIDE_BLOCKS = 14 }; /* at most: 9 beside the vision blocks, 5 beside the text blocks */
    List list = {NULL, 0, matrix_type};
    size_t i;

    *tensors = NULL;
    *count = 0;
    if (wts_check_config(config, "the configuration", e) != LAKE_OK)
        return LAKE_BAD_INPUT;
    list.tensors = calloc(PER_BLOCK * ((size_t)config->vision.layers + config->text.layers) + BESIDE_BLOCKS,
                          sizeof *list.tensors);
    if (list.tensors == NULL)
        return error_memory(e, "the list of tensors");
    add_vision(&list, config);
    if (config->has_text)
        add_text(&list, config);
    for (i = 0; i < list.count; i++)
        if (!wts_tensor_bytes(&list.tensors[i], &list.tensors[i].bytes)) {
            int code =
                error_set(e, LAKE_RESOURCE, "tensor %s is larger than this machine can address", list.tensors[i].name);
            free(list.tensors);
            return code;
        }
    *tensors = list.tensors;
    *count = list.count;
    return LAKE_OK;
}
