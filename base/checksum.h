/* Checksums of byte ranges: CRC-32 (PNG, gzip, zip and our own files), Adler-32 (zlib streams) and a
 * 64-bit FNV-1a hash that names a file's content. */
#ifndef LAKE_CHECKSUM_H
#define LAKE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32 (polynomial 0xEDB88320) of `size` more bytes; start with crc = 0 and feed pieces in order. */
uint32_t crc32_update(uint32_t crc, const void *data, size_t size);

/* Adler-32 (RFC 1950) of `size` more bytes; start with adler = 1. */
uint32_t adler32_update(uint32_t adler, const void *data, size_t size);

/* FNV-1a, 64 bits, of `size` more bytes; start with hash = FNV1A64_START. */
#define FNV1A64_START UINT64_C(0xcbf29ce484222325)
uint64_t fnv1a64_update(uint64_t hash, const void *data, size_t size);

#endif
