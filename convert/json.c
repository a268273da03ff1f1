/* A strict JSON reader (RFC 8259): recursive descent over the text, a tree in an arena. Strings are checked UTF-8
 * (RFC 3629) with escapes resolved. Every object has a list of its members sorted by key, made when the object is
 * complete; it serves json_get and finds duplicate keys. A hash table would be faster, but whoever writes the file could
 * choose keys that all collide and make reading it take hours. */
#include "convert/json.h"

#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/unicode.h"

enum {
    DEPTH_LIMIT = 64,          /* nested arrays and objects; checkpoints need 6 */
    NUMBER_LIMIT = 320         /* characters of a number */
};

/* A value as it lies in memory; json_get goes from the public part to the whole. */
typedef struct {
    Json json;           /* first, so that a pointer to it is a pointer to the node */
    const Json **sorted; /* [json.count] members of an object, by key */
} Node;

/* The root with the arena that holds all the rest. */
typedef struct {
    Node root;
    Arena arena;
} Document;

typedef struct {
    const char *text, *at, *end;
    const char *name;
    Document *document;
    int depth;
    Error *e;
} Parser;

/* ---- arena ---- */

/* `size` bytes, or NULL with the error set. */
static void *arena(Parser *p, size_t size)
{
    void *memory = arena_take(&p->document->arena, size);

    if (memory == NULL)
        error_memory(p->e, p->name);
    return memory;
}

/* ---- messages ---- */

/* "NAME: line L, column C: ..."; columns count bytes from 1. */
static int fail(Parser *p, const char *format, ...)
{
    const char *c, *line = p->text;
    unsigned long lines = 1;
    char what[256];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    for (c = p->text; c < p->at; c++)
        if (*c == '\n') {
            lines++;
            line = c + 1;
        }
    return error_set(p->e, LAKE_BAD_INPUT, "%s: no valid JSON: line %lu, column %lu: %s; copy or download it again",
                     p->name, lines, (unsigned long)(p->at - line + 1), what);
}

/* The same for "expected X, found Y", where Y is what stands at the current place. */
static int fail_expected(Parser *p, const char *expected)
{
    unsigned char c;

    if (p->at == p->end)
        return fail(p, "expected %s, found the end", expected);
    c = (unsigned char)*p->at;
    if (c > 0x20 && c < 0x7f)
        return fail(p, "expected %s, found '%c'", expected, c);
    return fail(p, "expected %s, found byte 0x%02x", expected, c);
}

/* ---- strings ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The four digits of a \u escape. */
static int parse_hex4(Parser *p, uint32_t *value)
{
    int i;

    *value = 0;
    for (i = 0; i < 4; i++, p->at++) {
        int digit = p->at < p->end ? hex_digit(*p->at) : -1;

        if (digit < 0)
            return fail_expected(p, "a hexadecimal digit");
        *value = *value << 4 | (uint32_t)digit;
    }
    return LAKE_OK;
}

/* Behind "\u": one code point, of two escapes where it lies beyond U+FFFF. */
static int parse_unicode_escape(Parser *p, char **out)
{
    uint32_t high, low;

    if (parse_hex4(p, &high) != LAKE_OK)
        return LAKE_BAD_INPUT;
    if (high >= 0xdc00 && high <= 0xdfff)
        return fail(p, "the second half of a surrogate pair without its first");
    if (high >= 0xd800 && high <= 0xdbff) {
        if (p->end - p->at < 2 || p->at[0] != '\\' || p->at[1] != 'u')
            return fail(p, "the first half of a surrogate pair without its second");
        p->at += 2;
        if (parse_hex4(p, &low) != LAKE_OK)
            return LAKE_BAD_INPUT;
        if (low < 0xdc00 || low > 0xdfff)
            return fail(p, "the first half of a surrogate pair without its second");
        high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    }
    *out += uni_encode((unsigned char *)*out, high);
    return LAKE_OK;
}

/* At a backslash. */
static int parse_escape(Parser *p, char **out)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *found;

    p->at++;
    if (p->at == p->end)
        return fail_expected(p, "an escape");
    if (*p->at == 'u') {
        p->at++;
        return parse_unicode_escape(p, out);
    }
    found = *p->at != '\0' ? strchr(names, *p->at) : NULL;
    if (found == NULL)
        return fail_expected(p, "one of \"\\/bfnrtu behind the backslash");
    p->at++;
    *(*out)++ = values[found - names];
    return LAKE_OK;
}

