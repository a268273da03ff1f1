/* One table of names: ours, and what OpenAI's CLIP (clip/model.py; open_clip uses the same), Hugging Face
 * (transformers, convert_clip_original_pytorch_to_hf.py, modeling_dinov2.py), timm (vision_transformer.py) and clip.cpp
 * (models/convert_hf_to_gguf.py) call the same tensor. */
#include "convert/names.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    const char *ours;
    const char *theirs[NAMES_COUNT]; /* by NameFamily; NULL: has none. '?' stands for q, k and v, '*' for query, key and
                                        value, whose rows follow each other */
} Row;

static const Row outside_blocks[] = {
    {"vision.patch.weight",
     {"visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight", "patch_embed.proj.weight",
      "v.patch_embd.weight", "embeddings.patch_embeddings.projection.weight"}},
    {"vision.patch.bias",
     {"visual.conv1.bias", "vision_model.embeddings.patch_embedding.bias", "patch_embed.proj.bias", "v.patch_embd.bias",
      "embeddings.patch_embeddings.projection.bias"}},
    {"vision.class",
     {"visual.class_embedding", "vision_model.embeddings.class_embedding", "cls_token", "v.class_embd",
      "embeddings.cls_token"}},
    {"vision.positions",
     {"visual.positional_embedding", "vision_model.embeddings.position_embedding.weight", "pos_embed",
      "v.position_embd.weight", "embeddings.position_embeddings"}},
    /* "layrnorm" is their spelling */
    {"vision.ln_pre.weight",
     {"visual.ln_pre.weight", "vision_model.pre_layrnorm.weight", "norm_pre.weight", "v.pre_ln.weight", NULL}},
    {"vision.ln_pre.bias",
     {"visual.ln_pre.bias", "vision_model.pre_layrnorm.bias", "norm_pre.bias", "v.pre_ln.bias", NULL}},
    {"vision.ln_post.weight",
     {"visual.ln_post.weight", "vision_model.post_layernorm.weight", "norm.weight", "v.post_ln.weight",
      "layernorm.weight"}},
    {"vision.ln_post.bias",
     {"visual.ln_post.bias", "vision_model.post_layernorm.bias", "norm.bias", "v.post_ln.bias", "layernorm.bias"}},
    {"vision.projection.weight",
     {"visual.proj", "visual_projection.weight", NULL, "visual_projection.weight", NULL}},
    {"text.tokens.weight",
     {"token_embedding.weight", "text_model.embeddings.token_embedding.weight", NULL, "t.token_embd.weight", NULL}},
    {"text.positions",
     {"positional_embedding", "text_model.embeddings.position_embedding.weight", NULL, "t.position_embd.weight", NULL}},
    {"text.ln_final.weight",
     {"ln_final.weight", "text_model.final_layer_norm.weight", NULL, "t.post_ln.weight", NULL}},
    {"text.ln_final.bias", {"ln_final.bias", "text_model.final_layer_norm.bias", NULL, "t.post_ln.bias", NULL}},
    {"text.projection.weight",
     {"text_projection", "text_projection.weight", NULL, "text_projection.weight", NULL}},
};

