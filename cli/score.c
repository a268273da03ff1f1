/* lake score: photos against a detector. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/features.h"
#include "cli/inputs.h"
#include "cli/model.h"
#include "cli/session.h"
#include "cli/settings.h"
#include "cli/verbs.h"

static int run(int argc, char **argv, Error *e);

const Verb verb_score = {"score", "D.lake IMAGE|DIR|-... [--csv|--jsonl] [--overlays DIR]",
                         "score photos with a detector",
                         "Example: lake score nut.lake new/ --overlays out/ --explain\n"
                         "- reads paths from standard input, one per line, and answers each at once.",
                         run};

static int score_with_model(Session *s, const Arguments *arguments, const char *weights, Error *e)
{
    LakeObserver eye;
    Clip model;
    int code = model_open(&model, "score", weights, s->detector, e);

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
            code = session_score(s, arguments->items + 1, arguments->count - 1, e);
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
        return error_set(e, LAKE_USAGE, "%s was fitted on %d feature files (one per layer), found %d",
                         arguments->items[0], (int)s->detector->layer_count, (int)arguments->count - 1);
    code = features_open(&features, arguments->items + 1, arguments->count - 1, grid, e);
    if (code != LAKE_OK)
        return code;
    code =
        lake_tokens_open(&s->tokens, features.height, features.width, features.layer_count, features.widths, 0, 0, e);
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
    int code;

    if (lambda < 0 && pooling < 0 && threshold == NULL)
        return LAKE_OK;
    if (lambda > 0 && detector->texts.embed == 0)
        fprintf(stderr, "lake score: note: the detector was fitted without a text branch: --lambda changes nothing\n");
    if (lambda >= 0)
        decision.lambda = lambda;
    if (pooling >= 0)
        decision.pooling = (LakePooling)pooling;
    code = settings_threshold(&decision, threshold, e);
    return code == LAKE_OK ? lake_decide(detector, &decision, e) : code;
}

/* Photos are turned as at the fit; with --exif they are in any case, for normals may have come without EXIF data. */
static int turns_photos(const LakeDetector *detector, int exif)
{
    if (exif && !detector->options.upright && detector->weights != NULL)
        fprintf(stderr, "lake score: note: the detector was fitted on photos as stored, without --exif, which turns these\n");
    return exif || detector->options.upright;
}

static int score(LakeDetector *detector, Results *results, const Arguments *arguments, const PhotoOptions *photos,
                 const char *weights, const char *grid, Error *e)
{
    int features = is_features(arguments->items[1]), code;
    Session session;

    memset(&session, 0, sizeof session);
    session.detector = detector;
    session.results = results;
    session.photos = *photos;
    session.photos.exif = turns_photos(detector, photos->exif);
    if (features != (detector->weights == NULL))
        return error_set(e, LAKE_BAD_INPUT,
                         features ? "%s was fitted on photos, not on features: give photos"
                                  : "%s was fitted on features: give .npy files, one per layer",
                         arguments->items[0]);
    if (features && (results->overlays != NULL || results->heatmaps != NULL || results->strips != NULL))
        return error_set(e, LAKE_USAGE, "--overlays, --heatmaps and --strips need photos; features give --maps");
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
    int pooling = -1;
    Results results = {0};
    PhotoOptions photos = {0};
    Arguments arguments;
    LakeDetector detector;
    const Option options[] = {
        RESULTS_OPTIONS(results),
        {"--explain", OPTION_FLAG, &results.explain, NULL, 0, 0, "name the neurons behind the worst patch"},
        {"--top", OPTION_COUNT, &results.top, "N", 0, 0, "how many neurons (default 5)"},
        {"--weights", OPTION_TEXT, &weights, "W", 0, 0,
         "the flat binary (default: $LAKE_WEIGHTS, then what the detector names)"},
        {"--lambda", OPTION_NUMBER, &lambda, "X", 0, 1, "another weight of the text branch than at the fit"},
        {"--pooling", OPTION_CHOICE, &pooling, "max|mean|top1", 0, 0, "another pooling than at the fit"},
        {"--threshold", OPTION_TEXT, &threshold, "auto|X|fpr=Q", 0, 0, "another threshold than at the fit"},
        {"--grid", OPTION_TEXT, &grid, "HxW", 0, 0, "of features whose patches are no square"},
        PHOTO_OPTIONS(photos, "as at the fit"),
    };
    int code;

    results.top = 5;
    code = arguments_read(&arguments, &verb_score, options, COUNT_OF(options), argc, argv, e);
    if (code == LAKE_OK && !arguments.help) {
        if (arguments.count < 2)
            code = error_set(e, LAKE_USAGE, "expected a detector and photos, folders or -, found %d arguments",
                             (int)arguments.count);
        else
            code = lake_detector_read(&detector, arguments.items[0], e);
        if (code == LAKE_OK) {
            code = change_decision(&detector, lambda, pooling, threshold, e);
            if (code == LAKE_OK)
                code = score(&detector, &results, &arguments, &photos, weights, grid, e);
            lake_detector_close(&detector);
        }
        if (code == LAKE_OK)
            code = results_code(&results, e);
    }
    arguments_free(&arguments);
    return code;
}
