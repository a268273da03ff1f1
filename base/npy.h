/* NumPy's .npy files (format 1.0 to 3.0; numpy/lib/format.py): arrays in and out, as Python users have them. */
#ifndef LAKE_NPY_H
#define LAKE_NPY_H

#include <stddef.h>

#include "base/error.h"
#include "base/file.h"

#define NPY_MAX_RANK 8

/* An array in a file: float16, float32 or float64 of either byte order, C order. */
typedef struct {
    size_t rank;
    size_t shape[NPY_MAX_RANK]; /* slowest first */
    size_t count;               /* product of the shape; 1 for rank 0 */
    size_t item;                /* bytes of a number: 2, 4 or 8 */
    int big_endian;
    const unsigned char *data;  /* [count * item] in the file's byte order */
    FileView view;
} NpyFile;

/* Maps and checks a file. LAKE_BAD_INPUT with a line that says what is wrong: not a .npy file, Fortran order, another
 * number type, more or fewer bytes than the shape needs. */
int npy_open(NpyFile *file, const char *path, Error *e);
void npy_close(NpyFile *file);

/* count numbers from index `first` on, as floats (float64 is rounded to the nearest float; beyond its range it becomes an
 * infinity). */
void npy_get(const NpyFile *file, size_t first, size_t count, float *out);

/* Writes little-endian float32 in C order, format 1.0. */
int npy_write(const char *path, const float *data, size_t rank, const size_t *shape, Error *e);

#endif
