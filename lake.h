/* LAKE: anomaly detection from a frozen CLIP and a handful of normal images. Public face of the method.
 *
 *     fit      LakeOptions o;  lake_defaults(&o);  lake_options_resolve(&o, &model, &e);
 *              LakeObserver eye;  lake_observer_open(&eye, &model, &o, LAKE_SEE_STRUCTURE, &e);
 *              LakeTokens t;      lake_observer_tokens(&eye, &t, &e);
 *              LakeFit *fit;      lake_fit_begin(&fit, &o, &model, NULL, &t, &e);
 *              for each normal image:  lake_observe(&eye, &image, &t, &e);  lake_fit_add(fit, &t, name, &e);
 *              LakeDetector d;    lake_fit_finish(fit, &d, &e);  lake_detector_write(&d, "bottle.lake", &e);
 *     score    LakeResult r;      lake_result_open(&r, &d, &e);
 *              for each image:    lake_observe(&eye, &image, &t, &e);  lake_score(&d, &t, &r, &e);
 *
 * Symbols: P = height * width patches of the grid, D width of a layer's tokens, K selected channels (neurons),
 * E width of the joint space of images and texts, n normal images. The equations are in lake.c, in the order of
 * the method; method/ puts them together; weights/detector.c reads and writes the .lake file.
 * Numbers of one image are floats; what is summed over many numbers is summed in double, in a fixed order, so
 * results do not depend on the number of threads. */
#ifndef LAKE_LAKE_H
#define LAKE_LAKE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "clip.h"
#include "image/image.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LAKE_VERSION "0.1.0"

#define LAKE_MAX_LAYERS 64

/* ---- options ---- */

typedef enum { LAKE_NORMALISE_NONE, LAKE_NORMALISE_CLIP, LAKE_NORMALISE_L2, LAKE_NORMALISE_LN } LakeNormalisation;
typedef enum {
    LAKE_SELECT_VARIANCE,
    LAKE_SELECT_RANDOM,
    LAKE_SELECT_BOTTOM,
    LAKE_SELECT_ALL,
    LAKE_SELECT_PCA
} LakeSelection;
typedef enum { LAKE_DISTANCE_L2, LAKE_DISTANCE_COSINE } LakeDistance;
typedef enum { LAKE_ATTENTION_VV, LAKE_ATTENTION_PLAIN } LakeAttention;
/* TOP1: mean of the P/100 largest, at least one */
typedef enum { LAKE_POOL_MAX, LAKE_POOL_MEAN, LAKE_POOL_TOP1 } LakePooling;
typedef enum { LAKE_THRESHOLD_AUTO, LAKE_THRESHOLD_NUMBER, LAKE_THRESHOLD_FPR } LakeThreshold;

/* What turns maps into a decision. May be changed after the fit (lake_decide). */
typedef struct {
    double lambda;           /* weight of the semantic score, 0 to 1 */
    LakePooling pooling;
    LakeThreshold threshold; /* AUTO: 1.1 times the largest normal score, at most halfway from it to 1 */
    double threshold_value;  /* NUMBER: the threshold; FPR: the share q of normals that may lie above it */
} LakeDecision;

typedef struct {
    size_t layer_count;            /* 0: depth/4 and depth/2 */
    int layers[LAKE_MAX_LAYERS];   /* structural blocks, from 1, ascending */
    LakeNormalisation normalisation;
    LakeSelection selection;
    size_t neurons;                /* K; all D of a layer where it is narrower */
    uint64_t seed;                 /* of the random selection and of the coreset's first row */
    LakeDistance distance;
    double coreset;                /* share of gallery rows to keep, above 0; 1: all */
    double trim;                   /* share of normal patches to drop as suspects, 0 to 0.5 */
    char class_name[256];          /* empty: none, no semantic score */
    const char *prompts;           /* path of a prompt file (prompts.h), or NULL: the built-in ensemble */
    LakeAttention patch_attention; /* of the semantic patches: VV over the last quarter of the blocks, or PLAIN */
    int semantic_block;            /* 0: the last one */
    size_t resolution;             /* R in pixels; 0: clip_default_resolution */
    GridResize grid_resize;        /* of the position embedding */
    LakeDecision decision;
    int upright;                   /* 1: the photos are turned as their EXIF orientation says before they are observed
                                      (img_read_upright). That is the caller's to do; a detector remembers it */
    int keep_tokens;               /* keep full-width tokens in the detector: for merge and the PCA audit */
    size_t token_memory;           /* bytes of full-width tokens that a fit may hold in memory; those of further images
                                      wait in temporary files. With keep_tokens all are held. Not in the file */
} LakeOptions;

