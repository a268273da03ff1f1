/* The demo: every claim of the method put to the test on a small data set, within seconds. demo_run makes the
 * experiments and fills DemoResults, which holds all that the command prints and that the page (demo_page.h) and the
 * table (demo_files.h) show; nothing in it depends on time, machine or number of threads.
 *
 * Two sets of options are used. "The defaults" are lake_defaults: 100 neurons, nearly all of a small model's width. "The
 * sparse choice" is K = width/8 neurons, the same part of the whole as the paper's 100 of 768; the experiments on neurons
 * start from it. These and those on contaminated normals are hundreds of fits, and see the pictures at the resolution that
 * the model was trained at; the defaults see them at clip_default_resolution. */
#ifndef LAKE_EVAL_DEMO_H
#define LAKE_EVAL_DEMO_H

#include "eval/datasets.h"
#include "eval/experiment.h"
#include "eval/metrics.h"
#include "image/image.h"
#include "lake.h"

enum {
    DEMO_SHOTS = 4,         /* normal pictures per draw */
    DEMO_DRAWS = 3,         /* draws of them (dataset_draw's seeds 0, 1, 2) */
    DEMO_RANDOM_SEEDS = 3,  /* random selections that are averaged */
    DEMO_COUNTS = 5,        /* values of K */
    DEMO_WEIGHTS = 11,      /* text weights 0, 0.1 .. 1 */
    DEMO_POOLINGS = 3,      /* max, mean, top1: the values of LakePooling */
    DEMO_DIRT = 3,          /* 0, 1, 2 defective pictures among the normals */
    DEMO_CLEAN_SHOTS = 8,   /* normal pictures of the contamination experiment */
    DEMO_ROC_POINTS = 64,   /* of a ROC curve, at most */
    DEMO_EXAMPLES = 5,      /* pictures shown per category, at most */
    DEMO_SHARES = 5,        /* neurons named per example */
    DEMO_NEURONS_MAX = 256, /* chosen neurons listed per layer, at most */
    DEMO_NAME_MAX = 48      /* bytes of a method's name */
};

/* The share of patches dropped where the contamination experiment trims. */
#define DEMO_TRIM 0.1

/* One measurement: a method on a category with one draw of normals. A row of results.csv. */
typedef struct {
    size_t category;            /* index into DemoResults.categories */
    size_t shots, seed;         /* normal pictures (contaminating ones included), draw */
    char method[DEMO_NAME_MAX]; /* "lake", "zero", "variance-16", "random-16-1", "bottom-16", "all", "lambda-0.3",
                                   "pool-mean", "dirt-1", "dirt-1-trim" */
    EvalScores image;
    EvalPixelScores pixel; /* all NaN where pixels were not measured */
    size_t normals, tests; /* pictures fitted on, pictures measured */
    double threshold;
    size_t false_alarms, misses; /* of image.normal, of image.anomalous */
} DemoRow;

/* The measures that tables show; of a category a mean over draws, of all a mean over categories. NaN: not defined. */
typedef struct {
    double image_auroc, image_ap, image_f1max, pixel_auroc, pixel_ap, pixel_f1max, pro;
} DemoMeasures;

/* A mean over categories and its standard error (sample deviation / sqrt(categories); NaN for one category). */
typedef struct {
    double mean, error;
} DemoFigure;

/* One test picture as a reader should see it. */
typedef struct {
    char *path, *kind;      /* "gear/test/hole/001.png", "hole" */
    int anomalous, flagged; /* truly; by the detector */
    double score, structural, semantic;
    double rank;         /* share of all normal test pictures with a lower score, 0 to 1 */
    Image photo;         /* [height, width, 3] */
    Image heatmap;       /* same size, lo..hi of the category (below) */
    Image overlay;       /* same height, wider by the colour bar: map over photo, threshold contour white, outline
                            of the true defect green */
    float *map;          /* [height, width] */
    unsigned char *mask; /* [height, width] 0 or 1; NULL: normal, or no mask known */
    size_t row, column;  /* of the worst patch, in the grid */
    LakeShare shares[DEMO_SHARES]; /* neurons behind the worst patch, descending */
    size_t share_count;
} DemoExample;

/* The sparse choice in one layer: the K channels of most variance. */
typedef struct {
    int block;
    size_t width, count;                 /* D, K */
    uint32_t channels[DEMO_NEURONS_MAX]; /* [count] descending variance */
    double shares[DEMO_NEURONS_MAX];     /* [count] of the layer's variance */
    LakeAudit audit;                     /* against PCA's optimum */
} DemoLayer;

