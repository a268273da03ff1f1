/* Data sets in MVTec's layout; see datasets.h. */
#include "eval/datasets.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "image/image.h"

enum { TRAIN, TEST, MASKS, SECTIONS };
static const char *const section_names[SECTIONS] = {"train", "test", "ground_truth"};

/* A part of somebody's string. */
typedef struct {
    const char *text;
    size_t length;
} Span;

/* A path of the category, taken apart: "gear/test/hole/001.png". */
typedef struct {
    const char *path;
    int section;
    Span kind; /* hole */
    Span name; /* 001.png */
    Span stem; /* 001, without the ending "_mask" where it lies among the masks */
} Entry;

/* ---- paths ---- */

static int span_is(Span span, const char *text)
{
    return strlen(text) == span.length && memcmp(span.text, text, span.length) == 0;
}

/* As strcmp. */
static int span_compare(Span a, Span b)
{
    int order = memcmp(a.text, b.text, a.length < b.length ? a.length : b.length);

    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int span_ends(Span span, const char *ending)
{
    size_t n = strlen(ending);

    if (n > span.length)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (tolower((unsigned char)span.text[span.length - n + i]) != ending[i])
            return 0;
    return 1;
}

/* Takes the part before the next '/' off *rest; 0 where there is no '/'. */
static int next_part(Span *part, const char **rest)
{
    const char *slash = strchr(*rest, '/');

    if (slash == NULL)
        return 0;
    part->text = *rest;
    part->length = (size_t)(slash - *rest);
    *rest = slash + 1;
    return 1;
}

static int is_normal_kind(Span kind)
{
    return span_is(kind, "good") || span_is(kind, "ok");
}

/* Takes "SECTION/KIND/NAME" apart, the part of `path` from `rest` on; 0 where it is no picture of a category. */
static int parse(Entry *entry, const char *path, const char *rest)
{
    Span section;
    size_t stem;

    entry->path = path;
    if (!next_part(&section, &rest) || !next_part(&entry->kind, &rest) || strchr(rest, '/') != NULL)
        return 0;
    entry->name.text = entry->stem.text = rest;
    entry->name.length = strlen(rest);
    if (*rest == '.' || !img_has_picture_name(rest))
        return 0;
    for (entry->section = 0; entry->section < SECTIONS; entry->section++)
        if (span_is(section, section_names[entry->section]))
            break;
    stem = (size_t)(strrchr(rest, '.') - rest);
    entry->stem.length = stem;
    if (entry->section == MASKS && span_ends(entry->stem, "_mask"))
        entry->stem.length = stem - strlen("_mask");
    return entry->section == TRAIN ? is_normal_kind(entry->kind) : entry->section < SECTIONS;
}

/* By section, kind and name; masks by stem before the name, to be found by it. */
static int by_place(const void *a, const void *b)
{
    const Entry *x = a, *y = b;
    int order = (x->section > y->section) - (x->section < y->section);

    if (order == 0)
        order = span_compare(x->kind, y->kind);
    if (order == 0 && x->section == MASKS)
        order = span_compare(x->stem, y->stem);
    return order != 0 ? order : span_compare(x->name, y->name);
}

/* ---- building ---- */

static char *copy_span(Span span)
{
    char *copy = malloc(span.length + 1);

    if (copy != NULL) {
        memcpy(copy, span.text, span.length);
        copy[span.length] = '\0';
    }
    return copy;
}

static char *copy_text(const char *text)
{
    Span span = {text, strlen(text)};

    return copy_span(span);
}

/* The first mask, by name, of the image; masks are sorted. NULL: none. */
static const char *find_mask(const Entry *masks, size_t count, const Entry *image)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = span_compare(masks[middle].kind, image->kind);
        if (order == 0)
            order = span_compare(masks[middle].stem, image->stem);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == count || span_compare(masks[low].kind, image->kind) != 0 ||
        span_compare(masks[low].stem, image->stem) != 0)
        return NULL;
    return masks[low].path;
}

