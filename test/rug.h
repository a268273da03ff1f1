/* A small data set that is made up as it is read: a woven pattern, with a blot where it is defective. */
#ifndef LAKE_TEST_RUG_H
#define LAKE_TEST_RUG_H

#include <string.h>

#include "eval/experiment.h"
#include "test/tiny_clip.h"

enum { SIDE = 40, PATCHES = 16 };

static const char *const rug_paths[] = {
    "rug/train/good/0.png",
    "rug/train/good/1.png",
    "rug/train/good/2.png",
    "rug/train/good/3.png",
    "rug/test/good/4.png",
    "rug/test/good/5.png",
    "rug/test/blot/6.png",
    "rug/test/blot/7.png",
    "rug/test/stain/8.png",
    "rug/ground_truth/blot/6_mask.png",
    "rug/ground_truth/blot/7_mask.png",
};

static int pictures_read; /* how often a picture was asked for */

/* The number in "rug/test/blot/6.png" or "6_mask.png". */
static inline int number_of(const char *path)
{
    return strrchr(path, '/')[1] - '0';
}

static inline int in_blot(int number, int x, int y)
{
    return number >= 6 && (x - 12 - number) * (x - 12 - number) + (y - 20) * (y - 20) < 30;
}

static inline int make_picture(Image *image, const void *context, const char *path, Error *e)
{
    int number = number_of(path), code = img_new(image, SIDE, SIDE + 8, e);
    uint64_t random = (uint64_t)number;

    (void)context;
    pictures_read++;
    for (int y = 0; code == LAKE_OK && y < SIDE + 8; y++)
        for (int x = 0; x < SIDE; x++)
            for (int c = 0; c < 3; c++)
                image->rgb[3 * (y * SIDE + x) + c] =
                    (unsigned char)(in_blot(number, x, y) ? 240 - 60 * c
                                                          : 60 + 30 * c + 8 * (x % 5) + 9 * (y % 3) +
                                                                (int)lake_random_below(&random, 40));
    return code;
}

static inline int make_mask(unsigned char *mask, size_t height, size_t width, const void *context, const char *path,
                            Error *e)
{
    (void)context;
    (void)e;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++)
            mask[y * width + x] = (unsigned char)in_blot(number_of(path), (int)x, (int)y);
    return LAKE_OK;
}

/* Options for the tiny model "a". */
static inline void small_options(LakeOptions *o)
{
    lake_defaults(o);
    o->resolution = 32;
    o->neurons = 7;
    strcpy(o->class_name, "rug");
}

/* That model as the file FOLDER/NAME, and the data set. */
static inline int open_rug(Clip *model, Dataset *set, const char *name, Error *e)
{
    char path[64];
    Golden g;
    int code;

    snprintf(path, sizeof path, FOLDER "/%s", name);
    if (!golden_open(&g, e))
        return LAKE_BAD_INPUT;
    code = folder_create(FOLDER, e) || write_model(&g, 'a', WTS_F32, path, 0, e) || clip_open(model, path, e) ||
           dataset_build(set, "rug", rug_paths, sizeof rug_paths / sizeof *rug_paths, "the test's pictures", e);
    golden_close(&g);
    return code;
}

#endif
