/* Data sets in MVTec's layout: from lists of paths, from a folder, the draw of shots, and masks (Pillow's nearest
 * resize: test/golden/make_metrics.py). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/datasets.h"
#include "image/image.h"
#include "test/test.h"

#define ROOT "build/test_datasets"

/* Out of order, with what is not to be taken. */
static const char *const paths[] = {
    "gear/train/good/003.png",
    "gear/train/good/000.JPG",
    "gear/train/good/010.png",
    "gear/train/good/.hidden.png",
    "gear/train/good/notes.txt",
    "gear/train/good/deeper/000.png",
    "gear/train/broken/000.png",
    "gear/test/hole/001.png",
    "gear/test/hole/000.png",
    "gear/test/hole-b/000.png",
    "gear/test/good/000.png",
    "gear/test/hole/a.png",
    "gear/test/hole/a-b.png",
    "gear/test/hole/none.png",
    "gear/ground_truth/hole/a-b.bmp",
    "gear/ground_truth/hole/a_mask.png",
    "gear/ground_truth/hole/001_mask.png",
    "gear/ground_truth/hole-b/000_mask.png",
    "gear/ground_truth/good/000_mask.png",
    "gearbox/train/good/000.png",
    "gear-train/good/999.png",
    "empty/test/good/000.png",
    "01/train/ok/000.bmp",
    "01/test/ok/000.bmp",
    "01/test/ko/000.bmp",
    "readme.png",
};

enum { PATHS = sizeof paths / sizeof *paths };

/* What the category "gear" is, in order: path, kind, mask. */
static const char *const gear_test[][3] = {
    {"gear/test/good/000.png", "good", NULL},
    {"gear/test/hole/000.png", "hole", NULL},
    {"gear/test/hole/001.png", "hole", "gear/ground_truth/hole/001_mask.png"},
    {"gear/test/hole/a-b.png", "hole", "gear/ground_truth/hole/a-b.bmp"},
    {"gear/test/hole/a.png", "hole", "gear/ground_truth/hole/a_mask.png"},
    {"gear/test/hole/none.png", "hole", NULL},
    {"gear/test/hole-b/000.png", "hole-b", "gear/ground_truth/hole-b/000_mask.png"},
};
static const char *const gear_train[] = {"gear/train/good/000.JPG", "gear/train/good/003.png",
                                         "gear/train/good/010.png"};

static void check_gear(const Dataset *d, const char *name)
{
    const size_t tests = sizeof gear_test / sizeof *gear_test;
    int right = d->train_count == 3 && d->test_count == tests && strcmp(d->category, "gear") == 0;
    const char *wrong = "counts";

    for (size_t i = 0; i < 3 && right; i++) {
        wrong = d->train[i].path;
        right = strcmp(wrong, gear_train[i]) == 0 && !d->train[i].anomalous && d->train[i].mask == NULL;
    }
    for (size_t i = 0; i < tests && right; i++) {
        const DatasetImage *image = &d->test[i];
        const char *mask = gear_test[i][2];
        wrong = image->path;
        right = strcmp(image->path, gear_test[i][0]) == 0 && strcmp(image->kind, gear_test[i][1]) == 0 &&
                image->anomalous == (i > 0) && (image->mask != NULL) == (mask != NULL) &&
                (mask == NULL || strcmp(image->mask, mask) == 0);
    }
    check(right, name, "%s (%d train, %d test)", wrong, (int)d->train_count, (int)d->test_count);
}

static void check_names(int code, char **names, size_t count, const char *what, const Error *e)
{
    check(code == LAKE_OK && count == 3 && strcmp(names[0], "01") == 0 && strcmp(names[1], "gear") == 0 &&
          strcmp(names[2], "gearbox") == 0, what, "%d names, first %s (%s)", (int)count, count > 0 ? names[0] : "none",
          e->text);
    folder_free(names, count);
}

