/* Experiments on one category of a data set: its pictures are observed once and kept, then any number of detectors are
 * fitted and measured on them. The model runs once per picture, so that comparing twenty options costs twenty fits and
 * not twenty passes through the model; what changes only the decision (lambda, pooling, threshold) does not even fit
 * again.
 *
 *     Dataset set;  dataset_open(&set, "mvtec", "bottle", &e);
 *     Experiment x; ExperimentSource from = experiment_folder("mvtec");
 *     experiment_open(&x, &model, &options, NULL, &set, &from, &e);
 *     size_t shots[4];  experiment_draw(shots, &set, 4, 0, &e);
 *     ExperimentPlan plan = {0};  plan.options = options;  plan.shots = shots;  plan.shot_count = 4;
 *     ExperimentFit fit;          experiment_fit(&fit, &x, &plan, &e);
 *     ExperimentOutcome out;      experiment_decide(&out, &fit, &options.decision, &e);      out.images.auroc
 *     EvalPixelScores pixels;     experiment_pixels(&pixels, &x, &out, &e);                  pixels.pro
 *
 * Scores, decisions and maps are those of `lake fit` and `lake score`, to the bit. An observed picture takes
 * 4 (P (D_1 + D_2 + ..) + P E + E) bytes (E terms with texts only): 0.4 MB for the demo's model at 128 pixels, 15 MB
 * for a ViT-B/16 with two layers at 518 pixels. Only pictures that an experiment uses are observed: all test pictures,
 * and the train pictures that were drawn. The pictures themselves are not kept; masks are read anew for each
 * measurement. With a folder for observations these are files there and not in memory: the system keeps as many of them
 * at hand as fit, and a run that was cut off finds those that it made. */
#ifndef LAKE_EXPERIMENT_H
#define LAKE_EXPERIMENT_H

#include "base/file.h"
#include "eval/datasets.h"
#include "eval/metrics.h"
#include "lake.h"

/* Where pictures and masks come from, by the relative paths of a Dataset. Both return as img_read and dataset_mask_read
 * do. fingerprint: a number that differs where what lies at a path differs, for observations kept in files; or NULL:
 * the path alone tells pictures apart. */
typedef struct {
    int (*picture)(Image *image, const void *context, const char *path, Error *e);
    int (*mask)(unsigned char *mask, size_t height, size_t width, const void *context, const char *path, Error *e);
    const void *context;
    int (*fingerprint)(uint64_t *fingerprint, const void *context, const char *path, Error *e);
} ExperimentSource;

/* The pictures below a folder; the string must outlive the source. upright: as LakeOptions have it, and to be the
 * same. */
ExperimentSource experiment_folder(const char *root);
ExperimentSource experiment_folder_upright(const char *root);

/* What is observed and measured beside what LakeOptions say; all zero is fine. */
typedef struct {
    size_t block_count;
    int blocks[LAKE_MAX_LAYERS]; /* observed beside options.layers; in any order, and any that are there already */
    const char *cache;           /* folder for observations, made where it is missing (token_file.h); NULL: in memory */
    int skip_unreadable;         /* 1: a picture or mask with LAKE_BAD_INPUT does not end the experiment: see below */
    size_t pixel_side;           /* maps and masks have this many rows and columns; 0: as many as their picture */
} ExperimentSettings;

/* What is kept of a picture. */
typedef struct {
    const DatasetImage *entry;
    int observed;         /* 0: not yet, and nothing below is set */
    size_t height, width; /* of the picture, in pixels */
    LakeTokens tokens;    /* as the model gives them: never normalised, so that every experiment may do it its own way.
                             Empty with a folder for observations: see experiment_view */
    char *file;           /* with such a folder: what has the tokens; else NULL */
    uint64_t key;         /* of that file */
    char *failure;        /* the message where the picture cannot be read; NULL: it can, or nobody tried */
    char *mask_failure;   /* the same of its mask */
} ExperimentImage;

typedef struct {
    const Dataset *dataset;
    ExperimentSource source;
    LakeObserver eye;       /* its options' layers are all blocks observed, ascending */
    LakeTexts texts;        /* embed 0: none */
    ExperimentImage *train; /* [dataset->train_count] */
    ExperimentImage *test;  /* [dataset->test_count] */
    char *cache;            /* of the settings, or NULL */
    LakeTokens shape;       /* with such a folder: what was observed last; of the shape of all */
    int skip_unreadable;
    size_t pixel_side;
} Experiment;

/* One detector to be measured. */
typedef struct {
    LakeOptions options; /* layers: any of those observed; what else concerns observing: as given to experiment_open */
    const size_t *shots; /* [shot_count] train pictures that are the normals, in this order */
    size_t shot_count;
    const size_t *dirty; /* [dirty_count] test pictures put behind them, as if they were normal: contamination */
    size_t dirty_count;
    const size_t *left_out; /* [left_out_count] test pictures that are not measured; the dirty ones never are */
    size_t left_out_count;
} ExperimentPlan;

/* Nothing is observed yet. The options say what will be: layers, resolution, positions, and with a class name, where
 * the model has a text tower, the text branch (class_name, prompts, patch_attention, semantic_block). settings: NULL
 * for all zero. Model and data set must outlive the experiment. Whatever happens, experiment_close is allowed. */
