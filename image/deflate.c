/* Compression to a zlib stream: RFC 1950 (the frame) and RFC 1951 (deflate).
 *
 * LZ77 finds repeats within the last 32 KiB through chains of positions with equal hashes; "lazy matching"
 * emits a literal instead of a match where a longer match begins at the next byte. The symbols are gathered
 * into blocks, and each block is written in the smallest of the three ways there are: codes of its own, the
 * fixed codes, or stored. huffman_lengths.c finds the best codes with words of at most 15 bits. The limits of the
 * search are near those of zlib's level 6 (its deflate.c, configuration_table), and so are the sizes of the results. */
#include "image/deflate.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "image/huffman_lengths.h"

enum {
    WINDOW = 32768,
    MIN_MATCH = 3,
    MAX_MATCH = 258,
    HASH_BITS = 15,
    GOOD_MATCH = 8,    /* with a match of this length in hand the next position is searched a quarter as long */
    LAZY_MATCH = 16,   /* with one this long it is not searched at all */
    NICE_MATCH = 128,  /* a match this long ends the search */
    MAX_CHAIN = 32,    /* candidates looked at for one position */
    SHORT_MATCH = 8,   /* a match below this length is weighed against its literals */
    WORTH_BITS = 3,    /* and must save more than so many bits */
    RARE_PRICE = 12,   /* assumed bits of a symbol that did not occur */
    BLOCK_SYMBOLS = 16384,
    MAX_BITS = 15,
    CLEN_MAX_BITS = 7, /* longest word of the code that code lengths are written in */
    LITERALS = 286,
    DISTANCES = 30,
    CLENS = 19,
    END_OF_BLOCK = 256
};

/* One symbol of the LZ77 stage: a literal where distance is 0, else a match. */
typedef struct {
    unsigned short value; /* the literal, or the match's length */
    unsigned short distance;
} Symbol;

/* A Huffman code: lengths[i] bits, 0 for none, and the word of symbol i, lowest bit first to go out. */
typedef struct {
    unsigned char lengths[LITERALS + 2]; /* the fixed code has two symbols that never occur */
    unsigned short words[LITERALS + 2];
} Code;

/* Code lengths with runs written short: symbols 0-15 are lengths, 16-18 repeats with extra bits. */
typedef struct {
    unsigned char symbol[LITERALS + DISTANCES], extra[LITERALS + DISTANCES];
    unsigned count;
} Runs;

typedef struct {
    const unsigned char *in;
    size_t size;
    uint32_t *head;     /* [1 << HASH_BITS] the latest position with a hash, plus 1; 0 for none */
    uint32_t *previous; /* [WINDOW] the position before with the same hash, plus 1, by position % WINDOW */
    Symbol *symbols;    /* [BLOCK_SYMBOLS] of the block being gathered */
    size_t count;
    size_t block_start; /* its first byte in `in` */
    unsigned char literal_price[LITERALS], distance_price[DISTANCES]; /* bits per symbol in the block before */
    unsigned char *out;
    size_t used, room;
    uint64_t bits; /* not yet in out, the first one lowest */
    unsigned bit_count;
    Error *e;
} Deflate;

/* ---- output ---- */

static int make_room(Deflate *d, size_t more)
{
    size_t wanted, larger = d->room > SIZE_MAX / 2 ? SIZE_MAX : d->room * 2;
    unsigned char *grown;

    if (!size_add(d->used, more, &wanted))
        return error_memory(d->e, "compressed data");
    if (wanted <= d->room)
        return LAKE_OK;
    if (larger < wanted)
        larger = wanted;
    grown = realloc(d->out, larger);
    if (grown == NULL)
        return error_memory(d->e, "compressed data");
    d->out = grown;
    d->room = larger;
    return LAKE_OK;
}

/* Appends n (at most 32) bits; room was made before. */
static inline void put_bits(Deflate *d, uint32_t value, unsigned n)
{
    d->bits |= (uint64_t)value << d->bit_count;
    d->bit_count += n;
    if (d->bit_count >= 32) {
        put_u32le(d->out + d->used, (uint32_t)(d->bits & 0xffffffffu));
        d->used += 4;
        d->bits >>= 32;
        d->bit_count -= 32;
    }
}

