/* Reading and writing numbers in byte buffers, whatever the machine's byte order and alignment, and
 * arithmetic on sizes that cannot wrap around. Every size that comes out of a file goes through
 * size_multiply and size_add before it is used. */
#ifndef LAKE_BYTES_H
#define LAKE_BYTES_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t get_u16le(const unsigned char *p) { return (uint16_t)(p[0] | p[1] << 8); }
static inline uint16_t get_u16be(const unsigned char *p) { return (uint16_t)(p[0] << 8 | p[1]); }

static inline uint32_t get_u32le(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint32_t get_u32be(const unsigned char *p)
{
    return (uint32_t)p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}

static inline uint64_t get_u64le(const unsigned char *p)
{
    return (uint64_t)get_u32le(p) | (uint64_t)get_u32le(p + 4) << 32;
}

static inline void put_u16le(unsigned char *p, uint16_t v)
{
    p[0] = (unsigned char)(v & 0xff);
    p[1] = (unsigned char)(v >> 8);
}

static inline void put_u32le(unsigned char *p, uint32_t v)
{
    put_u16le(p, (uint16_t)(v & 0xffff));
    put_u16le(p + 2, (uint16_t)(v >> 16));
}

static inline void put_u64le(unsigned char *p, uint64_t v)
{
    put_u32le(p, (uint32_t)(v & 0xffffffffu));
    put_u32le(p + 4, (uint32_t)(v >> 32));
}

static inline void put_u32be(unsigned char *p, uint32_t v)
{
    p[0] = (unsigned char)(v >> 24);
    p[1] = (unsigned char)(v >> 16 & 0xff);
    p[2] = (unsigned char)(v >> 8 & 0xff);
    p[3] = (unsigned char)(v & 0xff);
}

/* IEEE 754 single precision from and to its 32 bits. */
static inline float bits_to_float(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline uint32_t float_to_bits(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static inline double bits_to_double(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

/* The nearest float; beyond float's range an infinity, where C leaves a plain conversion undefined. */
static inline float double_to_float(double d)
{
    if (d > FLT_MAX)
        return INFINITY;
    return d < -FLT_MAX ? -INFINITY : (float)d;
}

static inline float get_f32le(const unsigned char *p) { return bits_to_float(get_u32le(p)); }
static inline double get_f64le(const unsigned char *p) { return bits_to_double(get_u64le(p)); }
static inline void put_f32le(unsigned char *p, float f) { put_u32le(p, float_to_bits(f)); }

/* 1 where numbers in memory are little-endian, so that file data can be used in place. */
static inline int machine_is_little_endian(void)
{
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 1;
}

/* a * b or a + b into *out; returns 1, or 0 and leaves *out alone where the result does not fit. */
static inline int size_multiply(size_t a, size_t b, size_t *out)
{
    if (b != 0 && a > SIZE_MAX / b)
        return 0;
    *out = a * b;
    return 1;
}

static inline int size_add(size_t a, size_t b, size_t *out)
{
    if (a > SIZE_MAX - b)
        return 0;
    *out = a + b;
    return 1;
}

#endif
