/* CLIP vocabularies -> the tokenizer section of the flat binary.
 *
 * A vocabulary gives symbols ids and lists merges. Its four forms hold the same in different clothes:
 *
 *   bpe_simple_vocab_16e6.txt[.gz]   OpenAI's and open_clip's: a heading, then a merge "left right" per line, lowest
 *                                    rank first. Ids are implied: 256 bytes, 256 bytes ending a word, the merges in
 *                                    order, <|startoftext|>, <|endoftext|>. The published file has 262,144 lines, of
 *                                    which the first 48,894 are used.
 *   vocab.json and merges.txt        Hugging Face's: {symbol: id}, and merges as above
 *   tokenizer.json                   Hugging Face's: both in one file (model.vocab, model.merges, added_tokens)
 *   a GGUF file                      the symbols in order of their ids and, in some files, merges. Where there are none
 *                                    they follow from the symbols: see derive_merge
 *
 * In all of them a byte is written as one printable character (byte_character below; bytes_to_unicode in OpenAI's
 * simple_tokenizer.py), and a symbol that ends a word has "</w>" behind it.
 *
 * The way is always the same: read the merges as pairs of strings, fill a table from string to id and sort it, look
 * everything up. */
#include "convert/convert.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/unicode.h"
#include "convert/gguf.h"
#include "convert/json.h"
#include "convert/symbols.h"
#include "image/inflate.h"
#include "tokenizer.h"

#define FILE_LIMIT ((size_t)1 << 26) /* bytes; the largest published ones have a few million */
#define MERGE_LIMIT 48894            /* merges used of a text file: 49152 - 256 - 2, as in simple_tokenizer.py */
#define ID_LIMIT ((uint32_t)1 << 24) /* ids must be below; tokenizer_section.c's limit, refused here with the symbol's name */

enum { MERGE_CHARACTERS = 64 }; /* of a symbol whose merge is derived; the longest of OpenAI's has 32 */

typedef struct {
    const char *path;        /* of the vocabulary, for messages */
    const char *merges_path; /* of the file with the merges, for messages */
    const char *merge_word;  /* what `where` of a merge counts, for messages: "line" or "merge" */
    unsigned char *data;     /* the given file's bytes, decompressed */
    FileView view;           /* a GGUF file */
    Gguf gguf;               /* its keys */
    unsigned char *beside;   /* those of the file beside it, or NULL */
    char *beside_path;
    Json *root;              /* of vocab.json or tokenizer.json, or NULL */
    Symbol *merges;          /* [merge_count]: left and right, lowest rank first */
    size_t merge_count, merge_first; /* merges[i] stands at line or place merge_first + i */
    SymbolTable table;       /* from symbols to ids */
    char characters[256][3]; /* byte_character of each byte: UTF-8, unused places 0 */
} Vocabulary;

static Piece piece(const char *text)
{
    Piece p;

    p.text = text;
    p.size = strlen(text);
    return p;
}

/* For "%.*s" in messages. */
static int shown(Piece p) { return p.size < 40 ? (int)p.size : 40; }

/* ---- bytes as characters ---- */

/* Printable Latin-1 stands for itself; the other bytes are, in order, U+0100, U+0101 ... */
static int is_printable(int byte) { return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad); }

static void make_characters(Vocabulary *v)
{
    uint32_t next = 0x100;
    unsigned char utf8[4];

    for (int b = 0; b < 256; b++) {
        size_t size = uni_encode(utf8, is_printable(b) ? (uint32_t)b : next++); /* 2 bytes at most */
        memcpy(v->characters[b], utf8, size);
    }
}

/* ---- merges ---- */

static int reserve_merges(Vocabulary *v, size_t count, Error *e)
{
    size_t bytes;

    if (!size_add(count, 1, &count) || !size_multiply(count, sizeof *v->merges, &bytes) ||
        (v->merges = malloc(bytes)) == NULL)
        return error_memory(e, "the merges of a vocabulary");
    return LAKE_OK;
}

