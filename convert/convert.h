/* Checkpoints of other programs -> the flat binary of weights/. */
#ifndef LAKE_CONVERT_H
#define LAKE_CONVERT_H

#include <stddef.h>

#include "base/error.h"
#include "weights/weights.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const char *checkpoint;  /* a file (safetensors, PyTorch, GGUF), an index of shards, or a folder that holds one;
                              or a .clip file, of which only the type is changed */
    const char *output;      /* .clip */
    const char *vocabulary;  /* bpe_simple_vocab_16e6.txt[.gz], vocab.json (merges.txt beside it), tokenizer.json, GGUF;
                                NULL: the checkpoint's own, or looked for beside it */
    WtsType type;            /* of the matrices; vectors stay f32 */
    int activation;          /* an Activation, or -1: deduced */
    float eps;               /* of every LayerNorm, or 0: deduced */
    int heads;               /* of the vision tower, or 0: deduced (width / 64) */
    int text_heads;          /* of the text tower, or 0: deduced */
    float mean[3];           /* of the pixels, or mean[0] NaN: deduced */
    float std[3];            /* or std[0] == 0: deduced */
} ConvertOptions;

void convert_defaults(ConvertOptions *options);

/* Called with the share of bytes done, 0 to 1; may be NULL. */
typedef void ConvertProgress(void *context, double share);

/* Called with one line for each thing that was guessed or is worth knowing ("activation: quick_gelu (guessed: ...;
 * --activation sets it)"); may be NULL. */
typedef void ConvertNote(void *context, const char *line);

int convert_checkpoint(const ConvertOptions *options, ConvertProgress *progress, ConvertNote *note, void *context,
                       Error *e);

/* ---- parts ---- */

/* vocab.c: reads a vocabulary in any of its four forms and makes the tokenizer section of the flat binary
 * (tokenizer.h) in a new buffer; *section is NULL where it fails. */
int convert_vocabulary(unsigned char **section, size_t *size, const char *path, Error *e);

/* A note of what was lost, where the writer quantised. */
void convert_note_errors(const WtsErrors *errors, ConvertNote *note, void *context);

#ifdef __cplusplus
}
#endif

#endif