void lake_defaults(LakeOptions *options);

/* Fills in what depends on the weights (layers, resolution, semantic block) and checks every field; LAKE_USAGE with a
 * line that names the option. model NULL: features from files, where options.layer_count must be set (layers may be
 * left 0: they are then numbered from 1). */
int lake_options_resolve(LakeOptions *options, const Clip *model, Error *e);

/* The checks of lake_options_resolve for the decision alone. */
int lake_check_decision(const LakeDecision *decision, Error *e);

/* Names of the options' values ("variance") and back; the parse functions return 0 where the name is unknown. */
const char *lake_normalisation_name(LakeNormalisation value);
const char *lake_selection_name(LakeSelection value);
const char *lake_distance_name(LakeDistance value);
const char *lake_attention_name(LakeAttention value);
const char *lake_pooling_name(LakePooling value);
const char *lake_grid_resize_name(GridResize value);
int lake_parse_normalisation(LakeNormalisation *value, const char *name); /* none clip l2 ln */
int lake_parse_selection(LakeSelection *value, const char *name);         /* variance random bottom all pca */
int lake_parse_distance(LakeDistance *value, const char *name);           /* l2 cosine */
int lake_parse_attention(LakeAttention *value, const char *name);         /* vv plain */
int lake_parse_pooling(LakePooling *value, const char *name);             /* max mean top1 */
int lake_parse_grid_resize(GridResize *value, const char *name);          /* antialias bicubic bilinear */
int lake_parse_threshold(LakeDecision *decision, const char *text);       /* auto, 0.7, fpr=0.01 */

/* ---- observing an image ---- */

/* What the method sees of one image. */
typedef struct {
    size_t height, width;            /* of the grid; P = height * width */
    size_t layer_count;
    size_t widths[LAKE_MAX_LAYERS];  /* D_l */
    float *layers[LAKE_MAX_LAYERS];  /* each [P, D_l]: patch tokens of a structural layer */
    int normalised;                  /* 1: token normalisation is done (lake_score does it, so a second detector must
                                        ask for the same); set 0 with new tokens */
    size_t embed;                    /* E */
    float *patches;                  /* [P, E] patches in the joint space, L2-normalised; or NULL */
    float *embedding;                /* [E] the whole image in the joint space, L2-normalised; or NULL */
} LakeTokens;

/* Room for an observation of this shape. embed 0: no semantic part. with_embedding: room for the whole image too. */
int lake_tokens_open(LakeTokens *tokens, size_t height, size_t width, size_t layer_count, const size_t *widths,
                     size_t embed, int with_embedding, Error *e);
void lake_tokens_close(LakeTokens *tokens);

enum { LAKE_SEE_STRUCTURE = 1, LAKE_SEE_MEANING = 2, LAKE_SEE_WHOLE = 4 };

/* A model at one resolution, looking at images. */
typedef struct {
    const Clip *model;
    ClipState state;
    LakeOptions options; /* layers, resolution, patch_attention, semantic_block */
    int see;             /* LAKE_SEE_... */
    float *pixels;       /* [3, R, R] */
} LakeObserver;

/* The options are checked and completed as by lake_options_resolve. see: which parts of LakeTokens to compute; nothing
 * is computed for the others. */
int lake_observer_open(LakeObserver *observer, const Clip *model, const LakeOptions *options, int see, Error *e);
void lake_observer_close(LakeObserver *observer);

