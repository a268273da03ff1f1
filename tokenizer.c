/* CLIP's tokenizer: a text becomes the ids of its byte pairs. From top to bottom: the table of pairs (its content comes
 * from tokenizer_section.c), the cleaning of a text, its cutting into words, the merging of each word's bytes, and
 * tok_encode, which does these one after the other. The steps and their order are those of OpenAI's
 * clip/simple_tokenizer.py; where the text says "the reference", that file is meant. */
#include "tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/entities.h"
#include "base/unicode.h"

/* Two symbols that merge. */
typedef struct {
    uint32_t left, right, rank;
} Pair;

struct Tokenizer {
    TokTables tables;
    Pair *pairs; /* [tables.merge_count], sorted by left, then right */
};

#define NO_RANK UINT32_MAX

/* ---- the pairs ---- */

static int compare_pairs(const void *a, const void *b)
{
    const Pair *x = a, *y = b;

    if (x->left != y->left)
        return x->left < y->left ? -1 : 1;
    return x->right < y->right ? -1 : x->right > y->right;
}

static int same_pair(const char *name, uint32_t first, uint32_t second, Error *e)
{
    return error_set(e, LAKE_BAD_INPUT, "%s: tokenizer: merges %lu and %lu join the same pair of symbols", name,
                     (unsigned long)(first > second ? first : second), (unsigned long)(first > second ? second : first));
}

/* The rank of the merge of these two symbols, or NO_RANK where they never merge. A search in a sorted list takes 16
 * steps where a hash table takes one or two, but no file can make it slow by pairs that all collide. */
static uint32_t pair_rank(const Tokenizer *tokenizer, uint32_t left, uint32_t right)
{
    Pair wanted = { left, right, NO_RANK };
    const Pair *found =
        bsearch(&wanted, tokenizer->pairs, tokenizer->tables.merge_count, sizeof wanted, compare_pairs);

    return found != NULL ? found->rank : NO_RANK;
}

/* Makes the sorted list. */
static int sort_pairs(Tokenizer *tokenizer, const char *name, Error *e)
{
    const TokTables *t = &tokenizer->tables;
    Pair *pairs = malloc((t->merge_count + 1) * sizeof *pairs); /* as large as the section, so it cannot wrap */

    tokenizer->pairs = pairs;
    if (pairs == NULL)
        return error_memory(e, "the tokenizer's pairs");
    for (size_t i = 0; i < t->merge_count; i++) {
        pairs[i].left = t->merges[i][0];
        pairs[i].right = t->merges[i][1];
        pairs[i].rank = (uint32_t)i;
    }
    qsort(pairs, t->merge_count, sizeof *pairs, compare_pairs);
    for (size_t i = 1; i < t->merge_count; i++)
        if (compare_pairs(&pairs[i - 1], &pairs[i]) == 0)
            return same_pair(name, pairs[i - 1].rank, pairs[i].rank, e);
    return LAKE_OK;
}

int tok_open(Tokenizer **tokenizer, const unsigned char *section, size_t size, uint32_t vocabulary, const char *name,
             Error *e)
{
    Tokenizer *t = calloc(1, sizeof *t);
    int code;

    if (t == NULL)
        return error_memory(e, "the tokenizer");
    if ((code = tok_unpack(&t->tables, section, size, vocabulary, name, e)) != LAKE_OK ||
        (code = sort_pairs(t, name, e)) != LAKE_OK) {
        tok_close(t);
        return code;
    }
    *tokenizer = t;
    return LAKE_OK;
}

void tok_close(Tokenizer *tokenizer)
{
    if (tokenizer == NULL)
        return;
    free(tokenizer->tables.merges);
    free(tokenizer->pairs);
    free(tokenizer);
}

uint32_t tok_end_id(const Tokenizer *tokenizer) { return tokenizer->tables.end_id; }

/* ---- cleaning ---- */

/* The white space of Python's str.strip: White_Space and the four separators that the regular expression's \s lacks. */
static int is_stripped(uint32_t c) { return uni_is_space(c) || (c >= 0x1c && c <= 0x1f); }

