/* Detectors fitted and measured on observed pictures; see experiment.h. Scoring divides the test pictures among
 * threads: each is computed by one of them, so results do not depend on how many there are. */
#include "eval/experiment_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "kernel/parallel.h"

int experiment_draw(size_t *shots, const Dataset *dataset, size_t count, size_t seed, Error *e)
{
    size_t first;
    int code = dataset_draw(&first, dataset, count, seed, e);

    for (size_t i = 0; code == LAKE_OK && i < count; i++)
        shots[i] = first + i;
    return code;
}

/* ---- which pictures are measured ---- */

static int among(size_t image, const size_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == image)
            return 1;
    return 0;
}

int experiment_measured(size_t **images, size_t *count, const Experiment *x, const ExperimentPlan *plan, Error *e)
{
    *count = 0;
    *images = malloc((x->dataset->test_count + 1) * sizeof **images);
    if (*images == NULL)
        return error_memory(e, "the list of test pictures");
    for (size_t i = 0; i < x->dataset->test_count; i++)
        if (x->test[i].observed &&
            (plan == NULL ||
             (!among(i, plan->dirty, plan->dirty_count) && !among(i, plan->left_out, plan->left_out_count))))
            (*images)[(*count)++] = i;
    return LAKE_OK;
}

int experiment_normals(const ExperimentImage ***images, size_t *count, const Experiment *x, const ExperimentPlan *plan,
                       Error *e)
{
    size_t most = plan->shot_count + plan->dirty_count;

    *count = 0;
    *images = malloc((most + 1) * sizeof **images);
    if (*images == NULL)
        return error_memory(e, "the list of normal pictures");
    for (size_t i = 0; i < most; i++) {
        const ExperimentImage *image =
            i < plan->shot_count ? &x->train[plan->shots[i]] : &x->test[plan->dirty[i - plan->shot_count]];
        if (image->observed)
            (*images)[(*count)++] = image;
    }
    if (*count > 0 || most == 0)
        return LAKE_OK;
    free(*images);
    *images = NULL;
    return error_set(e, LAKE_BAD_INPUT, "%s: none of the %llu normal pictures can be read", x->dataset->category,
                     (unsigned long long)most);
}

static int all_below(const size_t *list, size_t count, size_t limit)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] >= limit)
            return 0;
    return 1;
}

/* Whether all blocks are among those observed. */
static int were_observed(const int *blocks, size_t count, const LakeOptions *seen)
{
    size_t at = 0;

    for (size_t b = 0; b < count; b++, at++) {
        while (at < seen->layer_count && seen->layers[at] != blocks[b])
            at++;
        if (at >= seen->layer_count)
            return 0;
    }
    return 1;
}

int experiment_check_plan(LakeOptions *options, const Experiment *x, const ExperimentPlan *plan, Error *e)
{
    const LakeOptions *seen = &x->eye.options;
    int code;

    *options = plan->options;
    code = lake_options_resolve(options, x->eye.model, e);
    if (code != LAKE_OK)
        return code;
    if (!were_observed(options->layers, options->layer_count, seen) || options->resolution != seen->resolution ||
        options->grid_resize != seen->grid_resize || options->patch_attention != seen->patch_attention ||
        options->semantic_block != seen->semantic_block || strcmp(options->class_name, seen->class_name) != 0)
        return error_set(e, LAKE_USAGE, "these options ask for tokens other than those that were observed");
    if (!all_below(plan->shots, plan->shot_count, x->dataset->train_count) ||
        !all_below(plan->dirty, plan->dirty_count, x->dataset->test_count) ||
        !all_below(plan->left_out, plan->left_out_count, x->dataset->test_count))
        return error_set(e, LAKE_USAGE, "the plan names a picture that the data set '%s' does not have",
                         x->dataset->category);
    return LAKE_OK;
}

/* ---- scoring by several threads ---- */

/* How far a thread came. */
typedef struct {
    int code; /* of the first item that failed, and which one */
    size_t failed;
    Error error;
} Progress;

/* Of the items that failed the first, whichever thread met it. */
static int first_failure(const Progress *threads, size_t count, Error *e)
{
    const Progress *first = NULL;

    for (size_t t = 0; t < count; t++)
        if (threads[t].code != LAKE_OK && (first == NULL || threads[t].failed < first->failed))
            first = &threads[t];
    if (first == NULL)
        return LAKE_OK;
    if (e != NULL)
        *e = first->error;
    return first->code;
}

