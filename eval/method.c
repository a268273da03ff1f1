/* The methods that are measured side by side, and one draw of them; see method.h. */
#include <stdlib.h>
#include <string.h>

#include "base/measure.h"
#include "eval/method_internal.h"

/* ---- the table ---- */

static const Method methods[] = {
    {"lake", METHOD_LAKE, LAKE_SELECT_VARIANCE, 0, 0},
    {"lake-random", METHOD_LAKE, LAKE_SELECT_RANDOM, 0, 0},
    {"lake-bottom", METHOD_LAKE, LAKE_SELECT_BOTTOM, 0, 0},
    {"lake-all", METHOD_LAKE, LAKE_SELECT_ALL, 0, 0},
    {"lake-pca", METHOD_LAKE, LAKE_SELECT_PCA, 0, 0},
    {"zero", METHOD_ZERO, LAKE_SELECT_VARIANCE, 0, 0},
    {"patchcore", METHOD_PATCHCORE, LAKE_SELECT_VARIANCE, 0, 0},
    {"patchcore-lake", METHOD_PATCHCORE, LAKE_SELECT_VARIANCE, 1, 0},
    {"patchcore+lake", METHOD_PATCHCORE, LAKE_SELECT_VARIANCE, 0, 1},
    {"anomalydino", METHOD_ANOMALYDINO, LAKE_SELECT_VARIANCE, 0, 0},
    {"anomalydino-lake", METHOD_ANOMALYDINO, LAKE_SELECT_VARIANCE, 1, 0},
    {"anomalydino+lake", METHOD_ANOMALYDINO, LAKE_SELECT_VARIANCE, 0, 1},
    {"zero+lake", METHOD_ZERO, LAKE_SELECT_VARIANCE, 0, 1},
};

enum { METHODS = sizeof methods / sizeof *methods };

size_t method_count(void)
{
    return METHODS;
}

const Method *method_at(size_t i)
{
    return &methods[i];
}

int method_parse(const Method **method, const char *name, Error *e)
{
    char list[METHODS * (METHOD_NAME_MAX + 2)] = "";

    for (size_t i = 0; i < METHODS; i++) {
        if (strcmp(methods[i].name, name) == 0) {
            *method = &methods[i];
            return LAKE_OK;
        }
        strcat(list, i == 0 ? "" : i + 1 < METHODS ? ", " : " or ");
        strcat(list, methods[i].name);
    }
    return error_set(e, LAKE_USAGE, "method '%s': expected %s", name, list);
}

int method_needs_texts(const Method *method)
{
    return method->base == METHOD_ZERO;
}

static int needs_normals(const Method *method)
{
    return method->base != METHOD_ZERO || method->with_lake;
}

void method_blocks(int *blocks, size_t *count, const Method *const *chosen, size_t chosen_count, const Clip *model)
{
    *count = 0;
    for (size_t i = 0; i < chosen_count && *count == 0; i++)
        if (chosen[i]->base == METHOD_ANOMALYDINO)
            blocks[(*count)++] = (int)model->config.vision.layers;
}

/* The method that another one is fused with LAKE from. */
static const Method *alone(const Method *method)
{
    for (size_t i = 0; i < METHODS; i++)
        if (methods[i].base == method->base && !methods[i].lake_channels && !methods[i].with_lake)
            return &methods[i];
    return method;
}

/* ---- one draw ---- */

struct MethodSession {
    MethodDraw draw;
    int fitted;
    ExperimentFit fit; /* LAKE's */
    double fit_seconds;
    int done[METHODS];
    MethodOutcome outcomes[METHODS];
};

static int open_draw(MethodDraw *draw, Experiment *x, const ExperimentPlan *plan, Error *e)
{
    int code;

    draw->x = x;
    draw->plan = *plan;
    draw->height = draw->width = x->eye.state.grid;
    code = experiment_check_plan(&draw->options, x, plan, e);
    if (code == LAKE_OK)
        code = experiment_observe_all(x, plan, e);
    if (code == LAKE_OK)
        code = experiment_normals(&draw->normals, &draw->normal_count, x, plan, e);
    return code == LAKE_OK ? experiment_measured(&draw->images, &draw->count, x, plan, e) : code;
}

