/* Results of score and zero; see results.h. */
#include "cli/results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/npy.h"
#include "cli/terminal.h"
#include "image/draw.h"

#define TOP_MAX 64

/* 1 where a folder was asked for. */
static int writes_files(const Results *r)
{
    return r->maps != NULL || r->heatmaps != NULL || r->overlays != NULL || r->strips != NULL;
}

int results_begin(Results *r, Error *e)
{
    const char *folders[] = {r->maps, r->heatmaps, r->overlays, r->strips};

    if (r->csv && r->jsonl)
        return error_set(e, LAKE_USAGE, "--csv and --jsonl exclude each other");
    if (r->top > TOP_MAX)
        return error_set(e, LAKE_USAGE, "--top: expected at most %d neurons", TOP_MAX);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        int code = folders[i] != NULL ? folder_create(folders[i], e) : LAKE_OK;
        if (code != LAKE_OK)
            return code;
    }
    if (r->csv)
        printf("image,score,label,threshold,structural,semantic,row,column,error\n");
    return LAKE_OK;
}

static const char *label_of(const LakeResult *result)
{
    return result->anomalous ? "anomalous" : "normal";
}

static void print_json(const char *path, const LakeResult *s, const LakeShare *shares, size_t count, int explain)
{
    printf("{\"image\": ");
    print_json_string(stdout, path);
    printf(", \"score\": %.9g, \"label\": \"%s\", \"threshold\": %.9g, ", s->score, label_of(s), s->threshold);
    if (s->layer_count > 0)
        printf("\"structural\": %.9g, ", s->structural);
    else
        printf("\"structural\": null, ");
    if (s->has_semantic)
        printf("\"semantic\": %.9g, ", s->semantic);
    else
        printf("\"semantic\": null, ");
    printf("\"patch\": [%lu, %lu]", (unsigned long)s->row, (unsigned long)s->column);
    if (explain) {
        printf(", \"neurons\": [");
        for (size_t i = 0; i < count; i++)
            printf("%s{\"layer\": %d, \"channel\": %lu, \"share\": %.6g}", i > 0 ? ", " : "", shares[i].block,
                   (unsigned long)shares[i].channel, shares[i].share);
        printf("]");
    }
    printf("}\n");
}

static void print_csv(const char *path, const LakeResult *s)
{
    print_csv_field(stdout, path);
    printf(",%.9g,%s,%.9g,", s->score, label_of(s), s->threshold);
    if (s->layer_count > 0)
        printf("%.9g", s->structural);
    printf(",");
    if (s->has_semantic)
        printf("%.9g", s->semantic);
    printf(",%lu,%lu,\n", (unsigned long)s->row, (unsigned long)s->column);
}

static void print_text(const char *path, const LakeResult *s, const LakeShare *shares, size_t count)
{
    printf("%-9s %.4f  %s\n", label_of(s), s->score, path);
    for (size_t i = 0; i < count; i++)
        printf("%s block %d channel %lu (%.1f %%)%s", i == 0 ? "                 because of" : ",", shares[i].block,
               (unsigned long)shares[i].channel, 100 * shares[i].share, i + 1 == count ? "\n" : "");
}

char *results_path(const char *folder, const char *label, const char *extension)
{
    char *path = path_join(folder, label), *whole = NULL;

    if (path != NULL)
        whole = realloc(path, strlen(path) + strlen(extension) + 1);
    if (whole == NULL) {
        free(path);
        return NULL;
    }
    return strcat(whole, extension);
}

typedef enum { PICTURE_HEATMAP, PICTURE_OVERLAY, PICTURE_STRIP } PictureKind;

