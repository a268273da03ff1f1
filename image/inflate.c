/* Decompression of deflate streams: RFC 1951 (the format), RFC 1950 (zlib's frame), RFC 1952 (gzip's frame).
 *
 * Bits are taken from the low end of a 64-bit buffer. A code word is looked up in a table indexed by the
 * next few bits of input; words longer than that lead on to a second table. Two loops decode a block: a fast
 * one for as long as input and output are so far from their ends that neither can be overrun, and a careful
 * one, symbol by symbol, for the rest. */
#include "image/inflate.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"

enum {
    MAX_BITS = 15,         /* longest code word */
    LITERAL_SYMBOLS = 288, /* literals, end of block, match lengths; two that only complete the fixed code */
    DISTANCE_SYMBOLS = 32,
    CLEN_SYMBOLS = 19,     /* the code that the lengths of the two other codes are written in */
    LITERAL_ROOT = 11,     /* bits looked up in the first step */
    DISTANCE_ROOT = 8,
    CLEN_ROOT = 7,
    MAX_MATCH = 258,
    FAST_INPUT = 16,                /* the fast loop refills twice a step, 8 bytes each time */
    FAST_OUTPUT = 2 + MAX_MATCH + 8 /* and writes up to two literals and a match, which goes in steps of 8 */
};

/* Room for the tables. Codes with words longer than ROOT are complete, so a second table serves at least two
 * words and there are at most symbols / 2 of them, each of at most 2^(MAX_BITS - ROOT) entries. */
enum {
    LITERAL_TABLE = (1 << LITERAL_ROOT) + LITERAL_SYMBOLS / 2 * (1 << (MAX_BITS - LITERAL_ROOT)),
    DISTANCE_TABLE = (1 << DISTANCE_ROOT) + DISTANCE_SYMBOLS / 2 * (1 << (MAX_BITS - DISTANCE_ROOT))
};

/* A table entry: bits 0-5 how many bits of input it uses up; bits 8-11 how many extra bits follow; bits 12-14
 * its kind, none of them for a length or distance; bits 16-31 the literal, or the base of the length or
 * distance, or where the second table starts, whose index then has `extra` bits. */
enum { KIND_LITERAL = 1 << 12, KIND_SPECIAL = 1 << 13, KIND_SUBTABLE = 1 << 14 };
#define ENTRY(value, extra, kind) ((uint32_t)(value) << 16 | (uint32_t)(kind) | (uint32_t)(extra) << 8)
#define ENTRY_BITS(entry) ((entry) & 63)
#define ENTRY_EXTRA(entry) ((entry) >> 8 & 15)
#define ENTRY_VALUE(entry) ((entry) >> 16)

enum { SPECIAL_END = 0, SPECIAL_NO_CODE = 1 }; /* values of KIND_SPECIAL: end of block; bits that are no word */

/* The input and its next bits, the first one lowest in `bits`; `count` of them are accounted for. Where more
 * were taken than there are, zeros came and count is negative. */
typedef struct {
    const unsigned char *in, *end;
    uint64_t bits;
    int count;
} Bits;

typedef struct {
    Bits b;
    unsigned char *out;
    size_t start;      /* where this stream's output begins: matches cannot reach before it */
    size_t used, room; /* bytes in out, bytes that fit */
    size_t limit;      /* out may be reallocated up to this size; equal to room for a caller's buffer */
    const char *name;
    Error *e;
    int fixed_ready; /* 1 while the tables hold the fixed code */
    uint32_t literal[LITERAL_TABLE];
    uint32_t distance[DISTANCE_TABLE];
} Inflate;

static int damaged(const Inflate *s, const char *what)
{
    return error_set(s->e, LAKE_BAD_INPUT, "%s: damaged compressed data: %s", s->name, what);
}

static int ended_early(const Inflate *s)
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

/* ---- code tables ---- */

/* What the symbols of the codes mean (RFC 1951, 3.2.5), as entries that lack their bit count. */
static uint32_t literal_meaning(unsigned symbol)
{
    static const unsigned short base[29] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                            31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};

    if (symbol < 256)
        return ENTRY(symbol, 0, KIND_LITERAL);
    if (symbol == 256)
        return ENTRY(SPECIAL_END, 0, KIND_SPECIAL);
    if (symbol > 285)
        return ENTRY(SPECIAL_NO_CODE, 0, KIND_SPECIAL);
    symbol -= 257;
    return ENTRY(base[symbol], symbol < 8 || symbol == 28 ? 0 : symbol / 4 - 1, 0);
}

