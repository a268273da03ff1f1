/* lake zero: photos against a class name alone, no normal photos. */
#include <string.h>

#include "cli/inputs.h"
#include "cli/model.h"
#include "cli/results.h"
#include "cli/settings.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

static int run(int argc, char **argv, Error *e);

const Verb verb_zero = {"zero", "IMAGE|DIR... --class NAME --weights W", "score photos by the text tower alone, without normal photos",
                        "Example: lake zero new/ --class \"metal nut\" --weights vit_b16.clip --overlays out/", run};

static int score_photo(LakeObserver *eye, const LakeTexts *texts, LakeTokens *tokens, LakeResult *result, const Input *input,
                       double threshold, Results *results, Error *e)
{
    Image image;
    int code = read_photo(&image, input->path, eye->model->config.patch, e);

    if (code != LAKE_OK)
        return code;
    code = lake_observe(eye, &image, tokens, e);
    if (code == LAKE_OK)
        code = lake_zero(texts, tokens, threshold, result, e);
    if (code == LAKE_OK)
        code = results_add(results, input, &image, NULL, result, e);
    img_free(&image);
    return code;
}

static int score_photos(LakeObserver *eye, const LakeTexts *texts, const InputList *photos, double threshold, Results *results, Error *e)
{
    LakeTokens tokens;
    LakeResult result;
    int code = lake_observer_tokens(eye, &tokens, e);

    if (code != LAKE_OK)
        return code;
    code = lake_result_open_zero(&result, tokens.height, tokens.width, e);
    if (code == LAKE_OK) {
        for (size_t i = 0; i < photos->count && code == LAKE_OK; i++) {
            code = score_photo(eye, texts, &tokens, &result, &photos->items[i], threshold, results, e);
            if (code == LAKE_BAD_INPUT) {
                results_error(results, photos->items[i].path, e);
                code = LAKE_OK;
            }
        }
        lake_result_close(&result);
    }
    lake_tokens_close(&tokens);
    return code;
}

static int score_with_model(const Clip *model, LakeOptions *options, const InputList *photos, double threshold, Results *results, Error *e)
{
    LakeTexts texts;
    LakeObserver eye;
    int code = lake_options_resolve(options, model, e);

    if (code == LAKE_OK)
        code = lake_texts_open(&texts, model, options->class_name, options->prompts, NULL, e);
    if (code != LAKE_OK)
        return code;
    code = lake_observer_open(&eye, model, options, LAKE_SEE_MEANING | LAKE_SEE_WHOLE, e);
    if (code == LAKE_OK) {
        code = score_photos(&eye, &texts, photos, threshold, results, e);
        lake_observer_close(&eye);
    }
    lake_texts_close(&texts);
    return code;
}

static int zero(const Settings *settings, const Arguments *arguments, const char *weights, double threshold, Results *results, Error *e)
{
    InputList photos = {0, 0, NULL};
    LakeOptions options;
    Clip model;
    int code = settings_apply(&options, settings, e);

    if (code == LAKE_OK && arguments->count == 0)
        code = error_set(e, LAKE_USAGE, "expected photos or folders, found none");
    for (size_t i = 0; i < arguments->count && code == LAKE_OK; i++)
        code = inputs_add(&photos, arguments->items[i], e);
    if (code == LAKE_OK)
        code = results_begin(results, e);
    if (code == LAKE_OK)
        code = model_open(&model, weights, NULL, e);
    if (code == LAKE_OK) {
        code = score_with_model(&model, &options, &photos, threshold, results, e);
        clip_close(&model);
    }
    results_end(results);
    inputs_free(&photos);
    return code;
}

static int run(int argc, char **argv, Error *e)
{
    const char *weights = NULL;
    double threshold = 0.5;
    int fail_on_anomaly = 0;
    Results results = {0};
    Settings settings;
    Arguments arguments;
    const Option options[] = {
        SETTINGS_TEXT(settings),
        {"--weights", OPTION_TEXT, &weights, "W", 0, 0, "the flat binary (default: $LAKE_WEIGHTS)"},
        RESULTS_OPTIONS(results),
        {"--threshold", OPTION_NUMBER, &threshold, "X", 0, 1, "of the decision (default 0.5)"},
        {"--fail-on-anomaly", OPTION_FLAG, &fail_on_anomaly, NULL, 0, 0, "exit with 1 where an anomaly was found"},
        SETTINGS_MODEL(settings),
    };
    int code;

    settings_defaults(&settings);
    code = arguments_read(&arguments, &verb_zero, options, COUNT_OF(options), argc, argv, e);
    if (code == LAKE_OK && !arguments.help) {
        code = zero(&settings, &arguments, weights, threshold, &results, e);
        if (code == LAKE_OK && results.failures > 0)
            code = error_set(e, LAKE_BAD_INPUT, "%d inputs could not be scored", results.failures);
        else if (code == LAKE_OK && fail_on_anomaly && results.anomalies > 0)
            code = LAKE_ANOMALY;
    }
    arguments_free(&arguments);
    return code;
}
