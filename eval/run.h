/* `lake eval`: many methods on every category of a data set, recorded as record.h describes. Work is divided into units
 * (a category, a number of shots, a seed). A finished unit is not done again, so a run that was ended goes on where it
 * was, and units may be shared out among processes and machines that see one folder (run_share). */
#ifndef LAKE_EVAL_RUN_H
#define LAKE_EVAL_RUN_H

#include "eval/datasets.h"
#include "eval/method.h"
#include "eval/sweep.h"

/* What is to be measured. */
typedef struct {
    const char *layout, *root; /* as the user named them */
    const char *name;          /* of the data set in the record */
    const DatasetCollection *data;
    const Clip *model;
    const char *weights;    /* what the record calls the model */
    LakeOptions options;    /* LAKE's, resolved; an empty class name: each category's own */
    int with_texts;         /* 0: no text branch */
    const Method **methods; /* [method_count] in the order of tables */
    size_t method_count;
    size_t *shots; /* [shot_count] ascending; 0: none, the texts alone; DATASET_ALL_SHOTS */
    size_t shot_count;
    size_t seeds; /* draws of each number of shots, from seed 0 */
    DatasetDraw draw;
    Sweep sweep;       /* of LAKE's options, in every unit with normal pictures */
    int pixels;        /* 0: image measures only */
    size_t pixel_side; /* maps and masks are compared at side x side; 0: at the picture's own size */
    int pro_200;       /* 1: PRO over 200 thresholds in place of the exact one */
    size_t examples;   /* the worst false alarms and misses that are drawn, of each so many */
    const char *parts; /* RESULTS.parts */

    /* Told while it goes on; either may be NULL. */
    void (*progress)(void *context, double share);
    void (*note)(void *context, const char *text);
    void *context;
} RunPlan;

/* What a category is called in the record: its name, or where the root itself is the category that of the root, without
 * an extension. Cut where there is no room. */
void run_category_name(char *name, size_t room, const RunPlan *plan, const Dataset *category);

/* The class name of a category for the texts: the plan's, or the category's with underscores as spaces ("object" where
 * it has none); "" without texts. */
void run_class_name(char *name, size_t room, const RunPlan *plan, const Dataset *category);

typedef struct {
    size_t category; /* index into plan->data->categories */
    size_t shots;    /* DATASET_ALL_SHOTS: all */
    size_t seed;
} RunUnit;

/* Every unit of the plan: categories in their order, shots ascending, seeds. Draws that a category has too few normal
 * pictures for are left out, with a note for each category; LAKE_BAD_INPUT where nothing is left. *units is new. */
int run_units(RunUnit **units, size_t *count, const RunPlan *plan, Error *e);

/* Of `count` units those of share number `share` (from 1) of `shares`: a run of neighbours, so that a category is
 * observed by as few shares as possible. */
void run_share(size_t *first, size_t *some, size_t count, size_t share, size_t shares);

/* The path of a unit's folder below plan->parts, in a new buffer; NULL where memory is out. */
char *run_unit_folder(const RunPlan *plan, const RunUnit *unit);

/* 1 where the unit's rows are there. */
int run_is_finished(const RunPlan *plan, const RunUnit *unit);

/* Creates plan->parts with its settings.csv, or compares the settings with those that are there: LAKE_USAGE names the
 * first that differs, for parts of different runs must not be mixed. */
int run_begin(const RunPlan *plan, Error *e);

/* Does the units that are not finished. Pictures that cannot be read are noted and left out. */
int run_do(const RunPlan *plan, const RunUnit *units, size_t count, Error *e);

#endif