/* Images of a slice of entries; 0 where memory is out, what was made so far is in the list. */
static int add_images(DatasetImage **images, size_t *count, const Entry *entries, size_t n, const Entry *masks,
                      size_t mask_count)
{
    *images = n > 0 ? calloc(n, sizeof **images) : NULL;
    if (n > 0 && *images == NULL)
        return 0;
    for (size_t i = 0; i < n; i++) {
        DatasetImage *image = &(*images)[(*count)++];
        const char *mask = NULL;
        image->anomalous = !is_normal_kind(entries[i].kind);
        if (image->anomalous)
            mask = find_mask(masks, mask_count, &entries[i]);
        image->path = copy_text(entries[i].path);
        image->kind = copy_span(entries[i].kind);
        image->mask = mask != NULL ? copy_text(mask) : NULL;
        if (image->path == NULL || image->kind == NULL || (mask != NULL && image->mask == NULL))
            return 0;
    }
    return 1;
}

/* The data set of the category's entries, sorted by place. */
static int fill(Dataset *dataset, const char *category, const Entry *entries, size_t count, Error *e)
{
    size_t sizes[SECTIONS] = {0};
    const Entry *test, *masks;

    for (size_t i = 0; i < count; i++)
        sizes[entries[i].section]++;
    test = entries + sizes[TRAIN];
    masks = test + sizes[TEST];
    dataset->category = copy_text(category);
    if (dataset->category == NULL ||
        !add_images(&dataset->train, &dataset->train_count, entries, sizes[TRAIN], masks, sizes[MASKS]) ||
        !add_images(&dataset->test, &dataset->test_count, test, sizes[TEST], masks, sizes[MASKS])) {
        dataset_free(dataset);
        return error_memory(e, "the list of a data set's images");
    }
    return LAKE_OK;
}

