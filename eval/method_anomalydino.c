/* AnomalyDINO: Damm and others, "AnomalyDINO: Boosting Patch-based Few-shot Anomaly Detection with DINOv2", WACV 2025.
 * Here what is its own; method_bank.c has the rest. */
#include "eval/method_internal.h"

/* Patches as the model hands them out: after its final layer normalisation. */
void method_anomalydino_tokens(float *out, const float *tokens, size_t height, size_t width, size_t channels,
                               const Clip *model)
{
    tensor_layernorm(out, tokens, model->weights.ln_post_gain, model->weights.ln_post_bias, height * width, channels,
                     model->config.vision.eps);
}