static void flush_to_byte(Deflate *d)
{
    for (; d->bit_count > 0; d->bit_count -= d->bit_count < 8 ? d->bit_count : 8) {
        d->out[d->used++] = (unsigned char)(d->bits & 0xff);
        d->bits >>= 8;
    }
}

/* ---- symbols of lengths and distances: RFC 1951, 3.2.5 ---- */

/* The position of the highest bit set; v is at least 1. */
static unsigned log2_floor(unsigned v)
{
    unsigned n = 0;

    while (v >>= 1)
        n++;
    return n;
}

/* Symbol for a match length (3 to 258) and its extra bits: groups of four symbols whose spans double. */
static unsigned length_symbol(unsigned length, unsigned *extra_bits, unsigned *extra)
{
    unsigned v = length - MIN_MATCH, n;

    *extra_bits = *extra = 0;
    if (length == MAX_MATCH)
        return 285;
    if (v < 8)
        return 257 + v;
    n = log2_floor(v) - 2;
    *extra_bits = n;
    *extra = v & ((1u << n) - 1);
    return 257 + 4 * n + (v >> n);
}

/* The same for a distance (1 to 32768): groups of two. */
static unsigned distance_symbol(unsigned distance, unsigned *extra_bits, unsigned *extra)
{
    unsigned v = distance - 1, n;

    *extra_bits = *extra = 0;
    if (v < 4)
        return v;
    n = log2_floor(v) - 1;
    *extra_bits = n;
    *extra = v & ((1u << n) - 1);
    return 2 * n + (v >> n);
}

/* ---- Huffman codes ---- */

/* The canonical words (RFC 1951, 3.2.2), turned so that their first bit is the lowest. */
static void assign_words(Code *code, unsigned symbols)
{
    unsigned word = 0;

    for (unsigned n = 1; n <= MAX_BITS; n++, word <<= 1) {
        for (unsigned symbol = 0; symbol < symbols; symbol++) {
            unsigned reversed = 0;
            if (code->lengths[symbol] != n)
                continue;
            for (unsigned i = 0; i < n; i++)
                reversed |= (word >> i & 1) << (n - 1 - i);
            code->words[symbol] = (unsigned short)reversed;
            word++;
        }
    }
}

/* The best code for symbols that occur so often. */
static void build_code(Code *code, const uint32_t *frequency, unsigned symbols, unsigned max_bits)
{
    memset(code, 0, sizeof *code);
    huffman_lengths(code->lengths, frequency, symbols, max_bits);
    assign_words(code, symbols);
}

/* RFC 1951, 3.2.6. */
static void fixed_codes(Code *literal, Code *distance)
{
    memset(literal->lengths, 8, 144);
    memset(literal->lengths + 144, 9, 112);
    memset(literal->lengths + 256, 7, 24);
    memset(literal->lengths + 280, 8, 8);
    assign_words(literal, 288);
    memset(distance->lengths, 5, DISTANCES);
    assign_words(distance, DISTANCES);
}

/* ---- blocks ---- */

/* How often each symbol occurs in the block; returns how many extra bits its matches need. */
static size_t count_symbols(const Deflate *d, uint32_t *literal, uint32_t *distance)
{
    size_t extra_total = 0;

    memset(literal, 0, LITERALS * sizeof *literal);
    memset(distance, 0, DISTANCES * sizeof *distance);
    literal[END_OF_BLOCK] = 1;
    for (size_t i = 0; i < d->count; i++) {
        unsigned bits, extra;
        if (d->symbols[i].distance == 0) {
            literal[d->symbols[i].value]++;
            continue;
        }
        literal[length_symbol(d->symbols[i].value, &bits, &extra)]++;
        extra_total += bits;
        distance[distance_symbol(d->symbols[i].distance, &bits, &extra)]++;
        extra_total += bits;
    }
    return extra_total;
}

static size_t cost(const Code *code, const uint32_t *frequency, unsigned symbols)
{
    size_t bits = 0;

    for (unsigned i = 0; i < symbols; i++)
        bits += (size_t)code->lengths[i] * frequency[i];
    return bits;
}

/* Writes the lengths of both codes short (RFC 1951, 3.2.7): 16 repeats the last length 3 to 6 times, 17 and 18
 * stand for 3 to 10 and 11 to 138 zeros. */
