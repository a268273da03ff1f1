/* CLIP (Radford et al. 2021), the whole model: a vision transformer for images, a causal transformer for texts, and a
 * projection of each into the joint space. Both are stacks of the same pre-norm block (Dosovitskiy et al. 2021):
 *
 *     x += out_proj(attention(ln_1(x)))
 *     x += mlp_out(gelu(mlp_in(ln_2(x))))
 *
 * The order of operations is that of OpenAI's clip/model.py; the value-value path is that of CLIP Surgery (Li et al.
 * 2023). clip_image and clip_text are the last functions of their sections; clip_open.c says where weights come
 * from. */
#include "clip.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/large.h"

/* ---- memory: one block per state, carved into buffers ---- */

/* Buffers are counted first (at == NULL) and handed out in a second walk over the same lines. */
typedef struct {
    float *at;
    size_t used;  /* floats */
    int overflow; /* the count left the range of size_t */
} Carver;

static float *carve(Carver *c, size_t rows, size_t columns)
{
    float *start = c->at == NULL ? NULL : c->at + c->used;
    size_t size;

    if (!size_multiply(rows, columns, &size) || !size_add(c->used, size, &c->used))
        c->overflow = 1;
    return start;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* What the kernels need for `rows` tokens of which at most `longest` are one sequence. */
static size_t tower_workspace(const TowerConfig *t, size_t rows, size_t longest)
{
    return larger(tensor_linear_workspace(rows, larger(t->mlp, 3 * (size_t)t->width), larger(t->mlp, t->width)),
                  tensor_attention_workspace(longest, t->heads, t->width / t->heads));
}

/* hidden_extra: floats that `hidden` must hold where the MLP needs fewer. */
static void carve_activations(ClipActivations *a, Carver *c, const TowerConfig *t, size_t rows, size_t hidden_extra,
                              size_t workspace)
{
    size_t floats, hidden = 0;

    /* The kernels pad, never by a factor of 64: where this fits, so do all sizes computed below and by them. */
    if (!size_multiply(rows, 64 * sizeof(float) * larger(t->mlp, 3 * (size_t)t->width), &floats))
        c->overflow = 1;
    else
        hidden = larger(rows * t->mlp, hidden_extra);
    a->x = carve(c, rows, t->width);
    a->normed = carve(c, rows, t->width);
    a->qkv = carve(c, rows, 3 * (size_t)t->width);
    a->attended = carve(c, rows, t->width);
    a->hidden = carve(c, 1, hidden);
    a->workspace = carve(c, 1, workspace);
}

/* Takes what the first walk counted, in large pages where the system has them: the kernels walk over rows that are
 * thousands of bytes apart, and small pages would cost them 2 to 5 percent. */
static int carver_allocate(Carver *c, const char *what, Error *e)
{
    size_t bytes;

    if (c->overflow || !size_multiply(c->used, sizeof(float), &bytes) ||
        (c->at = large_calloc(c->used, sizeof(float))) == NULL)
        return error_memory(e, what);
    c->used = 0;
    return LAKE_OK;
}

/* ---- one transformer block, for both towers ---- */

/* Rows of the activations that belong together: sequence i is rows starts[i] up to starts[i + 1]. */
typedef struct {
    size_t count;
    const size_t *starts; /* [count + 1] */
    int causal;
} Sequences;

static size_t all_rows(const Sequences *s)
{
    return s->starts[s->count];
}

/* attended = softmax(q k^T / sqrt(head width)) v per head and sequence, of columns q, k and v of qkv. A block whose
 * weights were rounded to bf16 or further may have these rounded to bf16, too. */
static void attend(const ClipActivations *a, const TowerConfig *t, const ClipBlock *b, const Sequences *s, size_t q,
                   size_t k, size_t v)
{
    size_t width = t->width, stride = 3 * width, head_width = width / t->heads;
    WtsType type = b->qkv.type == WTS_BF16 || b->qkv.type == WTS_Q8 ? WTS_BF16 : WTS_F32;
    float scale = (float)(1.0 / sqrt((double)head_width));

    for (size_t i = 0; i < s->count; i++) {
        const float *qkv = a->qkv + s->starts[i] * stride;
        tensor_attention(a->attended + s->starts[i] * width, width, qkv + q, qkv + k, qkv + v, stride,
                         s->starts[i + 1] - s->starts[i], t->heads, head_width, scale, s->causal, type, a->workspace);
    }
}

/* stream += out_proj(attended) */
static void add_attended(float *stream, const ClipActivations *a, const TowerConfig *t, const ClipBlock *b, size_t rows)
{
    tensor_linear(stream, t->width, a->attended, t->width, rows, &b->attn_out, b->attn_out_bias, EPILOGUE_ADD,
                  a->workspace);
}

/* x += mlp_out(activation(mlp_in(ln_2(x)))) */
static void add_mlp(const ClipActivations *a, const TowerConfig *t, const ClipBlock *b, size_t rows)
{
    Epilogue activation = t->activation == ACT_GELU ? EPILOGUE_GELU : EPILOGUE_QUICK_GELU;

    tensor_layernorm(a->normed, a->x, b->ln_2_gain, b->ln_2_bias, rows, t->width, t->eps);
    tensor_linear(a->hidden, t->mlp, a->normed, t->width, rows, &b->mlp_in, b->mlp_in_bias, activation, a->workspace);
    tensor_linear(a->x, t->width, a->hidden, t->mlp, rows, &b->mlp_out, b->mlp_out_bias, EPILOGUE_ADD, a->workspace);
}

/* One block in place. vv, where not NULL, is a second residual stream: it receives value-value attention, computed
 * from ln_1 of x, through the same output projection, and no MLP (CLIP Surgery; AnomalyCLIP's DPAM). */
static void run_block(const ClipActivations *a, const TowerConfig *t, const ClipBlock *b, const Sequences *s, float *vv)
{
    size_t rows = all_rows(s), width = t->width, q = 0, k = width, v = 2 * width;

    tensor_layernorm(a->normed, a->x, b->ln_1_gain, b->ln_1_bias, rows, width, t->eps);
    tensor_linear(a->qkv, 3 * width, a->normed, width, rows, &b->qkv, b->qkv_bias, EPILOGUE_NONE, a->workspace);
    if (vv != NULL) {
        attend(a, t, b, s, v, v, v);
        add_attended(vv, a, t, b, rows);
    }
    attend(a, t, b, s, q, k, v);
    add_attended(a->x, a, t, b, rows);
    add_mlp(a, t, b, rows);
}

/* ---- images ---- */

size_t clip_default_resolution(const Clip *model)
{
    size_t patch = model->config.patch, trained = model->config.resolution, most = trained < 224 ? 2 * trained : 518;

    return patch > most ? patch : most / patch * patch;
}

/* The class token's position as it is, the others' resampled from the trained grid to the state's. */
static int fill_positions(ClipState *state, const Clip *model, GridResize method, Error *e)
{
    const float *trained = model->weights.vision_positions;
    size_t width = model->config.vision.width, side = model->config.resolution / model->config.patch;
    float *workspace;

    memcpy(state->positions, trained, width * sizeof *trained);
    if (side == state->grid) {
        memcpy(state->positions + width, trained + width, side * side * width * sizeof *trained);
        return LAKE_OK;
    }
    workspace = malloc(side * state->grid * width * sizeof *workspace);
    if (workspace == NULL)
        return error_memory(e, "resampling the position embedding");
    tensor_resize_grid(state->positions + width, state->grid, state->grid, trained + width, side, side, width, method,
                       workspace);
    free(workspace);
    return LAKE_OK;
}

static void carve_state(ClipState *state, Carver *c, const ClipConfig *config)
{
    const TowerConfig *t = &config->vision;
    size_t patch_floats = 3 * (size_t)config->patch * config->patch, patches = state->grid * state->grid;
    size_t workspace =
        larger(tower_workspace(t, state->tokens, state->tokens),
               tensor_linear_workspace(patches, larger(t->width, config->embed), larger(patch_floats, t->width)));

    state->positions = carve(c, state->tokens, t->width);
    state->vv = carve(c, state->tokens, t->width);
    carve_activations(&state->activations, c, t, state->tokens, patches * patch_floats, workspace);
}

int clip_state_open(ClipState *state, const Clip *model, size_t resolution, GridResize method, Error *e)
{
    size_t patch = model->config.patch;
    Carver carver = {NULL, 0, 0};
    int code;

    memset(state, 0, sizeof *state);
    if (resolution == 0 || resolution % patch != 0 || resolution > CLIP_MAX_RESOLUTION)
        return error_set(e, LAKE_USAGE,
                         "resolution %lu: expected a multiple of the patch size %lu, at most %d (for example %lu)",
                         (unsigned long)resolution, (unsigned long)patch, CLIP_MAX_RESOLUTION,
                         (unsigned long)clip_default_resolution(model));
    state->resolution = resolution;
    state->grid = resolution / patch;
    state->tokens = 1 + state->grid * state->grid;
    carve_state(state, &carver, &model->config);
    code = carver_allocate(&carver, "the image tower's buffers", e);
    if (code == LAKE_OK) {
        state->memory = carver.at;
        carve_state(state, &carver, &model->config);
        code = fill_positions(state, model, method, e);
    }
    if (code != LAKE_OK)
        clip_state_close(state);
    return code;
}

void clip_state_close(ClipState *state)
{
    free(state->memory);
    memset(state, 0, sizeof *state);
}

void clip_pixels(float *pixels, const unsigned char *rgb, size_t resolution, const ClipConfig *config)
{
    size_t plane = resolution * resolution;

    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < plane; i++)
            pixels[c * plane + i] = ((float)rgb[3 * i + c] / 255.0f - config->mean[c]) / config->std[c];
}

