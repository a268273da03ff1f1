/* lake score: photos against a detector. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/features.h"
#include "cli/inputs.h"
#include "cli/model.h"
#include "cli/results.h"
#include "cli/settings.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

static int run(int argc, char **argv, Error *e);

const Verb verb_score = {"score", "D.lake IMAGE|DIR|-... [--csv|--jsonl] [--overlays DIR]", "score photos with a detector",
                         "Example: lake score nut.lake new/ --overlays out/ --explain\n"
                         "- reads paths from standard input, one per line, and answers each at once.",
                         run};

/* What a run of score works with. */
typedef struct {
    LakeDetector *detector;
    LakeObserver *eye; /* NULL: features */
    LakeTokens tokens;
    LakeResult result;
    Results *results;
    Progress progress;
} Session;

/* Scores one photo. A photo that cannot be read is a row of its own, not the end; what cannot be written ends the run. */
static int score_photo(Session *s, const Input *input, Error *e)
{
    Image image;
    Error local;
    int code = read_photo(&image, input->path, s->eye->model->config.patch, &local);

    if (code == LAKE_OK) {
        code = lake_observe(s->eye, &image, &s->tokens, &local);
        if (code == LAKE_OK)
            code = lake_score(s->detector, &s->tokens, &s->result, &local);
        progress_clear(&s->progress);
        if (code == LAKE_OK) {
            code = results_add(s->results, input, &image, s->detector, &s->result, e);
            img_free(&image);
            return code;
        }
        img_free(&image);
    }
    progress_clear(&s->progress);
    if (code == LAKE_BAD_INPUT) {
        results_error(s->results, input->path, &local);
        return LAKE_OK;
    }
    *e = local;
    return code;
}

/* Paths from standard input, each answered before the next is read. */
static int score_stream(Session *s, Error *e)
{
    Input input = {NULL, 0};
    char *line = NULL;
    size_t room = 0;
    int got, code = LAKE_OK;

    while (code == LAKE_OK && (got = read_line(&line, &room, stdin)) != 0) {
        if (got < 0) {
            code = error_memory(e, "a line");
        } else if (line[0] != '\0') {
            input.path = line;
            input.root = (size_t)(path_base(line) - line);
            code = score_photo(s, &input, e);
            fflush(stdout);
        }
    }
    free(line);
    return code;
}

/* One argument: a file, a folder, or "-". A path that is missing is a row like an unreadable photo. */
static int score_argument(Session *s, const char *argument, Error *e)
{
    InputList photos = {0, 0, NULL};
    Error local;
    int code;

    if (strcmp(argument, "-") == 0)
        return score_stream(s, e);
    code = inputs_add(&photos, argument, &local);
    if (code == LAKE_BAD_INPUT) {
        results_error(s->results, argument, &local);
        code = LAKE_OK;
    } else if (code != LAKE_OK) {
        *e = local;
    }
    for (size_t i = 0; i < photos.count && code == LAKE_OK; i++) {
        if (!is_terminal(stdout))
            progress_update(&s->progress, (double)i / (double)photos.count);
        code = score_photo(s, &photos.items[i], e);
    }
    inputs_free(&photos);
    return code;
}

static int score_arguments(Session *s, const Arguments *arguments, Error *e)
{
    int code = LAKE_OK;

    progress_begin(&s->progress, "scoring");
    for (size_t i = 1; i < arguments->count && code == LAKE_OK; i++)
        code = score_argument(s, arguments->items[i], e);
    progress_clear(&s->progress);
    return code;
}

static int score_with_model(Session *s, const Arguments *arguments, const char *weights, Error *e)
{
    LakeObserver eye;
    Clip model;
    int code = model_open(&model, weights, s->detector->weights, e);

    if (code != LAKE_OK)
        return code;
    code = lake_check_model(s->detector, arguments->items[0], &model, e);
    if (code == LAKE_OK)
        code = lake_observer_open(&eye, &model, &s->detector->options,
                                  LAKE_SEE_STRUCTURE | (lake_lambda(s->detector) > 0 ? LAKE_SEE_MEANING : 0), e);
    if (code == LAKE_OK) {
        s->eye = &eye;
        code = lake_observer_tokens(&eye, &s->tokens, e);
        if (code == LAKE_OK) {
            code = score_arguments(s, arguments, e);
            lake_tokens_close(&s->tokens);
        }
        lake_observer_close(&eye);
    }
    clip_close(&model);
    return code;
}

/* Every image of the feature arrays, called FILE#NUMBER. */
static int score_images_of_features(Session *s, const Features *features, const char *name, Error *e)
{
    size_t room = strlen(name) + 24;
    char *label = malloc(room);
    const Input input = {label, (size_t)(path_base(name) - name)};
    int code = label != NULL ? LAKE_OK : error_memory(e, "a name");

    for (size_t i = 0; i < features->count && code == LAKE_OK; i++) {
        Error local;
        snprintf(label, room, "%s#%llu", name, (unsigned long long)i);
        features_get(features, i, &s->tokens);
        code = lake_score(s->detector, &s->tokens, &s->result, &local);
        if (code == LAKE_OK) {
            code = results_add(s->results, &input, NULL, s->detector, &s->result, e);
        } else {
            results_error(s->results, label, &local);
            code = LAKE_OK;
        }
    }
    free(label);
    return code;
}

