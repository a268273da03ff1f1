/* One walk over a structure that serves to measure its file, to write it and to read it: each call names a field, and what
 * it does depends on the walk. So what is written and what is read cannot differ. The fields of .lake files
 * (detector.c); private to this folder.
 *
 * When reading, every number is checked against its range, and memory is taken for an array only after its bytes were seen
 * to be there. The first failure ends the walk: it is noted in `code`, and later calls do nothing. `what` is what messages
 * call the field. */
#ifndef LAKE_WEIGHTS_WALK_H
#define LAKE_WEIGHTS_WALK_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/file.h"

#define WALK_MAX_TEXT ((uint32_t)1 << 16) /* bytes of a text */

typedef struct {
    int reading;
    const char *path;
    Error *e;
    int code;                /* of the first failure; afterwards nothing is done */
    const unsigned char *at; /* reading: the next byte */
    size_t left;             /* reading: bytes from there to the end */
    FileOut *out;            /* writing; NULL: measuring */
    uint32_t crc;            /* writing and measuring: of the bytes so far */
    uint64_t size;           /* writing and measuring: their number */
} Walk;

/* Notes that the file cannot be what a writer wrote. */
void walk_damaged(Walk *w, const char *what);

/* Whole numbers of 64 and 32 bits, from least to most. */
void walk_u64(Walk *w, uint64_t *value, uint64_t least, uint64_t most, const char *what);
void walk_size(Walk *w, size_t *value, uint32_t least, uint32_t most, const char *what);

/* An enumeration or a small whole number, 0 to most, of 32 bits; returns what was read. */
int walk_choice(Walk *w, int value, uint32_t most, const char *what);

/* A finite double. */
void walk_f64(Walk *w, double *value, const char *what);

/* Arrays, which are new when reading: floats and doubles in [least, most], numbers below bound. */
void walk_floats(Walk *w, float **array, size_t count, float least, float most, const char *what);
void walk_doubles(Walk *w, double **array, size_t count, double least, double most, const char *what);
void walk_indices(Walk *w, uint32_t **array, size_t count, size_t bound, const char *what);

/* A text: its length, then its bytes without a 0; NULL and "" are both written as length 0 and read as NULL. */
void walk_text(Walk *w, char **text, const char *what);

#endif