static void find_runs(Runs *runs, const unsigned char *lengths, unsigned total)
{
    runs->count = 0;
    for (unsigned i = 0, run; i < total; i += run) {
        unsigned symbol = lengths[i], extra = 0;
        for (run = 1; i + run < total && lengths[i + run] == lengths[i]; run++)
            ;
        if (symbol == 0 && run >= 3) {
            run = run < 138 ? run : 138;
            symbol = run < 11 ? 17 : 18;
            extra = run - (run < 11 ? 3 : 11);
        } else if (i > 0 && symbol == lengths[i - 1] && run >= 3) {
            run = run < 6 ? run : 6;
            symbol = 16;
            extra = run - 3;
        } else {
            run = 1;
        }
        runs->symbol[runs->count] = (unsigned char)symbol;
        runs->extra[runs->count++] = (unsigned char)extra;
    }
}

static unsigned run_extra_bits(unsigned symbol)
{
    return symbol == 16 ? 2 : symbol == 17 ? 3 : symbol == 18 ? 7 : 0;
}

/* The head of a block with codes of its own: everything it needs, and its size in bits. */
typedef struct {
    Runs runs;
    Code code;
    unsigned literals, distances, clens; /* how many lengths of each code are written; the rest are zeros */
    size_t bits;
} Head;

static const unsigned char clen_order[CLENS] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};

static void make_head(Head *head, const Code *literal, const Code *distance)
{
    unsigned char lengths[LITERALS + DISTANCES];
    uint32_t frequency[CLENS] = {0};

    for (head->literals = LITERALS; literal->lengths[head->literals - 1] == 0; head->literals--)
        ; /* ends at END_OF_BLOCK at the latest */
    for (head->distances = DISTANCES; head->distances > 1 && distance->lengths[head->distances - 1] == 0; head->distances--)
        ;
    memcpy(lengths, literal->lengths, head->literals);
    memcpy(lengths + head->literals, distance->lengths, head->distances);
    find_runs(&head->runs, lengths, head->literals + head->distances);
    head->bits = 5 + 5 + 4;
    for (unsigned i = 0; i < head->runs.count; i++) {
        frequency[head->runs.symbol[i]]++;
        head->bits += run_extra_bits(head->runs.symbol[i]);
    }
    build_code(&head->code, frequency, CLENS, CLEN_MAX_BITS);
    for (head->clens = CLENS; head->clens > 4 && head->code.lengths[clen_order[head->clens - 1]] == 0; head->clens--)
        ;
    head->bits += 3 * head->clens + cost(&head->code, frequency, CLENS);
}

static void put_head(Deflate *d, const Head *head)
{
    put_bits(d, head->literals - 257, 5);
    put_bits(d, head->distances - 1, 5);
    put_bits(d, head->clens - 4, 4);
    for (unsigned i = 0; i < head->clens; i++)
        put_bits(d, head->code.lengths[clen_order[i]], 3);
    for (unsigned i = 0; i < head->runs.count; i++) {
        unsigned symbol = head->runs.symbol[i];
        put_bits(d, head->code.words[symbol], head->code.lengths[symbol]);
        put_bits(d, head->runs.extra[i], run_extra_bits(symbol));
    }
}

static void put_symbols(Deflate *d, const Code *literal, const Code *distance)
{
    for (size_t i = 0; i < d->count; i++) {
        unsigned symbol = d->symbols[i].value, bits, extra;
        if (d->symbols[i].distance == 0) {
            put_bits(d, literal->words[symbol], literal->lengths[symbol]);
            continue;
        }
        symbol = length_symbol(symbol, &bits, &extra);
        put_bits(d, literal->words[symbol], literal->lengths[symbol]);
        put_bits(d, extra, bits);
        symbol = distance_symbol(d->symbols[i].distance, &bits, &extra);
        put_bits(d, distance->words[symbol], distance->lengths[symbol]);
        put_bits(d, extra, bits);
    }
    put_bits(d, literal->words[END_OF_BLOCK], literal->lengths[END_OF_BLOCK]);
}

static void put_stored(Deflate *d, const unsigned char *data, size_t size, int final)
{
    do {
        size_t part = size < 65535 ? size : 65535;
        size -= part;
        put_bits(d, final && size == 0, 3);
        flush_to_byte(d);
        put_u16le(d->out + d->used, (uint16_t)part);
        put_u16le(d->out + d->used + 2, (uint16_t)(part ^ 0xffff));
        memcpy(d->out + d->used + 4, data, part);
        d->used += 4 + part;
        data += part;
    } while (size > 0);
}

