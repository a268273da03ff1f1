/* The tokenizer section of the flat binary, version 1, packed and unpacked; weights/FORMAT.md tells where it stands in the
 * file. All numbers are unsigned, 32 bits, little-endian; there is no padding:
 *
 *   offset  bytes
 *        0      4   the letters "LTOK"
 *        4      4   version of this section: 1
 *        8      4   M, the number of merges
 *       12      4   id of <|startoftext|>
 *       16      4   id of <|endoftext|>
 *       20   1024   for each byte value 0 .. 255 in this order: id of the byte inside a word
 *     1044   1024   for each byte value 0 .. 255: id of the byte as the last one of a word
 *     2068   12 M   the merges, lowest rank (first to be applied) first; each: id of the left symbol, id of the
 *                   right symbol, id of the symbol they become
 *
 * so the section has exactly 2068 + 12 M bytes (588,796 for CLIP's 48,894 merges). A reader checks that every id is
 * below the number of rows of the token embedding, that the 514 ids of bytes and specials are all different, that each
 * merge joins two symbols already known (bytes or results of earlier merges), the left one not of a word's end, into
 * one that is neither byte nor special and ends a word if the right one does, and that no pair occurs twice. */
#include "tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { SECTION_VERSION = 1, SECTION_HEAD = 2068, MERGE_BYTES = 12 };
enum { ID_LIMIT = 1 << 24 }; /* for ids and merges: far above any vocabulary, it bounds the memory of the checks */

/* What is known of an id while the tables are checked. */
enum { UNKNOWN = 0, INSIDE = 1, WORD_END = 2, SPECIAL = 4, SINGLE = 8 /* with INSIDE or WORD_END: one byte */ };

static uint32_t largest_id(const TokTables *t)
{
    uint32_t largest = t->start_id > t->end_id ? t->start_id : t->end_id;

    for (int b = 0; b < 256; b++) {
        largest = t->byte_id[b] > largest ? t->byte_id[b] : largest;
        largest = t->byte_end_id[b] > largest ? t->byte_end_id[b] : largest;
    }
    for (size_t i = 0; i < t->merge_count; i++)
        for (int k = 0; k < 3; k++)
            largest = t->merges[i][k] > largest ? t->merges[i][k] : largest;
    return largest;
}

/* Enters the ids of bytes and specials into kinds; returns 0 where one of them stands for two symbols. */
static int enter_symbols(const TokTables *t, unsigned char *kinds, uint32_t *id)
{
    for (int i = 0; i < 514; i++) {
        *id = i < 256 ? t->byte_id[i] : i < 512 ? t->byte_end_id[i - 256] : i == 512 ? t->start_id : t->end_id;
        if (kinds[*id] != UNKNOWN)
            return 0;
        kinds[*id] = i < 256 ? INSIDE | SINGLE : i < 512 ? WORD_END | SINGLE : SPECIAL;
    }
    return 1;
}

/* Enters the result of a merge into kinds; returns 0 where the merge is impossible. Two merges may well have one
 * result: ab + c and a + bc. */
static int enter_merge(const uint32_t merge[3], unsigned char *kinds)
{
    int left = kinds[merge[0]], right = kinds[merge[1]], result = kinds[merge[2]];

    if (!(left & INSIDE) || !(right & (INSIDE | WORD_END)) || merge[2] == merge[0] || merge[2] == merge[1])
        return 0;
    if (result != UNKNOWN && result != (right & ~SINGLE))
        return 0;
    kinds[merge[2]] = (unsigned char)(right & ~SINGLE);
    return 1;
}

/* Everything that the comment on top promises of a section, but for the pairs' being different. */
static int check_tables(const TokTables *t, uint32_t vocabulary, const char *name, Error *e)
{
    uint32_t largest = largest_id(t), limit = vocabulary < ID_LIMIT ? vocabulary : ID_LIMIT, id;
    unsigned char *kinds;
    int code = LAKE_OK;

    if (t->merge_count >= ID_LIMIT)
        return error_set(e, LAKE_BAD_INPUT, "%s: tokenizer: %zu merges, expected less than %d", name, t->merge_count,
                         ID_LIMIT);
    if (largest >= limit)
        return error_set(e, LAKE_BAD_INPUT, "%s: tokenizer: id %lu, but the vocabulary ends at %lu", name,
                         (unsigned long)largest, (unsigned long)limit);
    kinds = calloc((size_t)largest + 1, 1);
    if (kinds == NULL)
        return error_memory(e, "the tokenizer's symbols");
    if (!enter_symbols(t, kinds, &id))
        code = error_set(e, LAKE_BAD_INPUT, "%s: tokenizer: id %lu stands for two symbols", name, (unsigned long)id);
    for (size_t i = 0; code == LAKE_OK && i < t->merge_count; i++)
        if (!enter_merge(t->merges[i], kinds))
            code = error_set(e, LAKE_BAD_INPUT,
                             "%s: tokenizer: merge %zu, counted from 0, of ids %lu and %lu to %lu, does not fit those "
                             "before it",
                             name, i, (unsigned long)t->merges[i][0], (unsigned long)t->merges[i][1],
                             (unsigned long)t->merges[i][2]);
    free(kinds);
    return code;
}