/* Room for what this observer sees. */
int lake_observer_tokens(const LakeObserver *observer, LakeTokens *tokens, Error *e);

/* Image (any size) -> resized to R x R -> pixels -> tokens. LAKE_USAGE where the tokens were made for another
 * observer. */
int lake_observe(LakeObserver *observer, const Image *image, LakeTokens *tokens, Error *e);

/* ---- texts ---- */

/* The two states of the class in the joint space. */
typedef struct {
    size_t embed;     /* E; 0: no texts */
    float scale;      /* exp(logit_scale) */
    float *normal;    /* [E], unit length */
    float *anomalous; /* [E], unit length */
} LakeTexts;

/* Embeds the prompt ensemble of a class ("" : the word "object"). prompts: path of a prompt file or NULL. *truncated
 * (may be NULL) counts sentences that the model's context cut. LAKE_USAGE where the model has no text tower. */
int lake_texts_open(LakeTexts *texts, const Clip *model, const char *class_name, const char *prompts,
                    size_t *truncated, Error *e);
void lake_texts_close(LakeTexts *texts);

/* ---- the detector ---- */

/* Count, mean and sum of squared deviations of every channel over tokens. */
typedef struct {
    uint64_t count;
    double *mean; /* [D] */
    double *m2;   /* [D]; variance = m2 / count */
} LakeMoments;

/* What a detector knows about one structural layer. */
typedef struct {
    int block;            /* of the model, from 1; with features from files the number of the file */
    size_t width;         /* D */
    size_t count;         /* K */
    uint32_t *channels;   /* [K] S in descending order of variance (bottom: ascending; random: as drawn); with PCA
                             0..K-1, the number of the component */
    LakeMoments moments;  /* of all D channels, after token normalisation and trimming */
    float *basis;         /* PCA: [K, D] unit eigenvectors; else NULL */
    size_t rows;
    float *gallery;       /* [rows, K]; with cosine distance rows have unit length */
    uint32_t *source;     /* [rows] where a row is from: image * P + patch */
    double delta;         /* the edge of normal: 99th percentile of leave-one-out distances, above 0 */
    double *norms;        /* [rows] squared norms of the gallery rows; derived, not in the file */
    struct LakeCodes *codes; /* the gallery in bytes, which make the search faster, or NULL; derived, too */
} LakeLayer;

typedef struct {
    LakeOptions options;      /* resolved; prompts is NULL */
    char *weights;            /* path of the weights; NULL: fitted on features from files */
    uint64_t fingerprint;     /* of the weights */
    size_t height, width;     /* of the grid */
    size_t layer_count;
    LakeLayer layers[LAKE_MAX_LAYERS];
    LakeTexts texts;          /* embed 0: none, and lambda counts as 0 */

    size_t normal_count;      /* n */
    char **names;             /* [n] of the normal images */
    float *normal_structural; /* [n, P] leave-one-out structural maps a(p) */
    float *normal_semantic;   /* [n, P] semantic maps s(p), or NULL */
    size_t dropped_count;     /* patches dropped by trimming */
    uint32_t *dropped;        /* [dropped_count] image * P + patch, ascending */

    /* What lake_decide computes from the maps above. */
    double *normal_scores;    /* [n] leave-one-out image scores */
    unsigned char *outlier;   /* [n] 1: the score stands out (above median + 5 MAD) */
    double threshold;         /* an image is anomalous where its score is above */
    int provisional;          /* 1: the threshold comes from fewer than 4 normal images */

    float **kept;             /* [n] of: layer after layer [P, D_l], normalised; or NULL */
} LakeDetector;

void lake_detector_close(LakeDetector *detector);

/* The weight of the semantic score that is in force: 0 where the detector has no texts. */
double lake_lambda(const LakeDetector *detector);

/* Normal scores, outliers and threshold anew, for another lambda, pooling or threshold; exact, from the stored maps.
 * With trimming, outliers have no say in an automatic threshold. LAKE_USAGE for values out of range. */
int lake_decide(LakeDetector *detector, const LakeDecision *decision, Error *e);

