/* TIFF (Adobe, "TIFF Revision 6.0", 1992; BigTIFF), the first page, read.
 *
 * Read are grey pictures of 1, 2, 4, 8, 12 and 16 bits, RGB of 8 and 16, and palettes of up to 8, in strips or tiles, with
 * samples together or in planes, stored as they are or with LZW, Deflate or PackBits. Pixels come out as Pillow 9.4 shows
 * them after convert("RGB"): grey of more than 8 bits is clipped at 255 (also where white is zero, which is not turned round
 * there), RGB of 16 bits keeps the high byte, alpha is dropped, unless colours are stored multiplied by it: then they are
 * divided again. The orientation tag is obeyed, for TIFF alone, as by Pillow's open.
 *
 * Beyond Pillow 9.4, which refuses them or shows other pixels, these are read as the format means them: uncompressed
 * planes of 16 bits or of a single sample, FillOrder 2 and alpha in every combination, 12 bits and white-is-zero of 16 bits
 * with the big end first, BigTIFF with the big end first. */
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "image/codec.h"
#include "image/tiff_internal.h"

enum { WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, PHOTOMETRICS }; /* values of PhotometricInterpretation */
enum { CHUNKY = 1, PLANES = 2 };                                   /* of PlanarConfiguration */
enum { MAX_SAMPLES = 64 };

typedef struct {
    TiffFile f;
    size_t width, height;
    uint64_t compression, photometric;
    unsigned bits, samples;         /* of a sample; per pixel */
    int planes;                     /* 1: each segment holds one sample of each pixel */
    int reversed;                   /* FillOrder 2 */
    int predictor;                  /* 1: samples are differences */
    int multiplied;                 /* 1: colours are multiplied by the sample behind them */
    unsigned orientation;
    unsigned char colors[256][3];   /* what single samples of up to 8 bits stand for */
    int tiled;
    TiffTag offsets, sizes;         /* of the segments: strips or tiles */
    size_t segment_width, segment_height, across, down;
    size_t segments;                /* how many: across * down, and that for each plane */
    size_t row_size;                /* bytes of a segment's row */
} Tiff;

static size_t to_size(uint64_t value)
{
    return value < SIZE_MAX ? (size_t)value : SIZE_MAX;
}

/* ---- what the tags say ---- */

static int refuse(const Tiff *t, const char *what, uint64_t number)
{
    return error_set(t->f.e, LAKE_BAD_INPUT,
                     "%s: TIFF with %s (%llu) is not read; save it as grey, RGB or palette, uncompressed, LZW or Deflate, "
                     "or as PNG",
                     t->f.name, what, (unsigned long long)number);
}

static const char *compression_name(uint64_t compression)
{
    static const struct {
        unsigned code;
        const char *name;
    } names[] = {
        {2, "CCITT compression"},        {3, "CCITT (fax) compression"}, {4, "CCITT (fax) compression"},
        {6, "JPEG inside"},              {7, "JPEG inside"},             {32771, "CCITT compression"},
        {32809, "ThunderScan"},          {34676, "LogLuv compression"},  {34677, "LogLuv compression"},
        {33003, "JPEG 2000 inside"},     {33005, "JPEG 2000 inside"},    {34712, "JPEG 2000 inside"},
        {34887, "LERC compression"},     {34892, "JPEG inside"},         {34925, "LZMA compression"},
        {50000, "Zstandard compression"}, {50001, "WebP inside"},        {50002, "JPEG XL inside"}};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].code == compression)
            return names[i].name;
    return "unknown compression";
}

static const char *photometric_name(uint64_t photometric)
{
    switch (photometric) {
    case 4:
        return "a transparency mask";
    case 5:
        return "CMYK colours";
    case 6:
        return "YCbCr colours";
    case 8:
    case 9:
    case 10:
        return "L*a*b* colours";
    case 32803:
        return "a raw colour filter array";
    case 34892:
        return "raw camera values";
    case 32844:
    case 32845:
        return "LogLuv colours";
    default:
        return "unknown colours";
    }
}

/* All of a tag's values for the pixel's samples must be one; that one, or `otherwise` where the tag is absent. */
static int read_common(const Tiff *t, unsigned tag, uint64_t otherwise, uint64_t *value)
{
    TiffTag found;
    int code = tiff_find(&t->f, tag, &found);

    *value = otherwise;
    for (uint64_t i = 0; code == LAKE_OK && i < found.count && i < t->samples; i++) {
        uint64_t v = tiff_value(&t->f, &found, i);
        if (i > 0 && v != *value)
            return refuse(t, "different samples in one pixel: tag", tag);
        *value = v;
    }
    return code;
}