int tok_pack(unsigned char **section, size_t *size, const TokTables *tables, Error *e)
{
    size_t bytes;
    unsigned char *p;
    int code = check_tables(tables, ID_LIMIT, "vocabulary", e);

    if (code != LAKE_OK)
        return code;
    if (!size_multiply(tables->merge_count, MERGE_BYTES, &bytes) ||
        !size_add(bytes, SECTION_HEAD, &bytes) || (p = malloc(bytes)) == NULL)
        return error_memory(e, "the tokenizer section");
    memcpy(p, "LTOK", 4);
    put_u32le(p + 4, SECTION_VERSION);
    put_u32le(p + 8, (uint32_t)tables->merge_count);
    put_u32le(p + 12, tables->start_id);
    put_u32le(p + 16, tables->end_id);
    for (int b = 0; b < 256; b++) {
        put_u32le(p + 20 + 4 * b, tables->byte_id[b]);
        put_u32le(p + 1044 + 4 * b, tables->byte_end_id[b]);
    }
    for (size_t i = 0; i < tables->merge_count; i++)
        for (size_t k = 0; k < 3; k++)
            put_u32le(p + SECTION_HEAD + i * MERGE_BYTES + 4 * k, tables->merges[i][k]);
    *section = p;
    *size = bytes;
    return LAKE_OK;
}

/* Magic, version, and the count of merges against the size. */
static int check_head(const unsigned char *section, size_t size, const char *name, Error *e)
{
    size_t bytes;

    if (size < SECTION_HEAD)
        return error_set(e, LAKE_BAD_INPUT, "%s: tokenizer: %zu bytes, expected at least %d", name, size, SECTION_HEAD);
    if (memcmp(section, "LTOK", 4) != 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: tokenizer: does not start with \"LTOK\"", name);
    if (get_u32le(section + 4) != SECTION_VERSION)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: tokenizer: version %lu, this program reads version %d; convert the checkpoint again", name,
                         (unsigned long)get_u32le(section + 4), SECTION_VERSION);
    if (!size_multiply(get_u32le(section + 8), MERGE_BYTES, &bytes) || bytes != size - SECTION_HEAD)
        return error_set(e, LAKE_BAD_INPUT, "%s: tokenizer: %lu merges do not make up its %zu bytes", name,
                         (unsigned long)get_u32le(section + 8), size);
    return LAKE_OK;
}

/* The tables of a section whose head was checked. */
static int read_tables(TokTables *t, const unsigned char *section, Error *e)
{
    t->merge_count = get_u32le(section + 8);
    t->start_id = get_u32le(section + 12);
    t->end_id = get_u32le(section + 16);
    for (int b = 0; b < 256; b++) {
        t->byte_id[b] = get_u32le(section + 20 + 4 * b);
        t->byte_end_id[b] = get_u32le(section + 1044 + 4 * b);
    }
    t->merges = malloc((t->merge_count + 1) * sizeof *t->merges); /* as large as the section, so it cannot wrap */
    if (t->merges == NULL)
        return error_memory(e, "the tokenizer's merges");
    for (size_t i = 0; i < t->merge_count; i++)
        for (size_t k = 0; k < 3; k++)
            t->merges[i][k] = get_u32le(section + SECTION_HEAD + i * MERGE_BYTES + 4 * k);
    return LAKE_OK;
}

int tok_unpack(TokTables *tables, const unsigned char *section, size_t size, uint32_t vocabulary, const char *name,
               Error *e)
{
    int code = check_head(section, size, name, e);

    tables->merges = NULL;
    if (code == LAKE_OK)
        code = read_tables(tables, section, e);
    if (code == LAKE_OK)
        code = check_tables(tables, vocabulary, name, e);
    if (code != LAKE_OK) {
        free(tables->merges);
        tables->merges = NULL;
    }
    return code;
}
