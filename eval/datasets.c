/* Data sets: what all layouts have in common, and drawing shots; see datasets.h. */
#include "eval/datasets.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/layouts.h"
#include "lake.h"

/* ---- texts ---- */

char *layout_copy(const char *text, size_t length)
{
    char *copy = malloc(length + 1);

    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

char *layout_copy_text(const char *text)
{
    return layout_copy(text, strlen(text));
}

/* Whether `length` bytes are this word of small letters, in whatever case. */
static int is_word(const char *text, size_t length, const char *word)
{
    if (length != strlen(word))
        return 0;
    for (size_t i = 0; i < length; i++)
        if (tolower((unsigned char)text[i]) != word[i])
            return 0;
    return 1;
}

int layout_is_normal(const char *kind, size_t length)
{
    return is_word(kind, length, "good") || is_word(kind, length, "ok");
}

/* ---- images and data sets ---- */

static int by_kind_and_path(const void *a, const void *b)
{
    const DatasetImage *x = a, *y = b;
    int order = strcmp(x->kind, y->kind);

    return order != 0 ? order : strcmp(x->path, y->path);
}

void layout_sort(DatasetImage *images, size_t count)
{
    if (count > 1)
        qsort(images, count, sizeof *images, by_kind_and_path);
}

static void free_images(DatasetImage *images, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(images[i].path);
        free(images[i].kind);
        free(images[i].mask);
    }
    free(images);
}

void dataset_free(Dataset *dataset)
{
    free(dataset->category);
    free_images(dataset->train, dataset->train_count);
    free_images(dataset->test, dataset->test_count);
    memset(dataset, 0, sizeof *dataset);
}

/* Of n images, `out` evenly spread ones are test images: those at which i * out / n steps up. A single one stays. */
int layout_split(DatasetCollection *all, Dataset *dataset, Error *e)
{
    const size_t n = dataset->train_count, out = n > 1 ? (n + 4) / 5 : 0;
    DatasetImage *tests;
    size_t kept = 0;
    Error line;

    if (out == 0)
        return LAKE_OK;
    tests = realloc(dataset->test, (dataset->test_count + out) * sizeof *tests);
    if (tests == NULL)
        return error_memory(e, "the list of a data set's images");
    dataset->test = tests;
    for (size_t i = 0; i < n; i++)
        if ((uint64_t)(i + 1) * out / n > (uint64_t)i * out / n)
            tests[dataset->test_count++] = dataset->train[i];
        else
            dataset->train[kept++] = dataset->train[i];
    dataset->train_count = kept;
    layout_sort(dataset->test, dataset->test_count);
    error_set(&line, LAKE_OK, "%s: without a split into train and test: %llu of %llu normal pictures, evenly spread, are test "
              "pictures", layout_label(all, dataset->category), (unsigned long long)out, (unsigned long long)n);
    return layout_note(all, line.text, e);
}

/* ---- collections ---- */

const char *layout_label(const DatasetCollection *all, const char *category)
{
    return *category != '\0' ? category : all->root;
}

int layout_note(DatasetCollection *all, const char *line, Error *e)
{
    char **grown = realloc(all->notes, (all->note_count + 1) * sizeof *grown), *copy = layout_copy_text(line);

    if (grown != NULL)
        all->notes = grown;
    if (grown == NULL || copy == NULL) {
        free(copy);
        return error_memory(e, "a note on a data set");
    }
    all->notes[all->note_count++] = copy;
    return LAKE_OK;
}

