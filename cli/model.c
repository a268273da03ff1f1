/* Which weights a verb works with; see model.h. */
#include "cli/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "weights/demo/demo.h"

int model_open_named(Clip *model, const char *name, Error *e)
{
    if (strcmp(name, MODEL_BUILTIN) != 0)
        return clip_open(model, name, e);
    if (demo_weights_size == 0)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: this program was built without the demo model: give --weights FILE.clip, or build one "
                         "with weights/demo/demo.clip in place and without EMBED=no",
                         name);
    return clip_open_memory(model, demo_weights, demo_weights_size, name, e);
}

/* The weights of a detector whose file is gone: the demo model, if it was that under another name. */
static int open_lost(Clip *model, const char *verb, const LakeDetector *detector, Error *e)
{
    if (demo_weights_size > 0) {
        int code = model_open_named(model, MODEL_BUILTIN, e);
        if (code != LAKE_OK)
            return code;
        if (wts_fingerprint(model->file) == detector->fingerprint) {
            fprintf(stderr, "lake %s: note: %s is not there: using the built-in demo model, which is the same\n", verb,
                    detector->weights);
            return LAKE_OK;
        }
        clip_close(model);
    }
    return error_set(e, LAKE_BAD_INPUT,
                     "%s: the weights that the detector was fitted with are not there: give --weights FILE.clip",
                     detector->weights);
}

static int open_recorded(Clip *model, const char *verb, const LakeDetector *detector, Error *e)
{
    const char *name = detector->weights;

    if (strcmp(name, MODEL_BUILTIN) != 0 && path_kind(name) == PATH_MISSING)
        return open_lost(model, verb, detector, e);
    return model_open_named(model, name, e);
}

static int open_unnamed(Clip *model, const char *verb, Error *e)
{
    int code;

    if (demo_weights_size == 0)
        return error_set(e, LAKE_USAGE,
                         "no weights: give --weights FILE.clip or set LAKE_WEIGHTS (lake convert makes one from a "
                         "checkpoint); this program was built without the demo model");
    code = model_open_named(model, MODEL_BUILTIN, e);
    if (code == LAKE_OK)
        fprintf(stderr,
                "lake %s: note: no --weights given and LAKE_WEIGHTS not set: using the built-in demo model (small, "
                "trained on drawn pictures; see weights/demo/README.md)\n",
                verb);
    return code;
}

int model_open(Clip *model, const char *verb, const char *option, const LakeDetector *detector, Error *e)
{
    const char *environment = getenv("LAKE_WEIGHTS");

    if (option != NULL)
        return model_open_named(model, option, e);
    if (environment != NULL && environment[0] != '\0')
        return model_open_named(model, environment, e);
    if (detector != NULL)
        return open_recorded(model, verb, detector, e);
    return open_unnamed(model, verb, e);
}

int model_texts(LakeTexts *texts, const Clip *model, const LakeOptions *options, const char *verb, Error *e)
{
    size_t truncated = 0;
    int code = lake_texts_open(texts, model, options->class_name, options->prompts, &truncated, e);

    if (code == LAKE_OK && truncated > 0)
        fprintf(stderr, "lake %s: note: %d sentences were cut to the model's %d tokens\n", verb, (int)truncated,
                (int)model->config.context);
    return code;
}
