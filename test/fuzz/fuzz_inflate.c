/* Deflate streams: image/inflate*.c, gzip.c, and deflate.c, whose output must come back. The first byte chooses. */
#include <stdlib.h>
#include <string.h>

#include "image/deflate.h"
#include "image/inflate.h"
#include "image/inflate_internal.h"
#include "test/fuzz/fuzz.h"

enum { OUTPUT_LIMIT = 1 << 16 };

/* A bare stream, as PNG, gzip and TIFF have it inside. */
static void read_raw(const unsigned char *data, size_t size)
{
    Inflate *s = calloc(1, sizeof *s);
    Error e = FUZZ_ERROR;

    if (s == NULL)
        abort();
    inflate_start(s, data, size, "fuzz", &e);
    s->room = s->limit = OUTPUT_LIMIT;
    s->out = malloc(OUTPUT_LIMIT);
    if (s->out == NULL)
        abort();
    fuzz_check(inflate_stream(s), &e);
    PROMISE(s->used <= OUTPUT_LIMIT && s->b.in <= s->b.end);
    free(s->out);
    free(s);
}

/* Into a buffer of `room` bytes, which may be too small. */
static void read_zlib(const unsigned char *data, size_t size, size_t room)
{
    unsigned char *out = malloc(room > 0 ? room : 1);
    size_t written;
    Error e = FUZZ_ERROR;

    if (out == NULL)
        abort();
    fuzz_check(inflate_zlib(out, room, &written, data, size, "fuzz", &e), &e);
    PROMISE(written <= room);
    free(out);
}

static void read_gzip(const unsigned char *data, size_t size)
{
    unsigned char *out;
    size_t written;
    Error e = FUZZ_ERROR;
    int code = inflate_gzip(&out, &written, data, size, OUTPUT_LIMIT, "fuzz", &e);

    fuzz_check(code, &e);
    PROMISE(code == LAKE_OK ? written <= OUTPUT_LIMIT && out[written] == 0 : out == NULL);
    free(out);
}

static void pack_and_unpack(const unsigned char *data, size_t size)
{
    unsigned char *packed = NULL, *out = malloc(size + 1);
    size_t packed_size = 0, written;
    Error e = FUZZ_ERROR;

    if (out == NULL)
        abort();
    PROMISE(deflate_zlib(&packed, &packed_size, data, size, &e) == LAKE_OK);
    PROMISE(inflate_zlib(out, size, &written, packed, packed_size, "fuzz", &e) == LAKE_OK);
    PROMISE(written == size && memcmp(out, data, size) == 0);
    free(packed);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *rest;

    if (size < 1)
        return 0;
    rest = fuzz_copy(data + 1, size - 1);
    switch (data[0] % 8) {
    case 0: read_zlib(rest, size - 1, OUTPUT_LIMIT); break;
    case 1: read_zlib(rest, size - 1, 100); break;
    case 2: read_gzip(rest, size - 1); break;
    case 3: pack_and_unpack(rest, size - 1); break;
    default: read_raw(rest, size - 1);
    }
    free(rest);
    return 0;
}
