/* Decompression of deflate streams: RFC 1951 (the format) and RFC 1950 (zlib's frame); gzip.c has RFC 1952.
 *
 * Bits are taken from the low end of a 64-bit buffer. Two loops decode a block: a fast one for as long as input and output
 * are so far from their ends that neither can be overrun, and a careful one, symbol by symbol, for the rest. */
#include "image/inflate.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "image/inflate_internal.h"

enum {
    MAX_MATCH = 258,
    FAST_INPUT = 16,                /* the fast loop refills twice a step, 8 bytes each time */
    FAST_OUTPUT = 2 + MAX_MATCH + 8 /* and writes up to two literals and a match, which goes in steps of 8 */
};

int inflate_damaged(const Inflate *s, const char *what)
{
    return error_set(s->e, LAKE_BAD_INPUT, "%s: damaged compressed data: %s", s->name, what);
}

int inflate_ended_early(const Inflate *s)
{
    return error_set(s->e, LAKE_BAD_INPUT, "%s: the compressed data ends early: is the file cut off?", s->name);
}

/* ---- input ---- */

/* Fills the buffer to at least 56 bits, or with all the input that is left. */
static inline void refill(Bits *b)
{
    while (b->count < 56 && b->in < b->end) {
        b->bits |= (uint64_t)*b->in++ << b->count;
        b->count += 8;
    }
}

/* The same in one step where at least 8 bytes are left. Bits above `count` are left in the buffer: they are
 * the input's next ones, and will be ORed onto themselves. */
static inline void refill_fast(Bits *b)
{
    b->bits |= get_u64le(b->in) << b->count;
    b->in += (63 - b->count) >> 3;
    b->count |= 56;
}

static inline void drop_bits(Bits *b, unsigned n)
{
    b->bits >>= n;
    b->count -= (int)n;
}

static uint32_t take_bits(Bits *b, unsigned n)
{
    uint32_t value;

    refill(b);
    value = (uint32_t)(b->bits & (((uint64_t)1 << n) - 1));
    drop_bits(b, n);
    return value;
}

/* Drops the rest of a byte that was begun and gives whole bytes in the buffer back to the input. */
static void align_to_byte(Bits *b)
{
    b->in -= b->count / 8;
    b->bits = 0;
    b->count = 0;
}

/* ---- output ---- */

/* Makes room for `more` bytes of output, by growth where the caller allows it. */
static int make_room(Inflate *s, size_t more)
{
    size_t wanted, larger;
    unsigned char *grown;

    if (more <= s->room - s->used)
        return LAKE_OK;
    if (!size_add(s->used, more, &wanted) || wanted > s->limit)
        return error_set(s->e, LAKE_BAD_INPUT, "%s: the compressed data holds more than the %llu bytes expected at most",
                         s->name, (unsigned long long)s->limit);
    larger = s->room > s->limit / 2 ? s->limit : s->room * 2;
    if (larger < wanted)
        larger = wanted;
    grown = realloc(s->out, larger + 1); /* one more for the 0 behind the end; limit is below SIZE_MAX */
    if (grown == NULL)
        return error_memory(s->e, s->name);
    s->out = grown;
    s->room = larger;
    return LAKE_OK;
}

/* Copies a match in steps of 8 bytes, up to 8 bytes more than asked for. Where the distance is shorter than a
 * step, the first 8 bytes go one by one; from then on the output repeats with any multiple of the distance. */
static inline void copy_match(unsigned char *out, size_t distance, size_t length)
{
    static const unsigned char multiple[8] = {0, 8, 8, 9, 8, 10, 12, 14}; /* the smallest one from 8 on */
    unsigned char *end = out + length;

    if (distance < 8) {
        for (int i = 0; i < 8; i++)
            out[i] = *(out + i - distance);
        out += 8;
        distance = multiple[distance];
    }
    for (; out < end; out += 8)
        memcpy(out, out - distance, 8);
}

/* ---- blocks ---- */

