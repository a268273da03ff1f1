/* The decoders and encoders behind image.h, one per format, and the compression under them. Each decoder
 * is given the whole file, writes a new Image and checks max_pixels before it takes memory. */
#ifndef LAKE_CODEC_H
#define LAKE_CODEC_H

#include "image/image.h"

int png_decode(Image *image, const unsigned char *data, size_t size, const char *name, size_t max_pixels, Error *e);
int jpeg_decode(Image *image, const unsigned char *data, size_t size, const char *name, size_t max_pixels, Error *e);
int pnm_decode(Image *image, const unsigned char *data, size_t size, const char *name, size_t max_pixels, Error *e);

/* A complete PNG file, RGB 8 bit, in a new buffer. */
int png_encode(unsigned char **out, size_t *out_size, const Image *image, Error *e);

/* Allocates image->rgb for width x height after the checks that every decoder owes: both at least 1, the
 * product at most max_pixels, the byte count within size_t. */
int img_allocate(Image *image, size_t width, size_t height, const char *name, size_t max_pixels, Error *e);

#endif
