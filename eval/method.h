/* The detectors that are measured side by side on one draw of normal pictures (doc/METHOD.md): LAKE and its controls,
 * the texts alone, two memory banks of the literature, those on LAKE's channels, and those fused with LAKE. All see the
 * same observed tokens, so the model runs once per picture for all of them. */
#ifndef LAKE_EVAL_METHOD_H
#define LAKE_EVAL_METHOD_H

#include "eval/experiment.h"
#include "method/fuse.h"

enum { METHOD_NAME_MAX = 64 };

typedef enum {
    METHOD_LAKE,       /* with another selection of channels: its controls */
    METHOD_ZERO,       /* the texts alone */
    METHOD_PATCHCORE,  /* Roth et al., CVPR 2022: neighbourhoods of 3 x 3 averaged, layers joined, a coreset, the image
                          score reweighted by the neighbours of the nearest row */
    METHOD_ANOMALYDINO /* Damm et al., WACV 2025: the last block, cosine, mean of the top 1 % */
} MethodBase;

typedef struct {
    char name[METHOD_NAME_MAX]; /* "lake", "lake-random", "zero", "patchcore-lake", "patchcore+lake", ... */
    MethodBase base;
    LakeSelection selection; /* of METHOD_LAKE */
    int lake_channels;       /* 1: the memory bank holds LAKE's channels alone */
    int with_lake;           /* 1: fused with LAKE */
} Method;

/* All methods there are, in the order of tables. */
size_t method_count(void);
const Method *method_at(size_t i);

/* The method of a name; LAKE_USAGE, which lists them, for any other. */
int method_parse(const Method **method, const char *name, Error *e);

/* Whether a method can be run: those with texts need a text tower and a class name. */
int method_needs_texts(const Method *method);

/* The blocks that the methods look at beside options->layers: fills blocks[*count] (at most LAKE_MAX_LAYERS),
 * ascending; for ExperimentSettings. */
void method_blocks(int *blocks, size_t *count, const Method *const *methods, size_t method_count, const Clip *model);

/* What a method says of the test pictures, and of its normal pictures by leaving one out. */
typedef struct {
    ExperimentOutcome out; /* as of experiment_decide: experiment_pixels takes it */
    size_t normal_count;   /* n, of those that could be read; 0 for the texts alone */
    float *normal_maps;    /* [n, P] in the units of out.maps */
    double *normal_scores; /* [n] in the units of out.scores */
    FuseValues values;     /* what these units are: those of the memory banks are distances without a bound */
    double seconds;        /* fitting and scoring, without the time of the model and of methods it builds on */
} MethodOutcome;

/* One draw: outcomes are computed when they are asked for and kept for the methods that build on them. */
typedef struct MethodSession MethodSession;

/* Observes what the plan needs and is not observed yet. The plan's options are LAKE's; the controls and the memory
 * banks take from them what concerns them. The experiment must have observed options.layers and method_blocks;
 * plan->shots and the other lists must outlive the session. With 0 shots only METHOD_ZERO alone can be run. */
int method_session_open(MethodSession **session, Experiment *x, const ExperimentPlan *plan, Error *e);
void method_session_close(MethodSession *session);

/* The outcome is the session's. LAKE_USAGE for a method that needs texts or normal pictures where there are none. */
int method_outcome(const MethodOutcome **outcome, MethodSession *session, const Method *method, Error *e);

/* LAKE's fit of this draw, for its neurons and reasons, and for other decisions: experiment_decide(&out, fit, ...)
 * changes nothing that the session keeps. The fit is the session's. */
int method_lake_fit(ExperimentFit **fit, MethodSession *session, Error *e);

#endif