/* clip.cpp's writer calls the MLP's first matrix ffn_down and its second one ffn_up. */
static const Row inside_blocks[] = {
    {"ln_1.weight", {"ln_1.weight", "layer_norm1.weight", "norm1.weight", "ln1.weight", "norm1.weight"}},
    {"ln_1.bias", {"ln_1.bias", "layer_norm1.bias", "norm1.bias", "ln1.bias", "norm1.bias"}},
    {"qkv.weight",
     {"attn.in_proj_weight", "self_attn.?_proj.weight", "attn.qkv.weight", "attn_?.weight",
      "attention.attention.*.weight"}},
    {"qkv.bias",
     {"attn.in_proj_bias", "self_attn.?_proj.bias", "attn.qkv.bias", "attn_?.bias", "attention.attention.*.bias"}},
    {"attn_out.weight",
     {"attn.out_proj.weight", "self_attn.out_proj.weight", "attn.proj.weight", "attn_out.weight",
      "attention.output.dense.weight"}},
    {"attn_out.bias",
     {"attn.out_proj.bias", "self_attn.out_proj.bias", "attn.proj.bias", "attn_out.bias",
      "attention.output.dense.bias"}},
    {"ln_2.weight", {"ln_2.weight", "layer_norm2.weight", "norm2.weight", "ln2.weight", "norm2.weight"}},
    {"ln_2.bias", {"ln_2.bias", "layer_norm2.bias", "norm2.bias", "ln2.bias", "norm2.bias"}},
    {"mlp_in.weight", {"mlp.c_fc.weight", "mlp.fc1.weight", "mlp.fc1.weight", "ffn_down.weight", "mlp.fc1.weight"}},
    {"mlp_in.bias", {"mlp.c_fc.bias", "mlp.fc1.bias", "mlp.fc1.bias", "ffn_down.bias", "mlp.fc1.bias"}},
    {"mlp_out.weight", {"mlp.c_proj.weight", "mlp.fc2.weight", "mlp.fc2.weight", "ffn_up.weight", "mlp.fc2.weight"}},
    {"mlp_out.bias", {"mlp.c_proj.bias", "mlp.fc2.bias", "mlp.fc2.bias", "ffn_up.bias", "mlp.fc2.bias"}},
};

/* LayerScale multiplies what attention and MLP add to the stream; it becomes part of the matrix before it. */
static const Row scales[] = {
    {"attn_out.weight", {"ls_1.gamma", NULL, "ls1.gamma", NULL, "layer_scale1.lambda1"}},
    {"attn_out.bias", {"ls_1.gamma", NULL, "ls1.gamma", NULL, "layer_scale1.lambda1"}},
    {"mlp_out.weight", {"ls_2.gamma", NULL, "ls2.gamma", NULL, "layer_scale2.lambda1"}},
    {"mlp_out.bias", {"ls_2.gamma", NULL, "ls2.gamma", NULL, "layer_scale2.lambda1"}},
};

