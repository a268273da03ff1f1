/* Compression to a zlib stream (RFC 1950 and 1951): LZ77 over a 32 KiB window with hash chains and lazy
 * matching, dynamic Huffman codes. */
#ifndef LAKE_DEFLATE_H
#define LAKE_DEFLATE_H

#include <stddef.h>

#include "base/error.h"

/* Compresses in[size] into a new buffer. */
int deflate_zlib(unsigned char **out, size_t *out_size, const unsigned char *in, size_t size, Error *e);

#endif
