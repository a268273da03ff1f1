/* Pictures: decoding to 8-bit RGB as Pillow's Image.open(...).convert("RGB") gives it, Pillow's bicubic
 * resize, and writing. A file is known by its content, not by its name. */
#ifndef LAKE_IMAGE_H
#define LAKE_IMAGE_H

#include <stddef.h>

#include "base/error.h"

typedef struct {
    int width, height;  /* both at least 1 once decoded */
    unsigned char *rgb; /* [height, width, 3], rows from top to bottom */
} Image;

/* More pixels than this are refused before memory is taken, unless the caller raises the limit. */
#define IMG_MAX_PIXELS ((size_t)1 << 28)

/* Reads and decodes a picture file: PNG, JPEG, PNM (P1 to P6). max_pixels 0 means IMG_MAX_PIXELS.
 * LAKE_BAD_INPUT with a line that names the file and what is wrong in it; LAKE_RESOURCE for memory. */
int img_read(Image *image, const char *path, size_t max_pixels, Error *e);

/* The same for bytes in memory; `name` is what messages call them. */
int img_decode(Image *image, const unsigned char *data, size_t size, const char *name, size_t max_pixels, Error *e);

/* A new picture with all bytes zero. */
int img_new(Image *image, int width, int height, Error *e);
void img_free(Image *image);

/* in resized to width x height with Pillow's Image.resize((width, height), BICUBIC), to the byte
 * (Pillow, src/libImaging/Resample.c: fixed-point coefficients of 22 bits, rows first, rounded to bytes
 * between the passes). out is new and may not be in. */
int img_resize(Image *out, const Image *in, int width, int height, Error *e);

/* PNG (RGB, 8 bit, filtered and deflated) or binary PPM, by the name's ending: .ppm or .pnm, else PNG. */
int img_write(const char *path, const Image *image, Error *e);

#endif