static int note_what_is_missing(DatasetCollection *all, const Dataset *dataset, Error *e)
{
    const char *label = layout_label(all, dataset->category), *first = NULL;
    size_t defective = 0, bare = 0;
    int code = LAKE_OK;
    Error line;

    for (size_t i = 0; i < dataset->test_count; i++) {
        defective += dataset->test[i].anomalous != 0;
        if (dataset->test[i].anomalous && dataset->test[i].mask == NULL && bare++ == 0)
            first = dataset->test[i].path;
    }
    if (dataset->train_count == 0) {
        error_set(&line, LAKE_OK, "%s: no normal training images: zero-shot only", label);
        code = layout_note(all, line.text, e);
    }
    if (code == LAKE_OK && (defective == 0 || defective == dataset->test_count)) {
        error_set(&line, LAKE_OK, "%s: no %s test images: image measures are not defined", label,
                  defective == 0 ? "defective" : "normal");
        code = layout_note(all, line.text, e);
    }
    if (code == LAKE_OK && bare > 0) {
        error_set(&line, LAKE_OK, "%s: %llu of %llu defective test images have no mask (first: %s): image measures only%s", label,
                  (unsigned long long)bare, (unsigned long long)defective, first, bare < defective ? " for these" : "");
        code = layout_note(all, line.text, e);
    }
    return code;
}

int layout_add(DatasetCollection *all, Dataset *dataset, const char *name, Error *e)
{
    Dataset *grown;
    int code = LAKE_OK;

    if (dataset->test_count == 0)
        code = error_set(e, LAKE_BAD_INPUT, "%s%s%s: no test pictures in this category", name,
                         *dataset->category != '\0' ? "/" : "", dataset->category);
    if (code == LAKE_OK)
        code = note_what_is_missing(all, dataset, e);
    if (code == LAKE_OK) {
        grown = realloc(all->categories, (all->count + 1) * sizeof *grown);
        if (grown != NULL) {
            all->categories = grown;
            all->categories[all->count++] = *dataset;
            memset(dataset, 0, sizeof *dataset);
        } else {
            code = error_memory(e, "the list of categories");
        }
    }
    dataset_free(dataset);
    return code;
}

void dataset_collection_free(DatasetCollection *all)
{
    for (size_t i = 0; i < all->count; i++)
        dataset_free(&all->categories[i]);
    free(all->categories);
    folder_free(all->notes, all->note_count);
    free(all->root);
    memset(all, 0, sizeof *all);
}

/* ---- layouts ---- */

int dataset_parse_layout(DatasetLayout *layout, const char *name, Error *e)
{
    static const struct {
        const char *name;
        DatasetLayout layout;
    } known[] = {{"mvtec", DATASET_MVTEC}, {"visa", DATASET_VISA}, {"btad", DATASET_BTAD}, {"bmad", DATASET_BMAD},
                 {"bmad-valid", DATASET_BMAD_VALID}, {"folder", DATASET_FOLDER}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i].name) == 0) {
            *layout = known[i].layout;
            return LAKE_OK;
        }
    return error_set(e, LAKE_USAGE, "no layout %s: expected mvtec, visa, btad, bmad, bmad-valid or folder", name);
}

/* The folder that a table's paths are relative to: its own; for VisA's, which lies in split_csv/, the one above. */
static char *folder_of_table(DatasetLayout layout, const char *table)
{
    if (layout == DATASET_VISA)
        return path_beside(table, "..");
    return path_base(table) == table ? layout_copy_text(".") : path_beside(table, "");
}

/* Where the raw VisA has its table, and the prepared one its categories. */
#define VISA_TABLE "split_csv/1cls.csv"
static const char *const visa_prepared[] = {"1cls", "VisA_pytorch/1cls", "visa_pytorch/1cls"};

/* The raw data set's table into *table (NULL: it has none) and the folder of categories into *folder. */
static int find_visa(char **table, char **folder, const char *root, Error *e)
{
    *table = path_join(root, VISA_TABLE);
    *folder = layout_copy_text(root);
    if (*table != NULL && path_kind(*table) == PATH_FILE)
        return *folder != NULL ? LAKE_OK : error_memory(e, "a path");
    for (size_t i = 0; *table != NULL && i < sizeof visa_prepared / sizeof *visa_prepared; i++) {
        char *prepared = path_join(root, visa_prepared[i]);
        int found = prepared != NULL && path_kind(prepared) == PATH_FOLDER;
        if (prepared == NULL || found) {
            free(*folder);
            *folder = prepared;
            break;
        }
        free(prepared);
    }
    if (*table == NULL || *folder == NULL)
        return error_memory(e, "a path");
    free(*table);
    *table = NULL;
    return LAKE_OK;
}