/* Takes white space away from both ends and makes one space of every run of it elsewhere. */
static void collapse_space(UniText *text)
{
    uint32_t *p = text->points;
    size_t first = 0, end = text->count, out = 0;

    while (end > 0 && is_stripped(p[end - 1]))
        end--;
    while (first < end && is_stripped(p[first]))
        first++;
    for (size_t i = first; i < end; i++)
        if (!uni_is_space(p[i]))
            p[out++] = p[i];
        else if (p[out - 1] != ' ') /* the first one is no white space, so out > 0 */
            p[out++] = ' ';
    text->count = out;
}

/* Decodes and cleans a text.
 *
 * The reference begins with ftfy.fix_text, a library that guesses what damaged text once was. Its guesses (mojibake,
 * curly quotes, ligatures, full-width letters, control characters) are left out here, as they are in the tokenizers
 * of Hugging Face; its last step, NFC, stays. ftfy undoes character references before it normalises (in every line
 * without a '<'), so NFC stands behind the unescaping here: "e&#769;" is the letter e-acute in the reference, and
 * texts that differ only in how their accents are coded get the same ids. Twice, because web text is often escaped
 * twice: "&amp;amp;". */
static int clean(UniText *text, const char *utf8, Error *e)
{
    int code = uni_decode(text, utf8, strlen(utf8), e);

    if (code != LAKE_OK)
        return code;
    entities_unescape(text);
    entities_unescape(text);
    if ((code = uni_nfc(text, e)) != LAKE_OK)
        return code;
    collapse_space(text);
    return uni_lower(text, e);
}

/* ---- words ---- */

enum { WORD_ORDINARY, WORD_START_MARK, WORD_END_MARK };

/* The length of `literal` where the n code points at p begin with it, else 0. The reference's expression ignores case,
 * and in lower-case text that leaves one more letter to accept: the long s is an s. *exact: no long s was met. */
static size_t match_literal(const uint32_t *p, size_t n, const char *literal, int *exact)
{
    size_t length = strlen(literal);

    *exact = 1;
    if (length > n)
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (literal[i] == 's' && p[i] == 0x17f)
            *exact = 0;
        else if (p[i] != (unsigned char)literal[i])
            return 0;
    }
    return length;
}

/* Neither white space nor letter nor number: [^\s\p{L}\p{N}]. Where case is ignored, Python's regex module counts the
 * combining iota U+0345 to the letters for this class, as its capital is one, but not for \p{L}, and so drops it. */
static int is_symbol(uint32_t c) { return !uni_is_space(c) && !uni_is_letter(c) && !uni_is_number(c) && c != 0x345; }

/* The length of the word that the n > 0 code points at p begin with, 0 where they begin with none, by
 *     <\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+
 * of which the first alternative that matches counts. *kind says whether it is a special one. */
static size_t word_length(const uint32_t *p, size_t n, int *kind)
{
    static const char *const endings[] = { "'s", "'t", "'re", "'ve", "'m", "'ll", "'d" };
    size_t length;
    int exact;

    *kind = WORD_ORDINARY;
    if (p[0] == '<' && (length = match_literal(p, n, "<|startoftext|>", &exact)) > 0) {
        *kind = exact ? WORD_START_MARK : WORD_ORDINARY;
        return length;
    }
    if (p[0] == '<' && (length = match_literal(p, n, "<|endoftext|>", &exact)) > 0) {
        *kind = WORD_END_MARK;
        return length;
    }
    for (size_t i = 0; p[0] == '\'' && i < sizeof endings / sizeof *endings; i++)
        if ((length = match_literal(p, n, endings[i], &exact)) > 0)
            return length;
    if (uni_is_number(p[0]))
        return 1;
    length = 0;
    if (uni_is_letter(p[0]))
        while (length < n && uni_is_letter(p[length]))
            length++;
    else
        while (length < n && is_symbol(p[length]))
            length++;
    return length;
}

