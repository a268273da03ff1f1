/* Names for output files made from inputs: unique, whatever the inputs are called. */
#ifndef LAKE_LABELS_H
#define LAKE_LABELS_H

#include <stddef.h>

/* A hash table of the labels given out so far; start with all zero. */
typedef struct {
    size_t count, room;
    char **slots; /* [room], a power of two; NULL: free */
} Labels;

/* The label for the part of a path that counts: separators become '_', the extension goes ("maps.npy#3" becomes
 * "maps_3"); "-2", "-3", ... is added where the label was given out before. Owned by `labels`. NULL where memory is
 * out. */
const char *labels_add(Labels *labels, const char *part);

void labels_free(Labels *labels);

#endif
