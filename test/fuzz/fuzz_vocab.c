/* Vocabularies in all their forms: convert/vocab.c, on json.c, gguf.c and gzip.c. The first byte chooses the names of one
 * or two files; two are divided by the first byte 0. What is accepted makes a tokenizer that can be used. */
#include <stdlib.h>
#include <string.h>

#include "convert/convert.h"
#include "test/fuzz/fuzz.h"
#include "tokenizer.h"

enum { CONTEXT = 16 };

static void encode(const unsigned char *section, size_t size)
{
    Tokenizer *tokenizer;
    uint32_t ids[CONTEXT];
    size_t count;
    Error e = FUZZ_ERROR;

    PROMISE(tok_open(&tokenizer, section, size, UINT32_MAX, "section", &e) == LAKE_OK);
    PROMISE(tok_encode(tokenizer, "a photo of a cab", CONTEXT, ids, &count, NULL, &e) == LAKE_OK);
    PROMISE(count >= 2 && count <= CONTEXT && ids[count - 1] == tok_end_id(tokenizer));
    tok_close(tokenizer);
}

/* Puts the bytes under the names; returns the first. */
static const char *make_files(unsigned kind, const uint8_t *data, size_t size)
{
    static const char *const names[][2] = {
        {"vocab", NULL}, {"merges.txt", "vocab.json"}, {"vocab.json", "merges.txt"}, {"tokenizer.json", NULL}};
    const char *const *name = names[kind % (sizeof names / sizeof *names)];
    const uint8_t *zero = name[1] != NULL && size > 0 ? memchr(data, 0, size) : NULL;
    size_t first = zero != NULL ? (size_t)(zero - data) : size;

    fuzz_file(name[0], data, first);
    if (zero != NULL)
        fuzz_file(name[1], zero + 1, size - first - 1);
    return name[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *section;
    size_t section_size;
    Error e = FUZZ_ERROR;
    int code;

    if (size < 1)
        return 0;
    code = convert_vocabulary(&section, &section_size, make_files(data[0], data + 1, size - 1), &e);
    fuzz_check(code, &e);
    PROMISE((code == LAKE_OK) == (section != NULL));
    if (code == LAKE_OK)
        encode(section, section_size);
    free(section);
    fuzz_files_clear();
    return 0;
}
