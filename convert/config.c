/* Deducing a ClipConfig; see config.h. First the shapes, then files and options, at last guesses. */
#include "convert/config.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Means and standard deviations of the pixels, per colour channel: OpenAI's (clip/clip.py, _transform) and what timm
 * calls "inception". */
static const float clip_mean[3] = {0.48145466f, 0.4578275f, 0.40821073f},
                   clip_std[3] = {0.26862954f, 0.26130258f, 0.27577711f};
static const float half[3] = {0.5f, 0.5f, 0.5f};

/* ImageNet's, which DINOv2 was trained with. */
static const float imagenet_mean[3] = {0.485f, 0.456f, 0.406f}, imagenet_std[3] = {0.229f, 0.224f, 0.225f};

enum { HEAD_WIDTH = 64 }; /* of every model OpenAI, timm's ViT family and DINOv2 published */

/* All that the functions below share. */
typedef struct {
    const Checkpoint *checkpoint;
    const NameScheme *scheme;
    const ConvertOptions *options;
    const char *path;
    ConvertNote *note;
    void *context;
    Error *e;
    ClipConfig *config;
    ConfigHints hints;
} Deduction;

void config_note(ConvertNote *note, void *context, const char *format, ...)
{
    char line[512];
    va_list args;

    if (note == NULL)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    note(context, line);
}

static const char *activation_name(int activation)
{
    return activation == ACT_QUICK_GELU ? "quick_gelu" : "gelu";
}

/* ---- from the shapes ---- */