static void test_paths(void)
{
    const char *plain[] = {"train/good/1.png", "test/crack/1.png", "ground_truth/crack/1.png"};
    Dataset d;
    char **names;
    size_t count;
    int code;
    Error e = {0, ""};

    if (check(dataset_build(&d, "gear", paths, PATHS, "demo", &e) == LAKE_OK, "category of a list", "%s", e.text)) {
        check_gear(&d, "category of a list, its images");
        dataset_free(&d);
    }
    if (check(dataset_build(&d, "01", paths, PATHS, "demo", &e) == LAKE_OK, "ok for good", "%s", e.text)) {
        check(d.train_count == 1 && d.test_count == 2 && d.test[0].anomalous == 1 && d.test[1].anomalous == 0,
              "ok for good, its images", "%d train, %d test", (int)d.train_count, (int)d.test_count);
        dataset_free(&d);
    }
    if (check(dataset_build(&d, "", plain, 3, "demo", &e) == LAKE_OK, "root as category", "%s", e.text)) {
        check(d.train_count == 1 && d.test_count == 1 && d.test[0].mask != NULL &&
              strcmp(d.test[0].mask, plain[2]) == 0, "root as category, its images", "%d train, %d test",
              (int)d.train_count, (int)d.test_count);
        dataset_free(&d);
    }
    check(dataset_build(&d, "empty", paths, PATHS, "demo", &e) == LAKE_BAD_INPUT && d.train == NULL &&
          strstr(e.text, "demo: no pictures in empty/train/good") != NULL, "no normal pictures", "%s", e.text);
    check(dataset_build(&d, "gear", paths, 0, "demo", &e) == LAKE_BAD_INPUT, "no paths", "%s", e.text);
    code = dataset_list(&names, &count, paths, PATHS, &e);
    check_names(code, names, count, "categories of a list", &e);
}

static void test_draw(void)
{
    Dataset d = {NULL, NULL, NULL, 10, 0};
    size_t first = 99;
    char name[] = "gear";
    Error e = {0, ""};

    d.category = name;
    check(dataset_draw(&first, &d, 4, 0, &e) == LAKE_OK && first == 0, "first draw", "%d (%s)", (int)first, e.text);
    check(dataset_draw(&first, &d, 5, 1, &e) == LAKE_OK && first == 5, "last draw", "%d (%s)", (int)first, e.text);
    check(dataset_draw(&first, &d, 4, 2, &e) == LAKE_BAD_INPUT && strstr(e.text, "gear") != NULL, "too few for a draw",
          "%s", e.text);
    check(dataset_draw(&first, &d, 11, 0, &e) == LAKE_BAD_INPUT, "too few for any draw", "%s", e.text);
    check(dataset_draw(&first, &d, 2, (size_t)-1, &e) == LAKE_BAD_INPUT, "a huge seed", "%d", (int)first);
    check(dataset_draw(&first, &d, 0, 0, &e) == LAKE_USAGE, "a draw of none", "%s", e.text);
}

/* The list above as empty files. */
static int make_tree(Error *e)
{
    int code = LAKE_OK;

    for (size_t i = 0; i < PATHS && code == LAKE_OK; i++) {
        char *path = path_join(ROOT, paths[i]), *slash;
        if (path == NULL)
            return error_memory(e, "a path");
        slash = strrchr(path, '/');
        *slash = '\0';
        code = folder_create(path, e);
        *slash = '/';
        if (code == LAKE_OK)
            code = file_save(path, "", 0, e);
        free(path);
    }
    return code;
}

/* Files, and the folders that they leave empty. */
static void remove_tree(const char *path)
{
    char **names;
    size_t count;

    if (path_kind(path) == PATH_FOLDER && folder_list(&names, &count, path, NULL) == LAKE_OK) {
        for (size_t i = 0; i < count; i++) {
            char *below = path_join(path, names[i]);
            if (below != NULL)
                remove_tree(below);
            free(below);
        }
        folder_free(names, count);
    }
    remove(path);
}

static void test_folder(void)
{
    Dataset d;
    char **names;
    size_t count;
    int code;
    Error e = {0, ""};

    remove_tree(ROOT);
    if (!check(make_tree(&e) == LAKE_OK, "a tree of files", "%s", e.text))
        return;
    if (check(dataset_open(&d, ROOT, "gear", &e) == LAKE_OK, "category of a folder", "%s", e.text)) {
        check_gear(&d, "category of a folder, its images");
        dataset_free(&d);
    }
    if (check(dataset_open(&d, ROOT "/gear", "", &e) == LAKE_OK, "folder as category", "%s", e.text)) {
        check(d.train_count == 3 && strcmp(d.train[0].path, "train/good/000.JPG") == 0 && d.test_count == 7,
              "folder as category, its images", "%d train, %d test", (int)d.train_count, (int)d.test_count);
        dataset_free(&d);
    }
    check(dataset_open(&d, ROOT, "nothing", &e) == LAKE_BAD_INPUT && d.test == NULL, "no such category", "%s", e.text);
    check(dataset_open(&d, ROOT "/nowhere", "gear", &e) == LAKE_BAD_INPUT && strstr(e.text, "nowhere") != NULL,
          "no such folder", "%s", e.text);
    code = dataset_list_folder(&names, &count, ROOT, &e);
    check_names(code, names, count, "categories of a folder", &e);
    check(dataset_list_folder(&names, &count, ROOT "/readme.png", &e) == LAKE_BAD_INPUT && names == NULL,
          "categories of a file", "%s", e.text);
    remove_tree(ROOT);
}