/* The threshold that a decision asks for, from scores of normal images: all below 1, reordered; none are needed where it is
 * a number. */
double lake_threshold(const LakeDecision *decision, double *scores, size_t count);

/* The first eight bytes of a .lake file: one that no text begins with, and both line ends, so that a text-mode transfer
 * shows. weights/DETECTOR.md describes the rest. */
#define LAKE_DETECTOR_MAGIC "\x89" "LAKE\r\n\x1a"
int lake_detector_write(const LakeDetector *detector, const char *path, Error *e);
int lake_detector_read(LakeDetector *detector, const char *path, Error *e);

/* The same for bytes in memory; `name` is what messages call them. */
int lake_detector_decode(LakeDetector *detector, const unsigned char *data, size_t size, const char *name, Error *e);

/* LAKE_BAD_INPUT with a line for the user where these weights are not the ones the detector was fitted with. `name` is
 * what the message calls the detector. */
int lake_check_model(const LakeDetector *detector, const char *name, const Clip *model, Error *e);

/* ---- fitting ---- */

typedef struct LakeFit LakeFit;

/* The options are checked and completed as by lake_options_resolve. shape: an observation of the shape that all will
 * have (its numbers are not read). model: NULL for features from files. texts: NULL: no semantic part; else copied, and shape must have patches. */
int lake_fit_begin(LakeFit **fit, const LakeOptions *options, const Clip *model, const LakeTexts *texts,
                   const LakeTokens *shape, Error *e);

/* Adds a normal image. The tokens are copied at full width and kept until the fit is finished: n * P * (sum of D_l)
 * floats, of which options.token_memory bytes are held in memory and the others in temporary files. LAKE_BAD_INPUT
 * where a number is not finite; after LAKE_RESOURCE the fit can only be abandoned. */
int lake_fit_add(LakeFit *fit, const LakeTokens *tokens, const char *name, Error *e);

/* Excavates, remembers, calibrates, decides. Frees the fit in every case. LAKE_USAGE without an image. */
int lake_fit_finish(LakeFit *fit, LakeDetector *detector, Error *e);
void lake_fit_abandon(LakeFit *fit);

/* The detector that one fit over all images of `parts`, in this order, gives: bit for bit. Every part must have kept
 * its tokens and agree in options, weights, grid and texts; the decision is that of the first. keep_tokens: of the
 * result. LAKE_BAD_INPUT also where two parts hold an image of the same tokens. */
int lake_merge(LakeDetector *merged, const LakeDetector *const *parts, const char *const *names, size_t count,
               int keep_tokens, Error *e);

/* ---- scoring ---- */

typedef struct {
    size_t height, width;                 /* of the grid */
    size_t layer_count;                   /* 0 for zero-shot */
    size_t counts[LAKE_MAX_LAYERS];       /* K_l */
    float *distances[LAKE_MAX_LAYERS];    /* [P] d_l(p) */
    uint32_t *winners[LAKE_MAX_LAYERS];   /* [P] the gallery row that won */
    float *selected[LAKE_MAX_LAYERS];     /* [P, K] the image's patches as compared with the gallery */
    float *structural_map;                /* [P] a(p); NULL for zero-shot */
    float *semantic_map;                  /* [P] s(p); meaningful where has_semantic */
    float *map;                           /* [P] m(p) */
    int has_semantic;
    double structural, semantic;          /* a and s pooled as m is; semantic 0 where there is none */
    double whole;                         /* zero-shot: anomalous probability of the whole image */
    double score;                         /* of the image */
    double threshold;
    int anomalous;                        /* score > threshold */
    size_t row, column;                   /* of the patch with the largest m */
    float *workspace;                     /* lake_nearest_workspace floats */
    double *lengths;                      /* [P] for the token normalisation and pooling */
} LakeResult;

/* Room for results of this detector. */
int lake_result_open(LakeResult *result, const LakeDetector *detector, Error *e);
/* Room for zero-shot results on a grid. */
int lake_result_open_zero(LakeResult *result, size_t height, size_t width, Error *e);
void lake_result_close(LakeResult *result);

