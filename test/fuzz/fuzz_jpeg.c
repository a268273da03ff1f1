/* JPEG: image/jpeg*.c, and the orientation that its EXIF segment says. */
#include "test/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Image image;
    Error e = FUZZ_ERROR;

    if (!fuzz_decode(&image, data, size))
        return 0;
    PROMISE(img_orient(&image, img_orientation(data, size), &e) == LAKE_OK);
    img_free(&image);
    return 0;
}
