/* Experiments on observed pictures against the method called by hand: every score, map, threshold and measure must be
 * the same bits, whichever order experiments are made in and however many threads make them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "test/rug.h"
#include "test/test.h"

static const ExperimentSource source = {make_picture, make_mask, NULL, NULL};

/* ---- the method by hand ---- */

typedef struct {
    double scores[8], threshold;
    float *maps[8]; /* [SIDE + 8, SIDE] */
    size_t count;
} ByHand;

/* Observes a picture anew, with nothing kept between calls. */
static int look(LakeObserver *eye, const DatasetImage *image, LakeTokens *tokens, Error *e)
{
    Image picture;
    int code = make_picture(&picture, NULL, image->path, e);

    if (code == LAKE_OK)
        code = lake_observe(eye, &picture, tokens, e);
    img_free(&picture);
    return code;
}

static int among(size_t i, const size_t *list, size_t count)
{
    while (count > 0)
        if (list[--count] == i)
            return 1;
    return 0;
}

static int by_hand(ByHand *hand, const Clip *model, const Dataset *set, const ExperimentPlan *plan,
                   const LakeDecision *decision, Error *e)
{
    LakeObserver eye;
    LakeTokens tokens;
    LakeTexts texts;
    LakeFit *fit;
    LakeDetector detector;
    LakeResult result;
    LakeOptions options = plan->options;
    int code;

    options.decision = *decision;
    memset(hand, 0, sizeof *hand);
    code = lake_texts_open(&texts, model, options.class_name, NULL, NULL, e) ||
           lake_observer_open(&eye, model, &options, LAKE_SEE_STRUCTURE | LAKE_SEE_MEANING, e) ||
           lake_observer_tokens(&eye, &tokens, e) || lake_fit_begin(&fit, &options, model, &texts, &tokens, e);
    for (size_t i = 0; code == LAKE_OK && i < plan->shot_count; i++)
        code = look(&eye, &set->train[plan->shots[i]], &tokens, e) || lake_fit_add(fit, &tokens, "normal", e);
    for (size_t i = 0; code == LAKE_OK && i < plan->dirty_count; i++)
        code = look(&eye, &set->test[plan->dirty[i]], &tokens, e) || lake_fit_add(fit, &tokens, "dirty", e);
    if (code != LAKE_OK || lake_fit_finish(fit, &detector, e) != LAKE_OK ||
        lake_result_open(&result, &detector, e) != LAKE_OK)
        return LAKE_RESOURCE;
    for (size_t i = 0; code == LAKE_OK && i < set->test_count; i++) {
        if (among(i, plan->dirty, plan->dirty_count) || among(i, plan->left_out, plan->left_out_count))
            continue;
        code = look(&eye, &set->test[i], &tokens, e) || lake_score(&detector, &tokens, &result, e) ||
               lake_map(&hand->maps[hand->count], &result, SIDE, SIDE + 8, e);
        hand->scores[hand->count++] = result.score;
    }
    hand->threshold = detector.threshold;
    lake_result_close(&result);
    lake_detector_close(&detector);
    lake_tokens_close(&tokens);
    lake_observer_close(&eye);
    lake_texts_close(&texts);
    return code;
}

static void free_hand(ByHand *hand)
{
    for (size_t i = 0; i < hand->count; i++)
        free(hand->maps[i]);
}

/* Whether an outcome is what the method by hand gives: counts the numbers that are not. */
static size_t differences(const ByHand *hand, const Experiment *x, const ExperimentOutcome *out)
{
    size_t wrong = (out->count != hand->count) + (out->threshold != hand->threshold);
    Error e;

    for (size_t i = 0; i < out->count && i < hand->count; i++) {
        float *map;
        wrong += out->scores[i] != hand->scores[i];
        if (experiment_map(&map, x, out, i, &e) != LAKE_OK)
            return wrong + 1;
        wrong += memcmp(map, hand->maps[i], SIDE * (SIDE + 8) * sizeof *map) != 0;
        free(map);
    }
    return wrong;
}

