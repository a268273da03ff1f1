/* The methods measured side by side: which there are, what each of them fills in, that threads and the order of
 * questions change nothing, and what is refused. test_methods.py compares their numbers with NumPy's. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/method.h"
#include "kernel/kernel.h"
#include "test/rug.h"
#include "test/test.h"

enum { METHODS = 13, TESTS = 5, SHOTS = 3 };

static const ExperimentSource source = {make_picture, make_mask, NULL, NULL};
static const char *const names[METHODS] = {"lake",           "lake-random",    "lake-bottom",      "lake-all",
                                           "lake-pca",       "zero",           "patchcore",        "patchcore-lake",
                                           "patchcore+lake", "anomalydino",    "anomalydino-lake", "anomalydino+lake",
                                           "zero+lake"};
static const size_t shots[SHOTS] = {2, 0, 1};

static const Method *method_called(const char *name)
{
    const Method *method = method_at(0);

    method_parse(&method, name, NULL);
    return method;
}

static void set_plan(ExperimentPlan *plan, size_t shot_count)
{
    memset(plan, 0, sizeof *plan);
    small_options(&plan->options);
    plan->options.seed = 5;
    plan->shots = shots;
    plan->shot_count = shot_count;
}

/* With the last block observed, or without. */
static int open_rugs(Experiment *x, const Clip *model, const Dataset *set, int texts, int last_block, Error *e)
{
    ExperimentSettings settings = {0};
    const Method *method = method_called("anomalydino");
    ExperimentPlan plan;

    set_plan(&plan, 0);
    if (!texts)
        plan.options.class_name[0] = '\0';
    if (last_block)
        method_blocks(settings.blocks, &settings.block_count, &method, 1, model);
    return experiment_open(x, model, &plan.options, &settings, set, &source, e);
}

/* ---- which there are ---- */

static void test_table(const Clip *model)
{
    const Method *method = NULL, *two[2];
    int blocks[LAKE_MAX_LAYERS];
    size_t wrong = 0, count = 9;
    Error e = {0, ""};

    for (size_t i = 0; i < METHODS && i < method_count(); i++)
        wrong += strcmp(method_at(i)->name, names[i]) != 0 || method_parse(&method, names[i], &e) != LAKE_OK ||
                 method != method_at(i) || method_needs_texts(method) != (strncmp(names[i], "zero", 4) == 0);
    check(method_count() == METHODS && wrong == 0, "the methods in the order of tables", "%d of %d", (int)wrong,
          (int)method_count());
    check(method_parse(&method, "padim", &e) == LAKE_USAGE && strstr(e.text, "lake, lake-random") != NULL &&
              strstr(e.text, " or zero+lake") != NULL,
          "an unknown method is refused with the list", "%s", e.text);
    two[0] = method_called("patchcore+lake");
    two[1] = method_called("anomalydino-lake");
    method_blocks(blocks, &count, two, 1, model);
    check(count == 0, "PatchCore looks at LAKE's blocks", "%d", (int)count);
    method_blocks(blocks, &count, two, 2, model);
    check(count == 1 && blocks[0] == (int)model->config.vision.layers, "AnomalyDINO at the last one", "%d", (int)count);
}

/* ---- what they fill in ---- */

static size_t not_finite(const float *numbers, size_t count)
{
    size_t wrong = 0;

    for (size_t i = 0; i < count; i++)
        wrong += !isfinite(numbers[i]) || numbers[i] < 0;
    return wrong;
}

