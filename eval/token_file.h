/* What a model saw of one picture, in a file: so that memory holds only what is in use, and a run that was cut off need
 * not look again. The file has the numbers as the machine has them, so that it can be used where it lies:
 *
 *   HEADER of 64-bit numbers: magic, byte order mark, key, height and width of the picture, of the grid, number of
 *     layers, E, 1 for patches in the joint space plus 2 for the whole picture, CRC-32 of what follows, widths of up to
 *     LAKE_MAX_LAYERS layers
 *   floats: layer after layer [P, D_l], patches [P, E], embedding [E]
 *
 * A file of another key, shape or byte order, or one that is damaged, is no error: the picture is looked at again. */
#ifndef LAKE_EVAL_TOKEN_FILE_H
#define LAKE_EVAL_TOKEN_FILE_H

#include "base/file.h"
#include "lake.h"

/* Writes what was observed of a picture of height x width pixels. key: names all that the numbers depend on. */
int token_file_write(const char *path, uint64_t key, size_t height, size_t width, const LakeTokens *tokens, Error *e);

/* 1 where a whole file of this key and of the shape of `shape` (whose numbers are not read) is at path, with the size
 * of its picture; else 0. Every byte is checked. */
int token_file_check(size_t *height, size_t *width, const char *path, uint64_t key, const LakeTokens *shape);

/* The tokens in a file that was checked before: pointers into *file, only to be read, until file_unmap. LAKE_BAD_INPUT
 * where it is no longer there, or another. */
int token_file_map(LakeTokens *tokens, FileView *file, const char *path, uint64_t key, const LakeTokens *shape,
                   Error *e);

#endif
