/* The best Huffman code whose words are no longer than a limit. */
#ifndef LAKE_HUFFMAN_LENGTHS_H
#define LAKE_HUFFMAN_LENGTHS_H

#include <stdint.h>

enum { HUFFMAN_MAX_BITS = 15, HUFFMAN_MAX_SYMBOLS = 288 };

/* The bits of each symbol's word, lengths[symbols], which is all zero before, where symbol i occurs frequency[i] times: 0
 * for symbols that do not occur, and one bit for a symbol that is alone, as RFC 1951 wants it. At most max_bits bits; 2 to
 * the max_bits must be as many as the symbols that occur, or more. */
void huffman_lengths(unsigned char *lengths, const uint32_t *frequency, unsigned symbols, unsigned max_bits);

#endif
