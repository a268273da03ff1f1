/* Damaged picture files, for the tests of decoders. */
#ifndef LAKE_TEST_DAMAGE_H
#define LAKE_TEST_DAMAGE_H

#include <stdlib.h>
#include <string.h>

#include "image/image.h"
#include "test/test.h"

/* A decoder must not read behind its input; malloc's neighbourhood is watched by sanitizers, an array's middle is not. */
static int decode_copy(Image *image, const unsigned char *bytes, size_t size, const char *file, Error *e)
{
    unsigned char *copy = malloc(size > 0 ? size : 1);
    int code;

    memcpy(copy, bytes, size);
    code = img_decode(image, copy, size, file, 0, e);
    free(copy);
    return code;
}

/* Every cut must be refused unless it is of the last `slack` bytes; every flipped bit must be survived. The bytes are as
 * they were afterwards. */
static void damage(const char *name, unsigned char *bytes, size_t size, size_t slack, const char *file)
{
    size_t wrong = 0;
    Image image;

    for (size_t kept = 0; kept < size; kept++)
        if (decode_copy(&image, bytes, kept, file, NULL) == LAKE_OK) {
            wrong += kept + slack < size;
            img_free(&image);
        }
    for (size_t bit = 0; bit < size * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        if (decode_copy(&image, bytes, size, file, NULL) == LAKE_OK)
            img_free(&image);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    check(wrong == 0, name, "%lu cut files were read", (unsigned long)wrong);
}

#endif
