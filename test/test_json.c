/* The JSON reader: what RFC 8259 allows is read, what it forbids is refused with a place, and large objects are
 * searched fast. Cases follow the RFC's grammar. */
#include <stdlib.h>
#include <string.h>

#include "convert/json.h"
#include "test/test.h"

static Json *parse(const char *text, Error *e)
{
    Json *root;

    e->text[0] = '\0';
    return json_parse(&root, text, strlen(text), "t.json", e) == LAKE_OK ? root : NULL;
}

static void test_accepted(void)
{
    static const char *const texts[] = {
        "{}", "[]", " \t\r\n[ ]\n", "null", "true", "\"\"", "0", "-0", "-0.0e+00", "1E5", "1e-5", "123.456",
        "[1,2,3]", "{\"a\":{\"b\":[{}]}}", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"", "\"\x7f\"",
        "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\xef\xbf\xbf\"", "{\"\":1}", "5e-324",
    };
    size_t i;
    Error e;

    for (i = 0; i < sizeof texts / sizeof *texts; i++) {
        Json *root = parse(texts[i], &e);

        check(root != NULL, "json accepts", "text %d: %s", (int)i, e.text);
        json_free(root);
    }
}

static void test_refused(void)
{
    static const struct {
        const char *text, *place;
    } cases[] = {
        {"", "line 1, column 1: expected a value, found the end"},
        {"{", "column 2: expected a member's name in quotes, found the end"},
        {"[1,", "column 4: expected a value, found the end"},
        {"[1,]", "column 4: expected a value, found ']'"},
        {"{\"a\":1,}", "column 8: expected a member's name"},
        {"{\"a\" 1}", "column 6: expected ':', found '1'"},
        {"{a:1}", "column 2"},
        {"[1 2]", "column 4: expected ',' or ']', found '2'"},
        {"[\n1\n2]", "line 3, column 1"},
        {"nul", "expected a value"},
        {"truex", "column 5: expected the end, found 'x'"},
        {"{} {}", "column 4: expected the end"},
        {"01", "leading zero"},
        {"-", "expected a digit, found the end"},
        {"+1", "expected a value, found '+'"},
        {".5", "expected a value"},
        {"1.", "expected a digit"},
        {"1e", "expected a digit"},
        {"1e999", "beyond the range"},
        {"NaN", "expected a value"},
        {"\"abc", "without its closing quote"},
        {"\"a\nb\"", "control character 0x0a"},
        {"\"\\x\"", "behind the backslash, found 'x'"},
        {"\"\\", "expected an escape, found the end"},
        {"\"\\u12g4\"", "expected a hexadecimal digit, found 'g'"},
        {"\"\\ud800\"", "without its second"},
        {"\"\\ud800\\u0041\"", "without its second"},
        {"\"\\udc00\"", "without its first"},
        {"\"\x80\"", "byte 0x80 is no valid UTF-8"},
        {"\"\xc0\xaf\"", "byte 0xc0"},
        {"\"\xe0\x80\xaf\"", "byte 0xe0"},
        {"\"\xed\xa0\x80\"", "byte 0xed"},
        {"\"\xf4\x90\x80\x80\"", "byte 0xf4"},
        {"\"\xe2\x82\"", "byte 0xe2"},
        {"{\"a\":1,\"b\":2,\"a\":3}", "two members named \"a\""},
        {"{\"\\u0061\":1,\"a\":3}", "two members named \"a\""},
        {"{\"a\\u0000\":1}", "holds \\u0000"},
    };
    size_t i;
    Error e;

    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        Json *root = parse(cases[i].text, &e);

        check(root == NULL && strstr(e.text, cases[i].place) != NULL &&
                  strstr(e.text, "t.json: no valid JSON: line ") == e.text,
              "json refuses", "case %d %s: \"%s\"", (int)i, cases[i].text, e.text);
        json_free(root);
    }
}

/* Every prefix of a valid text is refused without reading beyond it (the sanitizers watch the exact buffer). */
static void test_prefixes(void)
{
    static const char text[] = "{\"a\": [1.5e3, \"\\ud83d\\ude00\xc3\xa9\", true, null], \"b\": {\"c\": false}}";
    size_t length, size = strlen(text), refused = 0;

    for (length = 0; length <= size; length++) {
        char *copy = malloc(length + 1); /* +1: malloc(0) may be NULL */
        Json *root;
        Error e;

        memmove(copy + 1, text, length);
        refused += json_parse(&root, copy + 1, length, "t", &e) != LAKE_OK;
        json_free(root);
        free(copy);
    }
    check(refused == size, "json refuses every prefix", "%d of %d", (int)refused, (int)size);
}

static void test_depth(void)
{
    char text[200001];
    Json *root;
    Error e;

    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    text[128] = '\0';
    root = parse(text, &e);
    check(root != NULL, "json depth 64", "%s", e.text);
    json_free(root);
    memset(text, '[', 200000);
    text[200000] = '\0';
    check(parse(text, &e) == NULL && strstr(e.text, "nested deeper than 64 levels") != NULL, "json depth 200000", "%s",
          e.text);
}

