/* Memory banks of the literature on the tokens that LAKE sees: patches of the normal pictures are remembered, and a
 * patch's score is its distance to the nearest of them. All on the machinery of LAKE with a single layer, all channels
 * and no normalisation, whose distances are taken as they are. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "eval/method_internal.h"
#include "kernel/kernel.h"
#include "method/nearest.h"

/* What tells one memory bank from another. */
typedef struct {
    MethodTokens *tokens;
    LakeDistance distance;
    double coreset;
    int reweighted; /* 1: image score by PatchCore's eq. 7; 0: mean of the top 1 % */
} BankKind;

static const BankKind patchcore = {method_patchcore_tokens, LAKE_DISTANCE_L2, 0.1, 1};
static const BankKind anomalydino = {method_anomalydino_tokens, LAKE_DISTANCE_COSINE, 1, 0};

/* What one thread needs. */
typedef struct {
    LakeTokens patches; /* of one layer: the blocks' channels side by side */
    float *block;       /* [P, D] tokens of one block */
    LakeResult result;
    double *scratch; /* [rows or P] */
} Worker;

typedef struct {
    const BankKind *kind;
    const MethodDraw *draw;
    size_t block_count;
    int blocks[LAKE_MAX_LAYERS];
    size_t counts[LAKE_MAX_LAYERS];     /* channels of each that are remembered */
    uint32_t *channels[LAKE_MAX_LAYERS]; /* [counts[b]]; NULL: all */
    size_t width;                       /* their sum */
    LakeDetector detector;
    Worker *workers;
    size_t worker_count;
    MethodOutcome *outcome;
} Bank;

/* ---- which channels ---- */

/* LAKE's selection of one block: by variance, over the draw's normals, after the token normalisation of its options. */
static int select_channels(Bank *bank, size_t b, Error *e)
{
    const MethodDraw *draw = bank->draw;
    size_t width = draw->x->eye.model->config.vision.width, patches = draw->height * draw->width;
    float *tokens = malloc(patches * width * sizeof *tokens);
    double *scratch = malloc((2 * width > patches ? 2 * width : patches) * sizeof *scratch);
    LakeMoments moments;
    int code = lake_moments_open(&moments, width, e);

    bank->channels[b] = malloc(bank->counts[b] * sizeof *bank->channels[b]);
    if (code == LAKE_OK && (tokens == NULL || scratch == NULL || bank->channels[b] == NULL))
        code = error_memory(e, "the selection");
    for (size_t i = 0; code == LAKE_OK && i < draw->normal_count; i++) {
        ExperimentView view;
        code = experiment_view(&view, draw->x, draw->normals[i], &bank->blocks[b], 1, e);
        if (code != LAKE_OK)
            break;
        memcpy(tokens, view.tokens.layers[0], patches * width * sizeof *tokens);
        experiment_view_close(&view);
        lake_normalise(tokens, patches, width, draw->options.normalisation, scratch);
        lake_moments_add(&moments, tokens, patches, width, NULL, scratch);
    }
    if (code == LAKE_OK)
        code = lake_select(bank->channels[b], bank->counts[b], &moments, width, LAKE_SELECT_VARIANCE, 0, e);
    lake_moments_close(&moments);
    free(tokens);
    free(scratch);
    return code;
}

static int choose_channels(Bank *bank, const Method *method, Error *e)
{
    const ClipConfig *config = &bank->draw->x->eye.model->config;
    const LakeOptions *options = &bank->draw->options;
    size_t most = config->vision.width;
    int code = LAKE_OK;

    if (method->lake_channels && options->neurons < most)
        most = options->neurons;
    if (method->base == METHOD_PATCHCORE) {
        bank->block_count = options->layer_count;
        memcpy(bank->blocks, options->layers, sizeof bank->blocks);
    } else {
        bank->block_count = 1;
        bank->blocks[0] = (int)config->vision.layers;
    }
    for (size_t b = 0; b < bank->block_count && code == LAKE_OK; b++) {
        bank->counts[b] = most;
        bank->width += most;
        if (method->lake_channels)
            code = select_channels(bank, b, e);
    }
    return code;
}

/* ---- patches of a picture ---- */