int method_session_open(MethodSession **session, Experiment *x, const ExperimentPlan *plan, Error *e)
{
    int code;

    *session = calloc(1, sizeof **session);
    if (*session == NULL)
        return error_memory(e, "the methods of a draw");
    code = open_draw(&(*session)->draw, x, plan, e);
    if (code != LAKE_OK) {
        method_session_close(*session);
        *session = NULL;
    }
    return code;
}

void method_session_close(MethodSession *session)
{
    if (session == NULL)
        return;
    for (size_t i = 0; i < METHODS; i++)
        method_outcome_close(&session->outcomes[i]);
    experiment_fit_close(&session->fit);
    free(session->draw.normals);
    free(session->draw.images);
    free(session);
}

/* ---- LAKE and the texts alone ---- */

int method_lake_fit(ExperimentFit **fit, MethodSession *session, Error *e)
{
    double start = clock_seconds();
    int code = LAKE_OK;

    if (!session->fitted) {
        code = experiment_fit(&session->fit, session->draw.x, &session->draw.plan, e);
        session->fitted = code == LAKE_OK;
        session->fit_seconds = clock_seconds() - start;
    }
    *fit = &session->fit;
    return code;
}

/* What a fit says with its own decision; the fit is as before. */
static int outcome_of_fit(MethodOutcome *outcome, ExperimentFit *fit, const LakeDecision *decision, Error *e)
{
    const LakeDetector *d = &fit->detector;
    const LakeDecision before = d->options.decision;
    size_t patches = d->height * d->width;
    Error ignored;
    int code;

    memset(outcome, 0, sizeof *outcome);
    code = experiment_decide(&outcome->out, fit, decision, e);
    if (code != LAKE_OK)
        return code;
    outcome->values = FUSE_PROBABILITY;
    outcome->normal_count = d->normal_count;
    outcome->normal_maps = experiment_maps(d->normal_count, patches);
    outcome->normal_scores = malloc(d->normal_count * sizeof *outcome->normal_scores);
    if (outcome->normal_maps == NULL || outcome->normal_scores == NULL) {
        method_outcome_close(outcome);
        return error_memory(e, "the outcome of a method");
    }
    lake_fuse(outcome->normal_maps, d->normal_structural, d->normal_semantic, lake_lambda(d),
              d->normal_count * patches);
    memcpy(outcome->normal_scores, d->normal_scores, d->normal_count * sizeof *outcome->normal_scores);
    code = lake_decide(&fit->detector, &before, &ignored);
    if (code == LAKE_OK)
        return LAKE_OK;
    method_outcome_close(outcome);
    return error_memory(e, "the outcome of a method");
}

static int run_lake(MethodOutcome *outcome, MethodSession *session, Error *e)
{
    ExperimentFit *fit;
    int code = method_lake_fit(&fit, session, e);

    if (code == LAKE_OK)
        code = outcome_of_fit(outcome, fit, &session->draw.options.decision, e);
    return code;
}

/* LAKE with another selection. */
static int run_control(MethodOutcome *outcome, MethodSession *session, const Method *method, Error *e)
{
    ExperimentPlan plan = session->draw.plan;
    ExperimentFit fit;
    int code;

    plan.options.selection = method->selection;
    code = experiment_fit(&fit, session->draw.x, &plan, e);
    if (code != LAKE_OK)
        return code;
    code = outcome_of_fit(outcome, &fit, &session->draw.options.decision, e);
    experiment_fit_close(&fit);
    return code;
}

static int run_zero(MethodOutcome *outcome, MethodSession *session, Error *e)
{
    outcome->values = FUSE_PROBABILITY;
    return experiment_zero_planned(&outcome->out, session->draw.x, &session->draw.plan, 0.5, e);
}

