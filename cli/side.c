/* Scores and maps of one detector; see side.h. */
#include "cli/side.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/csv.h"
#include "base/file.h"
#include "method/map.h"

/* Values from 0 to 1 may pass 1 by the rounding of whoever computed or blurred them in floats. */
#define ROUNDING 1e-5

static int has_ending(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);

    return n >= m && strcmp(path + n - m, ending) == 0;
}

static char *copy_text(const char *text)
{
    char *copy = malloc(strlen(text) + 1);

    return copy != NULL ? strcpy(copy, text) : NULL;
}

/* Room for the names of `count` images. */
static int open_list(Side *side, size_t count, Error *e)
{
    side->list.names = calloc(count + 1, sizeof *side->list.names);
    if (side->list.names == NULL)
        return error_memory(e, "the names of the images");
    side->list.count = count;
    return LAKE_OK;
}

static int set_name(Side *side, size_t image, const char *name, Error *e)
{
    side->list.names[image] = copy_text(name);
    return side->list.names[image] != NULL ? LAKE_OK : error_memory(e, "the names of the images");
}

/* ---- tables ---- */

/* The number of the column called `name`, in capitals or not, or csv->columns. */
static size_t find_column(const Csv *csv, const char *name)
{
    for (size_t c = 0; c < csv->columns; c++) {
        const char *a = csv_name(csv, c), *b = name;
        while (*a != '\0' && tolower((unsigned char)*a) == *b) {
            a++;
            b++;
        }
        if (*a == '\0' && *b == '\0')
            return c;
    }
    return csv->columns;
}

static int read_score(double *score, const Csv *csv, size_t row, size_t column, const char *path, Error *e)
{
    const char *text = csv_field(csv, row, column);
    char *end;

    *score = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(*score))
        return error_set(e, LAKE_BAD_INPUT, "%s: line %u: the score is '%s', expected a finite number", path,
                         csv_line(csv, row), text);
    return LAKE_OK;
}

static int read_label(signed char *truth, const Csv *csv, size_t row, size_t column, const char *path, Error *e)
{
    const char *text = csv_field(csv, row, column);

    if (strcmp(text, "1") == 0 || strcmp(text, "anomalous") == 0)
        *truth = TRUTH_ANOMALOUS;
    else if (strcmp(text, "0") == 0 || strcmp(text, "normal") == 0)
        *truth = TRUTH_NORMAL;
    else if (*text == '\0')
        *truth = TRUTH_UNKNOWN;
    else
        return error_set(e, LAKE_BAD_INPUT, "%s: line %u: the label is '%s', expected 0, 1, normal or anomalous", path,
                         csv_line(csv, row), text);
    return LAKE_OK;
}

/* Which columns a table has; csv->columns where it lacks one. A label beside a threshold is what a detector decided, as
 * `score --csv` prints it, and no truth. */
typedef struct {
    size_t image, score, label;
} Columns;

static Columns find_columns(const Csv *csv)
{
    Columns columns = {find_column(csv, "image"), find_column(csv, "score"), find_column(csv, "label")};

    if (find_column(csv, "threshold") < csv->columns)
        columns.label = csv->columns;
    return columns;
}

static int read_rows(Side *side, const Csv *csv, const Columns *columns, const char *path, Error *e)
{
    int code = open_list(side, csv->rows, e);

    side->scores = calloc(csv->rows + 1, sizeof *side->scores);
    side->truth = calloc(csv->rows + 1, sizeof *side->truth);
    if (code == LAKE_OK && (side->scores == NULL || side->truth == NULL))
        code = error_memory(e, "the scores");
    for (size_t i = 0; i < csv->rows && code == LAKE_OK; i++) {
        side->truth[i] = TRUTH_UNKNOWN;
        code = set_name(side, i, csv_field(csv, i, columns->image), e);
        if (code == LAKE_OK && columns->score < csv->columns)
            code = read_score(&side->scores[i], csv, i, columns->score, path, e);
        if (code == LAKE_OK && columns->label < csv->columns)
            code = read_label(&side->truth[i], csv, i, columns->label, path, e);
    }
    return code;
}

