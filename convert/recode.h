/* .clip -> .clip: the same model, its matrices in another type. */
#ifndef LAKE_RECODE_H
#define LAKE_RECODE_H

#include "convert/convert.h"

/* 1 where the path is a file that begins like a .clip file. */
int recode_recognises(const char *path);

/* convert_checkpoint for such a file. LAKE_USAGE where options set what the file says itself; LAKE_BAD_INPUT where its
 * matrices are q8 already, or it is damaged. */
int recode(const ConvertOptions *options, ConvertProgress *progress, ConvertNote *note, void *context, Error *e);

#endif
