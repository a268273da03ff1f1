/* Prints what the methods of eval/method.h say of one category, for test_methods.py, which compiles it:
 *
 *     show_methods WEIGHTS ROOT CLASS RESOLUTION LAYERS NEURONS NORMALISATION SHOTS SEED FOLDER METHOD...
 *
 * CLASS "" for none; LAYERS as "1,2"; SHOTS: the first so many train pictures. Lines of fields separated by tabs:
 * "method" with its threshold, whether it is provisional and the kind of values; "test" and "normal" with path and
 * score. The maps are FOLDER/METHOD.npy [count, P] and FOLDER/METHOD-normal.npy [n, P]. An error is a line "error CODE
 * TEXT". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/npy.h"
#include "eval/method.h"

enum { MOST_SHOTS = 16 };

static int write_maps(const char *folder, const char *name, const char *end, const float *maps, size_t count,
                      size_t patches, Error *e)
{
    const size_t shape[2] = {count, patches};
    char path[1024];

    snprintf(path, sizeof path, "%s/%s%s.npy", folder, name, end);
    return npy_write(path, maps, 2, shape, e);
}

static int show(MethodSession *session, const Experiment *x, const ExperimentPlan *plan, const char *name,
                const char *folder, Error *e)
{
    const Method *method;
    const MethodOutcome *m;
    size_t patches;
    int code = method_parse(&method, name, e);

    if (code == LAKE_OK)
        code = method_outcome(&m, session, method, e);
    if (code != LAKE_OK)
        return code;
    patches = m->out.height * m->out.width;
    printf("method\t%s\t%.17g\t%d\t%s\n", name, m->out.threshold, m->out.provisional,
           m->values == FUSE_DISTANCE ? "distance" : "probability");
    for (size_t i = 0; i < m->out.count; i++)
        printf("test\t%s\t%s\t%.17g\n", name, x->dataset->test[m->out.images[i]].path, m->out.scores[i]);
    for (size_t i = 0; i < m->normal_count; i++)
        printf("normal\t%s\t%s\t%.17g\n", name, x->dataset->train[plan->shots[i]].path, m->normal_scores[i]);
    code = write_maps(folder, name, "", m->out.maps, m->out.count, patches, e);
    if (code == LAKE_OK && m->normal_count > 0)
        code = write_maps(folder, name, "-normal", m->normal_maps, m->normal_count, patches, e);
    return code;
}

static void set_options(LakeOptions *options, char **arguments)
{
    lake_defaults(options);
    snprintf(options->class_name, sizeof options->class_name, "%s", arguments[0]);
    options->resolution = (size_t)strtoul(arguments[1], NULL, 10);
    for (const char *at = arguments[2]; at != NULL; at = strchr(at, ',') != NULL ? strchr(at, ',') + 1 : NULL)
        options->layers[options->layer_count++] = atoi(at);
    options->neurons = (size_t)strtoul(arguments[3], NULL, 10);
    lake_parse_normalisation(&options->normalisation, arguments[4]);
    options->seed = strtoull(arguments[6], NULL, 10);
}

/* All methods that are named, of one draw. */
static int run(Experiment *x, const ExperimentPlan *plan, const char *folder, char **names, Error *e)
{
    MethodSession *session;
    int code = method_session_open(&session, x, plan, e);

    for (; code == LAKE_OK && *names != NULL; names++)
        code = show(session, x, plan, *names, folder, e);
    method_session_close(session);
    return code;
}

/* Opens the experiment with the blocks that the methods look at, and runs it. */
static int measure(const Clip *model, const Dataset *set, const char *root, ExperimentPlan *plan, const char *folder,
                   char **names, Error *e)
{
    const ExperimentSource source = experiment_folder(root);
    ExperimentSettings settings = {0};
    const Method *methods[32];
    size_t count = 0;
    Experiment x;
    int code = LAKE_OK;

    for (; code == LAKE_OK && names[count] != NULL && count < 32; count++)
        code = method_parse(&methods[count], names[count], e);
    if (code != LAKE_OK)
        return code;
    method_blocks(settings.blocks, &settings.block_count, methods, count, model);
    code = experiment_open(&x, model, &plan->options, &settings, set, &source, e);
    if (code == LAKE_OK)
        code = run(&x, plan, folder, names, e);
    experiment_close(&x);
    return code;
}

int main(int count, char **arguments)
{
    size_t shots[MOST_SHOTS];
    ExperimentPlan plan;
    DatasetCollection all;
    Clip model;
    Error e = {0, ""};
    int code;

    if (count < 12)
        return 2;
    memset(&plan, 0, sizeof plan);
    set_options(&plan.options, arguments + 3);
    plan.shots = shots;
    for (plan.shot_count = 0; plan.shot_count < MOST_SHOTS && (int)plan.shot_count < atoi(arguments[8]);)
        shots[plan.shot_count] = plan.shot_count, plan.shot_count++;
    code = clip_open(&model, arguments[1], &e);
    if (code == LAKE_OK)
        code = dataset_collect(&all, DATASET_MVTEC, arguments[2], &e);
    if (code == LAKE_OK) {
        code = measure(&model, &all.categories[0], all.root, &plan, arguments[10], arguments + 11, &e);
        dataset_collection_free(&all);
    }
    clip_close(&model);
    if (code != LAKE_OK)
        printf("error\t%d\t%s\n", e.code, e.text);
    return 0;
}