/* Adds "left right". */
static int add_merge(Vocabulary *v, Piece pair, Error *e)
{
    const char *space = memchr(pair.text, ' ', pair.size);
    Symbol *merge = &v->merges[v->merge_count];

    if (space != NULL) {
        merge->first.text = pair.text;
        merge->first.size = (size_t)(space - pair.text);
        merge->second.text = space + 1;
        merge->second.size = pair.size - merge->first.size - 1;
    }
    if (space == NULL || merge->first.size == 0 || merge->second.size == 0 ||
        memchr(merge->second.text, ' ', merge->second.size) != NULL)
        return error_set(e, LAKE_BAD_INPUT, "%s, %s %zu: expected two symbols with one space between, found \"%.*s\"",
                         v->merges_path, v->merge_word, v->merge_first + v->merge_count, shown(pair), pair.text);
    v->merge_count++;
    return LAKE_OK;
}

/* The merges of a text file: a heading, then one per line. */
static int read_merges(Vocabulary *v, const char *text, size_t size, const char *path, Error *e)
{
    const char *end = text + size, *newline;
    size_t lines = 1;
    Piece line;
    int code;

    v->merges_path = path;
    v->merge_word = "line";
    v->merge_first = 2;
    while (end > text && (end[-1] == '\n' || end[-1] == '\r'))
        end--;
    for (const char *p = text; p < end; p++)
        lines += *p == '\n';
    if ((code = reserve_merges(v, lines < MERGE_LIMIT ? lines : MERGE_LIMIT, e)) != LAKE_OK)
        return code;
    for (size_t i = 0; text < end && i <= MERGE_LIMIT; i++, text = newline + 1) {
        newline = memchr(text, '\n', (size_t)(end - text));
        newline = newline != NULL ? newline : end;
        line.text = text;
        line.size = (size_t)(newline - text) - (newline > text && newline[-1] == '\r');
        if (i > 0 && (code = add_merge(v, line, e)) != LAKE_OK)
            return code;
        if (newline == end)
            break;
    }
    return LAKE_OK;
}

/* model.merges of tokenizer.json: an array of "left right" (older files) or ["left", "right"]. */
static int read_json_merges(Vocabulary *v, const Json *array, Error *e)
{
    int code;

    if (array == NULL || array->type != JSON_ARRAY)
        return error_set(e, LAKE_BAD_INPUT, "%s: model.merges is no array", v->path);
    v->merges_path = v->path;
    v->merge_word = "merge";
    v->merge_first = 0;
    if ((code = reserve_merges(v, array->count, e)) != LAKE_OK)
        return code;
    for (const Json *j = array->child; j != NULL; j = j->next) {
        const Json *left = j->type == JSON_ARRAY && j->count == 2 ? j->child : NULL;
        Piece pair;
        if (j->type == JSON_STRING) {
            pair.text = j->string;
            pair.size = j->length;
            if ((code = add_merge(v, pair, e)) != LAKE_OK)
                return code;
        } else if (left != NULL && left->type == JSON_STRING && left->next->type == JSON_STRING) {
            Symbol *merge = &v->merges[v->merge_count++];
            merge->first.text = left->string;
            merge->first.size = left->length;
            merge->second.text = left->next->string;
            merge->second.size = left->next->length;
        } else {
            return error_set(e, LAKE_BAD_INPUT, "%s, merge %zu: expected \"left right\" or [\"left\", \"right\"]",
                             v->path, v->merge_count);
        }
    }
    return LAKE_OK;
}

/* ---- ids ---- */

/* The ids of the text form follow from the order: printable bytes, the other bytes, all of them again as a word's
 * last, the merges, the two specials. */
static int number_symbols(Vocabulary *v, Error *e)
{
    uint32_t id = 0;
    int code = symbols_reserve(&v->table, 512 + v->merge_count + 2, e);

    if (code != LAKE_OK)
        return code;
    for (int printable = 1; printable >= 0; printable--)
        for (int b = 0; b < 256; b++)
            if (is_printable(b) == printable) {
                symbols_enter(&v->table, piece(v->characters[b]), piece(""), id);
                symbols_enter(&v->table, piece(v->characters[b]), piece("</w>"), id + 256);
                id++;
            }
    id = 512;
    for (size_t i = 0; i < v->merge_count; i++)
        symbols_enter(&v->table, v->merges[i].first, v->merges[i].second, id++);
    symbols_enter(&v->table, piece("<|startoftext|>"), piece(""), id++);
    symbols_enter(&v->table, piece("<|endoftext|>"), piece(""), id);
    return LAKE_OK;
}

