/* PatchCore: Roth and others, "Towards Total Recall in Industrial Anomaly Detection", CVPR 2022. Here its two own
 * parts; method_bank.c has the rest. */
#include <math.h>
#include <string.h>

#include "eval/method_internal.h"
#include "method/nearest.h"

/* b of eq. 7. */
enum { NEIGHBOURS = 9 };

/* ---- patches that know their surroundings ---------------------------------------------------------------------
 *
 *     out(y, x) = 1/9 sum of t(y + i, x + j), i and j from -1 to 1        0 beyond the edge
 */

void method_patchcore_tokens(float *out, const float *tokens, size_t height, size_t width, size_t channels,
                             const Clip *model)
{
    (void)model;
    memset(out, 0, height * width * channels * sizeof *out);
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            float *to = out + (y * width + x) * channels;
            for (size_t v = y > 0 ? y - 1 : 0; v <= y + 1 && v < height; v++)
                for (size_t u = x > 0 ? x - 1 : 0; u <= x + 1 && u < width; u++)
                    for (size_t d = 0; d < channels; d++)
                        to[d] += tokens[(v * width + u) * channels + d];
            for (size_t d = 0; d < channels; d++)
                to[d] /= 9;
        }
}

/* ---- the score of an image ------------------------------------------------------------------------------------
 *
 *     s = (1 - exp(|q - g*|) / sum over g in N of exp(|q - g|)) |q - g*|
 *
 * q: the worst patch; g*: the row nearest to it; N: the b rows nearest to g*, g* among them. Where the others of N
 * are much farther from q than g* is, g* is a rare normal patch, which tells little, and the distance stays; where they
 * are as near, it falls to (b - 1) / b of it. */

/* The row of the least distance, of equals the first; layer->rows where all are INFINITY. */
static size_t least_of(const double *distances, size_t rows)
{
    size_t least = rows;

    for (size_t r = 0; r < rows; r++)
        if (distances[r] < INFINITY && (least == rows || distances[r] < distances[least]))
            least = r;
    return least;
}

/* Squared distances of all rows that count to a point; INFINITY for the others. */
static void measure_rows(double *distances, const LakeLayer *layer, const float *point, size_t patch,
                         const LakeExclusion *exclusion)
{
    for (size_t r = 0; r < layer->rows; r++)
        distances[r] = exclusion != NULL && nearest_is_excluded(exclusion, layer->source[r], patch)
                           ? INFINITY
                           : nearest_squared(point, layer->gallery + r * layer->count, layer->count);
}

double method_patchcore_score(const LakeLayer *layer, const float *query, size_t patch, const LakeExclusion *exclusion,
                              double *scratch)
{
    const float *gallery = layer->gallery;
    size_t nearest, count = 0;
    double distance, sum = 0;

    measure_rows(scratch, layer, query, patch, exclusion);
    nearest = least_of(scratch, layer->rows);
    if (nearest == layer->rows)
        return -1;
    distance = sqrt(scratch[nearest]);
    measure_rows(scratch, layer, gallery + nearest * layer->count, patch, exclusion);
    scratch[nearest] = 0; /* and the first of N, whatever else is as near */
    for (; count < NEIGHBOURS; count++) {
        size_t row = count == 0 ? nearest : least_of(scratch, layer->rows);
        if (row == layer->rows)
            break;
        sum += exp(sqrt(nearest_squared(query, gallery + row * layer->count, layer->count)) - distance);
        scratch[row] = INFINITY;
    }
    return count > 1 ? (1 - 1 / sum) * distance : distance; /* a single row has no neighbours to weigh it by */
}