/* The second step for words longer than the table's first step. */
static inline uint32_t follow(Bits *b, const uint32_t *table, uint32_t entry)
{
    drop_bits(b, ENTRY_BITS(entry));
    return table[ENTRY_VALUE(entry) + (uint32_t)(b->bits & ((1u << ENTRY_EXTRA(entry)) - 1))];
}

/* Takes one code word. */
static inline uint32_t take_entry(Bits *b, const uint32_t *table, unsigned root)
{
    uint32_t entry = table[b->bits & ((1u << root) - 1)];

    if (entry & KIND_SUBTABLE)
        entry = follow(b, table, entry);
    drop_bits(b, ENTRY_BITS(entry));
    return entry;
}

/* A length or distance: the entry's base and its extra bits. */
static inline unsigned take_value(Bits *b, uint32_t entry)
{
    unsigned extra = ENTRY_EXTRA(entry), value = ENTRY_VALUE(entry) + (unsigned)(b->bits & ((1u << extra) - 1));

    drop_bits(b, extra);
    return value;
}

/* What stands for neither literal nor match: the end of the block, or no word of the code. */
static int special(const Inflate *s, uint32_t entry, int *done)
{
    if (ENTRY_VALUE(entry) != SPECIAL_END)
        return inflate_damaged(s, "a code word that its code does not have");
    *done = 1;
    return LAKE_OK;
}

/* Decodes up to the end of the block (*done) or until less input or output than the margins is left. Words
 * have at most 15 bits, extra bits are at most 5 and 13: 56 bits last for the literals and then a length, or
 * for a whole match. */
static int decode_fast(Inflate *s, int *done)
{
    Bits b = s->b;
    unsigned char *out = s->out + s->used;
    const unsigned char *in_stop = b.end - FAST_INPUT, *out_stop = s->out + s->room - FAST_OUTPUT;
    const uint32_t *literal = s->literal;
    const unsigned mask = (1u << LITERAL_ROOT) - 1;
    int code = LAKE_OK;

    while (b.in <= in_stop && out <= out_stop) {
        uint32_t entry, link;
        unsigned length, distance;

        refill_fast(&b);
        entry = literal[b.bits & mask];
        if (entry & KIND_LITERAL) {
            drop_bits(&b, ENTRY_BITS(entry));
            *out++ = (unsigned char)ENTRY_VALUE(entry);
            entry = literal[b.bits & mask];
            if (entry & KIND_LITERAL) {
                drop_bits(&b, ENTRY_BITS(entry));
                *out++ = (unsigned char)ENTRY_VALUE(entry);
                entry = literal[b.bits & mask];
            }
        }
        if (entry & KIND_SUBTABLE)
            entry = follow(&b, literal, entry);
        drop_bits(&b, ENTRY_BITS(entry));
        if (entry & KIND_LITERAL) {
            *out++ = (unsigned char)ENTRY_VALUE(entry);
            continue;
        }
        if (entry & KIND_SPECIAL) {
            code = special(s, entry, done);
            break;
        }
        length = take_value(&b, entry);
        refill_fast(&b);
        link = take_entry(&b, s->distance, DISTANCE_ROOT);
        if (link & KIND_SPECIAL) {
            code = inflate_damaged(s, "a code word that its code does not have");
            break;
        }
        distance = take_value(&b, link);
        if (distance > (size_t)(out - s->out) - s->start) {
            code = inflate_damaged(s, "a match reaches back before the beginning");
            break;
        }
        copy_match(out, distance, length);
        out += length;
    }
    s->b = b;
    s->used = (size_t)(out - s->out);
    return code;
}

