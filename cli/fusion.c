/* Two detectors' scores or maps made one; see fusion.h. */
#include "cli/fusion.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/settings.h"
#include "eval/quantile.h"

/* ---- one image ---- */

static size_t worst_pixel(const FuseMap *map)
{
    size_t worst = 0;

    for (size_t i = 1; i < map->height * map->width; i++)
        if (map->data[i] > map->data[worst])
            worst = i;
    return worst;
}

/* lake_pool, which sorts, where the largest value alone is not what is asked for. */
static int pool(double *score, const FuseMap *map, LakePooling pooling, Error *e)
{
    size_t pixels = map->height * map->width;
    double *scratch;

    if (pooling == LAKE_POOL_MAX) {
        *score = map->data[worst_pixel(map)];
        return LAKE_OK;
    }
    scratch = pixels <= SIZE_MAX / sizeof *scratch ? malloc(pixels * sizeof *scratch) : NULL;
    if (scratch == NULL)
        return error_memory(e, "the score of a map");
    *score = lake_pool(map->data, pixels, pooling, scratch);
    free(scratch);
    return LAKE_OK;
}

/* Fuses two maps, which come calibrated out of it. */
static int judge_maps(Verdict *verdict, FuseMap *fused, const Fusion *f, FuseMap maps[SIDES], Error *e)
{
    int code = LAKE_OK;

    for (int s = 0; s < SIDES && code == LAKE_OK; s++)
        code = pool(&verdict->own[s], &maps[s], f->pooling, e);
    if (code == LAKE_OK)
        code = fuse_maps(fused, &maps[LAKE], &f->scales[LAKE], &maps[OTHER], &f->scales[OTHER], f->weight, f->rule, e);
    for (int s = 0; s < SIDES && code == LAKE_OK; s++)
        code = pool(&verdict->calibrated[s], &maps[s], f->pooling, e);
    if (code == LAKE_OK)
        code = pool(&verdict->score, fused, f->pooling, e);
    if (code == LAKE_OK) {
        verdict->row = worst_pixel(fused) / fused->width;
        verdict->column = worst_pixel(fused) % fused->width;
    }
    return code;
}

static void judge_scores(Verdict *verdict, const Fusion *f, const Side *sides, const size_t images[SIDES])
{
    for (int s = 0; s < SIDES; s++) {
        verdict->own[s] = sides[s].scores[images[s]];
        verdict->calibrated[s] = fuse_calibrate(&f->scales[s], verdict->own[s]);
    }
    verdict->score = fuse_pair(verdict->calibrated[LAKE], verdict->calibrated[OTHER], f->weight, f->rule);
}

/* What sides[s] say of their images[s], which is one image. */
static int judge(Verdict *verdict, FuseMap *fused, const Fusion *f, const Side *sides, const size_t images[SIDES],
                 Error *e)
{
    FuseMap maps[SIDES] = {{0, 0, NULL}, {0, 0, NULL}};
    int code = LAKE_OK;

    memset(verdict, 0, sizeof *verdict);
    memset(fused, 0, sizeof *fused);
    if (sides[LAKE].form == SIDE_SCORES) {
        judge_scores(verdict, f, sides, images);
        return LAKE_OK;
    }
    for (int s = 0; s < SIDES && code == LAKE_OK; s++)
        code = side_map(&sides[s], images[s], f->values[s], &maps[s], e);
    if (code == LAKE_OK)
        code = judge_maps(verdict, fused, f, maps, e);
    for (int s = 0; s < SIDES; s++)
        free(maps[s].data);
    if (code != LAKE_OK) {
        free(fused->data);
        fused->data = NULL;
    }
    return code;
}

int fusion_judge(const Fusion *f, size_t image, Verdict *verdict, FuseMap *fused, Error *e)
{
    const size_t images[SIDES] = {image, f->partner[image]};

    return judge(verdict, fused, f, f->sides, images, e);
}

/* ---- normal images ---- */

/* Shows all pixels of all maps to the quantile once. */
static int count_maps(Quantile *quantile, const Side *normals, FuseValues values, Error *e)
{
    int code = LAKE_OK;

    for (size_t i = 0; i < normals->list.count && code == LAKE_OK; i++) {
        FuseMap map;
        code = side_map(normals, i, values, &map, e);
        if (code == LAKE_OK)
            quantile_add(quantile, map.data, map.height * map.width);
        free(map.data);
    }
    return code;
}

static int scale_of_maps(FuseScale *scale, FuseValues values, const Side *normals, Error *e)
{
    Quantile quantile;
    int code = quantile_open(&quantile, FUSE_EDGE, e);

    if (code != LAKE_OK)
        return code;
    code = count_maps(&quantile, normals, values, e);
    if (code == LAKE_OK) {
        quantile_narrow(&quantile);
        code = count_maps(&quantile, normals, values, e);
    }
    if (code == LAKE_OK)
        code = fuse_scale(scale, values, quantile.least, quantile_value(&quantile), quantile.largest,
                          normals->list.source, e);
    quantile_close(&quantile);
    return code;
}

