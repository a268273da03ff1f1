/* Data sets whose layout is a tree of folders; see datasets.h. A layout is a list of patterns for the paths below a
 * category's folder (layout_pattern.h); what no pattern fits is passed over. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/layout_pattern.h"
#include "eval/layouts.h"

static const Tree mvtec = {
    {{"train/@/*", TRAIN}, {"train/%/*", STRAY}, {"test/%/*", TEST}, {"ground_truth/%/*", MASKS}},
    {"train", "test"}, 0,
    "CATEGORY/train/good/*.png, CATEGORY/test/DEFECT/*.png, CATEGORY/ground_truth/DEFECT/*_mask.png"};

static const Tree bmad = {
    {{"train/@/img/*", TRAIN}, {"train/@/*", TRAIN}, {"test/%/img/*", TEST}, {"test/%/*", TEST},
     {"test/%/anomaly_mask/*", MASKS}},
    {"train", "test"}, 0,
    "CATEGORY/train/good/img/*.png, CATEGORY/test/Ungood/img/*.png, CATEGORY/test/Ungood/anomaly_mask/*.png"};

static const Tree bmad_valid = {
    {{"valid/@/img/*", TRAIN}, {"valid/@/*", TRAIN}, {"test/%/img/*", TEST}, {"test/%/*", TEST},
     {"test/%/anomaly_mask/*", MASKS}},
    {"valid", "test"}, 0,
    "CATEGORY/valid/good/img/*.png, CATEGORY/test/Ungood/img/*.png, CATEGORY/test/Ungood/anomaly_mask/*.png"};

static const Tree own = {
    {{"ground_truth/%/*", MASKS}, {"ground_truth/*", MASKS}, {"masks/%/*", MASKS}, {"masks/*", MASKS},
     {"mask/%/*", MASKS}, {"mask/*", MASKS}, {"%/*_mask", MASKS}, {"@/*", TRAIN}, {"%/*", TEST}},
    {"@", "@"}, 1,
    "good/*.png and DEFECT/*.png, in the folder itself or in one for each category; or a table image,label,mask"};

static const Tree *tree_of(DatasetLayout layout)
{
    return layout == DATASET_BMAD ? &bmad : layout == DATASET_BMAD_VALID ? &bmad_valid
                                        : layout == DATASET_FOLDER ? &own : &mvtec;
}

/* By role, kind and name; masks by stem before the name, to be found by it. */
static int by_place(const void *a, const void *b)
{
    const Entry *x = a, *y = b;
    int order = (x->role > y->role) - (x->role < y->role);

    if (order == 0)
        order = layout_compare(x->kind, y->kind);
    if (order == 0 && x->role == MASKS)
        order = layout_compare(x->stem, y->stem);
    if (order == 0)
        order = layout_compare(x->name, y->name);
    return order != 0 ? order : strcmp(x->path, y->path);
}

/* ---- a category's paths ---- */

typedef struct {
    Entry *entries; /* [used] those that a pattern fits, sorted by place */
    size_t used;
    size_t first[ROLES], counts[ROLES]; /* of each role */
} Category;

static int category_open(Category *c, const Tree *tree, const char *category, const char *const *paths, size_t count,
                         Error *e)
{
    const size_t prefix = strlen(category);

    memset(c, 0, sizeof *c);
    c->entries = calloc(count > 0 ? count : 1, sizeof *c->entries);
    if (c->entries == NULL)
        return error_memory(e, "the list of a data set's images");
    for (size_t i = 0; i < count; i++) {
        const char *rest = paths[i];
        if (prefix > 0 && (strncmp(rest, category, prefix) != 0 || rest[prefix] != '/'))
            continue;
        c->used += layout_classify(&c->entries[c->used], tree, paths[i], prefix > 0 ? rest + prefix + 1 : rest) == MATCH;
    }
    qsort(c->entries, c->used, sizeof *c->entries, by_place);
    for (size_t i = 0; i < c->used; i++)
        c->counts[c->entries[i].role]++;
    for (int role = 1; role < ROLES; role++)
        c->first[role] = c->first[role - 1] + c->counts[role - 1];
    return LAKE_OK;
}

