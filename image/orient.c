/* Orientation: which way up a picture was taken (EXIF 2.3, 4.6.4; TIFF 6.0's tag 274 of the same meaning).
 *
 *   1 as it is      2 mirrored left to right     3 turned by half      4 mirrored top to bottom
 *   5 transposed    6 to be turned right         7 transposed along the other diagonal    8 to be turned left */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "image/codec.h"
#include "image/image.h"
#include "image/png_format.h"
#include "image/tiff_internal.h"

/* Orientation of the EXIF data, a TIFF file without pixels; 1 where it is absent or damaged: it is only a remark. */
static int exif_orientation(const unsigned char *data, size_t size)
{
    TiffFile f;
    uint64_t value;

    if (tiff_open(&f, data, size, "EXIF", NULL) != LAKE_OK || tiff_number(&f, TAG_ORIENTATION, 1, &value) != LAKE_OK)
        return 1;
    return value >= 1 && value <= 8 ? (int)value : 1;
}

/* Of the first segment APP1 that holds EXIF data, before the first scan. */
static int jpeg_orientation(const unsigned char *data, size_t size)
{
    enum { APP1 = 0xe1, SOS = 0xda };
    size_t at = 2;

    while (size - at >= 4 && data[at] == 0xff && data[at + 1] != SOS) {
        size_t length;
        if (data[at + 1] == 0xff) { /* filling */
            at++;
            continue;
        }
        length = get_u16be(data + at + 2);
        if (length < 2 || length > size - at - 2)
            return 1;
        if (data[at + 1] == APP1 && length >= 8 && memcmp(data + at + 4, "Exif\0\0", 6) == 0)
            return exif_orientation(data + at + 10, length - 8);
        at += 2 + length;
    }
    return 1;
}

/* Of the chunk eXIf. */
static int png_orientation(const unsigned char *data, size_t size)
{
    size_t at = sizeof png_signature;

    while (size - at >= CHUNK_FRAME && get_u32be(data + at) <= size - at - CHUNK_FRAME) {
        if (memcmp(data + at + 4, "eXIf", 4) == 0)
            return exif_orientation(data + at + 8, get_u32be(data + at));
        at += CHUNK_FRAME + get_u32be(data + at);
    }
    return 1;
}

int img_orientation(const unsigned char *data, size_t size)
{
    if (size > 3 && memcmp(data, "\xff\xd8\xff", 3) == 0)
        return jpeg_orientation(data, size);
    if (size > sizeof png_signature && memcmp(data, png_signature, sizeof png_signature) == 0)
        return png_orientation(data, size);
    return 1;
}

int img_orient(Image *image, int orientation, Error *e)
{
    size_t width = (size_t)image->width, height = (size_t)image->height;
    int swapped = orientation >= 5, mirrored = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    int flipped = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const unsigned char *in = image->rgb;
    Image turned;
    int code;

    if (orientation < 2 || orientation > 8)
        return LAKE_OK;
    code = img_new(&turned, swapped ? image->height : image->width, swapped ? image->width : image->height, e);
    if (code != LAKE_OK)
        return code;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++, in += 3) {
            size_t across = mirrored ? width - 1 - x : x, down = flipped ? height - 1 - y : y;
            memcpy(turned.rgb + (swapped ? across * height + down : down * width + across) * 3, in, 3);
        }
    img_free(image);
    *image = turned;
    return LAKE_OK;
}
