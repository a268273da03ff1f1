/* The compressions of TIFF files (TIFF 6.0, sections 9, 13, 14; Deflate: Adobe Photoshop's TIFF Technical Notes, 2002). */
#include <string.h>

#include "base/bytes.h"
#include "image/inflate.h"
#include "image/tiff_internal.h"

enum { LZW_CLEAR = 256, LZW_END = 257, LZW_FIRST = 258, LZW_CODES = 4096, LZW_SHORTEST = 9, LZW_LONGEST = 12 };

int tiff_codec_known(uint64_t compression)
{
    return compression == COMPRESSION_NONE || compression == COMPRESSION_LZW || compression == COMPRESSION_DEFLATE ||
           compression == COMPRESSION_OLD_DEFLATE || compression == COMPRESSION_PACKBITS;
}

uint64_t tiff_codec_limit(uint64_t compression, size_t size)
{
    uint64_t expansion = 1;

    if (compression == COMPRESSION_PACKBITS)
        expansion = 64; /* 128 bytes from 2 */
    else if (compression == COMPRESSION_LZW)
        expansion = LZW_CODES * 8 / LZW_SHORTEST + 1; /* each code's string is one byte longer than an earlier one's */
    else if (compression != COMPRESSION_NONE)
        expansion = 1032; /* 258 bytes from 2 bits */
    return size > UINT64_MAX / expansion ? UINT64_MAX : size * expansion;
}

/* ---- PackBits ---- */

/* Runs: a byte n from 0 to 127 and n + 1 bytes as they are, or from 129 to 255 and one byte to be repeated 257 - n times.
 * Returns the bytes written. */
static size_t packbits(unsigned char *out, size_t room, const unsigned char *in, size_t size)
{
    const unsigned char *end = in + size;
    size_t used = 0;

    while (used < room && end - in >= 2) {
        size_t n = *in++, fits = room - used;
        if (n == 128)
            continue;
        n = n < 128 ? n + 1 : 257 - n;
        if (n > fits)
            n = fits;
        if (in[-1] >= 128) {
            memset(out + used, *in++, n);
        } else {
            if ((size_t)(end - in) < n)
                n = (size_t)(end - in);
            memcpy(out + used, in, n);
            in += n;
        }
        used += n;
    }
    return used;
}

/* ---- LZW ---- */

/* The strings that codes stand for: the string of an earlier code and one byte more. */
typedef struct {
    uint16_t prefix[LZW_CODES], length[LZW_CODES];
    unsigned char last[LZW_CODES], first[LZW_CODES];
    unsigned count;
} LzwStrings;

static void lzw_clear(LzwStrings *s)
{
    for (unsigned i = 0; i < LZW_FIRST; i++) {
        s->prefix[i] = 0;
        s->length[i] = i < LZW_CLEAR;
        s->last[i] = s->first[i] = (unsigned char)(i & 255);
    }
    s->count = LZW_FIRST;
}

/* Adds the string of `code` followed by `byte`; a full table stays as it is until it is cleared. */
static void lzw_add(LzwStrings *s, unsigned code, unsigned char byte)
{
    if (s->count == LZW_CODES)
        return;
    s->prefix[s->count] = (uint16_t)code;
    s->length[s->count] = (uint16_t)(s->length[code] + 1);
    s->last[s->count] = byte;
    s->first[s->count] = s->first[code];
    s->count++;
}

/* Writes the string of `code` from its last byte to its first, as far as it fits; returns the bytes written. */
static size_t lzw_write(const LzwStrings *s, unsigned code, unsigned char *out, size_t room)
{
    size_t length = s->length[code], i = length;

    for (; i > room; i--)
        code = s->prefix[code];
    for (; i > 0; i--, code = s->prefix[code])
        out[i - 1] = s->last[code];
    return length < room ? length : room;
}

/* The input and its next bits, the first one highest of the `held` lowest in `bits`. */
typedef struct {
    const unsigned char *in;
    size_t size, at;
    uint64_t bits;
    unsigned held;
} LzwInput;