/* An id as JSON gives it. */
static int read_id(const Vocabulary *v, const Json *number, const char *symbol, uint32_t *id, Error *e)
{
    if (number == NULL || number->type != JSON_NUMBER || !(number->number >= 0 && number->number < ID_LIMIT) ||
        number->number != (double)(uint32_t)number->number)
        return error_set(e, LAKE_BAD_INPUT, "%s: the id of \"%.40s\" is no integer from 0 to %lu", v->path, symbol,
                         (unsigned long)ID_LIMIT - 1);
    *id = (uint32_t)number->number;
    return LAKE_OK;
}

/* The ids of {symbol: id}, which must be different. */
static int read_ids(Vocabulary *v, const Json *object, unsigned char *seen, Error *e)
{
    for (const Json *j = object->child; j != NULL; j = j->next) {
        uint32_t id = 0;
        int code = read_id(v, j, j->key, &id, e);
        if (code != LAKE_OK)
            return code;
        if (seen[id / 8] >> id % 8 & 1)
            return error_set(e, LAKE_BAD_INPUT, "%s: the id %lu of \"%.40s\" is another symbol's, too", v->path,
                             (unsigned long)id, j->key);
        seen[id / 8] |= (unsigned char)(1u << id % 8);
        symbols_enter(&v->table, piece(j->key), piece(""), id);
    }
    return LAKE_OK;
}

/* The ids of a JSON form; `added` is tokenizer.json's list of special symbols, or NULL. */
static int read_json_ids(Vocabulary *v, const Json *object, const Json *added, Error *e)
{
    unsigned char *seen;
    int code;

    if (object == NULL || object->type != JSON_OBJECT)
        return error_set(e, LAKE_BAD_INPUT, "%s: model.vocab is no object", v->path);
    if ((code = symbols_reserve(&v->table, object->count + (added != NULL ? added->count : 0), e)) != LAKE_OK)
        return code;
    seen = calloc(ID_LIMIT / 8, 1);
    if (seen == NULL)
        return error_memory(e, "the ids of a vocabulary");
    code = read_ids(v, object, seen, e);
    free(seen);
    for (const Json *j = added != NULL ? added->child : NULL; code == LAKE_OK && j != NULL; j = j->next) {
        const Json *content = json_get(j, "content");
        uint32_t id = 0;
        if (content == NULL || content->type != JSON_STRING)
            return error_set(e, LAKE_BAD_INPUT, "%s: a member of added_tokens has no string \"content\"", v->path);
        code = read_id(v, json_get(j, "id"), content->string, &id, e);
        symbols_enter(&v->table, piece(content->string), piece(""), id);
    }
    return code;
}

/* ---- files ---- */

static int read_file(unsigned char **data, size_t *size, const char *path, Error *e)
{
    int code = file_read(data, size, path, FILE_LIMIT, e);

    if (code == LAKE_OK && *size >= 2 && (*data)[0] == 0x1f && (*data)[1] == 0x8b) { /* gzip */
        unsigned char *packed = *data;
        *data = NULL;
        code = inflate_gzip(data, size, packed, *size, FILE_LIMIT, path, e);
        free(packed);
    }
    return code;
}

/* Reads the file of this name in the folder of v->path into v->beside. */
static int read_beside(Vocabulary *v, const char *name, size_t *size, Error *e)
{
    v->beside_path = path_beside(v->path, name);
    if (v->beside_path == NULL)
        return error_memory(e, "a path");
    if (path_kind(v->beside_path) == PATH_MISSING)
        return error_set(e, LAKE_BAD_INPUT, "%s: needs %s beside it, which is missing", v->path, name);
    return read_file(&v->beside, size, v->beside_path, e);
}

/* tokenizer.json, parsed. */
static int read_tokenizer_json(Vocabulary *v, const Json *model, Error *e)
{
    const Json *suffix = json_get(model, "end_of_word_suffix");
    int code;

    if (suffix == NULL || suffix->type != JSON_STRING || strcmp(suffix->string, "</w>") != 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: model.end_of_word_suffix is not \"</w>\"; this is not a CLIP tokenizer",
                         v->path);
    if ((code = read_json_merges(v, json_get(model, "merges"), e)) != LAKE_OK)
        return code;
    return read_json_ids(v, json_get(model, "vocab"), json_get(v->root, "added_tokens"), e);
}

