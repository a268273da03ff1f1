/* Which image of one list is which of another, by their names. */
#ifndef LAKE_MATCH_H
#define LAKE_MATCH_H

#include <stddef.h>

#include "base/error.h"

/* A list of image names: paths of pictures or maps, whole or in part. */
typedef struct {
    const char *source; /* what messages call the list */
    size_t count;
    char **names;       /* [count] */
} Names;

/* Pairs two lists: partner[i] is the number in b of a's image i.
 *
 * Compared is a path's end without its extension: the file's name alone where that tells all images of a list apart,
 * else as many folders in front of it as are needed. Separators count as '_', since the maps that `score` writes are
 * called so: "test/cut/000.png", "cut/000.npy" and "cut_000.npy" are one image.
 *
 * LAKE_BAD_INPUT names an image that a list holds twice, or that only one of them has. */
int match_names(size_t *partner, const Names *a, const Names *b, Error *e);

#endif
