/* From the line of `lake eval` to what is to be measured. */
#ifndef LAKE_EVAL_PLAN_H
#define LAKE_EVAL_PLAN_H

#include "cli/model.h"
#include "cli/options.h"
#include "cli/settings.h"
#include "eval/run.h"

/* What stands on the line; texts are NULL where nothing was given. */
typedef struct {
    const char *output, *html, *name, *weights, *categories, *shots, *methods, *pixels, *shard;
    size_t seeds, examples;
    int draw, pro, gather, no_text;
    TextList sweeps;
    Settings settings;
} EvalRequest;

void eval_request_defaults(EvalRequest *request);

typedef struct {
    RunPlan run;
    const char *output, *html;
    size_t share, shares; /* 0, 0: all in one */
    int gather;
    Clip model;
    DatasetCollection data;
    char *parts;
} EvalPlan;

/* Opens the weights, lists the data set and checks everything. Prints notes on standard error: of the data set, and of
 * what the weights cannot do. */
int eval_plan_open(EvalPlan *plan, const EvalRequest *request, const Arguments *arguments, Error *e);
void eval_plan_close(EvalPlan *plan);

#endif
