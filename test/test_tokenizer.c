/* tokenizer.c, base/unicode.c, base/entities.c and convert/vocab.c against golden/tokens_small.txt (see
 * golden/make_tokens.py), with damaged sections and vocabularies, and with texts that a quadratic algorithm would
 * take hours for. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/entities.h"
#include "base/file.h"
#include "base/unicode.h"
#include "convert/convert.h"
#include "test/test.h"
#include "tokenizer.h"

#define MERGES "test/golden/tokens_merges.txt"
#define FOLDER "build/test_tokenizer/" /* for the vocabularies written here */

enum { CONTEXT = 77, VOCABULARY = 512 + 700 + 2, START = VOCABULARY - 2, END = VOCABULARY - 1 };

/* ---- golden texts ---- */

/* Resolves \xHH in place. */
static void unescape(char *s)
{
    char *out = s;

    while (*s != '\0') {
        if (s[0] == '\\' && s[1] == 'x') {
            char hex[3] = { s[2], s[3], '\0' };
            *out++ = (char)strtol(hex, NULL, 16);
            s += 4;
        } else {
            *out++ = *s++;
        }
    }
    *out = '\0';
}

/* Encodes the text of one golden line, "ids, tab, text", and compares. */
static int golden_line_holds(const Tokenizer *tokenizer, char *line)
{
    uint32_t ids[CONTEXT];
    size_t count = 0, i = 0;
    char *text = strchr(line, '\t'), *p = line;
    Error e;

    *text++ = '\0';
    unescape(text);
    if (tok_encode(tokenizer, text, CONTEXT, ids, &count, NULL, &e) != LAKE_OK)
        return 0;
    for (; *p != '\0'; i++) {
        unsigned long expected = strtoul(p, &p, 10);
        if (i >= count || ids[i] != expected)
            return 0;
    }
    return i == count;
}

static void test_golden(const Tokenizer *tokenizer)
{
    unsigned char *data;
    size_t size, texts = 0, wrong = 0, first_wrong = 0, line_number = 1;
    Error e;
    char *line, *newline;

    if (!check(file_read(&data, &size, "test/golden/tokens_small.txt", 1 << 24, &e) == LAKE_OK, "the golden file is there",
               "%s", e.text))
        return;
    for (line = (char *)data; (newline = strchr(line, '\n')) != NULL; line = newline + 1, line_number++) {
        *newline = '\0';
        if (line[0] == '#' && line_number == 1)
            continue;
        texts++;
        if (!golden_line_holds(tokenizer, line) && wrong++ == 0)
            first_wrong = line_number;
    }
    check(texts >= 2500 && wrong == 0, "golden texts", "%zu of %zu differ, first in line %zu", wrong, texts,
          first_wrong);
    free(data);
}

/* ---- truncation ---- */

static void test_truncation(const Tokenizer *tokenizer)
{
    uint32_t all[16], ids[16];
    size_t count = 0, n = 0;
    int truncated = -1, good = 1;
    Error e;

    check(tok_end_id(tokenizer) == END, "end id", "%lu", (unsigned long)tok_end_id(tokenizer));
    tok_encode(tokenizer, "1 2 3 4 5", 16, all, &n, &truncated, &e);
    check(n == 7 && all[0] == START && all[6] == END && !truncated, "a text that fits", "%zu ids, truncated %d", n,
          truncated);
    for (size_t context = 1; context <= 8; context++) {
        ids[context] = 4711;
        if (tok_encode(tokenizer, "1 2 3 4 5", context, ids, &count, &truncated, &e) != LAKE_OK)
            good = 0;
        good &= count == (context < n ? context : n) && truncated == (context < n);
        good &= ids[count - 1] == END && ids[context] == 4711;
        for (size_t i = 0; i + 1 < count; i++)
            good &= ids[i] == all[i];
    }
    check(good, "texts cut to 1 .. 8 ids keep the end id", "last: %zu ids, truncated %d", count, truncated);
    check(tok_encode(tokenizer, "a", 0, ids, &count, NULL, &e) == LAKE_USAGE, "no room for ids is refused", "not so");
}

/* ---- long texts ---- */