int experiment_each(size_t count, ExperimentItem *item, void *job, Error *e)
{
    size_t thread_count = (size_t)kernel_threads();
    Progress *threads = calloc(thread_count, sizeof *threads);
    int code;

    if (threads == NULL)
        return error_memory(e, "the scoring");
    PARALLEL(count > 1)
    {
        size_t thread = parallel_index();
        SHARED_LOOP
        for (size_t i = 0; i < count; i++) {
            if (threads[thread].code != LAKE_OK)
                continue;
            threads[thread].code = item(job, thread, i, &threads[thread].error);
            threads[thread].failed = i;
        }
    }
    code = first_failure(threads, thread_count, e);
    free(threads);
    return code;
}

/* What one thread needs. */
typedef struct {
    LakeTokens tokens; /* a copy of those at hand: scoring normalises them */
    LakeResult result;
} Worker;

typedef struct {
    ExperimentFit *fit;
    Worker *workers;
} Scoring;

/* Room for the layers of a fit, or of its options; with the text branch where there are texts. */
static int open_tokens(LakeTokens *tokens, const Experiment *x, size_t layer_count, Error *e)
{
    size_t widths[LAKE_MAX_LAYERS], grid = x->eye.state.grid;

    for (size_t l = 0; l < layer_count; l++)
        widths[l] = x->eye.model->config.vision.width;
    return lake_tokens_open(tokens, grid, grid, layer_count, widths, x->texts.embed, 0, e);
}

static void copy_tokens(LakeTokens *to, const LakeTokens *from)
{
    size_t patches = from->height * from->width;

    for (size_t l = 0; l < from->layer_count; l++)
        memcpy(to->layers[l], from->layers[l], patches * from->widths[l] * sizeof **to->layers);
    if (from->patches != NULL)
        memcpy(to->patches, from->patches, patches * from->embed * sizeof *to->patches);
    to->normalised = 0;
}

/* What was observed of a picture, as the detector wants it. */
static int copy_observed(LakeTokens *to, const ExperimentFit *fit, const ExperimentImage *image, Error *e)
{
    const LakeOptions *options = &fit->detector.options;
    ExperimentView view;
    int code = experiment_view(&view, fit->experiment, image, options->layers, options->layer_count, e);

    if (code != LAKE_OK)
        return code;
    copy_tokens(to, &view.tokens);
    experiment_view_close(&view);
    return LAKE_OK;
}

/* Scores measured picture i: the maps of it. */
static int score_one(void *job, size_t thread, size_t i, Error *e)
{
    ExperimentFit *fit = ((Scoring *)job)->fit;
    Worker *worker = ((Scoring *)job)->workers + thread;
    size_t patches = fit->detector.height * fit->detector.width;
    int code = copy_observed(&worker->tokens, fit, &fit->experiment->test[fit->images[i]], e);

    if (code == LAKE_OK)
        code = lake_score(&fit->detector, &worker->tokens, &worker->result, e);
    if (code == LAKE_OK && fit->semantic != NULL)
        code = lake_check_meaning(&fit->detector.texts, &worker->tokens, "the image", e);
    if (code != LAKE_OK)
        return code;
    memcpy(fit->structural + i * patches, worker->result.structural_map, patches * sizeof *fit->structural);
    if (fit->semantic != NULL) /* of the texts alone, and wanted whatever lambda is now */
        lake_activate(fit->semantic + i * patches, worker->tokens.patches, patches, &fit->detector.texts);
    return LAKE_OK;
}

static int open_workers(Worker **workers, size_t count, const ExperimentFit *fit, Error *e)
{
    int code = LAKE_OK;

    *workers = calloc(count, sizeof **workers);
    if (*workers == NULL)
        return error_memory(e, "the scoring");
    for (size_t w = 0; w < count && code == LAKE_OK; w++) {
        code = open_tokens(&(*workers)[w].tokens, fit->experiment, fit->detector.layer_count, e);
        if (code == LAKE_OK)
            code = lake_result_open(&(*workers)[w].result, &fit->detector, e);
    }
    return code;
}

static void close_workers(Worker *workers, size_t count)
{
    for (size_t w = 0; workers != NULL && w < count; w++) {
        lake_tokens_close(&workers[w].tokens);
        lake_result_close(&workers[w].result);
    }
    free(workers);
}

