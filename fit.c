/* Fitting: normal images in, detector out. The steps of lake.c in order; what is added here is leaving one image out,
 * trimming, and merging. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "eigen.h"
#include "lake.h"

struct LakeFit {
    LakeDetector detector;             /* filled step by step */
    size_t patches;                    /* P */
    size_t image_floats;               /* of one image's tokens, all layers: P * (sum of D_l) */
    size_t offsets[LAKE_MAX_LAYERS];   /* of a layer in them */
    float **tokens;                    /* [n] of [image_floats], normalised */
    size_t room;                       /* images that the arrays have room for */
    unsigned char *skip;               /* [n P] 1: dropped by trimming; NULL: none is */
    float *distances[LAKE_MAX_LAYERS]; /* [n P] leave-one-out */
};

static char *copy_text(const char *text)
{
    char *copy = malloc(strlen(text) + 1);

    return copy != NULL ? strcpy(copy, text) : NULL;
}

static float *copy_floats(const float *numbers, size_t count)
{
    float *copy = malloc(count * sizeof *copy);

    return copy != NULL ? memcpy(copy, numbers, count * sizeof *copy) : NULL;
}

/* ---- statistics of a layer ---- */

int lake_moments_open(LakeMoments *moments, size_t width, Error *e)
{
    moments->count = 0;
    moments->mean = calloc(width, sizeof *moments->mean);
    moments->m2 = calloc(width, sizeof *moments->m2);
    if (moments->mean != NULL && moments->m2 != NULL)
        return LAKE_OK;
    lake_moments_close(moments);
    return error_memory(e, "the statistics of a layer");
}

void lake_moments_close(LakeMoments *moments)
{
    free(moments->mean);
    free(moments->m2);
    memset(moments, 0, sizeof *moments);
}

int lake_layer_norms(LakeLayer *layer, Error *e)
{
    free(layer->norms);
    layer->norms = malloc(layer->rows * sizeof *layer->norms);
    if (layer->norms == NULL)
        return error_memory(e, "the norms of a gallery");
    for (size_t r = 0; r < layer->rows; r++) {
        double sum = 0;
        for (size_t k = 0; k < layer->count; k++) {
            double number = layer->gallery[r * layer->count + k];
            sum += number * number;
        }
        layer->norms[r] = sum;
    }
    return LAKE_OK;
}

/* ---- beginning and adding ---- */

static int describe(LakeFit *fit, const LakeOptions *options, const Clip *model, const LakeTokens *shape, Error *e)
{
    LakeDetector *d = &fit->detector;
    size_t sum = 0;

    d->options = *options;
    d->options.prompts = NULL;
    d->height = shape->height;
    d->width = shape->width;
    d->layer_count = options->layer_count;
    if (model != NULL) {
        d->weights = copy_text(wts_path(model->file));
        if (d->weights == NULL)
            return error_memory(e, "a path");
        d->fingerprint = wts_fingerprint(model->file);
    }
    fit->patches = shape->height * shape->width;
    for (size_t l = 0; l < d->layer_count; l++) {
        LakeLayer *layer = &d->layers[l];
        layer->block = options->layers[l];
        layer->width = shape->widths[l];
        layer->count =
            options->selection == LAKE_SELECT_ALL || options->neurons > layer->width ? layer->width : options->neurons;
        fit->offsets[l] = fit->patches * sum;
        if (layer->width == 0 || !size_add(sum, layer->width, &sum))
            return error_set(e, LAKE_USAGE, "layer %d: tokens of width %llu", layer->block,
                             (unsigned long long)layer->width);
    }
    if (fit->patches == 0 || !size_multiply(fit->patches, sum, &fit->image_floats) ||
        fit->image_floats > SIZE_MAX / sizeof(float))
        return error_set(e, LAKE_USAGE, "a grid of %llu x %llu patches", (unsigned long long)shape->height,
                         (unsigned long long)shape->width);
    return LAKE_OK;
}

