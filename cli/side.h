/* One of the two detectors that `fuse` combines, as files give it: a score or a map for each of many named images.
 *
 *     FILE.csv     a table with the columns image and score, and perhaps label: scores
 *     DIR          .npy files [H, W], one per image, in folders below it, too: maps
 *     FILE.npy     [N, H, W], or one map [H, W]: maps
 *     FILE.lake    of normal images alone: the leave-one-out scores or maps that a detector keeps of them */
#ifndef LAKE_SIDE_H
#define LAKE_SIDE_H

#include "base/npy.h"
#include "cli/inputs.h"
#include "cli/match.h"
#include "lake.h"
#include "method/fuse.h"

typedef enum { SIDE_SCORES, SIDE_MAPS } SideForm;

/* What an image truly is. */
enum { TRUTH_UNKNOWN = -1, TRUTH_NORMAL = 0, TRUTH_ANOMALOUS = 1 };

typedef struct {
    SideForm form;
    Names list;             /* of the images */
    double *scores;         /* [count], SIDE_SCORES */
    signed char *truth;     /* [count], SIDE_SCORES: TRUTH_... */
    InputList files;        /* [count], maps in a folder */
    NpyFile stack;          /* maps in one file; its rank is 0 where there is none */
    int numbered;           /* the images of the stack have no names but their numbers */
    LakeDetector *detector; /* maps of a .lake file */
    size_t height, width;   /* and their size */
} Side;

/* Opens a table, a folder or a .npy file. names: a file with the name of each image of a .npy file, one per line, or NULL.
 * LAKE_BAD_INPUT where the source is of no such kind, is empty, or a score is no finite number. */
int side_open(Side *side, const char *source, const char *names, Error *e);

/* Opens values on normal images, from a .lake file too, in the form of `like`, whose values they are to calibrate; maps
 * of a .lake file come at the size of like's first one. */
int side_open_normals(Side *normals, const char *source, const Side *like, Error *e);

void side_close(Side *side);

/* The map of one image, a new buffer. LAKE_BAD_INPUT where a number is not finite, or, of probabilities, not from 0
 * to 1. */
int side_map(const Side *side, size_t image, FuseValues values, FuseMap *map, Error *e);

/* Whether all scores suit the values, as side_map asks of maps. */
int side_check_scores(const Side *side, FuseValues values, Error *e);

/* What the images truly are, from the label column of another table: 0, 1, normal or anomalous. */
int side_read_truth(Side *labels, const char *path, Error *e);

#endif
