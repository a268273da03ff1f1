/* The parts of `lake neurons`: what it prints of detectors, and the maps that it draws of a photo. */
#ifndef LAKE_NEURONS_H
#define LAKE_NEURONS_H

#include "cli/settings.h"
#include "lake.h"

/* ---- neuron_report.c ---- */

typedef struct {
    int csv, jsonl; /* neither: lines for people */
    size_t top;     /* channels to list per layer */
} NeuronReport;

/* The chosen channels of each detector, its audit where its tokens were kept, and the overlap of every two detectors.
 * Tables have a row, or an object, for each channel, audit and overlap. LAKE_BAD_INPUT where two cannot be compared. */
int neurons_report(const LakeDetector *detectors, const char *const *paths, size_t count, const NeuronReport *report,
                   Error *e);

/* ---- neuron_maps.c ---- */

typedef struct {
    const char *image;   /* the photo */
    const char *folder;  /* where the maps go */
    const char *named;   /* "BLOCK:CHANNEL,..."; NULL: those of the largest shares in the photo's worst patch */
    size_t top;          /* how many of them */
    const char *weights; /* --weights, or NULL */
    int csv, jsonl;
    PhotoOptions photos;
} NeuronMaps;

/* Writes the part that each neuron has in the deviation of the photo, in units of delta squared (lake_neuron_map), at
 * the photo's size: a .npy [height, width] and a PNG of it, whose colours span 0 to the largest part that one of them
 * has in a patch. Prints a line for each neuron. `path`: what messages call the detector. LAKE_USAGE where the detector
 * has not chosen a neuron that is named, or was fitted on features. */
int neurons_maps(const LakeDetector *detector, const char *path, const NeuronMaps *maps, Error *e);

#endif
