/* What the files of a fit share: fit.c (images in, detector out), learn.c (the steps of the method) and merge.c.
 * Private to this folder. */
#ifndef LAKE_FIT_H
#define LAKE_FIT_H

#include "lake.h"
#include "method/store.h"

struct LakeFit {
    LakeDetector detector;             /* filled step by step */
    size_t patches;                    /* P */
    TokenStore tokens;                 /* of the normal images, normalised */
    size_t room;                       /* images that the arrays have room for */
    unsigned char *skip;               /* [n P] 1: dropped by trimming; NULL: none is */
    float *distances[LAKE_MAX_LAYERS]; /* [n P] leave-one-out */
};

/* Adds a copy of an observation, normalised where it is not yet. semantic: its map s(p), or NULL: computed where there
 * are texts. Nothing is checked. */
int fit_append(LakeFit *fit, const LakeTokens *tokens, const float *semantic, const char *name, Error *e);

/* The detector's texts become a copy of `from`. */
int fit_copy_texts(LakeTexts *to, const LakeTexts *from, Error *e);

/* A copy in a new buffer, or NULL where memory is out. */
char *fit_copy_text(const char *text);

/* Excavates, remembers and calibrates every layer from the images that were added; the leave-one-out maps of the
 * normals are set. */
int fit_learn(LakeFit *fit, Error *e);

/* Drops the share `trim` of normal patches with the largest leave-one-out structural score, ties to the smaller number,
 * and learns again. The score is the mean of the calibrated distances of all layers, so a patch leaves all layers or
 * none. */
int fit_drop_suspects(LakeFit *fit, Error *e);

#endif
