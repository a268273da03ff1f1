/* Data sets: lists of pictures that tell a detector's worth.
 *
 * Of the layouts that are known (dataset_collect, below), MVTec-AD's is the pattern:
 *
 *   CATEGORY/train/good/NAME.png
 *   CATEGORY/test/good/NAME.png
 *   CATEGORY/test/DEFECT/NAME.png
 *   CATEGORY/ground_truth/DEFECT/NAME_mask.png     (or NAME.png, as the prepared VisA and BTAD have it; may be missing)
 *
 * "ok" is understood for "good" (BTAD), and both in any case ("OK", "Good"). A picture is known by its name
 * (img_has_picture_name); hidden files and folders are passed over, and so is whatever lies elsewhere in the tree. A mask
 * belongs to the picture of its defect with the same name but for "_mask" and the type of file. Orders are by byte
 * value, so they are the same on every machine. */
#ifndef LAKE_EVAL_DATASETS_H
#define LAKE_EVAL_DATASETS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct {
    char *path;    /* relative to the root: "gear/test/hole/001.png" */
    char *kind;    /* the folder it lies in, or its label in a table: "good" or the defect's name */
    int anomalous; /* 0: normal; 1: defective */
    char *mask;    /* relative path of its mask; NULL where there is none (always so for a normal image) */
} DatasetImage;

typedef struct {
    char *category; /* "gear"; "" where the root itself is the category */
    DatasetImage *train, *test; /* sorted by kind, then by name, as strcmp does; in train all are normal */
    size_t train_count, test_count;
} Dataset;

void dataset_free(Dataset *dataset);

/* ---- a whole data set ---- */

typedef enum {
    DATASET_MVTEC,      /* as above; the root may be a category itself */
    DATASET_VISA,       /* the raw VisA with split_csv/1cls.csv, one such table (of split_csv/) by its path, or the
                           prepared tree (1cls/CATEGORY/...), which is MVTec's */
    DATASET_BTAD,       /* MVTec's with ok and ko */
    DATASET_BMAD,       /* CATEGORY/train/good/img/NAME.png, CATEGORY/test/{good,Ungood}/img/NAME.png, masks in
                           CATEGORY/test/Ungood/anomaly_mask/NAME.png; Brain is the Brain-AD of papers */
    DATASET_BMAD_VALID, /* the same with the normal images of valid/good/img in place of train's, as MVFA takes them */
    DATASET_FOLDER      /* good/NAME.png beside DEFECT/NAME.png, or a table; see below */
} DatasetLayout;

/* Every category of a data set. */
typedef struct {
    char *root;           /* what the pictures' paths start from (dataset_path): not always the root that was given */
    Dataset *categories;  /* [count], at least one, sorted by name as strcmp does; each has test images */
    size_t count;
    char **notes;         /* [note_count] one line each: what of the data cannot be measured, or was passed over */
    size_t note_count;
} DatasetCollection;

/* The layout of a name: mvtec, visa, btad, bmad, bmad-valid or folder. LAKE_USAGE, which lists them, for any other. */
int dataset_parse_layout(DatasetLayout *layout, const char *name, Error *e);

/* Lists the data set at `root`. DATASET_FOLDER is for one's own pictures:
 *   - a folder with good/ (or ok/) and a folder for each defect, or a folder of such folders, one for each category.
 *     Masks, where there are any: ground_truth/DEFECT/NAME.png, or all in ground_truth/ ("masks" and "mask" are
 *     understood too), or NAME_mask.png beside NAME.png.
 *   - a table (base/csv.h) with the columns image and label, and where they are wanted mask, split (train or test) and
 *     category; paths are relative to the table. The labels good, ok, normal and 0 are normal, any other is a defect.
 *     This is VisA's table too, whose paths are relative to the folder above its own.
 * Without a split, a fifth of the normal pictures (rounded up), evenly spread over the sorted list, are test pictures.
 *
 * Errors (LAKE_BAD_INPUT): no such folder; no category, or one without test pictures; masks of which none fits a
 * picture; a table's row that is not understood, names a file that is not there, or one that another row has.
 * Notes: a category without normal training images (it can be measured zero-shot), without normal or defective test
 * images; defective images without a mask (their image scores count, their pixels do not); masks that no picture takes;
 * what is in train and is not normal; pictures of types that are not read (.webp, .gif, ...); a fifth taken as above.
 */
int dataset_collect(DatasetCollection *all, DatasetLayout layout, const char *root, Error *e);
void dataset_collection_free(DatasetCollection *all);

/* Where a picture or mask of the root lies, in a new buffer; NULL where memory is out. A table may have absolute paths:
 * they stay as they are. */
char *dataset_path(const char *root, const char *path);

/* ---- one category in MVTec's layout ----
 *
 * Built from relative paths with '/' between their parts, so that a folder and files held in memory are read by the
 * same code: open an image of a folder with dataset_path(root, image->path), one in memory by looking image->path up. */

/* The category `category` out of relative paths in any order; others are passed over. `name` is what messages call the
 * whole. LAKE_BAD_INPUT where there is no picture in train/good; the test images may be missing. The strings are
 * copied. */
int dataset_build(Dataset *dataset, const char *category, const char *const *paths, size_t count, const char *name,
                  Error *e);

/* The same of the folder `root`. */
int dataset_open(Dataset *dataset, const char *root, const char *category, Error *e);

/* The categories in relative paths, or in a folder: what has pictures in train/good. Sorted; free with folder_free.
 * *count may come out 0; the root itself may be a category then. */
int dataset_list(char ***names, size_t *count, const char *const *paths, size_t path_count, Error *e);
int dataset_list_folder(char ***names, size_t *count, const char *root, Error *e);

/* ---- shots ---- */

typedef enum {
    DATASET_SLICE, /* sorted(train/good)[seed*shots : (seed+1)*shots], as AnomalyDINO: draws do not overlap */
    DATASET_RANDOM /* without repetition, from lake_random (splitmix64) with `seed` as its state: image i of the draw
                      changes places with image i + lake_random_below(train_count - i) of the sorted list (Fisher and
                      Yates). So the first shots of a seed are the same however many are drawn */
} DatasetDraw;

#define DATASET_ALL_SHOTS SIZE_MAX

/* Draws `wanted` normal images: chosen[*count], indices into dataset->train, whose paths are what results should list;
 * there must be room for all of them. 0: none; DATASET_ALL_SHOTS: all, in order, whatever the seed. LAKE_BAD_INPUT
 * where there are too few. */
int dataset_shots(size_t *chosen, size_t *count, const Dataset *dataset, size_t wanted, uint64_t seed, DatasetDraw draw,
                  Error *e);

/* The slice alone, of at least one shot: dataset->train[*first] and the shots - 1 after it. LAKE_USAGE where shots is 0,
 * LAKE_BAD_INPUT where there are too few. */
int dataset_draw(size_t *first, const Dataset *dataset, size_t shots, size_t seed, Error *e);

/* ---- masks ---- */

/* A mask for an image of height x width: mask[y, x] = 1 where the picture is not black at the nearest place (Pillow's
 * NEAREST), else 0. Any value counts: VisA's masks hold class numbers. Only in a JPEG file, whose compression leaves
 * faint marks around what is white, a value must be above 127. From a file, or from bytes that messages call `name`.
 * Errors as img_read's. */
int dataset_mask_read(unsigned char *mask, size_t height, size_t width, const char *path, Error *e);
int dataset_mask_decode(unsigned char *mask, size_t height, size_t width, const unsigned char *data, size_t size,
                        const char *name, Error *e);

#endif