int dataset_build(Dataset *dataset, const char *category, const char *const *paths, size_t count, const char *name,
                  Error *e)
{
    const size_t prefix = strlen(category);
    Entry *entries = calloc(count > 0 ? count : 1, sizeof *entries);
    size_t used = 0;
    int code = LAKE_OK;

    memset(dataset, 0, sizeof *dataset);
    if (entries == NULL)
        return error_memory(e, "the list of a data set's images");
    for (size_t i = 0; i < count; i++) {
        const char *rest = paths[i];
        if (prefix > 0 && (strncmp(rest, category, prefix) != 0 || rest[prefix] != '/'))
            continue;
        used += (size_t)parse(&entries[used], paths[i], prefix > 0 ? rest + prefix + 1 : rest);
    }
    qsort(entries, used, sizeof *entries, by_place);
    if (used == 0 || entries[0].section != TRAIN)
        code = error_set(e, LAKE_BAD_INPUT,
                         "%s: no pictures in %s%strain/good (expected CATEGORY/train/good/*.png, "
                         "CATEGORY/test/DEFECT/*.png, CATEGORY/ground_truth/DEFECT/*_mask.png)",
                         name, category, prefix > 0 ? "/" : "");
    else
        code = fill(dataset, category, entries, used, e);
    free(entries);
    return code;
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

/* ---- folders ---- */

typedef struct {
    char **items;
    size_t count, room;
} Paths;

/* Takes over item, which may be NULL where memory was out; returns 0 then. */
static int paths_add(Paths *paths, char *item)
{
    if (item != NULL && paths->count == paths->room) {
        size_t room = paths->room == 0 ? 64 : paths->room * 2;
        char **grown = realloc(paths->items, room * sizeof *grown);
        if (grown != NULL) {
            paths->items = grown;
            paths->room = room;
        }
    }
    if (item == NULL || paths->count == paths->room) {
        free(item);
        return 0;
    }
    paths->items[paths->count++] = item;
    return 1;
}

/* Adds relative + "/" + the name of everything in folder; nothing where it is no folder. */
static int list_names(Paths *paths, const char *folder, const char *relative, Error *e)
{
    char **names;
    size_t count;
    int code;

    if (path_kind(folder) != PATH_FOLDER)
        return LAKE_OK;
    code = folder_list(&names, &count, folder, e);
    for (size_t i = 0; i < count && code == LAKE_OK; i++)
        if (!paths_add(paths, *relative != '\0' ? path_join(relative, names[i]) : copy_text(names[i])))
            code = error_memory(e, "the list of a data set's images");
    folder_free(names, count);
    return code;
}

/* Adds what lies `depth` folders below root/relative. */
static int list_below(Paths *paths, const char *root, const char *relative, int depth, Error *e)
{
    Paths here = {NULL, 0, 0};
    char *folder = *relative != '\0' ? path_join(root, relative) : copy_text(root);
    int code = folder != NULL ? list_names(depth == 1 ? paths : &here, folder, relative, e)
                              : error_memory(e, "a path");

    for (size_t i = 0; i < here.count && code == LAKE_OK; i++)
        code = list_below(paths, root, here.items[i], depth - 1, e);
    folder_free(here.items, here.count);
    free(folder);
    return code;
}

int dataset_open(Dataset *dataset, const char *root, const char *category, Error *e)
{
    Paths paths = {NULL, 0, 0};
    int code = path_kind(root) == PATH_FOLDER ? LAKE_OK : error_set(e, LAKE_BAD_INPUT, "%s: no such folder", root);

    memset(dataset, 0, sizeof *dataset);
    for (int s = 0; s < SECTIONS && code == LAKE_OK; s++) {
        char *section = *category != '\0' ? path_join(category, section_names[s]) : copy_text(section_names[s]);
        code = section != NULL ? list_below(&paths, root, section, 2, e) : error_memory(e, "a path");
        free(section);
    }
    if (code == LAKE_OK)
        code = dataset_build(dataset, category, (const char *const *)paths.items, paths.count, root, e);
    folder_free(paths.items, paths.count);
    return code;
}

/* ---- categories ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int dataset_list(char ***names, size_t *count, const char *const *paths, size_t path_count, Error *e)
{
    Paths found = {NULL, 0, 0};
    size_t kept = 0;

    *names = NULL;
    *count = 0;
    for (size_t i = 0; i < path_count; i++) {
        const char *rest = paths[i];
        Span category;
        Entry entry;
        if (!next_part(&category, &rest) || !parse(&entry, paths[i], rest) || entry.section != TRAIN)
            continue;
        if (!paths_add(&found, copy_span(category))) {
            folder_free(found.items, found.count);
            return error_memory(e, "the list of categories");
        }
    }
    if (found.count > 1)
        qsort(found.items, found.count, sizeof *found.items, by_text);
    for (size_t i = 0; i < found.count; i++)
        if (kept > 0 && strcmp(found.items[i], found.items[kept - 1]) == 0)
            free(found.items[i]);
        else
            found.items[kept++] = found.items[i];
    *names = found.items;
    *count = kept;
    return LAKE_OK;
}

int dataset_list_folder(char ***names, size_t *count, const char *root, Error *e)
{
    Paths folders = {NULL, 0, 0}, pictures = {NULL, 0, 0};
    int code = path_kind(root) == PATH_FOLDER ? list_names(&folders, root, "", e)
                                              : error_set(e, LAKE_BAD_INPUT, "%s: no such folder", root);

    *names = NULL;
    *count = 0;
    for (size_t i = 0; i < folders.count && code == LAKE_OK; i++) {
        char *train = path_join(folders.items[i], section_names[TRAIN]);
        code = train != NULL ? list_below(&pictures, root, train, 2, e) : error_memory(e, "a path");
        free(train);
    }
    if (code == LAKE_OK)
        code = dataset_list(names, count, (const char *const *)pictures.items, pictures.count, e);
    folder_free(folders.items, folders.count);
    folder_free(pictures.items, pictures.count);
    return code;
}

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

/* ---- masks ---- */

/* Place i of n in a row of m, nearest: the middle of the one in the other (Pillow's NEAREST). */
static size_t nearest(size_t i, size_t n, size_t m)
{
    return (size_t)((2 * (uint64_t)i + 1) * m / (2 * (uint64_t)n));
}

static void fill_mask(unsigned char *mask, size_t height, size_t width, const Image *picture)
{
    size_t w = (size_t)picture->width, h = (size_t)picture->height;

    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            const unsigned char *p = picture->rgb + (nearest(y, height, h) * w + nearest(x, width, w)) * 3;
            mask[y * width + x] = p[0] != 0 || p[1] != 0 || p[2] != 0;
        }
}

int dataset_mask_read(unsigned char *mask, size_t height, size_t width, const char *path, Error *e)
{
    Image picture;
    int code = img_read(&picture, path, 0, e);

    if (code != LAKE_OK)
        return code;
    fill_mask(mask, height, width, &picture);
    img_free(&picture);
    return LAKE_OK;
}

int dataset_mask_decode(unsigned char *mask, size_t height, size_t width, const unsigned char *data, size_t size,
                        const char *name, Error *e)
{
    Image picture;
    int code = img_decode(&picture, data, size, name, 0, e);

    if (code != LAKE_OK)
        return code;
    fill_mask(mask, height, width, &picture);
    img_free(&picture);
    return LAKE_OK;
}
