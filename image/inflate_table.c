/* Tables that decode the Huffman codes of deflate (RFC 1951, 3.2.2 and 3.2.5); see inflate_internal.h. */
#include "image/inflate_internal.h"

/* What the symbols of the codes mean (RFC 1951, 3.2.5), as entries that lack their bit count. */
uint32_t inflate_literal_meaning(unsigned symbol)
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

uint32_t inflate_distance_meaning(unsigned symbol)
{
    unsigned extra = symbol < 4 ? 0 : symbol / 2 - 1;

    if (symbol > 29)
        return ENTRY(SPECIAL_NO_CODE, 0, KIND_SPECIAL);
    return symbol < 4 ? ENTRY(symbol + 1, 0, 0) : ENTRY(((2 + (symbol & 1)) << extra) + 1, extra, 0);
}

uint32_t inflate_clen_meaning(unsigned symbol)
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

/* All second tables are as wide as the longest word asks for. */
int inflate_table(uint32_t *table, unsigned root, const unsigned char *lengths, unsigned symbols,
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
