/* BMP: image/bmp.c. */
#include "test/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Image image;

    if (fuzz_decode(&image, data, size))
        img_free(&image);
    return 0;
}
