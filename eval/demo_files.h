/* The demo's results as files. */
#ifndef LAKE_EVAL_DEMO_FILES_H
#define LAKE_EVAL_DEMO_FILES_H

#include "eval/demo.h"

/* Every measurement as a CSV table, in the columns of `lake eval`: dataset, category, shots, seed, method, image_auroc,
 * image_ap, image_f1max, pixel_auroc, pixel_ap, pixel_f1max, pro, normals, tests, seconds. Then a row per method with
 * category `mean`: over categories and draws. Empty: not measured; seconds always are, so that every run writes the
 * same file. */
int demo_write_table(const DemoResults *results, const char *path, Error *e);

/* The examples' maps and overlays: FOLDER/CATEGORY/KIND_NAME_map.npy (float32 [height, width]) and
 * KIND_NAME_overlay.png. */
int demo_write_pictures(const DemoResults *results, const char *folder, Error *e);

#endif