/* Pixels [3, R, R] -> one row per patch [g g, 3 p p], so that the patch embedding, a convolution whose stride is its
 * size, is a matrix product. */
static void unfold(float *rows, const float *pixels, size_t grid, size_t patch)
{
    size_t side = grid * patch;

    for (size_t row = 0; row < grid; row++)
        for (size_t column = 0; column < grid; column++)
            for (size_t c = 0; c < 3; c++)
                for (size_t y = 0; y < patch; y++, rows += patch)
                    memcpy(rows, pixels + (c * side + row * patch + y) * side + column * patch, patch * sizeof *rows);
}

/* x = ln_pre([class; patches] + positions) */
static void embed_pixels(const Clip *model, ClipState *state, const float *pixels)
{
    const ClipWeights *w = &model->weights;
    const ClipActivations *a = &state->activations;
    size_t width = model->config.vision.width, patch = model->config.patch, columns = 3 * patch * patch;

    memcpy(a->x, state->positions, state->tokens * width * sizeof *a->x);
    for (size_t i = 0; i < width; i++)
        a->x[i] += w->class_embedding[i];
    unfold(a->hidden, pixels, state->grid, patch);
    tensor_linear(a->x + width, width, a->hidden, columns, state->tokens - 1, &w->patch_embedding, w->patch_bias,
                  EPILOGUE_ADD, a->workspace);
    if (w->ln_pre_gain != NULL)
        tensor_layernorm(a->x, a->x, w->ln_pre_gain, w->ln_pre_bias, state->tokens, width, model->config.vision.eps);
}