/* ---- byte-pair encoding of one word ---- */

/* The symbols of a word are a doubly linked list in an array, so that two can become one in constant time. */
typedef struct {
    uint32_t id;             /* or GONE: swallowed by the symbol before it */
    uint32_t previous, next; /* positions, or NOWHERE */
} Symbol;

#define GONE UINT32_MAX
#define NOWHERE UINT32_MAX

/* A merge that is possible at a position, or was when it was noted. */
typedef struct {
    uint32_t rank, position;
} Candidate;

/* Memory for words of up to `room` bytes; kept from word to word. */
typedef struct {
    size_t room;
    Symbol *symbols;     /* [room] */
    Candidate *heap;     /* [3 room]: lowest (rank, position) first. A pair enters when the word is made (room at
                            most) or when a merge makes it (two for each of less than room merges) */
    size_t heap_count;
    uint32_t *merged;    /* [room]: where the merge of one rank was applied */
} Workspace;

static void workspace_free(Workspace *w)
{
    free(w->symbols);
    free(w->heap);
    free(w->merged);
    memset(w, 0, sizeof *w);
}

/* Makes room for a word of n bytes. */
static int workspace_reserve(Workspace *w, size_t n, Error *e)
{
    size_t room = n < 64 ? 64 : n, bytes;

    if (n <= w->room)
        return LAKE_OK;
    workspace_free(w);
    if (n >= NOWHERE || !size_multiply(room, 3 * sizeof *w->heap, &bytes)) /* the largest of the three arrays */
        return error_set(e, LAKE_RESOURCE, "a text has a word of %zu bytes, more than this program can split", n);
    w->symbols = malloc(room * sizeof *w->symbols);
    w->heap = malloc(bytes);
    w->merged = malloc(room * sizeof *w->merged);
    if (w->symbols == NULL || w->heap == NULL || w->merged == NULL) {
        workspace_free(w);
        return error_memory(e, "the symbols of a word");
    }
    w->room = room;
    return LAKE_OK;
}

static int comes_before(Candidate a, Candidate b)
{
    return a.rank < b.rank || (a.rank == b.rank && a.position < b.position);
}

static void heap_push(Workspace *w, Candidate c)
{
    size_t i = w->heap_count++;

    for (; i > 0 && comes_before(c, w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = c;
}

static Candidate heap_pop(Workspace *w)
{
    Candidate top = w->heap[0], last = w->heap[--w->heap_count];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= w->heap_count)
            break;
        if (child + 1 < w->heap_count && comes_before(w->heap[child + 1], w->heap[child]))
            child++;
        if (!comes_before(w->heap[child], last))
            break;
        w->heap[i] = w->heap[child];
        i = child;
    }
    w->heap[i] = last;
    return top;
}

/* The rank of the merge of the symbol at this position with the next one, or NO_RANK. */
static uint32_t rank_at(const Tokenizer *tokenizer, const Workspace *w, uint32_t position)
{
    const Symbol *left = &w->symbols[position];

    if (left->id == GONE || left->next == NOWHERE)
        return NO_RANK;
    return pair_rank(tokenizer, left->id, w->symbols[left->next].id);
}

/* Notes the merge that is possible at this position, if one is. */
static void propose(const Tokenizer *tokenizer, Workspace *w, uint32_t position)
{
    Candidate c;

    c.position = position;
    c.rank = position == NOWHERE ? NO_RANK : rank_at(tokenizer, w, position);
    if (c.rank != NO_RANK)
        heap_push(w, c);
}

/* Makes one symbol of that at this position and the next one. */
static void merge_at(const Tokenizer *tokenizer, Workspace *w, uint32_t position, uint32_t rank)
{
    Symbol *left = &w->symbols[position], *right = &w->symbols[left->next];

    left->id = tokenizer->tables.merges[rank][2];
    left->next = right->next;
    right->id = GONE;
    if (left->next != NOWHERE)
        w->symbols[left->next].previous = position;
}