/* ---- tests ---- */

static void test_against_hand(Experiment *x, const Clip *model, const char *name, const ExperimentPlan *plan,
                              const LakeDecision *decision)
{
    ExperimentFit fit;
    ExperimentOutcome out;
    ByHand hand;
    Error e = {0, ""};
    int code = experiment_fit(&fit, x, plan, &e);

    if (!check(code == LAKE_OK, name, "%s", e.text))
        return;
    code = experiment_decide(&out, &fit, decision, &e);
    if (code == LAKE_OK)
        code = by_hand(&hand, model, x->dataset, plan, decision, &e);
    check(code == LAKE_OK && differences(&hand, x, &out) == 0, "scores and maps are those of lake_score",
          "%s: %d numbers differ; %s", name, (int)differences(&hand, x, &out), e.text);
    free_hand(&hand);
    experiment_outcome_close(&out);
    experiment_fit_close(&fit);
}

/* Every plan is tried on the same experiment, so none may leave a trace in the observations. */
static void test_plans(Experiment *x, const Clip *model)
{
    const size_t shots[] = {2, 0, 1}, dirty[] = {3}, left[] = {2};
    ExperimentPlan plan;
    LakeDecision decision;

    memset(&plan, 0, sizeof plan);
    small_options(&plan.options);
    decision = plan.options.decision;
    plan.shots = shots;
    plan.shot_count = 3;
    test_against_hand(x, model, "the defaults", &plan, &decision);
    plan.options.normalisation = LAKE_NORMALISE_LN;
    plan.options.selection = LAKE_SELECT_RANDOM;
    plan.options.seed = 5;
    test_against_hand(x, model, "random channels, ln", &plan, &decision);
    plan.options.normalisation = LAKE_NORMALISE_CLIP;
    plan.options.selection = LAKE_SELECT_VARIANCE;
    plan.options.seed = 0;
    test_against_hand(x, model, "clip after ln", &plan, &decision);
    plan.dirty = dirty;
    plan.dirty_count = 1;
    plan.left_out = left;
    plan.left_out_count = 1;
    plan.options.trim = 0.1;
    test_against_hand(x, model, "a dirty normal, trimmed, another left out", &plan, &decision);
    decision.lambda = 0;
    decision.pooling = LAKE_POOL_MEAN;
    test_against_hand(x, model, "another decision than the fit's", &plan, &decision);
}

/* One fit, several decisions, and back to the first. */
static void test_decisions(Experiment *x, const Clip *model)
{
    static const LakeDecision decisions[] = {{0.3, LAKE_POOL_MAX, LAKE_THRESHOLD_AUTO, 0},
                                             {0, LAKE_POOL_MAX, LAKE_THRESHOLD_AUTO, 0},
                                             {1, LAKE_POOL_TOP1, LAKE_THRESHOLD_NUMBER, 0.4},
                                             {0.6, LAKE_POOL_MEAN, LAKE_THRESHOLD_FPR, 0.5},
                                             {0.3, LAKE_POOL_MAX, LAKE_THRESHOLD_AUTO, 0}};
    const size_t shots[] = {0, 1};
    ExperimentPlan plan;
    ExperimentFit fit;
    Error e = {0, ""};

    memset(&plan, 0, sizeof plan);
    small_options(&plan.options);
    plan.shots = shots;
    plan.shot_count = 2;
    plan.options.decision.lambda = 0; /* the semantic maps are needed all the same */
    if (!check(experiment_fit(&fit, x, &plan, &e) == LAKE_OK, "a fit with lambda 0", "%s", e.text))
        return;
    for (size_t d = 0; d < sizeof decisions / sizeof *decisions; d++) {
        ExperimentOutcome out;
        ByHand hand;
        size_t alarms = 0, misses = 0;
        int code = experiment_decide(&out, &fit, &decisions[d], &e);
        if (code == LAKE_OK)
            code = by_hand(&hand, model, x->dataset, &plan, &decisions[d], &e);
        check(code == LAKE_OK && differences(&hand, x, &out) == 0, "a decision anew is that of a new fit",
              "%d: %d differ, %s", (int)d, (int)differences(&hand, x, &out), e.text);
        for (size_t i = 0; i < hand.count; i++) { /* test pictures are sorted by kind: blot, blot, good, good, stain */
            int bad = i != 2 && i != 3;
            alarms += !bad && hand.scores[i] > hand.threshold;
            misses += bad && !(hand.scores[i] > hand.threshold);
        }
        check(out.false_alarms == alarms && out.misses == misses, "wrong decisions are counted", "%d %d, not %d %d",
              (int)out.false_alarms, (int)out.misses, (int)alarms, (int)misses);
        free_hand(&hand);
        experiment_outcome_close(&out);
    }
    experiment_fit_close(&fit);
}