static int fill_patches(Worker *worker, const Bank *bank, const ExperimentImage *image, Error *e)
{
    const Clip *model = bank->draw->x->eye.model;
    size_t patches = bank->draw->height * bank->draw->width, at = 0;
    ExperimentView view;
    int code = experiment_view(&view, bank->draw->x, image, bank->blocks, bank->block_count, e);

    if (code != LAKE_OK)
        return code;
    for (size_t b = 0; b < bank->block_count; b++) {
        size_t width = view.tokens.widths[b];
        bank->kind->tokens(worker->block, view.tokens.layers[b], bank->draw->height, bank->draw->width, width, model);
        for (size_t p = 0; p < patches; p++)
            for (size_t k = 0; k < bank->counts[b]; k++)
                worker->patches.layers[0][p * bank->width + at + k] =
                    worker->block[p * width + (bank->channels[b] != NULL ? bank->channels[b][k] : k)];
        at += bank->counts[b];
    }
    worker->patches.normalised = 0;
    experiment_view_close(&view);
    return LAKE_OK;
}

static int open_worker(Worker *worker, const Bank *bank, Error *e)
{
    size_t patches = bank->draw->height * bank->draw->width, width = bank->draw->x->eye.model->config.vision.width;

    worker->block = malloc(patches * width * sizeof *worker->block);
    if (worker->block == NULL)
        return error_memory(e, "the patches of a memory bank");
    return lake_tokens_open(&worker->patches, bank->draw->height, bank->draw->width, 1, &bank->width, 0, 0, e);
}

/* Room for a worker's results, once there is a detector. */
static int open_result(Worker *worker, const Bank *bank, Error *e)
{
    size_t patches = bank->draw->height * bank->draw->width, rows = bank->detector.layers[0].rows;

    worker->scratch = malloc((rows > patches ? rows : patches) * sizeof *worker->scratch);
    if (worker->scratch == NULL)
        return error_memory(e, "the scores of a memory bank");
    return lake_result_open(&worker->result, &bank->detector, e);
}

static int open_workers(Bank *bank, Error *e)
{
    int code = LAKE_OK;

    bank->worker_count = (size_t)kernel_threads();
    bank->workers = calloc(bank->worker_count, sizeof *bank->workers);
    if (bank->workers == NULL)
        return error_memory(e, "a memory bank");
    for (size_t w = 0; w < bank->worker_count && code == LAKE_OK; w++)
        code = open_worker(&bank->workers[w], bank, e);
    return code;
}

static void close_bank(Bank *bank)
{
    for (size_t w = 0; bank->workers != NULL && w < bank->worker_count; w++) {
        free(bank->workers[w].block);
        free(bank->workers[w].scratch);
        lake_tokens_close(&bank->workers[w].patches);
        lake_result_close(&bank->workers[w].result);
    }
    free(bank->workers);
    for (size_t b = 0; b < bank->block_count; b++)
        free(bank->channels[b]);
    lake_detector_close(&bank->detector);
}

/* ---- remember ---- */

static int remember(Bank *bank, Error *e)
{
    const MethodDraw *draw = bank->draw;
    LakeOptions options;
    LakeFit *fit;
    int code;

    lake_defaults(&options);
    options.layer_count = 1;
    options.normalisation = LAKE_NORMALISE_NONE;
    options.selection = LAKE_SELECT_ALL;
    options.distance = bank->kind->distance;
    options.coreset = bank->kind->coreset;
    options.seed = draw->options.seed;
    options.token_memory = draw->options.token_memory;
    options.decision.lambda = 0;
    code = lake_fit_begin(&fit, &options, NULL, NULL, &bank->workers[0].patches, e);
    if (code != LAKE_OK)
        return code;
    for (size_t i = 0; i < draw->normal_count && code == LAKE_OK; i++) {
        code = fill_patches(&bank->workers[0], bank, draw->normals[i], e);
        if (code == LAKE_OK)
            code = lake_fit_add(fit, &bank->workers[0].patches, draw->normals[i]->entry->path, e);
    }
    if (code == LAKE_OK)
        return lake_fit_finish(fit, &bank->detector, e);
    lake_fit_abandon(fit);
    return code;
}

/* ---- what the bank says of the normals ---- */

/* a = d / (d + delta) was what the fit kept; the distance d itself. */
static void restore_distances(float *distances, const float *calibrated, size_t count, double delta)
{
    const double most = 1 - FLT_EPSILON / 2; /* the float below 1 */

    for (size_t i = 0; i < count; i++) {
        double a = fmin(calibrated[i], most);
        distances[i] = double_to_float(delta * (a / (1 - a)));
    }
}

static size_t worst_of(const float *map, size_t patches)
{
    size_t worst = 0;

    for (size_t p = 1; p < patches; p++)
        if (map[p] > map[worst])
            worst = p;
    return worst;
}

