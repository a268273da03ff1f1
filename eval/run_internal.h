/* What the files of a run share: run.c (categories), run_unit.c (one unit), run_sweep.c (LAKE's sweeps on it) and
 * run_examples.c (its worst pictures). Private to this folder. */
#ifndef LAKE_EVAL_RUN_INTERNAL_H
#define LAKE_EVAL_RUN_INTERNAL_H

#include "base/arena.h"
#include "eval/record.h"
#include "eval/run.h"

/* A unit while it is measured. Strings are the arena's, the data set's or constants. */
typedef struct {
    const RunPlan *plan;
    const RunUnit *unit;
    Experiment *x;
    MethodSession *session;
    LakeOptions options; /* with the category's class name */
    size_t *shots;       /* [shot_count] indices into the category's train pictures */
    size_t shot_count;
    Arena arena;
    RecordRow *rows; /* [row_count] */
    size_t row_count, row_room;
    RecordImage *images; /* [image_count] */
    size_t image_count, image_room;
    RecordExample *examples; /* [example_count] */
    size_t example_count;
    RecordSkipped *left_out; /* [left_out_count] methods that could not be measured */
    size_t left_out_count;
    int is_fitted;               /* LAKE's fit is the session's */
    void (*step)(void *context); /* a row is done */
    void *context;
} RunWork;

/* Measures everything of the unit and writes its folder. */
int run_unit_measure(RunWork *work, Error *e);

/* How many rows a unit will have. */
size_t run_unit_rows(const RunPlan *plan, const RunUnit *unit);

/* LAKE's options on the unit's draw. */
ExperimentPlan run_plan(const RunWork *work);

/* Measures an outcome and adds its row. normals: pictures fitted on. */
int run_add_row(RunWork *work, const char *method, const ExperimentOutcome *out, size_t normals, double seconds,
                Error *e);

/* What follows where a method or a value failed, with this code and message: LAKE_BAD_INPUT (pictures that cannot be
 * fitted, as normals that are all one) is noted and recorded, and LAKE_OK is returned; any other code is the unit's. */
int run_pass_over(RunWork *work, const char *what, int code, const Error *why, Error *e);

/* A row, of contamination two, for every value of the plan's sweeps. Decides LAKE's fit of the session anew. */
int run_sweeps(RunWork *work, Error *e);

/* The worst false alarms and misses of LAKE: pictures into the unit's folder, and work->examples. */
int run_examples(RunWork *work, const char *folder, Error *e);

/* A copy in the arena; NULL where memory is out. */
char *run_copy(Arena *arena, const char *text);

#endif
