/* What the measures of metrics.h have in common: they all follow from one walk over the distinct scores, from the
 * highest down, at each of which some normal and some anomalous items (images or pixels) become flagged. */
#ifndef LAKE_EVAL_CURVE_H
#define LAKE_EVAL_CURVE_H

#include "eval/metrics.h"

/* The items of one distinct score. */
typedef struct {
    double score;
    double normal, anomalous; /* how many */
    double overlap;           /* sum over the anomalous pixels of 1 / area of their region; 0 for images */
} CurveStep;

typedef void CurveVisitor(void *context, const CurveStep *step);

/* A source of steps: calls visit(context, step) for each distinct score, from the highest to the lowest. */
typedef void CurveWalk(const void *source, CurveVisitor *visit, void *context);

/* All that is on the curve. */
typedef struct {
    double normal, anomalous, regions; /* regions: 0 where there is no PRO */
    double lowest, highest;            /* scores, for the thresholds of pro_200; unused where there is no PRO */
} CurveTotals;

typedef struct {
    double auroc, ap, f1max, f1_threshold, pro, pro_200; /* NaN where undefined */
    double auroc_margin, pro_margin; /* what ordering the items within each step could change, at most */
} CurveMeasures;

CurveMeasures curve_measure(CurveWalk *walk, const void *source, CurveTotals totals);

/* eval_roc's points. LAKE_USAGE where most is below 2. */
int curve_roc(EvalPoint *points, size_t most, size_t *count, CurveWalk *walk, const void *source, CurveTotals totals,
              Error *e);

#endif