static uint32_t distance_meaning(unsigned symbol)
{
    unsigned extra = symbol < 4 ? 0 : symbol / 2 - 1;

    if (symbol > 29)
        return ENTRY(SPECIAL_NO_CODE, 0, KIND_SPECIAL);
    return symbol < 4 ? ENTRY(symbol + 1, 0, 0) : ENTRY(((2 + (symbol & 1)) << extra) + 1, extra, 0);
}

static uint32_t clen_meaning(unsigned symbol)
{
    return ENTRY(symbol, 0, KIND_LITERAL);
}

/* The n bits of a word in reverse order: Huffman words arrive with their highest bit first. */
static unsigned reverse_bits(unsigned word, unsigned n)
{
    unsigned reversed = 0;

    for (; n > 0; n--, word >>= 1)
        reversed = reversed << 1 | (word & 1);
    return reversed;
}

/* Lists the symbols that have a word in the order of the words: by length, then by number (canonical Huffman,
 * RFC 1951, 3.2.2). first[n] becomes the first word of n bits, *used the number of words. Returns the longest
 * length, or -1 where the lengths are no prefix code: more words than bits can tell apart, or bit patterns
 * left over. The latter is fine only for a code of one word of one bit and for a code without words. */
static int order_words(unsigned short *order, unsigned *first, unsigned *used, const unsigned char *lengths, unsigned symbols)
{
    unsigned count[MAX_BITS + 1] = {0}, start[MAX_BITS + 1], n, symbol;
    int longest = 0;
    long left = 1;

    for (symbol = 0; symbol < symbols; symbol++)
        count[lengths[symbol]]++;
    count[0] = 0;
    first[0] = 0;
    *used = 0;
    for (n = 1; n <= MAX_BITS; n++) {
        first[n] = (first[n - 1] + count[n - 1]) << 1;
        start[n] = *used;
        *used += count[n];
        left = left * 2 - (long)count[n];
        if (left < 0)
            return -1;
        if (count[n] > 0)
            longest = (int)n;
    }
    if (left > 0 && longest > 1)
        return -1;
    for (symbol = 0; symbol < symbols; symbol++)
        if (lengths[symbol] > 0)
            order[start[lengths[symbol]]++] = (unsigned short)symbol;
    return longest;
}

/* Builds the table of the code whose word for symbol i has lengths[i] bits, 0 for none. All second tables are
 * as wide as the longest word asks for. Returns 0 where the lengths are no code. */
static int build_table(uint32_t *table, unsigned root, const unsigned char *lengths, unsigned symbols,
                       uint32_t (*meaning)(unsigned symbol))
{
    unsigned short order[LITERAL_SYMBOLS];
    unsigned next[MAX_BITS + 1], used, size = 1u << root, i, k;
    int longest = order_words(order, next, &used, lengths, symbols);

    if (longest < 0)
        return 0;
    for (i = 0; i < size; i++)
        table[i] = ENTRY(SPECIAL_NO_CODE, 0, KIND_SPECIAL) | 1;
    for (k = 0; k < used; k++) {
        unsigned n = lengths[order[k]], word = reverse_bits(next[n]++, n), width = root;
        uint32_t *part = table;
        if (n > root) { /* belongs in the second table behind its first `root` bits */
            uint32_t *link = &table[word & ((1u << root) - 1)];
            width = (unsigned)longest - root;
            if (!(*link & KIND_SUBTABLE)) {
                *link = ENTRY(size, width, KIND_SPECIAL | KIND_SUBTABLE) | root;
                size += 1u << width;
            }
            part = table + ENTRY_VALUE(*link);
            word >>= root;
            n -= root;
        }
        for (i = word; i < 1u << width; i += 1u << n)
            part[i] = meaning(order[k]) | n;
    }
    return 1;
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
        return damaged(s, "a code word that its code does not have");
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
            code = damaged(s, "a code word that its code does not have");
            break;
        }
        distance = take_value(&b, link);
        if (distance > (size_t)(out - s->out) - s->start) {
            code = damaged(s, "a match reaches back before the beginning");
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
        return ended_early(s);
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
        return ended_early(s);
    if (link & KIND_SPECIAL)
        return damaged(s, "a code word that its code does not have");
    if (distance > s->used - s->start)
        return damaged(s, "a match reaches back before the beginning");
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
        return ended_early(s);
    length = get_u16le(s->b.in);
    if (length != (get_u16le(s->b.in + 2) ^ 0xffffu))
        return damaged(s, "the length of a stored block contradicts its complement");
    s->b.in += 4;
    if ((size_t)(s->b.end - s->b.in) < length)
        return ended_early(s);
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
    build_table(s->literal, LITERAL_ROOT, lengths, LITERAL_SYMBOLS, literal_meaning);
    memset(lengths, 5, DISTANCE_SYMBOLS);
    build_table(s->distance, DISTANCE_ROOT, lengths, DISTANCE_SYMBOLS, distance_meaning);
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
            return s->b.count < 0 ? ended_early(s) : damaged(s, "a code word that its code does not have");
        if (symbol >= 16) {
            if (symbol == 16 && n == 0)
                return damaged(s, "the first code length repeats one before it");
            value = symbol == 16 ? lengths[n - 1] : 0;
            repeat = symbol == 18 ? 11 + take_bits(&s->b, 7) : 3 + take_bits(&s->b, symbol == 16 ? 2 : 3);
        }
        if (s->b.count < 0)
            return ended_early(s);
        if (repeat > total - n)
            return damaged(s, "more code lengths than symbols");
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
        return damaged(s, "codes with too many symbols");
    for (unsigned i = 0; i < clens; i++)
        lengths[order[i]] = (unsigned char)take_bits(&s->b, 3);
    if (s->b.count < 0)
        return ended_early(s);
    if (!build_table(clen, CLEN_ROOT, lengths, CLEN_SYMBOLS, clen_meaning))
        return damaged(s, "code lengths that are no code");
    code = read_lengths(s, clen, lengths, literals + distances);
    if (code != LAKE_OK)
        return code;
    if (lengths[256] == 0)
        return damaged(s, "a code without an end of block");
    if (!build_table(s->literal, LITERAL_ROOT, lengths, literals, literal_meaning) ||
        !build_table(s->distance, DISTANCE_ROOT, lengths + literals, distances, distance_meaning))
        return damaged(s, "code lengths that are no code");
    return LAKE_OK;
}

