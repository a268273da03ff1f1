/* Data sets in the layout of MVTec-AD:
 *
 *   CATEGORY/train/good/NAME.png
 *   CATEGORY/test/good/NAME.png
 *   CATEGORY/test/DEFECT/NAME.png
 *   CATEGORY/ground_truth/DEFECT/NAME_mask.png     (or NAME.png, as the prepared VisA and BTAD have it; may be missing)
 *
 * "ok" is understood for "good" (BTAD). Everything is built from a list of relative paths with '/' between their parts,
 * so that a folder and files held in memory are read by the same code: open an image of a folder with
 * path_join(root, image->path), one in memory by looking image->path up. */
#ifndef LAKE_EVAL_DATASETS_H
#define LAKE_EVAL_DATASETS_H

#include <stddef.h>

#include "base/error.h"

typedef struct {
    char *path;    /* relative to the root: "gear/test/hole/001.png" */
    char *kind;    /* the folder it lies in: "good" or the defect's name */
    int anomalous; /* 0: normal; 1: defective */
    char *mask;    /* relative path of its mask; NULL where there is none (always so for a normal image) */
} DatasetImage;

typedef struct {
    char *category; /* "gear"; "" where the root itself is the category */
    DatasetImage *train, *test; /* sorted by kind, then by name, as strcmp does */
    size_t train_count, test_count;
} Dataset;

/* The category `category` out of relative paths in any order; others are passed over, as are hidden files, files
 * without a picture's extension, and files deeper in the tree. `name` is what messages call the whole. LAKE_BAD_INPUT
 * where there is no picture in train/good; the test images may be missing. The strings are copied. */
int dataset_build(Dataset *dataset, const char *category, const char *const *paths, size_t count, const char *name,
                  Error *e);

/* The same of the folder `root`. */
int dataset_open(Dataset *dataset, const char *root, const char *category, Error *e);
void dataset_free(Dataset *dataset);

/* The categories in relative paths, or in a folder: what has pictures in train/good. Sorted; free with folder_free.
 * *count may come out 0; the root itself may be a category then. */
int dataset_list(char ***names, size_t *count, const char *const *paths, size_t path_count, Error *e);
int dataset_list_folder(char ***names, size_t *count, const char *root, Error *e);

/* The literature's draw of `shots` normal images, sorted(train/good)[seed*shots : (seed+1)*shots] (AnomalyDINO): they
 * are dataset->train[*first] and the shots - 1 after it. LAKE_USAGE where shots is 0, LAKE_BAD_INPUT where there are
 * too few. */
int dataset_draw(size_t *first, const Dataset *dataset, size_t shots, size_t seed, Error *e);

/* A mask for an image of height x width: mask[y, x] = 1 where the picture is not black at the nearest place, else 0.
 * (Any value counts: VisA's masks hold class numbers.) From a file, or from bytes that messages call `name`. Errors as
 * img_read's. */
int dataset_mask_read(unsigned char *mask, size_t height, size_t width, const char *path, Error *e);
int dataset_mask_decode(unsigned char *mask, size_t height, size_t width, const unsigned char *data, size_t size,
                        const char *name, Error *e);

#endif