/* Sees to it that a code of `width` bits is held; returns 0 at the end of the input. */
static int lzw_refill(LzwInput *in, unsigned width)
{
    if (in->size - in->at >= 4) {
        in->bits = in->bits << 32 | get_u32be(in->in + in->at);
        in->at += 4;
        in->held += 32;
    }
    for (; in->held < width && in->at < in->size; in->held += 8)
        in->bits = in->bits << 8 | in->in[in->at++];
    return in->held >= width;
}

/* Codes of 9 to 12 bits, the first bit highest; one bit more from the moment the table holds 511, 1023, 2047 strings,
 * which is one earlier than needed ("early change"). Returns the bytes written; stops at a code that does not exist. */
static size_t lzw(unsigned char *out, size_t room, const unsigned char *data, size_t size)
{
    LzwStrings s;
    LzwInput in = {0};
    unsigned width = LZW_SHORTEST, previous = LZW_CLEAR, code;
    size_t used = 0;

    in.in = data;
    in.size = size;
    lzw_clear(&s);
    while (used < room) {
        if (in.held < width && !lzw_refill(&in, width))
            return used;
        in.held -= width;
        code = (unsigned)(in.bits >> in.held) & ((1u << width) - 1);
        if (code == LZW_END)
            return used;
        if (code == LZW_CLEAR) {
            lzw_clear(&s);
            width = LZW_SHORTEST;
        } else {
            if (previous != LZW_CLEAR)
                lzw_add(&s, previous, s.first[code < s.count ? code : previous]);
            if (code >= s.count)
                return used;
            used += lzw_write(&s, code, out + used, room - used);
        }
        previous = code;
        if (s.count + 1 >= 1u << width && width < LZW_LONGEST) /* the table grows by one at a time */
            width++;
    }
    return used;
}

/* ---- all ---- */

int tiff_decompress(unsigned char *out, size_t room, size_t needed, uint64_t compression, const unsigned char *in,
                    size_t size, const char *name, Error *e)
{
    size_t written = 0;
    int code = LAKE_OK;

    if (compression == COMPRESSION_PACKBITS) {
        written = packbits(out, room, in, size);
    } else if (compression == COMPRESSION_LZW) {
        if (size >= 2 && in[0] == 0 && (in[1] & 1) != 0)
            return error_set(e, LAKE_BAD_INPUT,
                             "%s: TIFF with LZW codes in the bit order of before 1992 is not read; convert it to PNG first",
                             name);
        written = lzw(out, room, in, size);
    } else {
        code = inflate_zlib(out, room, &written, in, size, name, e);
    }
    if (code == LAKE_OK && written < needed)
        code = error_set(e, LAKE_BAD_INPUT,
                         "%s: damaged TIFF: %llu bytes in a strip or tile of %llu: is the file cut off?", name,
                         (unsigned long long)written, (unsigned long long)needed);
    return code;
}

void tiff_undo_predictor(unsigned char *row, size_t pixels, size_t samples, unsigned bits, int big_endian)
{
    size_t count = pixels * samples, step = samples * 2;

    if (bits == 8) {
        for (size_t i = samples; i < count; i++)
            row[i] = (unsigned char)(row[i] + row[i - samples]);
        return;
    }
    for (unsigned char *p = row + step; p < row + count * 2; p += 2) {
        const unsigned char *before = p - step;
        unsigned sum = big_endian ? get_u16be(p) + get_u16be(before) : get_u16le(p) + get_u16le(before);
        p[big_endian] = (unsigned char)(sum & 255);
        p[!big_endian] = (unsigned char)(sum >> 8 & 255);
    }
}

void tiff_reverse_bits(unsigned char *out, const unsigned char *in, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned b = in[i];
        b = (b & 0x0f) << 4 | b >> 4;
        b = (b & 0x33) << 2 | (b >> 2 & 0x33);
        out[i] = (unsigned char)((b & 0x55) << 1 | (b >> 1 & 0x55));
    }
}
