/* What the files of the demo share: demo.c (all categories), demo_category.c (the experiments on one), demo_examples.c
 * (pictures for the eye) and demo_verdicts.c (what it all says). Private to this folder. */
#ifndef LAKE_EVAL_DEMO_INTERNAL_H
#define LAKE_EVAL_DEMO_INTERNAL_H

#include "eval/demo.h"

/* Choices of the pictures that contaminate the normals, averaged: what a few seconds have room for. */
enum { DEMO_DIRT_CHOICES = 2 };

/* Counts what is done and tells it. */
typedef struct {
    const DemoProgress *progress; /* may be NULL */
    size_t steps, done;
} DemoTicker;

/* A category at work, by one thread. */
typedef struct {
    const DemoResults *results; /* what concerns the model and the experiments' values; read only */
    size_t index;               /* of the category */
    DemoCategory *category;     /* to be filled */
    LakeOptions options;        /* the defaults; the class name is filled in */
    Dataset set;
    Experiment x;
    size_t row_count, row_room;
    DemoRow *rows;      /* its measurements */
    DemoTicker *ticker; /* NULL: another thread's work is what is shown */
    int code;           /* how it ended */
    Error error;
} DemoRun;

/* All experiments on run->category, out of a data set with these paths. run->rows is the caller's to free in every
 * case. */
int demo_run_category(DemoRun *run, const Clip *model, const char *const *paths, size_t path_count,
                      const ExperimentSource *source, Error *e);

/* Fills what the category shows of the defaults' first draw: scores, ROC curve, examples. */
int demo_show(DemoCategory *category, Experiment *x, const ExperimentFit *fit, const ExperimentOutcome *out, Error *e);
void demo_free_shown(DemoCategory *category);

/* Means over categories, overlaps and verdicts, once all categories are filled. */
int demo_conclude(DemoResults *results, Error *e);
void demo_free_concluded(DemoResults *results);

/* A copy in a new buffer, or NULL where memory is out. */
char *demo_copy_text(const char *text);

#endif
