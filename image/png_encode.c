/* Writing PNG (W3C Recommendation "Portable Network Graphics", second edition): RGB of 8 bits, every row with the filter
 * that promises the smallest result, deflated. */
#include "image/codec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "image/deflate.h"
#include "image/png_format.h"

enum { IDAT_PART = 1 << 20 }; /* how much data one IDAT chunk takes */

/* Filters a row of RGB pixels into out[1 + size], the filter's number first, and returns how big the result
 * looks: the sum of its bytes' distances from 0 (PNG, 12.8: "minimum sum of absolute differences"). */
static uint64_t filter_row(unsigned filter, unsigned char *out, const unsigned char *row, const unsigned char *above,
                           size_t size)
{
    uint64_t sum = 0;

    *out++ = (unsigned char)filter;
    for (size_t i = 0; i < size; i++) {
        int a = i < 3 ? 0 : row[i - 3], b = above[i], c = i < 3 ? 0 : above[i - 3], predicted = 0;
        if (filter == FILTER_SUB)
            predicted = a;
        else if (filter == FILTER_UP)
            predicted = b;
        else if (filter == FILTER_AVERAGE)
            predicted = (a + b) / 2;
        else if (filter == FILTER_PAETH)
            predicted = paeth(a, b, c);
        out[i] = (unsigned char)(row[i] - predicted);
        sum += out[i] < 128 ? out[i] : 256 - out[i];
    }
    return sum;
}

/* All rows, each with the filter that looks best for it; `scratch` has room for a row and its filter byte. */
static void filter_image(unsigned char *out, unsigned char *scratch, const unsigned char *zeros, const Image *image)
{
    size_t size = (size_t)image->width * 3;
    const unsigned char *row = image->rgb, *above = zeros;

    for (int y = 0; y < image->height; y++, above = row, row += size, out += size + 1) {
        uint64_t best = filter_row(FILTER_NONE, out, row, above, size);
        for (unsigned filter = FILTER_SUB; filter < FILTERS; filter++) {
            uint64_t sum = filter_row(filter, scratch, row, above, size);
            if (sum < best) {
                best = sum;
                memcpy(out, scratch, size + 1);
            }
        }
    }
}

/* Writes a chunk and returns where the next one goes. */
static unsigned char *put_chunk(unsigned char *out, const char *type, const unsigned char *data, size_t size)
{
    put_u32be(out, (uint32_t)size);
    memcpy(out + 4, type, 4);
    if (size > 0)
        memcpy(out + 8, data, size);
    put_u32be(out + 8 + size, crc32_update(0, out + 4, 4 + size));
    return out + CHUNK_FRAME + size;
}

/* Puts the compressed rows into a complete file. */
static int wrap(unsigned char **out, size_t *out_size, const unsigned char *data, size_t size, const Image *image, Error *e)
{
    unsigned char header[13] = {0}, *p;
    size_t parts = size / IDAT_PART + 1, total;

    if (!size_multiply(parts + 2, CHUNK_FRAME, &total) || !size_add(total, sizeof png_signature + sizeof header, &total) ||
        !size_add(total, size, &total) || (*out = malloc(total)) == NULL)
        return error_memory(e, "a PNG file");
    put_u32be(header, (uint32_t)image->width);
    put_u32be(header + 4, (uint32_t)image->height);
    header[8] = 8;
    header[9] = RGB;
    memcpy(*out, png_signature, sizeof png_signature);
    p = put_chunk(*out + sizeof png_signature, "IHDR", header, sizeof header);
    while (size > 0) {
        size_t part = size < IDAT_PART ? size : IDAT_PART;
        p = put_chunk(p, "IDAT", data, part);
        data += part;
        size -= part;
    }
    p = put_chunk(p, "IEND", NULL, 0);
    *out_size = (size_t)(p - *out);
    return LAKE_OK;
}

int png_encode(unsigned char **out, size_t *out_size, const Image *image, Error *e)
{
    unsigned char *filtered, *scratch, *zeros, *compressed = NULL;
    size_t row = (size_t)image->width * 3, compressed_size = 0, total;
    int code = LAKE_OK;

    *out = NULL;
    *out_size = 0;
    if (!size_multiply(row + 1, (size_t)image->height, &total))
        return error_memory(e, "a PNG file");
    filtered = malloc(total);
    scratch = malloc(row + 1);
    zeros = calloc(row, 1);
    if (filtered == NULL || scratch == NULL || zeros == NULL) {
        code = error_memory(e, "a PNG file");
    } else {
        filter_image(filtered, scratch, zeros, image);
        code = deflate_zlib(&compressed, &compressed_size, filtered, total, e);
    }
    free(filtered);
    free(scratch);
    free(zeros);
    if (code == LAKE_OK)
        code = wrap(out, out_size, compressed, compressed_size, image, e);
    free(compressed);
    return code;
}
