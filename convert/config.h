/* The configuration of a checkpoint: from the shapes of its tensors, from the configuration files beside it, from the
 * user's options, and, where all of these are silent, from a guess that is reported. */
#ifndef LAKE_CONFIG_H
#define LAKE_CONFIG_H

#include "base/error.h"
#include "convert/convert.h"
#include "convert/names.h"
#include "convert/checkpoint.h"

/* The configuration of an open checkpoint. *end_id is what a configuration file says of the end token, or -1. */
int config_deduce(ClipConfig *config, long *end_id, const Checkpoint *checkpoint, const NameScheme *scheme,
                  const ConvertOptions *options, ConvertNote *note, void *context, Error *e);

/* config_files.c: reads what lies beside the checkpoint (config.json, preprocessor_config.json of Hugging Face and timm;
 * open_clip_config.json) into *hints, and refuses files whose sizes are not those of *config, which holds what the
 * shapes told. */
int config_read_files(ConfigHints *hints, const ClipConfig *config, const NameScheme *scheme, const char *checkpoint,
                      ConvertNote *note, void *context, Error *e);

/* A note for the user, by printf's rules; nothing where note is NULL. */
void config_note(ConvertNote *note, void *context, const char *format, ...);

#endif