/* Pixel measures: those of the maps and masks put together by hand; the stain has no mask and no say. */
static void test_pixels(Experiment *x, const Clip *model)
{
    const size_t shots[] = {0, 1};
    ExperimentPlan plan;
    ExperimentFit fit;
    ExperimentOutcome out;
    EvalPixels *pixels;
    EvalPixelScores expected, found;
    unsigned char mask[SIDE * (SIDE + 8)];
    ByHand hand;
    Error e = {0, ""};

    memset(&plan, 0, sizeof plan);
    small_options(&plan.options);
    plan.shots = shots;
    plan.shot_count = 2;
    if (!check(experiment_fit(&fit, x, &plan, &e) == LAKE_OK &&
                   experiment_decide(&out, &fit, &plan.options.decision, &e) == LAKE_OK &&
                   experiment_pixels(&found, x, &out, &e) == LAKE_OK &&
                   by_hand(&hand, model, x->dataset, &plan, &plan.options.decision, &e) == LAKE_OK &&
                   eval_pixels_open(&pixels, 0, &e) == LAKE_OK,
               "pixel measures", "%s", e.text))
        return;
    for (size_t i = 0; i < 4; i++) {
        make_mask(mask, SIDE + 8, SIDE, NULL, x->dataset->test[i].path, &e);
        eval_pixels_add(pixels, hand.maps[i], i < 2 ? mask : NULL, SIDE + 8, SIDE, &e);
    }
    eval_pixels_scores(pixels, &expected, &e);
    check(found.images == 4 && found.auroc == expected.auroc && found.ap == expected.ap && found.pro == expected.pro,
          "pixel measures are those of maps and masks", "%d images, %g %g %g, not %g %g %g", (int)found.images,
          found.auroc, found.ap, found.pro, expected.auroc, expected.ap, expected.pro);
    eval_pixels_close(pixels);
    free_hand(&hand);
    experiment_outcome_close(&out);
    experiment_fit_close(&fit);
}

static void test_zero(Experiment *x, const Clip *model)
{
    ExperimentOutcome out;
    LakeResult result;
    LakeTokens tokens;
    LakeObserver eye;
    size_t wrong = 0;
    Error e = {0, ""};

    if (!check(experiment_zero(&out, x, 0.5, &e) == LAKE_OK, "zero-shot", "%s", e.text))
        return;
    if (lake_observer_open(&eye, model, &x->eye.options, LAKE_SEE_MEANING | LAKE_SEE_WHOLE, &e) != LAKE_OK ||
        lake_observer_tokens(&eye, &tokens, &e) != LAKE_OK || lake_result_open_zero(&result, 4, 4, &e) != LAKE_OK) {
        check(0, "zero-shot by hand", "%s", e.text);
        return;
    }
    for (size_t i = 0; i < out.count; i++) {
        look(&eye, &x->dataset->test[i], &tokens, &e);
        lake_zero(&x->texts, &tokens, 0.5, &result, &e);
        wrong += result.score != out.scores[i] || result.whole != out.whole[i] ||
                 memcmp(result.map, out.maps + i * PATCHES, PATCHES * sizeof *out.maps) != 0;
    }
    check(out.count == 5 && wrong == 0, "zero-shot is lake_zero", "%d pictures, %d differ", (int)out.count, (int)wrong);
    lake_result_close(&result);
    lake_tokens_close(&tokens);
    lake_observer_close(&eye);
    experiment_outcome_close(&out);
}