static int copy_texts(LakeTexts *to, const LakeTexts *from, Error *e)
{
    to->embed = from->embed;
    to->scale = from->scale;
    to->normal = copy_floats(from->normal, from->embed);
    to->anomalous = copy_floats(from->anomalous, from->embed);
    return to->normal != NULL && to->anomalous != NULL ? LAKE_OK : error_memory(e, "the text embeddings");
}

int lake_fit_begin(LakeFit **fit, const LakeOptions *options, const Clip *model, const LakeTexts *texts,
                   const LakeTokens *shape, Error *e)
{
    int code = tensor_begin(e);

    *fit = NULL;
    if (code != LAKE_OK)
        return code;
    if (options->layer_count == 0 || options->layer_count > LAKE_MAX_LAYERS || shape->layer_count != options->layer_count)
        return error_set(e, LAKE_USAGE, "tokens of %llu layers where the options name %llu",
                         (unsigned long long)shape->layer_count, (unsigned long long)options->layer_count);
    if (texts != NULL && (shape->patches == NULL || shape->embed != texts->embed))
        return error_set(e, LAKE_USAGE, "texts of width %llu, and patches in a joint space of width %llu",
                         (unsigned long long)texts->embed,
                         (unsigned long long)(shape->patches != NULL ? shape->embed : 0));
    *fit = calloc(1, sizeof **fit);
    if (*fit == NULL)
        return error_memory(e, "a fit");
    code = describe(*fit, options, model, shape, e);
    if (code == LAKE_OK && texts != NULL)
        code = copy_texts(&(*fit)->detector.texts, texts, e);
    if (code != LAKE_OK) {
        lake_fit_abandon(*fit);
        *fit = NULL;
    }
    return code;
}

void lake_fit_abandon(LakeFit *fit)
{
    if (fit == NULL)
        return;
    for (size_t i = 0; fit->tokens != NULL && i < fit->detector.normal_count; i++)
        free(fit->tokens[i]);
    free(fit->tokens);
    free(fit->skip);
    for (size_t l = 0; l < LAKE_MAX_LAYERS; l++)
        free(fit->distances[l]);
    lake_detector_close(&fit->detector);
    free(fit);
}

/* Makes room for one more image in every array that has an entry per image. */
static int make_room(LakeFit *fit, Error *e)
{
    LakeDetector *d = &fit->detector;
    size_t larger = fit->room == 0 ? 8 : 2 * fit->room, numbers;
    void *grown;

    if (d->normal_count < fit->room)
        return LAKE_OK;
    if (!size_multiply(larger, fit->patches, &numbers) || numbers >= UINT32_MAX)
        return error_set(e, LAKE_USAGE, "more than %lu normal patches: fit fewer images", (unsigned long)UINT32_MAX);
    if ((grown = realloc(fit->tokens, larger * sizeof *fit->tokens)) == NULL)
        return error_memory(e, "the normal images");
    fit->tokens = grown;
    if ((grown = realloc(d->names, larger * sizeof *d->names)) == NULL)
        return error_memory(e, "the normal images");
    d->names = grown;
    if (d->texts.embed > 0) {
        if ((grown = realloc(d->normal_semantic, numbers * sizeof *d->normal_semantic)) == NULL)
            return error_memory(e, "the normal images");
        d->normal_semantic = grown;
    }
    fit->room = larger;
    return LAKE_OK;
}