/* Samples per pixel, their size and kind. */
static int read_samples(Tiff *t)
{
    uint64_t samples, bits, format, extra, planar;
    TiffTag extras;
    unsigned colors = t->photometric == RGB ? 3 : 1;
    int code = tiff_number(&t->f, TAG_SAMPLES, 1, &samples), grey = t->photometric <= BLACK_IS_ZERO;

    if (code == LAKE_OK)
        code = tiff_find(&t->f, TAG_EXTRA_SAMPLES, &extras);
    if (code == LAKE_OK && (samples < colors || samples > MAX_SAMPLES))
        code = refuse(t, "this number of samples per pixel", samples);
    if (code != LAKE_OK)
        return code;
    t->samples = (unsigned)samples;
    if ((code = read_common(t, TAG_BITS, 1, &bits)) != LAKE_OK ||
        (code = read_common(t, TAG_SAMPLE_FORMAT, 1, &format)) != LAKE_OK ||
        (code = tiff_number(&t->f, TAG_PLANAR, CHUNKY, &planar)) != LAKE_OK)
        return code;
    if (format != 1)
        return refuse(t, format == 3 ? "floating-point samples" : format == 2 ? "signed samples" : "samples of unknown kind",
                      format);
    if (planar != CHUNKY && planar != PLANES)
        return tiff_damaged(&t->f, "its samples are neither together nor in planes");
    if (!(bits == 8 || (bits == 16 && t->photometric != PALETTE) ||
          (samples == 1 && (bits == 1 || bits == 2 || bits == 4 || (bits == 12 && grey)))))
        return refuse(t, "this number of bits per sample", bits);
    t->bits = (unsigned)bits;
    t->planes = planar == PLANES && samples > 1;
    extra = extras.count > 0 ? tiff_value(&t->f, &extras, 0) : 0;
    t->multiplied = extra == 1 && samples > colors && t->photometric != PALETTE;
    if (t->multiplied && (t->planes || (grey && bits == 16)))
        return refuse(t, "premultiplied alpha in planes or of 16-bit grey: samples", samples);
    return LAKE_OK;
}

/* The palette: all reds, all greens, all blues, of 16 bits each, of which the high byte counts. An index behind its end is
 * its own grey, as in Pillow. */
static int read_palette(Tiff *t)
{
    TiffTag map;
    int code = tiff_find(&t->f, TAG_COLOR_MAP, &map);

    if (code != LAKE_OK)
        return code;
    if (map.count < 3 || map.count > 3 * 256)
        return tiff_damaged(&t->f, "a palette that is not 1 to 256 colours");
    for (uint64_t i = 0; i < 256; i++)
        for (uint64_t c = 0; c < 3; c++)
            t->colors[i][c] = (unsigned char)(i < map.count / 3 ? tiff_value(&t->f, &map, c * (map.count / 3) + i) >> 8 : i);
    return LAKE_OK;
}

/* What samples of up to 8 bits stand for. */
static int read_colors(Tiff *t)
{
    unsigned most = t->bits < 8 ? (1u << t->bits) - 1 : 255;

    if (t->photometric == PALETTE)
        return read_palette(t);
    for (unsigned i = 0; i <= most; i++)
        memset(t->colors[i], (int)(255 / most * (t->photometric == WHITE_IS_ZERO ? most - i : i)), 3);
    return LAKE_OK;
}

/* How the samples are stored. */
static int read_storage(Tiff *t)
{
    uint64_t predictor, order, orientation;
    int code = tiff_number(&t->f, TAG_PREDICTOR, 1, &predictor);

    if (code == LAKE_OK)
        code = tiff_number(&t->f, TAG_FILL_ORDER, 1, &order);
    if (code == LAKE_OK)
        code = tiff_number(&t->f, TAG_ORIENTATION, 1, &orientation);
    if (code != LAKE_OK)
        return code;
    t->reversed = order == 2;
    t->orientation = orientation <= 8 ? (unsigned)orientation : 1;
    if (t->compression == COMPRESSION_NONE || t->compression == COMPRESSION_PACKBITS)
        return LAKE_OK; /* these know no predictor, whatever the tag says */
    if (predictor > 2)
        return refuse(t, predictor == 3 ? "the floating-point predictor" : "an unknown predictor", predictor);
    t->predictor = predictor == 2;
    if (t->predictor && t->bits != 8 && t->bits != 16)
        return refuse(t, "a predictor for samples that are not 8 or 16 bits: bits", t->bits);
    return LAKE_OK;
}

