/* Memory for many small things that are given back together, such as the nodes of a tree. */
#ifndef LAKE_BASE_ARENA_H
#define LAKE_BASE_ARENA_H

#include <stddef.h>

typedef struct ArenaChunk ArenaChunk;

/* {NULL, 0, limit} is an empty arena. */
typedef struct {
    ArenaChunk *chunks;
    size_t taken; /* bytes of all chunks */
    size_t limit; /* they may not become more; SIZE_MAX: no limit */
} Arena;

/* `size` bytes, all 0 and aligned for any number or pointer; NULL where the limit or memory is at an end. */
void *arena_take(Arena *arena, size_t size);

/* 1: what arena_take refused last was beyond the limit; 0: memory is out. */
int arena_is_full(const Arena *arena, size_t size);

void arena_free(Arena *arena);

#endif
