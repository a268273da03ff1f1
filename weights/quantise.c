/* Symmetric quantisation of a row to bytes, the plain "absmax" one: no zero point, so that a product of rows is one sum
 * of products of whole numbers times two scales. A search for the scale of least squared error was measured and left
 * out: it lowers the error of a matrix by 1 to 2 percent of itself (ViT-Ti/16 from 0.80 % to 0.79 % of the weights). */
#include "weights/quantise.h"

#include <math.h>

float q8_scale(const float *row, size_t count)
{
    float largest = 0;

    for (size_t i = 0; i < count; i++)
        largest = fabsf(row[i]) > largest ? fabsf(row[i]) : largest;
    return (float)((double)largest / Q8_LARGEST);
}

void q8_numbers(signed char *q, const float *row, size_t count, float scale)
{
    for (size_t i = 0; i < count; i++) {
        /* The quotient of two floats, in double: never rounded onto a tie that it is not, on any machine. */
        double quotient = scale > 0 ? rint((double)row[i] / scale) : 0;

        /* Beyond 127 only where the scale, below 1e-38, has few digits itself. */
        q[i] = (signed char)(quotient > Q8_LARGEST ? Q8_LARGEST : quotient < -Q8_LARGEST ? -Q8_LARGEST : quotient);
    }
}

double q8_squared_error(const signed char *q, const float *row, size_t count, float scale)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        float value = (float)q[i] * scale; /* as every reader widens it */
        double difference = (double)row[i] - value;
        sum += difference * difference;
    }
    return sum;
}