static void test_shape(MethodSession *session, size_t i, size_t normals)
{
    const Method *method = method_at(i);
    const MethodOutcome *m, *again;
    const int bank = method->base == METHOD_PATCHCORE || method->base == METHOD_ANOMALYDINO;
    size_t wrong = 0;
    Error e = {0, ""};

    if (!check(method_outcome(&m, session, method, &e) == LAKE_OK, "a method", "%s: %s", names[i], e.text))
        return;
    if (strcmp(names[i], "zero") == 0)
        normals = 0;
    for (size_t k = 0; k < m->normal_count; k++)
        wrong += !isfinite(m->normal_scores[k]);
    for (size_t k = 0; k < m->out.count; k++)
        wrong += !isfinite(m->out.scores[k]);
    wrong += not_finite(m->out.maps, m->out.count * PATCHES) + not_finite(m->normal_maps, m->normal_count * PATCHES);
    check(m->out.count == TESTS && m->normal_count == normals && m->out.height == 4 && m->out.width == 4 && wrong == 0,
          "maps and scores of all pictures", "%s: %d, %d normals, %d wrong", names[i], (int)m->out.count,
          (int)m->normal_count, (int)wrong);
    check(m->values == (bank && !method->with_lake ? FUSE_DISTANCE : FUSE_PROBABILITY) && m->seconds >= 0 &&
              m->out.measured.normal == 2 && m->out.measured.anomalous == 3,
          "units, time and measures", "%s: %d, %g s", names[i], (int)m->values, m->seconds);
    check(method_outcome(&again, session, method, &e) == LAKE_OK && again == m, "asked again, the same", "%s",
          names[i]);
}

/* Three normal pictures, then a single one. */
static void test_shapes(Experiment *x)
{
    static const size_t counts[] = {SHOTS, 1};

    for (size_t c = 0; c < 2; c++) {
        ExperimentPlan plan;
        MethodSession *session;
        Error e = {0, ""};
        set_plan(&plan, counts[c]);
        if (!check(method_session_open(&session, x, &plan, &e) == LAKE_OK, "a session", "%s", e.text))
            return;
        for (size_t i = 0; i < METHODS; i++)
            test_shape(session, i, counts[c]);
        method_session_close(session);
    }
}

/* LAKE, its controls and the texts alone are what experiments make of them. */
static void test_experiments(Experiment *x)
{
    const size_t left_out[] = {1};
    MethodSession *session;
    ExperimentPlan plan;
    Error e = {0, ""};

    set_plan(&plan, SHOTS);
    plan.left_out = left_out;
    plan.left_out_count = 1;
    if (!check(method_session_open(&session, x, &plan, &e) == LAKE_OK, "a session", "%s", e.text))
        return;
    for (size_t i = 0; i < 6; i++) {
        const MethodOutcome *m;
        ExperimentFit fit;
        ExperimentOutcome out;
        int code;
        plan.options.selection = method_at(i)->selection;
        code = method_outcome(&m, session, method_at(i), &e);
        if (code == LAKE_OK && i < 5) {
            code = experiment_fit(&fit, x, &plan, &e) || experiment_decide(&out, &fit, &plan.options.decision, &e);
            experiment_fit_close(&fit);
        } else if (code == LAKE_OK) {
            code = experiment_zero(&out, x, 0.5, &e);
            memmove(out.scores + 1, out.scores + 2, 3 * sizeof *out.scores); /* it leaves none out */
        }
        check(code == LAKE_OK && m->out.count == 4 && m->out.threshold == out.threshold &&
                  memcmp(m->out.scores, out.scores, 4 * sizeof *out.scores) == 0,
              "LAKE is an experiment", "%s: %s", names[i], e.text);
        experiment_outcome_close(&out);
    }
    method_session_close(session);
}

/* ---- what changes nothing ---- */

