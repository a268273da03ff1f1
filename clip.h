/* CLIP: an image tower (ViT) and a text tower over the weights of one flat binary. Public face of the model.
 *
 *     Clip model;  ClipState state;  Error e;
 *     clip_open(&model, "vit_b16.clip", &e);
 *     clip_state_open(&state, &model, 224, GRID_BICUBIC_ANTIALIAS, &e);
 *     clip_image(&model, &state, pixels, &request);
 */
#ifndef LAKE_CLIP_H
#define LAKE_CLIP_H

#include "base/error.h"
#include "tensor.h"
#include "tokenizer.h"
#include "weights/weights.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One transformer block. D: width, H: mlp width. */
typedef struct {
    const float *ln_1_gain, *ln_1_bias; /* [D] */
    Matrix qkv;                         /* [3 D, D]: rows of q, then k, then v */
    const float *qkv_bias;              /* [3 D] */
    Matrix attn_out;                    /* [D, D] */
    const float *attn_out_bias;         /* [D] */
    const float *ln_2_gain, *ln_2_bias; /* [D] */
    Matrix mlp_in;                      /* [H, D] */
    const float *mlp_in_bias;           /* [H] */
    Matrix mlp_out;                     /* [D, H] */
    const float *mlp_out_bias;          /* [D] */
} ClipBlock;

/* Pointers into the mapped file. V, T: vision and text width. G = resolution / patch. */
typedef struct {
    Matrix patch_embedding;                 /* [V, 3 p p], a convolution's kernel with the input flattened c, y, x */
    const float *patch_bias;                /* [V] or NULL */
    const float *class_embedding;           /* [V] */
    const float *vision_positions;          /* [1 + G G, V], the class token's first */
    const float *ln_pre_gain, *ln_pre_bias; /* [V] or NULL */
    ClipBlock *vision_blocks;               /* [vision.layers] */
    const float *ln_post_gain, *ln_post_bias; /* [V] */
    Matrix vision_projection;               /* [E, V]; data NULL where there is none */
    Matrix token_embedding;                 /* [vocabulary, T] */
    const float *text_positions;            /* [context, T] */
    ClipBlock *text_blocks;                 /* [text.layers] */
    const float *ln_final_gain, *ln_final_bias; /* [T] */
    Matrix text_projection;                 /* [E, T] */
} ClipWeights;

typedef struct {
    ClipConfig config;
    ClipWeights weights;
    Tokenizer *tokenizer; /* NULL without a text tower */
    WtsFile *file;
} Clip;

/* The activations of a transformer over `rows` tokens, and what the kernels need besides. */
typedef struct {
    float *x;         /* [rows, D] the residual stream */
    float *normed;    /* [rows, D] */
    float *qkv;       /* [rows, 3 D] */
    float *attended;  /* [rows, D] */
    float *hidden;    /* [rows, H] of the MLP; for images also the unfolded patches [g g, 3 p p] */
    float *workspace; /* for the kernels */
} ClipActivations;

/* What is computed for one resolution: everything an image needs, allocated once. */
typedef struct {
    size_t resolution;  /* R, a multiple of the patch size */
    size_t grid;        /* g = R / p patches a side */
    size_t tokens;      /* 1 + g g */
    float *positions;   /* [tokens, V], resampled to this grid */
    float *vv;          /* [tokens, V] the residual stream of the value-value path */
    ClipActivations activations; /* rows: tokens */
    float *memory;      /* the one block that all of these are carved from */
} ClipState;

/* Chooses the kernel (kernel/kernel.h), maps the file, checks every tensor's shape against the configuration and reads
 * the tokenizer. Whatever happens, the model may be given to clip_close. */
int clip_open(Clip *model, const char *path, Error *e);

/* The same for the bytes of a .clip file in memory, which must outlive the model; `name` is what messages call them
 * (wts_open_memory). */
int clip_open_memory(Clip *model, const unsigned char *data, size_t size, const char *name, Error *e);
void clip_close(Clip *model);

/* The default resolution: the largest multiple of the patch size not above 518, nor, for a model trained on pictures of
 * less than 224 pixels, above twice their side. */
size_t clip_default_resolution(const Clip *model);

/* Buffers and position embedding for images of R x R pixels; R must be a positive multiple of the patch size, at most
 * CLIP_MAX_RESOLUTION. LAKE_USAGE where it is not; LAKE_RESOURCE for memory. */
#define CLIP_MAX_RESOLUTION 16384
int clip_state_open(ClipState *state, const Clip *model, size_t resolution, GridResize method, Error *e);
void clip_state_close(ClipState *state);

/* RGB bytes [R, R, 3] -> normalised pixels [3, R, R]: (byte / 255 - mean) / std. */
void clip_pixels(float *pixels, const unsigned char *rgb, size_t resolution, const ClipConfig *config);

/* What to compute for an image; pointers that are NULL are not computed, and no block after the last one needed is.
 * Blocks count from 1. */
typedef struct {
    size_t tap_count;
    const int *taps;       /* [tap_count] ascending, 1 to vision.layers: blocks whose patch tokens are wanted */
    float *const *tokens;  /* [tap_count] of [g g, V]: patch tokens (no class token) after that block */
    float *class_token;    /* [V]: the class token after the last block, before ln_post */
    float *embedding;      /* [E]: ln_post and projection of the class token after the last block */
    float *patches;        /* [g g, E]: ln_post and projection of the patch tokens after block patch_block */
    int patch_block;       /* 0: the last one */
    int vv_first;          /* > 0: patches come from a value-value path that starts at this block; 0, or a block
                              after patch_block: plain */
} ClipRequest;

/* Runs the image tower on pixels [3, R, R]. Equations in doc/METHOD.md; nothing is allocated. */
void clip_image(const Clip *model, ClipState *state, const float *pixels, const ClipRequest *request);

/* Embeddings [count, E] of texts, not normalised: end-token feature after ln_final and the text projection. Texts that
 * are too long are cut; *truncated (may be NULL) counts them. Allocates its own workspace, of a size that does not grow
 * with count. LAKE_USAGE where the model has no text tower. */
int clip_text(const Clip *model, const char *const *texts, size_t count, float *embeddings, size_t *truncated,
              Error *e);

/* The same for token ids: count sequences of `length` ids each, [count, length]; what follows the first end id is
 * ignored. LAKE_USAGE where a sequence has no end id, is longer than the context, or holds an id beyond the
 * vocabulary. */
int clip_text_ids(const Clip *model, const uint32_t *ids, size_t count, size_t length, float *embeddings, Error *e);

#ifdef __cplusplus
}
#endif

#endif