/* Merges the symbols of a word. Each round applies the merge of the lowest rank everywhere, from left to right, and
 * only then looks at the pairs that arose, as the reference does; the heap makes the whole n log n. */
static void merge_symbols(const Tokenizer *tokenizer, Workspace *w, size_t n)
{
    w->heap_count = 0;
    for (size_t i = 0; i + 1 < n; i++)
        propose(tokenizer, w, (uint32_t)i);
    while (w->heap_count > 0) {
        uint32_t rank = w->heap[0].rank;
        size_t merged = 0;
        while (w->heap_count > 0 && w->heap[0].rank == rank) {
            uint32_t position = heap_pop(w).position;
            if (rank_at(tokenizer, w, position) == rank) { /* still there: an earlier merge may have changed it */
                merge_at(tokenizer, w, position, rank);
                w->merged[merged++] = position;
            }
        }
        for (size_t i = 0; i < merged; i++) {
            propose(tokenizer, w, w->symbols[w->merged[i]].previous);
            propose(tokenizer, w, w->merged[i]);
        }
    }
}

/* ---- the ids of a text ---- */

/* The caller's array. */
typedef struct {
    uint32_t *ids;
    size_t room, count;
    int full; /* an id was left out */
} Output;

static void put_id(Output *out, uint32_t id)
{
    if (out->count < out->room)
        out->ids[out->count++] = id;
    else
        out->full = 1;
}

/* The ids of one word of `length` code points. */
static int encode_word(const Tokenizer *tokenizer, Workspace *w, const uint32_t *points, size_t length, Output *out,
                       Error *e)
{
    unsigned char utf8[4];
    size_t n = 0, at = 0, bytes = 0;
    int code;

    for (size_t i = 0; i < length; i++)
        n += uni_encode(utf8, points[i]);
    if ((code = workspace_reserve(w, n, e)) != LAKE_OK)
        return code;
    for (size_t i = 0; i < length; i++) {
        bytes = uni_encode(utf8, points[i]);
        for (size_t k = 0; k < bytes; k++, at++) {
            w->symbols[at].id = tokenizer->tables.byte_id[utf8[k]];
            w->symbols[at].previous = at == 0 ? NOWHERE : (uint32_t)at - 1;
            w->symbols[at].next = (uint32_t)at + 1;
        }
    }
    w->symbols[n - 1].id = tokenizer->tables.byte_end_id[utf8[bytes - 1]];
    w->symbols[n - 1].next = NOWHERE;
    merge_symbols(tokenizer, w, n);
    for (uint32_t i = 0; i != NOWHERE && !out->full; i = w->symbols[i].next)
        put_id(out, w->symbols[i].id);
    return LAKE_OK;
}

int tok_encode(const Tokenizer *tokenizer, const char *text, size_t context, uint32_t *ids, size_t *count,
               int *truncated, Error *e)
{
    Workspace w = { 0, NULL, NULL, 0, NULL };
    Output out = { ids, context, 0, 0 };
    UniText cleaned;
    size_t length;
    int code, kind;

    if (context == 0)
        return error_set(e, LAKE_USAGE, "a text cannot be encoded into 0 ids");
    code = clean(&cleaned, text, e);
    put_id(&out, tokenizer->tables.start_id);
    for (size_t i = 0; code == LAKE_OK && i < cleaned.count && !out.full; i += length > 0 ? length : 1) {
        length = word_length(cleaned.points + i, cleaned.count - i, &kind);
        if (kind != WORD_ORDINARY)
            put_id(&out, kind == WORD_START_MARK ? tokenizer->tables.start_id : tokenizer->tables.end_id);
        else if (length > 0)
            code = encode_word(tokenizer, &w, cleaned.points + i, length, &out, e);
    }
    put_id(&out, tokenizer->tables.end_id);
    if (out.full)
        ids[context - 1] = tokenizer->tables.end_id;
    *count = out.count;
    if (truncated != NULL)
        *truncated = out.full;
    uni_free(&cleaned);
    workspace_free(&w);
    return code;
}
