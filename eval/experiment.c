/* Experiments on observed pictures; see experiment.h. Scoring divides the test pictures among threads: each is computed
 * by one of them, so results do not depend on how many there are. */
#include "eval/experiment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "kernel/parallel.h"
#include "method/map.h"

/* ---- pictures of a folder ---- */

static int folder_picture(Image *image, const void *context, const char *path, Error *e)
{
    char *full = dataset_path(context, path);
    int code = full != NULL ? img_read(image, full, 0, e) : error_memory(e, "a path");

    free(full);
    return code;
}

static int folder_mask(unsigned char *mask, size_t height, size_t width, const void *context, const char *path,
                       Error *e)
{
    char *full = dataset_path(context, path);
    int code = full != NULL ? dataset_mask_read(mask, height, width, full, e) : error_memory(e, "a path");

    free(full);
    return code;
}

ExperimentSource experiment_folder(const char *root)
{
    ExperimentSource source = {folder_picture, folder_mask, NULL};

    source.context = root;
    return source;
}

/* ---- observing ---- */

int experiment_open(Experiment *x, const Clip *model, const LakeOptions *options, const Dataset *dataset,
                    const ExperimentSource *source, Error *e)
{
    int see = LAKE_SEE_STRUCTURE, code = LAKE_OK;

    memset(x, 0, sizeof *x);
    x->dataset = dataset;
    x->source = *source;
    if (options->class_name[0] != '\0' && model->config.has_text) {
        see |= LAKE_SEE_MEANING | LAKE_SEE_WHOLE;
        code = lake_texts_open(&x->texts, model, options->class_name, options->prompts, NULL, e);
    }
    if (code == LAKE_OK)
        code = lake_observer_open(&x->eye, model, options, see, e);
    if (code != LAKE_OK)
        return code;
    x->train = calloc(dataset->train_count + 1, sizeof *x->train);
    x->test = calloc(dataset->test_count + 1, sizeof *x->test);
    if (x->train == NULL || x->test == NULL)
        return error_memory(e, "the pictures of an experiment");
    for (size_t i = 0; i < dataset->train_count; i++)
        x->train[i].entry = &dataset->train[i];
    for (size_t i = 0; i < dataset->test_count; i++)
        x->test[i].entry = &dataset->test[i];
    return LAKE_OK;
}

void experiment_close(Experiment *x)
{
    for (size_t i = 0; x->train != NULL && i < x->dataset->train_count; i++)
        lake_tokens_close(&x->train[i].tokens);
    for (size_t i = 0; x->test != NULL && i < x->dataset->test_count; i++)
        lake_tokens_close(&x->test[i].tokens);
    free(x->train);
    free(x->test);
    lake_texts_close(&x->texts);
    lake_observer_close(&x->eye);
    memset(x, 0, sizeof *x);
}

int experiment_observe(Experiment *x, ExperimentImage *image, Error *e)
{
    const char *path = image->entry->path;
    size_t patch = x->eye.model->config.patch;
    Image picture;
    int code;

    if (image->observed)
        return LAKE_OK;
    code = x->source.picture(&picture, x->source.context, path, e);
    if (code != LAKE_OK)
        return code;
    image->height = (size_t)picture.height;
    image->width = (size_t)picture.width;
    if (image->height < patch || image->width < patch)
        code = error_set(e, LAKE_BAD_INPUT, "%s: %d x %d pixels, and a patch of this model has %d x %d", path,
                         picture.width, picture.height, (int)patch, (int)patch);
    if (code == LAKE_OK)
        code = lake_observer_tokens(&x->eye, &image->tokens, e);
    if (code == LAKE_OK)
        code = lake_observe(&x->eye, &picture, &image->tokens, e);
    img_free(&picture);
    if (code == LAKE_OK)
        image->observed = 1;
    else
        lake_tokens_close(&image->tokens);
    return code;
}

static int observe_test(Experiment *x, Error *e)
{
    int code = LAKE_OK;

    for (size_t i = 0; i < x->dataset->test_count && code == LAKE_OK; i++)
        code = experiment_observe(x, &x->test[i], e);
    return code;
}

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