static int score_all(ExperimentFit *fit, Error *e)
{
    size_t threads = (size_t)kernel_threads();
    Scoring scoring = {fit, NULL};
    int code = open_workers(&scoring.workers, threads, fit, e);

    if (code == LAKE_OK)
        code = experiment_each(fit->count, score_one, &scoring, e);
    close_workers(scoring.workers, threads);
    return code;
}

/* ---- fitting ---- */

static int add_normal(LakeFit *fit, const Experiment *x, const LakeOptions *options, const ExperimentImage *image,
                      Error *e)
{
    ExperimentView view;
    int code = experiment_view(&view, x, image, options->layers, options->layer_count, e);

    if (code != LAKE_OK)
        return code;
    code = lake_fit_add(fit, &view.tokens, image->entry->path, e);
    experiment_view_close(&view);
    return code;
}

static int fit_detector(LakeDetector *detector, const Experiment *x, const LakeOptions *options,
                        const ExperimentPlan *plan, Error *e)
{
    const ExperimentImage **normals = NULL;
    size_t count = 0;
    LakeTokens shape;
    LakeFit *fit = NULL;
    int code = open_tokens(&shape, x, options->layer_count, e);

    if (code != LAKE_OK)
        return code;
    code = lake_fit_begin(&fit, options, x->eye.model, x->texts.embed > 0 ? &x->texts : NULL, &shape, e);
    lake_tokens_close(&shape);
    if (code == LAKE_OK)
        code = experiment_normals(&normals, &count, x, plan, e);
    for (size_t i = 0; i < count && code == LAKE_OK; i++)
        code = add_normal(fit, x, options, normals[i], e);
    free(normals);
    if (code == LAKE_OK)
        return lake_fit_finish(fit, detector, e);
    lake_fit_abandon(fit);
    return code;
}

float *experiment_maps(size_t n, size_t patches)
{
    size_t numbers, bytes;

    if (!size_multiply(n, patches, &numbers) || !size_multiply(numbers, sizeof(float), &bytes))
        return NULL;
    return malloc(bytes > 0 ? bytes : sizeof(float));
}

int experiment_fit(ExperimentFit *fit, Experiment *x, const ExperimentPlan *plan, Error *e)
{
    LakeOptions options;
    size_t patches = x->eye.state.grid * x->eye.state.grid;
    int code = experiment_check_plan(&options, x, plan, e);

    memset(fit, 0, sizeof *fit);
    fit->experiment = x;
    if (code == LAKE_OK)
        code = experiment_observe_all(x, plan, e);
    if (code == LAKE_OK)
        code = fit_detector(&fit->detector, x, &options, plan, e);
    if (code == LAKE_OK)
        code = experiment_measured(&fit->images, &fit->count, x, plan, e);
    if (code == LAKE_OK) {
        fit->structural = experiment_maps(fit->count, patches);
        fit->semantic = x->texts.embed > 0 ? experiment_maps(fit->count, patches) : NULL;
        if (fit->structural == NULL || (x->texts.embed > 0 && fit->semantic == NULL))
            code = error_memory(e, "the maps of an experiment");
    }
    if (code == LAKE_OK)
        code = score_all(fit, e);
    if (code != LAKE_OK)
        experiment_fit_close(fit);
    return code;
}

void experiment_fit_close(ExperimentFit *fit)
{
    lake_detector_close(&fit->detector);
    free(fit->images);
    free(fit->structural);
    free(fit->semantic);
    memset(fit, 0, sizeof *fit);
}

int experiment_result(LakeResult *result, const ExperimentFit *fit, size_t test_image, Error *e)
{
    LakeTokens tokens;
    int code = open_tokens(&tokens, fit->experiment, fit->detector.layer_count, e);

    if (code != LAKE_OK)
        return code;
    code = copy_observed(&tokens, fit, &fit->experiment->test[test_image], e);
    if (code == LAKE_OK)
        code = lake_score(&fit->detector, &tokens, result, e);
    lake_tokens_close(&tokens);
    return code;
}

/* ---- outcomes ---- */

int experiment_outcome_open(ExperimentOutcome *out, const size_t *images, size_t count, size_t height, size_t width,
                            int zero_shot, Error *e)
{
    memset(out, 0, sizeof *out);
    out->count = count;
    out->height = height;
    out->width = width;
    out->images = malloc((count + 1) * sizeof *out->images);
    out->maps = experiment_maps(count, height * width);
    out->scores = malloc((count + 1) * sizeof *out->scores);
    out->labels = malloc(count + 1);
    out->whole = zero_shot ? malloc((count + 1) * sizeof *out->whole) : NULL;
    if (out->images == NULL || out->maps == NULL || out->scores == NULL || out->labels == NULL ||
        (zero_shot && out->whole == NULL)) {
        experiment_outcome_close(out);
        return error_memory(e, "the outcome of an experiment");
    }
    memcpy(out->images, images, count * sizeof *images);
    return LAKE_OK;
}

