/* The normal images' tokens while a fit goes on: in memory up to a limit, beyond it in temporary files (store.c).
 * Private to this folder. */
#ifndef LAKE_STORE_H
#define LAKE_STORE_H

#include <stdio.h>

#include "lake.h"

typedef struct {
    size_t layer_count;
    size_t offsets[LAKE_MAX_LAYERS]; /* of a layer in an image's block of floats */
    size_t floats[LAKE_MAX_LAYERS];  /* of a layer: P * D_l */
    size_t count;                    /* images */
    size_t held;                     /* those in memory: the first ones */
    size_t most;                     /* that may be in memory */
    float **images;                  /* [held] blocks */
    size_t room;
    FILE *files[LAKE_MAX_LAYERS];    /* a layer of all others, one after the other; NULL while there are none */
    float *buffer;                   /* one layer of one image, read from its file */
} TokenStore;

/* An empty store for images of layers of P * widths[l] floats. memory: bytes that may be held in memory. LAKE_USAGE
 * where an image has no float, or more bytes than size_t counts. */
int store_open(TokenStore *store, size_t patches, const size_t *widths, size_t layer_count, size_t memory, Error *e);
void store_close(TokenStore *store);

/* Floats of an image, all layers. */
size_t store_image_floats(const TokenStore *store);

/* Takes a block of malloc over, in every case. Not after a layer was read. */
int store_add(TokenStore *store, float *block, Error *e);

/* One layer of an image, to be read only until the next call. Layers are read from image 0 on, in order, any number of
 * times. LAKE_RESOURCE where a file cannot be read. */
int store_layer(const float **tokens, TokenStore *store, size_t layer, size_t image, Error *e);

/* Hands the blocks over where all are in memory; the store is empty then. */
float **store_release(TokenStore *store);

#endif
