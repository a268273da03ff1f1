/* The arithmetic of a transformer on row-major float arrays. tensor.c holds the plain version of each
 * function, one loop per formula; kernel/ holds the fast ones of the same signature. The functions declared
 * here run the table that kernel_choose picked (kernel/kernel.h). Results do not depend on the number of
 * threads. Sizes are counts of floats; no function allocates. A workspace's size depends on the kernel and on its
 * number of threads: ask for it after tensor_begin. It does not shrink when m, n or heads grow, so the largest
 * call of a kind sizes it for the others. Outputs must not overlap inputs unless it is said. */
#ifndef LAKE_TENSOR_H
#define LAKE_TENSOR_H

#include <stddef.h>

#include "weights/weights.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Chooses the kernels of this process, as kernel_choose does, unless that was done: workspaces that were sized before
 * stay valid, and other threads may compute meanwhile. To be called before a workspace is sized. LAKE_USAGE where
 * $LAKE_KERNEL names a kernel that cannot run. */
int tensor_begin(Error *e);

/* A weight matrix as checkpoints store it: rows are outputs, columns inputs. */
typedef struct {
    const void *data; /* [rows, columns] of `type` */
    WtsType type;
    size_t rows, columns;
    const float *scales; /* [rows] where the type is WTS_Q8: what the numbers of a row are multiplied by, 0 or more;
                            else NULL */
    WtsLayout layout;    /* where number (row, column) stands: weights.h */
} Matrix;

/* Row `row` of a matrix of any type as floats. */
void tensor_row(float *out, const Matrix *w, size_t row);

/* What happens to x W^T + bias before it is stored. */
typedef enum { EPILOGUE_NONE, EPILOGUE_GELU, EPILOGUE_QUICK_GELU, EPILOGUE_ADD } Epilogue;

/* y[m, n] = x[m, k] W[n, k]^T + bias[n], then the epilogue: GELU, quick GELU, or (ADD) plus what y held: the
 * residual. bias may be NULL. ldx and ldy are the distances between rows of x and y, in floats. workspace has
 * tensor_linear_workspace floats. */
void tensor_linear(float *y, size_t ldy, const float *x, size_t ldx, size_t m, const Matrix *w, const float *bias,
                   Epilogue epilogue, float *workspace);
size_t tensor_linear_workspace(size_t m, size_t n, size_t k);

/* y[m, d] = (x - mean) / sqrt(var + eps) * gain + bias per row; population variance. y may be x. */
void tensor_layernorm(float *y, const float *x, const float *gain, const float *bias, size_t m, size_t d, float eps);

/* Multi-head attention of one sequence. q, k, v: n tokens, `stride` floats from token to token, head h at
 * offset h * head_width; out [n, heads * head_width] with row distance ldo. out = softmax(q k^T * scale) v per
 * head, with causal != 0 over keys 0..i for query i only. type: WTS_BF16 where q, k, v and the weights of the softmax may
 * be rounded to bf16, which kernels that multiply it do; else WTS_F32. workspace: tensor_attention_workspace floats. */
void tensor_attention(float *out, size_t ldo, const float *q, const float *k, const float *v, size_t stride, size_t n,
                      size_t heads, size_t head_width, float scale, int causal, WtsType type, float *workspace);
size_t tensor_attention_workspace(size_t n, size_t heads, size_t head_width);

/* How a grid of position embeddings is brought to another size. */
typedef enum {
    GRID_BICUBIC_ANTIALIAS, /* open_clip: a = -0.5, window widened when shrinking, weights normalised */
    GRID_BICUBIC,           /* Hugging Face: a = -0.75, four taps, edge repeated */
    GRID_BILINEAR           /* AnomalyCLIP: two taps, edge repeated */
} GridResize;

/* in [h, w, channels] -> out [h2, w2, channels], align_corners false. workspace: h * w2 * channels floats. */
void tensor_resize_grid(float *out, size_t h2, size_t w2, const float *in, size_t h, size_t w, size_t channels,
                        GridResize method, float *workspace);

/* x[n] / ||x||, in place; a zero vector stays. */
void tensor_normalise(float *x, size_t n);

#ifdef __cplusplus
}
#endif

#endif