/* The given file is JSON. */
static int read_json_form(Vocabulary *v, size_t size, Error *e)
{
    const Json *model;
    int code = json_parse(&v->root, (const char *)v->data, size, v->path, e);

    if (code != LAKE_OK)
        return code;
    model = json_get(v->root, "model");
    if (model != NULL && model->type == JSON_OBJECT)
        return read_tokenizer_json(v, model, e);
    if ((code = read_beside(v, "merges.txt", &size, e)) != LAKE_OK ||
        (code = read_merges(v, (const char *)v->beside, size, v->beside_path, e)) != LAKE_OK)
        return code;
    return read_json_ids(v, v->root, NULL, e);
}

/* The given file is text: merges.txt, or OpenAI's form. */
static int read_text_form(Vocabulary *v, size_t size, Error *e)
{
    const char *text = (const char *)v->data, *newline = memchr(text, '\n', size);
    size_t heading = newline != NULL ? (size_t)(newline - text) : size;
    int code, versioned = 0;

    for (size_t i = 0; i + 8 <= heading; i++)
        versioned |= memcmp(text + i, "#version", 8) == 0;
    if (!versioned)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s, line 1: expected a heading with \"#version\"; this is not a CLIP vocabulary", v->path);
    if ((code = read_merges(v, text, size, v->path, e)) != LAKE_OK)
        return code;
    if (strcmp(path_base(v->path), "merges.txt") != 0)
        return number_symbols(v, e);
    if ((code = read_beside(v, "vocab.json", &size, e)) != LAKE_OK)
        return code;
    v->path = v->beside_path;
    if ((code = json_parse(&v->root, (const char *)v->beside, size, v->path, e)) != LAKE_OK)
        return code;
    return read_json_ids(v, v->root, NULL, e);
}

/* ---- GGUF ---- */

/* The items of an array of texts; *at is where the first one lies. */
static int find_texts(const Vocabulary *v, const char *key, size_t *count, size_t *at, Error *e)
{
    const GgufValue *value = gguf_find(&v->gguf, key);

    *count = 0;
    if (value == NULL)
        return LAKE_OK;
    if (!value->is_array || value->type != GGUF_STRING || value->count > ID_LIMIT)
        return error_set(e, LAKE_BAD_INPUT, "%s: key %s: expected a list of at most %lu texts", v->path, key,
                         (unsigned long)ID_LIMIT);
    *count = value->count;
    *at = value->at;
    return LAKE_OK;
}

static int ends_word(Piece p)
{
    return p.size > 4 && memcmp(p.text + p.size - 4, "</w>", 4) == 0;
}

static int is_special(Piece p)
{
    return p.size > 2 && p.text[0] == '<' && p.text[p.size - 1] == '>' && !ends_word(p);
}

/* The ends of the characters of a symbol, "</w>" being part of the last one. Returns their number, or 0 where they are
 * more than MERGE_CHARACTERS. */
static size_t split_characters(size_t ends[MERGE_CHARACTERS], Piece p)
{
    const size_t stop = ends_word(p) ? p.size - 4 : p.size;
    size_t count = 0, i;

    for (i = 1; i <= stop; i++) {
        if (i < stop && ((unsigned char)p.text[i] & 0xc0) == 0x80) /* inside a character of UTF-8 */
            continue;
        if (count == MERGE_CHARACTERS)
            return 0;
        ends[count++] = i < stop ? i : p.size;
    }
    return count;
}

/* The part of a symbol from one end to another. */
static Piece part_of(Piece p, size_t begin, size_t end)
{
    p.text += begin;
    p.size = end - begin;
    return p;
}

/* A symbol is made by the last merge when its own text is encoded: all merges of lower ids are done in order, and two
 * parts are left. The ids of CLIP's symbols are in the order of the merges, so this gives back the merges that the
 * symbols came from (all 48,894 of OpenAI's vocabulary). Returns 0 where two parts are not what is left. */
