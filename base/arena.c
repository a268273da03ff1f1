/* Chunks of at least CHUNK_SIZE bytes, newest first; things are laid one behind another in the newest. */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { CHUNK_SIZE = 1 << 16 };

/* As strictly aligned as anything that is kept here. */
typedef union {
    void *pointer;
    double number;
    int64_t integer;
    size_t size;
} Unit;

struct ArenaChunk {
    ArenaChunk *next;
    size_t used, size;
    Unit data[]; /* [size] bytes */
};

/* Whole units; SIZE_MAX rounded down where that is beyond the range, which no chunk can hold. */
static size_t rounded(size_t size)
{
    size_t up;

    if (!size_add(size, sizeof(Unit) - 1, &up))
        up = SIZE_MAX;
    return up - up % sizeof(Unit);
}

static size_t chunk_for(size_t size)
{
    return rounded(size) > CHUNK_SIZE ? rounded(size) : CHUNK_SIZE;
}

int arena_is_full(const Arena *arena, size_t size)
{
    return chunk_for(size) > arena->limit - arena->taken;
}

static int add_chunk(Arena *arena, size_t size)
{
    ArenaChunk *chunk;
    size_t bytes;

    if (size > arena->limit - arena->taken || !size_add(size, sizeof *chunk, &bytes) || (chunk = calloc(1, bytes)) == NULL)
        return 0;
    chunk->size = size;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->taken += size;
    return 1;
}

void *arena_take(Arena *arena, size_t size)
{
    ArenaChunk *chunk = arena->chunks;
    size_t bytes = rounded(size);

    if (chunk == NULL || chunk->size - chunk->used < bytes) {
        if (!add_chunk(arena, chunk_for(size)))
            return NULL;
        chunk = arena->chunks;
    }
    chunk->used += bytes;
    return (unsigned char *)chunk->data + chunk->used - bytes;
}

void arena_free(Arena *arena)
{
    while (arena->chunks != NULL) {
        ArenaChunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
    arena->taken = 0;
}