/* The first mask, by name, of that kind and stem; NULL: none. */
static Entry *find_mask(const Category *c, Span kind, Span stem)
{
    Entry *masks = c->entries + c->first[MASKS];
    size_t low = 0, high = c->counts[MASKS];

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = layout_compare(masks[middle].kind, kind);
        if (order == 0)
            order = layout_compare(masks[middle].stem, stem);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == c->counts[MASKS] || layout_compare(masks[low].kind, kind) != 0 || layout_compare(masks[low].stem, stem) != 0)
        return NULL;
    return &masks[low];
}

/* The mask of a defective picture; NULL: none. */
static Entry *mask_of(const Category *c, const Entry *image)
{
    const Span unknown = {"", 0};
    Entry *mask = find_mask(c, image->kind, image->stem);

    if (mask == NULL)
        mask = find_mask(c, unknown, image->stem);
    if (mask != NULL)
        mask->pictures++;
    return mask;
}

/* ---- building ---- */

/* The images of a role; 0 where memory is out, what was made so far is in the list. */
static int add_images(DatasetImage **images, size_t *count, const Category *c, int role)
{
    const Entry *entries = c->entries + c->first[role];
    const size_t n = c->counts[role];

    *images = n > 0 ? calloc(n, sizeof **images) : NULL;
    if (n > 0 && *images == NULL)
        return 0;
    for (size_t i = 0; i < n; i++) {
        DatasetImage *image = &(*images)[(*count)++];
        const Entry *mask = NULL;
        image->anomalous = !layout_is_normal(entries[i].kind.text, entries[i].kind.length);
        if (image->anomalous)
            mask = mask_of(c, &entries[i]);
        image->path = layout_copy_text(entries[i].path);
        image->kind = layout_copy(entries[i].kind.text, entries[i].kind.length);
        image->mask = mask != NULL ? layout_copy_text(mask->path) : NULL;
        if (image->path == NULL || image->kind == NULL || (mask != NULL && image->mask == NULL))
            return 0;
    }
    return 1;
}

static int fill(Dataset *dataset, const char *name, const Category *c, Error *e)
{
    dataset->category = layout_copy_text(name);
    if (dataset->category != NULL && add_images(&dataset->train, &dataset->train_count, c, TRAIN) &&
        add_images(&dataset->test, &dataset->test_count, c, TEST))
        return LAKE_OK;
    dataset_free(dataset);
    return error_memory(e, "the list of a data set's images");
}