/* The same numbers from one thread and from three. */
static void test_threads(const Clip *model, const Dataset *set)
{
    const size_t shots[] = {0, 1, 2, 3};
    double scores[2][5] = {{0}, {1}};
    Error e = {0, ""};

    for (int run = 0; run < 2; run++) {
        Experiment x;
        ExperimentPlan plan;
        ExperimentFit fit;
        ExperimentOutcome out;
        memset(&plan, 0, sizeof plan);
        small_options(&plan.options);
        plan.shots = shots;
        plan.shot_count = 4;
        kernel_set_threads(run == 0 ? 1 : 3);
        if (experiment_open(&x, model, &plan.options, NULL, set, &source, &e) == LAKE_OK &&
            experiment_fit(&fit, &x, &plan, &e) == LAKE_OK) {
            if (experiment_decide(&out, &fit, &plan.options.decision, &e) == LAKE_OK) {
                memcpy(scores[run], out.scores, sizeof scores[run]);
                experiment_outcome_close(&out);
            }
            experiment_fit_close(&fit);
        }
        experiment_close(&x);
    }
    kernel_set_threads(0);
    check(memcmp(scores[0], scores[1], sizeof scores[0]) == 0, "threads change nothing", "%g, then %g; %s",
          scores[0][0], scores[1][0], e.text);
}

static void test_refusals(Experiment *x)
{
    const size_t shots[] = {0}, beyond[] = {9};
    ExperimentPlan plan;
    ExperimentFit fit;
    Error e = {0, ""};

    memset(&plan, 0, sizeof plan);
    small_options(&plan.options);
    plan.shots = shots;
    plan.shot_count = 1;
    plan.options.resolution = 40;
    check(experiment_fit(&fit, x, &plan, &e) == LAKE_USAGE, "other tokens than observed are refused", "%s", e.text);
    plan.options.resolution = 32;
    plan.left_out = beyond;
    plan.left_out_count = 1;
    check(experiment_fit(&fit, x, &plan, &e) == LAKE_USAGE, "a picture that is not there is refused", "%s", e.text);
    plan.left_out_count = 0;
    plan.shot_count = 0;
    check(experiment_fit(&fit, x, &plan, &e) == LAKE_USAGE, "no normal picture is refused", "%s", e.text);
}

/* Without a class name there are no texts, and what needs them is refused. */
static void test_without_texts(const Clip *model, const Dataset *set)
{
    LakeOptions options;
    Experiment x;
    ExperimentOutcome out;
    Error e = {0, ""};

    small_options(&options);
    options.class_name[0] = '\0';
    if (!check(experiment_open(&x, model, &options, NULL, set, &source, &e) == LAKE_OK, "without texts", "%s", e.text))
        return;
    check(experiment_zero(&out, &x, 0.5, &e) == LAKE_USAGE, "zero-shot without texts is refused", "%s", e.text);
    experiment_close(&x);
}

int main(void)
{
    Clip model;
    Dataset set;
    Experiment x;
    LakeOptions options;
    Error e = {0, ""};

    if (!check(open_rug(&model, &set, "experiment.clip", &e) == LAKE_OK, "model and pictures", "%s", e.text))
        return 0;
    small_options(&options);
    if (check(experiment_open(&x, &model, &options, NULL, &set, &source, &e) == LAKE_OK, "an experiment", "%s",
              e.text)) {
        test_plans(&x, &model);
        test_decisions(&x, &model);
        test_pixels(&x, &model);
        pictures_read = 0;
        test_refusals(&x);
        test_zero(&x, &model);
        check(pictures_read == 5, "a picture is read once", "%d readings", pictures_read);
    }
    experiment_close(&x);
    test_threads(&model, &set);
    test_without_texts(&model, &set);
    dataset_free(&set);
    clip_close(&model);
    return 0;
}