/* Remembers what symbols cost, for is_worth_it. */
static void set_prices(unsigned char *prices, const Code *code, unsigned symbols)
{
    for (unsigned i = 0; i < symbols; i++)
        prices[i] = code->lengths[i] > 0 ? code->lengths[i] : RARE_PRICE;
}

/* Writes the gathered symbols, which stand for the input from block_start to `end`, the smallest way. */
static int write_block(Deflate *d, size_t end, int final)
{
    uint32_t literal_frequency[LITERALS], distance_frequency[DISTANCES];
    Code literal, distance, fixed_literal, fixed_distance;
    Head head;
    size_t extra = count_symbols(d, literal_frequency, distance_frequency), span = end - d->block_start;
    size_t own, fixed, stored = 8 * span + 40 * (span / 65535 + 1);
    int code;

    build_code(&literal, literal_frequency, LITERALS, MAX_BITS);
    build_code(&distance, distance_frequency, DISTANCES, MAX_BITS);
    make_head(&head, &literal, &distance);
    fixed_codes(&fixed_literal, &fixed_distance);
    own = head.bits + extra + cost(&literal, literal_frequency, LITERALS) + cost(&distance, distance_frequency, DISTANCES);
    fixed = extra + cost(&fixed_literal, literal_frequency, LITERALS) + cost(&fixed_distance, distance_frequency, DISTANCES);

    code = make_room(d, (own < fixed ? (own < stored ? own : stored) : fixed < stored ? fixed : stored) / 8 + 32);
    if (code != LAKE_OK)
        return code;
    if (stored < own && stored < fixed) {
        put_stored(d, d->in + d->block_start, span, final);
    } else if (fixed <= own) {
        put_bits(d, (uint32_t)final | 1 << 1, 3);
        put_symbols(d, &fixed_literal, &fixed_distance);
    } else {
        put_bits(d, (uint32_t)final | 2 << 1, 3);
        put_head(d, &head);
        put_symbols(d, &literal, &distance);
    }
    set_prices(d->literal_price, &literal, LITERALS);
    set_prices(d->distance_price, &distance, DISTANCES);
    d->count = 0;
    d->block_start = end;
    return LAKE_OK;
}

/* ---- LZ77 ---- */

typedef struct {
    unsigned length, distance; /* 0 for no match */
} Match;

/* Whether a short match takes fewer bits than the bytes it stands for, as literals, going by the block before.
 * In filtered photographs, whose literals are cheap, most do not. The demand for a gain of some bits keeps out
 * of a trap: many matches make literals rare, hence dear, and that lets still more matches look good. */
static int is_worth_it(const Deflate *d, const unsigned char *bytes, Match match)
{
    unsigned bits, extra, literals = 0, price;

    for (unsigned i = 0; i < match.length; i++)
        literals += d->literal_price[bytes[i]];
    price = d->literal_price[length_symbol(match.length, &bits, &extra)]; /* so short a length has no extra bits */
    price += d->distance_price[distance_symbol(match.distance, &bits, &extra)];
    return price + bits + WORTH_BITS < literals;
}

/* The hash chain of the three bytes at p. */
static inline uint32_t *chain(const Deflate *d, const unsigned char *p)
{
    uint32_t three = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;

    return &d->head[three * UINT32_C(0x9e3779b1) >> (32 - HASH_BITS)];
}

static inline void insert(Deflate *d, size_t position)
{
    if (d->size - position >= MIN_MATCH) {
        uint32_t *head = chain(d, d->in + position);
        d->previous[position % WINDOW] = *head;
        *head = (uint32_t)((position + 1) & 0xffffffffu);
    }
}

/* How many bytes at a and b agree, at most `limit`. */
static inline unsigned common_length(const unsigned char *a, const unsigned char *b, unsigned limit)
{
    unsigned n = 0;

    while (n + 8 <= limit && memcmp(a + n, b + n, 8) == 0)
        n += 8;
    while (n < limit && a[n] == b[n])
        n++;
    return n;
}

/* The longest match for `position` among the positions inserted before, if it is longer than `longer_than`.
 * Positions are kept as 32 bits; distances along a chain only grow, so what has been overwritten or wrapped
 * around since shows by a distance that does not, and bytes are compared in any case. */
