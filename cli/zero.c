/* lake zero: photos against a class name alone, no normal photos. */
#include <stdio.h>
#include <string.h>

#include "cli/model.h"
#include "cli/session.h"
#include "cli/settings.h"
#include "cli/verbs.h"

static int run(int argc, char **argv, Error *e);

const Verb verb_zero = {"zero", "IMAGE|DIR|-... --class NAME --weights W",
                        "score photos by the text tower alone, without normal photos",
                        "Example: lake zero new/ --class \"metal nut\" --weights vit_b16.clip --overlays out/", run};

static int score_photos(Session *s, const Arguments *arguments, Error *e)
{
    int code = lake_observer_tokens(s->eye, &s->tokens, e);

    if (code != LAKE_OK)
        return code;
    code = lake_result_open_zero(&s->result, s->tokens.height, s->tokens.width, e);
    if (code == LAKE_OK) {
        code = session_score(s, arguments->items, arguments->count, e);
        lake_result_close(&s->result);
    }
    lake_tokens_close(&s->tokens);
    return code;
}

/* The texts of the class; says what they lack. */
static int open_texts(LakeTexts *texts, const Clip *model, const LakeOptions *options, Error *e)
{
    int code;

    if (!model->config.has_text)
        return error_set(e, LAKE_USAGE, "%s: has no text tower, which scoring without normal photos needs; use lake fit",
                         wts_path(model->file));
    code = model_texts(texts, model, options, "zero", e);
    if (code == LAKE_OK && options->class_name[0] == '\0')
        fprintf(stderr, "lake zero: note: no --class: the photos are compared with an \"object\"\n");
    return code;
}

static int score_with_model(Session *s, const Clip *model, LakeOptions *options, const Arguments *arguments, Error *e)
{
    LakeTexts texts;
    LakeObserver eye;
    int code = lake_options_resolve(options, model, e);

    if (code == LAKE_OK)
        code = open_texts(&texts, model, options, e);
    if (code != LAKE_OK)
        return code;
    code = lake_observer_open(&eye, model, options, LAKE_SEE_MEANING | LAKE_SEE_WHOLE, e);
    if (code == LAKE_OK) {
        s->texts = &texts;
        s->eye = &eye;
        code = score_photos(s, arguments, e);
        lake_observer_close(&eye);
    }
    lake_texts_close(&texts);
    return code;
}

static int zero(const Settings *settings, const Arguments *arguments, const char *weights, double threshold,
                Results *results, Error *e)
{
    Session session;
    LakeOptions options;
    Clip model;
    int code = settings_apply(&options, settings, e);

    memset(&session, 0, sizeof session);
    session.threshold = threshold;
    session.photos = settings->photos;
    session.results = results;
    if (code == LAKE_OK && arguments->count == 0)
        code = error_set(e, LAKE_USAGE, "expected photos, folders or -, found none");
    if (code == LAKE_OK)
        code = results_begin(results, e);
    if (code == LAKE_OK)
        code = model_open(&model, "zero", weights, NULL, e);
    if (code == LAKE_OK) {
        code = score_with_model(&session, &model, &options, arguments, e);
        clip_close(&model);
    }
    results_end(results);
    return code == LAKE_OK ? results_code(results, e) : code;
}

static int run(int argc, char **argv, Error *e)
{
    const char *weights = NULL;
    double threshold = 0.5;
    Results results = {0};
    Settings settings;
    Arguments arguments;
    const Option options[] = {
        SETTINGS_TEXT(settings),
        MODEL_OPTION(weights),
        RESULTS_OPTIONS(results),
        {"--threshold", OPTION_NUMBER, &threshold, "X", 0, 1, "of the decision (default 0.5)"},
        SETTINGS_MODEL(settings),
        PHOTO_OPTIONS(settings.photos, "as stored"),
    };
    int code;

    settings_defaults(&settings);
    code = arguments_read(&arguments, &verb_zero, options, COUNT_OF(options), argc, argv, e);
    if (code == LAKE_OK && !arguments.help)
        code = zero(&settings, &arguments, weights, threshold, &results, e);
    arguments_free(&arguments);
    return code;
}
