/* Opening a model: the file is mapped, or lies in memory already, every tensor is compared with what the configuration
 * asks for, and the pointers of ClipWeights are set. All checks are here, so that clip.c can trust what it reads. */
#include "clip.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void shape_text(char *text, size_t size, const WtsTensor *t)
{
    size_t used = (size_t)snprintf(text, size, "[%lu", (unsigned long)t->shape[0]);

    for (uint32_t i = 1; i < t->rank; i++)
        used += (size_t)snprintf(text + used, size - used, ", %lu", (unsigned long)t->shape[i]);
    snprintf(text + used, size - used, "]");
}

/* One tensor against what the configuration asks for. Matrices may be of any type, what is used in place (vectors and
 * positions) must be f32. */
static int check_tensor(const WtsFile *file, const WtsTensor *expected, Error *e)
{
    const WtsTensor *found = wts_find(file, expected->name);
    char expected_shape[64], found_shape[64];

    if (found == NULL)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: tensor %s is missing; convert the checkpoint again: lake convert CHECKPOINT -o FILE",
                         wts_path(file), expected->name);
    if (found->rank != expected->rank || memcmp(found->shape, expected->shape, sizeof found->shape) != 0) {
        shape_text(expected_shape, sizeof expected_shape, expected);
        shape_text(found_shape, sizeof found_shape, found);
        return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s has shape %s, the configuration asks for %s", wts_path(file),
                         expected->name, found_shape, expected_shape);
    }
    if (expected->type == WTS_F32 && found->type != WTS_F32)
        return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s is %s, expected f32", wts_path(file), expected->name,
                         wts_type_name(found->type));
    if (found->layout == LAYOUT_PANELS && expected->layout != LAYOUT_PANELS)
        return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s is in panels, expected rows", wts_path(file), expected->name);
    return LAKE_OK;
}

/* A companion of a q8 matrix: so many f32, none negative, and finite also when multiplied by the largest q. */
static int check_companion(const WtsFile *file, const WtsTensor *matrix, const char *suffix, uint32_t numbers, Error *e)
{
    const WtsTensor *t = wts_companion(file, matrix, suffix);
    const float *values;
    WtsTensor expected;

    if (t == NULL)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: tensor %s is q8, and %s%s is missing; convert the checkpoint again: lake convert "
                         "CHECKPOINT --dtype q8 -o FILE",
                         wts_path(file), matrix->name, matrix->name, suffix);
    expected = *t;
    expected.type = WTS_F32;
    expected.rank = 1;
    expected.shape[0] = numbers;
    expected.shape[1] = expected.shape[2] = expected.shape[3] = 1;
    if (check_tensor(file, &expected, e) != LAKE_OK)
        return LAKE_BAD_INPUT;
    values = t->data;
    for (uint32_t i = 0; i < numbers; i++)
        if (!(values[i] >= 0 && values[i] <= FLT_MAX / 127)) /* written so that NaN fails too */
            return error_set(e, LAKE_BAD_INPUT, "%s: number %lu of tensor %s is %g, expected 0 to %g", wts_path(file),
                             (unsigned long)i, t->name, (double)values[i], (double)FLT_MAX / 127);
    return LAKE_OK;
}

/* The companions of the expected tensor, where the file has it as q8; *count grows by their number. */
static int check_companions(const WtsFile *file, const WtsTensor *expected, size_t *count, Error *e)
{
    const WtsTensor *found = wts_find(file, expected->name);

    if (found->type != WTS_Q8)
        return LAKE_OK;
    *count += 2;
    if (check_companion(file, found, WTS_SCALE, found->shape[0], e) != LAKE_OK)
        return LAKE_BAD_INPUT;
    return check_companion(file, found, WTS_ERROR, 1, e);
}

static int check_tensors(const WtsFile *file, Error *e)
{
    WtsTensor *expected = NULL;
    size_t count, with_companions;
    int code = wts_layout(wts_config(file), WTS_F16, &expected, &count, e); /* F16 marks what may be of any type */

    with_companions = count;
    for (size_t i = 0; code == LAKE_OK && i < count; i++) {
        code = check_tensor(file, &expected[i], e);
        if (code == LAKE_OK)
            code = check_companions(file, &expected[i], &with_companions, e);
    }
    if (code == LAKE_OK && wts_tensor_count(file) != with_companions)
        code = error_set(e, LAKE_BAD_INPUT, "%s: holds %lu tensors, the configuration asks for %lu", wts_path(file),
                         (unsigned long)wts_tensor_count(file), (unsigned long)with_companions);
    free(expected);
    return code;
}

/* PREFIX NAME as a matrix [shape[0], everything else]; data NULL where the file has none. */
static Matrix bind_matrix(const WtsFile *file, const char *prefix, const char *name)
{
    Matrix m = {NULL, WTS_F32, 0, 0, NULL, LAYOUT_ROWS};
    const WtsTensor *t;
    char full[128];

    snprintf(full, sizeof full, "%s%s", prefix, name);
    t = wts_find(file, full);
    if (t != NULL) {
        m.data = t->data;
        m.type = t->type;
        m.rows = t->shape[0];
        m.columns = (size_t)t->shape[1] * t->shape[2] * t->shape[3];
        m.layout = t->layout;
        if (t->type == WTS_Q8)
            m.scales = wts_companion(file, t, WTS_SCALE)->data;
    }
    return m;
}

