/* Pictures: decoding to 8-bit RGB as Pillow's Image.open(...).convert("RGB") gives it, Pillow's bicubic
 * resize, and writing. A file is known by its content, not by its name. */
#ifndef LAKE_IMAGE_H
#define LAKE_IMAGE_H

#include <stddef.h>

#include "base/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int width, height;  /* both at least 1 once decoded */
    unsigned char *rgb; /* [height, width, 3], rows from top to bottom */
} Image;

/* More pixels than this are refused before memory is taken, unless the caller raises the limit. */
#define IMG_MAX_PIXELS ((size_t)1 << 28)

/* Reads and decodes a picture file: PNG, JPEG, BMP, TIFF, PNM (P1 to P6). max_pixels 0 means IMG_MAX_PIXELS.
 * LAKE_BAD_INPUT with a line that names the file and what is wrong in it; LAKE_RESOURCE for memory. */
int img_read(Image *image, const char *path, size_t max_pixels, Error *e);

/* The same for bytes in memory; `name` is what messages call them. */
int img_decode(Image *image, const unsigned char *data, size_t size, const char *name, size_t max_pixels, Error *e);

/* As img_read, then turned as EXIF says the camera was held: PIL.ImageOps.exif_transpose. (TIFF's own orientation tag is
 * obeyed by every function here, as by Pillow 9.4.) */
int img_read_upright(Image *image, const char *path, size_t max_pixels, Error *e);

/* What EXIF data in a JPEG or PNG file says: 1 upright or unknown, 2 to 8 mirrored or turned (orient.c has the list). */
int img_orientation(const unsigned char *data, size_t size);

/* Turns and mirrors a picture of that orientation upright. */
int img_orient(Image *image, int orientation, Error *e);

/* 1 where a file's name ends as those of pictures do (.png, .jpg, .tif, ...), whatever the case of its letters. It is how
 * pictures are found in folders; what a file really is, its content says later. */
int img_has_picture_name(const char *name);

/* A new picture with all bytes zero. */
int img_new(Image *image, int width, int height, Error *e);
void img_free(Image *image);

/* in resized to width x height with Pillow's Image.resize((width, height), BICUBIC), to the byte
 * (Pillow, src/libImaging/Resample.c: fixed-point coefficients of 22 bits, rows first, rounded to bytes
 * between the passes). out is new and may not be in. */
int img_resize(Image *out, const Image *in, int width, int height, Error *e);

/* PNG (RGB, 8 bit, filtered and deflated) or binary PPM, by the name's ending: .ppm or .pnm, else PNG. */
int img_write(const char *path, const Image *image, Error *e);

#ifdef __cplusplus
}
#endif

#endif
