/* Files that their publisher names by a checksum. */
#ifndef LAKE_KNOWN_H
#define LAKE_KNOWN_H

#include "base/error.h"
#include "convert/checkpoint.h"
#include "convert/convert.h"

/* Where the checkpoint has the name of a file of OpenAI's, compares its SHA-256 with the published one and notes the
 * result: the file is verified, or a warning. Another file under this name is no error, for people do rename files. */
int known_verify(Checkpoint *checkpoint, ConvertNote *note, void *context, Error *e);

#endif