/* PatchCore's score of normal picture `image` by leaving it out: its rows do not count, neither as the nearest nor as
 * neighbours of that. Where there are no others, as in method/learn.c, those outside the patch's 5 x 5 neighbourhood
 * do; then outside 3 x 3, and all but the patch's own. */
static double score_left_out(const Bank *bank, Worker *worker, size_t image, size_t worst)
{
    const LakeLayer *layer = &bank->detector.layers[0];
    LakeExclusion exclusion = {0, 0, 0, -1};
    double score = -1;

    exclusion.patches = bank->draw->height * bank->draw->width;
    exclusion.width = bank->draw->width;
    exclusion.image = image;
    lake_restrict(worker->result.selected[0], worker->patches.layers[0] + worst * layer->width, 1, layer,
                  bank->kind->distance);
    for (int step = 0; step < 4 && score < 0; step++) {
        exclusion.radius = step == 0 ? -1 : 3 - step;
        score = method_patchcore_score(layer, worker->result.selected[0], worst, &exclusion, worker->scratch);
    }
    return score < 0 ? 0 : score;
}

static int score_normal(void *job, size_t thread, size_t i, Error *e)
{
    Bank *bank = job;
    Worker *worker = &bank->workers[thread];
    size_t patches = bank->draw->height * bank->draw->width;
    const float *map = bank->outcome->normal_maps + i * patches;
    int code = LAKE_OK;

    if (!bank->kind->reweighted) {
        bank->outcome->normal_scores[i] = lake_pool(map, patches, LAKE_POOL_TOP1, worker->scratch);
        return LAKE_OK;
    }
    code = fill_patches(worker, bank, bank->draw->normals[i], e);
    if (code == LAKE_OK)
        bank->outcome->normal_scores[i] = score_left_out(bank, worker, i, worst_of(map, patches));
    return code;
}

/* ---- and of the test pictures ---- */

static int score_test(void *job, size_t thread, size_t i, Error *e)
{
    Bank *bank = job;
    Worker *worker = &bank->workers[thread];
    const LakeLayer *layer = &bank->detector.layers[0];
    const float *distances = worker->result.distances[0];
    size_t patches = bank->draw->height * bank->draw->width, worst;
    int code = fill_patches(worker, bank, &bank->draw->x->test[bank->outcome->out.images[i]], e);

    if (code == LAKE_OK)
        code = lake_score(&bank->detector, &worker->patches, &worker->result, e);
    if (code != LAKE_OK)
        return code;
    memcpy(bank->outcome->out.maps + i * patches, distances, patches * sizeof *distances);
    worst = worst_of(distances, patches);
    bank->outcome->out.scores[i] =
        bank->kind->reweighted ? method_patchcore_score(layer, worker->result.selected[0] + worst * layer->count, worst,
                                                        NULL, worker->scratch)
                               : lake_pool(distances, patches, LAKE_POOL_TOP1, worker->scratch);
    return LAKE_OK;
}

static int score(Bank *bank, Error *e)
{
    const LakeDetector *d = &bank->detector;
    int code = LAKE_OK;

    for (size_t w = 0; w < bank->worker_count && code == LAKE_OK; w++)
        code = open_result(&bank->workers[w], bank, e);
    if (code != LAKE_OK)
        return code;
    restore_distances(bank->outcome->normal_maps, d->normal_structural, d->normal_count * d->height * d->width,
                      d->layers[0].delta);
    code = experiment_each(d->normal_count, score_normal, bank, e);
    return code == LAKE_OK ? experiment_each(bank->outcome->out.count, score_test, bank, e) : code;
}

int method_bank(MethodOutcome *outcome, const MethodDraw *draw, const Method *method, Error *e)
{
    Bank bank;
    int code = method_outcome_open(outcome, draw, FUSE_DISTANCE, e);

    if (code != LAKE_OK)
        return code;
    memset(&bank, 0, sizeof bank);
    bank.kind = method->base == METHOD_PATCHCORE ? &patchcore : &anomalydino;
    bank.draw = draw;
    bank.outcome = outcome;
    code = choose_channels(&bank, method, e);
    if (code == LAKE_OK)
        code = open_workers(&bank, e);
    if (code == LAKE_OK)
        code = remember(&bank, e);
    if (code == LAKE_OK)
        code = score(&bank, e);
    close_bank(&bank);
    if (code == LAKE_OK)
        code = method_outcome_measure(outcome, draw, e);
    if (code != LAKE_OK)
        method_outcome_close(outcome);
    return code;
}