void experiment_outcome_close(ExperimentOutcome *out)
{
    free(out->images);
    free(out->maps);
    free(out->scores);
    free(out->whole);
    free(out->labels);
    memset(out, 0, sizeof *out);
}

int experiment_measure(ExperimentOutcome *out, const Dataset *dataset, Error *e)
{
    for (size_t i = 0; i < out->count; i++) {
        int flagged = out->scores[i] > out->threshold;
        out->labels[i] = dataset->test[out->images[i]].anomalous != 0;
        out->false_alarms += flagged && !out->labels[i];
        out->misses += !flagged && out->labels[i];
    }
    return eval_scores(&out->measured, out->scores, out->labels, out->count, e);
}

int experiment_decide(ExperimentOutcome *out, ExperimentFit *fit, const LakeDecision *decision, Error *e)
{
    LakeDetector *d = &fit->detector;
    size_t patches = d->height * d->width;
    double *scratch;
    int code;

    memset(out, 0, sizeof *out);
    code = lake_decide(d, decision, e);
    if (code == LAKE_OK)
        code = experiment_outcome_open(out, fit->images, fit->count, d->height, d->width, 0, e);
    if (code != LAKE_OK)
        return code;
    scratch = malloc(patches * sizeof *scratch);
    if (scratch == NULL)
        code = error_memory(e, "the outcome of an experiment");
    for (size_t i = 0; code == LAKE_OK && i < fit->count; i++) {
        float *map = out->maps + i * patches;
        lake_fuse(map, fit->structural + i * patches, fit->semantic != NULL ? fit->semantic + i * patches : NULL,
                  lake_lambda(d), patches);
        out->scores[i] = lake_pool(map, patches, decision->pooling, scratch);
    }
    free(scratch);
    out->threshold = d->threshold;
    out->provisional = d->provisional;
    if (code == LAKE_OK)
        code = experiment_measure(out, fit->experiment->dataset, e);
    if (code != LAKE_OK)
        experiment_outcome_close(out);
    return code;
}

static int score_zero(ExperimentOutcome *out, const Experiment *x, Error *e)
{
    size_t patches = out->height * out->width;
    LakeResult result;
    int code = lake_result_open_zero(&result, out->height, out->width, e);

    if (code != LAKE_OK)
        return code;
    for (size_t i = 0; i < out->count && code == LAKE_OK; i++) {
        ExperimentView view;
        code = experiment_view(&view, x, &x->test[out->images[i]], NULL, 0, e);
        if (code != LAKE_OK)
            break;
        code = lake_zero(&x->texts, &view.tokens, out->threshold, &result, e);
        experiment_view_close(&view);
        if (code != LAKE_OK)
            break;
        memcpy(out->maps + i * patches, result.map, patches * sizeof *out->maps);
        out->scores[i] = result.score;
        out->whole[i] = result.whole;
    }
    lake_result_close(&result);
    return code;
}

int experiment_zero_planned(ExperimentOutcome *out, Experiment *x, const ExperimentPlan *plan, double threshold,
                            Error *e)
{
    size_t *images = NULL, count, grid = x->eye.state.grid;
    int code = experiment_observe_all(x, NULL, e);

    memset(out, 0, sizeof *out);
    if (code == LAKE_OK && x->texts.embed == 0)
        code = error_set(e, LAKE_USAGE, "zero-shot scoring needs a class name and weights with a text tower");
    if (code == LAKE_OK)
        code = experiment_measured(&images, &count, x, plan, e);
    if (code == LAKE_OK)
        code = experiment_outcome_open(out, images, count, grid, grid, 1, e);
    free(images);
    if (code != LAKE_OK)
        return code;
    out->threshold = threshold;
    code = score_zero(out, x, e);
    if (code == LAKE_OK)
        code = experiment_measure(out, x->dataset, e);
    if (code != LAKE_OK)
        experiment_outcome_close(out);
    return code;
}

int experiment_zero(ExperimentOutcome *out, Experiment *x, double threshold, Error *e)
{
    return experiment_zero_planned(out, x, NULL, threshold, e);
}
