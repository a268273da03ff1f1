/* Which weights a verb works with; see model.h. */
#include "cli/model.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"

int model_open(Clip *model, const char *option, const char *recorded, Error *e)
{
    const char *environment = getenv("LAKE_WEIGHTS");
    const char *path = option != NULL ? option : environment != NULL && environment[0] != '\0' ? environment : recorded;

    if (path == NULL || path[0] == '\0')
        return error_set(
            e, LAKE_USAGE,
            "no weights: give --weights FILE.clip or set LAKE_WEIGHTS (lake convert makes one from a checkpoint)");
    if (path == recorded && path_kind(path) == PATH_MISSING)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: the weights that the detector was fitted with are not there: give --weights FILE.clip",
                         path);
    return clip_open(model, path, e);
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