/* Takes over an image's tokens, normalised where they are not yet. semantic: its map s(p), or NULL: computed. */
static int append(LakeFit *fit, const LakeTokens *tokens, const float *semantic, const char *name, Error *e)
{
    LakeDetector *d = &fit->detector;
    size_t n = d->normal_count;
    double *lengths;
    float *block;
    int code = make_room(fit, e);

    if (code != LAKE_OK)
        return code;
    block = malloc(fit->image_floats * sizeof *block);
    lengths = malloc(fit->patches * sizeof *lengths);
    d->names[n] = copy_text(name);
    if (block == NULL || lengths == NULL || d->names[n] == NULL) {
        free(block);
        free(lengths);
        free(d->names[n]);
        return error_memory(e, "the tokens of a normal image");
    }
    for (size_t l = 0; l < d->layer_count; l++) {
        float *to = block + fit->offsets[l];
        memcpy(to, tokens->layers[l], fit->patches * tokens->widths[l] * sizeof *to);
        if (!tokens->normalised)
            lake_normalise(to, fit->patches, tokens->widths[l], d->options.normalisation, lengths);
    }
    if (d->texts.embed > 0 && semantic != NULL)
        memcpy(d->normal_semantic + n * fit->patches, semantic, fit->patches * sizeof *semantic);
    else if (d->texts.embed > 0)
        lake_activate(d->normal_semantic + n * fit->patches, tokens->patches, fit->patches, &d->texts);
    free(lengths);
    fit->tokens[n] = block;
    d->normal_count++;
    return LAKE_OK;
}

int lake_fit_add(LakeFit *fit, const LakeTokens *tokens, const char *name, Error *e)
{
    const LakeDetector *d = &fit->detector;
    int code = lake_check_tokens(d, tokens, name, e);

    if (code != LAKE_OK)
        return code;
    if (d->texts.embed > 0 && (tokens->patches == NULL || tokens->embed != d->texts.embed))
        return error_set(e, LAKE_USAGE, "%s: no patches in the joint space, which the texts need", name);
    return append(fit, tokens, NULL, name, e);
}

/* ---- excavate and remember ---- */

/* The K leading eigenvectors of the covariance, as rows. */
static int principal_axes(LakeFit *fit, size_t l, Error *e)
{
    LakeLayer *layer = &fit->detector.layers[l];
    size_t width = layer->width;
    double *covariance, *vectors = NULL, *values = NULL;
    int code = lake_covariance(&covariance, fit->tokens, fit->detector.normal_count, fit->offsets[l], fit->patches, width,
                               layer->moments.mean, fit->skip, e);

    if (code != LAKE_OK)
        return code;
    free(layer->basis);
    layer->basis = malloc(layer->count * width * sizeof *layer->basis);
    vectors = malloc(width * width * sizeof *vectors);
    values = malloc(width * sizeof *values);
    if (layer->basis == NULL || vectors == NULL || values == NULL)
        code = error_memory(e, "the principal axes");
    else
        code = eigen_symmetric(values, vectors, covariance, width, e);
    for (size_t i = 0; code == LAKE_OK && i < layer->count * width; i++)
        layer->basis[i] = (float)vectors[i];
    for (size_t k = 0; k < layer->count; k++)
        layer->channels[k] = (uint32_t)k;
    free(covariance);
    free(vectors);
    free(values);
    return code;
}

static int excavate(LakeFit *fit, size_t l, Error *e)
{
    LakeDetector *d = &fit->detector;
    LakeLayer *layer = &d->layers[l];
    double *scratch = malloc(2 * layer->width * sizeof *scratch);
    int code;

    lake_moments_close(&layer->moments);
    free(layer->channels);
    layer->channels = malloc(layer->count * sizeof *layer->channels);
    code = scratch == NULL || layer->channels == NULL ? error_memory(e, "the selection")
                                                      : lake_moments_open(&layer->moments, layer->width, e);
    for (size_t i = 0; code == LAKE_OK && i < d->normal_count; i++)
        lake_moments_add(&layer->moments, fit->tokens[i] + fit->offsets[l], fit->patches, layer->width,
                         fit->skip != NULL ? fit->skip + i * fit->patches : NULL, scratch);
    free(scratch);
    if (code != LAKE_OK)
        return code;
    if (d->options.selection == LAKE_SELECT_PCA)
        return principal_axes(fit, l, e);
    return lake_select(layer->channels, layer->count, &layer->moments, layer->width, d->options.selection,
                       d->options.seed + (uint64_t)layer->block, e); /* another draw in every layer */
}

