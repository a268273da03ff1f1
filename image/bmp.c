/* BMP (Microsoft's "Bitmap Storage" pages; OS/2's first header), read.
 *
 * A file header of 14 bytes says where the pixels are, an information header of 12 (OS/2) to 124 bytes (V5) what they
 * are; then come a palette and the rows, from the bottom up unless the height is negative, each filled up to 4 bytes.
 * Read are 1, 4, 8, 16, 24 and 32 bits, run-length codes, and colour masks, as Pillow 9.4 shows them after
 * convert("RGB"): the fourth channel is dropped, a channel of n bits becomes floor(v * 255 / (2^n - 1)), and an index
 * behind the palette's end is its own grey.
 *
 * Beyond Pillow 9.4, which refuses them or shows other pixels, these are read as the format means them: the run-length
 * codes' jumps, empty rows and early ends, half bytes at the end of literal 4-bit runs, palettes of two greys with more
 * than 1 bit per pixel, any colour masks, headers of 52 and 56 bytes. */
#include "image/codec.h"

#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

enum { FILE_HEADER = 14, CORE_HEADER = 12, INFO_HEADER = 40, OS2_HEADER = 64, V5_HEADER = 124, MASKS_SIZE = 12 };

/* Values of the field biCompression. */
enum { RAW, RLE8, RLE4, BITFIELDS, JPEG_INSIDE, PNG_INSIDE };

typedef struct {
    uint32_t mask, max; /* its bits in a pixel; its largest value */
    unsigned shift;
} Channel;

typedef struct {
    const unsigned char *file;
    size_t size;
    const char *name;
    Error *e;
    size_t width, height;
    int top_down;
    unsigned bits; /* per pixel */
    uint32_t compression;
    size_t palette, palette_entry;  /* where the palette begins, bytes of a colour in it */
    uint32_t palette_count;
    size_t pixels;                  /* where the pixels begin */
    Channel channels[3];            /* red, green, blue of 16, 24 and 32 bits */
    unsigned char colors[256][3];   /* of up to 8 bits */
} Bmp;

static int damaged(const Bmp *b, const char *what)
{
    return error_set(b->e, LAKE_BAD_INPUT, "%s: damaged BMP: %s", b->name, what);
}

static int cut_off(const Bmp *b)
{
    return damaged(b, "it ends inside its pixels: is the file cut off?");
}

/* ---- headers ---- */

/* Sizes, bits, compression and number of colours from the information header. */
static void read_dimensions(Bmp *b, const unsigned char *info, uint32_t header)
{
    if (header == CORE_HEADER) {
        b->width = get_u16le(info + 4);
        b->height = get_u16le(info + 6);
        b->bits = get_u16le(info + 10);
        b->palette_entry = 3;
    } else {
        uint32_t height = get_u32le(info + 8);
        b->top_down = height >> 31 != 0;
        b->width = get_u32le(info + 4);
        b->height = b->top_down ? 0u - height : height;
        b->bits = get_u16le(info + 14);
        b->compression = get_u32le(info + 16);
        b->palette_count = get_u32le(info + 32);
        b->palette_entry = 4;
    }
    if (b->palette_count == 0 && b->bits <= 8)
        b->palette_count = UINT32_C(1) << b->bits;
}

/* Which kinds of pixels there are, and which are read. */
static int check_kind(const Bmp *b, uint32_t header)
{
    static const char *const names[] = {"", "", "", "", "JPEG", "PNG"};
    int known = b->bits == 1 || b->bits == 4 || b->bits == 8 || b->bits == 16 || b->bits == 24 || b->bits == 32;

    if (header == OS2_HEADER && b->compression >= BITFIELDS)
        return error_set(b->e, LAKE_BAD_INPUT, "%s: BMP of OS/2 with compression %lu is not read; convert it to PNG first",
                         b->name, (unsigned long)b->compression);
    if (b->compression == JPEG_INSIDE || b->compression == PNG_INSIDE)
        return error_set(b->e, LAKE_BAD_INPUT, "%s: BMP with a %s inside is not read; convert it to PNG first", b->name,
                         names[b->compression]);
    if (b->compression > PNG_INSIDE)
        return error_set(b->e, LAKE_BAD_INPUT, "%s: BMP with unknown compression %lu; convert it to PNG first", b->name,
                         (unsigned long)b->compression);
    if (!known)
        return error_set(b->e, LAKE_BAD_INPUT, "%s: BMP of %u bits per pixel, expected 1, 4, 8, 16, 24 or 32", b->name,
                         b->bits);
    if ((b->compression == RLE8 && b->bits != 8) || (b->compression == RLE4 && b->bits != 4) ||
        (b->compression == BITFIELDS && b->bits < 16))
        return error_set(b->e, LAKE_BAD_INPUT, "%s: damaged BMP: compression %lu does not go with %u bits per pixel",
                         b->name, (unsigned long)b->compression, b->bits);
    return LAKE_OK;
}

