/* Eigenvalues and eigenvectors of a real symmetric matrix. */
#ifndef LAKE_EIGEN_H
#define LAKE_EIGEN_H

#include <stddef.h>

#include "base/error.h"

/* matrix [n, n] symmetric (only the lower triangle is read; destroyed) -> values[n] in DESCENDING order and vectors
 * [n, n] whose ROW i is the unit eigenvector of values[i], its entry of largest magnitude (the first of equals)
 * positive. About 10 n^3 operations. LAKE_BAD_INPUT where the iteration does not converge (not seen for finite
 * numbers). */
int eigen_symmetric(double *values, double *vectors, double *matrix, size_t n, Error *e);

#endif