/* Decodes one symbol, with every check. */
static int decode_careful(Inflate *s, int *done)
{
    uint32_t entry, link;
    unsigned length, distance;
    int code;

    refill(&s->b);
    entry = take_entry(&s->b, s->literal, LITERAL_ROOT);
    if (s->b.count < 0)
        return inflate_ended_early(s);
    if (entry & KIND_LITERAL) {
        code = make_room(s, 1);
        if (code == LAKE_OK)
            s->out[s->used++] = (unsigned char)ENTRY_VALUE(entry);
        return code;
    }
    if (entry & KIND_SPECIAL)
        return special(s, entry, done);
    length = take_value(&s->b, entry);
    link = take_entry(&s->b, s->distance, DISTANCE_ROOT);
    distance = take_value(&s->b, link);
    if (s->b.count < 0)
        return inflate_ended_early(s);
    if (link & KIND_SPECIAL)
        return inflate_damaged(s, "a code word that its code does not have");
    if (distance > s->used - s->start)
        return inflate_damaged(s, "a match reaches back before the beginning");
    code = make_room(s, length);
    if (code != LAKE_OK)
        return code;
    for (; length > 0; length--, s->used++)
        s->out[s->used] = s->out[s->used - distance];
    return LAKE_OK;
}

static int coded_block(Inflate *s)
{
    int code = LAKE_OK, done = 0;

    while (code == LAKE_OK && !done) {
        if (s->b.end - s->b.in >= FAST_INPUT && s->room - s->used >= FAST_OUTPUT)
            code = decode_fast(s, &done);
        else
            code = decode_careful(s, &done);
    }
    return code;
}

static int stored_block(Inflate *s)
{
    size_t length;
    int code;

    align_to_byte(&s->b);
    if (s->b.end - s->b.in < 4)
        return inflate_ended_early(s);
    length = get_u16le(s->b.in);
    if (length != (get_u16le(s->b.in + 2) ^ 0xffffu))
        return inflate_damaged(s, "the length of a stored block contradicts its complement");
    s->b.in += 4;
    if ((size_t)(s->b.end - s->b.in) < length)
        return inflate_ended_early(s);
    code = make_room(s, length);
    if (code != LAKE_OK)
        return code;
    memcpy(s->out + s->used, s->b.in, length);
    s->b.in += length;
    s->used += length;
    return LAKE_OK;
}

/* RFC 1951, 3.2.6. */
static void fixed_tables(Inflate *s)
{
    unsigned char lengths[LITERAL_SYMBOLS];

    if (s->fixed_ready)
        return;
    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    memset(lengths + 280, 8, 8);
    inflate_table(s->literal, LITERAL_ROOT, lengths, LITERAL_SYMBOLS, inflate_literal_meaning);
    memset(lengths, 5, DISTANCE_SYMBOLS);
    inflate_table(s->distance, DISTANCE_ROOT, lengths, DISTANCE_SYMBOLS, inflate_distance_meaning);
    s->fixed_ready = 1;
}

/* The lengths of both codes, one after the other, with runs written short (RFC 1951, 3.2.7). */
static int read_lengths(Inflate *s, const uint32_t *clen, unsigned char *lengths, unsigned total)
{
    unsigned n = 0;

    while (n < total) {
        uint32_t entry;
        unsigned symbol, repeat = 1, value;
        refill(&s->b);
        entry = take_entry(&s->b, clen, CLEN_ROOT);
        value = symbol = ENTRY_VALUE(entry);
        if (!(entry & KIND_LITERAL))
            return s->b.count < 0 ? inflate_ended_early(s) : inflate_damaged(s, "a code word that its code does not have");
        if (symbol >= 16) {
            if (symbol == 16 && n == 0)
                return inflate_damaged(s, "the first code length repeats one before it");
            value = symbol == 16 ? lengths[n - 1] : 0;
            repeat = symbol == 18 ? 11 + take_bits(&s->b, 7) : 3 + take_bits(&s->b, symbol == 16 ? 2 : 3);
        }
        if (s->b.count < 0)
            return inflate_ended_early(s);
        if (repeat > total - n)
            return inflate_damaged(s, "more code lengths than symbols");
        memset(lengths + n, (int)value, repeat);
        n += repeat;
    }
    return LAKE_OK;
}