static int open_table(Side *side, const char *path, Error *e)
{
    Columns columns;
    Csv csv;
    int code = csv_read(&csv, path, e);

    if (code != LAKE_OK)
        return code;
    columns = find_columns(&csv);
    if (columns.image == csv.columns || columns.score == csv.columns)
        code = error_set(e, LAKE_BAD_INPUT, "%s: expected columns image and score in the first line", path);
    else if (csv.rows == 0)
        code = error_set(e, LAKE_BAD_INPUT, "%s: no row below the header", path);
    else
        code = read_rows(side, &csv, &columns, path, e);
    csv_free(&csv);
    return code;
}

int side_read_truth(Side *labels, const char *path, Error *e)
{
    Columns columns;
    Csv csv;
    int code;

    memset(labels, 0, sizeof *labels);
    labels->list.source = path;
    code = csv_read(&csv, path, e);
    if (code != LAKE_OK)
        return code;
    columns.image = find_column(&csv, "image");
    columns.label = find_column(&csv, "label");
    columns.score = csv.columns;
    if (columns.image == csv.columns || columns.label == csv.columns)
        code = error_set(e, LAKE_BAD_INPUT, "%s: expected columns image and label in the first line", path);
    else
        code = read_rows(labels, &csv, &columns, path, e);
    csv_free(&csv);
    if (code != LAKE_OK)
        side_close(labels);
    return code;
}

/* ---- maps ---- */

static int open_folder(Side *side, const char *path, Error *e)
{
    int code = inputs_add_folder(&side->files, path, is_features, e);

    if (code == LAKE_OK && side->files.count == 0)
        code = error_set(e, LAKE_BAD_INPUT, "%s: no maps in this folder (expected names that end in .npy)", path);
    if (code == LAKE_OK)
        code = open_list(side, side->files.count, e);
    for (size_t i = 0; i < side->files.count && code == LAKE_OK; i++)
        code = set_name(side, i, side->files.items[i].path + side->files.items[i].root, e);
    return code;
}

/* The shape of an array as maps [N, H, W]: dimensions of 1 other than the last two count as absent, and so does N where
 * it is the only one missing. */
