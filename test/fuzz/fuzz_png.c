/* PNG: image/png.c and inflate below it, and png_encode.c: what was decoded comes back from its own file. Changed bytes
 * would mostly end at a checksum, so a file that is refused is given once more with its checksums put right. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "image/codec.h"
#include "image/inflate_internal.h"
#include "image/png_format.h"
#include "test/fuzz/fuzz.h"

enum { INFLATED_LIMIT = 1 << 18 };

/* The chunk at `at`, or 0 behind the last whole one. */
static int is_chunk(const unsigned char *data, size_t size, size_t at)
{
    return at <= size && size - at >= CHUNK_FRAME && get_u32be(data + at) <= size - at - CHUNK_FRAME;
}

/* Writes the Adler-32 that the joined IDAT data end with, of what they inflate to, where they are whole. */
static void repair_adler(unsigned char *data, size_t size)
{
    unsigned char *joined = malloc(size), **places = malloc(size * sizeof *places);
    Inflate *s = calloc(1, sizeof *s);
    size_t count = 0, at, i;
    unsigned char sum[4];

    if (joined == NULL || places == NULL || s == NULL)
        abort();
    for (at = sizeof png_signature; is_chunk(data, size, at); at += CHUNK_FRAME + get_u32be(data + at))
        for (i = 0; memcmp(data + at + 4, "IDAT", 4) == 0 && i < get_u32be(data + at); i++, count++) {
            places[count] = data + at + 8 + i;
            joined[count] = *places[count];
        }
    if (count > 6) {
        inflate_start(s, joined + 2, count - 6, "fuzz", NULL);
        s->room = s->limit = INFLATED_LIMIT;
        s->out = malloc(INFLATED_LIMIT);
        if (s->out == NULL)
            abort();
        if (inflate_stream(s) == LAKE_OK) {
            put_u32be(sum, adler32_update(1, s->out, s->used));
            for (i = 0; i < 4; i++)
                *places[(size_t)(s->b.in - joined) + i] = sum[i];
        }
        free(s->out);
    }
    free(s);
    free(places);
    free(joined);
}

static void repair(unsigned char *data, size_t size)
{
    size_t at, length;

    repair_adler(data, size);
    for (at = sizeof png_signature; is_chunk(data, size, at); at += CHUNK_FRAME + length) {
        length = get_u32be(data + at);
        put_u32be(data + at + 8 + length, crc32_update(0, data + at + 4, 4 + length));
    }
}

/* image -> PNG -> the same image. */
static void encode_again(const Image *image)
{
    Image again;
    unsigned char *file;
    size_t size;
    Error e = FUZZ_ERROR;

    PROMISE(png_encode(&file, &size, image, &e) == LAKE_OK);
    PROMISE(fuzz_decode(&again, file, size));
    PROMISE(again.width == image->width && again.height == image->height);
    PROMISE(memcmp(again.rgb, image->rgb, (size_t)image->width * (size_t)image->height * 3) == 0);
    img_free(&again);
    free(file);
}

static int decode(const unsigned char *data, size_t size)
{
    Image image;

    if (!fuzz_decode(&image, data, size))
        return 0;
    encode_again(&image);
    img_free(&image);
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *copy;

    if (decode(data, size) || size < sizeof png_signature)
        return 0;
    copy = fuzz_copy(data, size);
    repair(copy, size);
    decode(copy, size);
    free(copy);
    return 0;
}
