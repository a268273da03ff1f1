/* PNG (W3C Recommendation "Portable Network Graphics", second edition; ISO/IEC 15948), read; png_encode.c writes.
 *
 * All colour types, bit depths and interlacing are taken. The file is walked chunk by chunk with every
 * checksum verified, the IDAT chunks are joined and inflated at once, and the rows are unfiltered and turned
 * into 8-bit RGB the way Pillow 9.4 does it: alpha and tRNS are dropped (not blended), samples of 16 bits
 * keep their high byte, except in grey images, which Pillow widens to its mode "I" and then clips at 255. */
#include "image/codec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/large.h"
#include "image/inflate.h"
#include "image/png_format.h"

enum { DEFLATE_RATIO = 1032 }; /* deflate's largest expansion: 258 bytes from 2 bits */

typedef struct {
    const unsigned char *type; /* 4 letters */
    const unsigned char *data;
    size_t size;
} Chunk;

typedef struct {
    const unsigned char *file;
    size_t file_size;
    const char *name;
    Error *e;
    uint32_t width, height;
    unsigned depth;               /* bits per sample */
    unsigned color;               /* colour type */
    unsigned channels;            /* samples per pixel */
    int interlaced;
    int has_palette;
    unsigned char colors[256][3]; /* what a sample of at most 8 bits stands for, where there is one per pixel */
    size_t idat;                  /* offset of the first IDAT chunk */
    size_t idat_count, idat_size; /* number of IDAT chunks, sum of their sizes */
} Png;

/* The seven images of Adam7 interlacing: first column and row, steps. */
typedef struct {
    unsigned x, y, dx, dy;
} Pass;