/* One raw character of a string. */
static int parse_character(Parser *p, char **out)
{
    uint32_t c;
    size_t length;

    if ((unsigned char)*p->at < 0x20)
        return fail(p, "control character 0x%02x in a string", (unsigned)(unsigned char)*p->at);
    length = uni_character(&c, (const unsigned char *)p->at, (size_t)(p->end - p->at));
    if (length == 0)
        return fail(p, "byte 0x%02x is no valid UTF-8", (unsigned)(unsigned char)*p->at);
    memcpy(*out, p->at, length);
    *out += length;
    p->at += length;
    return LAKE_OK;
}

/* The closing quote of the string whose text begins at s, or the end of the text. */
static const char *string_end(const char *s, const char *end)
{
    while (s < end && *s != '"')
        s += *s == '\\' && end - s > 1 ? 2 : 1;
    return s;
}

/* At a quote: the string's text, 0-terminated, in the arena. An escape is never shorter than what it stands for, so
 * the raw length bounds the result. */
static int parse_string(Parser *p, const char **string, size_t *length)
{
    char *start, *out;

    p->at++;
    start = out = arena(p, (size_t)(string_end(p->at, p->end) - p->at) + 1);
    if (start == NULL)
        return LAKE_RESOURCE;
    while (p->at < p->end && *p->at != '"') {
        int code = *p->at == '\\' ? parse_escape(p, &out) : parse_character(p, &out);

        if (code != LAKE_OK)
            return code;
    }
    if (p->at == p->end)
        return fail(p, "a string without its closing quote");
    p->at++;
    *out = '\0';
    *string = start;
    *length = (size_t)(out - start);
    return LAKE_OK;
}

/* ---- numbers ---- */

static int is_digit(const Parser *p)
{
    return p->at < p->end && *p->at >= '0' && *p->at <= '9';
}

static int parse_digits(Parser *p)
{
    if (!is_digit(p))
        return fail_expected(p, "a digit");
    while (is_digit(p))
        p->at++;
    return LAKE_OK;
}

/* Moves over a number by the grammar of RFC 8259, section 6. */
static int scan_number(Parser *p)
{
    if (*p->at == '-')
        p->at++;
    if (p->at < p->end && *p->at == '0') {
        p->at++;
        if (is_digit(p))
            return fail(p, "a number with a leading zero");
    } else if (parse_digits(p) != LAKE_OK) {
        return LAKE_BAD_INPUT;
    }
    if (p->at < p->end && *p->at == '.') {
        p->at++;
        if (parse_digits(p) != LAKE_OK)
            return LAKE_BAD_INPUT;
    }
    if (p->at < p->end && (*p->at == 'e' || *p->at == 'E')) {
        p->at++;
        if (p->at < p->end && (*p->at == '+' || *p->at == '-'))
            p->at++;
        return parse_digits(p);
    }
    return LAKE_OK;
}

static int parse_number(Parser *p, double *number)
{
    const char *start = p->at;
    char copy[NUMBER_LIMIT + 1], *point;
    size_t length;

    if (scan_number(p) != LAKE_OK)
        return LAKE_BAD_INPUT;
    length = (size_t)(p->at - start);
    if (length > NUMBER_LIMIT)
        return fail(p, "a number of more than %d characters", NUMBER_LIMIT);
    memcpy(copy, start, length);
    copy[length] = '\0';
    point = strchr(copy, '.');
    if (point != NULL) /* strtod reads the point of the current locale */
        *point = localeconv()->decimal_point[0];
    *number = strtod(copy, NULL);
    if (!isfinite(*number))
        return fail(p, "a number beyond the range of double precision");
    return LAKE_OK;
}

/* ---- the members of an object ---- */

static int compare_keys(const void *a, const void *b)
{
    return strcmp((*(const Json *const *)a)->key, (*(const Json *const *)b)->key);
}

static int compare_with_key(const void *key, const void *member)
{
    return strcmp(key, (*(const Json *const *)member)->key);
}

/* Makes the sorted list of a complete object. */
static int sort_members(Parser *p, Node *node)
{
    const size_t count = node->json.count;
    const Json *member;
    size_t bytes, i = 0;

    if (count == 0)
        return LAKE_OK;
    if (!size_multiply(count, sizeof *node->sorted, &bytes))
        return error_memory(p->e, p->name);
    node->sorted = arena(p, bytes);
    if (node->sorted == NULL)
        return LAKE_RESOURCE;
    for (member = node->json.child; member != NULL; member = member->next)
        node->sorted[i++] = member;
    qsort(node->sorted, count, sizeof *node->sorted, compare_keys);
    for (i = 1; i < count; i++)
        if (compare_keys(&node->sorted[i - 1], &node->sorted[i]) == 0)
            return fail(p, "an object with two members named \"%.100s\"", node->sorted[i]->key);
    return LAKE_OK;
}

/* ---- values ---- */

static int parse_value(Parser *p, Node *node);

