/* The pictures that LAKE judges worst, for people to look at; see record.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/run_internal.h"
#include "image/draw.h"
#include "method/map.h"

enum { SIDE = 224, REASONS = 3 };

static const unsigned char defect_green[3] = {60, 230, 90};

/* ---- which pictures ---- */

/* Whether measured picture i was judged wrongly in this role. */
static int has_role(const ExperimentOutcome *out, size_t i, int miss)
{
    int flagged = out->scores[i] > out->threshold;

    return miss ? out->labels[i] && !flagged : !out->labels[i] && flagged;
}

static int is_worse(const ExperimentOutcome *out, size_t i, size_t than, int miss)
{
    return miss ? out->scores[i] < out->scores[than] : out->scores[i] > out->scores[than];
}

/* The `most` worst pictures of a role, worst first; of equals the earlier. Returns how many. */
static size_t find_worst(size_t *worst, size_t most, const ExperimentOutcome *out, int miss)
{
    size_t count = 0;

    for (size_t i = 0; i < out->count; i++) {
        size_t at = count;
        if (!has_role(out, i, miss))
            continue;
        while (at > 0 && is_worse(out, i, worst[at - 1], miss))
            at--;
        if (at == most)
            continue;
        count += count < most;
        memmove(worst + at + 1, worst + at, (count - 1 - at) * sizeof *worst);
        worst[at] = i;
    }
    return count;
}

/* ---- why ---- */

/* "block 3 channel 41 (11.9 %), ..." of the worst patch. */
static int name_neurons(char *text, size_t room, const ExperimentFit *fit, size_t test_image, Error *e)
{
    LakeShare shares[REASONS];
    LakeResult result;
    size_t count, used = 0;
    int code = lake_result_open(&result, &fit->detector, e);

    text[0] = '\0';
    if (code != LAKE_OK)
        return code;
    code = experiment_result(&result, fit, test_image, e);
    if (code == LAKE_OK) {
        count = lake_attribute(&fit->detector, &result, result.row * result.width + result.column, shares, REASONS);
        for (size_t i = 0; i < count && used < room; i++)
            used += (size_t)snprintf(text + used, room - used, "%sblock %d channel %lu (%.1f %%)", i > 0 ? ", " : "",
                                     shares[i].block, (unsigned long)shares[i].channel, 100 * shares[i].share);
    }
    lake_result_close(&result);
    return code;
}

/* ---- the picture ---- */

/* The photo, made smaller where it is larger than SIDE. */
static int read_small(Image *small, const Experiment *x, const char *path, Error *e)
{
    Image photo;
    int larger, code = x->source.picture(&photo, x->source.context, path, e);

    if (code != LAKE_OK)
        return code;
    larger = photo.width > photo.height ? photo.width : photo.height;
    if (larger <= SIDE) {
        *small = photo;
        return LAKE_OK;
    }
    code = img_resize(small, &photo, (int)((double)photo.width * SIDE / larger + 0.5) + (photo.width * SIDE < larger),
                      (int)((double)photo.height * SIDE / larger + 0.5) + (photo.height * SIDE < larger), e);
    img_free(&photo);
    return code;
}

/* Outlines the true defect, where its mask is known. */
static int outline_defect(Image *photo, const Experiment *x, const char *mask_path, Error *e)
{
    size_t height = (size_t)photo->height, width = (size_t)photo->width;
    unsigned char *mask = malloc(height * width);
    int code =
        mask == NULL ? error_memory(e, "a mask") : x->source.mask(mask, height, width, x->source.context, mask_path, e);

    if (code == LAKE_OK)
        code = draw_outline(photo, mask, photo->width, photo->height, defect_green, e);
    free(mask);
    return code;
}

static int draw(Image *strip, const Experiment *x, const ExperimentOutcome *out, size_t i, Error *e)
{
    const DatasetImage *image = &x->dataset->test[out->images[i]];
    size_t patches = out->height * out->width;
    float threshold = (float)out->threshold, *map = NULL;
    Image photo;
    int code = read_small(&photo, x, image->path, e);

    if (code != LAKE_OK)
        return code;
    code = map_of_grid(&map, (size_t)photo.height, (size_t)photo.width, out->maps + i * patches, out->height,
                       out->width, e);
    if (code == LAKE_OK && image->mask != NULL)
        code = outline_defect(&photo, x, image->mask, e);
    if (code == LAKE_OK)
        code = draw_strip(strip, &photo, map, 0.5f * threshold, 1.5f * threshold, threshold, e);
    free(map);
    img_free(&photo);
    return code;
}

static int write_picture(const RunWork *work, const ExperimentOutcome *out, size_t i, const char *folder,
                         const char *name, Error *e)
{
    char *path = path_join(folder, name);
    Image strip;
    int code = path != NULL ? draw(&strip, work->x, out, i, e) : error_memory(e, "a path");

    if (code == LAKE_OK) {
        code = img_write(path, &strip, e);
        img_free(&strip);
    }
    free(path);
    return code;
}

static int add_example(RunWork *work, const ExperimentFit *fit, const ExperimentOutcome *out, size_t i, int miss,
                       size_t rank, const char *folder, Error *e)
{
    const DatasetImage *image = &work->x->dataset->test[out->images[i]];
    RecordExample *example = &work->examples[work->example_count];
    char neurons[REASONS * 64], picture[40];
    int code = name_neurons(neurons, sizeof neurons, fit, out->images[i], e);

    snprintf(picture, sizeof picture, "%s-%llu.png", miss ? "miss" : "false-alarm", (unsigned long long)rank + 1);
    if (code == LAKE_OK)
        code = write_picture(work, out, i, folder, picture, e);
    if (code != LAKE_OK)
        return code;
    *example =
        (RecordExample){miss ? "miss" : "false alarm",   image->path,   image->kind, run_copy(&work->arena, picture),
                        run_copy(&work->arena, neurons), out->scores[i]};
    if (example->picture == NULL || example->neurons == NULL)
        return error_memory(e, "the results");
    work->example_count++;
    return LAKE_OK;
}

int run_examples(RunWork *work, const char *folder, Error *e)
{
    const size_t most = work->plan->examples;
    size_t *worst = malloc((most + 1) * sizeof *worst);
    const MethodOutcome *lake;
    const Method *method;
    ExperimentFit *fit;
    int code = method_parse(&method, "lake", e);

    work->examples = calloc(2 * most + 1, sizeof *work->examples);
    if (code == LAKE_OK && (worst == NULL || work->examples == NULL))
        code = error_memory(e, "the results");
    if (code == LAKE_OK)
        code = method_outcome(&lake, work->session, method, e);
    if (code == LAKE_OK)
        code = method_lake_fit(&fit, work->session, e);
    for (int miss = 0; miss < 2 && code == LAKE_OK; miss++) {
        size_t count = find_worst(worst, most, &lake->out, miss);
        for (size_t i = 0; i < count && code == LAKE_OK; i++)
            code = add_example(work, fit, &lake->out, worst[i], miss, i, folder, e);
    }
    free(worst);
    return code;
}