static int scale_of_scores(FuseScale *scale, FuseValues values, const Side *normals, Error *e)
{
    size_t n = normals->list.count;
    double *scores = malloc((n + 1) * sizeof *scores), edge;
    int code = scores != NULL ? side_check_scores(normals, values, e) : error_memory(e, "scores");

    if (code == LAKE_OK) {
        memcpy(scores, normals->scores, n * sizeof *scores);
        edge = lake_quantile(scores, n, FUSE_EDGE); /* leaves them sorted */
        code = fuse_scale(scale, values, scores[0], edge, scores[n - 1], normals->list.source, e);
    }
    free(scores);
    return code;
}

/* Opens the values on normal images of one detector, where there are some, and puts it on the common scale. */
static int calibrate(Fusion *f, int s, const char *source, Error *e)
{
    Side *normals = &f->normals[s];
    int code;

    f->scales[s] = fuse_scale_none();
    if (source == NULL)
        return LAKE_OK;
    code = side_open_normals(normals, source, &f->sides[s], e);
    if (code != LAKE_OK)
        return code;
    return normals->form == SIDE_MAPS ? scale_of_maps(&f->scales[s], f->values[s], normals, e)
                                      : scale_of_scores(&f->scales[s], f->values[s], normals, e);
}

/* Pairs two lists. Stacks of maps whose images have no names are in the same order. */
static int pair_sides(size_t **partner, const Side *sides, Error *e)
{
    const Names *a = &sides[LAKE].list, *b = &sides[OTHER].list;

    *partner = malloc((a->count + 1) * sizeof **partner);
    if (*partner == NULL)
        return error_memory(e, "the names of the images");
    if (!sides[LAKE].numbered || !sides[OTHER].numbered)
        return match_names(*partner, a, b, e);
    if (a->count != b->count)
        return error_set(e, LAKE_BAD_INPUT, "%s: %llu maps, expected %llu, as in %s", b->source,
                         (unsigned long long)b->count, (unsigned long long)a->count, a->source);
    for (size_t i = 0; i < a->count; i++)
        (*partner)[i] = i;
    return LAKE_OK;
}

/* The threshold from the fused scores of the normal images. */
static int learn_threshold(Fusion *f, const LakeDecision *decision, const size_t *partner, Error *e)
{
    size_t n = f->normals[LAKE].list.count;
    double *scores = malloc((n + 1) * sizeof *scores);
    int code = scores != NULL ? LAKE_OK : error_memory(e, "scores");

    for (size_t i = 0; i < n && code == LAKE_OK; i++) {
        const size_t images[SIDES] = {i, partner[i]};
        Verdict verdict;
        FuseMap fused;
        code = judge(&verdict, &fused, f, f->normals, images, e);
        free(fused.data);
        scores[i] = verdict.score;
    }
    if (code == LAKE_OK) {
        f->threshold = lake_threshold(decision, scores, n);
        f->has_threshold = 1;
        if (n < 4)
            fprintf(stderr, "lake fuse: note: the threshold %.4f is provisional: it comes from %d normal images\n",
                    f->threshold, (int)n);
    }
    free(scores);
    return code;
}

/* Without a number as the threshold, normal images are needed that both detectors have seen; then images get no label. */
static int set_threshold(Fusion *f, const char *text, Error *e)
{
    LakeOptions defaults;
    size_t *partner = NULL;
    Error why;
    int code;

    lake_defaults(&defaults);
    code = settings_threshold(&defaults.decision, text, e);
    if (code == LAKE_OK)
        code = lake_check_decision(&defaults.decision, e);
    if (code != LAKE_OK)
        return code;
    if (defaults.decision.threshold == LAKE_THRESHOLD_NUMBER) {
        f->has_threshold = 1;
        f->threshold = defaults.decision.threshold_value;
        return LAKE_OK;
    }
    if (f->normals[LAKE].list.count > 0 && f->normals[OTHER].list.count > 0) {
        code = pair_sides(&partner, f->normals, &why);
        if (code == LAKE_OK)
            code = learn_threshold(f, &defaults.decision, partner, e);
        else if (code == LAKE_BAD_INPUT && text == NULL) {
            fprintf(stderr, "lake fuse: note: no labels, as a threshold needs the same normal images of both: %s\n",
                    why.text);
            code = LAKE_OK;
        } else {
            error_set(e, code, "%s", why.text);
        }
        free(partner);
        return code;
    }
    if (text != NULL)
        return error_set(e, LAKE_USAGE, "--threshold %s needs --lake-normals and --with-normals; a number does not", text);
    return LAKE_OK;
}

/* ---- what is true ---- */

static int add_truth(Fusion *f, size_t image, int truth, const char *source, Error *e)
{
    if (truth == TRUTH_UNKNOWN)
        return LAKE_OK;
    if (f->truth[image] != TRUTH_UNKNOWN && f->truth[image] != truth)
        return error_set(e, LAKE_BAD_INPUT, "%s: %s is labelled otherwise than in another table", source,
                         f->sides[LAKE].list.names[image]);
    f->truth[image] = (signed char)truth;
    return LAKE_OK;
}