static int score_features(Session *s, const Arguments *arguments, const char *grid, Error *e)
{
    Features features;
    int code;

    if (arguments->count - 1 != s->detector->layer_count)
        return error_set(e, LAKE_USAGE, "%s was fitted on %d feature files (one per layer), found %d", arguments->items[0],
                         (int)s->detector->layer_count, (int)arguments->count - 1);
    code = features_open(&features, arguments->items + 1, arguments->count - 1, grid, e);
    if (code != LAKE_OK)
        return code;
    code = lake_tokens_open(&s->tokens, features.height, features.width, features.layer_count, features.widths, 0, 0, e);
    if (code == LAKE_OK) {
        code = score_images_of_features(s, &features, arguments->items[1], e);
        lake_tokens_close(&s->tokens);
    }
    features_close(&features);
    return code;
}

/* What --lambda, --pooling and --threshold change of the detector's decision. */
static int change_decision(LakeDetector *detector, double lambda, int pooling, const char *threshold, Error *e)
{
    LakeDecision decision = detector->options.decision;

    if (lambda < 0 && pooling < 0 && threshold == NULL)
        return LAKE_OK;
    if (lambda >= 0)
        decision.lambda = lambda;
    if (pooling >= 0)
        decision.pooling = (LakePooling)pooling;
    if (threshold != NULL && !lake_parse_threshold(&decision, threshold))
        return error_set(e, LAKE_USAGE, "--threshold: expected auto, a number, or fpr=Q with Q from 0 to 1, found '%s'", threshold);
    return lake_decide(detector, &decision, e);
}

static int score(LakeDetector *detector, Results *results, const Arguments *arguments, const char *weights, const char *grid, Error *e)
{
    int features = is_features(arguments->items[1]), code;
    Session session;

    memset(&session, 0, sizeof session);
    session.detector = detector;
    session.results = results;
    if (features != (detector->weights == NULL))
        return error_set(e, LAKE_BAD_INPUT, features ? "%s was fitted on photos, not on features: give photos"
                                                     : "%s was fitted on features: give .npy files, one per layer", arguments->items[0]);
    code = results_begin(results, e);
    if (code == LAKE_OK)
        code = lake_result_open(&session.result, detector, e);
    if (code != LAKE_OK)
        return code;
    code = features ? score_features(&session, arguments, grid, e) : score_with_model(&session, arguments, weights, e);
    lake_result_close(&session.result);
    results_end(results);
    return code;
}

static int run(int argc, char **argv, Error *e)
{
    const char *weights = NULL, *grid = NULL, *threshold = NULL;
    double lambda = -1;
    int pooling = -1, fail_on_anomaly = 0;
    Results results = {0};
    Arguments arguments;
    LakeDetector detector;
    const Option options[] = {
        RESULTS_OPTIONS(results),
        {"--explain", OPTION_FLAG, &results.explain, NULL, 0, 0, "name the neurons behind the worst patch"},
        {"--top", OPTION_COUNT, &results.top, "N", 0, 0, "how many neurons (default 5)"},
        {"--weights", OPTION_TEXT, &weights, "W", 0, 0, "the flat binary (default: $LAKE_WEIGHTS, then what the detector names)"},
        {"--lambda", OPTION_NUMBER, &lambda, "X", 0, 1, "another weight of the text branch than at the fit"},
        {"--pooling", OPTION_CHOICE, &pooling, "max|mean|top1", 0, 0, "another pooling than at the fit"},
        {"--threshold", OPTION_TEXT, &threshold, "auto|X|fpr=Q", 0, 0, "another threshold than at the fit"},
        {"--fail-on-anomaly", OPTION_FLAG, &fail_on_anomaly, NULL, 0, 0, "exit with 1 where an anomaly was found"},
        {"--grid", OPTION_TEXT, &grid, "HxW", 0, 0, "of features whose patches are no square"},
    };
    int code;

    results.top = 5;
    code = arguments_read(&arguments, &verb_score, options, COUNT_OF(options), argc, argv, e);
    if (code == LAKE_OK && !arguments.help) {
        if (arguments.count < 2)
            code = error_set(e, LAKE_USAGE, "expected a detector and photos, folders or -, found %d arguments", (int)arguments.count);
        else
            code = lake_detector_read(&detector, arguments.items[0], e);
        if (code == LAKE_OK) {
            code = change_decision(&detector, lambda, pooling, threshold, e);
            if (code == LAKE_OK)
                code = score(&detector, &results, &arguments, weights, grid, e);
            lake_detector_close(&detector);
        }
        if (code == LAKE_OK && results.failures > 0)
            code = error_set(e, LAKE_BAD_INPUT, "%d inputs could not be scored", results.failures);
        else if (code == LAKE_OK && fail_on_anomaly && results.anomalies > 0)
            code = LAKE_ANOMALY;
    }
    arguments_free(&arguments);
    return code;
}
