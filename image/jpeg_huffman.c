/* The Huffman-coded part of JPEG: tables, bits, and blocks of coefficients, sequential (the standard, annex F.2.2) and
 * progressive (annex G).
 *
 * libjpeg warns of invalid codes and goes on with whatever follows; the picture it then shows is partly invented.
 * Here such a file is refused: a detector must not judge invented pixels. */
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
                    table->lookup[code * span + k] = (uint16_t)(length << 8 | symbols[index]);
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

void bits_start(BitReader *bits, const unsigned char *data, size_t size, size_t position)
{
    memset(bits, 0, sizeof *bits);
    bits->data = data;
    bits->size = size;
    bits->position = position;
}

int bits_overrun(const BitReader *bits)
{
    return bits->count < bits->padding;
}

/* 1 where one of the eight bytes is 0xFF, that is, a byte of the complement is 0. */
static int holds_ff(uint64_t eight)
{
    return ((~eight - 0x0101010101010101u) & eight & 0x8080808080808080u) != 0;
}

/* Loads one byte of the segment, without the 0x00 stuffed behind each 0xFF; at its end, zeros. */
static void load_byte(BitReader *bits)
{
    unsigned char byte = 0;

    if (!bits->ended && bits->position < bits->size) {
        byte = bits->data[bits->position];
        if (byte == 0xff) {
            size_t next = bits->position + 1;
            while (next < bits->size && bits->data[next] == 0xff)
                next++;
            if (next < bits->size && bits->data[next] == 0)
                bits->position = next;
            else
                bits->ended = 1;
        }
    } else {
        bits->ended = 1;
    }
    if (bits->ended) {
        byte = 0;
        bits->padding += 8;
    } else {
        bits->position++;
    }
    bits->buffer |= (uint64_t)byte << (56 - bits->count);
    bits->count += 8;
}

/* Makes at least 56 bits available: enough for any code with the bits that follow it (16 + 15). Most of the time the
 * next eight bytes are plain, and as many of them as fit are taken at once. */
static void refill(BitReader *bits)
{
    if (!bits->ended && bits->size - bits->position >= 8) {
        const unsigned char *p = bits->data + bits->position;
        const uint64_t eight = (uint64_t)get_u32be(p) << 32 | get_u32be(p + 4);
        if (!holds_ff(eight)) {
            const int bytes = (63 - bits->count) / 8;
            const int count = bits->count + 8 * bytes;
            bits->buffer |= eight >> bits->count & ~(~(uint64_t)0 >> count);
            bits->position += (size_t)bytes;
            bits->count = count;
            return;
        }
    }
    while (bits->count <= 56)
        load_byte(bits);
}

/* The next n bits, 1 to 16; the caller has refilled. */
static int take(BitReader *bits, int n)
{
    const int value = (int)(bits->buffer >> (64 - n));

    bits->buffer <<= n;
    bits->count -= n;
    return value;
}

/* One bit, refilling where needed. */
static int take_bit(BitReader *bits)
{
    if (bits->count < 1)
        refill(bits);
    return take(bits, 1);
}

/* A signed number of n bits (0 to 15): those that begin with 0 are negative (F.2.2.1, EXTEND). */
static int take_signed(BitReader *bits, int n)
{
    int value;

    if (n == 0)
        return 0;
    value = take(bits, n);
    return value < 1 << (n - 1) ? value + 1 - (1 << n) : value;
}

/* The next symbol, or -1 for bits that are no code. At least 15 bits remain available behind it. */
static int take_symbol(BitReader *bits, const HuffmanTable *table)
{
    unsigned entry;
    uint32_t code;
    int length;

    if (bits->count < 32)
        refill(bits);
    entry = table->lookup[bits->buffer >> (64 - JPEG_LOOKUP_BITS)];
    if (entry != 0) {
        bits->buffer <<= entry >> 8;
        bits->count -= (int)(entry >> 8);
        return (int)(entry & 0xff);
    }
    code = (uint32_t)(bits->buffer >> 48);
    for (length = JPEG_LOOKUP_BITS + 1; code >= table->limit[length]; length++)
        ;
    if (length > 16)
        return -1;
    code = code >> (16 - length);
    bits->buffer <<= length;
    bits->count -= length;
    return table->symbols[(int)code + table->offset[length]];
}

/* The DC coefficient, coded as the difference to the block before; 0 where it leaves 16 bits. */
static int dc_value(Jpeg *j, Component *c, int16_t *value)
{
    BitReader *bits = &j->scan.bits;
    const int size = take_symbol(bits, &j->dc[c->dc_table]);
    int scaled;

    if (size < 0 || size > 15)
        return 0;
    c->dc_prediction += take_signed(bits, size);
    if (c->dc_prediction < -32768 || c->dc_prediction > 32767)
        return 0;
    scaled = c->dc_prediction * (1 << j->scan.low);
    if (scaled < -32768 || scaled > 32767)
        return 0;
    *value = (int16_t)scaled;
    return 1;
}