/* ---- fused ---- */

/* LAKE's maps without texts, and the texts' maps of the normals, which LAKE keeps. */
static int fuse_zero(MethodOutcome *outcome, MethodSession *session, const MethodOutcome *zero, Error *e)
{
    LakeDecision structural = session->draw.options.decision;
    MethodOutcome lake;
    ExperimentFit *fit;
    int code = method_lake_fit(&fit, session, e);

    structural.lambda = 0;
    if (code == LAKE_OK)
        code = outcome_of_fit(&lake, fit, &structural, e);
    if (code == LAKE_OK) {
        MethodSide sides[2] = {{"lake", NULL, NULL, FUSE_PROBABILITY}, {"zero", NULL, NULL, FUSE_PROBABILITY}};
        sides[0].maps = lake.out.maps;
        sides[0].normal_maps = lake.normal_maps;
        sides[1].maps = zero->out.maps;
        sides[1].normal_maps = fit->detector.normal_semantic;
        code = method_fused(outcome, &session->draw, &sides[0], &sides[1], e);
        method_outcome_close(&lake);
    }
    return code;
}

static int run_fused(MethodOutcome *outcome, MethodSession *session, const Method *method, double *others, Error *e)
{
    const MethodOutcome *lake = NULL, *other = NULL;
    double start = clock_seconds();
    MethodSide sides[2];
    int code = method_outcome(&lake, session, &methods[0], e);

    if (code == LAKE_OK)
        code = method_outcome(&other, session, alone(method), e);
    *others = clock_seconds() - start;
    if (code != LAKE_OK)
        return code;
    if (method->base == METHOD_ZERO)
        return fuse_zero(outcome, session, other, e);
    sides[0].name = "lake";
    sides[0].maps = lake->out.maps;
    sides[0].normal_maps = lake->normal_maps;
    sides[0].values = lake->values;
    sides[1].name = alone(method)->name;
    sides[1].maps = other->out.maps;
    sides[1].normal_maps = other->normal_maps;
    sides[1].values = other->values;
    return method_fused(outcome, &session->draw, &sides[0], &sides[1], e);
}

/* ---- any of them ---- */

/* *others: seconds that went to methods it builds on. */
static int run(MethodOutcome *outcome, MethodSession *session, const Method *method, double *others, Error *e)
{
    *others = 0;
    if (method->with_lake)
        return run_fused(outcome, session, method, others, e);
    if (method->base == METHOD_ZERO)
        return run_zero(outcome, session, e);
    if (method->base != METHOD_LAKE)
        return method_bank(outcome, &session->draw, method, e);
    return method == &methods[0] ? run_lake(outcome, session, e) : run_control(outcome, session, method, e);
}

int method_outcome(const MethodOutcome **outcome, MethodSession *session, const Method *method, Error *e)
{
    const size_t i = (size_t)(method - methods);
    const int counts_fit = i == 0 && session->fitted; /* made before, and LAKE's time all the same */
    double start = clock_seconds(), others;
    int code;

    if (!session->done[i]) {
        if (needs_normals(method) && session->draw.normal_count == 0)
            return error_set(e, LAKE_USAGE, "method '%s' needs normal pictures; without any there is 'zero'",
                             method->name);
        if (method_needs_texts(method) && session->draw.x->texts.embed == 0)
            return error_set(e, LAKE_USAGE, "method '%s' needs a class name and weights with a text tower",
                             method->name);
        code = run(&session->outcomes[i], session, method, &others, e);
        if (code != LAKE_OK) {
            method_outcome_close(&session->outcomes[i]);
            return code;
        }
        session->outcomes[i].seconds = clock_seconds() - start - others + (counts_fit ? session->fit_seconds : 0);
        session->done[i] = 1;
    }
    *outcome = &session->outcomes[i];
    return LAKE_OK;
}
