/* Decompression of gzip files (RFC 1952): members one after the other, each a header, a deflate stream, a checksum and a
 * length. */
#include "image/inflate.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "image/inflate_internal.h"

/* Skips a text that ends with a byte 0; returns 0 where that is missing. */
static int skip_text(Bits *b)
{
    const unsigned char *zero = b->in < b->end ? memchr(b->in, 0, (size_t)(b->end - b->in)) : NULL;

    if (zero == NULL)
        return 0;
    b->in = zero + 1;
    return 1;
}

/* A member's header (RFC 1952, 2.3) with all its optional fields. */
static int gzip_header(Inflate *s)
{
    enum { HEADER_CRC = 2, EXTRA = 4, NAME = 8, COMMENT = 16, RESERVED = 0xe0 };
    const unsigned char *header = s->b.in;
    unsigned flags;

    if (s->b.end - header < 10)
        return inflate_ended_early(s);
    flags = header[3];
    if (header[2] != 8 || flags & RESERVED)
        return inflate_damaged(s, "a gzip header with an unknown method or flag");
    s->b.in += 10;
    if (flags & EXTRA) {
        if (s->b.end - s->b.in < 2 || s->b.end - s->b.in - 2 < get_u16le(s->b.in))
            return inflate_ended_early(s);
        s->b.in += 2 + get_u16le(s->b.in);
    }
    if ((flags & NAME && !skip_text(&s->b)) || (flags & COMMENT && !skip_text(&s->b)))
        return inflate_ended_early(s);
    if (flags & HEADER_CRC) {
        if (s->b.end - s->b.in < 2)
            return inflate_ended_early(s);
        if (get_u16le(s->b.in) != (crc32_update(0, header, (size_t)(s->b.in - header)) & 0xffff))
            return inflate_damaged(s, "the checksum of a gzip header does not match");
        s->b.in += 2;
    }
    return LAKE_OK;
}

static int gzip_member(Inflate *s)
{
    int code = gzip_header(s);

    s->start = s->used;
    if (code == LAKE_OK)
        code = inflate_stream(s);
    if (code != LAKE_OK)
        return code;
    if (s->b.end - s->b.in < 8)
        return inflate_ended_early(s);
    if (get_u32le(s->b.in) != crc32_update(0, s->out + s->start, s->used - s->start))
        return inflate_damaged(s, "its checksum (CRC-32) does not match");
    if (get_u32le(s->b.in + 4) != ((s->used - s->start) & 0xffffffffu))
        return inflate_damaged(s, "its length is not the one that it states");
    s->b.in += 8;
    return LAKE_OK;
}

/* Whether only zeros are left: padding, as tapes and some tools add it behind the last member. */
static int only_zeros(const Bits *b)
{
    for (const unsigned char *p = b->in; p < b->end; p++)
        if (*p != 0)
            return 0;
    return 1;
}

int inflate_gzip(unsigned char **out, size_t *out_size, const unsigned char *in, size_t size, size_t limit,
                 const char *name, Error *e)
{
    Inflate s;
    int code = LAKE_OK;

    *out = NULL;
    *out_size = 0;
    if (size < 2 || in[0] != 0x1f || in[1] != 0x8b)
        return error_set(e, LAKE_BAD_INPUT, "%s: is no gzip file", name);
    inflate_start(&s, in, size, name, e);
    s.limit = limit < SIZE_MAX ? limit : SIZE_MAX - 1;
    s.room = size < s.limit / 4 ? size * 4 : s.limit; /* a guess; grows with what really comes out */
    s.out = malloc(s.room + 1);
    if (s.out == NULL)
        return error_memory(e, name);
    while (code == LAKE_OK && !only_zeros(&s.b)) {
        if (s.b.end - s.b.in < 2 || s.b.in[0] != 0x1f || s.b.in[1] != 0x8b)
            code = inflate_damaged(&s, "something other than gzip follows behind it");
        else
            code = gzip_member(&s);
    }
    if (code != LAKE_OK) {
        free(s.out);
        return code;
    }
    s.out[s.used] = 0;
    *out = s.out;
    *out_size = s.used;
    return LAKE_OK;
}
