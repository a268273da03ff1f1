/* The options of the method that several verbs share, and the photos they read. */
#ifndef LAKE_SETTINGS_H
#define LAKE_SETTINGS_H

#include "cli/options.h"
#include "lake.h"

/* Where the options of fit are parsed to before settings_apply puts them into LakeOptions. */
typedef struct {
    CountList layers;
    int normalisation, selection, distance, attention, pooling, positions;
    size_t neurons, seed, semantic_block, resolution;
    double coreset, trim, lambda;
    const char *class_name, *prompts, *threshold;
    int keep_tokens;
} Settings;

void settings_defaults(Settings *settings);
int settings_apply(LakeOptions *options, const Settings *settings, Error *e);

/* What --threshold says ("auto", a number, "fpr=Q") into a decision; NULL leaves it alone. */
int settings_threshold(LakeDecision *decision, const char *text, Error *e);

/* Rows of an option table: those of fit and zero alike. */
#define SETTINGS_MODEL(s)                                                                                             \
    {"--res", OPTION_COUNT, &(s).resolution, "R", 0, 0,                                                               \
     "side in pixels, a multiple of the patch (default: largest up to 518; small models: 2 x theirs)"},          \
    {"--positions", OPTION_CHOICE, &(s).positions, "antialias|bicubic|bilinear", 0, 0,                                \
     "resampling of the position embedding (default antialias)"}

#define SETTINGS_TEXT(s)                                                                                              \
    {"--class", OPTION_TEXT, &(s).class_name, "NAME", 0, 0,                                                           \
     "what the photos show, for the text branch: \"metal nut\""},                                                     \
    {"--prompts", OPTION_TEXT, &(s).prompts, "FILE", 0, 0,                                                            \
     "sentences of your own (weights/prompts.txt is the built-in form)"},                                             \
    {"--patch-attention", OPTION_CHOICE, &(s).attention, "vv|plain", 0, 0,                                            \
     "of the text branch's patches (default vv)"},                                                                    \
    {"--semantic-block", OPTION_COUNT, &(s).semantic_block, "B", 0, 0,                                                \
     "block of the text branch's patches (default: last)"}

/* Reads a picture for a model with this patch size: one smaller than a patch is LAKE_BAD_INPUT. */
int read_photo(Image *image, const char *path, size_t patch, Error *e);

#endif
