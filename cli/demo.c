/* lake demo: the whole method on the model and the pictures inside the program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/demo_tables.h"
#include "cli/model.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "eval/demo.h"
#include "eval/demo_files.h"
#include "eval/demo_page.h"
#include "weights/demo/demo.h"

static int run(int argc, char **argv, Error *e);

const Verb verb_demo = {
    "demo", "[-o FOLDER] [--weights W]", "try the whole method on a small model and pictures inside this program",
    "Example: lake demo -o lake-demo\n"
    "Prints what it finds, and writes index.html (the same as a page), results.csv, maps and overlays\n"
    "to the folder.",
    run};

/* ---- the pictures inside the program ---- */

static int by_path(const void *key, const void *picture)
{
    return strcmp(key, ((const DemoPicture *)picture)->path);
}

static const DemoPicture *find_picture(const char *path)
{
    return bsearch(path, demo_pictures, demo_picture_count, sizeof *demo_pictures, by_path);
}

static int built_in_picture(Image *image, const void *context, const char *path, Error *e)
{
    const DemoPicture *picture = find_picture(path);

    (void)context;
    if (picture == NULL)
        return error_set(e, LAKE_BAD_INPUT, "%s: no such picture inside this program", path);
    return img_decode(image, picture->bytes, picture->size, path, 0, e);
}

static int built_in_mask(unsigned char *mask, size_t height, size_t width, const void *context, const char *path,
                         Error *e)
{
    const DemoPicture *picture = find_picture(path);

    (void)context;
    if (picture == NULL)
        return error_set(e, LAKE_BAD_INPUT, "%s: no such mask inside this program", path);
    return dataset_mask_decode(mask, height, width, picture->bytes, picture->size, path, e);
}

/* ---- running it ---- */

static void show_progress(void *context, const char *category, double share)
{
    (void)category;
    progress_update(context, share);
}

static int run_demo(DemoResults *results, const char *weights, Error *e)
{
    const ExperimentSource source = {built_in_picture, built_in_mask, NULL, NULL};
    const char **paths = malloc((demo_picture_count + 1) * sizeof *paths);
    Progress bar;
    DemoProgress progress = {show_progress, NULL};
    Clip model;
    int code;

    if (paths == NULL)
        return error_memory(e, "the list of pictures");
    for (size_t i = 0; i < demo_picture_count; i++)
        paths[i] = demo_pictures[i].path;
    code = model_open_named(&model, weights, e);
    if (code == LAKE_OK) {
        progress.context = &bar;
        progress_begin(&bar, "experimenting");
        code = demo_run(results, &model, weights, paths, demo_picture_count, &source, &progress, e);
        progress_clear(&bar);
        clip_close(&model);
    }
    free(paths);
    return code;
}

/* ---- writing it ---- */

/* The page last: it is what the reader is sent to. */
static int write_files(const DemoResults *results, const char *folder, Error *e)
{
    char *table = path_join(folder, "results.csv"), *page = path_join(folder, "index.html");
    int code = table != NULL && page != NULL ? demo_write_table(results, table, e) : error_memory(e, "a path");

    if (code == LAKE_OK)
        code = demo_write_pictures(results, folder, e);
    if (code == LAKE_OK)
        code = demo_page_write(results, page, e);
    if (code == LAKE_OK)
        printf("\nEvery measurement is in %s, overlays and maps are in the folders beside it.\n"
               "The same as a page, with pictures: %s\n",
               table, page);
    free(table);
    free(page);
    return code;
}

static int demo(const char *folder, const char *weights, Error *e)
{
    DemoResults results;
    int code;

    if (demo_picture_count == 0)
        return error_set(e, LAKE_BAD_INPUT,
                         "this program was built without the demo's pictures: build it with them "
                         "(make, without EMBED=no)");
    code = folder_create(folder, e); /* before the work, so that a bad name is told at once */
    if (code == LAKE_OK)
        code = run_demo(&results, weights, e);
    if (code != LAKE_OK)
        return code;
    demo_print(&results);
    code = write_files(&results, folder, e);
    demo_free(&results);
    return code;
}

static int run(int argc, char **argv, Error *e)
{
    const char *folder = "lake-demo", *weights = MODEL_BUILTIN;
    Arguments arguments;
    const Option options[] = {
        {"-o", OPTION_TEXT, &folder, "FOLDER", 0, 0, "where results go (default lake-demo)"},
        {"--weights", OPTION_TEXT, &weights, "W", 0, 0, "another model (default: the demo model inside this program)"},
    };
    int code = arguments_read(&arguments, &verb_demo, options, COUNT_OF(options), argc, argv, e);

    if (code == LAKE_OK && !arguments.help && arguments.count > 0)
        code = error_set(e, LAKE_USAGE, "expected options only, found '%s'", arguments.items[0]);
    else if (code == LAKE_OK && !arguments.help)
        code = demo(folder, weights, e);
    arguments_free(&arguments);
    return code;
}