/* out[rows, E] = projection(ln_post(tokens)) */
static void project(float *out, const Clip *model, const ClipActivations *a, const float *tokens, size_t rows)
{
    const ClipWeights *w = &model->weights;
    size_t width = model->config.vision.width, embed = model->config.embed;

    tensor_layernorm(a->normed, tokens, w->ln_post_gain, w->ln_post_bias, rows, width, model->config.vision.eps);
    if (w->vision_projection.data != NULL)
        tensor_linear(out, embed, a->normed, width, rows, &w->vision_projection, NULL, EPILOGUE_NONE, a->workspace);
    else
        memcpy(out, a->normed, rows * width * sizeof *out);
}

static size_t last_block_needed(const ClipRequest *r, size_t layers, size_t patch_block)
{
    size_t last = 0;

    for (size_t i = 0; i < r->tap_count; i++)
        last = larger(last, (size_t)r->taps[i]);
    if (r->patches != NULL)
        last = larger(last, patch_block);
    return r->class_token != NULL || r->embedding != NULL || last > layers ? layers : last;
}

void clip_image(const Clip *model, ClipState *state, const float *pixels, const ClipRequest *request)
{
    const TowerConfig *t = &model->config.vision;
    const ClipActivations *a = &state->activations;
    size_t width = t->width, patches = state->tokens - 1;
    size_t patch_block = request->patch_block > 0 ? (size_t)request->patch_block : t->layers;
    size_t vv_first = request->patches != NULL && request->vv_first > 0 ? (size_t)request->vv_first : patch_block + 1;
    size_t last = last_block_needed(request, t->layers, patch_block);
    size_t starts[2] = {0, state->tokens};
    Sequences whole = {1, starts, 0};

    embed_pixels(model, state, pixels);
    for (size_t block = 1; block <= last; block++) {
        int on_vv = block >= vv_first && block <= patch_block;

        if (block == vv_first)
            memcpy(state->vv, a->x, state->tokens * width * sizeof *a->x);
        run_block(a, t, &model->weights.vision_blocks[block - 1], &whole, on_vv ? state->vv : NULL);
        for (size_t i = 0; i < request->tap_count; i++)
            if ((size_t)request->taps[i] == block)
                memcpy(request->tokens[i], a->x + width, patches * width * sizeof *a->x);
        if (request->patches != NULL && block == patch_block)
            project(request->patches, model, a, (on_vv ? state->vv : a->x) + width, patches);
    }
    if (request->class_token != NULL)
        memcpy(request->class_token, a->x, width * sizeof *a->x);
    if (request->embedding != NULL)
        project(request->embedding, model, a, a->x, 1);
}