static int sequential_block(Jpeg *j, Component *c, int16_t *block)
{
    BitReader *bits = &j->scan.bits;
    const HuffmanTable *ac = &j->ac[c->ac_table];
    int k;

    if (!dc_value(j, c, &block[0]))
        return 0;
    for (k = 1; k < JPEG_BLOCK; k++) {
        const int symbol = take_symbol(bits, ac);
        const int run = symbol >> 4, size = symbol & 15;
        if (symbol < 0)
            return 0;
        if (size == 0 && run != 15)
            break; /* end of block */
        k += run;
        if (k >= JPEG_BLOCK)
            return 0;
        if (size != 0)
            block[jpeg_natural_order[k]] = (int16_t)take_signed(bits, size);
    }
    return 1;
}

/* The count of blocks, this one included, whose band has ended: 2^run plus run more bits. */
static uint32_t end_of_band(BitReader *bits, int run)
{
    return ((uint32_t)1 << run) + (run > 0 ? (uint32_t)take(bits, run) : 0);
}

/* A band of coefficients for the first time, down to bit `low`. */
static int band_first(Jpeg *j, Component *c, int16_t *block)
{
    Scan *scan = &j->scan;
    int k;

    if (scan->end_of_band_run > 0) {
        scan->end_of_band_run--;
        return 1;
    }
    for (k = scan->first; k <= scan->last; k++) {
        const int symbol = take_symbol(&scan->bits, &j->ac[c->ac_table]);
        const int run = symbol >> 4, size = symbol & 15;
        int value;
        if (symbol < 0)
            return 0;
        if (size == 0 && run != 15) {
            scan->end_of_band_run = end_of_band(&scan->bits, run) - 1;
            break;
        }
        k += run;
        value = take_signed(&scan->bits, size) * (1 << scan->low);
        if (k > scan->last || value < -32768 || value > 32767)
            return 0;
        block[jpeg_natural_order[k]] = (int16_t)value;
    }
    return 1;
}

/* One more bit for a coefficient that is already known not to be zero. */
static void refine(Scan *scan, int16_t *coefficient)
{
    const int bit = 1 << scan->low;

    if (take_bit(&scan->bits) && (*coefficient & bit) == 0)
        *coefficient = (int16_t)(*coefficient + (*coefficient < 0 ? -bit : bit));
}

/* Passes over coefficients from zigzag position k on, refining those that are not zero, until `zeros` zeros were
 * passed and one more is met, or the band ends; returns where. */
static int refine_until(Scan *scan, int16_t *block, int k, int zeros)
{
    for (; k <= scan->last; k++) {
        int16_t *coefficient = &block[jpeg_natural_order[k]];
        if (*coefficient != 0)
            refine(scan, coefficient);
        else if (zeros-- == 0)
            break;
    }
    return k;
}

/* One more bit of a band (G.1.2.3): coefficients that become non-zero are coded as runs over those still zero, and the
 * bits that correct the others stand in between. */
static int band_refine(Jpeg *j, Component *c, int16_t *block)
{
    Scan *scan = &j->scan;
    int k = scan->first;

    while (k <= scan->last && scan->end_of_band_run == 0) {
        const int symbol = take_symbol(&scan->bits, &j->ac[c->ac_table]);
        const int run = symbol >> 4, size = symbol & 15;
        int value = 0;
        if (symbol < 0 || size > 1)
            return 0;
        if (size == 0 && run != 15) {
            scan->end_of_band_run = end_of_band(&scan->bits, run);
            break;
        }
        if (size == 1)
            value = take_bit(&scan->bits) ? 1 << scan->low : -(1 << scan->low);
        k = refine_until(scan, block, k, run);
        if (size == 1 && k > scan->last)
            return 0;
        if (size == 1)
            block[jpeg_natural_order[k]] = (int16_t)value;
        k++;
    }
    if (scan->end_of_band_run > 0) {
        refine_until(scan, block, k, JPEG_BLOCK);
        scan->end_of_band_run--;
    }
    return 1;
}

static int dc_refine(Jpeg *j, int16_t *block)
{
    if (take_bit(&j->scan.bits))
        block[0] = (int16_t)(block[0] | 1 << j->scan.low);
    return 1;
}

int huffman_block(Jpeg *j, Component *c, int16_t *block)
{
    if (!j->progressive)
        return sequential_block(j, c, block);
    if (j->scan.first == 0)
        return j->scan.high == 0 ? dc_value(j, c, &block[0]) : dc_refine(j, block);
    return j->scan.high == 0 ? band_first(j, c, block) : band_refine(j, c, block);
}