/* One deflate stream, up to and including its last block; the input then stands at the next whole byte. */
static int inflate_stream(Inflate *s)
{
    int code = LAKE_OK, final = 0;

    while (code == LAKE_OK && !final) {
        unsigned type;
        final = (int)take_bits(&s->b, 1);
        type = take_bits(&s->b, 2);
        if (s->b.count < 0)
            return ended_early(s);
        if (type == 3)
            return damaged(s, "a block of unknown type");
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
    align_to_byte(&s->b);
    return code;
}

static void start(Inflate *s, const unsigned char *in, size_t size, const char *name, Error *e)
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
        return error_set(e, LAKE_BAD_INPUT, "%s: the compressed data needs a preset dictionary, which is not supported", name);
    start(&s, in + 2, size - 2, name, e);
    s.out = out;
    s.room = s.limit = out_size;
    code = inflate_stream(&s);
    if (code != LAKE_OK)
        return code;
    if (s.b.end - s.b.in < 4)
        return ended_early(&s);
    if (get_u32be(s.b.in) != adler32_update(1, out, s.used))
        return damaged(&s, "its checksum (Adler-32) does not match");
    *written = s.used;
    return LAKE_OK;
}

/* ---- gzip ---- */

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
        return ended_early(s);
    flags = header[3];
    if (header[2] != 8 || flags & RESERVED)
        return damaged(s, "a gzip header with an unknown method or flag");
    s->b.in += 10;
    if (flags & EXTRA) {
        if (s->b.end - s->b.in < 2 || s->b.end - s->b.in - 2 < get_u16le(s->b.in))
            return ended_early(s);
        s->b.in += 2 + get_u16le(s->b.in);
    }
    if ((flags & NAME && !skip_text(&s->b)) || (flags & COMMENT && !skip_text(&s->b)))
        return ended_early(s);
    if (flags & HEADER_CRC) {
        if (s->b.end - s->b.in < 2)
            return ended_early(s);
        if (get_u16le(s->b.in) != (crc32_update(0, header, (size_t)(s->b.in - header)) & 0xffff))
            return damaged(s, "the checksum of a gzip header does not match");
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
        return ended_early(s);
    if (get_u32le(s->b.in) != crc32_update(0, s->out + s->start, s->used - s->start))
        return damaged(s, "its checksum (CRC-32) does not match");
    if (get_u32le(s->b.in + 4) != ((s->used - s->start) & 0xffffffffu))
        return damaged(s, "its length is not the one that it states");
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
    start(&s, in, size, name, e);
    s.limit = limit < SIZE_MAX ? limit : SIZE_MAX - 1;
    s.room = size < s.limit / 4 ? size * 4 : s.limit; /* a guess; grows with what really comes out */
    s.out = malloc(s.room + 1);
    if (s.out == NULL)
        return error_memory(e, name);
    while (code == LAKE_OK && !only_zeros(&s.b)) {
        if (s.b.end - s.b.in < 2 || s.b.in[0] != 0x1f || s.b.in[1] != 0x8b)
            code = damaged(&s, "something other than gzip follows behind it");
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
