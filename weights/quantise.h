/* Numbers of one byte for a row of a matrix: value = q * scale (FORMAT.md, "Quantised matrices"). */
#ifndef LAKE_WEIGHTS_QUANTISE_H
#define LAKE_WEIGHTS_QUANTISE_H

#include <stddef.h>

enum { Q8_LARGEST = 127 }; /* -128 stays unused, so that the range is symmetric */

/* The largest number that a row may hold: so far below the largest float that 127 times the rounded scale is finite. */
#define Q8_RANGE 3.402e38f

/* max |row| / 127: the largest number becomes +-127, none is clipped. 0 for a row of zeros. */
float q8_scale(const float *row, size_t count);

/* q[i] = row[i] / scale rounded to the nearest whole number, ties to even, -127 to 127; 0 where the scale is 0. */
void q8_numbers(signed char *q, const float *row, size_t count, float scale);

/* The sum of (row[i] - q[i] * scale)^2. */
double q8_squared_error(const signed char *q, const float *row, size_t count, float scale);

#endif
