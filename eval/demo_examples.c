/* What the demo shows of a category to the eye: scores, ROC curve, and pictures with their maps. */
#include <stdlib.h>
#include <string.h>

#include "eval/demo_internal.h"
#include "image/draw.h"

static const unsigned char defect_green[3] = {60, 230, 90};

/* Scores of all test pictures, normal ones first. */
static int list_scores(DemoCategory *c, const Experiment *x, const ExperimentOutcome *out, Error *e)
{
    c->paths = calloc(out->count + 1, sizeof *c->paths);
    c->scores = malloc((out->count + 1) * sizeof *c->scores);
    c->labels = malloc(out->count + 1);
    if (c->paths == NULL || c->scores == NULL || c->labels == NULL)
        return error_memory(e, "the scores of the demo");
    for (int anomalous = 0; anomalous < 2; anomalous++)
        for (size_t i = 0; i < out->count; i++) {
            if (out->labels[i] != anomalous)
                continue;
            c->paths[c->test_count] = demo_copy_text(x->dataset->test[out->images[i]].path);
            if (c->paths[c->test_count] == NULL)
                return error_memory(e, "the scores of the demo");
            c->scores[c->test_count] = out->scores[i];
            c->labels[c->test_count++] = out->labels[i];
        }
    return LAKE_OK;
}

/* Share of the normal test pictures with a lower score. */
static double rank_of(const ExperimentOutcome *out, double score)
{
    size_t lower = 0;

    for (size_t i = 0; i < out->count; i++)
        lower += !out->labels[i] && out->scores[i] < score;
    return out->measured.normal > 0 ? (double)lower / (double)out->measured.normal : 0;
}

/* The neurons behind the worst patch. */
static int explain(DemoExample *example, const ExperimentFit *fit, size_t test_image, Error *e)
{
    LakeResult result;
    int code = lake_result_open(&result, &fit->detector, e);

    if (code != LAKE_OK)
        return code;
    code = experiment_result(&result, fit, test_image, e);
    if (code == LAKE_OK) {
        example->structural = result.structural;
        example->semantic = result.semantic;
        example->row = result.row;
        example->column = result.column;
        example->share_count = lake_attribute(&fit->detector, &result, result.row * result.width + result.column,
                                              example->shares, DEMO_SHARES);
    }
    lake_result_close(&result);
    return code;
}

/* Photo, heatmap, overlay. */
static int draw_pictures(DemoExample *example, const DemoCategory *c, const Experiment *x, Error *e)
{
    int width, height;
    int code = x->source.picture(&example->photo, x->source.context, example->path, e);

    if (code != LAKE_OK) {
        example->photo.rgb = NULL;
        return code;
    }
    width = example->photo.width;
    height = example->photo.height;
    code = draw_heatmap(&example->heatmap, example->map, width, height, (float)c->lo, (float)c->hi, e);
    if (code != LAKE_OK) {
        example->heatmap.rgb = NULL;
        return code;
    }
    code = draw_overlay(&example->overlay, &example->photo, example->map, (float)c->lo, (float)c->hi,
                        (float)c->threshold, e);
    if (code != LAKE_OK) {
        example->overlay.rgb = NULL;
        return code;
    }
    if (example->mask != NULL)
        code = draw_outline(&example->overlay, example->mask, width, height, defect_green, e);
    return code;
}

static int add_example(DemoCategory *c, Experiment *x, const ExperimentFit *fit, const ExperimentOutcome *out,
                       size_t i, Error *e)
{
    DemoExample *example = &c->examples[c->example_count++];
    const DatasetImage *image = &x->dataset->test[out->images[i]];
    int code;

    example->path = demo_copy_text(image->path);
    example->kind = demo_copy_text(image->kind);
    if (example->path == NULL || example->kind == NULL)
        return error_memory(e, "a name");
    example->anomalous = image->anomalous;
    example->score = out->scores[i];
    example->flagged = out->scores[i] > out->threshold;
    example->rank = rank_of(out, out->scores[i]);
    code = explain(example, fit, out->images[i], e);
    if (code == LAKE_OK)
        code = experiment_map(&example->map, x, out, i, e);
    if (code == LAKE_OK)
        code = experiment_mask(&example->mask, x, out->images[i], e);
    return code == LAKE_OK ? draw_pictures(example, c, x, e) : code;
}

/* The first normal picture, then the first of each kind of defect. */
static int add_examples(DemoCategory *c, Experiment *x, const ExperimentFit *fit, const ExperimentOutcome *out,
                        Error *e)
{
    int code = LAKE_OK;

    for (int anomalous = 0; anomalous < 2; anomalous++) {
        const char *last = "";
        for (size_t i = 0; i < out->count && c->example_count < DEMO_EXAMPLES && code == LAKE_OK; i++) {
            const char *kind = x->dataset->test[out->images[i]].kind;
            if (out->labels[i] != anomalous || strcmp(kind, last) == 0)
                continue;
            last = kind;
            code = add_example(c, x, fit, out, i, e);
        }
    }
    return code;
}

int demo_show(DemoCategory *c, Experiment *x, const ExperimentFit *fit, const ExperimentOutcome *out, Error *e)
{
    int code = list_scores(c, x, out, e);

    c->threshold = out->threshold;
    c->lo = 0.5 * out->threshold;
    c->hi = 1.5 * out->threshold;
    for (size_t i = 0; i < DEMO_SHOTS && i < fit->detector.normal_count; i++)
        c->normal_scores[i] = fit->detector.normal_scores[i];
    if (code == LAKE_OK)
        code = eval_roc(c->roc, DEMO_ROC_POINTS, &c->roc_count, out->scores, out->labels, out->count, e);
    return code == LAKE_OK ? add_examples(c, x, fit, out, e) : code;
}

void demo_free_shown(DemoCategory *c)
{
    for (size_t i = 0; c->paths != NULL && i < c->test_count; i++)
        free(c->paths[i]);
    free(c->paths);
    free(c->scores);
    free(c->labels);
    for (size_t i = 0; i < c->example_count; i++) {
        DemoExample *example = &c->examples[i];
        free(example->path);
        free(example->kind);
        free(example->map);
        free(example->mask);
        img_free(&example->photo);
        img_free(&example->heatmap);
        img_free(&example->overlay);
    }
}