int dataset_collect(DatasetCollection *all, DatasetLayout layout, const char *root, Error *e)
{
    const int may_be_table = layout == DATASET_VISA || layout == DATASET_FOLDER;
    char *table = NULL;
    int code = LAKE_OK;

    memset(all, 0, sizeof *all);
    if (may_be_table && path_kind(root) == PATH_FILE) {
        table = layout_copy_text(root);
        all->root = folder_of_table(layout, root);
    } else if (layout == DATASET_VISA) {
        code = find_visa(&table, &all->root, root, e);
    } else {
        all->root = layout_copy_text(root);
    }
    if (code == LAKE_OK && all->root == NULL)
        code = error_memory(e, "a path");
    if (code == LAKE_OK)
        code = table != NULL ? layout_read_table(all, table, e) : layout_read_tree(all, layout, e);
    free(table);
    if (code != LAKE_OK)
        dataset_collection_free(all);
    return code;
}

/* 1: from the system's root ("/data/1.png"), or on a drive ("C:\data\1.png", "C:/data/1.png"). */
static int is_absolute(const char *path)
{
    return path[0] == '/' || (path[0] != '\0' && path[1] == ':' && (path[2] == '\\' || path[2] == '/'));
}

char *dataset_path(const char *root, const char *path)
{
    return is_absolute(path) ? layout_copy_text(path) : path_join(root, path);
}

/* ---- shots ---- */

int dataset_draw(size_t *first, const Dataset *dataset, size_t shots, size_t seed, Error *e)
{
    *first = 0;
    if (shots == 0)
        return error_set(e, LAKE_USAGE, "0 shots: expected at least 1");
    if (shots > dataset->train_count || seed > dataset->train_count / shots - 1)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: draw %llu of %llu shots needs %llu times as many normal training images, found %llu",
                         dataset->category, (unsigned long long)seed, (unsigned long long)shots,
                         (unsigned long long)seed + 1, (unsigned long long)dataset->train_count);
    *first = seed * shots;
    return LAKE_OK;
}

/* The first `wanted` of all images, shuffled: chosen must have room for all. */
static void draw_random(size_t *chosen, size_t all, size_t wanted, uint64_t state)
{
    for (size_t i = 0; i < all; i++)
        chosen[i] = i;
    for (size_t i = 0; i < wanted; i++) {
        size_t other = i + (size_t)lake_random_below(&state, all - i), held = chosen[i];
        chosen[i] = chosen[other];
        chosen[other] = held;
    }
}

int dataset_shots(size_t *chosen, size_t *count, const Dataset *dataset, size_t wanted, uint64_t seed, DatasetDraw draw,
                  Error *e)
{
    const size_t all = dataset->train_count;
    size_t first = 0;
    int code = LAKE_OK;

    *count = 0;
    if (wanted == 0)
        return LAKE_OK;
    if (all == 0 || (wanted != DATASET_ALL_SHOTS && wanted > all))
        return error_set(e, LAKE_BAD_INPUT, "%s: not enough normal training images: found %llu, expected at least %llu",
                         dataset->category, (unsigned long long)all,
                         wanted == DATASET_ALL_SHOTS ? 1ULL : (unsigned long long)wanted);
    if (draw == DATASET_RANDOM && wanted != DATASET_ALL_SHOTS) {
        draw_random(chosen, all, wanted, seed);
        *count = wanted;
        return LAKE_OK;
    }
    if (wanted == DATASET_ALL_SHOTS)
        wanted = all;
    else
        code = dataset_draw(&first, dataset, wanted, seed > all ? all : (size_t)seed, e);
    if (code != LAKE_OK)
        return code;
    for (size_t i = 0; i < wanted; i++)
        chosen[i] = first + i;
    *count = wanted;
    return LAKE_OK;
}
