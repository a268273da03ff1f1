/* What score and zero give back: lines on standard output in one of three forms, and pictures and arrays in folders. */
#ifndef LAKE_RESULTS_H
#define LAKE_RESULTS_H

#include "cli/inputs.h"
#include "cli/labels.h"
#include "image/image.h"
#include "lake.h"

typedef struct {
    int csv, jsonl;       /* neither: lines for people */
    int explain;          /* name the neurons behind the worst patch */
    size_t top;           /* how many */
    const char *maps;     /* folder for .npy maps, float32 [H, W]; or NULL */
    const char *heatmaps, *overlays, *strips; /* folders for PNG pictures; or NULL */
    int fail_on_anomaly;  /* an anomaly shall end in its own exit code */
    int anomalies;        /* counted by results_add */
    int failures;         /* counted by results_error */
    Labels labels;        /* names of the files written so far */
} Results;

/* Creates the folders and prints the CSV's head. */
int results_begin(Results *results, Error *e);

/* One scored image: its line, and the pictures that were asked for. detector: NULL for zero-shot. image: NULL for
 * features, which give maps at the grid's size and no pictures. */
int results_add(Results *results, const Input *input, const Image *image, const LakeDetector *detector,
                const LakeResult *result, Error *e);

/* One image that could not be read or scored. */
void results_error(Results *results, const char *path, const Error *error);

void results_end(Results *results);

/* "folder/label.extension" in a new buffer; NULL where memory is out. */
char *results_path(const char *folder, const char *label, const char *extension);

/* A map [height, width] as folder/label.npy. */
int results_write_map(const char *folder, const char *label, const float *map, size_t height, size_t width, Error *e);

/* What a run that came to its end says: LAKE_BAD_INPUT where an input could not be scored, LAKE_ANOMALY where that was
 * asked for, else LAKE_OK. */
int results_code(const Results *results, Error *e);

#define RESULTS_OPTIONS(r)                                                                                            \
    {"--csv", OPTION_FLAG, &(r).csv, NULL, 0, 0, "a CSV table"},                                                      \
    {"--jsonl", OPTION_FLAG, &(r).jsonl, NULL, 0, 0, "a JSON object per line"},                                       \
    {"--overlays", OPTION_TEXT, &(r).overlays, "DIR", 0, 0,                                                           \
     "write the photo with its map over it, a PNG per image"},                                                        \
    {"--heatmaps", OPTION_TEXT, &(r).heatmaps, "DIR", 0, 0, "write the map as colours, a PNG per image"},             \
    {"--strips", OPTION_TEXT, &(r).strips, "DIR", 0, 0,                                                               \
     "write photo, map and overlay side by side, a PNG per image"},                                                   \
    {"--maps", OPTION_TEXT, &(r).maps, "DIR", 0, 0, "write the map as float32 [height, width], a .npy per image"},    \
    {"--fail-on-anomaly", OPTION_FLAG, &(r).fail_on_anomaly, NULL, 0, 0, "exit with 1 where an anomaly was found"}

#endif