/* Splits a mask, whose ones must stand together, into place and size. A mask without ones is a channel of zeros. */
static int set_channel(Channel *c, uint32_t mask)
{
    c->mask = mask;
    for (c->shift = 0; mask != 0 && (mask >> c->shift & 1) == 0;)
        c->shift++;
    c->max = mask >> c->shift;
    return (c->max & (c->max + 1)) == 0;
}

/* The masks of red, green and blue: stored ones, which stand where those of a V4 header do, or the usual. */
static int read_masks(Bmp *b)
{
    static const uint32_t usual[2][3] = {{0x7c00, 0x3e0, 0x1f}, {0xff0000, 0xff00, 0xff}};
    const unsigned char *stored = b->file + FILE_HEADER + INFO_HEADER;
    int zero = b->compression != BITFIELDS ||
               (get_u32le(stored) == 0 && get_u32le(stored + 4) == 0 && get_u32le(stored + 8) == 0);

    for (int i = 0; i < 3; i++)
        if (!set_channel(&b->channels[i], zero ? usual[b->bits != 16][i] : get_u32le(stored + 4 * i)))
            return damaged(b, "a colour mask with gaps");
    return LAKE_OK;
}

/* Colours of the indices; Pillow reads as many as the header says, whatever else may stand there. */
static void read_palette(Bmp *b)
{
    const unsigned char *entry = b->file + b->palette;

    for (uint32_t i = 0; i < 256; i++) {
        memset(b->colors[i], (int)i, 3);
        if (i >= b->palette_count || b->size - b->palette < (i + 1) * b->palette_entry)
            continue;
        for (int c = 0; c < 3; c++)
            b->colors[i][c] = entry[i * b->palette_entry + 2 - (size_t)c];
    }
}

/* Where the pixels begin. Some writers forget the palette there; then they begin behind it, as Pillow has it. */
static int find_pixels(Bmp *b, uint32_t header)
{
    size_t palette_size = 0, at = get_u32le(b->file + 10);

    if (b->bits <= 8 && !size_multiply(b->palette_count, b->palette_entry, &palette_size))
        return damaged(b, "a palette larger than the file");
    if (at == 0)
        at = b->palette;
    else if (at != FILE_HEADER + header)
        palette_size = 0;
    if (!size_add(at, palette_size, &b->pixels) || b->pixels > b->size)
        return cut_off(b);
    return LAKE_OK;
}

static int read_headers(Bmp *b, size_t max_pixels)
{
    uint32_t header = b->size >= FILE_HEADER + 4 ? get_u32le(b->file + FILE_HEADER) : 0;
    int code;

    if (b->size >= FILE_HEADER + 4 && header != CORE_HEADER &&
        (header < INFO_HEADER || header > V5_HEADER || header % 4 != 0))
        return error_set(b->e, LAKE_BAD_INPUT, "%s: BMP with a header of %lu bytes, expected 12, 40, 64, 108 or 124",
                         b->name, (unsigned long)header);
    if (b->size < FILE_HEADER + 4 || b->size - FILE_HEADER < header)
        return damaged(b, "it ends inside its header: is the file cut off?");
    read_dimensions(b, b->file + FILE_HEADER, header);
    code = check_kind(b, header);
    if (code == LAKE_OK)
        code = img_check_size(b->width, b->height, b->name, max_pixels, b->e);
    if (code != LAKE_OK)
        return code;
    b->palette = FILE_HEADER + header;
    if (b->compression == BITFIELDS && header < INFO_HEADER + MASKS_SIZE)
        b->palette += MASKS_SIZE;
    if (b->palette > b->size)
        return damaged(b, "it ends inside its header: is the file cut off?");
    code = find_pixels(b, header);
    if (code == LAKE_OK && b->bits > 8)
        code = read_masks(b);
    else if (code == LAKE_OK)
        read_palette(b);
    return code;
}

/* ---- rows ---- */

/* Row y in the file's order. */
static unsigned char *row_of(const Bmp *b, const Image *image, size_t y)
{
    return image->rgb + (b->top_down ? y : b->height - 1 - y) * b->width * 3;
}

static void row_to_rgb(const Bmp *b, unsigned char *out, const unsigned char *row)
{
    size_t bytes = b->bits / 8;

    if (b->bits == 8) {
        img_indexed_row(out, row, b->colors, b->width);
        return;
    }
    for (size_t x = 0; x < b->width; x++, out += 3) {
        uint32_t pixel = 0;
        if (b->bits < 8) {
            size_t bit = x * b->bits;
            memcpy(out, b->colors[row[bit / 8] >> (8 - b->bits - bit % 8) & ((1u << b->bits) - 1)], 3);
            continue;
        }
        for (size_t i = 0; i < bytes; i++)
            pixel |= (uint32_t)row[x * bytes + i] << 8 * i;
        for (int c = 0; c < 3; c++) {
            const Channel *channel = &b->channels[c];
            uint32_t value = (pixel & channel->mask) >> channel->shift;
            out[c] = (unsigned char)(channel->max == 255 ? value : channel->max == 0 ? 0 : (uint64_t)value * 255 / channel->max);
        }
    }
}