static int add_labels(Fusion *f, const char *path, Error *e)
{
    size_t n = f->sides[LAKE].list.count, *partner = malloc((n + 1) * sizeof *partner);
    Side labels;
    int code = partner != NULL ? side_read_truth(&labels, path, e) : error_memory(e, "labels");

    if (code == LAKE_OK) {
        code = match_names(partner, &f->sides[LAKE].list, &labels.list, e);
        for (size_t i = 0; i < n && code == LAKE_OK; i++)
            code = add_truth(f, i, labels.truth[partner[i]], path, e);
        side_close(&labels);
    }
    free(partner);
    return code;
}

static int find_truth(Fusion *f, const char *labels, Error *e)
{
    size_t n = f->sides[LAKE].list.count;
    int code = LAKE_OK;

    f->truth = malloc(n + 1);
    if (f->truth == NULL)
        return error_memory(e, "labels");
    memset(f->truth, TRUTH_UNKNOWN, n);
    for (size_t i = 0; f->sides[LAKE].form == SIDE_SCORES && i < n && code == LAKE_OK; i++) {
        code = add_truth(f, i, f->sides[LAKE].truth[i], f->sides[LAKE].list.source, e);
        if (code == LAKE_OK)
            code = add_truth(f, i, f->sides[OTHER].truth[f->partner[i]], f->sides[OTHER].list.source, e);
    }
    return code == LAKE_OK && labels != NULL ? add_labels(f, labels, e) : code;
}

/* ---- the whole ---- */

static int check_settings(const FusionSettings *a, Error *e)
{
    if (a->lake == NULL || a->with == NULL)
        return error_set(e, LAKE_USAGE, "expected --lake and --with: maps or scores of LAKE and of another detector");
    if (a->with_normals == NULL && a->values == FUSE_DISTANCE)
        return error_set(e, LAKE_USAGE, "--with-normals is missing: the other detector's values on normal images tell what "
                         "its values mean; values from 0 to 1 with 0.5 as the edge of normal go without it and with "
                         "--with-values probability");
    return LAKE_OK;
}

static int check_forms(const Fusion *f, const FusionSettings *a, Error *e)
{
    SideForm form = f->sides[LAKE].form;

    if (form != f->sides[OTHER].form)
        return error_set(e, LAKE_BAD_INPUT, "%s has %s and %s %s: give both as maps or both as scores (lake score --maps DIR "
                         "or --csv)", a->lake, form == SIDE_MAPS ? "maps" : "scores", a->with,
                         form == SIDE_MAPS ? "scores" : "maps");
    if (form == SIDE_SCORES && a->pooling >= 0)
        return error_set(e, LAKE_USAGE, "--pooling needs maps, %s has scores", a->lake);
    if (a->names != NULL && f->sides[LAKE].stack.rank == 0 && f->sides[OTHER].stack.rank == 0)
        return error_set(e, LAKE_USAGE, "--names is for the images of one .npy file [images, height, width]");
    for (int s = 0; s < SIDES && form == SIDE_SCORES; s++) {
        int code = side_check_scores(&f->sides[s], f->values[s], e);
        if (code != LAKE_OK)
            return code;
    }
    return LAKE_OK;
}

int fusion_open(Fusion *f, const FusionSettings *a, Error *e)
{
    int code = check_settings(a, e);

    memset(f, 0, sizeof *f);
    f->values[LAKE] = FUSE_PROBABILITY;
    f->values[OTHER] = (FuseValues)a->values;
    f->weight = a->weight;
    f->rule = (FuseRule)a->rule;
    f->pooling = a->pooling >= 0 ? (LakePooling)a->pooling : LAKE_POOL_MAX;
    if (code == LAKE_OK)
        code = side_open(&f->sides[LAKE], a->lake, a->names, e);
    if (code == LAKE_OK)
        code = side_open(&f->sides[OTHER], a->with, a->names, e);
    if (code == LAKE_OK)
        code = check_forms(f, a, e);
    if (code == LAKE_OK)
        code = pair_sides(&f->partner, f->sides, e);
    if (code == LAKE_OK)
        code = find_truth(f, a->labels, e);
    if (code == LAKE_OK)
        code = calibrate(f, LAKE, a->lake_normals, e);
    if (code == LAKE_OK)
        code = calibrate(f, OTHER, a->with_normals, e);
    if (code == LAKE_OK)
        code = set_threshold(f, a->threshold, e);
    if (code != LAKE_OK)
        fusion_close(f);
    return code;
}

void fusion_close(Fusion *f)
{
    for (int s = 0; s < SIDES; s++) {
        side_close(&f->sides[s]);
        side_close(&f->normals[s]);
    }
    free(f->partner);
    free(f->truth);
    memset(f, 0, sizeof *f);
}
