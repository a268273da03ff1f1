/* SHA-256 (FIPS 180-4), by which publishers of large files name what they publish. */
#ifndef LAKE_SHA256_H
#define LAKE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_TEXT_SIZE = 65 }; /* 64 hexadecimal digits and a 0 */

typedef struct {
    uint32_t state[8];
    uint64_t size;            /* bytes so far */
    unsigned char block[64];  /* [size % 64] bytes that wait for the rest of their block */
} Sha256;

void sha256_begin(Sha256 *sha);

/* `size` more bytes. */
void sha256_update(Sha256 *sha, const void *data, size_t size);

/* The digest as lower-case hexadecimal text; afterwards the state is used up. */
void sha256_text(Sha256 *sha, char text[SHA256_TEXT_SIZE]);

#endif
