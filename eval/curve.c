/* The walk down the scores, and what is measured on it; see curve.h. Definitions: metrics.h. */
#include "eval/curve.h"

#include <math.h>

/* ---- measures ---- */

/* PRO at evenly spaced thresholds, from the highest down, as far as their false-positive rates are below the limit. */
typedef struct {
    int next;                      /* thresholds still to come */
    int kept;                      /* points so far */
    double first_fpr, fpr, overlap; /* the first point's and the last point's */
    double area;                   /* under the curve between them */
} Spaced;

typedef struct {
    CurveTotals totals;
    double normal, anomalous, overlap; /* flagged so far */
    Spaced spaced;
    CurveMeasures measures;            /* sums in the making */
} Sweep;

enum { SPACED = 200 };

/* Adds to PRO the piece of its curve between two false-positive rates, up to the limit. */
static void add_pro(CurveMeasures *m, double fpr0, double pro0, double fpr1, double pro1)
{
    double width = fpr1 - fpr0, rise = pro1 - pro0;

    if (fpr0 >= EVAL_PRO_LIMIT || width <= 0)
        return;
    m->pro_margin += width * rise / 2;
    if (fpr1 > EVAL_PRO_LIMIT) {
        rise *= (EVAL_PRO_LIMIT - fpr0) / width;
        width = EVAL_PRO_LIMIT - fpr0;
    }
    m->pro += width * (pro0 + rise / 2);
}

/* A share of the regions from a sum of 1 / area, which rounds: it is at most 1. */
static double mean_overlap(const Sweep *s, double overlap)
{
    return fmin(overlap / s->totals.regions, 1);
}

/* Takes the thresholds from `score` up to the score before it: what they flag is what was flagged before this step. */
static void take_spaced(Sweep *s, double score)
{
    const double step = (s->totals.highest - s->totals.lowest) / SPACED;
    const double fpr = s->normal / s->totals.normal, overlap = mean_overlap(s, s->overlap);
    Spaced *p = &s->spaced;

    for (; p->next > 0 && s->totals.lowest + (p->next - 1) * step >= score; p->next--) {
        if (fpr >= EVAL_PRO_LIMIT)
            continue;
        if (p->kept++ == 0)
            p->first_fpr = fpr;
        else
            p->area += (fpr - p->fpr) * (p->overlap + overlap) / 2;
        p->fpr = fpr;
        p->overlap = overlap;
    }
}

/* The area after the rates are brought to [0, 1]; NaN where all are the same. */
static double spaced_pro(const Spaced *p)
{
    return p->fpr > p->first_fpr ? p->area / (p->fpr - p->first_fpr) : NAN;
}

static void sweep_step(void *context, const CurveStep *step)
{
    Sweep *s = context;
    CurveMeasures *m = &s->measures;
    double normal = s->normal + step->normal, anomalous = s->anomalous + step->anomalous;
    double overlap = s->overlap + step->overlap;
    double fpr0 = s->normal / s->totals.normal, fpr1 = normal / s->totals.normal;
    double tpr0 = s->anomalous / s->totals.anomalous, tpr1 = anomalous / s->totals.anomalous;
    double f1 = 2 * anomalous / (normal + anomalous + s->totals.anomalous); /* 2TP / (2TP + FP + FN) */

    m->auroc += (fpr1 - fpr0) * (tpr0 + tpr1) / 2;
    m->auroc_margin += (fpr1 - fpr0) * (tpr1 - tpr0) / 2;
    m->ap += (tpr1 - tpr0) * anomalous / (normal + anomalous);
    if (f1 >= m->f1max) {
        m->f1max = f1;
        m->f1_threshold = step->score;
    }
    if (s->totals.regions > 0) {
        add_pro(m, fpr0, mean_overlap(s, s->overlap), fpr1, mean_overlap(s, overlap));
        take_spaced(s, step->score);
    }
    s->normal = normal;
    s->anomalous = anomalous;
    s->overlap = overlap;
}

CurveMeasures curve_measure(CurveWalk *walk, const void *source, CurveTotals totals)
{
    Sweep s = {totals, 0, 0, 0, {SPACED, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 0, 0}};
    const CurveMeasures undefined = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};

    if (totals.normal == 0 || totals.anomalous == 0)
        return undefined;
    walk(source, sweep_step, &s);
    s.measures.pro = totals.regions > 0 ? s.measures.pro / EVAL_PRO_LIMIT : NAN;
    s.measures.pro_200 = totals.regions > 0 ? spaced_pro(&s.spaced) : NAN;
    s.measures.pro_margin = totals.regions > 0 ? s.measures.pro_margin / EVAL_PRO_LIMIT : NAN;
    return s.measures;
}

/* ---- points for a plot ---- */

typedef struct {
    CurveTotals totals;
    double normal, anomalous; /* flagged so far */
    EvalPoint *points;
    size_t most, count;
    double spacing, next; /* a point is kept where fpr + tpr, the way along the curve, reaches next */
} Trace;

static void count_step(void *context, const CurveStep *step)
{
    (void)step;
    ++*(size_t *)context;
}

static void trace_step(void *context, const CurveStep *step)
{
    Trace *t = context;
    EvalPoint point;
    int last;

    t->normal += step->normal;
    t->anomalous += step->anomalous;
    point.fpr = t->normal / t->totals.normal;
    point.tpr = t->anomalous / t->totals.anomalous;
    point.threshold = step->score;
    last = t->normal == t->totals.normal && t->anomalous == t->totals.anomalous;
    if (!last && (point.fpr + point.tpr < t->next || t->count + 1 == t->most))
        return;
    t->points[t->count++] = point;
    if (t->spacing > 0)
        t->next = (floor((point.fpr + point.tpr) / t->spacing) + 1) * t->spacing;
}

int curve_roc(EvalPoint *points, size_t most, size_t *count, CurveWalk *walk, const void *source, CurveTotals totals,
              Error *e)
{
    Trace t = {totals, 0, 0, points, most, 1, 0, 0};
    const EvalPoint start = {0, 0, HUGE_VAL};
    size_t steps = 0;

    *count = 0;
    if (most < 2)
        return error_set(e, LAKE_USAGE, "a ROC curve of %llu points: expected at least 2", (unsigned long long)most);
    if (totals.normal == 0 || totals.anomalous == 0)
        return LAKE_OK;
    walk(source, count_step, &steps);
    if (steps >= most)
        t.spacing = t.next = 2.0 / (double)(most - 1);
    points[0] = start;
    walk(source, trace_step, &t);
    *count = t.count;
    return LAKE_OK;
}