static const float *bind_vector(const WtsFile *file, const char *prefix, const char *name)
{
    return bind_matrix(file, prefix, name).data;
}

static ClipBlock bind_block(const WtsFile *file, const char *tower, size_t index)
{
    ClipBlock b;
    char p[64];

    snprintf(p, sizeof p, "%s.blocks.%lu.", tower, (unsigned long)index);
    b.ln_1_gain = bind_vector(file, p, "ln_1.weight");
    b.ln_1_bias = bind_vector(file, p, "ln_1.bias");
    b.qkv = bind_matrix(file, p, "qkv.weight");
    b.qkv_bias = bind_vector(file, p, "qkv.bias");
    b.attn_out = bind_matrix(file, p, "attn_out.weight");
    b.attn_out_bias = bind_vector(file, p, "attn_out.bias");
    b.ln_2_gain = bind_vector(file, p, "ln_2.weight");
    b.ln_2_bias = bind_vector(file, p, "ln_2.bias");
    b.mlp_in = bind_matrix(file, p, "mlp_in.weight");
    b.mlp_in_bias = bind_vector(file, p, "mlp_in.bias");
    b.mlp_out = bind_matrix(file, p, "mlp_out.weight");
    b.mlp_out_bias = bind_vector(file, p, "mlp_out.bias");
    return b;
}

static int bind_blocks(ClipBlock **blocks, const WtsFile *file, const char *tower, size_t count, Error *e)
{
    *blocks = calloc(count, sizeof **blocks);
    if (*blocks == NULL)
        return error_memory(e, "the model's table of blocks");
    for (size_t i = 0; i < count; i++)
        (*blocks)[i] = bind_block(file, tower, i);
    return LAKE_OK;
}

static int bind_weights(Clip *model, Error *e)
{
    ClipWeights *w = &model->weights;
    const WtsFile *f = model->file;
    int code;

    w->patch_embedding = bind_matrix(f, "vision.", "patch.weight");
    w->patch_bias = bind_vector(f, "vision.", "patch.bias");
    w->class_embedding = bind_vector(f, "vision.", "class");
    w->vision_positions = bind_vector(f, "vision.", "positions");
    w->ln_pre_gain = bind_vector(f, "vision.", "ln_pre.weight");
    w->ln_pre_bias = bind_vector(f, "vision.", "ln_pre.bias");
    w->ln_post_gain = bind_vector(f, "vision.", "ln_post.weight");
    w->ln_post_bias = bind_vector(f, "vision.", "ln_post.bias");
    w->vision_projection = bind_matrix(f, "vision.", "projection.weight");
    code = bind_blocks(&w->vision_blocks, f, "vision", model->config.vision.layers, e);
    if (code != LAKE_OK || !model->config.has_text)
        return code;
    w->token_embedding = bind_matrix(f, "text.", "tokens.weight");
    w->text_positions = bind_vector(f, "text.", "positions");
    w->ln_final_gain = bind_vector(f, "text.", "ln_final.weight");
    w->ln_final_bias = bind_vector(f, "text.", "ln_final.bias");
    w->text_projection = bind_matrix(f, "text.", "projection.weight");
    return bind_blocks(&w->text_blocks, f, "text", model->config.text.layers, e);
}

static int open_tokenizer(Clip *model, Error *e)
{
    size_t size;
    const unsigned char *section = wts_tokenizer(model->file, &size);

    if (!model->config.has_text)
        return LAKE_OK;
    if (section == NULL)
        return error_set(e, LAKE_BAD_INPUT, "%s: has a text tower but no tokenizer; convert again with --vocab",
                         wts_path(model->file));
    return tok_open(&model->tokenizer, section, size, model->config.vocabulary, wts_path(model->file), e);
}

/* Everything once the file is open; `code` is what opening it gave. */
static int bind_model(Clip *model, int code, Error *e)
{
    if (code == LAKE_OK) {
        model->config = *wts_config(model->file);
        code = check_tensors(model->file, e);
    }
    if (code == LAKE_OK)
        code = bind_weights(model, e);
    if (code == LAKE_OK)
        code = open_tokenizer(model, e);
    if (code != LAKE_OK)
        clip_close(model);
    return code;
}

int clip_open(Clip *model, const char *path, Error *e)
{
    int code = tensor_begin(e);

    memset(model, 0, sizeof *model);
    if (code == LAKE_OK)
        code = wts_open(&model->file, path, e);
    return bind_model(model, code, e);
}

int clip_open_memory(Clip *model, const unsigned char *data, size_t size, const char *name, Error *e)
{
    int code = tensor_begin(e);

    memset(model, 0, sizeof *model);
    if (code == LAKE_OK)
        code = wts_open_memory(&model->file, data, size, name, e);
    return bind_model(model, code, e);
}

void clip_close(Clip *model)
{
    free(model->weights.vision_blocks);
    free(model->weights.text_blocks);
    if (model->tokenizer != NULL)
        tok_close(model->tokenizer);
    if (model->file != NULL)
        wts_close(model->file);
    memset(model, 0, sizeof *model);
}
