/* The flat binary of weights (.clip): one file with the configuration, every tensor and the tokenizer.
 * FORMAT.md describes every byte. Reading maps the file and checks every offset before a pointer is made;
 * writing goes to a temporary name. This module knows bytes and shapes, not what a tensor is for. */
#ifndef LAKE_WEIGHTS_H
#define LAKE_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* WTS_Q8: whole numbers q of one byte, -127 to 127; the value is q times the scale of its row, which is another tensor. */
typedef enum { WTS_F32 = 0, WTS_F16 = 1, WTS_BF16 = 2, WTS_Q8 = 3 } WtsType;

/* Where a matrix [rows, columns] has number (row, column): one row after the other, or in panels, which the fast kernels
 * read as they lie (wts_panel_index). */
typedef enum { LAYOUT_ROWS = 0, LAYOUT_PANELS = 1 } WtsLayout;

typedef enum { ACT_QUICK_GELU = 0, ACT_GELU = 1 } Activation; /* x*sigmoid(1.702x); x*Phi(x) with the exact erf */

/* One transformer. */
typedef struct {
    uint32_t width;      /* D */
    uint32_t layers;     /* number of blocks */
    uint32_t heads;      /* divides width */
    uint32_t mlp;        /* width of the hidden layer, usually 4 D */
    Activation activation;
    float eps;           /* of every LayerNorm of this tower */
} TowerConfig;

typedef struct {
    TowerConfig vision;
    uint32_t resolution; /* the side in pixels that the position embedding was trained for */
    uint32_t patch;      /* p, the side of a patch in pixels; divides resolution */
    float mean[3], std[3]; /* per colour channel, on the 0..1 scale */
    uint32_t embed;      /* E, width of the joint space; the vision width where there is no projection */
    int has_ln_pre;      /* LayerNorm before the first block (CLIP yes, timm no) */
    int has_patch_bias;  /* patch embedding with a bias (timm) */
    int has_projection;  /* visual projection [D, E] */
    int has_text;        /* text tower, token embedding, logit scale and tokenizer; else `text` is all zero */
    TowerConfig text;
    uint32_t context;    /* longest token sequence */
    uint32_t vocabulary; /* rows of the token embedding */
    float logit_scale;   /* as stored in checkpoints: a logarithm; the factor is exp(logit_scale) */
} ClipConfig;

typedef struct {
    char name[64];       /* 0-terminated; FORMAT.md lists the names */
    WtsType type;
    uint32_t rank;       /* 1 to 4 */
    uint32_t shape[4];   /* slowest first, as in PyTorch; unused ones are 1 */
    const void *data;    /* aligned for its type, to 64 bytes where the file is mapped; in the machine's byte order */
    size_t bytes;
    uint32_t crc;        /* CRC-32 of the data as stored */
    WtsLayout layout;    /* of the matrix [shape[0], all other sides] */
} WtsTensor;

typedef struct WtsFile WtsFile;

/* Opens and checks a .clip file: magic, version, head checksum, every offset and size. Tensor data are not
 * read (see wts_verify). On a machine whose numbers are big-endian the data are copied and swapped. */
int wts_open(WtsFile **file, const char *path, Error *e);

/* The same for the bytes of a .clip file in memory, which stay the caller's and must outlive the WtsFile; `name` is
 * what wts_path and messages call them. They are used where they lie; only on a big-endian machine, or where `data` is
 * not aligned for floats, the tensors are copied. */
int wts_open_memory(WtsFile **file, const unsigned char *data, size_t size, const char *name, Error *e);
void wts_close(WtsFile *file);

const ClipConfig *wts_config(const WtsFile *file);
const char *wts_path(const WtsFile *file);
uint64_t wts_fingerprint(const WtsFile *file); /* names the content: configuration, tensors, tokenizer */
size_t wts_size(const WtsFile *file);
size_t wts_tensor_count(const WtsFile *file);
const WtsTensor *wts_tensor(const WtsFile *file, size_t index);
const WtsTensor *wts_find(const WtsFile *file, const char *name); /* or NULL */

/* What goes with a tensor of WTS_Q8, in two tensors of f32 that are named after it: the scale of each row [shape[0]],
 * and the error of quantisation [1], ||W - q scale|| / ||W|| of W as it was, with the root of the sum of squares. */