/* The head of a block with codes of its own (RFC 1951, 3.2.7). */
static int dynamic_tables(Inflate *s)
{
    static const unsigned char order[CLEN_SYMBOLS] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    unsigned char lengths[LITERAL_SYMBOLS + DISTANCE_SYMBOLS] = {0};
    uint32_t clen[1 << CLEN_ROOT];
    unsigned literals = 257 + take_bits(&s->b, 5), distances = 1 + take_bits(&s->b, 5), clens = 4 + take_bits(&s->b, 4);
    int code;

    s->fixed_ready = 0;
    if (literals > 286 || distances > 30)
        return inflate_damaged(s, "codes with too many symbols");
    for (unsigned i = 0; i < clens; i++)
        lengths[order[i]] = (unsigned char)take_bits(&s->b, 3);
    if (s->b.count < 0)
        return inflate_ended_early(s);
    if (!inflate_table(clen, CLEN_ROOT, lengths, CLEN_SYMBOLS, inflate_clen_meaning))
        return inflate_damaged(s, "code lengths that are no code");
    code = read_lengths(s, clen, lengths, literals + distances);
    if (code != LAKE_OK)
        return code;
    if (lengths[256] == 0)
        return inflate_damaged(s, "a code without an end of block");
    if (!inflate_table(s->literal, LITERAL_ROOT, lengths, literals, inflate_literal_meaning) ||
        !inflate_table(s->distance, DISTANCE_ROOT, lengths + literals, distances, inflate_distance_meaning))
        return inflate_damaged(s, "code lengths that are no code");
    return LAKE_OK;
}

int inflate_stream(Inflate *s)
{
    int code = LAKE_OK, final = 0;

    while (code == LAKE_OK && !final) {
        unsigned type;
        final = (int)take_bits(&s->b, 1);
        type = take_bits(&s->b, 2);
        if (s->b.count < 0)
            return inflate_ended_early(s);
        if (type == 3)
            return inflate_damaged(s, "a block of unknown type");
        if (type == 0) {
            code = stored_block(s);
            continue;
        }
        if (type == 1)
            fixed_tables(s);
        else
            code = dynamic_tables(s);
        if (code == LAKE_OK)
            code = coded_block(s);
    }
    if (code == LAKE_OK) /* else more bits may have been taken than there are, and the pointer would leave the input */
        align_to_byte(&s->b);
    return code;
}

void inflate_start(Inflate *s, const unsigned char *in, size_t size, const char *name, Error *e)
{
    s->b.in = in;
    s->b.end = in + size;
    s->b.bits = 0;
    s->b.count = 0;
    s->start = s->used = 0;
    s->name = name;
    s->e = e;
    s->fixed_ready = 0;
}

int inflate_zlib(unsigned char *out, size_t out_size, size_t *written, const unsigned char *in, size_t size,
                 const char *name, Error *e)
{
    Inflate s;
    int code;

    *written = 0;
    if (size < 2)
        return error_set(e, LAKE_BAD_INPUT, "%s: the compressed data ends early: is the file cut off?", name);
    if ((in[0] & 15) != 8 || in[0] >> 4 > 7 || get_u16be(in) % 31 != 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: damaged compressed data: no zlib header", name);
    if (in[1] & 32)
        return error_set(e, LAKE_BAD_INPUT, "%s: the compressed data needs a preset dictionary, which is not supported",
                         name);
    inflate_start(&s, in + 2, size - 2, name, e);
    s.out = out;
    s.room = s.limit = out_size;
    code = inflate_stream(&s);
    if (code != LAKE_OK)
        return code;
    if (s.b.end - s.b.in < 4)
        return inflate_ended_early(&s);
    if (get_u32be(s.b.in) != adler32_update(1, out, s.used))
        return inflate_damaged(&s, "its checksum (Adler-32) does not match");
    *written = s.used;
    return LAKE_OK;
}