int dataset_build(Dataset *dataset, const char *category, const char *const *paths, size_t count, const char *name,
                  Error *e)
{
    Category c;
    int code = category_open(&c, &mvtec, category, paths, count, e);

    memset(dataset, 0, sizeof *dataset);
    if (code == LAKE_OK && c.counts[TRAIN] == 0)
        code = error_set(e, LAKE_BAD_INPUT, "%s: no pictures in %s%strain/good (expected %s)", name, category,
                         *category != '\0' ? "/" : "", mvtec.expected);
    if (code == LAKE_OK)
        code = fill(dataset, category, &c, e);
    free(c.entries);
    return code;
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

/* root, or a path below it; NULL where memory is out. */
static char *below(const char *root, const char *relative)
{
    return *relative == '\0' ? layout_copy_text(root) : *root == '\0' ? layout_copy_text(relative) : path_join(root, relative);
}

/* Adds every path below root/relative that fits a pattern; the patterns speak of paths behind their first `prefix`
 * bytes. Nothing where it is no folder. */
static int walk(Paths *found, const Tree *tree, const char *root, const char *relative, size_t prefix, Error *e)
{
    char *folder = below(root, relative), **names = NULL;
    size_t count = 0;
    int code = folder != NULL ? LAKE_OK : error_memory(e, "a path");

    if (code == LAKE_OK && path_kind(folder) == PATH_FOLDER)
        code = folder_list(&names, &count, folder, e);
    for (size_t i = 0; i < count && code == LAKE_OK; i++) {
        char *path = below(relative, names[i]);
        Entry entry;
        int fits = path != NULL ? layout_classify(&entry, tree, path, path + prefix) : NO_MATCH;
        if (path == NULL)
            code = error_memory(e, "a path");
        else if (fits == LEADS_THERE)
            code = walk(found, tree, root, path, prefix, e);
        if (fits != MATCH)
            free(path);
        else if (!paths_add(found, path))
            code = error_memory(e, "the list of a data set's images");
    }
    folder_free(names, count);
    free(folder);
    return code;
}

static int walk_category(Paths *found, const Tree *tree, const char *root, const char *category, Error *e)
{
    return walk(found, tree, root, category, *category != '\0' ? strlen(category) + 1 : 0, e);
}

static int no_such_folder(const char *root, Error *e)
{
    return path_kind(root) == PATH_FOLDER ? LAKE_OK : error_set(e, LAKE_BAD_INPUT, "%s: no such folder", root);
}

int dataset_open(Dataset *dataset, const char *root, const char *category, Error *e)
{
    Paths paths = {NULL, 0, 0};
    int code = no_such_folder(root, e);

    memset(dataset, 0, sizeof *dataset);
    if (code == LAKE_OK)
        code = walk_category(&paths, &mvtec, root, category, e);
    if (code == LAKE_OK)
        code = dataset_build(dataset, category, (const char *const *)paths.items, paths.count, root, e);
    folder_free(paths.items, paths.count);
    return code;
}

/* ---- categories of a list ---- */

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
        if (!layout_next_part(&category, &rest) || layout_classify(&entry, &mvtec, paths[i], rest) != MATCH || entry.role != TRAIN)
            continue;
        if (!paths_add(&found, layout_copy(category.text, category.length))) {
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
    Paths pictures = {NULL, 0, 0};
    char **folders = NULL;
    size_t folder_count = 0;
    int code = no_such_folder(root, e);

    *names = NULL;
    *count = 0;
    if (code == LAKE_OK)
        code = folder_list(&folders, &folder_count, root, e);
    for (size_t i = 0; i < folder_count && code == LAKE_OK; i++)
        code = walk_category(&pictures, &mvtec, root, folders[i], e);
    if (code == LAKE_OK)
        code = dataset_list(names, count, (const char *const *)pictures.items, pictures.count, e);
    folder_free(folders, folder_count);
    folder_free(pictures.items, pictures.count);
    return code;
}

/* ---- a whole data set ---- */

/* A note that names the first of `count` paths; none where count is 0. */
static int note_paths(DatasetCollection *all, const char *category, size_t count, const char *what, const char *first,
                      Error *e)
{
    Error line;

    if (count == 0)
        return LAKE_OK;
    error_set(&line, LAKE_OK, "%s: %s: %llu, passed over (first: %s)", layout_label(all, category), what,
              (unsigned long long)count, first);
    return layout_note(all, line.text, e);
}

/* Masks that no picture takes are noted, also those beside another for the same picture; that none at all is taken is a
 * mistake in their names. */
static int check_masks(DatasetCollection *all, const char *category, const Category *c, Error *e)
{
    const Entry *masks = c->entries + c->first[MASKS];
    const char *first = NULL;
    size_t alone = 0, used = 0;

    for (size_t i = 0; i < c->counts[MASKS]; i++) {
        if (masks[i].kind.length == 0 && masks[i].pictures > 1)
            return error_set(e, LAKE_BAD_INPUT, "%s/%s: a mask for %u pictures of this name; put it into a folder that is "
                             "called as theirs", all->root, masks[i].path, (unsigned)masks[i].pictures);
        used += masks[i].pictures > 0;
        if (masks[i].pictures > 0 || layout_is_normal(masks[i].kind.text, masks[i].kind.length))
            continue; /* some tools write black masks for normal pictures too */
        if (alone++ == 0)
            first = masks[i].path;
    }
    if (alone > 0 && used == 0)
        return error_set(e, LAKE_BAD_INPUT, "%s/%s: no picture to this mask, nor to any other of %s; expected masks in a "
                         "folder called as the pictures', with their names, \"_mask\" may follow", all->root, first,
                         layout_label(all, category));
    return note_paths(all, category, alone, "masks that no picture takes", first, e);
}

/* Pictures and masks of types that are not read are noted; that there are no others to test is an error. */
static int check_types(DatasetCollection *all, const char *category, const Category *c, Error *e)
{
    const char *first = c->counts[UNREAD] > 0 ? c->entries[c->first[UNREAD]].path : "";

    if (c->counts[UNREAD] > 0 && c->counts[TRAIN] + c->counts[TEST] == 0)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s/%s: pictures of this type are not read, and there are no others; convert them to PNG",
                         all->root, first);
    return note_paths(all, category, c->counts[UNREAD], "pictures or masks of types that are not read", first, e);
}

