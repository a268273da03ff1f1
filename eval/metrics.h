/* How well scores separate defective from normal, as the literature measures it:
 *
 *   AUROC   area under the ROC curve; a tied pair counts one half (sklearn roc_auc_score)
 *   AP      sum over thresholds of (recall_n - recall_n-1) * precision_n (sklearn average_precision_score)
 *   F1-max  largest 2PR / (P + R) over the thresholds of precision_recall_curve
 *   PRO     per-region overlap: mean over the 8-connected regions of the masks of the share of the region found,
 *           against the share of the normal pixels flagged; trapezoid up to a share of 0.3, interpolated there, divided
 *           by 0.3 (Bergmann et al., IJCV 2021; as in MVTec's evaluation script every distinct score is a threshold)
 *   PRO-200 what some papers call PRO (APRIL-GAN, AnomalyCLIP): 200 thresholds, lowest + k/200 of the range of all
 *           scores for k = 0 to 199, each flagging what is strictly above it; of their points those below a share of
 *           0.3 count, these shares are brought from their own smallest and largest to 0 and 1, then the trapezoid. No
 *           point is added at 0, none interpolated at 0.3. Not comparable with PRO: where the scores have few values
 *           or a long tail it rests on a handful of points
 *
 * Pixel measures pool all pixels of a category, those of normal images included. All are NaN where they are not
 * defined: where the labels are of one class only, there is nothing to separate. */
#ifndef LAKE_EVAL_METRICS_H
#define LAKE_EVAL_METRICS_H

#include <stddef.h>

#include "base/error.h"

typedef struct {
    double auroc, ap, f1max; /* each in [0, 1], or NaN where only one class is there */
    double f1_threshold;     /* flagging scores >= this gives f1max (the lowest such score); NaN with it */
    size_t normal, anomalous; /* how many of each were measured */
} EvalScores;

/* The measures of n scores, higher meaning more anomalous; labels[i] non-zero: truly anomalous. Exact.
 * LAKE_BAD_INPUT where a score is not finite. */
int eval_scores(EvalScores *out, const double *scores, const unsigned char *labels, size_t n, Error *e);

/* A point of a ROC curve: what flagging every score >= threshold gives. */
typedef struct {
    double fpr, tpr;
    double threshold; /* HUGE_VAL at the curve's start, where nothing is flagged */
} EvalPoint;

/* The ROC curve of n scores for a plot, from (0, 0) to (1, 1): every point of it where `most` (at least 2) are enough,
 * else `most` at most, spread evenly along it. *count is 0 where only one class is there. Errors as eval_scores. */
int eval_roc(EvalPoint *points, size_t most, size_t *count, const double *scores, const unsigned char *labels, size_t n,
             Error *e);

/* The largest false-positive rate that counts for PRO. */
#define EVAL_PRO_LIMIT 0.3

/* Up to this many pixels are measured exactly. Beyond it, scores that agree in their leading 23 to 32 bits are taken as
 * equal: as many bits as fit into eight million bins (128 MB); for scores in [0.01, 1] it is one part in a million. */
#define EVAL_EXACT_PIXELS ((size_t)16 << 20)

typedef struct {
    double auroc, ap, f1max, pro; /* each in [0, 1], or NaN where there is no defective or no normal pixel */
    double pro_200;               /* likewise; NaN, too, where all its points have one false-positive rate */
    double f1_threshold;          /* as in EvalScores */
    double auroc_margin;          /* 0 where exact; else the true auroc is within this of the one given */
    double pro_margin;            /* likewise for pro (pro_200 has none: only the pixels that agree with one of its
                                     thresholds in their leading bits can be on its wrong side) */
    double normal, defective;     /* pixels */
    size_t images, regions;       /* regions: connected defects in the masks */
} EvalPixelScores;

/* Pixels of many images, in bounded memory: 256 MB at most, and 8 bytes per pixel of the image being added. */
typedef struct EvalPixels EvalPixels;

/* exact_pixels: the limit above which scores are grouped; 0 for EVAL_EXACT_PIXELS. */
int eval_pixels_open(EvalPixels **pixels, size_t exact_pixels, Error *e);

/* One image: its score map [height, width] and mask [height, width], non-zero where defective; a NULL mask is a
 * normal image. Nothing is kept of either. LAKE_BAD_INPUT where a score is not finite; the pixels stay as they were
 * on any failure but that of memory. */
int eval_pixels_add(EvalPixels *pixels, const float *map, const unsigned char *mask, size_t height, size_t width,
                    Error *e);

/* The measures of what was added so far; more may be added afterwards. */
int eval_pixels_scores(EvalPixels *pixels, EvalPixelScores *out, Error *e);

/* The pixels' ROC curve, as eval_roc. */
int eval_pixels_roc(EvalPixels *pixels, EvalPoint *points, size_t most, size_t *count, Error *e);

void eval_pixels_close(EvalPixels *pixels);

#endif
