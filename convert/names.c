/* One table of names: ours, and what OpenAI's CLIP (clip/model.py; open_clip uses the same), Hugging Face
 * (transformers, convert_clip_original_pytorch_to_hf.py) and timm (vision_transformer.py) call the same tensor. */
#include "convert/names.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    const char *ours;
    const char *theirs[3]; /* by NameFamily; NULL: has none. '?' stands for q, k and v, whose rows follow each other */
} Row;

static const Row outside_blocks[] = {
    {"vision.patch.weight",
     {"visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight", "patch_embed.proj.weight"}},
    {"vision.patch.bias",
     {"visual.conv1.bias", "vision_model.embeddings.patch_embedding.bias", "patch_embed.proj.bias"}},
    {"vision.class", {"visual.class_embedding", "vision_model.embeddings.class_embedding", "cls_token"}},
    {"vision.positions",
     {"visual.positional_embedding", "vision_model.embeddings.position_embedding.weight", "pos_embed"}},
    /* "layrnorm" is their spelling */
    {"vision.ln_pre.weight", {"visual.ln_pre.weight", "vision_model.pre_layrnorm.weight", "norm_pre.weight"}},
    {"vision.ln_pre.bias", {"visual.ln_pre.bias", "vision_model.pre_layrnorm.bias", "norm_pre.bias"}},
    {"vision.ln_post.weight", {"visual.ln_post.weight", "vision_model.post_layernorm.weight", "norm.weight"}},
    {"vision.ln_post.bias", {"visual.ln_post.bias", "vision_model.post_layernorm.bias", "norm.bias"}},
    {"vision.projection.weight", {"visual.proj", "visual_projection.weight", NULL}},
    {"text.tokens.weight", {"token_embedding.weight", "text_model.embeddings.token_embedding.weight", NULL}},
    {"text.positions", {"positional_embedding", "text_model.embeddings.position_embedding.weight", NULL}},
    {"text.ln_final.weight", {"ln_final.weight", "text_model.final_layer_norm.weight", NULL}},
    {"text.ln_final.bias", {"ln_final.bias", "text_model.final_layer_norm.bias", NULL}},
    {"text.projection.weight", {"text_projection", "text_projection.weight", NULL}},
};

static const Row inside_blocks[] = {
    {"ln_1.weight", {"ln_1.weight", "layer_norm1.weight", "norm1.weight"}},
    {"ln_1.bias", {"ln_1.bias", "layer_norm1.bias", "norm1.bias"}},
    {"qkv.weight", {"attn.in_proj_weight", "self_attn.?_proj.weight", "attn.qkv.weight"}},
    {"qkv.bias", {"attn.in_proj_bias", "self_attn.?_proj.bias", "attn.qkv.bias"}},
    {"attn_out.weight", {"attn.out_proj.weight", "self_attn.out_proj.weight", "attn.proj.weight"}},
    {"attn_out.bias", {"attn.out_proj.bias", "self_attn.out_proj.bias", "attn.proj.bias"}},
    {"ln_2.weight", {"ln_2.weight", "layer_norm2.weight", "norm2.weight"}},
    {"ln_2.bias", {"ln_2.bias", "layer_norm2.bias", "norm2.bias"}},
    {"mlp_in.weight", {"mlp.c_fc.weight", "mlp.fc1.weight", "mlp.fc1.weight"}},
    {"mlp_in.bias", {"mlp.c_fc.bias", "mlp.fc1.bias", "mlp.fc1.bias"}},
    {"mlp_out.weight", {"mlp.c_proj.weight", "mlp.fc2.weight", "mlp.fc2.weight"}},
    {"mlp_out.bias", {"mlp.c_proj.bias", "mlp.fc2.bias", "mlp.fc2.bias"}},
};

/* What stands before a block's number. */
static const Row block_prefixes[] = {
    {"vision.blocks.", {"visual.transformer.resblocks.", "vision_model.encoder.layers.", "blocks."}},
    {"text.blocks.", {"transformer.resblocks.", "text_model.encoder.layers.", NULL}},
};

#define LENGTH(array) (sizeof(array) / sizeof *(array))

static int begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static int ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);

    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static const char *look_up(const Row *rows, size_t count, const char *ours, NameFamily family)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (strcmp(rows[i].ours, ours) == 0)
            return rows[i].theirs[family];
    return NULL;
}

/* What the scheme puts in front of this tensor's name. */
static const char *text_prefix(const NameScheme *s, const char *ours)
{
    return begins_with(ours, "text.") ? s->text_prefix : "";
}

/* Fills in the names from a pattern; '?' makes it three. */
static int set_names(NameSource *source, const NameScheme *s, const char *ours, const char *block, const char *pattern)
{
    const char *letter = strchr(pattern, '?');
    int i;

    source->count = letter != NULL ? 3 : 1;
    for (i = 0; i < source->count; i++) {
        char *name = source->name[i], *mark;

        if (snprintf(name, sizeof source->name[i], "%s%s%s%s", s->prefix, text_prefix(s, ours), block, pattern) >=
            (int)sizeof source->name[i])
            return 0;
        mark = strchr(name, '?');
        if (mark != NULL)
            *mark = "qkv"[i];
    }
    return 1;
}

/* A tensor inside a block, `ours` being "TOWER.blocks.N.REST"; returns 0 where it is none. */
static int block_source(NameSource *source, const NameScheme *s, const char *ours)
{
    char block[80];
    size_t i;

    for (i = 0; i < LENGTH(block_prefixes); i++) {
        const char *theirs = block_prefixes[i].theirs[s->family], *number, *dot, *pattern;

        if (!begins_with(ours, block_prefixes[i].ours))
            continue;
        number = ours + strlen(block_prefixes[i].ours);
        dot = strchr(number, '.');
        pattern = dot != NULL ? look_up(inside_blocks, LENGTH(inside_blocks), dot + 1, s->family) : NULL;
        if (theirs == NULL || pattern == NULL)
            return 0;
        snprintf(block, sizeof block, "%s%.*s.", theirs, (int)(dot - number), number);
        return set_names(source, s, ours, block, pattern);
    }
    return 0;
}

