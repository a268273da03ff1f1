/* What `lake eval` leaves of a run, in files that any program for tables reads. A run is a list of units: a category, a
 * number of shots and a seed; all methods of a unit see the same draw of normal pictures.
 *
 *   RESULTS.csv                     all rows, and a row per method with the category `mean` (record_write_table)
 *   RESULTS.parts/settings.csv      key,value: what was measured with what; a run is only continued with the same
 *   RESULTS.parts/UNIT/rows.csv     the unit's rows of RESULTS.csv; written last, so a unit that has it is finished
 *   RESULTS.parts/UNIT/shots.csv    image: the normal pictures that were drawn, in the order of the draw
 *   RESULTS.parts/UNIT/images.csv   method,image,kind,anomalous,score: every test picture's score, by every method but
 *                                   those of sweeps
 *   RESULTS.parts/UNIT/neurons.csv  block,width,rank,channel,share: LAKE's chosen channels, rank from 1, and what share of
 *                                   the block's variance each has
 *   RESULTS.parts/UNIT/examples.csv role,image,kind,score,picture,neurons: the worst "false alarm" and "miss" pictures of
 *                                   LAKE, worst first; picture: a PNG in the unit's folder (photo beside overlay); neurons: those
 *                                   behind the verdict, as text
 *   RESULTS.parts/UNIT/skipped.csv  image,error: pictures that could not be read, and methods that these pictures do not allow
 *
 * UNIT is NNN-CATEGORY-shotsSSSS-seedNN with the number of the category, so that folders sort as rows do. Measures that are not
 * defined are empty fields. */
#ifndef LAKE_EVAL_RECORD_H
#define LAKE_EVAL_RECORD_H

#include <stddef.h>

#include "base/csv.h"
#include "base/error.h"

enum {
    RECORD_IMAGE_AUROC,
    RECORD_IMAGE_AP,
    RECORD_IMAGE_F1MAX,
    RECORD_PIXEL_AUROC,
    RECORD_PIXEL_AP,
    RECORD_PIXEL_F1MAX,
    RECORD_PRO,
    RECORD_MEASURES
};

/* The columns of rows.csv and RESULTS.csv. */
#define RECORD_COLUMNS                                                                                                \
    "dataset,category,shots,seed,method,image_auroc,image_ap,image_f1max,pixel_auroc,pixel_ap,pixel_f1max,pro,normals," \
    "tests,seconds,threshold,good,bad,false_alarms,misses,skipped"

/* Those of the other files. */
#define RECORD_SETTING_COLUMNS "key,value"
#define RECORD_SHOT_COLUMNS "image"
#define RECORD_IMAGE_COLUMNS "method,image,kind,anomalous,score"
#define RECORD_NEURON_COLUMNS "block,width,rank,channel,share"
#define RECORD_EXAMPLE_COLUMNS "role,image,kind,score,picture,neurons"
#define RECORD_SKIPPED_COLUMNS "image,error"

/* Strings are the record's. */
typedef struct {
    const char *dataset, *category;
    const char *shots;  /* "0", "4", "all" */
    const char *method; /* "lake", "patchcore+lake"; of a sweep "lake neurons=50" */
    size_t seed;
    double measures[RECORD_MEASURES]; /* NaN: not defined, or not measured */
    size_t normals, tests;            /* pictures fitted on, pictures measured */
    double seconds;                   /* fitting and scoring beyond the model's time; NaN: not known */
    double threshold;                 /* what the normal pictures gave */
    size_t good, bad;                 /* of the pictures measured, truly */
    size_t false_alarms, misses;      /* at that threshold */
    size_t skipped;                   /* pictures that could not be read */
} RecordRow;

typedef struct {
    const char *image;
} RecordShot;

typedef struct {
    const char *method, *image, *kind; /* kind: "good" or the defect's name */
    int anomalous;
    double score;
} RecordImage;

typedef struct {
    size_t block, width, rank, channel;
    double share;
} RecordNeuron;