/* ---- strips and tiles ---- */

/* The size of the segments and where their places are listed. */
static int read_segments(Tiff *t)
{
    uint64_t width, height;
    TiffTag tiles;
    int code = tiff_find(&t->f, TAG_TILE_OFFSETS, &tiles), tiled = tiles.count > 0;

    if (code == LAKE_OK)
        code = tiff_find(&t->f, tiled ? TAG_TILE_OFFSETS : TAG_STRIP_OFFSETS, &t->offsets);
    if (code == LAKE_OK)
        code = tiff_find(&t->f, tiled ? TAG_TILE_SIZES : TAG_STRIP_SIZES, &t->sizes);
    if (code == LAKE_OK)
        code = tiff_number(&t->f, TAG_TILE_WIDTH, 0, &width);
    if (code == LAKE_OK)
        code = tiff_number(&t->f, tiled ? TAG_TILE_HEIGHT : TAG_ROWS_PER_STRIP, t->height, &height);
    if (code != LAKE_OK)
        return code;
    t->tiled = tiled;
    t->segment_width = tiled ? to_size(width) : t->width;
    t->segment_height = tiled || height < t->height ? to_size(height) : t->height;
    if (t->segment_width == 0 || t->segment_height == 0 || t->segment_width > INT_MAX || t->segment_height > INT_MAX)
        return tiff_damaged(&t->f, "tiles or strips without size, or with too large a one");
    t->across = (t->width - 1) / t->segment_width + 1;
    t->down = (t->height - 1) / t->segment_height + 1;
    return LAKE_OK;
}

/* Bytes of a segment's row; and that of every segment there is a place, with as many sizes where sizes are needed. */
static int check_segments(Tiff *t)
{
    size_t bits, whole, planes = t->planes ? t->samples : 1;
    uint64_t places = t->offsets.count;

    if (!size_multiply(t->segment_width, (size_t)t->bits * (t->planes ? 1 : t->samples), &bits) || bits > SIZE_MAX - 7 ||
        !size_multiply((bits + 7) / 8, t->segment_height, &whole))
        return error_set(t->f.e, LAKE_RESOURCE, "%s: a strip or tile of %llu x %llu pixels is more than this machine can address",
                         t->f.name, (unsigned long long)t->segment_width, (unsigned long long)t->segment_height);
    t->row_size = (bits + 7) / 8;
    if (t->offsets.count == 0)
        return tiff_damaged(&t->f, "it does not say where its pixels are (no StripOffsets or TileOffsets)");
    if (t->compression != COMPRESSION_NONE && t->sizes.count < places)
        places = t->sizes.count;
    if (places / planes < t->across * t->down)
        return error_set(t->f.e, LAKE_BAD_INPUT, "%s: damaged TIFF: places of %llu strips or tiles where there are %llu x %llu",
                         t->f.name, (unsigned long long)places, (unsigned long long)(t->across * t->down),
                         (unsigned long long)planes);
    t->segments = t->across * t->down * planes;
    return LAKE_OK;
}

/* Rows of the picture in the segments of line `row`. */
static size_t rows_of(const Tiff *t, size_t row)
{
    size_t left = t->height - row * t->segment_height;

    return left < t->segment_height ? left : t->segment_height;
}

/* The stored bytes of segment `index`, whose first `rows` rows are needed: within the file and enough for these. */
static int find_segment(const Tiff *t, size_t index, size_t rows, const unsigned char **stored, size_t *size)
{
    uint64_t at = tiff_value(&t->f, &t->offsets, index), needed = (uint64_t)rows * t->row_size;
    uint64_t length = t->compression == COMPRESSION_NONE ? needed : tiff_value(&t->f, &t->sizes, index);

    if (at > t->f.size || length > t->f.size - at)
        return tiff_damaged(&t->f, "a strip or tile lies behind its end: is the file cut off?");
    if (tiff_codec_limit(t->compression, (size_t)length) < needed)
        return error_set(t->f.e, LAKE_BAD_INPUT, "%s: damaged TIFF: %llu bytes cannot hold a strip or tile of %llu", t->f.name,
                         (unsigned long long)length, (unsigned long long)needed);
    *stored = t->f.data + at;
    *size = (size_t)length;
    return LAKE_OK;
}