int names_source(NameSource *source, const NameScheme *s, const char *ours)
{
    const char *pattern = look_up(outside_blocks, LENGTH(outside_blocks), ours, s->family);

    memset(source, 0, sizeof *source);
    source->transposed = s->family == NAMES_OPENAI && ends_with(ours, ".projection.weight");
    source->optional = s->family == NAMES_TIMM && ends_with(ours, ".qkv.bias"); /* qkv_bias=False */
    if (pattern != NULL)
        return set_names(source, s, ours, "", pattern);
    return block_source(source, s, ours);
}

const CkptTensor *names_find(const Checkpoint *checkpoint, const NameScheme *s, const char *ours)
{
    NameSource source;

    return names_source(&source, s, ours) ? ckpt_find(checkpoint, source.name[0]) : NULL;
}

const CkptTensor *names_logit_scale(const Checkpoint *checkpoint, const NameScheme *s)
{
    char name[64];

    snprintf(name, sizeof name, "%slogit_scale", s->prefix);
    return s->family != NAMES_TIMM ? ckpt_find(checkpoint, name) : NULL;
}

/* ---- which family ---- */

/* The towers that the names can stand for and this program does not compute. */
static int refuse_other_towers(const Checkpoint *checkpoint, Error *e)
{
    static const struct {
        const char *tensor, *what;
    } others[] = {
        {"visual.attnpool.c_proj.weight", "a CLIP whose image tower is a ResNet"},
        {"visual.trunk.patch_embed.proj.weight", "an open_clip model whose image tower is timm's"},
        {"vision_model.head.attention.in_proj_weight", "a SigLIP model"},
        {"reg_token", "a ViT with register tokens"},
        {"dist_token", "a distilled ViT (DeiT) with two special tokens"},
        {"embeddings.cls_token", "a DINOv2 or another ViT in Hugging Face's naming"},
    };
    size_t i;

    for (i = 0; i < LENGTH(others); i++)
        if (ckpt_find(checkpoint, others[i].tensor) != NULL)
            return error_set(e, LAKE_BAD_INPUT,
                             "%s: holds %s (tensor %s); only CLIP's ViT and the plain timm ViT can be converted",
                             checkpoint->path, others[i].what, others[i].tensor);
    return LAKE_OK;
}

int names_detect(NameScheme *s, const Checkpoint *checkpoint, Error *e)
{
    static const char *const prefixes[] = {"", "module."};
    char name[128];
    size_t i;
    int family;

    if (refuse_other_towers(checkpoint, e) != LAKE_OK)
        return LAKE_BAD_INPUT;
    for (i = 0; i < LENGTH(prefixes); i++)
        for (family = NAMES_OPENAI; family <= NAMES_TIMM; family++) {
            s->family = (NameFamily)family;
            s->prefix = prefixes[i];
            s->text_prefix = "";
            if (names_find(checkpoint, s, "vision.patch.weight") == NULL)
                continue;
            snprintf(name, sizeof name, "%stext.token_embedding.weight", s->prefix);
            if (s->family == NAMES_OPENAI && ckpt_find(checkpoint, name) != NULL)
                s->text_prefix = "text.";
            return LAKE_OK;
        }
    return error_set(e, LAKE_BAD_INPUT,
                     "%s: no image tower found among %llu tensors (the first: %s); expected visual.conv1.weight "
                     "(OpenAI, open_clip), "
                     "vision_model.embeddings.patch_embedding.weight (Hugging Face) or patch_embed.proj.weight (timm)",
                     checkpoint->path, (unsigned long long)checkpoint->count,
                     checkpoint->count > 0 ? checkpoint->tensors[0].name : "none");
}

const char *names_family(const NameScheme *s)
{
    static const char *const families[] = {"OpenAI", "Hugging Face", "timm"};

    return families[s->family];
}

/* ---- tensors without a place ---- */

int names_is_ignorable(const NameScheme *s, const char *name)
{
    /* By NameFamily, NULL at the end. OpenAI's archives hold three numbers of the configuration. */
    static const char *const ignorable[3][6] = {
        {"logit_scale", "attn_mask", "input_resolution", "context_length", "vocab_size", NULL},
        {"logit_scale", "vision_model.embeddings.position_ids", "text_model.embeddings.position_ids", NULL},
        {"head.weight", "head.bias", "pre_logits.fc.weight", "pre_logits.fc.bias", NULL},
    };
    const char *const *known;

    if (!begins_with(name, s->prefix))
        return 0;
    name += strlen(s->prefix);
    for (known = ignorable[s->family]; *known != NULL; known++)
        if (strcmp(name, *known) == 0)
            return 1;
    return *s->text_prefix != '\0' && strcmp(name, "text.attn_mask") == 0;
}

int names_is_in_block(const NameScheme *s, const char *name)
{
    size_t i;

    if (!begins_with(name, s->prefix))
        return 0;
    name += strlen(s->prefix);
    if (begins_with(name, s->text_prefix) && *s->text_prefix != '\0')
        name += strlen(s->text_prefix);
    for (i = 0; i < LENGTH(block_prefixes); i++)
        if (block_prefixes[i].theirs[s->family] != NULL && begins_with(name, block_prefixes[i].theirs[s->family]))
            return 1;
    return 0;
}
