/* The safetensors format: 8 bytes with the length of a JSON header, the header, the data of all tensors. Opening
 * checks everything that can be checked without reading the data; tensors are then read in pieces, as floats. */
#ifndef LAKE_SAFETENSORS_H
#define LAKE_SAFETENSORS_H

#include <stddef.h>

#include "base/error.h"
#include "base/file.h"
#include "convert/json.h"

enum { ST_RANK_LIMIT = 8 };

/* The types of numbers that can be read; any other type of the format may stand in a file but not be read. */
typedef enum { ST_F16, ST_BF16, ST_F32, ST_F64, ST_OTHER } StType;

typedef struct {
    const char *name;
    const char *type_name;      /* as the file says: "F32", "I64", ... */
    StType type;
    size_t rank;
    size_t shape[ST_RANK_LIMIT]; /* slowest first */
    size_t count;               /* product of the shape; 1 for a scalar */
    size_t begin, end;          /* bytes of its data, counted from the first data byte; unaligned, little-endian */
} StTensor;

typedef struct {
    FileView view;
    size_t data_begin; /* offset of the first data byte in the file */
    Json *header;
    StTensor *tensors; /* [count] sorted by name */
    size_t count;
} StFile;

int st_open(StFile *file, const char *path, Error *e);
void st_close(StFile *file);

/* The tensor of this name, or NULL. */
const StTensor *st_find(const StFile *file, const char *name);

/* out[i] = element first + i * step of the tensor in C order, i = 0 .. count - 1, which must exist. F64 is rounded to
 * float. The type must not be ST_OTHER. */
void st_read(float *out, const StFile *file, const StTensor *tensor, size_t first, size_t step, size_t count);

/* Maps the file anew, so that the pages read so far no longer count as memory of this process. */
int st_release(StFile *file, const char *path, Error *e);

/* Writes a shape as "[768, 512]" into text[size] and returns text. */
const char *st_shape_text(char *text, size_t size, const size_t *shape, size_t rank);

#endif