/* A binary PGM of 3 x 2: 0, 1, 255, 0, 0, 7. */
static void test_masks(void)
{
    static const unsigned char pgm[] = "P5 3 2 255\n\0\1\377\0\0\7";
    static const unsigned char plain[6] = {0, 1, 1, 0, 0, 1}, wide[14] = {0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1};
    static const unsigned char ppm[] = "P6 4 1 255\n\1\0\0\0\1\0\0\0\1\0\0\0", dark[4] = {1, 1, 1, 0};
    const size_t size = sizeof pgm - 1;
    unsigned char mask[14];
    Error e = {0, ""};

    check(dataset_mask_decode(mask, 2, 3, pgm, size, "mask", &e) == LAKE_OK && memcmp(mask, plain, 6) == 0,
          "any value but 0 is a defect", "%s", e.text);
    check(dataset_mask_decode(mask, 1, 4, ppm, sizeof ppm - 1, "mask", &e) == LAKE_OK && memcmp(mask, dark, 4) == 0,
          "so is any colour", "%d%d%d%d %s", mask[0], mask[1], mask[2], mask[3], e.text);
    check(dataset_mask_decode(mask, 2, 7, pgm, size, "mask", &e) == LAKE_OK && memcmp(mask, wide, 14) == 0,
          "mask resized", "%d%d%d%d%d%d%d %s", mask[0], mask[1], mask[2], mask[3], mask[4], mask[5], mask[6], e.text);
    check(dataset_mask_decode(mask, 2, 3, pgm, 9, "mask", &e) == LAKE_BAD_INPUT, "mask cut short", "%s", e.text);
    if (!check(folder_create("build", &e) == LAKE_OK && file_save(ROOT ".pgm", pgm, size, &e) == LAKE_OK, "mask saved",
               "%s", e.text))
        return;
    check(dataset_mask_read(mask, 2, 3, ROOT ".pgm", &e) == LAKE_OK && memcmp(mask, plain, 6) == 0, "mask of a file",
          "%s", e.text);
    remove(ROOT ".pgm");
    check(dataset_mask_read(mask, 2, 3, ROOT ".pgm", &e) == LAKE_BAD_INPUT, "mask missing", "%s", e.text);
}

/* The masks of metrics.txt: as it is first, then resized. */
static void test_pillow(void)
{
    FILE *f = fopen("test/golden/metrics.txt", "r");
    char line[512], from[128], to[128];
    unsigned long h, w, height, width;
    int masks = 0;
    Error e = {0, ""};

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        char pgm[256];
        unsigned char mask[128];
        size_t size;
        int right;
        if (sscanf(line, "mask %lu %lu %lu %lu %127s %127s", &h, &w, &height, &width, from, to) != 6 || h * w > 127 ||
            height * width > 127)
            continue;
        size = (size_t)sprintf(pgm, "P5 %lu %lu 255\n", w, h);
        for (size_t i = 0; i < h * w; i++)
            pgm[size++] = from[i] == '1' ? 3 : 0;
        right = dataset_mask_decode(mask, height, width, (const unsigned char *)pgm, size, "mask", &e) == LAKE_OK;
        for (size_t i = 0; i < height * width && right; i++)
            right = mask[i] == (to[i] == '1');
        check(right, "mask as Pillow's", "%lu x %lu to %lu x %lu %s", h, w, height, width, e.text);
        masks++;
    }
    check(masks == 3, "golden masks", "%d of 3", masks);
    if (f != NULL)
        fclose(f);
}

int main(void)
{
    test_pillow();
    test_paths();
    test_draw();
    test_folder();
    test_masks();
    return 0;
}
