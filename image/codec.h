/* The decoders and encoders behind image.h, one per format, and the compression under them. Each decoder
 * is given the whole file, writes a new Image and checks max_pixels before it takes memory. */
#ifndef LAKE_CODEC_H
#define LAKE_CODEC_H

#include "image/image.h"

int png_decode(Image *image, const unsigned char *data, size_t size, const char *name, size_t max_pixels, Error *e);
int jpeg_decode(Image *image, const unsigned char *data, size_t size, const char *name, size_t max_pixels, Error *e);
int bmp_decode(Image *image, const unsigned char *data, size_t size, const char *name, size_t max_pixels, Error *e);
int tiff_decode(Image *image, const unsigned char *data, size_t size, const char *name, size_t max_pixels, Error *e);
int pnm_decode(Image *image, const unsigned char *data, size_t size, const char *name, size_t max_pixels, Error *e);

/* A complete PNG file, RGB 8 bit, in a new buffer. */
int png_encode(unsigned char **out, size_t *out_size, const Image *image, Error *e);

/* The checks that every decoder owes before it takes memory: both sides at least 1 and within int, the product
 * at most max_pixels (0: IMG_MAX_PIXELS), three bytes per pixel within size_t. */
int img_check_size(size_t width, size_t height, const char *name, size_t max_pixels, Error *e);

/* Allocates image->rgb for width x height after these checks. */
int img_allocate(Image *image, size_t width, size_t height, const char *name, size_t max_pixels, Error *e);

/* rgb[3 n]: the colours that n indices of 8 bits stand for. */
void img_indexed_row(unsigned char *rgb, const unsigned char *indices, const unsigned char (*colors)[3], size_t n);

#endif
