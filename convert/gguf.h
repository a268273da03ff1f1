/* GGUF, the container of ggml's programs (ggml, docs/gguf.md), versions 2 and 3: a list of keys with values, a list of
 * tensors, the tensors' data. Opening checks that everything but the data lies in the file; values are read where they
 * lie. */
#ifndef LAKE_GGUF_H
#define LAKE_GGUF_H

#include <stdint.h>

#include "convert/checkpoint.h"
#include "convert/symbols.h"

#define GGUF_TOKENS "tokenizer.ggml.tokens" /* texts, the place of each is its id */
#define GGUF_MERGES "tokenizer.ggml.merges" /* texts "left right"; clip.cpp's files have none */

typedef enum {
    GGUF_U8 = 0,
    GGUF_I8 = 1,
    GGUF_U16 = 2,
    GGUF_I16 = 3,
    GGUF_U32 = 4,
    GGUF_I32 = 5,
    GGUF_F32 = 6,
    GGUF_BOOL = 7,
    GGUF_STRING = 8,
    GGUF_ARRAY = 9,
    GGUF_U64 = 10,
    GGUF_I64 = 11,
    GGUF_F64 = 12
} GgufType;

/* A key and where its value lies. */
typedef struct {
    Piece key;
    GgufType type;  /* of the value, or of an array's items; never GGUF_ARRAY */
    int is_array;
    size_t count;   /* of items; 1 where it is no array */
    size_t at;      /* offset of the first item in the file */
} GgufValue;

typedef struct {
    const FileView *view;
    const char *path;
    GgufValue *values;   /* [value_count] sorted by key */
    size_t value_count;
    size_t tensor_count; /* as the head says, not more than fit the file */
    size_t tensors_at;   /* offset of the list of tensors */
} Gguf;

/* Reads the keys. view and path must outlive it. */
int gguf_open(Gguf *gguf, const FileView *view, const char *path, Error *e);
void gguf_close(Gguf *gguf);

/* The value of a key, or NULL. */
const GgufValue *gguf_find(const Gguf *gguf, const char *key);

/* The number i of the value or array; returns 0 where it holds texts or fewer items. */
int gguf_number(const Gguf *gguf, const GgufValue *value, size_t i, double *number);

/* The text at offset *at, which begins as a value's `at`; moves *at behind it, to the next item of an array. The value
 * must be of type GGUF_STRING, and no more than its count may be read. */
Piece gguf_text(const Gguf *gguf, size_t *at);

#endif
