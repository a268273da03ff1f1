/* Prints the measures of arrays that others wrote, for test_metrics_real.py, which compiles it:
 *
 *     show_metrics scores FILE               of lines "SCORE LABEL": auroc ap f1max f1_threshold
 *     show_metrics pixels EXACT MAP MASK...  of maps (.npy [height, width]) and their masks (pictures; "-": a normal
 *                                            image): auroc ap f1max pro pro_200 f1_threshold auroc_margin pro_margin
 *                                            regions; EXACT as eval_pixels_open's
 *
 * An error is a line "error CODE TEXT". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/npy.h"
#include "eval/datasets.h"
#include "eval/metrics.h"

enum { MOST_SCORES = 65536 };

static int scores(const char *path, Error *e)
{
    static double values[MOST_SCORES];
    static unsigned char labels[MOST_SCORES];
    FILE *f = fopen(path, "r");
    EvalScores out;
    size_t n = 0;
    int label, code;

    if (f == NULL)
        return error_set(e, LAKE_BAD_INPUT, "%s: cannot be opened", path);
    while (n < MOST_SCORES && fscanf(f, "%lf %d", &values[n], &label) == 2)
        labels[n++] = label != 0;
    fclose(f);
    code = eval_scores(&out, values, labels, n, e);
    if (code == LAKE_OK)
        printf("%.17g %.17g %.17g %.17g\n", out.auroc, out.ap, out.f1max, out.f1_threshold);
    return code;
}

static int add(EvalPixels *pixels, const char *map_path, const char *mask_path, Error *e)
{
    NpyFile file;
    float *map;
    unsigned char *mask;
    int code = npy_open(&file, map_path, e);

    if (code != LAKE_OK)
        return code;
    map = malloc(file.count * sizeof *map + 1);
    mask = malloc(file.count + 1);
    if (map == NULL || mask == NULL)
        code = error_memory(e, map_path);
    else if (file.rank != 2)
        code = error_set(e, LAKE_BAD_INPUT, "%s: expected [height, width]", map_path);
    else
        npy_get(&file, 0, file.count, map);
    if (code == LAKE_OK && strcmp(mask_path, "-") != 0)
        code = dataset_mask_read(mask, file.shape[0], file.shape[1], mask_path, e);
    if (code == LAKE_OK)
        code = eval_pixels_add(pixels, map, strcmp(mask_path, "-") != 0 ? mask : NULL, file.shape[0], file.shape[1], e);
    free(map);
    free(mask);
    npy_close(&file);
    return code;
}

static int pixels(char **arguments, Error *e)
{
    EvalPixels *all = NULL;
    EvalPixelScores out;
    int code = eval_pixels_open(&all, (size_t)strtoul(arguments[0], NULL, 10), e);

    for (arguments++; code == LAKE_OK && arguments[0] != NULL && arguments[1] != NULL; arguments += 2)
        code = add(all, arguments[0], arguments[1], e);
    if (code == LAKE_OK)
        code = eval_pixels_scores(all, &out, e);
    if (code == LAKE_OK)
        printf("%.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %lu\n", out.auroc, out.ap, out.f1max, out.pro,
               out.pro_200, out.f1_threshold, out.auroc_margin, out.pro_margin, (unsigned long)out.regions);
    eval_pixels_close(all);
    return code;
}

int main(int count, char **arguments)
{
    Error e = {0, ""};

    if (count == 3 && strcmp(arguments[1], "scores") == 0)
        scores(arguments[2], &e);
    else if (count > 4 && strcmp(arguments[1], "pixels") == 0)
        pixels(arguments + 2, &e);
    else
        return 2;
    if (e.code != LAKE_OK)
        printf("error %d %s\n", e.code, e.text);
    return 0;
}
