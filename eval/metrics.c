/* The measures of scores in an array, such as one per image; see metrics.h. */
#include "eval/metrics.h"

#include <math.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "eval/curve.h"

typedef struct {
    double score;
    int anomalous;
} Item;

typedef struct {
    Item *items; /* [count], highest score first */
    size_t count;
    CurveTotals totals;
} Items;

static int by_score_descending(const void *a, const void *b)
{
    double x = ((const Item *)a)->score, y = ((const Item *)b)->score;

    return (x < y) - (x > y);
}

static void walk_items(const void *source, CurveVisitor *visit, void *context)
{
    const Items *list = source;
    size_t i = 0;

    while (i < list->count) {
        CurveStep step = {list->items[i].score, 0, 0, 0};
        for (; i < list->count && list->items[i].score == step.score; i++)
            *(list->items[i].anomalous ? &step.anomalous : &step.normal) += 1;
        visit(context, &step);
    }
}

/* On success list->items is to be freed. */
static int sort_items(Items *list, const double *scores, const unsigned char *labels, size_t n, Error *e)
{
    const Items empty = {NULL, n, {0, 0, 0, 0, 0}};
    size_t bytes;

    *list = empty;
    for (size_t i = 0; i < n; i++)
        if (!isfinite(scores[i]))
            return error_set(e, LAKE_BAD_INPUT, "score %llu of %llu is %g: expected a finite number",
                             (unsigned long long)(i + 1), (unsigned long long)n, scores[i]);
    if (n == 0)
        return LAKE_OK;
    if (!size_multiply(n, sizeof *list->items, &bytes) || (list->items = malloc(bytes)) == NULL)
        return error_memory(e, "the scores to be measured");
    for (size_t i = 0; i < n; i++) {
        list->items[i].score = scores[i];
        list->items[i].anomalous = labels[i] != 0;
        *(labels[i] != 0 ? &list->totals.anomalous : &list->totals.normal) += 1;
    }
    qsort(list->items, n, sizeof *list->items, by_score_descending);
    return LAKE_OK;
}

int eval_scores(EvalScores *out, const double *scores, const unsigned char *labels, size_t n, Error *e)
{
    Items list;
    CurveMeasures measures;
    int code = sort_items(&list, scores, labels, n, e);

    if (code != LAKE_OK)
        return code;
    measures = curve_measure(walk_items, &list, list.totals);
    free(list.items);
    out->auroc = measures.auroc;
    out->ap = measures.ap;
    out->f1max = measures.f1max;
    out->f1_threshold = measures.f1_threshold;
    out->normal = (size_t)list.totals.normal;
    out->anomalous = (size_t)list.totals.anomalous;
    return LAKE_OK;
}

int eval_roc(EvalPoint *points, size_t most, size_t *count, const double *scores, const unsigned char *labels, size_t n,
             Error *e)
{
    Items list;
    int code = sort_items(&list, scores, labels, n, e);

    *count = 0;
    if (code == LAKE_OK)
        code = curve_roc(points, most, count, walk_items, &list, list.totals, e);
    free(list.items);
    return code;
}