static int read_category(DatasetCollection *all, const Tree *tree, const char *category, Error *e)
{
    Paths paths = {NULL, 0, 0};
    Category c = {0};
    Dataset dataset = {0};
    int code = walk_category(&paths, tree, all->root, category, e);

    if (code == LAKE_OK)
        code = category_open(&c, tree, category, (const char *const *)paths.items, paths.count, e);
    if (code == LAKE_OK)
        code = fill(&dataset, category, &c, e);
    if (code == LAKE_OK)
        code = check_masks(all, category, &c, e);
    if (code == LAKE_OK)
        code = note_paths(all, category, c.counts[STRAY], "pictures of train that are not in good",
                          c.counts[STRAY] > 0 ? c.entries[c.first[STRAY]].path : "", e);
    if (code == LAKE_OK)
        code = check_types(all, category, &c, e);
    if (code == LAKE_OK && tree->split)
        code = layout_split(all, &dataset, e);
    if (code == LAKE_OK)
        code = layout_add(all, &dataset, all->root, e);
    dataset_free(&dataset);
    free(c.entries);
    folder_free(paths.items, paths.count);
    return code;
}

static int is_marker(const Tree *tree, const char *name)
{
    const Span span = {name, strlen(name)};

    for (size_t i = 0; i < sizeof tree->markers / sizeof *tree->markers; i++) {
        const Span marker = {tree->markers[i], strlen(tree->markers[i])};
        if (layout_folder_fits(marker, span))
            return 1;
    }
    return 0;
}

/* Whether a folder has one of the layout's markers in it; what cannot be looked into has none. */
static int is_category(int *is, const Tree *tree, const char *root, const char *category, Error *e)
{
    char *folder = below(root, category), **names = NULL;
    size_t count = 0;
    int code = folder != NULL ? LAKE_OK : error_memory(e, "a path");

    *is = 0;
    if (code == LAKE_OK && path_kind(folder) == PATH_FOLDER)
        code = folder_list(&names, &count, folder, e);
    if (code == LAKE_BAD_INPUT)
        code = LAKE_OK;
    for (size_t i = 0; i < count && code == LAKE_OK && !*is; i++) {
        char *marker = is_marker(tree, names[i]) ? path_join(folder, names[i]) : NULL;
        if (marker != NULL)
            *is = path_kind(marker) == PATH_FOLDER;
        else if (is_marker(tree, names[i]))
            code = error_memory(e, "a path");
        free(marker);
    }
    folder_free(names, count);
    free(folder);
    return code;
}

int layout_read_tree(DatasetCollection *all, DatasetLayout layout, Error *e)
{
    const Tree *tree = tree_of(layout);
    char **names = NULL;
    size_t count = 0;
    int is = 0, code = no_such_folder(all->root, e);

    if (code == LAKE_OK)
        code = is_category(&is, tree, all->root, "", e);
    if (code == LAKE_OK && is)
        return read_category(all, tree, "", e);
    if (code == LAKE_OK)
        code = folder_list(&names, &count, all->root, e);
    for (size_t i = 0; i < count && code == LAKE_OK; i++) {
        if (*names[i] != '.')
            code = is_category(&is, tree, all->root, names[i], e);
        if (code != LAKE_OK || *names[i] == '.' || !is)
            continue;
        if (tree->split && strcmp(names[i], "train") == 0)
            code = error_set(e, LAKE_BAD_INPUT, "%s: has train/good: this is the layout mvtec", all->root);
        else
            code = read_category(all, tree, names[i], e);
    }
    folder_free(names, count);
    if (code == LAKE_OK && all->count == 0)
        code = error_set(e, LAKE_BAD_INPUT, "%s: no category found; expected %s", all->root,
                         layout == DATASET_VISA ? "split_csv/1cls.csv and the raw pictures, or the prepared tree "
                                                  "1cls/CATEGORY/train/good" : tree->expected);
    return code;
}
