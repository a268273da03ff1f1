/* What the files of decompression share; nobody else includes this.
 *
 *   inflate_table.c  code lengths -> tables that decode
 *   inflate.c        blocks of a deflate stream, and the zlib frame around one
 *   gzip.c           the gzip frame
 *
 * A code word is looked up in a table indexed by the next few bits of input; words longer than that lead on to a second
 * table. */
#ifndef LAKE_INFLATE_INTERNAL_H
#define LAKE_INFLATE_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    MAX_BITS = 15,         /* longest code word */
    LITERAL_SYMBOLS = 288, /* literals, end of block, match lengths; two that only complete the fixed code */
    DISTANCE_SYMBOLS = 32,
    CLEN_SYMBOLS = 19,     /* the code that the lengths of the two other codes are written in */
    LITERAL_ROOT = 11,     /* bits looked up in the first step */
    DISTANCE_ROOT = 8,
    CLEN_ROOT = 7
};

/* Room for the tables. Codes with words longer than ROOT are complete, so a second table serves at least two
 * words and there are at most symbols / 2 of them, each of at most 2^(MAX_BITS - ROOT) entries. */
enum {
    LITERAL_TABLE = (1 << LITERAL_ROOT) + LITERAL_SYMBOLS / 2 * (1 << (MAX_BITS - LITERAL_ROOT)),
    DISTANCE_TABLE = (1 << DISTANCE_ROOT) + DISTANCE_SYMBOLS / 2 * (1 << (MAX_BITS - DISTANCE_ROOT))
};

/* A table entry: bits 0-5 how many bits of input it uses up; bits 8-11 how many extra bits follow; bits 12-14
 * its kind, none of them for a length or distance; bits 16-31 the literal, or the base of the length or
 * distance, or where the second table starts, whose index then has `extra` bits. */
enum { KIND_LITERAL = 1 << 12, KIND_SPECIAL = 1 << 13, KIND_SUBTABLE = 1 << 14 };
#define ENTRY(value, extra, kind) ((uint32_t)(value) << 16 | (uint32_t)(kind) | (uint32_t)(extra) << 8)
#define ENTRY_BITS(entry) ((entry) & 63)
#define ENTRY_EXTRA(entry) ((entry) >> 8 & 15)
#define ENTRY_VALUE(entry) ((entry) >> 16)

enum { SPECIAL_END = 0, SPECIAL_NO_CODE = 1 }; /* values of KIND_SPECIAL: end of block; bits that are no word */

/* The input and its next bits, the first one lowest in `bits`; `count` of them are accounted for. Where more
 * were taken than there are, zeros came and count is negative. */
typedef struct {
    const unsigned char *in, *end;
    uint64_t bits;
    int count;
} Bits;

typedef struct {
    Bits b;
    unsigned char *out;
    size_t start;      /* where this stream's output begins: matches cannot reach before it */
    size_t used, room; /* bytes in out, bytes that fit */
    size_t limit;      /* out may be reallocated up to this size; equal to room for a caller's buffer */
    const char *name;
    Error *e;
    int fixed_ready; /* 1 while the tables hold the fixed code */
    uint32_t literal[LITERAL_TABLE];
    uint32_t distance[DISTANCE_TABLE];
} Inflate;

/* ---- inflate_table.c ---- */

/* What symbol number `symbol` of each code means, as an entry that lacks its bit count. */
uint32_t inflate_literal_meaning(unsigned symbol);
uint32_t inflate_distance_meaning(unsigned symbol);
uint32_t inflate_clen_meaning(unsigned symbol);

/* Builds the table of the code whose word for symbol i has lengths[i] bits, 0 for none; `root` bits are looked up in the
 * first step. Returns 0 where the lengths are no code. */
int inflate_table(uint32_t *table, unsigned root, const unsigned char *lengths, unsigned symbols,
                  uint32_t (*meaning)(unsigned symbol));

/* ---- inflate.c ---- */

/* Points s at its input; the output is set by the caller. */
void inflate_start(Inflate *s, const unsigned char *in, size_t size, const char *name, Error *e);

/* Decodes one deflate stream, up to and including its last block; the input then stands at the next whole byte. */
int inflate_stream(Inflate *s);

/* Messages. */
int inflate_damaged(const Inflate *s, const char *what);
int inflate_ended_early(const Inflate *s);

#endif