/* What stands before a block's number. */
static const Row block_prefixes[] = {
    {"vision.blocks.",
     {"visual.transformer.resblocks.", "vision_model.encoder.layers.", "blocks.", "v.blk.", "encoder.layer."}},
    {"text.blocks.", {"transformer.resblocks.", "text_model.encoder.layers.", NULL, "t.blk.", NULL}},
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

/* PREFIX BLOCK PATTERN with '?' or '*' replaced by the letter or word number i; returns 0 where it is too long. */
static int set_name(char name[128], const NameScheme *s, const char *ours, const char *block, const char *pattern,
                    int i)
{
    static const char *const words[] = {"query", "key", "value"};
    size_t before = strcspn(pattern, "?*");
    char letter[2] = {"qkv"[i], '\0'};
    const char *middle = pattern[before] == '?' ? letter : pattern[before] == '*' ? words[i] : "";

    return snprintf(name, 128, "%s%s%s%.*s%s%s", s->prefix, text_prefix(s, ours), block, (int)before, pattern, middle,
                    pattern[before] != '\0' ? pattern + before + 1 : "") < 128;
}

/* Fills in the names from a pattern, three where rows are to follow each other. */
static int set_names(NameSource *source, const NameScheme *s, const char *ours, const char *block, const char *pattern)
{
    int i;

    source->count = strpbrk(pattern, "?*") != NULL ? 3 : 1;
    for (i = 0; i < source->count; i++)
        if (!set_name(source->name[i], s, ours, block, pattern, i))
            return 0;
    return 1;
}

/* The name under which a swapped family looks up its MLP: mlp_in for mlp_out, and the other way. */
static const char *swapped_mlp(const char *rest)
{
    static const char *const pairs[][2] = {{"mlp_in.weight", "mlp_out.weight"}, {"mlp_in.bias", "mlp_out.bias"}};
    size_t i;

    for (i = 0; i < LENGTH(pairs); i++) {
        if (strcmp(rest, pairs[i][0]) == 0)
            return pairs[i][1];
        if (strcmp(rest, pairs[i][1]) == 0)
            return pairs[i][0];
    }
    return rest;
}

/* A tensor inside a block, `ours` being "TOWER.blocks.N.REST"; returns 0 where it is none. */
static int block_source(NameSource *source, const NameScheme *s, const char *ours)
{
    char block[80];
    size_t i;

    for (i = 0; i < LENGTH(block_prefixes); i++) {
        const char *theirs = block_prefixes[i].theirs[s->family], *number, *dot, *rest, *pattern, *scale;

        if (!begins_with(ours, block_prefixes[i].ours))
            continue;
        number = ours + strlen(block_prefixes[i].ours);
        dot = strchr(number, '.');
        if (theirs == NULL || dot == NULL)
            return 0;
        rest = s->ffn_swapped ? swapped_mlp(dot + 1) : dot + 1;
        pattern = look_up(inside_blocks, LENGTH(inside_blocks), rest, s->family);
        scale = look_up(scales, LENGTH(scales), dot + 1, s->family);
        if (pattern == NULL)
            return 0;
        snprintf(block, sizeof block, "%s%.*s.", theirs, (int)(dot - number), number);
        return (scale == NULL || set_name(source->scale, s, ours, block, scale, 0)) &&
               set_names(source, s, ours, block, pattern);
    }
    return 0;
}

int names_source(NameSource *source, const NameScheme *s, const char *ours)
{
    const char *pattern = look_up(outside_blocks, LENGTH(outside_blocks), ours, s->family);

    memset(source, 0, sizeof *source);
    source->transposed = s->family == NAMES_OPENAI && ends_with(ours, ".projection.weight");
    if (s->linear_projection && strcmp(ours, "text.projection.weight") == 0) {
        source->transposed = 0;
        pattern = "text_projection.weight";
    }
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
    return s->family != NAMES_TIMM && s->family != NAMES_DINO ? ckpt_find(checkpoint, name) : NULL;
}

/* ---- which family ---- */

/* The towers that the names can stand for and this program does not compute. */
static int refuse_other_towers(const Checkpoint *checkpoint, const char *prefix, Error *e)
{
    static const struct {
        const char *tensor, *what;
    } others[] = {
        {"visual.attnpool.c_proj.weight", "a CLIP whose image tower is a ResNet"},
        {"visual.attn_pool.query", "an open_clip model that pools by attention (CoCa)"},
        {"visual.trunk.patch_embed.proj.weight", "an open_clip model whose image tower is timm's"},
        {"visual.trunk.stem.0.weight", "an open_clip model whose image tower is timm's"},
        {"visual.patch_embed.proj.weight", "an EVA-CLIP"},
        {"text.transformer.embeddings.word_embeddings.weight", "an open_clip model whose text tower is Hugging Face's"},
        {"text_projection.bias", "a CLIP whose text projection has a bias"},
        {"text.text_projection.bias", "a CLIP whose text projection has a bias"},
        {"vision_model.head.attention.in_proj_weight", "a SigLIP model"},
        {"storage_tokens", "a DINOv3"},
        {"embeddings.patch_embeddings.weight", "a DINOv3"},
        {"reg_token", "a ViT with register tokens"},
        {"register_tokens", "a DINOv2 with register tokens"},
        {"embeddings.register_tokens", "a DINOv2 with register tokens"},
        {"dist_token", "a distilled ViT (DeiT) with two special tokens"},
        {"encoder.layer.0.layernorm_before.weight", "a ViT in Hugging Face's naming"},
        {"blocks.0.mlp.w12.weight", "a ViT with SwiGLU in its MLPs"},
        {"blocks.0.mlp.fc1_g.weight", "a ViT with SwiGLU in its MLPs"},
        {"encoder.layer.0.mlp.weights_in.weight", "a ViT with SwiGLU in its MLPs"},
    };
    char name[128];
    size_t i;

    for (i = 0; i < LENGTH(others); i++) {
        snprintf(name, sizeof name, "%s%s", prefix, others[i].tensor);
        if (ckpt_find(checkpoint, name) != NULL)
            return error_set(e, LAKE_BAD_INPUT,
                             "%s: holds %s (tensor %s); only CLIP's ViT, the plain timm ViT and DINOv2 without "
                             "register tokens can be converted",
                             checkpoint->path, others[i].what, name);
    }
    return LAKE_OK;
}

/* 1 where the checkpoint has PREFIX MIDDLE NAME. */
static int has(const Checkpoint *checkpoint, const char *prefix, const char *middle, const char *name)
{
    char full[128];

    snprintf(full, sizeof full, "%s%s%s", prefix, middle, name);
    return ckpt_find(checkpoint, full) != NULL;
}

/* What differs among the checkpoints of one family. */
static void detect_variant(NameScheme *s, const Checkpoint *checkpoint)
{
    if (s->family == NAMES_OPENAI) {
        s->text_prefix = has(checkpoint, s->prefix, "text.", "token_embedding.weight") ? "text." : "";
        s->linear_projection = has(checkpoint, s->prefix, s->text_prefix, "text_projection.weight");
    }
    if (s->family == NAMES_GGUF) { /* by its shape; only a matrix [width, more] is the second one */
        const CkptTensor *t = ckpt_find(checkpoint, "v.blk.0.ffn_down.weight");

        s->ffn_swapped = t != NULL && t->rank == 2 && t->shape[0] < t->shape[1];
    }
    s->is_dino = s->family == NAMES_DINO || (s->family == NAMES_TIMM && has(checkpoint, s->prefix, "", "mask_token"));
}

int names_detect(NameScheme *s, const Checkpoint *checkpoint, Error *e)
{
    /* of data-parallel training, Lightning, torch.compile, classifiers of Hugging Face */
    static const char *const prefixes[] = {"",          "module.", "model.", "_orig_mod.", "module._orig_mod.",
                                           "backbone.", "dinov2.", "vit.",   "dinov2_with_registers."};
    size_t i;
    int family;

    for (i = 0; i < LENGTH(prefixes); i++) {
        if (refuse_other_towers(checkpoint, prefixes[i], e) != LAKE_OK)
            return LAKE_BAD_INPUT;
        for (family = 0; family < NAMES_COUNT; family++) {
            memset(s, 0, sizeof *s);
            s->family = (NameFamily)family;
            s->prefix = prefixes[i];
            s->text_prefix = "";
            if (names_find(checkpoint, s, "vision.patch.weight") == NULL)
                continue;
            detect_variant(s, checkpoint);
            return LAKE_OK;
        }
    }
    return error_set(e, LAKE_BAD_INPUT,
                     "%s: no image tower found among %llu tensors (the first: %s); expected visual.conv1.weight "
                     "(OpenAI, open_clip), vision_model.embeddings.patch_embedding.weight (Hugging Face), "
                     "patch_embed.proj.weight (timm, DINOv2) or v.patch_embd.weight (clip.cpp)",
                     checkpoint->path, (unsigned long long)checkpoint->count,
                     checkpoint->count > 0 ? checkpoint->tensors[0].name : "none");
}

const char *names_family(const NameScheme *s)
{
    static const char *const families[] = {"OpenAI", "Hugging Face", "timm", "clip.cpp", "Hugging Face's DINOv2"};

    return families[s->family];
}

/* ---- tensors without a place ---- */

int names_is_ignorable(const NameScheme *s, const char *name)
{
    /* By NameFamily, NULL at the end. OpenAI's archives hold three numbers of the configuration. */
    static const char *const ignorable[NAMES_COUNT][6] = {
        {"logit_scale", "attn_mask", "input_resolution", "context_length", "vocab_size", NULL},
        {"logit_scale", "vision_model.embeddings.position_ids", "text_model.embeddings.position_ids", NULL},
        {"head.weight", "head.bias", "pre_logits.fc.weight", "pre_logits.fc.bias", "mask_token", NULL},
        {"logit_scale", NULL},
        {"embeddings.mask_token", "classifier.weight", "classifier.bias", NULL},
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