/* Keeps a share of the gallery; the rows that stay keep their order. */
static int thin(LakeLayer *layer, const LakeOptions *options, Error *e)
{
    size_t keep = (size_t)(options->coreset * (double)layer->rows + 0.5), used = 0;
    unsigned char *chosen;
    int code;

    keep = keep > 0 ? keep : 1;
    if (keep >= layer->rows)
        return LAKE_OK;
    chosen = malloc(layer->rows);
    if (chosen == NULL)
        return error_memory(e, "the coreset");
    code =
        lake_coreset(chosen, keep, layer->gallery, layer->rows, layer->count, options->seed + (uint64_t)layer->block, e);
    for (size_t r = 0; code == LAKE_OK && r < layer->rows; r++) {
        if (!chosen[r])
            continue;
        memmove(layer->gallery + used * layer->count, layer->gallery + r * layer->count,
                layer->count * sizeof *layer->gallery);
        layer->source[used++] = layer->source[r];
    }
    free(chosen);
    if (code == LAKE_OK)
        layer->rows = used;
    return code;
}

static int remember(LakeFit *fit, size_t l, Error *e)
{
    LakeDetector *d = &fit->detector;
    LakeLayer *layer = &d->layers[l];
    size_t total = d->normal_count * fit->patches, cells;
    int code;

    free(layer->gallery);
    free(layer->source);
    layer->gallery = size_multiply(total - d->dropped_count, layer->count, &cells) && cells <= SIZE_MAX / sizeof(float)
                         ? malloc(cells * sizeof *layer->gallery)
                         : NULL;
    layer->source = malloc((total - d->dropped_count) * sizeof *layer->source);
    if (layer->gallery == NULL || layer->source == NULL)
        return error_memory(e, "the gallery");
    layer->rows = 0;
    for (size_t t = 0; t < total; t++) {
        const float *token = fit->tokens[t / fit->patches] + fit->offsets[l] + t % fit->patches * layer->width;
        if (fit->skip != NULL && fit->skip[t])
            continue;
        lake_restrict(layer->gallery + layer->rows * layer->count, token, 1, layer, d->options.distance);
        layer->source[layer->rows++] = (uint32_t)t;
    }
    code = thin(layer, &d->options, e);
    return code == LAKE_OK ? lake_layer_norms(layer, e) : code;
}

/* ---- leave one image out ---- */

typedef struct {
    float *queries;    /* [P, K] */
    float *distances;  /* [P] */
    uint32_t *winners; /* [P] */
    float *workspace;
    double *values; /* [n P] */
} LeaveOut;

/* Distances of one normal image's patches to the gallery rows of the others. A patch for which there is none (a single
 * image, or others that trimming or the coreset emptied) is compared with its own image outside its 5 x 5
 * neighbourhood; where that covers all rows, outside 3 x 3, and then with all but itself. A patch that is left with
 * nothing gets distance 0 and does not count; counted[P] says so. */
static void leave_one_out(const LakeFit *fit, size_t l, size_t image, LeaveOut *w, float *distances,
                          unsigned char *counted)
{
    const LakeDetector *d = &fit->detector;
    const LakeLayer *layer = &d->layers[l];
    LakeExclusion exclusion = {0, 0, 0, -1};
    size_t missing = fit->patches;

    exclusion.patches = fit->patches;
    exclusion.width = d->width;
    exclusion.image = image;
    memset(counted, 0, fit->patches);
    lake_restrict(w->queries, fit->tokens[image] + fit->offsets[l], fit->patches, layer, d->options.distance);
    for (int step = 0; step < 4 && missing > 0; step++) {
        exclusion.radius = step == 0 ? -1 : 3 - step;
        lake_nearest(w->distances, w->winners, w->queries, fit->patches, layer, d->options.distance, &exclusion,
                     w->workspace);
        for (size_t p = 0; p < fit->patches; p++) {
            if (counted[p])
                continue;
            distances[p] = w->distances[p];
            counted[p] = w->winners[p] != UINT32_MAX;
            missing -= counted[p];
        }
    }
}

