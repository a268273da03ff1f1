/* Decompression of deflate streams (RFC 1951), bare or inside zlib (RFC 1950) and gzip (RFC 1952). */
#ifndef LAKE_INFLATE_H
#define LAKE_INFLATE_H

#include <stddef.h>

#include "base/error.h"

/* Decompresses a zlib stream (PNG's IDAT, with checksum) into out[out_size]. *written is what came out;
 * more than fits is an error. `name` is what messages call the source. */
int inflate_zlib(unsigned char *out, size_t out_size, size_t *written, const unsigned char *in, size_t size,
                 const char *name, Error *e);

/* Decompresses a gzip file (all members, checksums verified) into a new buffer of at most `limit` bytes.
 * A byte 0 stands behind the last one. */
int inflate_gzip(unsigned char **out, size_t *out_size, const unsigned char *in, size_t size, size_t limit,
                 const char *name, Error *e);

#endif