static int derive_merge(const Vocabulary *v, Piece p, uint32_t id, Symbol *merge)
{
    size_t ends[MERGE_CHARACTERS], count = split_characters(ends, p), best, i;
    uint32_t least, found;

    while (count > 2) {
        least = id;
        best = 0;
        for (i = 0; i + 1 < count; i++)
            if (symbols_find(&v->table, part_of(p, i > 0 ? ends[i - 1] : 0, ends[i + 1]), piece(""), &found) &&
                found < least) {
                least = found;
                best = i;
            }
        if (least == id)
            return 0;
        memmove(ends + best, ends + best + 1, (count - best - 1) * sizeof *ends);
        count--;
    }
    if (count != 2)
        return 0;
    merge->first = part_of(p, 0, ends[0]);
    merge->second = part_of(p, ends[0], p.size);
    return 1;
}

/* The merges from the symbols alone; the table is sorted. */
static int derive_merges(Vocabulary *v, size_t count, size_t at, Error *e)
{
    size_t ends[MERGE_CHARACTERS], id;
    int code = reserve_merges(v, count, e);

    for (id = 0; code == LAKE_OK && id < count; id++) {
        Piece p = gguf_text(&v->gguf, &at);

        if (is_special(p) || split_characters(ends, p) == 1)
            continue;
        if (!derive_merge(v, p, (uint32_t)id, &v->merges[v->merge_count++]))
            code = error_set(e, LAKE_BAD_INPUT,
                             "%s: has no merges, and they do not follow from token %lu, \"%.*s\": give the vocabulary's "
                             "file with --vocab",
                             v->path, (unsigned long)id, shown(p), p.text);
    }
    return code;
}

