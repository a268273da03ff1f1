/* CLIP's byte-pair encoding, Unicode aware. tokenizer.c says each step; tokenizer_section.c and
 * weights/FORMAT.md describe the section of the flat binary that the vocabulary comes from. */
#ifndef LAKE_TOKENIZER_H
#define LAKE_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct Tokenizer Tokenizer;

/* What a tokenizer section holds, as tables: the ids of the 256 bytes inside a word and at a word's end, the two
 * special ids, and the merges in order of rank. */
typedef struct {
    uint32_t byte_id[256];     /* id of the symbol of byte b */
    uint32_t byte_end_id[256]; /* id of the symbol of byte b with </w> behind it */
    uint32_t start_id, end_id; /* <|startoftext|>, <|endoftext|> */
    size_t merge_count;
    uint32_t (*merges)[3];     /* [merge_count]: left id, right id, id of the merged symbol; lowest rank first */
} TokTables;

/* The section's bytes for the tables, in a new buffer (used by convert). */
int tok_pack(unsigned char **section, size_t *size, const TokTables *tables, Error *e);

/* The tables of a section, checked (tokenizer_section.c lists what); tables->merges is a new buffer, NULL where it
 * fails. `vocabulary`: every id must be below it. */
int tok_unpack(TokTables *tables, const unsigned char *section, size_t size, uint32_t vocabulary, const char *name,
               Error *e);

/* Unpacks a section and makes it ready for tok_encode; the bytes are not needed afterwards. */
int tok_open(Tokenizer **tokenizer, const unsigned char *section, size_t size, uint32_t vocabulary, const char *name,
             Error *e);
void tok_close(Tokenizer *tokenizer);

uint32_t tok_end_id(const Tokenizer *tokenizer);

/* The ids of a text (UTF-8; bytes that are no UTF-8 count as U+FFFD each), start and end included, at most
 * `context` of them: a longer text is cut and its last id is the end id. *truncated (may be NULL) says so.
 * ids has room for `context`. */
int tok_encode(const Tokenizer *tokenizer, const char *text, size_t context, uint32_t *ids, size_t *count,
               int *truncated, Error *e);

#ifdef __cplusplus
}
#endif

#endif
