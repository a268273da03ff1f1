/* EXIF data: image/orient.c and tiff_ifd.c. The same data say the same inside JPEG and PNG, and the turned picture has the
 * sides that the orientation means. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "image/png_format.h"
#include "test/fuzz/fuzz.h"

enum { JPEG_HEAD = 12, PNG_HEAD = sizeof png_signature + 8, SEGMENT_LIMIT = 65000 };

static int in_jpeg(const uint8_t *exif, size_t size)
{
    unsigned char *file = calloc(JPEG_HEAD + size, 1);
    int orientation;

    if (file == NULL)
        abort();
    memcpy(file, "\xff\xd8\xff\xe1\0\0Exif\0\0", JPEG_HEAD);
    file[4] = (unsigned char)((size + 8) >> 8);
    file[5] = (unsigned char)((size + 8) & 255);
    memcpy(file + JPEG_HEAD, exif, size);
    orientation = img_orientation(file, JPEG_HEAD + size);
    free(file);
    return orientation;
}

static int in_png(const uint8_t *exif, size_t size)
{
    unsigned char *file = calloc(PNG_HEAD + size + 4, 1); /* the checksum is not looked at */
    int orientation;

    if (file == NULL)
        abort();
    memcpy(file, png_signature, sizeof png_signature);
    put_u32be(file + 8, (uint32_t)size);
    memcpy(file + 12, "eXIf", 4);
    memcpy(file + PNG_HEAD, exif, size);
    orientation = img_orientation(file, PNG_HEAD + size + 4);
    free(file);
    return orientation;
}

static void turn(int orientation)
{
    Image image;
    Error e = FUZZ_ERROR;

    PROMISE(img_new(&image, 2, 3, &e) == LAKE_OK);
    PROMISE(img_orient(&image, orientation, &e) == LAKE_OK);
    PROMISE(image.width == (orientation >= 5 ? 3 : 2) && image.height == (orientation >= 5 ? 2 : 3));
    img_free(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int orientation = img_orientation(data, size); /* a whole JPEG or PNG */

    PROMISE(orientation >= 1 && orientation <= 8);
    if (size == 0 || size > SEGMENT_LIMIT)
        return 0;
    orientation = in_jpeg(data, size);
    PROMISE(orientation >= 1 && orientation <= 8 && in_png(data, size) == orientation);
    turn(orientation);
    return 0;
}