/* A file that begins as GGUF, mapped at v->view. */
static int read_gguf_form(Vocabulary *v, Error *e)
{
    size_t count, at = 0, merges, merges_at = 0, i, next;
    int code = gguf_open(&v->gguf, &v->view, v->path, e);

    if (code != LAKE_OK || (code = find_texts(v, GGUF_TOKENS, &count, &at, e)) != LAKE_OK ||
        (code = find_texts(v, GGUF_MERGES, &merges, &merges_at, e)) != LAKE_OK)
        return code;
    if (count == 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: holds no vocabulary (key %s)", v->path, GGUF_TOKENS);
    if ((code = symbols_reserve(&v->table, count, e)) != LAKE_OK)
        return code;
    for (i = 0, next = at; i < count; i++)
        symbols_enter(&v->table, gguf_text(&v->gguf, &next), piece(""), (uint32_t)i);
    symbols_sort(&v->table);
    v->merges_path = v->path;
    v->merge_word = "merge";
    if (merges == 0)
        return derive_merges(v, count, at, e);
    code = reserve_merges(v, merges, e);
    for (i = 0; code == LAKE_OK && i < merges; i++)
        code = add_merge(v, gguf_text(&v->gguf, &merges_at), e);
    return code;
}

/* ---- any form ---- */

static int read_vocabulary(Vocabulary *v, Error *e)
{
    size_t size = 0, i = 0;
    int code;

    make_characters(v);
    if (path_kind(v->path) == PATH_FILE) { /* a pipe can be read only once, and would be no GGUF file */
        code = file_map(&v->view, v->path, e);
        if (code != LAKE_OK)
            return code;
        if (v->view.size >= 4 && memcmp(v->view.data, "GGUF", 4) == 0)
            return read_gguf_form(v, e);
        file_unmap(&v->view);
    }
    code = read_file(&v->data, &size, v->path, e);
    if (code != LAKE_OK)
        return code;
    while (i < size && strchr(" \t\r\n", v->data[i]) != NULL && v->data[i] != '\0')
        i++;
    code = i < size && v->data[i] == '{' ? read_json_form(v, size, e) : read_text_form(v, size, e);
    if (code == LAKE_OK)
        symbols_sort(&v->table);
    return code;
}

static void vocabulary_free(Vocabulary *v)
{
    gguf_close(&v->gguf);
    file_unmap(&v->view);
    json_free(v->root);
    free(v->data);
    free(v->beside);
    free(v->beside_path);
    free(v->merges);
    symbols_free(&v->table);
}

/* ---- the section ---- */

/* Looks the bytes and the special symbols up. */
static int resolve_symbols(const Vocabulary *v, TokTables *t, Error *e)
{
    for (int b = 0; b < 256; b++)
        if (!symbols_find(&v->table, piece(v->characters[b]), piece(""), &t->byte_id[b]) ||
            !symbols_find(&v->table, piece(v->characters[b]), piece("</w>"), &t->byte_end_id[b]))
            return error_set(e, LAKE_BAD_INPUT,
                             "%s: no symbol \"%s\" or \"%s</w>\" for the byte %d; this is not a CLIP vocabulary", v->path,
                             v->characters[b], v->characters[b], b);
    if (!symbols_find(&v->table, piece("<|startoftext|>"), piece(""), &t->start_id) &&
        !symbols_find(&v->table, piece("<start_of_text>"), piece(""), &t->start_id))
        return error_set(e, LAKE_BAD_INPUT, "%s: no symbol <|startoftext|> (or open_clip's <start_of_text>)", v->path);
    if (!symbols_find(&v->table, piece("<|endoftext|>"), piece(""), &t->end_id) &&
        !symbols_find(&v->table, piece("<end_of_text>"), piece(""), &t->end_id))
        return error_set(e, LAKE_BAD_INPUT, "%s: no symbol <|endoftext|> (or open_clip's <end_of_text>)", v->path);
    return LAKE_OK;
}

static int bad_merge(const Vocabulary *v, size_t i, const char *reason, Error *e)
{
    Piece left = v->merges[i].first, right = v->merges[i].second;

    return error_set(e, LAKE_BAD_INPUT, "%s, %s %zu: \"%.*s %.*s\" %s", v->merges_path, v->merge_word, v->merge_first + i,
                     shown(left), left.text, shown(right), right.text, reason);
}

/* Looks the merges up; t->merges has room for them. */
static int resolve_merges(const Vocabulary *v, TokTables *t, Error *e)
{
    for (size_t i = 0; i < v->merge_count; i++) {
        const Symbol *m = &v->merges[i];
        if (!symbols_find(&v->table, m->first, piece(""), &t->merges[i][0]) ||
            !symbols_find(&v->table, m->second, piece(""), &t->merges[i][1]))
            return bad_merge(v, i, "joins a symbol that the vocabulary lacks", e);
        if (!symbols_find(&v->table, m->first, m->second, &t->merges[i][2]))
            return bad_merge(v, i, "becomes a symbol that the vocabulary lacks", e);
    }
    t->merge_count = v->merge_count;
    return LAKE_OK;
}

/* Packs the tables and opens the result once, which checks what remains: the order of the merges and their pairs. */
static int pack_checked(const Vocabulary *v, const TokTables *t, unsigned char **section, size_t *size, Error *e)
{
    Tokenizer *tokenizer;
    Error inner;
    int code = tok_pack(section, size, t, &inner);

    if (code != LAKE_OK)
        return error_set(e, code, "%s: %s", v->merges_path, inner.text);
    code = tok_open(&tokenizer, *section, *size, ID_LIMIT, v->merges_path, e);
    if (code == LAKE_OK) {
        tok_close(tokenizer);
    } else {
        free(*section);
        *section = NULL;
    }
    return code;
}

int convert_vocabulary(unsigned char **section, size_t *size, const char *path, Error *e)
{
    Vocabulary v;
    TokTables tables;
    int code;

    *section = NULL;
    *size = 0;
    memset(&v, 0, sizeof v);
    memset(&tables, 0, sizeof tables);
    v.path = path;
    code = read_vocabulary(&v, e);
    if (code == LAKE_OK && (tables.merges = malloc((v.merge_count + 1) * sizeof *tables.merges)) == NULL)
        code = error_memory(e, "the merges of a vocabulary"); /* no overflow: v.merges is larger */
    if (code == LAKE_OK && (code = resolve_symbols(&v, &tables, e)) == LAKE_OK &&
        (code = resolve_merges(&v, &tables, e)) == LAKE_OK)
        code = pack_checked(&v, &tables, section, size, e);
    free(tables.merges);
    vocabulary_free(&v);
    return code;
}
