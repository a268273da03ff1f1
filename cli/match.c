/* Images of two lists paired by name; see match.h. */
#include "cli/match.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"

enum { DEPTH = 6 }; /* compared are a name and at most five folders */

typedef struct {
    const char *key; /* the end of a flat name */
    size_t index;    /* of the image in its list */
} Entry;

/* The names of a list, and what of them is compared at each depth. */
typedef struct {
    char **flat;           /* [count] names without extension, separators as '_' */
    Entry *entries[DEPTH]; /* [count] each, by key; the last d + 1 parts of the names */
    int unique[DEPTH];     /* no key is there twice */
} Keys;

static int is_separator(char c)
{
    return c == '/' || c == '\\';
}

/* Bytes of a name before its extension: a dot and letters or digits, a letter first, so that "part.002" has none.
 * *number is what stands behind '#' in "features.npy#3", or NULL. */
static size_t length_of_stem(const char *name, const char **number)
{
    const char *dot = strrchr(path_base(name), '.'), *end;

    *number = NULL;
    if (dot == NULL || dot == path_base(name) || !isalpha((unsigned char)dot[1]))
        return strlen(name);
    for (end = dot + 1; isalnum((unsigned char)*end); end++)
        ;
    if (*end == '#')
        *number = end + 1;
    return *end == '\0' || *end == '#' ? (size_t)(dot - name) : strlen(name);
}

/* A name without its extension, in a new buffer. "features.npy#3" becomes "features_3", as in labels.c. */
static char *flatten(const char *name)
{
    const char *number;
    size_t length = length_of_stem(name, &number);
    char *flat = malloc(strlen(name) + 2);

    if (flat == NULL)
        return NULL;
    memcpy(flat, name, length);
    flat[length] = '\0';
    if (number != NULL) {
        strcat(flat, "_");
        strcat(flat, number);
    }
    return flat;
}

/* Where the last `parts` parts of a name begin that still has its separators. */
static const char *last_parts(const char *flat, int parts)
{
    const char *at = flat + strlen(flat);

    while (at > flat && !(is_separator(at[-1]) && --parts == 0))
        at--;
    return at;
}

static int by_key(const void *left, const void *right)
{
    const Entry *a = left, *b = right;
    return strcmp(a->key, b->key);
}

static void close_keys(Keys *keys, size_t count)
{
    for (size_t i = 0; keys->flat != NULL && i < count; i++)
        free(keys->flat[i]);
    free(keys->flat);
    free(keys->entries[0]);
}

/* Sorts the keys of one depth. */
static void sort_keys(Keys *keys, int depth, size_t count)
{
    Entry *entries = keys->entries[depth];

    qsort(entries, count, sizeof *entries, by_key);
    keys->unique[depth] = 1;
    for (size_t i = 1; i < count; i++)
        if (strcmp(entries[i - 1].key, entries[i].key) == 0)
            keys->unique[depth] = 0;
}

static int open_keys(Keys *keys, const Names *list, Error *e)
{
    size_t size;

    memset(keys, 0, sizeof *keys);
    if (size_multiply(list->count + 1, DEPTH * sizeof(Entry), &size)) {
        keys->flat = calloc(list->count + 1, sizeof *keys->flat);
        keys->entries[0] = malloc(size);
    }
    if (keys->flat == NULL || keys->entries[0] == NULL)
        return error_memory(e, "the names of the images");
    for (int depth = 1; depth < DEPTH; depth++)
        keys->entries[depth] = keys->entries[depth - 1] + list->count;
    for (size_t i = 0; i < list->count; i++) {
        char *flat = keys->flat[i] = flatten(list->names[i]);
        if (flat == NULL)
            return error_memory(e, "the names of the images");
        for (int depth = 0; depth < DEPTH; depth++) {
            keys->entries[depth][i].key = last_parts(flat, depth + 1);
            keys->entries[depth][i].index = i;
        }
        for (; *flat != '\0'; flat++)
            if (is_separator(*flat))
                *flat = '_';
    }
    for (int depth = 0; depth < DEPTH; depth++)
        sort_keys(keys, depth, list->count);
    return LAKE_OK;
}

/* How many keys two sorted lists share; their images are paired. *lone_a and *lone_b: the first key that the other list
 * lacks, or NULL. */
static size_t pair(size_t *partner, const Entry *a, size_t a_count, const Entry *b, size_t b_count,
                   const char **lone_a, const char **lone_b)
{
    size_t i = 0, j = 0, shared = 0;

    *lone_a = *lone_b = NULL;
    while (i < a_count || j < b_count) {
        int order = i == a_count ? 1 : j == b_count ? -1 : strcmp(a[i].key, b[j].key);
        if (order == 0)
            partner[a[i].index] = b[j].index;
        else if (order < 0 && *lone_a == NULL)
            *lone_a = a[i].key;
        else if (order > 0 && *lone_b == NULL)
            *lone_b = b[j].key;
        shared += order == 0;
        i += order <= 0;
        j += order >= 0;
    }
    return shared;
}

/* LAKE_BAD_INPUT where a list has no depth at which its names differ. */
static int check_unique(const Keys *keys, const Names *list, Error *e)
{
    const Entry *entries = keys->entries[DEPTH - 1];

    for (int depth = 0; depth < DEPTH; depth++)
        if (keys->unique[depth])
            return LAKE_OK;
    for (size_t i = 1; i < list->count; i++)
        if (strcmp(entries[i - 1].key, entries[i].key) == 0)
            return error_set(e, LAKE_BAD_INPUT, "%s: '%s' and '%s' are one name (without extension), so images cannot be "
                             "told apart", list->source, list->names[entries[i - 1].index],
                             list->names[entries[i].index]);
    return LAKE_OK;
}

/* Tries all depths of both lists, until one pairs all images; else the message is that of the one which pairs most. */
static int pair_at_best(size_t *partner, const Names *a, const Keys *a_keys, const Names *b, const Keys *b_keys,
                        Error *e)
{
    const char *lone_a, *lone_b, *best_a = NULL, *best_b = NULL;
    size_t shared, most = 0;

    for (int i = 0; i < DEPTH; i++)
        for (int j = 0; j < DEPTH; j++) {
            if (!a_keys->unique[i] || !b_keys->unique[j])
                continue;
            shared = pair(partner, a_keys->entries[i], a->count, b_keys->entries[j], b->count, &lone_a, &lone_b);
            if (lone_a == NULL && lone_b == NULL)
                return LAKE_OK;
            if (shared > most || (best_a == NULL && best_b == NULL)) {
                most = shared;
                best_a = lone_a;
                best_b = lone_b;
            }
        }
    return error_set(e, LAKE_BAD_INPUT, "%s has no image '%s', which %s has; of their %llu and %llu images %llu are in both",
                     best_a != NULL ? b->source : a->source, best_a != NULL ? best_a : best_b,
                     best_a != NULL ? a->source : b->source, (unsigned long long)a->count,
                     (unsigned long long)b->count, (unsigned long long)most);
}

int match_names(size_t *partner, const Names *a, const Names *b, Error *e)
{
    Keys a_keys, b_keys = {0};
    int code = open_keys(&a_keys, a, e);

    if (code == LAKE_OK)
        code = open_keys(&b_keys, b, e);
    if (code == LAKE_OK)
        code = check_unique(&a_keys, a, e);
    if (code == LAKE_OK)
        code = check_unique(&b_keys, b, e);
    if (code == LAKE_OK)
        code = pair_at_best(partner, a, &a_keys, b, &b_keys, e);
    close_keys(&a_keys, a->count);
    close_keys(&b_keys, b->count);
    return code;
}