/* The test pictures that are neither dirty nor left out, in a new array. plan NULL: all. */
static int list_measured(size_t **images, size_t *count, const Dataset *dataset, const ExperimentPlan *plan, Error *e)
{
    *count = 0;
    *images = malloc((dataset->test_count + 1) * sizeof **images);
    if (*images == NULL)
        return error_memory(e, "the list of test pictures");
    for (size_t i = 0; i < dataset->test_count; i++)
        if (plan == NULL ||
            (!among(i, plan->dirty, plan->dirty_count) && !among(i, plan->left_out, plan->left_out_count)))
            (*images)[(*count)++] = i;
    return LAKE_OK;
}

static int all_below(const size_t *list, size_t count, size_t limit)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] >= limit)
            return 0;
    return 1;
}

static int check_plan(LakeOptions *options, const Experiment *x, const ExperimentPlan *plan, Error *e)
{
    const LakeOptions *seen = &x->eye.options;
    int same, code;

    *options = plan->options;
    code = lake_options_resolve(options, x->eye.model, e);
    if (code != LAKE_OK)
        return code;
    same = options->layer_count == seen->layer_count && options->resolution == seen->resolution &&
           options->grid_resize == seen->grid_resize && options->patch_attention == seen->patch_attention &&
           options->semantic_block == seen->semantic_block && strcmp(options->class_name, seen->class_name) == 0;
    for (size_t l = 0; same && l < options->layer_count; l++)
        same = options->layers[l] == seen->layers[l];
    if (!same)
        return error_set(e, LAKE_USAGE, "these options ask for tokens other than those that were observed");
    if (!all_below(plan->shots, plan->shot_count, x->dataset->train_count) ||
        !all_below(plan->dirty, plan->dirty_count, x->dataset->test_count) ||
        !all_below(plan->left_out, plan->left_out_count, x->dataset->test_count))
        return error_set(e, LAKE_USAGE, "the plan names a picture that the data set '%s' does not have",
                         x->dataset->category);
    return LAKE_OK;
}

/* ---- scoring by several threads ---- */

/* What one thread needs. */
typedef struct {
    LakeTokens tokens; /* a copy of those at hand: scoring normalises them */
    LakeResult result;
    int code; /* of the first picture that failed, and which one */
    size_t failed;
    Error error;
} Worker;

static void copy_tokens(LakeTokens *to, const LakeTokens *from)
{
    size_t patches = from->height * from->width;

    for (size_t l = 0; l < from->layer_count; l++)
        memcpy(to->layers[l], from->layers[l], patches * from->widths[l] * sizeof **to->layers);
    if (from->patches != NULL)
        memcpy(to->patches, from->patches, patches * from->embed * sizeof *to->patches);
    to->normalised = 0;
}

/* Scores measured picture i: the maps of it. */
static int score_one(ExperimentFit *fit, Worker *worker, size_t i, Error *e)
{
    const ExperimentImage *image = &fit->experiment->test[fit->images[i]];
    size_t patches = fit->detector.height * fit->detector.width;
    int code;

    copy_tokens(&worker->tokens, &image->tokens);
    code = lake_score(&fit->detector, &worker->tokens, &worker->result, e);
    if (code == LAKE_OK && fit->semantic != NULL)
        code = lake_check_meaning(&fit->detector.texts, &worker->tokens, "the image", e);
    if (code != LAKE_OK)
        return code;
    memcpy(fit->structural + i * patches, worker->result.structural_map, patches * sizeof *fit->structural);
    if (fit->semantic != NULL) /* of the texts alone, and wanted whatever lambda is now */
        lake_activate(fit->semantic + i * patches, image->tokens.patches, patches, &fit->detector.texts);
    return LAKE_OK;
}