/* All scores and maps of all methods, asked for from the first to the last or the other way round. */
static size_t collect(float *numbers, Experiment *x, int backwards, Error *e)
{
    const size_t each = (TESTS + SHOTS) * (PATCHES + 1);
    MethodSession *session;
    ExperimentPlan plan;
    size_t failed = 0;

    set_plan(&plan, SHOTS);
    if (method_session_open(&session, x, &plan, e) != LAKE_OK)
        return METHODS;
    for (size_t k = 0; k < METHODS; k++) {
        size_t i = backwards ? METHODS - 1 - k : k;
        float *to = numbers + i * each;
        const MethodOutcome *m;
        if (method_outcome(&m, session, method_at(i), e) != LAKE_OK) {
            failed++;
            continue;
        }
        memcpy(to, m->out.maps, TESTS * PATCHES * sizeof *to);
        if (m->normal_count > 0)
            memcpy(to + TESTS * PATCHES, m->normal_maps, m->normal_count * PATCHES * sizeof *to);
        for (size_t n = 0; n < TESTS; n++)
            to[(TESTS + SHOTS) * PATCHES + n] = (float)m->out.scores[n];
        for (size_t n = 0; n < m->normal_count; n++)
            to[(TESTS + SHOTS) * PATCHES + TESTS + n] = (float)m->normal_scores[n];
    }
    method_session_close(session);
    return failed;
}

static void test_threads(Experiment *x)
{
    enum { NUMBERS = METHODS * (TESTS + SHOTS) * (PATCHES + 1) };
    static float one[NUMBERS], three[NUMBERS], backwards[NUMBERS];
    size_t failed = 0;
    Error e = {0, ""};

    kernel_set_threads(1);
    failed += collect(one, x, 0, &e);
    kernel_set_threads(3);
    failed += collect(three, x, 0, &e);
    failed += collect(backwards, x, 1, &e);
    kernel_set_threads(0);
    check(failed == 0, "methods for threads", "%s", e.text);
    check(memcmp(one, three, sizeof one) == 0, "threads change nothing", "they do");
    check(memcmp(one, backwards, sizeof one) == 0, "nor does the order of questions", "it does");
}

/* The fit that is handed out is of the plan's decision, whatever was asked for. */
static void test_fit(Experiment *x)
{
    LakeDecision other = {0, LAKE_POOL_MEAN, LAKE_THRESHOLD_AUTO, 0};
    const MethodOutcome *before, *fused;
    ExperimentPlan plan;
    ExperimentOutcome out;
    ExperimentFit *fit;
    MethodSession *session;
    Error e = {0, ""};

    set_plan(&plan, SHOTS);
    if (!check(method_session_open(&session, x, &plan, &e) == LAKE_OK &&
                   method_outcome(&fused, session, method_called("zero+lake"), &e) == LAKE_OK &&
                   method_outcome(&before, session, method_called("lake"), &e) == LAKE_OK &&
                   method_lake_fit(&fit, session, &e) == LAKE_OK,
               "LAKE's fit", "%s", e.text))
        return;
    check(fit->detector.options.decision.lambda == 0.3 && fit->detector.threshold == before->out.threshold &&
              fit->detector.layers[0].count == 7,
          "the fit is LAKE's, with its decision", "%g", fit->detector.options.decision.lambda);
    if (check(experiment_decide(&out, fit, &other, &e) == LAKE_OK, "decided otherwise", "%s", e.text)) {
        check(out.threshold != before->out.threshold &&
                  method_outcome(&fused, session, method_called("patchcore+lake"), &e) == LAKE_OK,
              "what is kept is kept", "%s", e.text);
        experiment_outcome_close(&out);
    }
    method_session_close(session);
}

/* ---- thresholds ---- */

static double threshold_of(Experiment *x, const char *name, LakeThreshold kind, double value, double *largest)
{
    const MethodOutcome *m;
    MethodSession *session;
    ExperimentPlan plan;
    double threshold = NAN;

    set_plan(&plan, SHOTS);
    plan.options.decision.threshold = kind;
    plan.options.decision.threshold_value = value;
    if (method_session_open(&session, x, &plan, NULL) != LAKE_OK)
        return NAN;
    if (method_outcome(&m, session, method_called(name), NULL) == LAKE_OK) {
        threshold = m->out.threshold;
        *largest = m->normal_scores[0];
        for (size_t i = 1; i < m->normal_count; i++)
            *largest = fmax(*largest, m->normal_scores[i]);
    }
    method_session_close(session);
    return threshold;
}

