/* Pickles of Python, protocols 2 to 5, read as data. A pickle is a program for a small stack machine, and Python's own
 * reader lets it call anything that can be imported. Here nothing is ever called: what the program would call becomes a
 * node that says so, and a program that names anything else than what the caller allows is refused. */
#ifndef LAKE_PICKLE_H
#define LAKE_PICKLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

typedef enum {
    PICKLE_NONE,
    PICKLE_BOOL,
    PICKLE_INT,
    PICKLE_LONG, /* an integer beyond 64 bits, kept without its value */
    PICKLE_FLOAT,
    PICKLE_STRING,
    PICKLE_BYTES,
    PICKLE_TUPLE,
    PICKLE_LIST,
    PICKLE_SET,
    PICKLE_DICT,
    PICKLE_GLOBAL,    /* a function or class, by its name alone */
    PICKLE_CALL,      /* what a function or class would make of arguments, items and state */
    PICKLE_PERSISTENT /* something outside the pickle: the first item says what */
} PickleType;

typedef struct Pickle Pickle;
struct Pickle {
    PickleType type;
    int64_t integer;         /* INT; BOOL: 0 or 1 */
    double number;           /* FLOAT */
    const char *string;      /* STRING (UTF-8), BYTES, GLOBAL ("module.name"); 0-terminated */
    size_t length;           /* bytes of the string, which may hold a 0 */
    const Pickle **items;    /* [count] of TUPLE, LIST, SET, PERSISTENT; DICT and CALL (a dict too): key, value, ... */
    size_t count;
    size_t room;             /* of items */
    const char *function;    /* CALL: the global's name */
    const Pickle *arguments; /* CALL: a TUPLE */
    const Pickle *state;     /* CALL: what the object's attributes are set from, or NULL */
    const Pickle *before;    /* PERSISTENT: the one before it in the pickle, or NULL */
};

/* Values may be shared and may even hold themselves: a walk through them needs a limit of depth and of steps. */
typedef struct {
    const Pickle *root;
    const Pickle *outside; /* the last PERSISTENT, the first in the list of all */
    size_t size;           /* bytes of the pickle */
    Arena nodes;           /* what all nodes lie in */
} PickleTree;

/* 1 for "module.name" that a pickle may speak of. */
typedef int PickleAllowed(const char *global);

/* Reads the pickle that begins at data, of at most size bytes. A byte of it can take some 100 bytes of memory; all nodes
 * together never take more than 256 MiB. `name` is what messages call the text; they give the offset. */
int pickle_read(PickleTree *tree, const unsigned char *data, size_t size, PickleAllowed *allowed, const char *name,
                Error *e);
void pickle_free(PickleTree *tree);

/* The value of a string key of a DICT or CALL, or NULL; NULL also where it is neither or dict is NULL. */
const Pickle *pickle_get(const Pickle *dict, const char *key);

#endif
