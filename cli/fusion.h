/* LAKE and another detector on the same images: what `fuse` is asked for, and what comes of each image. */
#ifndef LAKE_FUSION_H
#define LAKE_FUSION_H

#include "cli/side.h"

/* What stands on the line of `fuse`. */
typedef struct {
    const char *lake, *with;                 /* LAKE's values and the other's */
    const char *lake_normals, *with_normals; /* and those on normal images, or NULL */
    const char *names, *labels, *threshold;  /* or NULL */
    int values;                              /* FuseValues of the other */
    int rule;                                /* FuseRule */
    int pooling;                             /* LakePooling, or -1: not given */
    double weight;                           /* of the other */
} FusionSettings;

enum { LAKE, OTHER, SIDES };

/* Everything that is known before the first image is fused. */
typedef struct {
    Side sides[SIDES];
    Side normals[SIDES];      /* without images where none are given */
    FuseValues values[SIDES];
    FuseScale scales[SIDES];
    size_t *partner;          /* [images] of LAKE's images in the other list */
    signed char *truth;       /* [images] TRUTH_... */
    double weight;
    FuseRule rule;
    LakePooling pooling;
    int has_threshold;        /* 1: an image is anomalous where its score is above */
    double threshold;
} Fusion;

/* What both say of one image. */
typedef struct {
    double own[SIDES];        /* scores as the detectors give them; of maps, pooled */
    double calibrated[SIDES]; /* on the common scale */
    double score;             /* fused */
    size_t row, column;       /* of the fused map's largest value */
} Verdict;

/* Opens both sides, pairs their images, calibrates both by their values on normal images and sets the threshold. Prints a
 * note on standard error where the threshold rests on little or is missing. LAKE_USAGE where the settings do not fit what
 * the files hold. */
int fusion_open(Fusion *fusion, const FusionSettings *settings, Error *e);
void fusion_close(Fusion *fusion);

/* One of LAKE's images. fused->data becomes the fused map, a new buffer, or NULL where the sides have scores.
 * LAKE_BAD_INPUT where a map cannot be read. */
int fusion_judge(const Fusion *fusion, size_t image, Verdict *verdict, FuseMap *fused, Error *e);

#endif