static void test_thresholds(Experiment *x)
{
    double largest = 0, found = threshold_of(x, "patchcore", LAKE_THRESHOLD_AUTO, 0, &largest);

    check(largest > 1 && fabs(found - 1.1 * largest) < 1e-12 * largest, "a distance's threshold has no bound", "%g, %g",
          found, largest);
    found = threshold_of(x, "patchcore", LAKE_THRESHOLD_NUMBER, 0.4, &largest);
    check(fabs(found - 1.1 * largest) < 1e-12 * largest, "a number is not on its scale", "%g, %g", found, largest);
    found = threshold_of(x, "patchcore", LAKE_THRESHOLD_FPR, 0, &largest);
    check(found == largest, "a share of false alarms is", "%g, %g", found, largest);
    found = threshold_of(x, "patchcore+lake", LAKE_THRESHOLD_NUMBER, 0.4, &largest);
    check(found == 0.4, "a fused detector has LAKE's scale", "%g", found);
}

/* ---- what is refused ---- */

static int outcome_code(Experiment *x, size_t shot_count, const char *name, int texts, Error *e)
{
    const MethodOutcome *m;
    MethodSession *session;
    ExperimentPlan plan;
    int code;

    set_plan(&plan, shot_count);
    if (!texts)
        plan.options.class_name[0] = '\0';
    code = method_session_open(&session, x, &plan, e);
    if (code == LAKE_OK)
        code = method_outcome(&m, session, method_called(name), e);
    method_session_close(session);
    return code;
}

static void test_refusals(const Clip *model, const Dataset *set)
{
    const size_t beyond[] = {9};
    MethodSession *session;
    ExperimentPlan plan;
    Experiment x;
    Error e = {0, ""};

    if (!check(open_rugs(&x, model, set, 1, 0, &e) == LAKE_OK, "an experiment", "%s", e.text))
        return;
    check(outcome_code(&x, 0, "zero", 1, &e) == LAKE_OK, "without normals there are the texts", "%s", e.text);
    check(outcome_code(&x, 0, "zero+lake", 1, &e) == LAKE_USAGE, "and nothing else", "%s", e.text);
    check(outcome_code(&x, 0, "patchcore", 1, &e) == LAKE_USAGE, "no memory bank", "%s", e.text);
    check(outcome_code(&x, 0, "lake", 1, &e) == LAKE_USAGE, "and no LAKE", "%s", e.text);
    check(outcome_code(&x, 2, "anomalydino", 1, &e) == LAKE_USAGE && strstr(e.text, "block 3") != NULL,
          "a block that was not observed", "%s", e.text);
    set_plan(&plan, 1);
    plan.shots = beyond;
    check(method_session_open(&session, &x, &plan, &e) == LAKE_USAGE && session == NULL, "a picture that is not there",
          "%s", e.text);
    experiment_close(&x);
    if (!check(open_rugs(&x, model, set, 0, 1, &e) == LAKE_OK, "without texts", "%s", e.text))
        return;
    check(outcome_code(&x, 2, "zero", 0, &e) == LAKE_USAGE, "the texts alone need texts", "%s", e.text);
    check(outcome_code(&x, 2, "anomalydino+lake", 0, &e) == LAKE_OK, "others do not", "%s", e.text);
    experiment_close(&x);
}

int main(void)
{
    Clip model;
    Dataset set;
    Experiment x;
    Error e = {0, ""};

    if (!check(open_rug(&model, &set, "method.clip", &e) == LAKE_OK, "model and pictures", "%s", e.text))
        return 0;
    test_table(&model);
    if (check(open_rugs(&x, &model, &set, 1, 1, &e) == LAKE_OK, "an experiment", "%s", e.text)) {
        test_shapes(&x);
        test_experiments(&x);
        test_threads(&x);
        test_fit(&x);
        test_thresholds(&x);
    }
    experiment_close(&x);
    test_refusals(&model, &set);
    dataset_free(&set);
    clip_close(&model);
    return 0;
}
