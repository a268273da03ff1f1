/* LAKE beside another detector: what both say of an image, on one scale, becomes one map and one score.
 *
 * Two detectors' values cannot be averaged as they are: one gives distances around 20, the other probabilities. Each is
 * put on the scale of lake.c's section 4, where 0.5 is the edge of normal, by its own values v on normal images that it
 * was not fitted on. With e the 99th percentile of these:
 *
 *     distances        c(v) = (v - o) / ((v - o) + (e - o))             o = min(0, least normal value); v < o counts as o
 *     probabilities    c(v) = v (1 - e) / (v (1 - e) + e (1 - v))       the same of the odds v / (1 - v)
 *     fused            m = (1 - w) c_lake + w c_other                   or the larger of the two
 *
 * LAKE's own values are of the second kind: a = d / (d + delta) is an odds of d / delta, so calibrating the odds is
 * calibrating the distance, and nothing is squashed twice. At e = 0.5 values stay as they are. */
#ifndef LAKE_FUSE_H
#define LAKE_FUSE_H

#include <stddef.h>

#include "base/error.h"

/* The quantile of the normal values that is the edge of normal. */
#define FUSE_EDGE 0.99

typedef enum {
    FUSE_DISTANCE,   /* any finite number, larger is more anomalous */
    FUSE_PROBABILITY /* from 0 to 1: probabilities, and values calibrated before, such as LAKE's */
} FuseValues;

typedef enum { FUSE_MEAN, FUSE_MAX } FuseRule;

/* What puts the values of one detector on the common scale. */
typedef struct {
    FuseValues values;
    double origin; /* distances: what becomes 0 */
    double edge;   /* what becomes 0.5, above the origin; probabilities: below 1 */
} FuseScale;

/* The scale from values on normal images: the least, the quantile FUSE_EDGE, the largest. Where that quantile is 0 (most
 * of a map is exactly 0) the largest value is the edge instead. LAKE_BAD_INPUT where all are 0: those are images that
 * the detector remembers; or, of probabilities, where the edge is 1. `name` is what the message calls the values. */
int fuse_scale(FuseScale *scale, FuseValues values, double least, double edge, double largest, const char *name,
               Error *e);

/* Values taken as calibrated already: 0.5 is the edge. */
FuseScale fuse_scale_none(void);

/* A value on the common scale: 0 to 1, never falling as v rises. */
double fuse_calibrate(const FuseScale *scale, double v);

/* Two calibrated values as one. weight: of the other detector, 0 to 1; FUSE_MAX does not use it. */
double fuse_pair(double lake, double other, double weight, FuseRule rule);

/* An anomaly map [height, width]. */
typedef struct {
    size_t height, width;
    float *data;
} FuseMap;

/* The larger height and the larger width of two maps: at this size they meet, so that neither loses detail. LAKE_BAD_INPUT
 * where it has more than 2^28 pixels. */
int fuse_common_size(size_t *height, size_t *width, const FuseMap *a, const FuseMap *b, Error *e);

/* Both maps calibrated, enlarged to their common size where they are smaller (map_upsample), and combined: a new buffer
 * in fused->data. lake and other are calibrated in place. */
int fuse_maps(FuseMap *fused, FuseMap *lake, const FuseScale *lake_scale, FuseMap *other, const FuseScale *other_scale,
              double weight, FuseRule rule, Error *e);

#endif
