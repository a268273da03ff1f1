/* The names that five families of programs give to the same tensors. names.c holds the table. */
#ifndef LAKE_NAMES_H
#define LAKE_NAMES_H

#include "base/error.h"
#include "convert/checkpoint.h"

typedef enum {
    NAMES_OPENAI, /* openai/CLIP and open_clip: visual.conv1.weight */
    NAMES_HF,     /* Hugging Face transformers, CLIPModel or CLIPVisionModel: vision_model.embeddings... */
    NAMES_TIMM,   /* a timm VisionTransformer, also DINOv2's own files: patch_embed.proj.weight */
    NAMES_GGUF,   /* clip.cpp: v.patch_embd.weight */
    NAMES_DINO,   /* Hugging Face transformers, Dinov2Model: embeddings.patch_embeddings.projection.weight */
    NAMES_COUNT
} NameFamily;

typedef struct {
    NameFamily family;
    const char *prefix;      /* in front of every name: "", or "module." of data-parallel training, ... */
    const char *text_prefix; /* in front of the text tower's names: "", or "text." of open_clip's CustomTextCLIP */
    int linear_projection;   /* OpenAI: the text projection is an nn.Linear, [out, in] (open_clip's proj_type) */
    int ffn_swapped;         /* GGUF: ffn_up is the MLP's first matrix, as its name says; clip.cpp's is ffn_down */
    int is_dino;             /* DINOv2, by names or by its mask token */
} NameScheme;

/* Where one of our tensors comes from. */
typedef struct {
    char name[3][128]; /* [count]; three where q, k and v are apart and their rows are to follow each other */
    int count;
    int transposed;    /* 1: stored as [in, out], used as x @ W */
    int optional;      /* 1: may be absent and is zero then */
    char scale[128];   /* LayerScale, a number for each row (output) that multiplies it; may be absent; "": none */
} NameSource;

/* Finds out which family wrote the file. */
int names_detect(NameScheme *scheme, const Checkpoint *checkpoint, Error *e);

/* The source of our tensor `ours` (weights/layout.c); returns 0 where the family has no such tensor. */
int names_source(NameSource *source, const NameScheme *scheme, const char *ours);

/* The first tensor that `ours` is made of, or NULL where it is not there. */
const CkptTensor *names_find(const Checkpoint *checkpoint, const NameScheme *scheme, const char *ours);

/* The family's logit_scale, or NULL. */
const CkptTensor *names_logit_scale(const Checkpoint *checkpoint, const NameScheme *scheme);

/* 1 for tensors that are known to have no part in what we compute: position_ids, classifier heads, ... */
int names_is_ignorable(const NameScheme *scheme, const char *name);

/* 1 for a tensor inside a transformer block, where one that we do not know changes what the block computes. */
int names_is_in_block(const NameScheme *scheme, const char *name);

/* "OpenAI", "Hugging Face", ... */
const char *names_family(const NameScheme *scheme);

#endif