static Match find_match(const Deflate *d, size_t position, unsigned longer_than, unsigned tries)
{
    const unsigned char *here = d->in + position;
    unsigned limit = d->size - position < MAX_MATCH ? (unsigned)(d->size - position) : MAX_MATCH;
    unsigned best = longer_than < MIN_MATCH - 1 ? MIN_MATCH - 1 : longer_than;
    uint32_t distance = 0, candidate;
    Match match = {0, 0};

    if (limit <= best)
        return match;
    candidate = *chain(d, here);
    for (; tries > 0 && candidate != 0; tries--) {
        uint32_t farther = (uint32_t)((position + 1) & 0xffffffffu) - candidate;
        const unsigned char *there;
        if (farther <= distance || farther > WINDOW || farther > position)
            break;
        distance = farther;
        there = here - distance;
        if (there[best] == here[best] && there[best - 1] == here[best - 1]) {
            unsigned length = common_length(here, there, limit);
            if (length > best) {
                match.length = best = length;
                match.distance = distance;
                if (length >= NICE_MATCH || length == limit)
                    break;
            }
        }
        candidate = d->previous[(position - distance) % WINDOW];
    }
    if (match.length < SHORT_MATCH && match.length > 0 && !is_worth_it(d, here, match))
        match.length = 0;
    return match;
}

/* Appends a symbol to the block; `end` is where the input that it stands for ends. */
static int emit(Deflate *d, unsigned value, unsigned distance, size_t end)
{
    d->symbols[d->count].value = (unsigned short)value;
    d->symbols[d->count++].distance = (unsigned short)distance;
    return d->count == BLOCK_SYMBOLS ? write_block(d, end, 0) : LAKE_OK;
}

/* At every position the match found there competes with the one held from the position before: if it is
 * longer, the byte before becomes a literal, else the held match is taken. */
static int compress(Deflate *d)
{
    Match held = {0, 0};
    size_t position = 0;
    int pending = 0, code = LAKE_OK; /* pending: the byte before position is not yet emitted */

    while (position < d->size && code == LAKE_OK) {
        Match match = {0, 0};
        if (held.length < LAZY_MATCH)
            match = find_match(d, position, held.length, held.length >= GOOD_MATCH ? MAX_CHAIN / 4 : MAX_CHAIN);
        insert(d, position);
        if (held.length > 0 && match.length <= held.length) {
            size_t end = position - 1 + held.length;
            while (++position < end)
                insert(d, position);
            code = emit(d, held.length, held.distance, end);
            held.length = 0;
            pending = 0;
        } else {
            if (pending)
                code = emit(d, d->in[position - 1], 0, position);
            held = match;
            pending = 1;
            position++;
        }
    }
    if (pending && code == LAKE_OK)
        code = emit(d, d->in[d->size - 1], 0, d->size);
    return code == LAKE_OK ? write_block(d, d->size, 1) : code;
}

int deflate_zlib(unsigned char **out, size_t *out_size, const unsigned char *in, size_t size, Error *e)
{
    Deflate d = {0};
    int code = LAKE_OK;

    *out = NULL;
    *out_size = 0;
    d.in = in;
    d.size = size;
    d.e = e;
    d.room = size / 2 + 64;
    d.head = calloc((size_t)1 << HASH_BITS, sizeof *d.head);
    d.previous = calloc(WINDOW, sizeof *d.previous);
    d.symbols = malloc(BLOCK_SYMBOLS * sizeof *d.symbols);
    d.out = malloc(d.room);
    if (d.head == NULL || d.previous == NULL || d.symbols == NULL || d.out == NULL) {
        code = error_memory(e, "compressed data");
    } else {
        memset(d.literal_price, 8, sizeof d.literal_price); /* before the first block: about the fixed codes */
        memset(d.distance_price, 5, sizeof d.distance_price);
        d.out[0] = 0x78; /* deflate, window of 32 KiB; the second byte makes the pair a multiple of 31 */
        d.out[1] = 0x9c;
        d.used = 2;
        code = compress(&d);
    }
    if (code == LAKE_OK) {
        flush_to_byte(&d); /* write_block made room for this and the checksum */
        put_u32be(d.out + d.used, adler32_update(1, in, size));
        *out = d.out;
        *out_size = d.used + 4;
        d.out = NULL;
    }
    free(d.head);
    free(d.previous);
    free(d.symbols);
    free(d.out);
    return code;
}