int experiment_open(Experiment *x, const Clip *model, const LakeOptions *options, const ExperimentSettings *settings,
                    const Dataset *dataset, const ExperimentSource *source, Error *e);
void experiment_close(Experiment *x);

/* Reads and observes one picture (an element of x->train or x->test), unless that was done before or is in the folder
 * for observations. The functions below do it for what they need; to be called where progress shall be shown. With
 * skip_unreadable a picture that cannot be read, or is too small, is LAKE_OK too, with its failure set: it is no
 * normal picture and is not measured. */
int experiment_observe(Experiment *x, ExperimentImage *image, Error *e);

/* Observes all test pictures and, unless plan is NULL, its normal ones. */
int experiment_observe_all(Experiment *x, const ExperimentPlan *plan, Error *e);

/* The observed tokens of a picture, to be read only: by several threads at once if they like. */
typedef struct {
    LakeTokens tokens;
    FileView file;
} ExperimentView;

/* Those of some of the observed blocks (ascending), and of the text branch. LAKE_USAGE where a block was not observed;
 * LAKE_BAD_INPUT where the picture's file was taken away. Nothing is copied. */
int experiment_view(ExperimentView *view, const Experiment *x, const ExperimentImage *image, const int *blocks,
                    size_t block_count, Error *e);
void experiment_view_close(ExperimentView *view);

/* What could not be read up to now: pictures of train, then of test, each before its mask. */
typedef struct {
    const char *path, *message; /* of the experiment */
} ExperimentFailure;

size_t experiment_failure_count(const Experiment *x);
ExperimentFailure experiment_failure(const Experiment *x, size_t i);

/* The literature's draw (dataset_draw) as indices into dataset->train: shots[count]. */
int experiment_draw(size_t *shots, const Dataset *dataset, size_t count, size_t seed, Error *e);

/* A detector and what its equations say of every measured test picture, before lambda and pooling. */
typedef struct {
    const Experiment *experiment;
    LakeDetector detector;
    size_t count;      /* test pictures measured */
    size_t *images;    /* [count] indices into dataset->test, ascending */
    float *structural; /* [count, P] a(p) */
    float *semantic;   /* [count, P] s(p); NULL without texts */
} ExperimentFit;

/* LAKE_USAGE where the plan does not fit what is observed or names a picture that is not there; else the errors of
 * lake_fit_finish and lake_score. */
int experiment_fit(ExperimentFit *fit, Experiment *x, const ExperimentPlan *plan, Error *e);
void experiment_fit_close(ExperimentFit *fit);

/* What a detector, or the texts alone, says of the test pictures. */
typedef struct {
    size_t count;          /* test pictures measured */
    size_t *images;        /* [count] indices into dataset->test, ascending */
    size_t height, width;  /* of the grid */
    float *maps;           /* [count, P] m(p) */
    double *scores;        /* [count] image scores */
    double *whole;         /* [count] zero-shot: anomalous probability of the whole image; else NULL */
    unsigned char *labels; /* [count] 1: truly anomalous */
    double threshold;      /* a picture is called anomalous where its score is above */
    int provisional;       /* 1: the threshold comes from fewer than 4 normal pictures */
    size_t false_alarms;   /* normal pictures called anomalous, of measured.normal */
    size_t misses;         /* anomalous pictures called normal, of measured.anomalous */
    EvalScores measured;   /* of the image scores */
} ExperimentOutcome;

/* The detector's decision becomes `decision` (lake_decide); scores are fused and pooled anew. */
int experiment_decide(ExperimentOutcome *out, ExperimentFit *fit, const LakeDecision *decision, Error *e);

/* Zero-shot: all test pictures against the texts (lake_zero). LAKE_USAGE without texts. */
int experiment_zero(ExperimentOutcome *out, Experiment *x, double threshold, Error *e);
void experiment_outcome_close(ExperimentOutcome *out);

/* The detector's answer for one test picture with all its parts, for lake_attribute. result: of lake_result_open for
 * this detector. */
int experiment_result(LakeResult *result, const ExperimentFit *fit, size_t test_image, Error *e);

/* The size of a test picture's map and mask: the picture's, or pixel_side. The picture must have been observed. */
void experiment_pixel_size(size_t *height, size_t *width, const Experiment *x, size_t test_image);

/* The map of measured picture i, as lake_map gives it for this size, in a new buffer [height, width]. */
int experiment_map(float **map, const Experiment *x, const ExperimentOutcome *out, size_t i, Error *e);

/* The mask of a test picture, 0 or 1, in a new buffer of the same size; NULL where it has none, or with skip_unreadable
 * none that can be read (mask_failure says so). The picture must have been observed. */
int experiment_mask(unsigned char **mask, Experiment *x, size_t test_image, Error *e);

/* Pixel measures over the maps of all measured pictures; defective pictures without a mask have no say. All NaN where
 * no pixel is known to be defective. */
int experiment_pixels(EvalPixelScores *scores, Experiment *x, const ExperimentOutcome *out, Error *e);

#endif