/* Seconds for n repetitions of a unit between a head and a tail. */
static double seconds_for(const Tokenizer *tokenizer, const char *head, const char *unit, const char *tail, size_t n,
                          int *failed)
{
    size_t step = strlen(unit), count;
    char *text = malloc(strlen(head) + n * step + strlen(tail) + 1), *p = text + strlen(head);
    uint32_t *ids = malloc((4 * n + 8) * sizeof *ids);
    clock_t start = clock();
    Error e;

    strcpy(text, head);
    for (size_t i = 0; i < n; i++, p += step)
        memcpy(p, unit, step);
    strcpy(p, tail);
    *failed |= tok_encode(tokenizer, text, 4 * n + 8, ids, &count, NULL, &e) != LAKE_OK || count < 2;
    free(ids);
    free(text);
    return (double)(clock() - start) / CLOCKS_PER_SEC;
}

/* Sixteen times the length takes 16 times the time, or 20 with the heap's logarithm, where the algorithm is right, and
 * 256 times where it is quadratic. 100 and 0.2 s more leave room for a loaded machine. */
static void test_long(const Tokenizer *tokenizer)
{
    static const struct {
        const char *name, *head, *unit, *tail;
    } cases[] = {
        { "linear time: one word of one letter", "", "a", "" },
        { "linear time: one word of many merges", "", "theandofphoto", "" },
        { "linear time: many words", "", "a photo, ", "" },
        { "linear time: white space", "a", " \t\xe2\x80\x83", "b" },
        { "linear time: marks out of order", "a", "\xcc\x81\xcc\xa3", "" },
        { "linear time: sigmas between case-ignorables", "A", "\xce\xa3''''", "" },
        { "linear time: capital sigma and a long tail", "A\xce\xa3", "\xc2\xad", "b" },
        { "linear time: ampersands", "", "&", "" },
        { "linear time: names that are no entities", "", "&CounterClockwiseContourIntegra", "" },
        { "linear time: one number", "&#", "1", ";" },
        { "linear time: broken UTF-8", "", "\xf0\x9f\x98", "" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int failed = 0;
        double small = seconds_for(tokenizer, cases[i].head, cases[i].unit, cases[i].tail, 5000, &failed);
        double large = seconds_for(tokenizer, cases[i].head, cases[i].unit, cases[i].tail, 80000, &failed);
        check(!failed && large < 100 * small + 0.2, cases[i].name, "%.3f s, sixteen times as long: %.3f s", small,
              large);
    }
}

/* ---- sections ---- */

static void open_damaged(const char *what, const unsigned char *section, size_t size, uint32_t vocabulary,
                         const char *expected)
{
    unsigned char *copy = malloc(size + 1); /* of the exact size, so that a sanitizer sees each byte read behind it */
    Tokenizer *tokenizer = NULL;
    Error e = { 0, "accepted" };
    int code;

    memcpy(copy, section, size);
    code = tok_open(&tokenizer, copy, size, vocabulary, "x.clip", &e);
    check(code == LAKE_BAD_INPUT && strstr(e.text, expected) != NULL && strncmp(e.text, "x.clip: ", 8) == 0, what, "%s",
          e.text);
    if (code == LAKE_OK)
        tok_close(tokenizer);
    free(copy);
}

/* The same with one number of the section changed. */
static void open_changed(const char *what, unsigned char *section, size_t size, size_t offset, uint32_t value,
                         const char *expected)
{
    uint32_t old = get_u32le(section + offset);

    put_u32le(section + offset, value);
    open_damaged(what, section, size, VOCABULARY, expected);
    put_u32le(section + offset, old);
}

static void test_sections(unsigned char *section, size_t size)
{
    size_t merge = 2068 + 12 * 5; /* the merge of rank 5 */

    check(size == 2068 + 12 * 700 && memcmp(section, "LTOK\1\0\0", 8) == 0, "size and head of a section", "%zu bytes",
          size);
    open_damaged("empty section", section, 0, VOCABULARY, "bytes");
    open_damaged("section without its merges' end", section, size - 1, VOCABULARY, "do not make up");
    open_damaged("section without its tables' end", section, 2067, VOCABULARY, "at least 2068");
    open_damaged("section for a smaller vocabulary", section, size, VOCABULARY - 1, "ends at");
    open_changed("other letters", section, size, 0, 0, "LTOK");
    open_changed("later version", section, size, 4, 2, "version 2");
    open_changed("count too high", section, size, 8, 701, "do not make up");
    open_changed("count that wraps around", section, size, 8, 0x80000000u + 700, "do not make up");
    open_changed("byte id too high", section, size, 20, VOCABULARY, "ends at");
    open_changed("byte id far too high", section, size, 1044, UINT32_MAX, "ends at");
    open_changed("merge id too high", section, size, merge + 8, VOCABULARY, "ends at");
    open_changed("two bytes of one id", section, size, 24, get_u32le(section + 20), "two symbols");
    open_changed("specials of one id", section, size, 12, END, "two symbols");
    open_changed("merge of a later symbol", section, size, merge, 512 + 600, "merge 5,");
    open_changed("merge of a special symbol", section, size, merge + 4, START, "merge 5,");
    open_changed("merge into a special symbol", section, size, merge + 8, END, "merge 5,");
    open_changed("merge into a byte", section, size, merge + 8, get_u32le(section + 20), "merge 5,");
    open_changed("merge behind a word's end", section, size, merge, get_u32le(section + 1044), "merge 5,");
    {
        unsigned char old[12], *last = section + 2068 + 12 * 699;
        memcpy(old, last, 12);
        memcpy(last, section + merge, 12);
        open_damaged("two merges of one pair", section, size, VOCABULARY, "merges 699 and 5 join the same pair");
        memcpy(last, old, 12);
    }
}

/* Sections with random damage: refused, or usable without touching what is not theirs (the sanitizers look). */
static void test_mutations(const unsigned char *section, size_t size)
{
    static const char text[] = "a photo of the thing without defect, &eacute; in the bright light";
    unsigned char *copy = malloc(size);
    uint32_t ids[CONTEXT], random = 1;
    size_t count, opened = 0;
    Tokenizer *tokenizer;
    Error e;
    int good = 1;

    for (int round = 0; round < 300; round++) {
        memcpy(copy, section, size);
        for (int k = 0; k < 1 + round % 3; k++) {
            random = random * 1664525u + 1013904223u;
            put_u32le(copy + 4 * (random / 7 % (size / 4)), random >> 8 & (round % 2 ? 0x7ff : 0xffffffu));
        }
        if (tok_open(&tokenizer, copy, size, VOCABULARY, "x.clip", &e) != LAKE_OK)
            continue;
        opened++;
        good &= tok_encode(tokenizer, text, CONTEXT, ids, &count, NULL, &e) == LAKE_OK;
        for (size_t i = 0; i < count; i++)
            good &= ids[i] < VOCABULARY;
        tok_close(tokenizer);
    }
    check(good && opened < 300, "300 sections with random damage", "%zu were opened", opened);
    free(copy);
}

static void test_pack(void)
{
    static TokTables t; /* all ids 0 */
    unsigned char *section;
    size_t size;
    Error e;

    check(tok_pack(&section, &size, &t, &e) == LAKE_BAD_INPUT, "tables that make no sense are not packed", "they were");
}

/* ---- vocabularies ---- */

static void save(const char *name, const char *text)
{
    char path[256];
    Error e = { 0, "" };

    snprintf(path, sizeof path, FOLDER "%s", name);
    if (folder_create(FOLDER, &e) != LAKE_OK || file_save(path, text, strlen(text), &e) != LAKE_OK)
        check(0, "a file can be written", "%s", e.text);
}

/* Appends printf's output to text[room]. */
static void append(char *text, size_t room, const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;

    va_start(args, format);
    vsnprintf(text + used, room - used, format, args);
    va_end(args);
}

/* A symbol as a JSON string: quotes and backslashes escaped. */
static void append_string(char *text, size_t room, const char *first, size_t first_size, const char *second)
{
    append(text, room, "\"");
    for (size_t i = 0; i < first_size; i++)
        append(text, room, first[i] == '"' || first[i] == '\\' ? "\\%c" : "%c", first[i]);
    for (; *second != '\0'; second++)
        append(text, room, *second == '"' || *second == '\\' ? "\\%c" : "%c", *second);
    append(text, room, "\"");
}

/* The vocabulary of MERGES as Hugging Face writes it: {symbol: id} into vocab, the merges as pairs into merges. */
static void write_json(const char *lines, char *vocab, char *merges, size_t room)
{
    int id = 0, other = 0x100;

    for (int printable = 1; printable >= 0; printable--)
        for (int b = 0; b < 256; b++)
            if (((b > 0x20 && b < 0x7f) || (b > 0xa0 && b != 0xad)) == printable) {
                unsigned char c[5] = { 0 };
                uni_encode(c, printable ? (uint32_t)b : (uint32_t)other++);
                append(vocab, room, id == 0 ? "{" : ", ");
                append_string(vocab, room, (char *)c, strlen((char *)c), "");
                append(vocab, room, ":%d, ", id);
                append_string(vocab, room, (char *)c, strlen((char *)c), "</w>");
                append(vocab, room, ":%d", 256 + id++);
            }
    id = 512;
    for (const char *line = strchr(lines, '\n') + 1, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        char right[200];
        size_t left = strcspn(line, " ");
        snprintf(right, sizeof right, "%.*s", (int)(end - line - (long)left - 1), line + left + 1);
        append(vocab, room, ", ");
        append_string(vocab, room, line, left, right);
        append(vocab, room, ":%d", id++);
        append(merges, room, merges[0] == '\0' ? "[[" : ", [");
        append_string(merges, room, line, left, "");
        append(merges, room, ", ");
        append_string(merges, room, "", 0, right);
        append(merges, room, "]");
    }
    append(merges, room, "]");
}

static void same_section(const char *what, const char *name, const unsigned char *section, size_t size)
{
    unsigned char *other = NULL;
    size_t other_size = 0;
    char path[256];
    Error e = { 0, "the bytes differ" };
    int code;

    snprintf(path, sizeof path, FOLDER "%s", name);
    code = convert_vocabulary(&other, &other_size, path, &e);
    check(code == LAKE_OK && other_size == size && memcmp(other, section, size) == 0, what, "%s", e.text);
    if (code == LAKE_OK)
        free(other);
}

static void refused(const char *what, const char *name, const char *expected)
{
    unsigned char *section = (unsigned char *)FOLDER; /* must become NULL: callers free it in every case */
    size_t size;
    char path[256];
    Error e = { 0, "accepted" };
    int code;

    snprintf(path, sizeof path, FOLDER "%s", name);
    code = convert_vocabulary(&section, &size, path, &e);
    check(code == LAKE_BAD_INPUT && strstr(e.text, expected) != NULL && section == NULL, what, "%s", e.text);
    if (code == LAKE_OK)
        free(section);
}

/* Replaces the first `from` by `to`, which may be no longer. */
static void replace(char *text, const char *from, const char *to)
{
    char *at = strstr(text, from);

    memcpy(at, to, strlen(to));
    memmove(at + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
}

static void test_forms(const unsigned char *section, size_t size)
{
    enum { ROOM = 1 << 16 };
    char *vocab = calloc(ROOM, 1), *merges = calloc(ROOM, 1), *all = calloc(3, ROOM);
    unsigned char *text;
    size_t text_size;
    Error e;

    if (file_read(&text, &text_size, MERGES, 1 << 20, &e) == LAKE_OK) {
        write_json((char *)text, vocab, merges, ROOM - 64);
        append(all, 3 * ROOM, "{\"version\": \"1.0\", \"added_tokens\": [{\"id\": %d, \"content\": \"<|startoftext|>\"}, "
               "{\"id\": %d, \"content\": \"<|endoftext|>\"}], \"model\": {\"type\": \"BPE\", \"end_of_word_suffix\": "
               "\"</w>\", \"vocab\": %s}, \"merges\": %s}}", START, END, vocab, merges);
        save("tokenizer.json", all);
        append(vocab, ROOM, ", \"<|startoftext|>\": %d, \"<|endoftext|>\": %d}", START, END);
        save("vocab.json", vocab);
        save("merges.txt", (char *)text);
        same_section("vocab.json and merges.txt give the same section", "vocab.json", section, size);
        same_section("merges.txt and vocab.json give the same section", "merges.txt", section, size);
        same_section("tokenizer.json gives the same section", "tokenizer.json", section, size);

        replace(all, "</w>\", \"vocab", "<w>\", \"vocab");
        save("suffix.json", all);
        refused("tokenizer.json of another tokenizer", "suffix.json", "end_of_word_suffix");
        replace(vocab, "\"<|endoftext|>\"", "\"<|endoftxt|>\"");
        save("vocab.json", vocab);
        refused("vocab.json without an end symbol", "vocab.json", "<|endoftext|>");
        replace(vocab, ":256", ":0");
        save("vocab.json", vocab);
        refused("vocab.json with one id for two symbols", "vocab.json", "another symbol's");
        free(text);
    }
    free(vocab);
    free(merges);
    free(all);
}

static void test_refused(void)
{
    save("a.txt", "i n\nt h\n");
    refused("text without a heading", "a.txt", "line 1");
    save("a.txt", "#version\ni n\ni  n\n");
    refused("two spaces in a merge", "a.txt", "line 3");
    save("a.txt", "#version\ni n\n\nt h\n");
    refused("an empty line", "a.txt", "line 3");
    save("a.txt", "#version\ni n\nin\n");
    refused("a merge without a space", "a.txt", "line 3: expected two symbols with one space between, found \"in\"");
    save("a.txt", "#version\ni n\nt he\n");
    refused("a merge of an unknown symbol", "a.txt", "line 3: \"t he\"");
    save("a.txt", "#version\ni ng\nn g\n");
    refused("a merge before its part", "a.txt", "merge 0,");
    save("a.txt", "#version\ni n\nt h\ni n\n");
    refused("a merge twice", "a.txt", "same pair");
    save("a.txt", "#version\nn</w> g\n");
    refused("a merge behind a word's end", "a.txt", "merge 0,");
    save("vocab.json", "{\"!\": 0}");
    refused("vocab.json of three symbols", "vocab.json", "no symbol");
    save("vocab.json", "{\"!\": 0.5}");
    refused("an id that is no integer", "vocab.json", "no integer");
    save("vocab.json", "{\"!\": -1}");
    refused("a negative id", "vocab.json", "no integer");
    save("vocab.json", "{\"!\": \"0\"}");
    refused("an id that is a string", "vocab.json", "no integer");
    save("vocab.json", "{\"!\": 0");
    refused("cut JSON", "vocab.json", "vocab.json");
    save("tokenizer.json", "{\"model\": {\"end_of_word_suffix\": \"</w>\", \"vocab\": {}, \"merges\": [\"a b\", [\"a\"]]}}");
    refused("a merge of one symbol in JSON", "tokenizer.json", "merge 1:");
    save("tokenizer.json", "{\"model\": {\"end_of_word_suffix\": \"</w>\", \"vocab\": [], \"merges\": []}}");
    refused("a vocabulary that is no object", "tokenizer.json", "no object");
    save("tokenizer.json", "{\"model\": {\"end_of_word_suffix\": \"</w>\", \"vocab\": {}}}");
    refused("a tokenizer without merges", "tokenizer.json", "merges");
    save("empty.txt", "");
    refused("an empty file", "empty.txt", "line 1");
    refused("no file", "absent.txt", "absent.txt");
    remove(FOLDER "merges.txt");
    save("vocab.json", "{}");
    refused("vocab.json alone", "vocab.json", "merges.txt beside it");
}

/* A file with a heading alone is a vocabulary of bytes, Windows line ends are as good as others, and the last line
 * needs none. */
static void test_small_vocabularies(void)
{
    unsigned char *first = NULL, *second = NULL;
    size_t first_size = 0, second_size = 0;
    Error e;

    save("a.txt", "#version: 0.2\n");
    save("b.txt", "#version: 0.2");
    check(convert_vocabulary(&first, &first_size, FOLDER "a.txt", &e) == LAKE_OK && first_size == 2068,
          "a vocabulary without merges", "%s", e.text);
    same_section("a heading without a line's end", "b.txt", first, first_size);
    save("a.txt", "#version: 0.2\ni n\nt h\n");
    save("b.txt", "#version: 0.2\r\ni n\r\nt h");
    check(convert_vocabulary(&second, &second_size, FOLDER "a.txt", &e) == LAKE_OK && second_size == 2068 + 24,
          "a vocabulary of two merges", "%s", e.text);
    same_section("Windows line ends", "b.txt", second, second_size);
    free(first);
    free(second);
}

int main(void)
{
    unsigned char *section;
    size_t size;
    Tokenizer *tokenizer;
    Error e = { 0, "" };

    if (!check(convert_vocabulary(&section, &size, MERGES, &e) == LAKE_OK, "the small vocabulary is read", "%s", e.text))
        return 0;
    if (check(tok_open(&tokenizer, section, size, VOCABULARY, MERGES, &e) == LAKE_OK, "its section is opened", "%s",
              e.text)) {
        test_golden(tokenizer);
        test_truncation(tokenizer);
        test_long(tokenizer);
        tok_close(tokenizer);
    }
    test_sections(section, size);
    test_mutations(section, size);
    test_pack();
    test_forms(section, size);
    test_refused();
    test_small_vocabularies();
    free(section);
    return 0;
}