/* Bytes of a row, without and with its filling; 0 where they do not fit a size_t. */
static int row_sizes(const Bmp *b, size_t *used, size_t *filled)
{
    size_t bits;

    if (!size_multiply(b->width, b->bits, &bits) || bits > SIZE_MAX - 31)
        return 0;
    *used = (bits + 7) / 8;
    *filled = (bits + 31) / 32 * 4;
    return 1;
}

/* Whether the file holds all rows; the last one may lack its filling. */
static int rows_present(const Bmp *b)
{
    size_t used, filled, total;

    return row_sizes(b, &used, &filled) && size_multiply(filled, b->height - 1, &total) && size_add(total, used, &total) &&
           total <= b->size - b->pixels;
}

static void read_rows(const Bmp *b, const Image *image)
{
    const unsigned char *row = b->file + b->pixels;
    size_t used, filled = 0;

    row_sizes(b, &used, &filled); /* fits: rows_present has checked it */
    for (size_t y = 0; y < b->height; y++)
        row_to_rgb(b, row_of(b, image, y), row + y * filled);
}

/* ---- run-length codes ---- */

/* Two bytes are 255 pixels at most; pictures that skip more of their area than that are not worth their memory. */
static int runs_plausible(const Bmp *b)
{
    return b->width * b->height / 255 <= (b->size - b->pixels) / 2 + 1;
}

static void put_index(const Bmp *b, const Image *image, size_t x, size_t y, unsigned index)
{
    if (x < b->width)
        memcpy(row_of(b, image, y) + x * 3, b->colors[index], 3);
}

/* Pixel i of a run's bytes: a byte each, or half a byte, the high one first. */
static unsigned run_index(const Bmp *b, const unsigned char *bytes, size_t i)
{
    if (b->compression == RLE8)
        return bytes[i];
    return i % 2 == 0 ? bytes[i / 2] >> 4 : bytes[i / 2] & 15;
}

/* Codes of two bytes: a run of `count` pixels, or with a count of 0 the end of the row (0), of the picture (1), a jump (2),
 * or that many pixels one by one, filled up to an even number of bytes. What lies right of the picture is dropped. */
static int read_runs(const Bmp *b, const Image *image)
{
    enum { END_OF_ROW, END_OF_PICTURE, JUMP };
    const unsigned char *p = b->file + b->pixels, *end = b->file + b->size;
    size_t x = 0, y = 0;

    for (size_t row = 0; row < b->height; row++)
        for (size_t i = 0; i < b->width; i++)
            put_index(b, image, i, row, 0);
    while (y + 1 < b->height || (y < b->height && x < b->width)) {
        unsigned count, second;
        if (end - p < 2)
            return cut_off(b);
        count = p[0];
        second = p[1];
        p += 2;
        if (count > 0) {
            unsigned char pair[2] = {(unsigned char)second, (unsigned char)second};
            for (size_t i = 0; i < count; i++)
                put_index(b, image, x + i, y, run_index(b, pair, i % 2));
            x += count;
        } else if (second == END_OF_ROW) {
            x = 0;
            y++;
        } else if (second == END_OF_PICTURE) {
            return LAKE_OK;
        } else if (second == JUMP) {
            if (end - p < 2)
                return cut_off(b);
            x += p[0];
            y += p[1];
            p += 2;
        } else {
            size_t bytes = b->compression == RLE8 ? second : (second + 1) / 2;
            if ((size_t)(end - p) < bytes)
                return cut_off(b);
            for (size_t i = 0; i < second; i++)
                put_index(b, image, x + i, y, run_index(b, p, i));
            x += second;
            p += bytes;
            p += bytes % 2 != 0 && p < end;
        }
    }
    return LAKE_OK;
}

int bmp_decode(Image *image, const unsigned char *data, size_t size, const char *name, size_t max_pixels, Error *e)
{
    Bmp b;
    int code, runs;

    memset(image, 0, sizeof *image);
    memset(&b, 0, sizeof b);
    b.file = data;
    b.size = size;
    b.name = name;
    b.e = e;
    code = read_headers(&b, max_pixels);
    if (code != LAKE_OK)
        return code;
    runs = b.compression == RLE8 || b.compression == RLE4;
    if (!(runs ? runs_plausible(&b) : rows_present(&b)))
        return cut_off(&b);
    code = img_allocate(image, b.width, b.height, name, max_pixels, e);
    if (code == LAKE_OK && runs)
        code = read_runs(&b, image);
    else if (code == LAKE_OK)
        read_rows(&b, image);
    if (code != LAKE_OK)
        img_free(image);
    return code;
}