/* Scores an observation; its tokens are normalised in place. Nothing is allocated. LAKE_BAD_INPUT where the shape is
 * not the detector's or a number is not finite; LAKE_USAGE where lambda > 0 and the observation has no patches,
 * or where the result was opened for a detector of another shape. */
int lake_score(const LakeDetector *detector, LakeTokens *tokens, LakeResult *result, Error *e);

/* Without normal images: m = s, score = max of the whole image's anomalous probability and of s. The observation needs
 * patches and embedding. threshold: usually 0.5. */
int lake_zero(const LakeTexts *texts, const LakeTokens *tokens, double threshold, LakeResult *result, Error *e);

/* LAKE_BAD_INPUT, with a line that calls the observation `name`, where its grid, layers or widths are not the
 * detector's or a number is not finite. */
int lake_check_tokens(const LakeDetector *detector, const LakeTokens *tokens, const char *name, Error *e);

/* LAKE_USAGE, with a line that calls the observation `name`, where it has no patches in the joint space of these texts;
 * LAKE_BAD_INPUT where a number of them is not finite. */
int lake_check_meaning(const LakeTexts *texts, const LakeTokens *tokens, const char *name, Error *e);

/* The map m at the image's size, smoothed (map.h), in a new buffer [height, width]. */
int lake_map(float **map, const LakeResult *result, size_t width, size_t height, Error *e);

/* ---- explaining ---- */

typedef struct {
    int block;
    uint32_t channel; /* with PCA the number of the component */
    double share;     /* of the patch's deviation; all neurons of all layers sum to 1 */
} LakeShare;

/* The neurons behind a patch's deviation: the `count` largest shares, descending; returns how many there are (fewer
 * where the detector has fewer neurons). For a patch that does not deviate at all every share is 0. */
size_t lake_attribute(const LakeDetector *detector, const LakeResult *result, size_t patch, LakeShare *shares,
                      size_t count);

/* One neuron's part of the deviation of every patch: map[P] in units of delta squared (see lake.c). index: into
 * layers[layer].channels. */
void lake_neuron_map(const LakeDetector *detector, const LakeResult *result, size_t layer, size_t index, float *map);

typedef struct {
    size_t common;   /* channels selected by both */
    double jaccard;  /* common / size of the union */
    double expected; /* common by chance: K_a K_b / D */
    double probability; /* of `common` or more by chance, that is between random selections of the same sizes */
} LakeOverlap;

/* Overlap of two selections. LAKE_BAD_INPUT where the widths differ or one is a PCA. */
int lake_overlap(LakeOverlap *overlap, const LakeLayer *a, const LakeLayer *b, Error *e);

typedef struct {
    double captured; /* variance of S / total variance */
    double optimum;  /* sum of the K largest eigenvalues of the covariance / total variance */
    double cosine;   /* mean squared cosine between the subspaces: (1/K) ||V_K[S, :]||_F^2 */
    double chance;   /* of a random coordinate subspace: K / D */
} LakeAudit;

/* Variance selection as a PCA along the axes, audited on the kept tokens of one layer; eigenvalues take about 10 D^3
 * operations. LAKE_USAGE where tokens were not kept. */
int lake_audit(LakeAudit *audit, const LakeDetector *detector, size_t layer, Error *e);

/* ---- the equations, one by one (lake.c) ---- */

/* Token normalisation of one image's tokens [P, D], in place. lengths: workspace [P]. */
void lake_normalise(float *tokens, size_t patches, size_t width, LakeNormalisation kind, double *lengths);

/* Moments: new ones of `width` channels, all zero. */
int lake_moments_open(LakeMoments *moments, size_t width, Error *e);
void lake_moments_close(LakeMoments *moments);
/* Adds tokens [P, D]: their own moments by two passes, then Chan's update. skip: [P], 1 = leave out; or NULL. scratch:
 * [2 D]. */
void lake_moments_add(LakeMoments *moments, const float *tokens, size_t patches, size_t width,
                      const unsigned char *skip, double *scratch);
