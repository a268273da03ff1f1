/* The tokenizer: tokenizer_section.c reads a section, tokenizer.c encodes a text with it, on base/unicode.c and entities.c.
 * The input's first byte is the number of merges, each of three ids of 16 bits, behind a good table of bytes; 255: what
 * follows is the section itself. The rest is the text. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "test/fuzz/fuzz.h"
#include "tokenizer.h"

enum { SECTION_HEAD = 2068, VOCABULARY = 1024, CONTEXT = 24 };

static void encode(const Tokenizer *tokenizer, const char *text, uint32_t start)
{
    uint32_t ids[CONTEXT + 1];
    size_t count, i;
    int truncated = -1;
    Error e = FUZZ_ERROR;

    ids[CONTEXT] = 12345;
    PROMISE(tok_encode(tokenizer, text, CONTEXT, ids, &count, &truncated, &e) == LAKE_OK);
    PROMISE(count >= 2 && count <= CONTEXT && ids[CONTEXT] == 12345 && (truncated == 0 || truncated == 1));
    PROMISE(!truncated || count == CONTEXT);
    PROMISE(ids[0] == start && ids[count - 1] == tok_end_id(tokenizer));
    for (i = 0; i < count; i++)
        PROMISE(ids[i] < VOCABULARY);
}

/* Opens the section and, where it is good, packs its tables again and encodes the text. */
static void use_section(const unsigned char *section, size_t size, const char *text)
{
    Tokenizer *tokenizer;
    TokTables tables;
    unsigned char *again;
    size_t again_size;
    Error e = FUZZ_ERROR;
    int code = tok_open(&tokenizer, section, size, VOCABULARY, "fuzz", &e);

    fuzz_check(code, &e);
    if (code != LAKE_OK)
        return;
    PROMISE(tok_unpack(&tables, section, size, VOCABULARY, "fuzz", &e) == LAKE_OK);
    PROMISE(tok_pack(&again, &again_size, &tables, &e) == LAKE_OK);
    PROMISE(again_size == size && memcmp(again, section, size) == 0);
    encode(tokenizer, text, tables.start_id);
    free(again);
    free(tables.merges);
    tok_close(tokenizer);
}

/* A section of the 514 symbols that every vocabulary has, and of these merges. */
static unsigned char *make_section(const uint8_t *merges, size_t count, size_t *size)
{
    unsigned char *p;
    size_t i;

    *size = SECTION_HEAD + 12 * count;
    p = malloc(*size);
    if (p == NULL)
        abort();
    memcpy(p, "LTOK", 4);
    put_u32le(p + 4, 1);
    put_u32le(p + 8, (uint32_t)count);
    put_u32le(p + 12, 512);
    put_u32le(p + 16, 513);
    for (i = 0; i < 512; i++)
        put_u32le(p + 20 + 4 * i, (uint32_t)i);
    for (i = 0; i < 3 * count; i++)
        put_u32le(p + SECTION_HEAD + 4 * i, get_u16le(merges + 2 * i));
    return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *section;
    size_t count, section_size;
    char *text;

    if (size < 1)
        return 0;
    count = data[0];
    if (count == 255) {
        use_section(data + 1, size - 1, "caf\xc3\xa9 &amp; 12");
        return 0;
    }
    if (count > (size - 1) / 6)
        count = (size - 1) / 6;
    section = make_section(data + 1, count, &section_size);
    size -= 1 + 6 * count;
    text = calloc(size + 1, 1);
    if (text == NULL)
        abort();
    memcpy(text, data + 1 + 6 * count, size);
    use_section(section, section_size, text);
    free(text);
    free(section);
    return 0;
}
