/* A small strict JSON reader (RFC 8259) for what checkpoints carry: safetensors headers, config.json,
 * vocab.json, tokenizer.json. It makes a tree; objects keep their order and are searched by key. */
#ifndef LAKE_JSON_H
#define LAKE_JSON_H

#include <stddef.h>

#include "base/error.h"

typedef enum { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT } JsonType;

typedef struct Json Json;
struct Json {
    JsonType type;
    const char *key;    /* the member's name where the parent is an object, UTF-8, escapes resolved; else NULL */
    const char *string; /* JSON_STRING: UTF-8, escapes resolved, 0-terminated */
    size_t length;      /* JSON_STRING: bytes (a string may hold \u0000) */
    double number;      /* JSON_NUMBER; JSON_BOOL: 0 or 1 */
    size_t count;       /* JSON_ARRAY, JSON_OBJECT: children */
    const Json *child;  /* first child, or NULL */
    const Json *next;   /* next sibling, or NULL */
};

/* Parses text[size] (need not be 0-terminated). Depth, numbers and UTF-8 are checked; duplicate keys of an
 * object are an error. *root is freed by json_free. `name` is what messages call the text; they give line
 * and column. */
int json_parse(Json **root, const char *text, size_t size, const char *name, Error *e);
void json_free(Json *root);

/* The member of an object, or NULL; NULL also where object is NULL or no object. Takes about
 * log2(members) comparisons. */
const Json *json_get(const Json *object, const char *key);

#endif
