/* Sweeps: one option of the method takes many values, all others stay as they are. Every value is a row of its own,
 * called "lake AXIS=VALUE". */
#ifndef LAKE_EVAL_SWEEP_H
#define LAKE_EVAL_SWEEP_H

#include <stddef.h>

#include "lake.h"

typedef enum {
    SWEEP_NEURONS,     /* K; "all": every channel */
    SWEEP_LAYERS,      /* blocks, those of one value joined by +: "3", "3+6" */
    SWEEP_LAMBDA,      /* 0 to 1 */
    SWEEP_POOLING,     /* max, mean, top1 */
    SWEEP_NORM,        /* none, clip, l2, ln */
    SWEEP_SELECT,      /* variance, random, bottom, all, pca */
    SWEEP_DISTANCE,    /* l2, cosine */
    SWEEP_CORESET,     /* share of the gallery that is kept */
    SWEEP_TRIM,        /* share of the normal patches that is distrusted */
    SWEEP_SHOTS,       /* normal pictures; "all" */
    SWEEP_CONTAMINATE, /* defective pictures put among the normal ones */
    SWEEP_AXES
} SweepAxis;

enum { SWEEP_TEXT_MAX = 48 };

typedef struct {
    SweepAxis axis;
    char text[SWEEP_TEXT_MAX]; /* the value as it was given: "50", "3+6" */
} SweepValue;

typedef struct {
    SweepValue *values; /* [count]; zeroed: none. Free with sweep_free */
    size_t count;
} Sweep;

/* Adds "AXIS=VALUE,VALUE,..."; a value FROM:TO:STEP stands for a range of numbers. LAKE_USAGE where the axis is
 * unknown, which lists all, or a value is none of its kind. */
int sweep_add(Sweep *sweep, const char *text, Error *e);
void sweep_free(Sweep *sweep);

/* A whole number of at most nine digits and nothing else; 0 where the text is none, and *value stays as it was. */
int sweep_parse_whole(const char *text, size_t *value);

/* "neurons" */
const char *sweep_axis_name(SweepAxis axis);

/* Puts a value into the options; SHOTS and CONTAMINATE are no options: sweep_pictures has theirs. */
void sweep_apply(LakeOptions *options, const SweepValue *value);

/* How many pictures a value of SWEEP_SHOTS (SIZE_MAX: all) or SWEEP_CONTAMINATE asks for. */
size_t sweep_pictures(const SweepValue *value);

/* 1 where the value changes nothing but the decision, so that a fit serves for all of them. */
int sweep_decides(const SweepValue *value);

/* Blocks that a value of SWEEP_LAYERS names: fills blocks, ascending, and returns how many (0 for another axis). */
size_t sweep_blocks(int blocks[LAKE_MAX_LAYERS], const SweepValue *value);

#endif
