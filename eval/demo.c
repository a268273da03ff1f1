/* The demo; see demo.h. Categories are divided among threads: each is computed by one of them from its first picture to
 * its last measurement, so results do not depend on how many there are. */
#include "eval/demo.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/demo_internal.h"
#include "kernel/parallel.h"

char *demo_copy_text(const char *text)
{
    char *copy = malloc(strlen(text) + 1);

    return copy != NULL ? strcpy(copy, text) : NULL;
}

/* What concerns the model; the defaults. */
static int describe_model(DemoResults *r, LakeOptions *options, const Clip *model, const char *name, Error *e)
{
    const ClipConfig *config = &model->config;
    size_t width = config->vision.width;
    const size_t counts[DEMO_COUNTS] = {width / 16, width / 8, width / 4, width / 2, width * 25 / 32};

    lake_defaults(options);
    options->resolution = clip_default_resolution(model);
    r->model = demo_copy_text(name);
    if (r->model == NULL)
        return error_memory(e, "a name");
    r->width = width;
    r->depth = config->vision.layers;
    r->patch = config->patch;
    r->resolution = options->resolution;
    r->grid = options->resolution / config->patch;
    r->trained_grid = config->resolution / config->patch;
    r->trained_resolution = r->trained_grid * config->patch;
    r->embed = config->embed;
    r->has_text = config->has_text != 0;
    r->neurons = options->neurons < width ? options->neurons : width;
    for (size_t i = 0; i < DEMO_COUNTS; i++)
        r->counts[i] = counts[i] > 0 ? counts[i] : 1;
    r->sparse = r->counts[1];
    for (size_t i = 0; i < DEMO_WEIGHTS; i++)
        r->text_weights[i] = (double)i / 10;
    return lake_options_resolve(options, model, e);
}

/* A category each, with its name. */
static int list_categories(DemoResults *r, const char *const *paths, size_t path_count, Error *e)
{
    char **names;
    size_t count;
    int code = dataset_list(&names, &count, paths, path_count, e);

    if (code != LAKE_OK)
        return code;
    if (count == 0)
        code = error_set(e, LAKE_BAD_INPUT, "the demo's pictures: no category with pictures in train/good");
    r->categories = code == LAKE_OK ? calloc(count, sizeof *r->categories) : NULL;
    if (code == LAKE_OK && r->categories == NULL)
        code = error_memory(e, "the categories");
    for (size_t i = 0; code == LAKE_OK && i < count; i++) {
        r->categories[i].name = demo_copy_text(names[i]);
        if (r->categories[i].name == NULL)
            code = error_memory(e, "a name");
        else
            r->category_count++;
    }
    folder_free(names, count);
    return code;
}

/* How many steps all categories have together, were all paths pictures: for the progress bar only. */
static size_t count_steps(const DemoResults *r, size_t path_count)
{
    const size_t fits =
        DEMO_DRAWS + DEMO_DRAWS * (DEMO_COUNTS * (2 + DEMO_RANDOM_SEEDS) + 1) + DEMO_DIRT_CHOICES * 2 * DEMO_DIRT;

    return r->category_count * fits + 2 * path_count;
}

/* Puts the rows of all categories behind one another. */
static int collect_rows(DemoResults *r, const DemoRun *runs, Error *e)
{
    size_t total = 0;

    for (size_t c = 0; c < r->category_count; c++)
        total += runs[c].row_count;
    r->rows = malloc((total + 1) * sizeof *r->rows);
    if (r->rows == NULL)
        return error_memory(e, "the results of the demo");
    for (size_t c = 0; c < r->category_count; c++) {
        memcpy(r->rows + r->row_count, runs[c].rows, runs[c].row_count * sizeof *r->rows);
        r->row_count += runs[c].row_count;
    }
    return LAKE_OK;
}

/* Runs every category; on failure the error is that of the first one, whichever thread met it. */
static int run_categories(DemoResults *r, DemoRun *runs, const Clip *model, const char *const *paths, size_t path_count,
                          const ExperimentSource *source, DemoTicker *ticker, Error *e)
{
    PARALLEL(r->category_count > 1)
    {
        DemoTicker *own = parallel_index() == 0 ? ticker : NULL;
        SHARED_LOOP
        for (size_t c = 0; c < r->category_count; c++) {
            runs[c].ticker = own;
            runs[c].code = demo_run_category(&runs[c], model, paths, path_count, source, &runs[c].error);
        }
    }
    for (size_t c = 0; c < r->category_count; c++)
        if (runs[c].code != LAKE_OK) {
            *e = runs[c].error;
            return runs[c].code;
        }
    return collect_rows(r, runs, e);
}

static int run_all(DemoResults *r, const LakeOptions *options, const Clip *model, const char *const *paths,
                   size_t path_count, const ExperimentSource *source, const DemoProgress *progress, Error *e)
{
    DemoRun *runs = calloc(r->category_count, sizeof *runs);
    size_t threads = (size_t)kernel_threads();
    DemoTicker ticker = {progress, 0, 0};
    int code;

    if (runs == NULL)
        return error_memory(e, "the demo");
    threads = threads < r->category_count ? threads : r->category_count;
    ticker.steps = count_steps(r, path_count) / threads + 1; /* of the first thread, which speaks for all */
    for (size_t c = 0; c < r->category_count; c++) {
        runs[c].results = r;
        runs[c].index = c;
        runs[c].category = &r->categories[c];
        runs[c].options = *options;
    }
    code = run_categories(r, runs, model, paths, path_count, source, &ticker, e);
    for (size_t c = 0; c < r->category_count; c++)
        free(runs[c].rows);
    free(runs);
    return code;
}

int demo_run(DemoResults *results, const Clip *model, const char *name, const char *const *paths, size_t path_count,
             const ExperimentSource *source, const DemoProgress *progress, Error *e)
{
    LakeOptions options;
    int code;

    memset(results, 0, sizeof *results);
    code = describe_model(results, &options, model, name, e);
    if (code == LAKE_OK)
        code = list_categories(results, paths, path_count, e);
    if (code == LAKE_OK)
        code = run_all(results, &options, model, paths, path_count, source, progress, e);
    if (code == LAKE_OK)
        code = demo_conclude(results, e);
    if (code != LAKE_OK)
        demo_free(results);
    return code;
}

void demo_free(DemoResults *results)
{
    for (size_t i = 0; i < results->category_count; i++) {
        DemoCategory *c = &results->categories[i];
        free(c->name);
        free(c->class_name);
        demo_free_shown(c);
    }
    demo_free_concluded(results);
    free(results->categories);
    free(results->model);
    free(results->rows);
    memset(results, 0, sizeof *results);
}
