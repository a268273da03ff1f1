/* The symbols of a vocabulary: a table from texts to ids. */
#ifndef LAKE_SYMBOLS_H
#define LAKE_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Part of a text, not 0-terminated. */
typedef struct {
    const char *text;
    size_t size;
} Piece;

/* A symbol's text is two pieces side by side, so that the result of a merge needs no memory of its own. */
typedef struct {
    Piece first, second;
} Symbol;

/* One line of the table from symbols to ids. */
typedef struct {
    Symbol symbol;
    uint32_t id;
    size_t turn; /* how many were entered before it */
} SymbolEntry;

typedef struct {
    SymbolEntry *entries; /* [count], sorted by symbol once all are entered */
    size_t count;
} SymbolTable;

/* Memory for `count` symbols. */
int symbols_reserve(SymbolTable *table, size_t count, Error *e);
void symbols_free(SymbolTable *table);

/* Adds the symbol "first second". The texts must live as long as the table. */
void symbols_enter(SymbolTable *table, Piece first, Piece second, uint32_t id);

/* Makes the table ready for symbols_find. Where a symbol comes twice its last id counts, as in a Python dictionary. */
void symbols_sort(SymbolTable *table);

/* The symbol's id; returns 0 where it has none. */
int symbols_find(const SymbolTable *table, Piece first, Piece second, uint32_t *id);

#endif
