/* JSON: convert/json.c. A tree that was read is what its parts say, is found by its keys, and comes back from its text. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "convert/json.h"
#include "test/fuzz/fuzz.h"

typedef struct {
    char *bytes;
    size_t used, room;
} Text;

static void put(Text *t, const char *bytes, size_t size)
{
    while (t->room - t->used < size) {
        t->room = t->room * 2 + 256;
        t->bytes = realloc(t->bytes, t->room);
        if (t->bytes == NULL)
            abort();
    }
    memcpy(t->bytes + t->used, bytes, size);
    t->used += size;
}

static void put_text(Text *t, const char *text)
{
    put(t, text, strlen(text));
}

static void put_string(Text *t, const char *string, size_t length)
{
    char escape[8];
    size_t i;

    put_text(t, "\"");
    for (i = 0; i < length; i++) {
        if ((unsigned char)string[i] >= 0x20 && string[i] != '"' && string[i] != '\\') {
            put(t, string + i, 1);
            continue;
        }
        snprintf(escape, sizeof escape, "\\u%04x", (unsigned)(unsigned char)string[i]);
        put_text(t, escape);
    }
    put_text(t, "\"");
}

/* Checks a value, writes it, and what is below it. */
static void put_value(Text *t, const Json *j)
{
    const Json *child;
    char number[40];
    size_t count = 0;

    PROMISE(j->type == JSON_ARRAY || j->type == JSON_OBJECT || (j->child == NULL && j->count == 0));
    if (j->type == JSON_NULL)
        put_text(t, "null");
    else if (j->type == JSON_BOOL)
        put_text(t, j->number != 0 ? "true" : "false");
    else if (j->type == JSON_STRING) {
        PROMISE(j->string[j->length] == '\0');
        put_string(t, j->string, j->length);
    } else if (j->type == JSON_NUMBER) {
        PROMISE(isfinite(j->number));
        snprintf(number, sizeof number, "%.17g", j->number);
        put_text(t, number);
    } else {
        put_text(t, j->type == JSON_ARRAY ? "[" : "{");
        for (child = j->child; child != NULL; child = child->next, count++) {
            put_text(t, count > 0 ? "," : "");
            PROMISE((child->key != NULL) == (j->type == JSON_OBJECT));
            if (child->key != NULL) {
                PROMISE(json_get(j, child->key) == child);
                put_string(t, child->key, strlen(child->key));
                put_text(t, ":");
            }
            put_value(t, child);
        }
        PROMISE(count == j->count);
        put_text(t, j->type == JSON_ARRAY ? "]" : "}");
    }
}

static int same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void compare(const Json *a, const Json *b)
{
    const Json *p = a->child, *q = b->child;

    PROMISE(a->type == b->type && a->count == b->count && a->length == b->length && same_text(a->key, b->key));
    PROMISE(a->type != JSON_STRING || memcmp(a->string, b->string, a->length) == 0);
    PROMISE(a->number == b->number);
    for (; p != NULL && q != NULL; p = p->next, q = q->next)
        compare(p, q);
    PROMISE(p == NULL && q == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Json *root, *again;
    Text text = {NULL, 0, 0};
    Error e = FUZZ_ERROR;
    int code = json_parse(&root, (const char *)data, size, "fuzz", &e);

    fuzz_check(code, &e);
    if (code != LAKE_OK)
        return 0;
    put_value(&text, root);
    PROMISE(json_parse(&again, text.bytes, text.used, "fuzz", &e) == LAKE_OK);
    compare(root, again);
    json_free(again);
    json_free(root);
    free(text.bytes);
    return 0;
}
