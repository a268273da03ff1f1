/* SHA-256 as FIPS 180-4 describes it: section 4.1.2 the functions, 4.2.2 and 5.3.3 the constants, 5.1.1 the padding,
 * 6.2.2 the computation. */
#include "base/sha256.h"

#include <string.h>

#include "base/bytes.h"

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

/* The 64 words that one block of 16 words is extended to. */
static void extend(uint32_t w[64], const unsigned char *block)
{
    int t;

    for (t = 0; t < 16; t++)
        w[t] = get_u32be(block + 4 * t);
    for (; t < 64; t++) {
        uint32_t s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;

        w[t] = s1 + w[t - 7] + s0 + w[t - 16];
    }
}

static void add_block(uint32_t state[8], const unsigned char *block)
{
    uint32_t w[64], v[8];
    int t;

    extend(w, block);
    memcpy(v, state, sizeof v);
    for (t = 0; t < 64; t++) {
        uint32_t s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25), choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
        uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        uint32_t t1 = v[7] + s1 + choice + constants[t] + w[t];

        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += t1;
        v[0] = t1 + s0 + majority;
    }
    for (t = 0; t < 8; t++)
        state[t] += v[t];
}

void sha256_begin(Sha256 *sha)
{
    /* Square roots of the first 8 primes. */
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

    memcpy(sha->state, start, sizeof start);
    sha->size = 0;
}

void sha256_update(Sha256 *sha, const void *data, size_t size)
{
    const unsigned char *p = data;
    size_t waiting = (size_t)(sha->size % 64), n;

    sha->size += size;
    for (; size > 0; p += n, size -= n) {
        if (waiting == 0 && size >= 64) {
            add_block(sha->state, p);
            n = 64;
            continue;
        }
        n = size < 64 - waiting ? size : 64 - waiting;
        memcpy(sha->block + waiting, p, n);
        waiting = (waiting + n) % 64;
        if (waiting == 0)
            add_block(sha->state, sha->block);
    }
}

void sha256_text(Sha256 *sha, char text[SHA256_TEXT_SIZE])
{
    static const unsigned char padding[64] = {0x80};
    static const char digits[] = "0123456789abcdef";
    const uint64_t bits = sha->size * 8;
    unsigned char length[8];
    int i;

    put_u32be(length, (uint32_t)(bits >> 32));
    put_u32be(length + 4, (uint32_t)(bits & 0xffffffffu));
    sha256_update(sha, padding, (size_t)((119 - sha->size % 64) % 64 + 1)); /* up to 8 bytes before a block's end */
    sha256_update(sha, length, sizeof length);
    for (i = 0; i < 64; i++)
        text[i] = digits[sha->state[i / 8] >> (28 - 4 * (i % 8)) & 15];
    text[64] = '\0';
}