/* A side of a tensor as a number of the configuration; what does not fit becomes what wts_check_config refuses. */
static uint32_t side(size_t n)
{
    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* The tensor behind `ours`, or NULL with a message. */
static const CkptTensor *need(Deduction *d, const char *ours)
{
    const CkptTensor *t = names_find(d->checkpoint, d->scheme, ours);
    NameSource source;

    if (t == NULL && names_source(&source, d->scheme, ours))
        error_set(d->e, LAKE_BAD_INPUT, "%s: tensor %s is missing (%s naming)", d->path, source.name[0],
                  names_family(d->scheme));
    return t;
}

/* The same with `rank` sides, leading ones (timm's [1, 1, width]) not counted; *shape points to the first that counts. */
static const CkptTensor *need_rank(Deduction *d, const char *ours, size_t rank, const size_t **shape)
{
    const CkptTensor *t = need(d, ours);
    size_t skip = 0;
    char text[120];

    if (t == NULL)
        return NULL;
    while (t->rank - skip > rank && t->shape[skip] == 1)
        skip++;
    *shape = t->shape + skip;
    if (t->rank - skip == rank && t->count > 0)
        return t;
    error_set(d->e, LAKE_BAD_INPUT, "%s: tensor %s has shape %s, expected %d sides, none of them 0", d->path, t->name,
              ckpt_shape_text(text, sizeof text, t->shape, t->rank), (int)rank);
    return NULL;
}

/* The number of blocks of a tower and the width of its MLP. */
static int count_blocks(Deduction *d, const char *which, TowerConfig *tower)
{
    const size_t *shape;
    char name[64];

    for (tower->layers = 0; tower->layers < UINT32_MAX; tower->layers++) {
        snprintf(name, sizeof name, "%s.blocks.%lu.ln_1.weight", which, (unsigned long)tower->layers);
        if (names_find(d->checkpoint, d->scheme, name) == NULL)
            break;
    }
    if (tower->layers == 0) {
        need(d, name);
        return LAKE_BAD_INPUT;
    }
    snprintf(name, sizeof name, "%s.blocks.0.mlp_in.weight", which);
    if (need_rank(d, name, 2, &shape) == NULL)
        return LAKE_BAD_INPUT;
    tower->mlp = side(shape[0]);
    return LAKE_OK;
}

/* The side of the grid of 1 + side^2 positions, or 0 where there is none. */
static size_t grid_side(size_t positions)
{
    size_t g = positions > 1 ? (size_t)(sqrt((double)(positions - 1)) + 0.5) : 0;

    return g < 65536 && g * g + 1 == positions ? g : 0;
}

/* Patch size, width, grid and the presence of what not every vision tower has. */
static int deduce_vision(Deduction *d)
{
    ClipConfig *c = d->config;
    const size_t *patch, *positions;
    size_t grid;
    char text[120];

    if (need_rank(d, "vision.patch.weight", 4, &patch) == NULL ||
        need_rank(d, "vision.positions", 2, &positions) == NULL)
        return LAKE_BAD_INPUT;
    if (patch[1] != 3 || patch[2] != patch[3] || patch[2] > 16384)
        return error_set(d->e, LAKE_BAD_INPUT, "%s: the patch embedding has shape %s, expected [width, 3, p, p]",
                         d->path, ckpt_shape_text(text, sizeof text, patch, 4));
    grid = grid_side(positions[0]);
    if (grid == 0 || grid > 16384)
        return error_set(
            d->e, LAKE_BAD_INPUT,
            "%s: %llu position embeddings, expected a class token and a square grid of patches (1 + n * n)", d->path,
            (unsigned long long)positions[0]);
    c->vision.width = side(patch[0]);
    c->patch = side(patch[2]);
    c->resolution = side(grid * patch[2]);
    c->has_patch_bias = names_find(d->checkpoint, d->scheme, "vision.patch.bias") != NULL;
    c->has_ln_pre = names_find(d->checkpoint, d->scheme, "vision.ln_pre.weight") != NULL;
    c->has_projection = names_find(d->checkpoint, d->scheme, "vision.projection.weight") != NULL;
    c->embed = c->vision.width;
    if (c->has_projection) {
        const size_t *projection;

        if (need_rank(d, "vision.projection.weight", 2, &projection) == NULL)
            return LAKE_BAD_INPUT;
        c->embed = side(projection[d->scheme->family == NAMES_OPENAI ? 1 : 0]); /* OpenAI's is [width, embed] */
    }
    return count_blocks(d, "vision", &c->vision);
}

static int read_logit_scale(Deduction *d)
{
    const CkptTensor *t = names_logit_scale(d->checkpoint, d->scheme);

    if (t == NULL && d->scheme->family == NAMES_GGUF) { /* clip.cpp's writer leaves it out */
        d->config->logit_scale = 4.6051702f;
        config_note(d->note, d->context, "logit_scale: 4.60517 = log(100) (guessed: nearly all CLIPs have it)");
        return LAKE_OK;
    }
    if (t == NULL)
        return error_set(d->e, LAKE_BAD_INPUT, "%s: has a text tower but no tensor %slogit_scale", d->path,
                         d->scheme->prefix);
    if (t->count != 1 || t->type == NUMBER_OTHER)
        return error_set(d->e, LAKE_BAD_INPUT,
                         "%s: tensor %s holds %llu numbers of type %s, expected one floating-point number", d->path,
                         t->name, (unsigned long long)t->count, t->type_name);
    ckpt_read(&d->config->logit_scale, d->checkpoint, t, 0, 1, 1);
    return LAKE_OK;
}

static int deduce_text(Deduction *d)
{
    ClipConfig *c = d->config;
    const size_t *tokens, *positions;

    c->has_text = names_find(d->checkpoint, d->scheme, "text.tokens.weight") != NULL;
    if (!c->has_text)
        return LAKE_OK;
    if (need_rank(d, "text.tokens.weight", 2, &tokens) == NULL || need_rank(d, "text.positions", 2, &positions) == NULL)
        return LAKE_BAD_INPUT;
    c->vocabulary = side(tokens[0]);
    c->text.width = side(tokens[1]);
    c->context = side(positions[0]);
    if (count_blocks(d, "text", &c->text) != LAKE_OK)
        return LAKE_BAD_INPUT;
    return read_logit_scale(d);
}

/* ---- from the options, which stand above the files ---- */

static void note_own_hints(const Deduction *d)
{
    const ConfigHints *h = &d->hints;

    if (h->activation[0] >= 0)
        config_note(d->note, d->context, "%s: says activation %s", d->path, activation_name(h->activation[0]));
}

static int check_heads(int heads, const TowerConfig *tower, const char *option, Error *e)
{
    if (heads == 0 || tower->width % (uint32_t)heads == 0)
        return LAKE_OK;
    return error_set(e, LAKE_USAGE, "%s: %d does not divide the width %lu of that tower", option, heads,
                     (unsigned long)tower->width);
}

static int apply_options(ConfigHints *h, const ConvertOptions *o, const ClipConfig *c, Error *e)
{
    int i;

    if (check_heads(o->heads, &c->vision, "--heads", e) != LAKE_OK ||
        check_heads(o->text_heads, &c->text, "--text-heads", e) != LAKE_OK)
        return LAKE_USAGE;

    for (i = 0; i < 2; i++) {
        if (o->activation >= 0)
            h->activation[i] = o->activation;
        if (o->eps != 0)
            h->eps[i] = o->eps;
    }
    if (o->heads != 0)
        h->heads[0] = o->heads;
    if (o->text_heads != 0)
        h->heads[1] = o->text_heads;
    return LAKE_OK;
}

/* ---- guesses, where files and options are silent ---- */

/* Of the timm family only CLIPs have norm_pre. */
static int is_clip(const Deduction *d)
{
    return (d->scheme->family != NAMES_TIMM && d->scheme->family != NAMES_DINO) || d->config->has_ln_pre;
}

static void guess_activation(Deduction *d)
{
    int is_plain = d->scheme->family == NAMES_TIMM || d->scheme->family == NAMES_DINO;
    int guess = is_plain ? ACT_GELU : ACT_QUICK_GELU, i;

    if (d->hints.activation[0] >= 0 && (d->hints.activation[1] >= 0 || !d->config->has_text))
        return;
    for (i = 0; i < 2; i++)
        if (d->hints.activation[i] < 0)
            d->hints.activation[i] = guess;
    config_note(d->note, d->context,
                guess == ACT_GELU
                    ? "activation: %s (guessed: timm's ViTs and DINOv2 use it; --activation sets it)"
                    : "activation: %s (guessed: OpenAI's own weights, MetaCLIP and DFN use it, most of LAION and "
                      "DataComp use gelu, and the checkpoint does not say; --activation sets it)",
                activation_name(guess));
}

static void guess_eps(Deduction *d)
{
    float guess = is_clip(d) ? 1e-5f : 1e-6f;
    int i;

    if (d->hints.eps[0] != 0 && (d->hints.eps[1] != 0 || !d->config->has_text))
        return;
    for (i = 0; i < 2; i++)
        if (d->hints.eps[i] == 0)
            d->hints.eps[i] = guess;
    config_note(d->note, d->context, "eps of LayerNorm: %g (guessed: %s; --eps sets it)", (double)guess,
                is_clip(d) ? "all CLIPs have it" : "timm's ViTs and DINOv2 have it");
}

/* The channels of a head: 64, but for the image towers of ViT-H, ViT-g and ViT-bigG (open_clip, model_configs), which
 * their widths tell. */
static uint32_t usual_head_width(int tower, uint32_t width)
{
    static const uint32_t others[][2] = {{1280, 80}, {1408, 88}, {1664, 104}};
    size_t i;

    for (i = 0; tower == 0 && i < sizeof others / sizeof *others; i++)
        if (width == others[i][0])
            return others[i][1];
    return HEAD_WIDTH;
}

static int guess_heads(Deduction *d, int tower, uint32_t width, const char *which, const char *option)
{
    const uint32_t head_width = usual_head_width(tower, width);

    if (d->hints.heads[tower] != 0)
        return LAKE_OK;
    if (width == 0 || width % head_width != 0)
        return error_set(d->e, LAKE_BAD_INPUT,
                         "%s: the number of heads of the %s tower cannot be guessed from its width %lu, no multiple of "
                         "%d: give %s N",
                         d->path, which, (unsigned long)width, (int)head_width, option);
    d->hints.heads[tower] = (long)(width / head_width);
    config_note(d->note, d->context, "heads of the %s tower: %ld (guessed: width %lu / %d; %s sets it)", which,
                d->hints.heads[tower], (unsigned long)width, (int)head_width, option);
    return LAKE_OK;
}

/* Mean and std, of which the options may set one alone. */
static void settle_pixels(Deduction *d)
{
    const ConvertOptions *o = d->options;
    ConfigHints *h = &d->hints;
    const char *whose = is_clip(d)           ? "CLIP's"
                      : d->scheme->is_dino ? "ImageNet's, as for DINOv2"
                                           : "those of most of timm's ViTs";
    int guessed = h->std[0] == 0 && (isnan(o->mean[0]) || o->std[0] == 0);

    if (h->std[0] == 0) {
        memcpy(h->mean, is_clip(d) ? clip_mean : d->scheme->is_dino ? imagenet_mean : half, sizeof half);
        memcpy(h->std, is_clip(d) ? clip_std : d->scheme->is_dino ? imagenet_std : half, sizeof half);
    }
    if (!isnan(o->mean[0]))
        memcpy(h->mean, o->mean, sizeof h->mean);
    if (o->std[0] != 0)
        memcpy(h->std, o->std, sizeof h->std);
    if (guessed)
        config_note(d->note, d->context,
                    "mean and std of the pixels: %g,%g,%g and %g,%g,%g (guessed: %s; --mean and --std set them)",
                    (double)h->mean[0], (double)h->mean[1], (double)h->mean[2], (double)h->std[0], (double)h->std[1],
                    (double)h->std[2], whose);
}

/* ---- all together ---- */

static void set_tower(TowerConfig *tower, const ConfigHints *h, int index)
{
    tower->heads = side((size_t)h->heads[index]);
    tower->activation = (Activation)h->activation[index];
    tower->eps = h->eps[index];
}

int config_deduce(ClipConfig *config, long *end_id, const Checkpoint *checkpoint, const NameScheme *scheme,
                  const ConvertOptions *options, ConvertNote *note, void *context, Error *e)
{
    Deduction d = {0};
    int code;

    d.checkpoint = checkpoint;
    d.scheme = scheme;
    d.options = options;
    d.path = checkpoint->path;
    d.note = note;
    d.context = context;
    d.e = e;
    d.config = config;
    d.hints = checkpoint->hints;
    memset(config, 0, sizeof *config);
    if (deduce_vision(&d) != LAKE_OK || deduce_text(&d) != LAKE_OK)
        return LAKE_BAD_INPUT;
    note_own_hints(&d);
    code = config_read_files(&d.hints, config, scheme, checkpoint->path, note, context, e);
    if (code == LAKE_OK)
        code = apply_options(&d.hints, options, config, e);
    if (code != LAKE_OK)
        return code;
    guess_activation(&d);
    guess_eps(&d);
    if (guess_heads(&d, 0, config->vision.width, "vision", "--heads") != LAKE_OK ||
        (config->has_text && guess_heads(&d, 1, config->text.width, "text", "--text-heads") != LAKE_OK))
        return LAKE_BAD_INPUT;
    settle_pixels(&d);
    set_tower(&config->vision, &d.hints, 0);
    if (config->has_text)
        set_tower(&config->text, &d.hints, 1);
    memcpy(config->mean, d.hints.mean, sizeof config->mean);
    memcpy(config->std, d.hints.std, sizeof config->std);
    *end_id = d.hints.end_id;
    return wts_check_config(config, checkpoint->path, e);
}
