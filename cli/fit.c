/* lake fit: a detector from photos of normal parts, or from features of another model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/file.h"
#include "cli/features.h"
#include "cli/inputs.h"
#include "cli/model.h"
#include "cli/output.h"
#include "cli/photos.h"
#include "cli/settings.h"
#include "cli/summary.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

static int run(int argc, char **argv, Error *e);

const Verb verb_fit = {
    "fit", "IMAGE|DIR... -o D.lake --weights W [--class NAME]", "make a detector from photos of normal parts",
    "Example: lake fit good/ --weights vit_b16.clip --class \"metal nut\" -o nut.lake\n"
    "Features in place of photos: lake fit L1.npy [L2.npy ...] -o D.lake, arrays [images, patches, channels],\n"
    "one file per layer.",
    run};

/* The texts of the class, where there is a class, a text tower and a weight above 0; says what is missing. */
static int open_texts(LakeTexts *texts, const Clip *model, const LakeOptions *options, Error *e)
{
    memset(texts, 0, sizeof *texts);
    if (options->decision.lambda == 0)
        return LAKE_OK;
    if (options->class_name[0] == '\0' || model->tokenizer == NULL) {
        fprintf(stderr, "lake fit: note: %s: the text branch is off (text weight 0)\n",
                model->tokenizer == NULL ? "the weights hold no text tower" : "no --class");
        return LAKE_OK;
    }
    return model_texts(texts, model, options, "fit", e);
}

/* Which photos are the same: a folder named twice, a link, a copy under another name. Left out, such a photo would be
 * found in its copy at distance 0, and the edge of normal would shrink to nothing. */
typedef struct {
    const InputList *photos;
    uint64_t *hashes; /* [photos->count] of the pixels */
    size_t count;     /* photos so far */
    size_t repeated;  /* of them, those that were there before */
    size_t first, of; /* the first of these, and which photo it repeats */
} Seen;

/* 1 where the next photo, of these pixels, was there before. */
static int was_seen(Seen *seen, const Image *image)
{
    const size_t this_one = seen->count++;
    uint64_t hash = fnv1a64_update(FNV1A64_START, &image->width, sizeof image->width);
    size_t i = 0;

    hash = fnv1a64_update(hash, image->rgb, (size_t)image->width * (size_t)image->height * 3);
    seen->hashes[this_one] = hash;
    while (seen->hashes[i] != hash)
        i++;
    if (i == this_one)
        return 0;
    if (seen->repeated++ == 0) {
        seen->first = this_one;
        seen->of = i;
    }
    return 1;
}

static void note_repeated(const Seen *seen)
{
    if (seen->repeated > 0)
        fprintf(stderr, "lake fit: note: %lu of %lu photos repeat others and count once (%s has the pixels of %s%s)\n",
                (unsigned long)seen->repeated, (unsigned long)seen->count, seen->photos->items[seen->first].path,
                seen->photos->items[seen->of].path, seen->repeated > 1 ? ", ..." : "");
}

/* Observes the next photo and adds it, unless it was there before. */
static int fit_photo(LakeFit *fit, LakeObserver *eye, LakeTokens *tokens, Seen *seen, PhotoReader *reader, Error *e)
{
    const char *path = seen->photos->items[seen->count].path;
    Image image;
    int repeated, code = photo_reader_next(reader, &image, e);

    if (code != LAKE_OK)
        return code;
    repeated = was_seen(seen, &image);
    if (!repeated)
        code = lake_observe(eye, &image, tokens, e);
    img_free(&image);
    return code == LAKE_OK && !repeated ? lake_fit_add(fit, tokens, path, e) : code;
}

