/* The demo's results as files; see demo_files.h. */
#include "eval/demo_files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/npy.h"

/* ---- the table ---- */

enum { MEASURES = 7, LINE_ROOM = 640 };

static void measures_of(double out[MEASURES], const DemoRow *row)
{
    const double values[MEASURES] = {row->image.auroc, row->image.ap,    row->image.f1max, row->pixel.auroc,
                                     row->pixel.ap,    row->pixel.f1max, row->pixel.pro};

    memcpy(out, values, sizeof values);
}

/* ",0.987654" for each number, "," for one that was not measured. */
static void print_measures(char *text, size_t room, const double values[MEASURES])
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < MEASURES && used < room; i++)
        used += (size_t)snprintf(text + used, room - used, isnan(values[i]) ? "," : ",%.6f", values[i]);
}

static int write_row(FileOut *out, const DemoResults *r, const DemoRow *row, Error *e)
{
    char measures[LINE_ROOM / 2], line[LINE_ROOM];
    double values[MEASURES];

    measures_of(values, row);
    print_measures(measures, sizeof measures, values);
    snprintf(line, sizeof line, "demo,%.120s,%lu,%lu,%s%s,%lu,%lu,\n", r->categories[row->category].name,
             (unsigned long)row->shots, (unsigned long)row->seed, row->method, measures, (unsigned long)row->normals,
             (unsigned long)row->tests);
    return file_write(out, line, strlen(line), e);
}

/* The mean of all rows of the method that `first` is the first row of. */
static int write_mean(FileOut *out, const DemoResults *r, const DemoRow *first, Error *e)
{
    char measures[LINE_ROOM / 2], line[LINE_ROOM];
    double sums[MEASURES] = {0}, values[MEASURES];
    size_t count = 0;

    for (const DemoRow *row = first; row < r->rows + r->row_count; row++) {
        if (strcmp(row->method, first->method) != 0)
            continue;
        measures_of(values, row);
        for (size_t i = 0; i < MEASURES; i++)
            sums[i] += values[i];
        count++;
    }
    for (size_t i = 0; i < MEASURES; i++)
        values[i] = sums[i] / (double)count;
    print_measures(measures, sizeof measures, values);
    snprintf(line, sizeof line, "demo,mean,%lu,,%s%s,%lu,,\n", (unsigned long)first->shots, first->method, measures,
             (unsigned long)first->normals);
    return file_write(out, line, strlen(line), e);
}

static int is_first_of_method(const DemoResults *r, const DemoRow *row)
{
    for (const DemoRow *earlier = r->rows; earlier < row; earlier++)
        if (strcmp(earlier->method, row->method) == 0)
            return 0;
    return 1;
}

int demo_write_table(const DemoResults *r, const char *path, Error *e)
{
    static const char head[] =
        "dataset,category,shots,seed,method,image_auroc,image_ap,image_f1max,pixel_auroc,pixel_ap,"
        "pixel_f1max,pro,normals,tests,seconds\n";
    FileOut out;
    int code = file_create(&out, path, e);

    if (code != LAKE_OK)
        return code;
    code = file_write(&out, head, strlen(head), e);
    for (size_t i = 0; i < r->row_count && code == LAKE_OK; i++)
        code = write_row(&out, r, &r->rows[i], e);
    for (size_t i = 0; i < r->row_count && code == LAKE_OK; i++)
        if (is_first_of_method(r, &r->rows[i]))
            code = write_mean(&out, r, &r->rows[i], e);
    if (code == LAKE_OK)
        return file_commit(&out, e);
    file_discard(&out);
    return code;
}

/* ---- pictures ---- */

/* "FOLDER/hole_001ENDING" for "gear/test/hole/001.png", in a new buffer. */
static char *path_of(const char *folder, const DemoExample *example, const char *ending)
{
    const char *base = path_base(example->path), *dot = strrchr(base, '.');
    int length = dot != NULL ? (int)(dot - base) : (int)strlen(base);
    size_t room = strlen(example->kind) + strlen(base) + strlen(ending) + 2;
    char *name = malloc(room), *path = NULL;

    if (name != NULL) {
        snprintf(name, room, "%s_%.*s%s", example->kind, length, base, ending);
        path = path_join(folder, name);
    }
    free(name);
    return path;
}

static int write_example(const DemoExample *example, const char *folder, Error *e)
{
    const size_t shape[2] = {(size_t)example->photo.height, (size_t)example->photo.width};
    char *map = path_of(folder, example, "_map.npy"), *overlay = path_of(folder, example, "_overlay.png");
    int code = map != NULL && overlay != NULL ? LAKE_OK : error_memory(e, "a path");

    if (code == LAKE_OK)
        code = npy_write(map, example->map, 2, shape, e);
    if (code == LAKE_OK)
        code = img_write(overlay, &example->overlay, e);
    free(map);
    free(overlay);
    return code;
}

int demo_write_pictures(const DemoResults *r, const char *folder, Error *e)
{
    int code = LAKE_OK;

    for (size_t c = 0; c < r->category_count && code == LAKE_OK; c++) {
        const DemoCategory *category = &r->categories[c];
        char *inner = path_join(folder, category->name);
        code = inner != NULL ? folder_create(inner, e) : error_memory(e, "a path");
        for (size_t i = 0; i < category->example_count && code == LAKE_OK; i++)
            code = write_example(&category->examples[i], inner, e);
        free(inner);
    }
    return code;
}
