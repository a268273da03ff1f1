/* The experiments of the demo on one category; see demo.h. One function per experiment; each measurement becomes a row,
 * and each curve is the mean of its rows' image AUROC over draws. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/demo_internal.h"

static void step(DemoRun *run)
{
    DemoTicker *t = run->ticker;

    if (t == NULL || t->progress == NULL)
        return;
    if (t->done < t->steps)
        t->done++;
    t->progress->report(t->progress->context, run->category->name, (double)t->done / (double)t->steps);
}

/* ---- rows ---- */

static EvalPixelScores no_pixels(void)
{
    EvalPixelScores none;

    memset(&none, 0, sizeof none);
    none.auroc = none.ap = none.f1max = none.pro = none.pro_200 = none.f1_threshold = NAN;
    return none;
}

/* Records a measurement. pixels NULL: not measured. */
static int add_row(DemoRun *run, const char *method, size_t shots, size_t seed, const ExperimentOutcome *out,
                   const EvalPixelScores *pixels, Error *e)
{
    DemoRow *row;

    if (run->row_count == run->row_room) {
        size_t room = run->row_room > 0 ? 2 * run->row_room : 128;
        DemoRow *grown = realloc(run->rows, room * sizeof *grown);
        if (grown == NULL)
            return error_memory(e, "the results of the demo");
        run->rows = grown;
        run->row_room = room;
    }
    row = &run->rows[run->row_count++];
    memset(row, 0, sizeof *row);
    row->category = run->index;
    row->shots = shots;
    row->seed = seed;
    snprintf(row->method, sizeof row->method, "%s", method);
    row->image = out->measured;
    row->pixel = pixels != NULL ? *pixels : no_pixels();
    row->normals = shots;
    row->tests = out->count;
    row->threshold = out->threshold;
    row->false_alarms = out->false_alarms;
    row->misses = out->misses;
    return LAKE_OK;
}

/* Decides a fit anew and records it; *auroc grows by `share` of the image AUROC. */
static int record(DemoRun *run, ExperimentFit *fit, const LakeDecision *decision, const char *method, size_t seed,
                  double *auroc, double share, Error *e)
{
    ExperimentOutcome out;
    int code = experiment_decide(&out, fit, decision, e);

    if (code != LAKE_OK)
        return code;
    *auroc += share * out.measured.auroc;
    code = add_row(run, method, fit->detector.normal_count, seed, &out, NULL, e);
    experiment_outcome_close(&out);
    return code;
}

static void add_measures(DemoMeasures *sum, const EvalScores *image, const EvalPixelScores *pixel, double share)
{
    sum->image_auroc += share * image->auroc;
    sum->image_ap += share * image->ap;
    sum->image_f1max += share * image->f1max;
    sum->pixel_auroc += share * pixel->auroc;
    sum->pixel_ap += share * pixel->ap;
    sum->pixel_f1max += share * pixel->f1max;
    sum->pro += share * pixel->pro;
}

/* ---- the defaults, the text weight, pooling: one fit per draw ---- */

static int sweep_decisions(DemoRun *run, ExperimentFit *fit, size_t draw, Error *e)
{
    const DemoResults *r = run->results;
    DemoCategory *c = run->category;
    LakeDecision decision = run->options.decision;
    char method[DEMO_NAME_MAX];
    int code = LAKE_OK;

    for (size_t i = 0; i < DEMO_WEIGHTS && code == LAKE_OK && r->has_text; i++) {
        decision.lambda = r->text_weights[i];
        snprintf(method, sizeof method, "lambda-%d.%d", (int)i / 10, (int)i % 10); /* %f would follow the locale */
        code = record(run, fit, &decision, method, draw, &c->by_weight[i], 1.0 / DEMO_DRAWS, e);
    }
    decision = run->options.decision;
    for (int p = 0; p < DEMO_POOLINGS && code == LAKE_OK; p++) {
        decision.pooling = (LakePooling)p;
        snprintf(method, sizeof method, "pool-%s", lake_pooling_name(decision.pooling));
        code = record(run, fit, &decision, method, draw, &c->by_pooling[p], 1.0 / DEMO_DRAWS, e);
    }
    return code;
}