/* Fits every photo; then the rest of the method. */
static int fit_photos(LakeDetector *detector, LakeObserver *eye, const LakeTexts *texts, const InputList *photos,
                      const PhotoOptions *reading, Error *e)
{
    Seen seen = {photos, NULL, 0, 0, 0, 0};
    LakeTokens tokens;
    LakeFit *fit = NULL;
    PhotoReader reader;
    Progress progress;
    int code = lake_observer_tokens(eye, &tokens, e);

    if (code != LAKE_OK)
        return code;
    photo_reader_open(&reader, photos, reading, eye->model->config.patch);
    seen.hashes = calloc(photos->count, sizeof *seen.hashes);
    if (seen.hashes != NULL)
        code = lake_fit_begin(&fit, &eye->options, eye->model, texts->embed > 0 ? texts : NULL, &tokens, e);
    else
        code = error_memory(e, "the list of photos");
    progress_begin(&progress, "fitting");
    while (seen.count < photos->count && code == LAKE_OK) {
        progress_update(&progress, (double)seen.count / (double)photos->count);
        code = fit_photo(fit, eye, &tokens, &seen, &reader, e);
    }
    progress_clear(&progress);
    photo_reader_close(&reader);
    note_repeated(&seen);
    free(seen.hashes);
    lake_tokens_close(&tokens);
    if (code == LAKE_OK)
        return lake_fit_finish(fit, detector, e);
    lake_fit_abandon(fit);
    return code;
}

static int fit_with_model(LakeDetector *detector, const Clip *model, LakeOptions *options, const InputList *photos,
                          const PhotoOptions *reading, Error *e)
{
    LakeTexts texts;
    LakeObserver eye;
    int code = lake_options_resolve(options, model, e);

    if (code != LAKE_OK)
        return code;
    code = open_texts(&texts, model, options, e);
    if (code == LAKE_OK)
        code =
            lake_observer_open(&eye, model, options, LAKE_SEE_STRUCTURE | (texts.embed > 0 ? LAKE_SEE_MEANING : 0), e);
    if (code == LAKE_OK) {
        code = fit_photos(detector, &eye, &texts, photos, reading, e);
        lake_observer_close(&eye);
    }
    lake_texts_close(&texts);
    return code;
}

/* Features: every image of the arrays is one observation, called FILE#NUMBER. */
static int fit_features(LakeDetector *detector, LakeOptions *options, const Features *features, const char *name,
                        Error *e)
{
    LakeTokens tokens;
    LakeFit *fit = NULL;
    size_t room = strlen(name) + 24;
    char *label = malloc(room);
    int code;

    if (label == NULL)
        return error_memory(e, "a name");
    options->layer_count = features->layer_count;
    options->upright = 0; /* of photos */
    code = lake_options_resolve(options, NULL, e);
    if (code == LAKE_OK)
        code = lake_tokens_open(&tokens, features->height, features->width, features->layer_count, features->widths, 0,
                                0, e);
    if (code != LAKE_OK) {
        free(label);
        return code;
    }
    code = lake_fit_begin(&fit, options, NULL, NULL, &tokens, e);
    for (size_t i = 0; i < features->count && code == LAKE_OK; i++) {
        features_get(features, i, &tokens);
        snprintf(label, room, "%s#%llu", name, (unsigned long long)i);
        code = lake_fit_add(fit, &tokens, label, e);
    }
    lake_tokens_close(&tokens);
    free(label);
    if (code == LAKE_OK)
        return lake_fit_finish(fit, detector, e);
    lake_fit_abandon(fit);
    return code;
}

static int fit_from_features(LakeDetector *detector, LakeOptions *options, const Arguments *arguments, const char *grid,
                             Error *e)
{
    Features features;
    int code;

    for (size_t i = 0; i < arguments->count; i++)
        if (!is_features(arguments->items[i]))
            return error_set(e, LAKE_USAGE, "%s: photos and .npy features cannot be fitted together",
                             arguments->items[i]);
    if (options->class_name[0] != '\0')
        return error_set(e, LAKE_USAGE, "--class: features from files have no text branch");
    if (options->layer_count > 0 && options->layer_count != arguments->count)
        return error_set(e, LAKE_USAGE, "--layers: expected a number for each of the %d feature files, found %d",
                         (int)arguments->count, (int)options->layer_count);
    code = features_open(&features, arguments->items, arguments->count, grid, e);
    if (code != LAKE_OK)
        return code;
    code = fit_features(detector, options, &features, arguments->items[0], e);
    features_close(&features);
    return code;
}