typedef struct {
    const char *role, *image, *kind, *picture, *neurons;
    double score;
} RecordExample;

typedef struct {
    const char *image, *error;
} RecordSkipped;

/* A finished unit. Where nothing of it could be measured it has no row, and empty strings as category and shots. */
typedef struct {
    char *folder; /* its path */
    const char *category, *shots;
    size_t seed;
    RecordRow *rows; /* [row_count] */
    size_t row_count;
    RecordShot *drawn; /* [drawn_count] */
    size_t drawn_count;
    RecordImage *images; /* [image_count] */
    size_t image_count;
    RecordNeuron *neurons; /* [neuron_count] */
    size_t neuron_count;
    RecordExample *examples; /* [example_count] */
    size_t example_count;
    RecordSkipped *skipped; /* [skipped_count] */
    size_t skipped_count;
    Csv tables[6]; /* what the strings point into */
} RecordUnit;

typedef struct {
    Csv settings;
    RecordUnit *units; /* [unit_count] in the order of their folders' names */
    size_t unit_count;
} Record;

/* Reads RESULTS.parts: the settings and every finished unit; one without rows.csv is passed over, and any of the other files
 * may be missing. LAKE_BAD_INPUT where a file has not the columns above or a field is no number. */
int record_read(Record *record, const char *folder, Error *e);
void record_close(Record *record);

/* A finite decimal number, with a point whatever the locale; 0 where the text is none, or has more than it. */
int record_number(double *value, const char *text);

/* The value of a setting; "" where there is no such key. */
const char *record_setting(const Record *record, const char *key);

/* RESULTS.csv: the rows of all units, then for each number of shots and method a row with the category `mean` and no seed: the
 * mean over categories of the mean over seeds, of those where a measure is defined; counts and seconds are sums. */
int record_write_table(const Record *record, const char *path, Error *e);

/* ---- writing a unit's files ---- */

/* Each writes one of the files above, completely or not at all. Numbers have a point whatever the locale; those that
 * are not finite become empty fields. */
int record_write_rows(const RecordRow *rows, size_t count, const char *path, Error *e);
int record_write_shots(const RecordShot *shots, size_t count, const char *path, Error *e);
int record_write_images(const RecordImage *images, size_t count, const char *path, Error *e);
int record_write_neurons(const RecordNeuron *neurons, size_t count, const char *path, Error *e);
int record_write_examples(const RecordExample *examples, size_t count, const char *path, Error *e);
int record_write_skipped(const RecordSkipped *skipped, size_t count, const char *path, Error *e);

/* settings.csv: value i of key i. */
int record_write_settings(const char *const *keys, const char *const *values, size_t count, const char *path, Error *e);

/* ---- means ---- */

/* The distinct categories, numbers of shots, or methods of all rows, in the order in which they first occur. The
 * strings are the record's, the list is freed by the caller; NULL after a failure. LAKE_BAD_INPUT for more than
 * RECORD_NAMES_MAX. */
enum { RECORD_NAMES_MAX = 4096 };
typedef enum { RECORD_CATEGORIES, RECORD_SHOTS, RECORD_METHODS } RecordNames;
int record_names(const char ***names, size_t *count, const Record *record, RecordNames which, Error *e);

/* The mean of a measure over the seeds of a category for which it is defined; NaN where there are none. */
double record_category_mean(const Record *record, const char *category, const char *shots, const char *method,
                            int measure);

/* A mean over categories and its standard error: the sample standard deviation over the square root of their number,
 * NaN for fewer than two. */
typedef struct {
    double mean, error;
    size_t categories;
} RecordFigure;

/* One category more, where its value is defined; a figure begins as {NAN, NAN, 0}. */
void record_figure_add(RecordFigure *figure, double value);

/* The mean over categories of record_category_mean, over those where it is defined. */
RecordFigure record_mean(const Record *record, const char *const *categories, size_t count, const char *shots,
                         const char *method, int measure);

#endif