/* ---- texts ---- */

/* Sentences are stacked into one matrix until this many tokens are reached: few large products are faster than many
 * small ones, and memory stays bounded. */
#define STACK_ROWS 1024

typedef struct {
    const Clip *model;
    size_t capacity;  /* rows */
    uint32_t *ids;    /* [capacity] of all sentences, one behind the other */
    size_t *starts;   /* [capacity + 1] */
    size_t count;     /* sentences */
    ClipActivations activations;
    float *memory;
    float *out;       /* where the next embedding goes */
} TextStack;

static void stack_close(TextStack *s)
{
    free(s->ids);
    free(s->starts);
    free(s->memory);
}

static int stack_open(TextStack *s, const Clip *model, float *out, Error *e)
{
    const ClipConfig *config = &model->config;
    size_t workspace;
    Carver carver = {NULL, 0, 0};
    int code;

    memset(s, 0, sizeof *s);
    if (!config->has_text)
        return error_set(e, LAKE_USAGE, "%s: has no text tower, so texts cannot be embedded with it",
                         wts_path(model->file));
    s->model = model;
    s->out = out;
    s->capacity = larger(STACK_ROWS, config->context);
    s->ids = malloc(s->capacity * sizeof *s->ids);
    s->starts = calloc(s->capacity + 1, sizeof *s->starts);
    workspace = larger(tower_workspace(&config->text, s->capacity, config->context),
                       tensor_linear_workspace(s->capacity, config->embed, config->text.width));
    carve_activations(&s->activations, &carver, &config->text, s->capacity, 0, workspace);
    code = s->ids == NULL || s->starts == NULL ? error_memory(e, "a stack of sentences")
                                               : carver_allocate(&carver, "the text tower's buffers", e);
    if (code == LAKE_OK) {
        s->memory = carver.at;
        carve_activations(&s->activations, &carver, &config->text, s->capacity, 0, workspace);
    } else {
        stack_close(s);
    }
    return code;
}

/* x = token embedding + position within the sentence */
static void embed_ids(const TextStack *s)
{
    const Matrix *table = &s->model->weights.token_embedding;
    const float *positions = s->model->weights.text_positions;
    size_t width = table->columns;

    for (size_t i = 0; i < s->count; i++) {
        for (size_t row = s->starts[i]; row < s->starts[i + 1]; row++) {
            float *x = s->activations.x + row * width;
            const float *position = positions + (row - s->starts[i]) * width;
            tensor_row(x, table, s->ids[row]);
            for (size_t d = 0; d < width; d++)
                x[d] += position[d];
        }
    }
}