static int open_workers(Worker **workers, size_t *count, const ExperimentFit *fit, Error *e)
{
    int code = LAKE_OK;

    *count = (size_t)kernel_threads();
    *workers = calloc(*count, sizeof **workers);
    if (*workers == NULL)
        return error_memory(e, "the scoring");
    for (size_t w = 0; w < *count && code == LAKE_OK; w++) {
        code = lake_observer_tokens(&fit->experiment->eye, &(*workers)[w].tokens, e);
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

/* Of the pictures that could not be scored the first, whichever thread met it. */
static int first_failure(const Worker *workers, size_t count, Error *e)
{
    const Worker *first = NULL;

    for (size_t w = 0; w < count; w++)
        if (workers[w].code != LAKE_OK && (first == NULL || workers[w].failed < first->failed))
            first = &workers[w];
    if (first == NULL)
        return LAKE_OK;
    *e = first->error;
    return first->code;
}

static int score_all(ExperimentFit *fit, Error *e)
{
    Worker *workers;
    size_t count;
    int code = open_workers(&workers, &count, fit, e);

    if (code == LAKE_OK) {
        PARALLEL(fit->count > 1)
        {
            Worker *worker = workers + parallel_index();
            SHARED_LOOP
            for (size_t i = 0; i < fit->count; i++) {
                if (worker->code != LAKE_OK)
                    continue;
                worker->code = score_one(fit, worker, i, &worker->error);
                worker->failed = i;
            }
        }
        code = first_failure(workers, count, e);
    }
    close_workers(workers, count);
    return code;
}

/* ---- fitting ---- */

static int add_normal(LakeFit *fit, Experiment *x, ExperimentImage *image, Error *e)
{
    int code = experiment_observe(x, image, e);

    return code == LAKE_OK ? lake_fit_add(fit, &image->tokens, image->entry->path, e) : code;
}

static int fit_detector(LakeDetector *detector, Experiment *x, const LakeOptions *options, const ExperimentPlan *plan,
                        Error *e)
{
    LakeTokens shape;
    LakeFit *fit = NULL;
    int code = lake_observer_tokens(&x->eye, &shape, e);

    if (code != LAKE_OK)
        return code;
    code = lake_fit_begin(&fit, options, x->eye.model, x->texts.embed > 0 ? &x->texts : NULL, &shape, e);
    lake_tokens_close(&shape);
    for (size_t i = 0; i < plan->shot_count && code == LAKE_OK; i++)
        code = add_normal(fit, x, &x->train[plan->shots[i]], e);
    for (size_t i = 0; i < plan->dirty_count && code == LAKE_OK; i++)
        code = add_normal(fit, x, &x->test[plan->dirty[i]], e);
    if (code == LAKE_OK)
        return lake_fit_finish(fit, detector, e);
    lake_fit_abandon(fit);
    return code;
}

/* Room for n maps of P patches; one number at least, so that NULL means that memory is out. */
static float *new_maps(size_t n, size_t patches)
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
    int code = check_plan(&options, x, plan, e);

    memset(fit, 0, sizeof *fit);
    fit->experiment = x;
    if (code == LAKE_OK)
        code = observe_test(x, e);
    if (code == LAKE_OK)
        code = fit_detector(&fit->detector, x, &options, plan, e);
    if (code == LAKE_OK)
        code = list_measured(&fit->images, &fit->count, x->dataset, plan, e);
    if (code == LAKE_OK) {
        fit->structural = new_maps(fit->count, patches);
        fit->semantic = x->texts.embed > 0 ? new_maps(fit->count, patches) : NULL;
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
    int code = lake_observer_tokens(&fit->experiment->eye, &tokens, e);

    if (code != LAKE_OK)
        return code;
    copy_tokens(&tokens, &fit->experiment->test[test_image].tokens);
    code = lake_score(&fit->detector, &tokens, result, e);
    lake_tokens_close(&tokens);
    return code;
}

/* ---- outcomes ---- */

static int open_outcome(ExperimentOutcome *out, const size_t *images, size_t count, size_t height, size_t width,
                        int zero_shot, Error *e)
{
    memset(out, 0, sizeof *out);
    out->count = count;
    out->height = height;
    out->width = width;
    out->images = malloc((count + 1) * sizeof *out->images);
    out->maps = new_maps(count, height * width);
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

/* Labels, wrong decisions and measures, once scores and threshold are there. */
static int measure(ExperimentOutcome *out, const Dataset *dataset, Error *e)
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
        code = open_outcome(out, fit->images, fit->count, d->height, d->width, 0, e);
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
        code = measure(out, fit->experiment->dataset, e);
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
        code = lake_zero(&x->texts, &x->test[out->images[i]].tokens, out->threshold, &result, e);
        if (code == LAKE_OK) {
            memcpy(out->maps + i * patches, result.map, patches * sizeof *out->maps);
            out->scores[i] = result.score;
            out->whole[i] = result.whole;
        }
    }
    lake_result_close(&result);
    return code;
}

int experiment_zero(ExperimentOutcome *out, Experiment *x, double threshold, Error *e)
{
    size_t *images = NULL, count, grid = x->eye.state.grid;
    int code = observe_test(x, e);

    memset(out, 0, sizeof *out);
    if (code == LAKE_OK && x->texts.embed == 0)
        code = error_set(e, LAKE_USAGE, "zero-shot scoring needs a class name and weights with a text tower");
    if (code == LAKE_OK)
        code = list_measured(&images, &count, x->dataset, NULL, e);
    if (code == LAKE_OK)
        code = open_outcome(out, images, count, grid, grid, 1, e);
    free(images);
    if (code != LAKE_OK)
        return code;
    out->threshold = threshold;
    code = score_zero(out, x, e);
    if (code == LAKE_OK)
        code = measure(out, x->dataset, e);
    if (code != LAKE_OK)
        experiment_outcome_close(out);
    return code;
}

/* ---- pixels ---- */

int experiment_map(float **map, const Experiment *x, const ExperimentOutcome *out, size_t i, Error *e)
{
    const ExperimentImage *image = &x->test[out->images[i]];

    return map_of_grid(map, image->height, image->width, out->maps + i * out->height * out->width, out->height,
                       out->width, e);
}

int experiment_mask(unsigned char **mask, const Experiment *x, size_t test_image, Error *e)
{
    const ExperimentImage *image = &x->test[test_image];
    const char *path = x->dataset->test[test_image].mask;
    int code;

    *mask = NULL;
    if (path == NULL)
        return LAKE_OK;
    *mask = malloc(image->height * image->width);
    if (*mask == NULL)
        return error_memory(e, "a mask");
    code = x->source.mask(*mask, image->height, image->width, x->source.context, path, e);
    if (code != LAKE_OK) {
        free(*mask);
        *mask = NULL;
    }
    return code;
}

static int add_pixels(EvalPixels *pixels, const Experiment *x, const ExperimentOutcome *out, size_t i, Error *e)
{
    const ExperimentImage *image = &x->test[out->images[i]];
    unsigned char *mask;
    float *map;
    int code;

    if (out->labels[i] && x->dataset->test[out->images[i]].mask == NULL)
        return LAKE_OK; /* nobody knows which of its pixels are defective */
    code = experiment_mask(&mask, x, out->images[i], e);
    if (code != LAKE_OK)
        return code;
    code = experiment_map(&map, x, out, i, e);
    if (code == LAKE_OK) {
        code = eval_pixels_add(pixels, map, mask, image->height, image->width, e);
        free(map);
    }
    free(mask);
    return code;
}

int experiment_pixels(EvalPixelScores *scores, const Experiment *x, const ExperimentOutcome *out, Error *e)
{
    EvalPixels *pixels;
    int code = eval_pixels_open(&pixels, 0, e);

    if (code != LAKE_OK)
        return code;
    for (size_t i = 0; i < out->count && code == LAKE_OK; i++)
        code = add_pixels(pixels, x, out, i, e);
    if (code == LAKE_OK)
        code = eval_pixels_scores(pixels, scores, e);
    eval_pixels_close(pixels);
    return code;
}
