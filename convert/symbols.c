/* A sorted list of symbols; see symbols.h. A hash table would be faster, but whoever writes a vocabulary could choose
 * symbols that all collide. */
#include "convert/symbols.h"

#include <stdlib.h>

#include "base/bytes.h"

static char symbol_char(const Symbol *s, size_t i)
{
    return i < s->first.size ? s->first.text[i] : s->second.text[i - s->first.size];
}

static size_t symbol_size(const Symbol *s) { return s->first.size + s->second.size; }

/* Any order will do that tells all symbols apart. */
static int compare_symbols(const Symbol *a, const Symbol *b)
{
    size_t size = symbol_size(a);

    if (size != symbol_size(b))
        return size < symbol_size(b) ? -1 : 1;
    for (size_t i = 0; i < size; i++)
        if (symbol_char(a, i) != symbol_char(b, i))
            return symbol_char(a, i) < symbol_char(b, i) ? -1 : 1;
    return 0;
}

static int by_symbol_and_turn(const void *a, const void *b)
{
    const SymbolEntry *x = a, *y = b;
    int order = compare_symbols(&x->symbol, &y->symbol);

    return order != 0 ? order : x->turn < y->turn ? -1 : x->turn > y->turn;
}

static int compare_with_symbol(const void *symbol, const void *entry)
{
    return compare_symbols(symbol, &((const SymbolEntry *)entry)->symbol);
}

int symbols_reserve(SymbolTable *table, size_t count, Error *e)
{
    size_t bytes;

    if (!size_multiply(count + 1, sizeof *table->entries, &bytes) || (table->entries = malloc(bytes)) == NULL)
        return error_memory(e, "the symbols of a vocabulary");
    return LAKE_OK;
}

void symbols_free(SymbolTable *table)
{
    free(table->entries);
}

void symbols_enter(SymbolTable *table, Piece first, Piece second, uint32_t id)
{
    SymbolEntry *entry = &table->entries[table->count];

    entry->symbol.first = first;
    entry->symbol.second = second;
    entry->id = id;
    entry->turn = table->count++;
}

void symbols_sort(SymbolTable *table)
{
    size_t kept = 0;

    qsort(table->entries, table->count, sizeof *table->entries, by_symbol_and_turn);
    for (size_t i = 0; i < table->count; i++) {
        if (kept > 0 && compare_symbols(&table->entries[kept - 1].symbol, &table->entries[i].symbol) == 0)
            kept--;
        table->entries[kept++] = table->entries[i];
    }
    table->count = kept;
}

int symbols_find(const SymbolTable *table, Piece first, Piece second, uint32_t *id)
{
    const SymbolEntry *entry;
    Symbol s;

    s.first = first;
    s.second = second;
    entry = bsearch(&s, table->entries, table->count, sizeof *table->entries, compare_with_symbol);
    if (entry != NULL)
        *id = entry->id;
    return entry != NULL;
}