/* delta: the 99th percentile of the leave-one-out distances of trusted patches. It must be above 0: where all of them
 * are repeated exactly, it is the rounding of floats, a relative distance of 1e-6. */
static double edge_of_normal(const LakeLayer *layer, LakeDistance distance, double *values, size_t count)
{
    double delta = count > 0 ? lake_quantile(values, count, 0.99) : 0, sum = 0, least;

    for (size_t r = 0; r < layer->rows; r++)
        sum += layer->norms[r];
    least = distance == LAKE_DISTANCE_COSINE ? 1e-6 * 1e-6 / 2 : 1e-6 * sqrt(sum / (double)layer->rows);
    return fmax(delta, fmax(least, FLT_MIN));
}

static int calibrate_layer(LakeFit *fit, size_t l, Error *e)
{
    LakeDetector *d = &fit->detector;
    LakeLayer *layer = &d->layers[l];
    size_t total = d->normal_count * fit->patches, count = 0;
    unsigned char *counted = malloc(total);
    LeaveOut w;
    int code = LAKE_OK;

    w.queries = malloc(fit->patches * layer->count * sizeof *w.queries);
    w.distances = malloc(fit->patches * sizeof *w.distances);
    w.winners = malloc(fit->patches * sizeof *w.winners);
    w.workspace = malloc(lake_nearest_workspace(fit->patches, layer->count) * sizeof *w.workspace);
    w.values = malloc(total * sizeof *w.values);
    if (fit->distances[l] == NULL)
        fit->distances[l] = malloc(total * sizeof *fit->distances[l]);
    if (counted == NULL || w.queries == NULL || w.distances == NULL || w.winners == NULL || w.workspace == NULL ||
        w.values == NULL || fit->distances[l] == NULL) {
        code = error_memory(e, "the calibration");
    } else {
        for (size_t i = 0; i < d->normal_count; i++)
            leave_one_out(fit, l, i, &w, fit->distances[l] + i * fit->patches, counted + i * fit->patches);
        for (size_t t = 0; t < total; t++)
            if (counted[t] && (fit->skip == NULL || !fit->skip[t]))
                w.values[count++] = fit->distances[l][t];
        layer->delta = edge_of_normal(layer, d->options.distance, w.values, count);
    }
    free(counted);
    free(w.queries);
    free(w.distances);
    free(w.winners);
    free(w.workspace);
    free(w.values);
    return code;
}

/* All of it for the patches that are not skipped; the structural maps of the normal images are of all patches. */
static int learn(LakeFit *fit, Error *e)
{
    LakeDetector *d = &fit->detector;
    int code = LAKE_OK;

    for (size_t l = 0; code == LAKE_OK && l < d->layer_count; l++) {
        code = excavate(fit, l, e);
        if (code == LAKE_OK)
            code = remember(fit, l, e);
        if (code == LAKE_OK)
            code = calibrate_layer(fit, l, e);
    }
    if (code == LAKE_OK) /* leave-one-out distances have the layout of one long image */
        lake_calibrate(d->normal_structural, fit->distances, d->layers, d->layer_count, d->normal_count * fit->patches);
    return code;
}

/* ---- trim ---- */

typedef struct {
    float score;
    uint32_t patch;
} Suspect;

static int most_suspect_first(const void *left, const void *right)
{
    const Suspect *a = left, *b = right;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return a->patch < b->patch ? -1 : a->patch > b->patch;
}

