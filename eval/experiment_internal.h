/* What the files of experiments and of methods share. Private to this folder. */
#ifndef LAKE_EXPERIMENT_INTERNAL_H
#define LAKE_EXPERIMENT_INTERNAL_H

#include "eval/experiment.h"

/* Keeps the message of LAKE_BAD_INPUT in *failure, in place of failing: where the experiment passes over what cannot be
 * read. Else, and for every other code, returns the code. */
int experiment_forgive(char **failure, int code, const Experiment *x, Error *e);

/* The plan's options, completed; LAKE_USAGE where the plan does not fit what is observed or names pictures that are not
 * there. */
int experiment_check_plan(LakeOptions *options, const Experiment *x, const ExperimentPlan *plan, Error *e);

/* The test pictures that are observed, and neither dirty nor left out, in a new array: indices, ascending. plan NULL:
 * all that are observed. */
int experiment_measured(size_t **images, size_t *count, const Experiment *x, const ExperimentPlan *plan, Error *e);

/* The plan's normal pictures that are observed, in a new array; LAKE_BAD_INPUT where it names some and none is. */
int experiment_normals(const ExperimentImage ***images, size_t *count, const Experiment *x, const ExperimentPlan *plan,
                       Error *e);

/* experiment_zero on what experiment_measured lists. */
int experiment_zero_planned(ExperimentOutcome *out, Experiment *x, const ExperimentPlan *plan, double threshold,
                            Error *e);

/* Calls `item` for i = 0 to count - 1, by several threads of which each calls with its own number, below
 * kernel_threads(). What an item computes must depend on i alone. On failure: that of the smallest i that failed. */
typedef int ExperimentItem(void *job, size_t thread, size_t i, Error *e);
int experiment_each(size_t count, ExperimentItem *item, void *job, Error *e);

/* Room for n maps of P patches; one number at least, so that NULL means that memory is out. */
float *experiment_maps(size_t n, size_t patches);

/* An outcome for these test pictures; maps, scores and threshold are to be filled in. */
int experiment_outcome_open(ExperimentOutcome *out, const size_t *images, size_t count, size_t height, size_t width,
                            int zero_shot, Error *e);

/* Labels, wrong decisions and measures, once scores and threshold are there. */
int experiment_measure(ExperimentOutcome *out, const Dataset *dataset, Error *e);

#endif