/* That of all segments, before memory is taken. There will be room for whole tiles, so they must be plausible as a whole.
 * *largest is the largest number of stored bytes. */
static int check_stored(const Tiff *t, size_t *largest)
{
    const unsigned char *stored;
    int code = LAKE_OK;

    *largest = 1;
    for (size_t i = 0; i < t->segments && code == LAKE_OK; i++) {
        size_t size = 0, rows = rows_of(t, i / t->across % t->down);
        if (t->tiled && t->compression != COMPRESSION_NONE)
            rows = t->segment_height;
        code = find_segment(t, i, rows, &stored, &size);
        if (size > *largest)
            *largest = size;
    }
    return code;
}

/* ---- samples to RGB ---- */

/* Sample i of a row as a byte: 16-bit grey clipped, 16-bit colour cut. */
static unsigned char sample_byte(const Tiff *t, const unsigned char *row, size_t i)
{
    unsigned value;

    if (t->bits == 8)
        return row[i];
    value = t->f.big_endian ? get_u16be(row + 2 * i) : get_u16le(row + 2 * i);
    if (t->photometric == RGB)
        return (unsigned char)(value >> 8);
    return (unsigned char)(value < 255 ? value : 255);
}

/* Pixels of one sample each, of fewer than 8 bits or 12. */
static void packed_to_rgb(const Tiff *t, unsigned char *out, const unsigned char *row, size_t pixels)
{
    for (size_t x = 0; x < pixels; x++, out += 3) {
        size_t bit = x * t->bits, at = bit / 8;
        if (t->bits == 12) {
            unsigned pair = (unsigned)(row[at] << 8 | row[at + 1]), value = bit % 8 == 0 ? pair >> 4 : pair & 0xfff;
            memset(out, value < 255 ? (int)value : 255, 3);
        } else {
            memcpy(out, t->colors[row[at] >> (8 - t->bits - bit % 8) & ((1u << t->bits) - 1)], 3);
        }
    }
}

/* A colour that was multiplied by its alpha, without it; Pillow's unpackRGBa. */
static unsigned char divided(unsigned char color, unsigned alpha)
{
    unsigned value = alpha == 0 ? 0 : color * 255u / alpha;

    return (unsigned char)(value < 255 ? value : 255);
}

/* Pixels of several samples, of 8 or 16 bits. The sample behind the colours is alpha where `multiplied` is set; its high
 * byte counts, as of the colours. */
static void chunky_to_rgb(const Tiff *t, unsigned char *out, const unsigned char *row, size_t pixels)
{
    size_t colors = t->photometric == RGB ? 3 : 1;

    for (size_t x = 0; x < pixels; x++, out += 3) {
        for (size_t c = 0; c < 3; c++)
            out[c] = sample_byte(t, row, x * t->samples + (colors == 3 ? c : 0));
        if (colors == 1 && t->bits == 8)
            memcpy(out, t->colors[out[0]], 3);
        for (size_t c = 0; c < 3 && t->multiplied; c++)
            out[c] = divided(out[c], sample_byte(t, row, x * t->samples + colors));
    }
}

/* Pixels of one sample each, which is the colour `plane` of the picture's, or its only one. */
static void plane_to_rgb(const Tiff *t, unsigned char *out, const unsigned char *row, size_t pixels, size_t plane)
{
    for (size_t x = 0; x < pixels; x++, out += 3) {
        unsigned char byte = sample_byte(t, row, x);
        if (t->photometric == RGB)
            out[plane] = byte;
        else if (t->bits == 8)
            memcpy(out, t->colors[byte], 3);
        else
            memset(out, byte, 3);
    }
}

static void row_to_rgb(const Tiff *t, unsigned char *out, const unsigned char *row, size_t pixels, size_t plane)
{
    if (t->planes || (t->samples == 1 && t->bits == 16))
        plane_to_rgb(t, out, row, pixels, plane);
    else if (t->samples == 1 && t->bits == 8)
        img_indexed_row(out, row, t->colors, pixels);
    else if (t->samples == 1)
        packed_to_rgb(t, out, row, pixels);
    else
        chunky_to_rgb(t, out, row, pixels);
}

/* ---- the whole ---- */

/* The `rows` first rows of a segment, ready to convert: in the file itself, or in `buffer`. `turned` takes the stored bytes
 * with their bits turned round. */