/* Drops the share `trim` of normal patches with the largest leave-one-out structural score, ties to the smaller
 * number. The score is the mean of the calibrated distances of all layers, so a patch leaves all layers or none. */
static int drop_suspects(LakeFit *fit, Error *e)
{
    LakeDetector *d = &fit->detector;
    size_t total = d->normal_count * fit->patches, drop = (size_t)(d->options.trim * (double)total + 0.5), used = 0;
    Suspect *suspects;

    drop = drop < total ? drop : total - 1;
    if (drop == 0)
        return LAKE_OK;
    suspects = malloc(total * sizeof *suspects);
    fit->skip = calloc(total, 1);
    d->dropped = malloc(drop * sizeof *d->dropped);
    if (suspects == NULL || fit->skip == NULL || d->dropped == NULL) {
        free(suspects);
        return error_memory(e, "the trimming");
    }
    for (size_t t = 0; t < total; t++) {
        suspects[t].score = d->normal_structural[t];
        suspects[t].patch = (uint32_t)t;
    }
    qsort(suspects, total, sizeof *suspects, most_suspect_first);
    for (size_t i = 0; i < drop; i++)
        fit->skip[suspects[i].patch] = 1;
    free(suspects);
    for (size_t t = 0; t < total; t++)
        if (fit->skip[t])
            d->dropped[used++] = (uint32_t)t;
    d->dropped_count = used;
    return learn(fit, e);
}

/* ---- finishing ---- */

static int finish(LakeFit *fit, Error *e)
{
    LakeDetector *d = &fit->detector;
    LakeDecision decision = d->options.decision;
    int code;

    if (d->normal_count == 0)
        return error_set(e, LAKE_USAGE, "no normal image to fit on");
    d->normal_structural = malloc(d->normal_count * fit->patches * sizeof *d->normal_structural);
    d->normal_scores = malloc(d->normal_count * sizeof *d->normal_scores);
    d->outlier = malloc(d->normal_count);
    if (d->normal_structural == NULL || d->normal_scores == NULL || d->outlier == NULL)
        return error_memory(e, "the scores of the normal images");
    code = learn(fit, e);
    if (code == LAKE_OK && d->options.trim > 0)
        code = drop_suspects(fit, e);
    return code == LAKE_OK ? lake_decide(d, &decision, e) : code;
}

int lake_fit_finish(LakeFit *fit, LakeDetector *detector, Error *e)
{
    int code = finish(fit, e);

    memset(detector, 0, sizeof *detector);
    if (code == LAKE_OK) {
        *detector = fit->detector;
        if (detector->options.keep_tokens) {
            detector->kept = fit->tokens;
            fit->tokens = NULL;
        }
        memset(&fit->detector, 0, sizeof fit->detector); /* handed over; abandoning frees the rest */
        fit->detector.normal_count = detector->normal_count;
    }
    lake_fit_abandon(fit);
    return code;
}

/* ---- merge ---- */

/* The first option in which two detectors differ that the merged one needs to be the same; or NULL. */
static const char *difference(const LakeDetector *a, const LakeDetector *b)
{
    const LakeOptions *x = &a->options, *y = &b->options;
    size_t layers = a->layer_count;

    if ((a->weights == NULL) != (b->weights == NULL) || a->fingerprint != b->fingerprint)
        return "weights";
    if (a->height != b->height || a->width != b->width || x->resolution != y->resolution)
        return "resolution";
    if (x->grid_resize != y->grid_resize)
        return "resize of the position embedding";
    if (layers != b->layer_count)
        return "layers";
    for (size_t l = 0; l < layers; l++)
        if (a->layers[l].block != b->layers[l].block || a->layers[l].width != b->layers[l].width)
            return "layers";
    if (x->normalisation != y->normalisation)
        return "token normalisation";
    if (x->selection != y->selection || x->neurons != y->neurons || x->seed != y->seed)
        return "selection of neurons";
    if (x->distance != y->distance || x->coreset != y->coreset)
        return x->distance != y->distance ? "distance" : "coreset";
    if (x->trim != y->trim)
        return "trim";
    if (a->texts.embed != b->texts.embed || a->texts.scale != b->texts.scale)
        return "class name";
    if (a->texts.embed > 0 && (x->patch_attention != y->patch_attention || x->semantic_block != y->semantic_block))
        return "patch attention";
    if (a->texts.embed > 0 && (memcmp(a->texts.normal, b->texts.normal, a->texts.embed * sizeof(float)) != 0 ||
                               memcmp(a->texts.anomalous, b->texts.anomalous, a->texts.embed * sizeof(float)) != 0))
        return "class name or prompts";
    return NULL;
}

