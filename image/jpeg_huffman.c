/* The Huffman-coded part of JPEG: tables, bits, and blocks of coefficients, sequential (the standard, annex F.2.2) and
 * progressive (annex G).
 *
 * libjpeg warns of invalid codes and goes on with whatever follows; the picture it then shows is partly invented.
 * Here such a file is refused: a detector must not judge invented pixels.
 *
 * Each symbol's place is known only when the one before is decoded, so the way from one to the next is kept short: one look
 * into a table tells how many bits to pass over; bits are loaded eight bytes at a time from a chunk that is clean of stuffing; and no
 * end is looked for on the way, for behind the chunk lies room for the longest MCU. */
#include "image/jpeg_internal.h"

#include <string.h>

#include "base/bytes.h"

const unsigned char jpeg_natural_order[JPEG_BLOCK] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63
};

/* The standard's example tables, K.3 to K.6. */
static const unsigned char dc_luma_counts[16] = {0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0};
static const unsigned char dc_chroma_counts[16] = {0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0};
static const unsigned char dc_symbols[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
static const unsigned char ac_luma_counts[16] = {0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125};
static const unsigned char ac_luma_symbols[162] = {
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
    0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72,
    0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37,
    0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
    0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83,
    0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3,
    0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
    0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
    0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa
};
static const unsigned char ac_chroma_counts[16] = {0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119};
static const unsigned char ac_chroma_symbols[162] = {
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22,
    0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1,
    0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x35, 0x36,
    0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
    0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a,
    0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
    0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba,
    0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
    0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa
};

/* An entry of a table tells all about a symbol: how many bits the code and the number behind it have together, how many
 * the code alone, the symbol (run << 4 | size of the number), and how many coefficients the run passes over, where the end
 * of the block counts as one that leaves the block. */
enum { END_OF_BLOCK = 64 };

static uint32_t make_entry(int length, int symbol)
{
    const int run = symbol >> 4, size = symbol & 15;

    return (uint32_t)(length + size) | (uint32_t)length << 8 | (uint32_t)symbol << 16 |
           (uint32_t)(size == 0 && run != 15 ? END_OF_BLOCK : run) << 24;
}

static inline int entry_bits(uint32_t entry) { return (int)(entry & 0xff); }
static inline int entry_length(uint32_t entry) { return (int)(entry >> 8 & 0xff); }
static inline int entry_size(uint32_t entry) { return (int)(entry >> 16 & 15); }
static inline int entry_run(uint32_t entry) { return (int)(entry >> 20 & 15); }
static inline int entry_skip(uint32_t entry) { return (int)(entry >> 24); }

int huffman_build(HuffmanTable *table, const unsigned char counts[16], const unsigned char *symbols, int symbol_count)
{
    uint32_t code = 0;
    int length, i, index = 0;

    memset(table, 0, sizeof *table);
    memcpy(table->symbols, symbols, (size_t)symbol_count);
    for (length = 1; length <= 16; length++) {
        table->offset[length] = index - (int)code;
        for (i = 0; i < counts[length - 1]; i++, code++, index++) {
            if (length <= JPEG_LOOKUP_BITS && code < (uint32_t)1 << length) {
                const uint32_t span = (uint32_t)1 << (JPEG_LOOKUP_BITS - length);
                uint32_t k;
                for (k = 0; k < span; k++)
                    table->lookup[code * span + k] = make_entry(length, symbols[index]);
            }
            if (symbols[index] > table->largest_symbol)
                table->largest_symbol = symbols[index];
        }
        /* The code of all ones is never given out, so the next free code always fits its length. */
        if (code >= (uint32_t)1 << length)
            return 0;
        table->limit[length] = code << (16 - length);
        code <<= 1;
    }
    table->limit[17] = 1 << 16;
    table->defined = 1;
    return 1;
}

void huffman_standard(HuffmanTable dc[2], HuffmanTable ac[2])
{
    HuffmanTable *const tables[4] = {&dc[0], &dc[1], &ac[0], &ac[1]};
    const unsigned char *const counts[4] = {dc_luma_counts, dc_chroma_counts, ac_luma_counts, ac_chroma_counts};
    const unsigned char *const symbols[4] = {dc_symbols, dc_symbols, ac_luma_symbols, ac_chroma_symbols};
    int i;

    for (i = 0; i < 4; i++)
        if (!tables[i]->defined)
            huffman_build(tables[i], counts[i], symbols[i], i < 2 ? (int)sizeof dc_symbols : (int)sizeof ac_luma_symbols);
}

void bits_start(BitReader *reader, const unsigned char *data, size_t size, size_t position)
{
    reader->data = data;
    reader->size = size;
    reader->position = position;
    reader->ended = 0;
    reader->bits.buffer = 0;
    reader->bits.count = 0;
    reader->bits.next = reader->end = reader->chunk;
}

int bits_overrun(const BitReader *reader)
{
    return 8 * (reader->bits.next - reader->end) > reader->bits.count;
}

size_t bits_unread(const BitReader *reader)
{
    return reader->bits.next < reader->end ? (size_t)(reader->end - reader->bits.next) : 0;
}

/* At a 0xFF: 1, and moves past it, where it is one of the data's (0x00 follows, perhaps behind more 0xFF). */
static int pass_stuffed(BitReader *reader)
{
    size_t next = reader->position + 1;

    while (next < reader->size && reader->data[next] == 0xff)
        next++;
    if (next == reader->size || reader->data[next] != 0)
        return 0;
    reader->position = next + 1;
    return 1;
}

/* Keeps what was not loaded of the chunk and fills up behind it. */
static void fill_chunk(BitReader *reader)
{
    unsigned char *out = reader->chunk;
    size_t room = JPEG_CHUNK_BYTES - bits_unread(reader);

    memmove(out, reader->bits.next, bits_unread(reader));
    out += bits_unread(reader);
    while (room > 0 && !reader->ended) {
        const unsigned char *from = reader->data + reader->position;
        const size_t left = reader->size - reader->position, most = left < room ? left : room;
        const unsigned char *ff = memchr(from, 0xff, most);
        const size_t plain = ff != NULL ? (size_t)(ff - from) : most;
        memcpy(out, from, plain);
        out += plain;
        room -= plain;
        reader->position += plain;
        if (plain == left) {
            reader->ended = 1;
        } else if (ff != NULL && pass_stuffed(reader)) {
            *out++ = 0xff;
            room--;
        } else if (ff != NULL) {
            reader->ended = 1;
        }
    }
    if (reader->ended)
        memset(out, 0, JPEG_MCU_BYTES + 16);
    reader->bits.next = reader->chunk;
    reader->end = out;
}

void bits_prepare(BitReader *reader)
{
    if (!reader->ended && bits_unread(reader) < JPEG_MCU_BYTES + 16)
        fill_chunk(reader);
}

/* Makes at least 56 bits available: enough for any code with the number that follows it (16 + 15). Bits of a byte that
 * fits in part are loaded now and once more with the byte: the same bits in the same place. */
static inline void refill(Bits *bits)
{
    const unsigned char *p = bits->next;
    const int bytes = (63 - bits->count) >> 3;

    bits->buffer |= ((uint64_t)get_u32be(p) << 32 | get_u32be(p + 4)) >> bits->count;
    bits->next += bytes;
    bits->count += 8 * bytes;
}

static inline void skip_bits(Bits *bits, int n)
{
    bits->buffer <<= n;
    bits->count -= n;
}

/* The next n bits, 1 to 16; the caller has refilled. */
static inline int take(Bits *bits, int n)
{
    const int value = (int)(bits->buffer >> (64 - n));

    skip_bits(bits, n);
    return value;
}

/* One bit, refilling where needed. */
static inline int take_bit(Bits *bits)
{
    if (bits->count < 1)
        refill(bits);
    return take(bits, 1);
}

/* The entry of a code too long for the lookup; 0: these bits are no code. */
static uint32_t find_long_code(const HuffmanTable *table, uint64_t buffer)
{
    const uint32_t top = (uint32_t)(buffer >> 48);
    int length = JPEG_LOOKUP_BITS + 1;

    while (top >= table->limit[length])
        length++;
    if (length > 16)
        return 0;
    return make_entry(length, table->symbols[(int)(top >> (16 - length)) + table->offset[length]]);
}

/* The entry of the next symbol, or 0. Nothing is taken; the code and its number are in the buffer. */
static inline uint32_t next_symbol(Bits *bits, const HuffmanTable *table)
{
    uint32_t entry;

    if (bits->count < 32)
        refill(bits);
    entry = table->lookup[bits->buffer >> (64 - JPEG_LOOKUP_BITS)];
    return entry != 0 ? entry : find_long_code(table, bits->buffer);
}

/* Takes a symbol and its number, signed, of 0 to 15 bits: those that begin with 0 are negative (F.2.2.1, EXTEND). Without
 * branches, for signs cannot be predicted; the next symbol need not wait for the number, only for the entry. */
static inline int take_number(Bits *bits, uint32_t entry)
{
    const uint64_t rest = bits->buffer << entry_length(entry);
    const int size = entry_size(entry), value = (int)(rest >> 1 >> (63 - size));
    const int all_ones = (1 << size) - 1, is_positive = (int)(rest >> 63);

    skip_bits(bits, entry_bits(entry));
    return value - (all_ones & (is_positive - 1));
}

/* The DC coefficient, coded as the difference to the block before; 0 where it leaves 16 bits. */
static int dc_value(Jpeg *j, Bits *bits, Component *c, int16_t *value)
{
    const uint32_t entry = next_symbol(bits, &j->dc[c->dc_table]);
    int scaled;

    if (entry == 0)
        return 0;
    c->dc_prediction += take_number(bits, entry);
    if (c->dc_prediction < -32768 || c->dc_prediction > 32767)
        return 0;
    scaled = c->dc_prediction * (1 << j->scan.low);
    if (scaled < -32768 || scaled > 32767)
        return 0;
    *value = (int16_t)scaled;
    return 1;
}

static int sequential_block(Jpeg *j, Bits *bits, Component *c, int16_t *block)
{
    const HuffmanTable *ac = &j->ac[c->ac_table];
    int k;

    memset(block, 0, JPEG_BLOCK * sizeof *block);
    if (!dc_value(j, bits, c, &block[0]))
        return 0;
    for (k = 1; k < JPEG_BLOCK; k++) {
        const uint32_t entry = next_symbol(bits, ac);
        const int value = take_number(bits, entry);
        k += entry_skip(entry);
        if (entry == 0 || (k >= JPEG_BLOCK && entry_skip(entry) != END_OF_BLOCK))
            return 0;
        if (k >= JPEG_BLOCK)
            break;
        block[jpeg_natural_order[k]] = (int16_t)value; /* behind a run of 16 zeros without a number: 0 once more */
    }
    return 1;
}

static int dc_refine(Jpeg *j, Bits *bits, int16_t *block)
{
    if (take_bit(bits))
        block[0] = (int16_t)(block[0] | 1 << j->scan.low);
    return 1;
}

/* The count of blocks, this one included, whose band has ended: 2^run plus run more bits. */
static uint32_t end_of_band(Bits *bits, int run)
{
    return ((uint32_t)1 << run) + (run > 0 ? (uint32_t)take(bits, run) : 0);
}

/* A band of coefficients for the first time, down to bit `low`. */
static int band_first(Jpeg *j, Bits *bits, Component *c, int16_t *block)
{
    const HuffmanTable *ac = &j->ac[c->ac_table];
    Scan *scan = &j->scan;
    int k;

    for (k = scan->first; k <= scan->last; k++) {
        const uint32_t entry = next_symbol(bits, ac);
        int value;
        if (entry == 0)
            return 0;
        value = take_number(bits, entry) * (1 << scan->low);
        if (entry_skip(entry) == END_OF_BLOCK) {
            scan->end_of_band_run = end_of_band(bits, entry_run(entry)) - 1;
            break;
        }
        k += entry_skip(entry);
        if (k > scan->last || value < -32768 || value > 32767)
            return 0;
        block[jpeg_natural_order[k]] = (int16_t)value;
    }
    return 1;
}

/* Passes over coefficients from zigzag position k to last until `zeros` zeros were passed and one more is met, or the band
 * ends; returns where. Coefficients that are known not to be zero get one more bit each, of value `bit`. */
static inline int refine_until(Bits *bits, int16_t *block, int k, int last, int zeros, int bit)
{
    for (; k <= last; k++) {
        int16_t *coefficient = &block[jpeg_natural_order[k]];
        if (*coefficient != 0) {
            if (take_bit(bits) && (*coefficient & bit) == 0)
                *coefficient = (int16_t)(*coefficient + (*coefficient < 0 ? -bit : bit));
        } else if (zeros-- == 0) {
            break;
        }
    }
    return k;
}

/* One more bit of a band (G.1.2.3): coefficients that become non-zero are coded as runs over those still zero, and the
 * bits that correct the others stand in between. */
static int band_refine(Jpeg *j, Bits *bits, Component *c, int16_t *block)
{
    const HuffmanTable *ac = &j->ac[c->ac_table];
    Scan *scan = &j->scan;
    const int last = scan->last, bit = 1 << scan->low;
    int k = scan->first;

    while (k <= last && scan->end_of_band_run == 0) {
        const uint32_t entry = next_symbol(bits, ac);
        int value;
        if (entry == 0 || entry_size(entry) > 1)
            return 0;
        value = take_number(bits, entry) * bit;
        if (entry_skip(entry) == END_OF_BLOCK) {
            scan->end_of_band_run = end_of_band(bits, entry_run(entry));
            break;
        }
        k = refine_until(bits, block, k, last, entry_run(entry), bit);
        if (value != 0 && k > last)
            return 0;
        if (value != 0)
            block[jpeg_natural_order[k]] = (int16_t)value;
        k++;
    }
    if (scan->end_of_band_run > 0) {
        refine_until(bits, block, k, last, JPEG_BLOCK, bit);
        scan->end_of_band_run--;
    }
    return 1;
}

static int decode_block(Jpeg *j, Bits *bits, Component *c, int16_t *block)
{
    if (!j->progressive)
        return sequential_block(j, bits, c, block);
    if (j->scan.first > 0)
        return j->scan.high == 0 ? band_first(j, bits, c, block) : band_refine(j, bits, c, block);
    return j->scan.high == 0 ? dc_value(j, bits, c, &block[0]) : dc_refine(j, bits, block);
}

int huffman_block(Jpeg *j, Component *c, int16_t *block)
{
    Bits bits;
    int is_valid;

    if (j->scan.end_of_band_run > 0 && j->scan.high == 0) {
        j->scan.end_of_band_run--;
        return 1; /* nothing for this block */
    }
    bits = j->reader.bits; /* a copy, which compilers can keep in registers */
    is_valid = decode_block(j, &bits, c, block);
    j->reader.bits = bits;
    return is_valid;
}