typedef struct {
    char *name;                      /* "gear" */
    char *class_name;                /* what the texts call it: underscores become spaces */
    size_t train, normal, anomalous; /* pictures: train/good, test/good, test with a defect */

    /* The defaults, mean over draws; and without normal pictures. */
    DemoMeasures lake, zero;
    size_t lake_false_alarms, lake_normal, lake_misses, lake_anomalous; /* summed over draws */
    size_t zero_false_alarms, zero_misses;                              /* of normal, of anomalous; threshold 0.5 */

    /* The defaults, draw 0: every test picture, normal ones first, by path within each. */
    size_t test_count;
    char **paths;          /* [test_count] */
    double *scores;        /* [test_count] */
    unsigned char *labels; /* [test_count] 1: truly anomalous */
    double threshold;
    double normal_scores[DEMO_SHOTS]; /* leave-one-out scores of the normals, which the threshold comes from */
    size_t roc_count;
    EvalPoint roc[DEMO_ROC_POINTS];
    double lo, hi; /* colours of heatmaps and overlays span these scores: half and 1.5 times the threshold */
    size_t example_count;
    DemoExample examples[DEMO_EXAMPLES]; /* the first normal picture, then the first of each kind of defect:
                                            not chosen by how well they come out */

    /* Image AUROC, means over draws; by_count and all are of the structural score alone (text weight 0). */
    double by_count[3][DEMO_COUNTS]; /* DEMO_TOP, DEMO_RANDOM, DEMO_BOTTOM: of counts[] neurons */
    double all;                      /* of all neurons */
    double by_weight[DEMO_WEIGHTS];  /* of text weight text_weights[] */
    double by_pooling[DEMO_POOLINGS];
    double by_dirt[2][DEMO_DIRT]; /* without and with trimming: of 0, 1, 2 defective among the normals */

    size_t layer_count;
    DemoLayer layers[LAKE_MAX_LAYERS]; /* the sparse choice, draw 0 */
} DemoCategory;

enum { DEMO_TOP, DEMO_RANDOM, DEMO_BOTTOM }; /* first index of by_count */

/* Overlap of the sparse choices of two categories in one layer. */
typedef struct {
    int block;
    double expected;                  /* channels in common by chance: K^2 / D */
    size_t *common;                   /* [categories, categories] */
    double *jaccard;                  /* [categories, categories] common / size of the union; 1 on the diagonal */
    double mean_common, mean_jaccard; /* over pairs of different categories */
} DemoOverlap;

typedef enum { DEMO_NO, DEMO_YES, DEMO_UNDECIDED } DemoAnswer;

/* A claim and what this model and these pictures say of it. */
typedef struct {
    const char *claim;     /* one sentence */
    char measured[200];    /* what a and b are */
    const char *rule;      /* when the answer is yes, when no */
    double a, b;           /* means over categories */
    DemoFigure difference; /* what the rule looks at: mean over categories of a - b */
    DemoAnswer answer;
} DemoVerdict;

/* What the verdicts are on; indices into DemoResults.verdicts. */
enum {
    DEMO_ON_TOP_AGAINST_RANDOM,
    DEMO_ON_TOP_AGAINST_ALL,
    DEMO_ON_SHARED_NEURONS,
    DEMO_ON_TEXT_WEIGHT,
    DEMO_ON_HALF_TEXT,
    DEMO_ON_ZERO_SHOT,
    DEMO_ON_MAXIMUM,
    DEMO_ON_CONTAMINATION,
    DEMO_VERDICTS
};

typedef struct {
    char *model;                                         /* what the model is called */
    size_t width, depth, patch, embed;       /* D, blocks, pixels, E */
    size_t resolution, grid;                 /* of the defaults: pixels, patches a side */
    size_t trained_resolution, trained_grid; /* of the experiments on neurons and on contaminated normals */
    int has_text;                                        /* 0: no text tower: zero and by_weight are NaN */
    size_t neurons;                                      /* K of the defaults */
    size_t sparse;                                       /* K of the sparse choice */
    size_t counts[DEMO_COUNTS]; /* values of K: 1/16, 1/8 (the sparse choice), 1/4, 1/2 and 25/32 of the width */
    double text_weights[DEMO_WEIGHTS];
    size_t category_count;
    DemoCategory *categories;

    /* Means over categories. */
    DemoMeasures lake, zero, lake_error, zero_error; /* _error: standard errors */
    DemoFigure by_count[3][DEMO_COUNTS], all, by_weight[DEMO_WEIGHTS], by_pooling[DEMO_POOLINGS], by_dirt[2][DEMO_DIRT];

    size_t overlap_count; /* structural layers */
    DemoOverlap overlaps[LAKE_MAX_LAYERS];
    size_t verdict_count;
    DemoVerdict verdicts[DEMO_VERDICTS];

    size_t row_count;
    DemoRow *rows; /* every measurement, category by category, in the order they were made */
} DemoResults;

/* Told how much is done, 0 to 1, and on what category; always by the thread that called demo_run. */
typedef struct {
    void (*report)(void *context, const char *category, double share);
    void *context;
} DemoProgress;

/* All experiments on the pictures `paths` (a data set as in datasets.h; at least 8 pictures in train/good and two
 * defective test pictures in every category) read from `source`. name: what the results call the model. progress may be
 * NULL. On failure *results is empty. */
int demo_run(DemoResults *results, const Clip *model, const char *name, const char *const *paths, size_t path_count,
             const ExperimentSource *source, const DemoProgress *progress, Error *e);
void demo_free(DemoResults *results);

/* "yes", "no", "undecided" */
const char *demo_answer_name(DemoAnswer answer);

#endif