/* Adds the images of a detector that kept its tokens. */
static int add_part(LakeFit *fit, const LakeDetector *part, Error *e)
{
    LakeTokens tokens;
    int code = LAKE_OK;

    memset(&tokens, 0, sizeof tokens);
    tokens.normalised = 1;
    for (size_t i = 0; code == LAKE_OK && i < part->normal_count; i++) {
        for (size_t l = 0; l < part->layer_count; l++) {
            tokens.widths[l] = part->layers[l].width;
            tokens.layers[l] = part->kept[i] + fit->offsets[l];
        }
        code = append(fit, &tokens, part->normal_semantic != NULL ? part->normal_semantic + i * fit->patches : NULL,
                      part->names[i], e);
    }
    return code;
}

/* A fit of the same kind as a detector, without images. */
static int begin_like(LakeFit **fit, const LakeDetector *like, int keep_tokens, Error *e)
{
    LakeOptions options = like->options;
    LakeTokens shape;
    int code;

    options.keep_tokens = keep_tokens;
    memset(&shape, 0, sizeof shape);
    shape.height = like->height;
    shape.width = like->width;
    shape.layer_count = like->layer_count;
    for (size_t l = 0; l < shape.layer_count; l++)
        shape.widths[l] = like->layers[l].width;
    code = lake_fit_begin(fit, &options, NULL, NULL, &shape, e);
    if (code != LAKE_OK)
        return code;
    if (like->texts.embed > 0)
        code = copy_texts(&(*fit)->detector.texts, &like->texts, e);
    (*fit)->detector.fingerprint = like->fingerprint;
    (*fit)->detector.weights = like->weights != NULL ? copy_text(like->weights) : NULL;
    if (code == LAKE_OK && like->weights != NULL && (*fit)->detector.weights == NULL)
        code = error_memory(e, "a path");
    if (code != LAKE_OK)
        lake_fit_abandon(*fit);
    return code;
}

int lake_merge(LakeDetector *merged, const LakeDetector *const *parts, const char *const *names, size_t count,
               int keep_tokens, Error *e)
{
    LakeFit *fit;
    int code;

    memset(merged, 0, sizeof *merged);
    if (count == 0)
        return error_set(e, LAKE_USAGE, "no detector to merge");
    for (size_t i = 0; i < count; i++) {
        const char *other = difference(parts[0], parts[i]);
        if (other != NULL)
            return error_set(e, LAKE_BAD_INPUT, "%s: differs from %s in its %s; only shards of one fit can be merged",
                             names[i], names[0], other);
        if (parts[i]->kept == NULL)
            return error_set(e, LAKE_BAD_INPUT, "%s: has not kept its tokens; fit it with --keep-tokens to merge it",
                             names[i]);
    }
    code = begin_like(&fit, parts[0], keep_tokens, e);
    if (code != LAKE_OK)
        return code;
    for (size_t i = 0; code == LAKE_OK && i < count; i++)
        code = add_part(fit, parts[i], e);
    if (code == LAKE_OK)
        return lake_fit_finish(fit, merged, e);
    lake_fit_abandon(fit);
    return code;
}