static void test_values(void)
{
    Error e;
    Json *root = parse("{\"s\": \"a\\u0000\\u20ac\\ud83d\\ude00\", \"n\": -12.5e-1, \"big\": 9007199254740991,"
                       " \"t\": true, \"z\": null, \"list\": [1, [2], {}], \"\": 7}", &e);
    const Json *s = json_get(root, "s"), *list = json_get(root, "list"), *n = json_get(root, "n"),
               *t = json_get(root, "t");

    if (!check(root != NULL && root->type == JSON_OBJECT && root->count == 7, "json object", "%s", e.text))
        return;
    check(s->type == JSON_STRING && s->length == 9 && memcmp(s->string, "a\0\xe2\x82\xac\xf0\x9f\x98\x80", 10) == 0,
          "json escapes", "length %d", (int)s->length);
    check(n->type == JSON_NUMBER && n->number == -1.25, "json number", "%.17g", n->number);
    check(json_get(root, "big")->number == 9007199254740991.0, "json 53-bit integer", "%.17g",
          json_get(root, "big")->number);
    check(t->type == JSON_BOOL && t->number == 1 && json_get(root, "z")->type == JSON_NULL, "json words", "types %d",
          (int)t->type);
    check(list->type == JSON_ARRAY && list->count == 3 && list->child->number == 1 &&
              list->child->next->type == JSON_ARRAY && list->child->next->next->type == JSON_OBJECT &&
              list->child->next->next->next == NULL && list->child->key == NULL,
          "json array in order", "count %d", (int)list->count);
    check(json_get(root, "")->number == 7 && strcmp(root->child->key, "s") == 0, "json keys", "%s", root->child->key);
    check(json_get(root, "absent") == NULL && json_get(list, "s") == NULL && json_get(NULL, "s") == NULL,
          "json_get absent", "found one");
    json_free(root);
    json_free(NULL);
}

/* An object of 100000 members (vocab.json has 49408): with a linear search this would take minutes. */
static void test_large(void)
{
    enum { MEMBERS = 100000, WIDTH = 18 };
    char *text = malloc((size_t)MEMBERS * WIDTH + 2);
    char key[16];
    size_t at = 0, wrong = 0;
    Json *root;
    Error e;
    int i;

    text[at++] = '{';
    for (i = 0; i < MEMBERS; i++)
        at += (size_t)sprintf(text + at, "%s\"k%d\":%d", i > 0 ? "," : "", i, i);
    at += (size_t)sprintf(text + at, "}");
    if (!check(json_parse(&root, text, at, "large", &e) == LAKE_OK, "json large object", "%s", e.text)) {
        free(text);
        return;
    }
    for (i = 0; i < MEMBERS; i++) {
        const Json *member;

        sprintf(key, "k%d", i);
        member = json_get(root, key);
        wrong += member == NULL || member->number != i;
    }
    check(wrong == 0 && json_get(root, "k100000") == NULL, "json_get in a large object", "%d wrong", (int)wrong);
    json_free(root);
    at = strlen(text) - strlen(",\"k99999\":99999}"); /* the last member takes another's name */
    at += (size_t)sprintf(text + at, ",\"k77\":1}");
    check(json_parse(&root, text, at, "large", &e) == LAKE_BAD_INPUT && strstr(e.text, "\"k77\"") != NULL,
          "json duplicate in a large object", "%s", e.text);
    json_free(root);
    free(text);
}

/* 2^17 members whose names collide in the low 24 bits of FNV-1a, which chooses the places of many a hash table: such a
 * table would be searched from end to end for each of them. */
static void test_colliding(void)
{
    enum { PAIRS = 17, WIDTH = 4 * PAIRS + 6 };
    static const char pairs[PAIRS][2][5] = {
        {"ccby", "sdhd"}, {"clml", "saaa"}, {"ilrj", "paia"}, {"ccby", "sdhd"}, {"edey", "uaqd"},
        {"ngrf", "qpia"}, {"hjmh", "qcpa"}, {"dgnz", "tbhe"}, {"gnxh", "paea"}, {"bjhy", "rabd"},
        {"edey", "uaqd"}, {"ngrf", "qpia"}, {"hjmh", "qcpa"}, {"dgnz", "tbhe"}, {"gnxh", "paea"},
        {"bjhy", "rabd"}, {"edey", "uaqd"},
    };
    const size_t members = (size_t)1 << PAIRS;
    char *text = malloc(members * WIDTH + 2);
    size_t at = 0, i, k;
    Json *root;
    Error e;

    text[at++] = '{';
    for (i = 0; i < members; i++) {
        text[at++] = '"';
        for (k = 0; k < PAIRS; k++, at += 4)
            memcpy(text + at, pairs[k][i >> k & 1], 4);
        at += (size_t)sprintf(text + at, "\":1,");
    }
    text[at - 1] = '}';
    check(json_parse(&root, text, at, "colliding", &e) == LAKE_OK && root->count == members, "json colliding names", "%s",
          e.text);
    json_free(root);
    free(text);
}

int main(void)
{
    test_accepted();
    test_refused();
    test_prefixes();
    test_depth();
    test_values();
    test_large();
    test_colliding();
    return 0;
}
