/* A gallery in bytes, which the search for nearest rows multiplies first where the processor multiplies bytes: four
 * times as many in the same time, and a bound on what rounding to bytes does to a distance. Private to the method. */
#ifndef LAKE_CODES_H
#define LAKE_CODES_H

#include "lake.h"

enum { CODES_BLOCK = 512 }; /* rows of a bound: a whole number of panels (weights.h) */

/* Bounds of a block of rows b, coded as b~: the largest ||b|| and the largest ||b~ - b||. */
typedef struct {
    double length, error;
} CodeBounds;

struct LakeCodes {
    size_t room, width;   /* rows that there is room for, numbers of a row */
    float *centre;        /* [width] subtracted from rows and queries: distances stay, lengths and errors shrink */
    signed char *numbers; /* [room, width] in panels: row - centre = scale * number, nearly */
    float *scales;        /* [room] */
    float *bias;          /* [room] -||row - centre||^2 / 2 */
    CodeBounds *bounds;   /* [room / CODES_BLOCK, rounded up] */
};

/* Room for so many rows; centre is zero. lake_codes_close frees it. */
int codes_open(struct LakeCodes **codes, size_t room, size_t width, Error *e);

/* Centre becomes the mean of rows [count, width]. */
void codes_set_centre(struct LakeCodes *codes, const float *rows, size_t count);

/* Rows [count, width], at most the room, take the place of what was there. */
void codes_fill(struct LakeCodes *codes, const float *rows, size_t count);

/* out[width] = query - centre as the search multiplies it, and of it, a, *norm = ||a||^2 and a bound *error of
 * ||a~ - a||, a~ being what a kernel that multiplies bytes takes out for (kernel.h). */
void codes_centre_query(const struct LakeCodes *codes, float *out, const float *query, double *norm, double *error);

#endif