/* The defaults with all measures; the first draw is also what the reader is shown. */
static int measure_defaults(DemoRun *run, ExperimentFit *fit, size_t draw, Error *e)
{
    DemoCategory *c = run->category;
    ExperimentOutcome out;
    EvalPixelScores pixels;
    int code = experiment_decide(&out, fit, &run->options.decision, e);

    if (code != LAKE_OK)
        return code;
    code = experiment_pixels(&pixels, &run->x, &out, e);
    if (code == LAKE_OK)
        code = add_row(run, "lake", DEMO_SHOTS, draw, &out, &pixels, e);
    if (code == LAKE_OK) {
        add_measures(&c->lake, &out.measured, &pixels, 1.0 / DEMO_DRAWS);
        c->lake_false_alarms += out.false_alarms;
        c->lake_normal += out.measured.normal;
        c->lake_misses += out.misses;
        c->lake_anomalous += out.measured.anomalous;
        if (draw == 0)
            code = demo_show(c, &run->x, fit, &out, e);
    }
    experiment_outcome_close(&out);
    return code;
}

static int run_defaults(DemoRun *run, Error *e)
{
    int code = LAKE_OK;

    for (size_t draw = 0; draw < DEMO_DRAWS && code == LAKE_OK; draw++) {
        size_t shots[DEMO_SHOTS];
        ExperimentPlan plan;
        ExperimentFit fit;
        memset(&plan, 0, sizeof plan);
        plan.options = run->options;
        plan.shots = shots;
        plan.shot_count = DEMO_SHOTS;
        code = experiment_draw(shots, &run->set, DEMO_SHOTS, draw, e);
        if (code == LAKE_OK)
            code = experiment_fit(&fit, &run->x, &plan, e);
        if (code != LAKE_OK)
            return code;
        code = measure_defaults(run, &fit, draw, e);
        if (code == LAKE_OK)
            code = sweep_decisions(run, &fit, draw, e);
        experiment_fit_close(&fit);
        step(run);
    }
    return code;
}

/* ---- without normal pictures ---- */

static int run_zero(DemoRun *run, Error *e)
{
    DemoCategory *c = run->category;
    ExperimentOutcome out;
    EvalPixelScores pixels;
    int code = experiment_zero(&out, &run->x, 0.5, e);

    if (code != LAKE_OK)
        return code;
    code = experiment_pixels(&pixels, &run->x, &out, e);
    if (code == LAKE_OK)
        code = add_row(run, "zero", 0, 0, &out, &pixels, e);
    if (code == LAKE_OK) {
        add_measures(&c->zero, &out.measured, &pixels, 1);
        c->zero_false_alarms = out.false_alarms;
        c->zero_misses = out.misses;
    }
    experiment_outcome_close(&out);
    return code;
}

/* ---- which neurons, and how many: by the structural score alone ---- */

/* One selection: fitted, measured, recorded. detector: takes the fitted detector over, or NULL. */
static int measure_selection(DemoRun *run, const LakeOptions *options, const char *method, size_t draw, double *auroc,
                             double share, LakeDetector *detector, Error *e)
{
    size_t shots[DEMO_SHOTS];
    ExperimentPlan plan;
    ExperimentFit fit;
    int code = experiment_draw(shots, &run->set, DEMO_SHOTS, draw, e);

    memset(&plan, 0, sizeof plan);
    plan.options = *options;
    plan.options.decision.lambda = 0; /* the texts know nothing of neurons, and would only blur the comparison */
    plan.shots = shots;
    plan.shot_count = DEMO_SHOTS;
    if (code == LAKE_OK)
        code = experiment_fit(&fit, &run->x, &plan, e);
    if (code != LAKE_OK)
        return code;
    code = record(run, &fit, &plan.options.decision, method, draw, auroc, share, e);
    if (code == LAKE_OK && detector != NULL) {
        *detector = fit.detector;
        memset(&fit.detector, 0, sizeof fit.detector);
    }
    experiment_fit_close(&fit);
    step(run);
    return code;
}

/* What was chosen in each layer, and the audit against PCA. */
static int describe_layers(DemoCategory *c, const LakeDetector *detector, Error *e)
{
    int code = LAKE_OK;

    c->layer_count = detector->layer_count;
    for (size_t l = 0; l < detector->layer_count && code == LAKE_OK; l++) {
        const LakeLayer *from = &detector->layers[l];
        DemoLayer *to = &c->layers[l];
        double total = 0;
        to->block = from->block;
        to->width = from->width;
        to->count = from->count < DEMO_NEURONS_MAX ? from->count : DEMO_NEURONS_MAX;
        for (size_t d = 0; d < from->width; d++)
            total += from->moments.m2[d];
        for (size_t k = 0; k < to->count; k++) {
            to->channels[k] = from->channels[k];
            to->shares[k] = total > 0 ? from->moments.m2[from->channels[k]] / total : 0;
        }
        code = lake_audit(&to->audit, detector, l, e);
    }
    return code;
}