static int fit_from_photos(LakeDetector *detector, LakeOptions *options, const Arguments *arguments,
                           const PhotoOptions *reading, const char *weights, Error *e)
{
    InputList photos = {0, 0, NULL};
    Clip model;
    int code = LAKE_OK;

    for (size_t i = 0; i < arguments->count && code == LAKE_OK; i++)
        code = is_features(arguments->items[i])
                   ? error_set(e, LAKE_USAGE, "%s: photos and .npy features cannot be fitted together",
                               arguments->items[i])
                   : inputs_add(&photos, arguments->items[i], e);
    if (code == LAKE_OK)
        code = model_open(&model, "fit", weights, NULL, e);
    if (code == LAKE_OK) {
        code = fit_with_model(detector, &model, options, &photos, reading, e);
        clip_close(&model);
    }
    inputs_free(&photos);
    return code;
}

static int fit(const Settings *settings, const Arguments *arguments, const char *weights, const char *grid,
               const char *output, Error *e)
{
    LakeOptions options;
    LakeDetector detector;
    int code;

    if (arguments->count == 0)
        return error_set(e, LAKE_USAGE, "expected photos of normal parts or a folder of them, found none");
    if (output == NULL)
        return error_set(e, LAKE_USAGE, "expected -o D.lake, the detector to write");
    code = settings_apply(&options, settings, e);
    if (code == LAKE_OK)
        code = output_check(output, LAKE_DETECTOR_MAGIC, ".lake", e);
    if (code == LAKE_OK)
        code = file_check_output(output, e);
    if (code != LAKE_OK)
        return code;
    code = is_features(arguments->items[0]) ? fit_from_features(&detector, &options, arguments, grid, e)
                                            : fit_from_photos(&detector, &options, arguments, &settings->photos, weights, e);
    if (code != LAKE_OK)
        return code;
    code = lake_detector_write(&detector, output, e);
    if (code == LAKE_OK)
        summary_print(&detector, output);
    lake_detector_close(&detector);
    return code;
}

static int run(int argc, char **argv, Error *e)
{
    const char *output = NULL, *weights = NULL, *grid = NULL;
    Settings settings;
    Arguments arguments;
    const Option options[] = {
        {"-o", OPTION_TEXT, &output, "D.lake", 0, 0, "the detector to write"},
        MODEL_OPTION(weights),
        SETTINGS_TEXT(settings),
        SETTINGS_FIT(settings),
        {"--select", OPTION_CHOICE, &settings.selection, "variance|random|bottom|all|pca", 0, 0,
         "which channels (default variance)"},
        {"--threshold", OPTION_TEXT, &settings.threshold, "auto|X|fpr=Q", 0, 0,
         "of the decision (default auto: 1.1 x largest normal)"},
        SETTINGS_MODEL(settings),
        PHOTO_OPTIONS(settings.photos, "as stored"),
        {"--keep-tokens", OPTION_FLAG, &settings.keep_tokens, NULL, 0, 0,
         "keep full-width tokens, for merge and the PCA audit"},
        {"--memory", OPTION_COUNT, &settings.memory, "MB", 0, 0,
         "for tokens of the photos, the rest waits on disk (default 1024)"},
        {"--seed", OPTION_COUNT, &settings.seed, "N", 0, 0, "of random selection and coreset"},
        {"--grid", OPTION_TEXT, &grid, "HxW", 0, 0, "of features whose patches are no square"},
    };
    int code;

    settings_defaults(&settings);
    code = arguments_read(&arguments, &verb_fit, options, COUNT_OF(options), argc, argv, e);
    if (code == LAKE_OK && !arguments.help)
        code = fit(&settings, &arguments, weights, grid, output, e);
    arguments_free(&arguments);
    return code;
}