static const Pass adam7[7] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                              {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
static const Pass whole = {0, 0, 1, 1};

static int damaged(const Png *p, const char *what)
{
    return error_set(p->e, LAKE_BAD_INPUT, "%s: damaged PNG: %s", p->name, what);
}

/* ---- chunks ---- */

static int is_type(const Chunk *c, const char *type)
{
    return memcmp(c->type, type, 4) == 0;
}

/* Ancillary chunks, which decoders may skip, have a small first letter. */
static int is_critical(const Chunk *c)
{
    return (c->type[0] & 0x20) == 0;
}

/* Reads the chunk at *offset and steps over it. */
static int next_chunk(Png *p, Chunk *c, size_t *offset)
{
    size_t left = p->file_size - *offset;
    uint32_t size;

    if (left < CHUNK_FRAME)
        return damaged(p, left == 0 ? "it ends without an IEND chunk: is the file cut off?"
                                    : "it ends inside a chunk: is the file cut off?");
    size = get_u32be(p->file + *offset);
    c->type = p->file + *offset + 4;
    c->data = c->type + 4;
    c->size = size;
    for (int i = 0; i < 4; i++) {
        unsigned letter = c->type[i] | 0x20u;
        if (letter < 'a' || letter > 'z')
            return damaged(p, "a chunk's type is not four letters");
    }
    if (size > 0x7fffffffu || size > left - CHUNK_FRAME)
        return error_set(p->e, LAKE_BAD_INPUT,
                         "%s: damaged PNG: chunk %.4s claims %lu bytes, %llu are left: is the file cut off?", p->name,
                         (const char *)c->type, (unsigned long)size, (unsigned long long)(left - CHUNK_FRAME));
    if (crc32_update(0, c->type, 4 + c->size) != get_u32be(c->data + c->size))
        return error_set(p->e, LAKE_BAD_INPUT, "%s: damaged PNG: the checksum (CRC-32) of chunk %.4s does not match", p->name,
                         (const char *)c->type);
    *offset += CHUNK_FRAME + c->size;
    return LAKE_OK;
}

/* Bit depths that the colour type allows, one bit for each; 0 for an unknown type. */
static unsigned allowed_depths(unsigned color)
{
    switch (color) {
    case GREY:
        return 1u << 1 | 1u << 2 | 1u << 4 | 1u << 8 | 1u << 16;
    case PALETTE:
        return 1u << 1 | 1u << 2 | 1u << 4 | 1u << 8;
    case RGB:
    case GREY_ALPHA:
    case RGB_ALPHA:
        return 1u << 8 | 1u << 16;
    default:
        return 0;
    }
}

static int read_header(Png *p, const Chunk *c, size_t max_pixels)
{
    static const unsigned channels[7] = {1, 0, 3, 1, 2, 0, 4};
    const unsigned char *d = c->data;

    if (!is_type(c, "IHDR") || c->size != 13)
        return damaged(p, "it does not begin with an IHDR chunk of 13 bytes");
    p->width = get_u32be(d);
    p->height = get_u32be(d + 4);
    p->depth = d[8];
    p->color = d[9];
    if (p->depth > 16 || !(allowed_depths(p->color) >> p->depth & 1))
        return error_set(p->e, LAKE_BAD_INPUT, "%s: damaged PNG: colour type %u with %u bits per sample does not exist", p->name,
                         p->color, p->depth);
    if (d[10] != 0 || d[11] != 0 || d[12] > 1)
        return error_set(p->e, LAKE_BAD_INPUT, "%s: PNG with unknown compression (%d), filter (%d) or interlace method (%d)",
                         p->name, d[10], d[11], d[12]);
    p->channels = channels[p->color];
    p->interlaced = d[12];
    return img_check_size(p->width, p->height, p->name, max_pixels, p->e);
}

/* What the samples stand for until a palette says otherwise: greys from black to white. In palette images
 * that is what Pillow shows for indices behind the palette's end: the index as a grey. */
static void grey_colors(Png *p)
{
    unsigned scale = p->color == GREY && p->depth < 8 ? 255 / ((1u << p->depth) - 1) : 1;

    for (unsigned i = 0; i < 256; i++)
        memset(p->colors[i], (int)(i * scale & 255), 3);
}

static int read_palette(Png *p, const Chunk *c)
{
    if (p->has_palette || p->idat_count > 0)
        return damaged(p, p->has_palette ? "a second palette" : "a palette behind the image data");
    if (c->size == 0 || c->size % 3 != 0 || c->size > sizeof p->colors)
        return damaged(p, "a palette that is not 1 to 256 colours of 3 bytes");
    p->has_palette = 1;
    if (p->color == PALETTE) /* elsewhere it is a hint for displays of few colours, or out of place */
        memcpy(p->colors, c->data, c->size);
    return LAKE_OK;
}

/* `at` is the chunk's offset, previous_idat says whether the chunk before was one too. */
static int read_idat(Png *p, const Chunk *c, size_t at, int previous_idat)
{
    if (p->color == PALETTE && !p->has_palette)
        return damaged(p, "image data without a palette before it");
    if (p->idat_count > 0 && !previous_idat)
        return damaged(p, "the IDAT chunks do not follow each other");
    if (p->idat_count == 0)
        p->idat = at;
    p->idat_count++;
    p->idat_size += c->size;
    return LAKE_OK;
}

/* Walks the chunks from IHDR to IEND. */
static int read_chunks(Png *p, size_t max_pixels)
{
    size_t offset = sizeof png_signature, at = offset;
    int previous_idat = 0, code;
    Chunk c;

    code = next_chunk(p, &c, &offset);
    if (code == LAKE_OK)
        code = read_header(p, &c, max_pixels);
    if (code != LAKE_OK)
        return code;
    grey_colors(p);
    for (; code == LAKE_OK; previous_idat = is_type(&c, "IDAT")) {
        at = offset;
        code = next_chunk(p, &c, &offset);
        if (code != LAKE_OK)
            return code;
        if (is_type(&c, "IEND"))
            return p->idat_count > 0 ? LAKE_OK : damaged(p, "no image data (no IDAT chunk)");
        if (is_type(&c, "PLTE"))
            code = read_palette(p, &c);
        else if (is_type(&c, "IDAT"))
            code = read_idat(p, &c, at, previous_idat);
        else if (is_critical(&c))
            code = error_set(p->e, LAKE_BAD_INPUT, "%s: PNG with an unexpected chunk %.4s", p->name, (const char *)c.type);
    }
    return code;
}

/* ---- rows ---- */

static size_t pass_width(const Png *p, const Pass *pass)
{
    return p->width <= pass->x ? 0 : ((size_t)p->width - pass->x - 1) / pass->dx + 1;
}

static size_t pass_height(const Png *p, const Pass *pass)
{
    return p->height <= pass->y ? 0 : ((size_t)p->height - pass->y - 1) / pass->dy + 1;
}

/* Bytes of a row of `width` pixels, without its filter byte. The checks on the image's size left room for 3
 * bytes per pixel in a size_t; here it can be 8. */
static int row_size(const Png *p, size_t width, size_t *size)
{
    size_t bits;

    if (!size_multiply(width, (size_t)p->channels * p->depth, &bits) || bits > SIZE_MAX - 7)
        return 0;
    *size = (bits + 7) / 8;
    return 1;
}

/* Bytes that the image data must inflate to: every row of every pass with its filter byte. */
static int data_size(const Png *p, size_t *total)
{
    const Pass *passes = p->interlaced ? adam7 : &whole;

    *total = 0;
    for (int i = 0; i < (p->interlaced ? 7 : 1); i++) {
        size_t width = pass_width(p, &passes[i]), height = pass_height(p, &passes[i]), size;
        if (width == 0)
            continue;
        if (!row_size(p, width, &size) || !size_add(size, 1, &size) || !size_multiply(size, height, &size) ||
            !size_add(*total, size, total))
            return 0;
    }
    return 1;
}

/* Undoes the Paeth filter. The bytes to the left stay in variables, one for each byte of a pixel, which frees
 * the loop from waiting for its own stores; compiled for each constant `step` that it is called with. */
static inline void undo_paeth(unsigned char *row, const unsigned char *above, size_t size, size_t step)
{
    int a[8] = {0}, c[8] = {0};

    for (size_t i = 0; i + step <= size; i += step) {
        for (size_t k = 0; k < step; k++) {
            int b = above[i + k];
            a[k] = (row[i + k] + paeth(a[k], b, c[k])) & 255;
            row[i + k] = (unsigned char)a[k];
            c[k] = b;
        }
    }
}

/* Undoes a row's filter in place (PNG, 9.2). `above` is the row before, unfiltered; `step` the bytes of a
 * whole pixel, at least 1. Bytes left of the row count as zeros. */
static int unfilter(unsigned filter, unsigned char *row, const unsigned char *above, size_t size, size_t step)
{
    size_t i, first = step < size ? step : size;

    switch (filter) {
    case FILTER_NONE:
        return 1;
    case FILTER_SUB:
        for (i = first; i < size; i++)
            row[i] = (unsigned char)(row[i] + row[i - step]);
        return 1;
    case FILTER_UP:
        for (i = 0; i < size; i++)
            row[i] = (unsigned char)(row[i] + above[i]);
        return 1;
    case FILTER_AVERAGE:
        for (i = 0; i < first; i++)
            row[i] = (unsigned char)(row[i] + above[i] / 2);
        for (; i < size; i++)
            row[i] = (unsigned char)(row[i] + (row[i - step] + above[i]) / 2);
        return 1;
    case FILTER_PAETH:
        if (step == 3)
            undo_paeth(row, above, size, 3);
        else if (step == 4)
            undo_paeth(row, above, size, 4);
        else
            undo_paeth(row, above, size, step);
        return 1;
    default:
        return 0;
    }
}

/* One row of samples as RGB, pixel by pixel `step` bytes apart. */
static void row_to_rgb(const Png *p, unsigned char *out, size_t step, const unsigned char *row, size_t width)
{
    size_t bytes = p->depth / 8, pixel = p->channels * bytes, green = p->color & RGB ? bytes : 0, x;

    if (p->channels == 1 && p->depth == 8 && step == 3) {
        img_indexed_row(out, row, p->colors, width);
    } else if (p->channels == 1 && p->depth <= 8) {
        unsigned mask = (1u << p->depth) - 1;
        for (x = 0; x < width; x++, out += step) {
            size_t bit = x * p->depth;
            memcpy(out, p->colors[row[bit / 8] >> (8 - p->depth - bit % 8) & mask], 3);
        }
    } else if (p->color == GREY) {
        for (x = 0; x < width; x++, out += step, row += 2)
            out[0] = out[1] = out[2] = row[0] > 0 ? 255 : row[1];
    } else if (pixel == 3 && step == 3) {
        memcpy(out, row, width * 3);
    } else {
        for (x = 0; x < width; x++, out += step, row += pixel) {
            out[0] = row[0];
            out[1] = row[green];
            out[2] = row[2 * green];
        }
    }
}

/* Unfilters one pass, whose rows begin at *data, and puts its pixels into the image. */
static int read_pass(const Png *p, const Pass *pass, unsigned char **data, const unsigned char *zeros, Image *image)
{
    size_t width = pass_width(p, pass), height = width > 0 ? pass_height(p, pass) : 0, size = 0;
    size_t pixel = p->channels * p->depth < 8 ? 1 : p->channels * p->depth / 8;
    const unsigned char *above = zeros;

    row_size(p, width, &size); /* fits: data_size has checked it */
    for (size_t y = 0; y < height; y++) {
        unsigned char *row = *data + 1;
        if (!unfilter(**data, row, above, size, pixel))
            return error_set(p->e, LAKE_BAD_INPUT, "%s: damaged PNG: unknown row filter %d", p->name, **data);
        row_to_rgb(p, image->rgb + ((pass->y + y * pass->dy) * p->width + pass->x) * 3, (size_t)pass->dx * 3, row, width);
        above = row;
        *data += size + 1;
    }
    return LAKE_OK;
}

/* ---- the whole ---- */

/* The data of all IDAT chunks in one piece: in the file itself where there is one chunk, else in a new buffer,
 * *owned. */
static int join_idat(Png *p, const unsigned char **data, unsigned char **owned)
{
    size_t offset = p->idat, used = 0;
    Chunk c;

    *owned = NULL;
    *data = p->file + p->idat + 8;
    if (p->idat_count == 1)
        return LAKE_OK;
    *data = *owned = malloc(p->idat_size + 1);
    if (*owned == NULL)
        return error_memory(p->e, p->name);
    for (size_t i = 0; i < p->idat_count; i++) {
        c.size = get_u32be(p->file + offset); /* read_chunks has checked it */
        memcpy(*owned + used, p->file + offset + 8, c.size);
        used += c.size;
        offset += CHUNK_FRAME + c.size;
    }
    return LAKE_OK;
}

/* Inflates the image data into a new buffer of exactly the `size` that the header calls for. */
static int inflate_rows(Png *p, unsigned char **rows, size_t size)
{
    const unsigned char *data;
    unsigned char *owned;
    size_t written = 0;
    int code;

    if (size / DEFLATE_RATIO > p->idat_size)
        return error_set(p->e, LAKE_BAD_INPUT, "%s: damaged PNG: %llu bytes of image data cannot hold %lu x %lu pixels", p->name,
                         (unsigned long long)p->idat_size, (unsigned long)p->width, (unsigned long)p->height);
    code = join_idat(p, &data, &owned);
    if (code != LAKE_OK)
        return code;
    *rows = large_calloc(size, 1);
    if (*rows == NULL)
        code = error_memory(p->e, p->name);
    else
        code = inflate_zlib(*rows, size, &written, data, p->idat_size, p->name, p->e);
    free(owned);
    if (code == LAKE_OK && written < size)
        code = error_set(p->e, LAKE_BAD_INPUT, "%s: damaged PNG: %llu bytes of rows where %lu x %lu pixels take %llu", p->name,
                         (unsigned long long)written, (unsigned long)p->width, (unsigned long)p->height,
                         (unsigned long long)size);
    return code;
}

int png_decode(Image *image, const unsigned char *data, size_t size, const char *name, size_t max_pixels, Error *e)
{
    Png p;
    unsigned char *rows = NULL, *zeros = NULL, *at;
    size_t total, longest;
    int code;

    memset(image, 0, sizeof *image);
    memset(&p, 0, sizeof p);
    p.file = data;
    p.file_size = size;
    p.name = name;
    p.e = e;
    if (size < sizeof png_signature || memcmp(data, png_signature, sizeof png_signature) != 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: is no PNG file", name);
    code = read_chunks(&p, max_pixels);
    if (code != LAKE_OK)
        return code;
    if (!data_size(&p, &total) || !row_size(&p, p.width, &longest))
        return error_set(e, LAKE_RESOURCE, "%s: %lu x %lu pixels are more than this machine can address", name,
                         (unsigned long)p.width, (unsigned long)p.height);
    code = inflate_rows(&p, &rows, total);
    if (code == LAKE_OK && (zeros = calloc(longest, 1)) == NULL)
        code = error_memory(e, name);
    if (code == LAKE_OK)
        code = img_allocate(image, p.width, p.height, name, max_pixels, e);
    at = rows;
    for (int i = 0; i < (p.interlaced ? 7 : 1) && code == LAKE_OK; i++)
        code = read_pass(&p, p.interlaced ? &adam7[i] : &whole, &at, zeros, image);
    free(rows);
    free(zeros);
    if (code != LAKE_OK)
        img_free(image);
    return code;
}