/* Chan's update: a becomes the moments of both sets. */
void lake_moments_merge(LakeMoments *a, const LakeMoments *b, size_t width);

/* S: chosen[K] of `width` channels by their variance m2 / count. Not for PCA. */
int lake_select(uint32_t *chosen, size_t count, const LakeMoments *moments, size_t width, LakeSelection kind,
                uint64_t seed, Error *e);

/* Tokens [P, D] -> [P, K]: the selected channels, or the PCA projection of the centred token; unit length with
 * cosine. */
void lake_restrict(float *out, const float *tokens, size_t patches, const LakeLayer *layer, LakeDistance distance);

/* Computes the derived field norms of a layer whose gallery is filled. */
int lake_layer_norms(LakeLayer *layer, Error *e);

/* Computes its derived field codes, a quarter of the gallery's size, where the kernel in use multiplies bytes; NULL
 * elsewhere. lake_codes_close frees it. */
int lake_layer_codes(LakeLayer *layer, Error *e);
void lake_codes_close(struct LakeCodes *codes);

/* Greedy k-centre: marks `keep` of rows [rows, K] in chosen[rows] (1 = kept). */
int lake_coreset(unsigned char *chosen, size_t keep, const float *rows, size_t row_count, size_t width, uint64_t seed,
                 Error *e);

/* Rows of the gallery that a query may not be compared with. */
typedef struct {
    size_t patches;   /* P: source / P is a row's image */
    size_t width;     /* of the grid */
    size_t image;     /* rows of this image are left out ... */
    int radius;       /* ... all of them (-1), or those at most this far, in rows and columns, from the query's patch */
} LakeExclusion;

/* For each of `count` queries [count, K]: distance to the nearest gallery row and that row's number, ties to the
 * smaller; UINT32_MAX and distance 0 where no row is left. exclusion: NULL for none; else query i is patch i of the
 * image. */
void lake_nearest(float *distances, uint32_t *winners, const float *queries, size_t count, const LakeLayer *layer,
                  LakeDistance distance, const LakeExclusion *exclusion, float *workspace);
size_t lake_nearest_workspace(size_t count, size_t width); /* in floats */

/* s(p) of patches [P, E], unit length. */
void lake_activate(float *map, const float *patches, size_t count, const LakeTexts *texts);

/* a(p) from the distances of all layers. */
void lake_calibrate(float *map, float *const *distances, const LakeLayer *layers, size_t layer_count, size_t patches);

/* m = (1 - lambda) a + lambda s; semantic may be NULL where lambda is 0. */
void lake_fuse(float *map, const float *structural, const float *semantic, double lambda, size_t patches);

/* Image score of a map. scratch: [P]. */
double lake_pool(const float *map, size_t patches, LakePooling pooling, double *scratch);

/* ---- statistics.c ---- */

/* q-th quantile, 0 <= q <= 1, with linear interpolation between order statistics (NumPy's default). Reorders values;
 * count >= 1. */
double lake_quantile(double *values, size_t count, double q);
double lake_median(double *values, size_t count);

/* Covariance of many tokens around a mean, added image by image. */
typedef struct {
    double *matrix;     /* [width, width]; the lower triangle */
    double *waiting;    /* [4, width] centred tokens that are not in the matrix yet */
    size_t width, used; /* used: of waiting */
    size_t count;       /* tokens */
} LakeCovariance;

int lake_covariance_open(LakeCovariance *covariance, size_t width, Error *e);
void lake_covariance_close(LakeCovariance *covariance);
/* tokens [patches, width]; skip: [patches], 1 = leave out; or NULL. */
void lake_covariance_add(LakeCovariance *covariance, const float *tokens, size_t patches, const double *mean,
                         const unsigned char *skip);
/* The matrix becomes the covariance: the sums divided by the number of tokens. */
void lake_covariance_finish(LakeCovariance *covariance);

/* The next number of a splitmix64 generator, and one below `bound` without bias. */
uint64_t lake_random(uint64_t *state);
uint64_t lake_random_below(uint64_t *state, uint64_t bound);

#ifdef __cplusplus
}
#endif

#endif
