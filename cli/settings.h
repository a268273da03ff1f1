/* The options of the method that several verbs share, and the photos they read. */
#ifndef LAKE_SETTINGS_H
#define LAKE_SETTINGS_H

#include "cli/options.h"
#include "lake.h"

/* How pictures are read. */
typedef struct {
    int exif;          /* 1: turned upright as EXIF says */
    size_t megapixels; /* larger ones are refused; 0: the library's limit */
} PhotoOptions;

/* Where the options of fit are parsed to before settings_apply puts them into LakeOptions. */
typedef struct {
    CountList layers;
    int normalisation, selection, distance, attention, pooling, positions;
    size_t neurons, seed, semantic_block, resolution, memory;
    double coreset, trim, lambda;
    const char *class_name, *prompts, *threshold;
    int keep_tokens;
    PhotoOptions photos;
} Settings;

void settings_defaults(Settings *settings);
int settings_apply(LakeOptions *options, const Settings *settings, Error *e);

/* What --threshold says ("auto", a number, "fpr=Q") into a decision; NULL leaves it alone. */
int settings_threshold(LakeDecision *decision, const char *text, Error *e);

/* Rows of an option table: those of fit and zero alike. */
#define SETTINGS_MODEL(s)                                                                                             \
    {"--res", OPTION_COUNT, &(s).resolution, "R", 0, 0,                                                               \
     "side in pixels, a multiple of the patch (default: up to 518 or twice the trained side)"},                    \
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

/* Those of fit and eval. */
#define SETTINGS_FIT(s)                                                                                               \
    {"--layers", OPTION_COUNTS, &(s).layers, "6,12", 0, 0, "structural blocks from 1 (default: depth/4 and depth/2)"},\
    {"--neurons", OPTION_COUNT, &(s).neurons, "K", 0, 0, "channels to select per layer (default 100)"},               \
    {"--normalise", OPTION_CHOICE, &(s).normalisation, "none|clip|l2|ln", 0, 0,                                       \
     "of every token, first (default clip)"},                                                                         \
    {"--distance", OPTION_CHOICE, &(s).distance, "l2|cosine", 0, 0, "of a patch to the gallery (default l2)"},        \
    {"--coreset", OPTION_NUMBER, &(s).coreset, "F", 0, 1, "share of the gallery to keep, k-centre (default 1)"},      \
    {"--trim", OPTION_NUMBER, &(s).trim, "F", 0, 0.5,                                                                 \
     "share of normal patches to distrust and drop (default 0)"},                                                     \
    {"--lambda", OPTION_NUMBER, &(s).lambda, "X", 0, 1, "weight of the text branch (default 0.3)"},                   \
    {"--pooling", OPTION_CHOICE, &(s).pooling, "max|mean|top1", 0, 0, "map to image score (default max)"}

/* Rows of an option table, of every verb that reads pictures. `otherwise`: what --exif is without being given. */
#define PHOTO_OPTIONS(o, otherwise)                                                                                   \
    {"--exif", OPTION_FLAG, &(o).exif, NULL, 0, 0,                                                                    \
     "turn photos as their EXIF orientation says (default: " otherwise ")"},                                          \
    {"--max-megapixels", OPTION_COUNT, &(o).megapixels, "N", 0, 0, "refuse larger pictures (default 268)"}

/* Reads a picture. A limit that no machine has is LAKE_USAGE. */
int read_picture(Image *image, const char *path, const PhotoOptions *options, Error *e);

/* The same for a model with this patch size: a picture smaller than a patch is LAKE_BAD_INPUT. */
int read_photo(Image *image, const char *path, const PhotoOptions *options, size_t patch, Error *e);

#endif