/* Draws one picture and writes it. The colours span the scores from lo to hi, so that pictures can be compared. */
static int write_picture(PictureKind kind, const char *folder, const char *label, const Image *photo, const float *map,
                         float lo, float hi, float threshold, Error *e)
{
    char *path = results_path(folder, label, ".png");
    Image picture;
    int code;

    if (path == NULL)
        return error_memory(e, "a path");
    switch (kind) {
    case PICTURE_HEATMAP:
        code = draw_heatmap(&picture, map, photo->width, photo->height, lo, hi, e);
        break;
    case PICTURE_OVERLAY:
        code = draw_overlay(&picture, photo, map, lo, hi, threshold, e);
        break;
    default:
        code = draw_strip(&picture, photo, map, lo, hi, threshold, e);
        break;
    }
    if (code == LAKE_OK) {
        code = img_write(path, &picture, e);
        img_free(&picture);
    }
    free(path);
    return code;
}

int results_write_map(const char *folder, const char *label, const float *map, size_t height, size_t width, Error *e)
{
    char *path = results_path(folder, label, ".npy");
    const size_t shape[2] = {height, width};
    int code = path != NULL ? npy_write(path, map, 2, shape, e) : error_memory(e, "a path");

    free(path);
    return code;
}

/* The colour scale: from half the threshold, where nothing is remarkable, to a score that leaves no doubt. */
static void color_scale(const LakeResult *result, float *lo, float *hi)
{
    double threshold = result->threshold;

    *lo = (float)(threshold * 0.5);
    *hi = (float)(threshold * 1.5);
}

static int write_pictures(const Results *r, const char *label, const Image *photo, const LakeResult *result, Error *e)
{
    const char *folders[] = {r->heatmaps, r->overlays, r->strips};
    float *map, lo, hi;
    int code = lake_map(&map, result, (size_t)photo->width, (size_t)photo->height, e);

    if (code != LAKE_OK)
        return code;
    color_scale(result, &lo, &hi);
    if (r->maps != NULL)
        code = results_write_map(r->maps, label, map, (size_t)photo->height, (size_t)photo->width, e);
    for (int kind = PICTURE_HEATMAP; kind <= PICTURE_STRIP && code == LAKE_OK; kind++)
        if (folders[kind] != NULL)
            code =
                write_picture((PictureKind)kind, folders[kind], label, photo, map, lo, hi, (float)result->threshold, e);
    free(map);
    return code;
}

int results_add(Results *r, const Input *input, const Image *image, const LakeDetector *detector,
                const LakeResult *result, Error *e)
{
    LakeShare shares[TOP_MAX];
    size_t count = 0;
    int code = LAKE_OK;

    if (r->explain && detector != NULL)
        count = lake_attribute(detector, result, result->row * result->width + result->column, shares, r->top);
    if (writes_files(r)) {
        const char *label = labels_add(&r->labels, input->path + input->root);
        if (label == NULL)
            code = error_memory(e, "a file name");
        else if (image != NULL)
            code = write_pictures(r, label, image, result, e);
        else if (r->maps != NULL)
            code = results_write_map(r->maps, label, result->map, result->height, result->width, e);
    }
    if (code != LAKE_OK)
        return code;
    if (r->jsonl)
        print_json(input->path, result, shares, count, r->explain);
    else if (r->csv)
        print_csv(input->path, result);
    else
        print_text(input->path, result, shares, count);
    r->anomalies += result->anomalous;
    return LAKE_OK;
}

void results_error(Results *r, const char *path, const Error *error)
{
    r->failures++;
    if (r->jsonl) {
        printf("{\"image\": ");
        print_json_string(stdout, path);
        printf(", \"error\": ");
        print_json_string(stdout, error->text);
        printf("}\n");
    } else if (r->csv) {
        print_csv_field(stdout, path);
        printf(",,,,,,,,");
        print_csv_field(stdout, error->text);
        printf("\n");
    } else {
        printf("error            %s\n", error->text);
    }
}

void results_end(Results *r)
{
    labels_free(&r->labels);
}

int results_code(const Results *r, Error *e)
{
    if (r->failures > 0)
        return error_set(e, LAKE_BAD_INPUT,
                         r->failures == 1 ? "%d input could not be scored" : "%d inputs could not be scored",
                         r->failures);
    return r->fail_on_anomaly && r->anomalies > 0 ? LAKE_ANOMALY : LAKE_OK;
}