/* The top neurons; the first draw's sparse choice keeps its tokens, for the neurons' names and the audit. */
static int measure_top(DemoRun *run, size_t i, size_t draw, double share, Error *e)
{
    LakeOptions options = run->options;
    int described = draw == 0 && run->results->counts[i] == run->results->sparse, code;
    char method[DEMO_NAME_MAX];
    LakeDetector detector;

    options.neurons = run->results->counts[i];
    options.keep_tokens = described;
    snprintf(method, sizeof method, "variance-%d", (int)options.neurons);
    code = measure_selection(run, &options, method, draw, &run->category->by_count[DEMO_TOP][i], share,
                             described ? &detector : NULL, e);
    if (code != LAKE_OK || !described)
        return code;
    code = describe_layers(run->category, &detector, e);
    lake_detector_close(&detector);
    return code;
}

/* One value of K: the top, random ones by several seeds, the bottom. */
static int measure_count(DemoRun *run, size_t i, size_t draw, Error *e)
{
    DemoCategory *c = run->category;
    const double share = 1.0 / DEMO_DRAWS;
    LakeOptions options = run->options;
    char method[DEMO_NAME_MAX];
    int count = (int)run->results->counts[i], code = measure_top(run, i, draw, share, e);

    options.neurons = run->results->counts[i];
    options.selection = LAKE_SELECT_RANDOM;
    for (int seed = 1; seed <= DEMO_RANDOM_SEEDS && code == LAKE_OK; seed++) {
        options.seed = (uint64_t)seed;
        snprintf(method, sizeof method, "random-%d-%d", count, seed);
        code = measure_selection(run, &options, method, draw, &c->by_count[DEMO_RANDOM][i], share / DEMO_RANDOM_SEEDS,
                                 NULL, e);
    }
    options.seed = 0;
    options.selection = LAKE_SELECT_BOTTOM;
    snprintf(method, sizeof method, "bottom-%d", count);
    if (code == LAKE_OK)
        code = measure_selection(run, &options, method, draw, &c->by_count[DEMO_BOTTOM][i], share, NULL, e);
    return code;
}

static int run_neurons(DemoRun *run, Error *e)
{
    int code = LAKE_OK;

    for (size_t draw = 0; draw < DEMO_DRAWS && code == LAKE_OK; draw++) {
        LakeOptions options = run->options;
        for (size_t i = 0; i < DEMO_COUNTS && code == LAKE_OK; i++)
            code = measure_count(run, i, draw, e);
        options.selection = LAKE_SELECT_ALL;
        if (code == LAKE_OK)
            code = measure_selection(run, &options, "all", draw, &run->category->all, 1.0 / DEMO_DRAWS, NULL, e);
    }
    return code;
}

/* ---- contaminated normals ---- */

/* The test pictures that are put among the normals in turn: picture `number` of the first two kinds of defect; where
 * there is but one kind, two pictures of it. Pictures are sorted by kind. */
static int choose_dirty(size_t dirty[DEMO_DIRT - 1], const Dataset *set, size_t number, Error *e)
{
    size_t found = 0;

    for (size_t further = 0; further < 2; further++) {
        const char *last = "";
        size_t within = 0; /* number of a picture among those of its kind */
        for (size_t i = 0; i < set->test_count && found < DEMO_DIRT - 1; i++) {
            const DatasetImage *image = &set->test[i];
            within = strcmp(image->kind, last) == 0 ? within + 1 : 0;
            last = image->kind;
            if (image->anomalous && within == number + further)
                dirty[found++] = i;
        }
    }
    if (found < DEMO_DIRT - 1)
        return error_set(e, LAKE_BAD_INPUT, "%s: the demo needs more than %d defective pictures of a kind",
                         set->category, (int)number);
    return LAKE_OK;
}