static int map_shape(const NpyFile *file, const char *path, size_t *count, size_t *height, size_t *width, Error *e)
{
    size_t rank = file->rank;

    *count = 1;
    for (size_t i = 0; i + 2 < rank; i++) {
        if (file->shape[i] != 1 && *count != 1)
            return error_set(e, LAKE_BAD_INPUT, "%s: an array of rank %d, expected [height, width] or [images, height, "
                             "width]", path, (int)rank);
        *count *= file->shape[i];
    }
    if (rank < 2 || file->count == 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: an array of rank %d with %llu numbers, expected [height, width] or [images, "
                         "height, width]", path, (int)rank, (unsigned long long)file->count);
    *height = file->shape[rank - 2];
    *width = file->shape[rank - 1];
    return LAKE_OK;
}

/* Names for the images of a stack: FILE#0, FILE#1, ..., as `score` calls those of features; or FILE alone. */
static int number_images(Side *side, const char *path, Error *e)
{
    char *name = malloc(strlen(path) + 24);
    int code = name != NULL ? LAKE_OK : error_memory(e, "the names of the images");

    side->numbered = side->list.count > 1;
    for (size_t i = 0; i < side->list.count && code == LAKE_OK; i++) {
        sprintf(name, side->numbered ? "%s#%llu" : "%s", path, (unsigned long long)i);
        code = set_name(side, i, name, e);
    }
    free(name);
    return code;
}

/* Names from a file, one per line. */
static int read_names(Side *side, const char *path, Error *e)
{
    char *line = NULL;
    size_t room = 0, used = 0;
    FILE *stream = fopen(path, "rb");
    int code = LAKE_OK, more = 1;

    if (stream == NULL)
        return error_set(e, LAKE_BAD_INPUT, "%s: cannot be opened", path);
    while (code == LAKE_OK && (more = read_line(&line, &room, stream)) == 1) {
        if (used < side->list.count)
            code = set_name(side, used, line, e);
        used++;
    }
    if (code == LAKE_OK && more < 0)
        code = error_memory(e, "a line");
    if (code == LAKE_OK && used != side->list.count)
        code = error_set(e, LAKE_BAD_INPUT, "%s: %llu names, expected one for each of the %llu maps of %s", path,
                         (unsigned long long)used, (unsigned long long)side->list.count, side->list.source);
    fclose(stream);
    free(line);
    return code;
}

static int open_stack(Side *side, const char *path, const char *names, Error *e)
{
    size_t count, height, width;
    int code = npy_open(&side->stack, path, e);

    if (code == LAKE_OK)
        code = map_shape(&side->stack, path, &count, &height, &width, e);
    if (code == LAKE_OK)
        code = open_list(side, count, e);
    if (code == LAKE_OK)
        code = names != NULL ? read_names(side, names, e) : number_images(side, path, e);
    return code;
}

/* ---- a detector's normal images ---- */

/* Maps of a detector at the size of another map; features have none but their grid. */
static int set_map_size(Side *normals, const Side *like, Error *e)
{
    FuseMap first;
    int code;

    normals->height = normals->detector->height;
    normals->width = normals->detector->width;
    if (normals->detector->weights == NULL)
        return LAKE_OK;
    code = side_map(like, 0, FUSE_DISTANCE, &first, e);
    if (code == LAKE_OK) {
        normals->height = first.height;
        normals->width = first.width;
        free(first.data);
    }
    return code;
}

static int open_detector(Side *side, const char *path, const Side *like, Error *e)
{
    LakeDetector *d = calloc(1, sizeof *d);
    int code = d != NULL ? lake_detector_read(d, path, e) : error_memory(e, "a detector");

    if (code != LAKE_OK) {
        free(d);
        return code;
    }
    side->detector = d;
    code = open_list(side, d->normal_count, e);
    for (size_t i = 0; i < d->normal_count && code == LAKE_OK; i++)
        code = set_name(side, i, d->names[i], e);
    if (code == LAKE_OK && like->form == SIDE_MAPS)
        return set_map_size(side, like, e);
    side->scores = calloc(d->normal_count + 1, sizeof *side->scores);
    if (code == LAKE_OK && side->scores == NULL)
        code = error_memory(e, "the scores");
    if (code == LAKE_OK)
        memcpy(side->scores, d->normal_scores, d->normal_count * sizeof *side->scores);
    return code;
}

/* The leave-one-out map of a normal image, at the size of the maps that `score` writes. */
static int detector_map(const Side *side, size_t image, FuseMap *map, Error *e)
{
    const LakeDetector *d = side->detector;
    size_t patches = d->height * d->width;
    const float *semantic = d->normal_semantic != NULL ? d->normal_semantic + image * patches : NULL;
    float *grid = malloc(patches * sizeof *grid);
    int code;

    if (grid == NULL)
        return error_memory(e, "a map");
    lake_fuse(grid, d->normal_structural + image * patches, semantic, lake_lambda(d), patches);
    map->height = side->height;
    map->width = side->width;
    if (d->weights == NULL) {
        map->data = grid;
        return LAKE_OK;
    }
    code = map_of_grid(&map->data, map->height, map->width, grid, d->height, d->width, e);
    free(grid);
    return code;
}

/* ---- all of them ---- */

static int open_any(Side *side, const char *source, const char *names, Error *e)
{
    int kind = path_kind(source);

    side->form = SIDE_MAPS;
    if (kind == PATH_MISSING)
        return error_set(e, LAKE_BAD_INPUT, "%s: no such file or folder", source);
    if (kind == PATH_FOLDER)
        return open_folder(side, source, e);
    if (is_features(source))
        return open_stack(side, source, names, e);
    if (has_ending(source, ".lake"))
        return error_set(e, LAKE_BAD_INPUT, "%s: a detector, expected what it says of images: maps or scores that lake "
                         "score writes", source);
    side->form = SIDE_SCORES;
    return open_table(side, source, e);
}

int side_open(Side *side, const char *source, const char *names, Error *e)
{
    int code;

    memset(side, 0, sizeof *side);
    side->list.source = source;
    code = open_any(side, source, names, e);
    if (code != LAKE_OK)
        side_close(side);
    return code;
}

int side_open_normals(Side *normals, const char *source, const Side *like, Error *e)
{
    int code;

    memset(normals, 0, sizeof *normals);
    normals->list.source = source;
    if (has_ending(source, ".lake") && path_kind(source) != PATH_FOLDER) {
        normals->form = like->form;
        code = open_detector(normals, source, like, e);
    } else {
        code = open_any(normals, source, NULL, e);
        if (code == LAKE_OK && normals->form != like->form)
            code = error_set(e, LAKE_BAD_INPUT, "%s: %s, expected %s, as %s has", source,
                             normals->form == SIDE_MAPS ? "maps" : "scores", like->form == SIDE_MAPS ? "maps" : "scores",
                             like->list.source);
    }
    if (code != LAKE_OK)
        side_close(normals);
    return code;
}

void side_close(Side *side)
{
    for (size_t i = 0; side->list.names != NULL && i < side->list.count; i++)
        free(side->list.names[i]);
    free(side->list.names);
    free(side->scores);
    free(side->truth);
    inputs_free(&side->files);
    if (side->stack.view.data != NULL)
        npy_close(&side->stack);
    if (side->detector != NULL)
        lake_detector_close(side->detector);
    free(side->detector);
    memset(side, 0, sizeof *side);
}

/* Map `image` of an array of `count`. */
static int copy_map(const NpyFile *file, const char *path, size_t image, size_t *count, FuseMap *map, Error *e)
{
    size_t bytes;
    int code = map_shape(file, path, count, &map->height, &map->width, e);

    if (code != LAKE_OK)
        return code;
    map->data = size_multiply(map->height * map->width, sizeof *map->data, &bytes) ? malloc(bytes) : NULL;
    if (map->data == NULL)
        return error_memory(e, "a map");
    npy_get(file, image * map->height * map->width, map->height * map->width, map->data);
    return LAKE_OK;
}

static int map_of_folder(const Side *side, size_t image, FuseMap *map, Error *e)
{
    const char *path = side->files.items[image].path;
    size_t count;
    NpyFile file;
    int code = npy_open(&file, path, e);

    if (code != LAKE_OK)
        return code;
    code = copy_map(&file, path, 0, &count, map, e);
    if (code == LAKE_OK && count != 1)
        code = error_set(e, LAKE_BAD_INPUT, "%s: %llu maps, expected one [height, width], as each file of a folder is one "
                         "image", path, (unsigned long long)count);
    npy_close(&file);
    return code;
}

static int suits(double value, FuseValues values)
{
    return isfinite(value) && (values == FUSE_DISTANCE || (value >= -ROUNDING && value <= 1 + ROUNDING));
}

static const char *expected(FuseValues values)
{
    return values == FUSE_DISTANCE ? "a finite number" : "a number from 0 to 1";
}

int side_map(const Side *side, size_t image, FuseValues values, FuseMap *map, Error *e)
{
    size_t count;
    int code;

    map->data = NULL;
    if (side->detector != NULL)
        code = detector_map(side, image, map, e);
    else if (side->files.count > 0)
        code = map_of_folder(side, image, map, e);
    else
        code = copy_map(&side->stack, side->list.source, image, &count, map, e);
    for (size_t i = 0; code == LAKE_OK && i < map->height * map->width; i++)
        if (!suits(map->data[i], values))
            code = error_set(e, LAKE_BAD_INPUT, "%s: %s: the map has %g in row %llu, column %llu; expected %s",
                             side->list.source, side->list.names[image], map->data[i],
                             (unsigned long long)(i / map->width), (unsigned long long)(i % map->width),
                             expected(values));
    if (code != LAKE_OK) {
        free(map->data);
        map->data = NULL;
    }
    return code;
}

int side_check_scores(const Side *side, FuseValues values, Error *e)
{
    for (size_t i = 0; i < side->list.count; i++)
        if (!suits(side->scores[i], values))
            return error_set(e, LAKE_BAD_INPUT, "%s: %s: the score is %g, expected %s", side->list.source,
                             side->list.names[i], side->scores[i], expected(values));
    return LAKE_OK;
}