static void skip_space(Parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r'))
        p->at++;
}

/* Moves over one character, and the space before it. */
static int parse_mark(Parser *p, char mark, const char *expected)
{
    skip_space(p);
    if (p->at == p->end || *p->at != mark)
        return fail_expected(p, expected);
    p->at++;
    return LAKE_OK;
}

static int parse_key(Parser *p, const char **key)
{
    size_t length;
    int code;

    skip_space(p);
    if (p->at == p->end || *p->at != '"')
        return fail_expected(p, "a member's name in quotes");
    code = parse_string(p, key, &length);
    if (code != LAKE_OK)
        return code;
    if (strlen(*key) != length)
        return fail(p, "a member's name that holds \\u0000");
    return parse_mark(p, ':', "':'");
}

/* At '[' or '{'. */
static int parse_children(Parser *p, Node *node, char close)
{
    const Json **link = &node->json.child;
    int is_object = node->json.type == JSON_OBJECT, code;

    if (++p->depth > DEPTH_LIMIT)
        return fail(p, "nested deeper than %d levels", DEPTH_LIMIT);
    p->at++;
    skip_space(p);
    if (p->at < p->end && *p->at == close) {
        p->at++;
        p->depth--;
        return LAKE_OK;
    }
    for (;;) {
        Node *child = arena(p, sizeof *child);

        if (child == NULL)
            return LAKE_RESOURCE;
        memset(child, 0, sizeof *child);
        code = is_object ? parse_key(p, &child->json.key) : LAKE_OK;
        if (code == LAKE_OK)
            code = parse_value(p, child);
        if (code != LAKE_OK)
            return code;
        *link = &child->json;
        link = &child->json.next;
        node->json.count++;
        skip_space(p);
        if (p->at == p->end || *p->at != ',')
            break;
        p->at++;
    }
    p->depth--;
    return parse_mark(p, close, is_object ? "',' or '}'" : "',' or ']'");
}

static int parse_word(Parser *p, Node *node, const char *word, JsonType type, double number)
{
    size_t length = strlen(word);

    if ((size_t)(p->end - p->at) < length || memcmp(p->at, word, length) != 0)
        return fail_expected(p, "a value");
    p->at += length;
    node->json.type = type;
    node->json.number = number;
    return LAKE_OK;
}

/* The value at the current place into *node, which is all zero but for the key. */
static int parse_value(Parser *p, Node *node)
{
    int code;

    skip_space(p);
    switch (p->at < p->end ? *p->at : '\0') {
    case '{':
        node->json.type = JSON_OBJECT;
        code = parse_children(p, node, '}');
        return code == LAKE_OK ? sort_members(p, node) : code;
    case '[':
        node->json.type = JSON_ARRAY;
        return parse_children(p, node, ']');
    case '"':
        node->json.type = JSON_STRING;
        return parse_string(p, &node->json.string, &node->json.length);
    case 't': return parse_word(p, node, "true", JSON_BOOL, 1);
    case 'f': return parse_word(p, node, "false", JSON_BOOL, 0);
    case 'n': return parse_word(p, node, "null", JSON_NULL, 0);
    case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
        node->json.type = JSON_NUMBER;
        return parse_number(p, &node->json.number);
    default:
        return fail_expected(p, "a value");
    }
}

int json_parse(Json **root, const char *text, size_t size, const char *name, Error *e)
{
    Parser p = {NULL, NULL, NULL, NULL, NULL, 0, NULL};
    int code;

    *root = NULL;
    p.text = p.at = text;
    p.end = text + size;
    p.name = name;
    p.e = e;
    p.document = calloc(1, sizeof *p.document);
    if (p.document == NULL)
        return error_memory(e, name);
    p.document->arena.limit = SIZE_MAX;
    code = parse_value(&p, &p.document->root);
    if (code == LAKE_OK) {
        skip_space(&p);
        if (p.at != p.end)
            code = fail_expected(&p, "the end");
    }
    if (code != LAKE_OK) {
        json_free(&p.document->root.json);
        return code;
    }
    *root = &p.document->root.json;
    return LAKE_OK;
}

void json_free(Json *root)
{
    Document *document = (Document *)root; /* the root is the document's first member */

    if (document == NULL)
        return;
    arena_free(&document->arena);
    free(document);
}

const Json *json_get(const Json *object, const char *key)
{
    const Node *node = (const Node *)object; /* a Json is the first member of its node */
    const Json *const *found;

    if (object == NULL || object->type != JSON_OBJECT)
        return NULL;
    if (object->count == 0)
        return NULL;
    found = bsearch(key, node->sorted, object->count, sizeof *node->sorted, compare_with_key);
    return found != NULL ? *found : NULL;
}