/* All of them are left out of the test, so that every amount of dirt is measured on the same pictures. */
static int run_dirt(DemoRun *run, size_t choice, Error *e)
{
    size_t shots[DEMO_CLEAN_SHOTS], dirty[DEMO_DIRT - 1];
    char method[DEMO_NAME_MAX];
    ExperimentPlan plan;
    int code = experiment_draw(shots, &run->set, DEMO_CLEAN_SHOTS, 0, e);

    if (code == LAKE_OK)
        code = choose_dirty(dirty, &run->set, choice, e);
    memset(&plan, 0, sizeof plan);
    plan.options = run->options;
    plan.shots = shots;
    plan.shot_count = DEMO_CLEAN_SHOTS;
    plan.dirty = plan.left_out = dirty;
    plan.left_out_count = DEMO_DIRT - 1;
    for (int trim = 0; trim < 2; trim++)
        for (size_t k = 0; k < DEMO_DIRT && code == LAKE_OK; k++) {
            ExperimentFit fit;
            plan.options.trim = trim ? DEMO_TRIM : 0;
            plan.dirty_count = k;
            snprintf(method, sizeof method, "dirt-%d%s", (int)k, trim ? "-trim" : "");
            code = experiment_fit(&fit, &run->x, &plan, e);
            if (code != LAKE_OK)
                return code;
            code = record(run, &fit, &plan.options.decision, method, choice, &run->category->by_dirt[trim][k],
                          1.0 / DEMO_DIRT_CHOICES, e);
            experiment_fit_close(&fit);
            step(run);
        }
    return code;
}

/* ---- all of them ---- */

static void name_class(char *class_name, size_t room, const char *category)
{
    snprintf(class_name, room, "%s", category);
    for (char *c = class_name; *c != '\0'; c++)
        if (*c == '_')
            *c = ' ';
}

static int describe_category(DemoRun *run, Error *e)
{
    DemoCategory *c = run->category;

    c->class_name = demo_copy_text(run->options.class_name);
    if (c->class_name == NULL)
        return error_memory(e, "a name");
    c->train = run->set.train_count;
    for (size_t i = 0; i < run->set.test_count; i++)
        *(run->set.test[i].anomalous ? &c->anomalous : &c->normal) += 1;
    if (c->normal == 0 || c->anomalous == 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: the demo needs normal and defective test pictures", c->name);
    for (size_t i = 0; i < DEMO_WEIGHTS && !run->results->has_text; i++)
        c->by_weight[i] = NAN;
    return LAKE_OK;
}

static int observe_all(DemoRun *run, Error *e)
{
    int code = LAKE_OK;

    for (size_t i = 0; i < run->set.train_count && code == LAKE_OK; i++, step(run))
        code = experiment_observe(&run->x, &run->x.train[i], e);
    for (size_t i = 0; i < run->set.test_count && code == LAKE_OK; i++, step(run))
        code = experiment_observe(&run->x, &run->x.test[i], e);
    return code;
}

/* The defaults, and without normal pictures. */
static int run_detection(DemoRun *run, Error *e)
{
    const DemoMeasures not_measured = {NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    int code = observe_all(run, e);

    if (code == LAKE_OK)
        code = run_defaults(run, e);
    if (code == LAKE_OK && run->results->has_text)
        code = run_zero(run, e);
    if (code == LAKE_OK && !run->results->has_text)
        run->category->zero = not_measured;
    return code;
}

/* The experiments of many fits. */
static int run_many_fits(DemoRun *run, Error *e)
{
    int code = observe_all(run, e);

    if (code == LAKE_OK)
        code = run_neurons(run, e);
    for (size_t choice = 0; choice < DEMO_DIRT_CHOICES && code == LAKE_OK; choice++)
        code = run_dirt(run, choice, e);
    return code;
}

int demo_run_category(DemoRun *run, const Clip *model, const char *const *paths, size_t path_count,
                      const ExperimentSource *source, Error *e)
{
    DemoCategory *c = run->category;
    int code = dataset_build(&run->set, c->name, paths, path_count, "the demo's pictures", e);

    if (code != LAKE_OK)
        return code;
    name_class(run->options.class_name, sizeof run->options.class_name, c->name);
    code = describe_category(run, e);
    for (int part = 0; part < 2 && code == LAKE_OK; part++) {
        if (part == 1)
            run->options.resolution = run->results->trained_resolution;
        code = experiment_open(&run->x, model, &run->options, NULL, &run->set, source, e);
        if (code == LAKE_OK)
            code = part == 0 ? run_detection(run, e) : run_many_fits(run, e);
        experiment_close(&run->x);
    }
    dataset_free(&run->set);
    return code;
}