/* Runs the stacked sentences and empties the stack. Every sentence ends with its end token, whose feature is the
 * sentence's. */
static void stack_run(TextStack *s)
{
    const Clip *model = s->model;
    const TowerConfig *t = &model->config.text;
    const ClipActivations *a = &s->activations;
    Sequences sentences = {s->count, s->starts, 1};
    size_t width = t->width, embed = model->config.embed;

    embed_ids(s);
    for (size_t block = 0; block < t->layers; block++)
        run_block(a, t, &model->weights.text_blocks[block], &sentences, NULL);
    for (size_t i = 0; i < s->count; i++)
        memcpy(a->attended + i * width, a->x + (s->starts[i + 1] - 1) * width, width * sizeof *a->x);
    tensor_layernorm(a->normed, a->attended, model->weights.ln_final_gain, model->weights.ln_final_bias, s->count,
                     width, t->eps);
    tensor_linear(s->out, embed, a->normed, width, s->count, &model->weights.text_projection, NULL, EPILOGUE_NONE,
                  a->workspace);
    s->out += s->count * embed;
    s->count = 0;
}

/* Adds ids[length], the last of them the end id. length is at most the context, so it fits an empty stack. */
static void stack_add(TextStack *s, const uint32_t *ids, size_t length)
{
    size_t used = s->starts[s->count];

    if (used + length > s->capacity) {
        stack_run(s);
        used = 0;
    }
    memcpy(s->ids + used, ids, length * sizeof *ids);
    s->starts[++s->count] = used + length;
}

int clip_text(const Clip *model, const char *const *texts, size_t count, float *embeddings, size_t *truncated, Error *e)
{
    TextStack stack;
    uint32_t *ids;
    size_t cut = 0;
    int code = stack_open(&stack, model, embeddings, e);

    if (code != LAKE_OK)
        return code;
    ids = malloc(model->config.context * sizeof *ids);
    if (ids == NULL)
        code = error_memory(e, "token ids");
    for (size_t i = 0; code == LAKE_OK && i < count; i++) {
        size_t length;
        int was_cut;
        code = tok_encode(model->tokenizer, texts[i], model->config.context, ids, &length, &was_cut, e);
        if (code == LAKE_OK) {
            stack_add(&stack, ids, length);
            cut += was_cut != 0;
        }
    }
    if (code == LAKE_OK && stack.count > 0)
        stack_run(&stack);
    if (code == LAKE_OK && truncated != NULL)
        *truncated = cut;
    free(ids);
    stack_close(&stack);
    return code;
}

/* The number of ids up to the first end id into *length. */
static int sentence_length(size_t *length, const Clip *model, const uint32_t *ids, size_t available, Error *e)
{
    uint32_t end = tok_end_id(model->tokenizer);

    *length = 0;
    for (size_t i = 0; i < available && i < model->config.context; i++) {
        if (ids[i] >= model->config.vocabulary)
            return error_set(e, LAKE_USAGE, "token id %lu is outside the vocabulary of %lu", (unsigned long)ids[i],
                             (unsigned long)model->config.vocabulary);
        if (ids[i] == end) {
            *length = i + 1;
            return LAKE_OK;
        }
    }
    return error_set(e, LAKE_USAGE, "a token sequence has no end id (%lu) within the context of %lu",
                     (unsigned long)end, (unsigned long)model->config.context);
}

int clip_text_ids(const Clip *model, const uint32_t *ids, size_t count, size_t length, float *embeddings, Error *e)
{
    TextStack stack;
    int code = stack_open(&stack, model, embeddings, e);

    if (code != LAKE_OK)
        return code;
    for (size_t i = 0; code == LAKE_OK && i < count; i++) {
        size_t used;
        code = sentence_length(&used, model, ids + i * length, length, e);
        if (code == LAKE_OK)
            stack_add(&stack, ids + i * length, used);
    }
    if (code == LAKE_OK && stack.count > 0)
        stack_run(&stack);
    stack_close(&stack);
    return code;
}