static int decode_segment(const Tiff *t, size_t index, size_t rows, unsigned char *buffer, unsigned char *turned,
                          const unsigned char **samples)
{
    const unsigned char *stored;
    size_t size, channels = t->planes ? 1 : t->samples;
    int code = find_segment(t, index, rows, &stored, &size);

    if (code != LAKE_OK)
        return code;
    if (t->reversed) {
        tiff_reverse_bits(turned, stored, size);
        stored = turned;
    }
    *samples = stored;
    if (t->compression == COMPRESSION_NONE)
        return LAKE_OK;
    *samples = buffer;
    code = tiff_decompress(buffer, t->segment_height * t->row_size, rows * t->row_size, t->compression, stored, size,
                           t->f.name, t->f.e);
    for (size_t y = 0; y < rows && t->predictor && code == LAKE_OK; y++)
        tiff_undo_predictor(buffer + y * t->row_size, t->segment_width, channels, t->bits, t->f.big_endian);
    return code;
}

/* Reads the segments one by one into the image. Planes behind the third colour are alpha and left alone. */
static int read_pixels(const Tiff *t, const Image *image, unsigned char *buffer, unsigned char *turned)
{
    size_t per_plane = t->across * t->down, planes = t->planes ? (t->photometric == RGB ? 3 : 1) : 1;
    const unsigned char *samples;
    int code = LAKE_OK;

    for (size_t i = 0; i < planes * per_plane && code == LAKE_OK; i++) {
        size_t top = i / t->across % t->down * t->segment_height, left = i % t->across * t->segment_width;
        size_t rows = rows_of(t, i / t->across % t->down), columns = t->width - left;
        if (columns > t->segment_width)
            columns = t->segment_width;
        code = decode_segment(t, i, rows, buffer, turned, &samples);
        for (size_t y = 0; y < rows && code == LAKE_OK; y++)
            row_to_rgb(t, image->rgb + ((top + y) * t->width + left) * 3, samples + y * t->row_size, columns, i / per_plane);
    }
    return code;
}

static int read_tags(Tiff *t, size_t max_pixels)
{
    uint64_t width, height;
    int code = tiff_number(&t->f, TAG_WIDTH, 0, &width);

    if (code == LAKE_OK)
        code = tiff_number(&t->f, TAG_HEIGHT, 0, &height);
    if (code == LAKE_OK)
        code = tiff_number(&t->f, TAG_COMPRESSION, COMPRESSION_NONE, &t->compression);
    if (code == LAKE_OK)
        code = tiff_number(&t->f, TAG_PHOTOMETRIC, WHITE_IS_ZERO, &t->photometric);
    if (code != LAKE_OK)
        return code;
    t->width = to_size(width);
    t->height = to_size(height);
    if (!tiff_codec_known(t->compression))
        return refuse(t, compression_name(t->compression), t->compression);
    if (t->photometric >= PHOTOMETRICS)
        return refuse(t, photometric_name(t->photometric), t->photometric);
    if ((code = img_check_size(t->width, t->height, t->f.name, max_pixels, t->f.e)) != LAKE_OK ||
        (code = read_samples(t)) != LAKE_OK || (code = read_storage(t)) != LAKE_OK ||
        (code = read_segments(t)) != LAKE_OK || (code = check_segments(t)) != LAKE_OK)
        return code;
    return t->bits <= 8 ? read_colors(t) : LAKE_OK;
}

int tiff_decode(Image *image, const unsigned char *data, size_t size, const char *name, size_t max_pixels, Error *e)
{
    Tiff t;
    unsigned char *buffer = NULL, *turned = NULL;
    size_t largest = 1;
    int code;

    memset(image, 0, sizeof *image);
    memset(&t, 0, sizeof t);
    code = tiff_open(&t.f, data, size, name, e);
    if (code == LAKE_OK)
        code = read_tags(&t, max_pixels);
    if (code == LAKE_OK)
        code = check_stored(&t, &largest);
    if (code == LAKE_OK)
        code = img_allocate(image, t.width, t.height, name, max_pixels, e);
    if (code == LAKE_OK && t.compression != COMPRESSION_NONE)
        code = (buffer = malloc(t.segment_height * t.row_size)) != NULL ? LAKE_OK : error_memory(e, name);
    if (code == LAKE_OK && t.reversed)
        code = (turned = malloc(largest)) != NULL ? LAKE_OK : error_memory(e, name);
    if (code == LAKE_OK)
        code = read_pixels(&t, image, buffer, turned);
    if (code == LAKE_OK)
        code = img_orient(image, (int)t.orientation, e);
    free(buffer);
    free(turned);
    if (code != LAKE_OK)
        img_free(image);
    return code;
}