#define WTS_SCALE ".scale"
#define WTS_ERROR ".error"
const WtsTensor *wts_companion(const WtsFile *file, const WtsTensor *tensor, const char *suffix); /* or NULL */

/* The errors of the q8 tensors of a file, summed up: all 0 before the first is added. */
typedef struct {
    size_t count;
    double sum, largest;
    char name[64]; /* of the tensor with the largest */
} WtsErrors;

void wts_errors_add(WtsErrors *errors, const char *name, double error);

/* The tokenizer section (tokenizer.h reads it); NULL and size 0 without a text tower. */
const unsigned char *wts_tokenizer(const WtsFile *file, size_t *size);

/* Compares every tensor's data with its checksum; the message names the first that differs. */
int wts_verify(const WtsFile *file, Error *e);
int wts_verify_tensor(const WtsFile *file, const WtsTensor *tensor, Error *e); /* a tensor of this file */

/* ---- what a CLIP file must hold ---- */

/* Refuses a configuration that cannot be true or that is beyond any model this program is for (the limits stand in
 * layout.c): LAKE_BAD_INPUT, the message begins with `name`. Called by wts_open, wts_create and wts_layout. */
int wts_check_config(const ClipConfig *config, const char *name, Error *e);

/* The list of tensors of a file with this configuration, in the file's order, in a new array to be freed by the
 * caller: name, type, rank, shape, bytes and layout are filled in; data is NULL, crc 0. The matrices have `matrix_type`,
 * all else is f32; those that are multiplied are in panels where they fit. */
int wts_layout(const ClipConfig *config, WtsType matrix_type, WtsTensor **tensors, size_t *count, Error *e);

/* ---- writing: all shapes first, then the data in the same order, streamed ---- */

typedef struct WtsWriter WtsWriter;

/* Lays out the file for `count` tensors, of which name, type, rank and shape are filled in. Behind each tensor of
 * WTS_Q8 the writer places its two companions, which it fills itself: they are not in the list, nor given to wts_put. */
int wts_create(WtsWriter **writer, const char *path, const ClipConfig *config, const WtsTensor *tensors, size_t count,
               const unsigned char *tokenizer, size_t tokenizer_size, Error *e);
/* Adds bytes of the next tensor: `count` numbers given as floats, converted to the tensor's type; for WTS_Q8 that is a
 * quantised row (quantise.h). May be called several times for one tensor; numbers beyond its end are an error of the
 * caller. LAKE_BAD_INPUT for a number that is not finite or that the type cannot hold. */
int wts_put(WtsWriter *writer, const float *values, size_t count, Error *e);
/* The errors of the q8 tensors that are complete. */
const WtsErrors *wts_writer_errors(const WtsWriter *writer);
/* Writes the head with its checksums and renames the file into place; frees the writer in every case. */
int wts_finish(WtsWriter *writer, Error *e);
void wts_abandon(WtsWriter *writer);

/* Bytes of one number of this type, and the type's name ("f32"). */
size_t wts_type_size(WtsType type);
const char *wts_type_name(WtsType type);

/* ---- panels ---- */

/* A matrix in panels: WTS_PANEL_ROWS rows side by side, columns slowest. Each step down a panel holds wts_panel_step
 * columns of each row (bf16: 2, q8: 4, else 1), so that f32, bf16 and q8 give 32 bits. Rows and columns that a last panel
 * or step lacks are there as zeros; files have panels only where none is lacking (wts_fits_panels). */
#define WTS_PANEL_ROWS 32
size_t wts_panel_step(WtsType type);
int wts_fits_panels(WtsType type, size_t rows, size_t columns);

/* Where number (row, column) stands. */
size_t wts_panel_index(WtsType type, size_t columns, size_t row, size_t column);

/* Numbers first .. first + count - 1 of a tensor, counted row by row whatever its layout, as floats (of q8 the q). */
void wts_read(float *out, const WtsTensor *tensor, size_t first, size_t count);

/* count numbers of `type` in memory order of this machine -> floats (exact); of WTS_Q8 the q, not times a scale. */
void wts_widen(float *out, const void *data, WtsType type, size_t count);

#ifdef __cplusplus
}
#endif

#endif
