/* What the files of the TIFF reader share; orient.c reads EXIF with tiff_ifd.c, nobody else includes this.
 *
 *   tiff_ifd.c     the file's header, and tags by number from a directory
 *   tiff_codecs.c  PackBits, LZW, Deflate and the predictor: a strip's or tile's stored bytes -> rows of samples
 *   tiff.c         what the tags say, and samples -> RGB
 *
 * Everything is read where it stands in the file, whose directory may lie anywhere and in either byte order. */
#ifndef LAKE_TIFF_INTERNAL_H
#define LAKE_TIFF_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Tags (TIFF 6.0, appendix A). */
enum {
    TAG_WIDTH = 256, TAG_HEIGHT = 257, TAG_BITS = 258, TAG_COMPRESSION = 259, TAG_PHOTOMETRIC = 262,
    TAG_FILL_ORDER = 266, TAG_STRIP_OFFSETS = 273, TAG_ORIENTATION = 274, TAG_SAMPLES = 277, TAG_ROWS_PER_STRIP = 278,
    TAG_STRIP_SIZES = 279, TAG_PLANAR = 284, TAG_PREDICTOR = 317, TAG_COLOR_MAP = 320, TAG_TILE_WIDTH = 322,
    TAG_TILE_HEIGHT = 323, TAG_TILE_OFFSETS = 324, TAG_TILE_SIZES = 325, TAG_EXTRA_SAMPLES = 338, TAG_SAMPLE_FORMAT = 339
};

enum { COMPRESSION_NONE = 1, COMPRESSION_LZW = 5, COMPRESSION_DEFLATE = 8, COMPRESSION_PACKBITS = 32773,
       COMPRESSION_OLD_DEFLATE = 32946 };

typedef struct {
    const unsigned char *data;
    size_t size;
    const char *name;
    Error *e;
    int big_endian;
    int wide;           /* BigTIFF: counts and offsets of 8 bytes */
    size_t entries;     /* where the first directory's entries begin */
    size_t entry_count;
} TiffFile;

/* A tag's whole numbers, in the file; count 0: the tag is absent. */
typedef struct {
    uint64_t count;
    size_t at, width; /* where they begin; bytes of each */
} TiffTag;

/* ---- tiff_ifd.c ---- */

/* 1 where the bytes begin as a TIFF or BigTIFF file does. */
int tiff_is(const unsigned char *data, size_t size);

/* Reads the header and finds the first directory, whose entries lie within the file. */
int tiff_open(TiffFile *f, const unsigned char *data, size_t size, const char *name, Error *e);

/* The tag of the first directory; its values lie within the file. LAKE_BAD_INPUT where they do not, or are not whole
 * numbers without sign. */
int tiff_find(const TiffFile *f, unsigned tag, TiffTag *found);

/* Value i < count. */
uint64_t tiff_value(const TiffFile *f, const TiffTag *tag, uint64_t i);

/* The first value of a tag, or `otherwise` where it is absent. */
int tiff_number(const TiffFile *f, unsigned tag, uint64_t otherwise, uint64_t *value);

/* A message "NAME: damaged TIFF: WHAT"; returns LAKE_BAD_INPUT. */
int tiff_damaged(const TiffFile *f, const char *what);

/* ---- tiff_codecs.c ---- */

/* 1 for a compression that is read. */
int tiff_codec_known(uint64_t compression);

/* The largest number of bytes that `size` stored ones can become. */
uint64_t tiff_codec_limit(uint64_t compression, size_t size);

/* Decompresses `in` into out[room]. Fewer than `needed` bytes are an error, more than fit are dropped where the format
 * lets one know (Deflate: an error). Not for COMPRESSION_NONE. */
int tiff_decompress(unsigned char *out, size_t room, size_t needed, uint64_t compression, const unsigned char *in,
                    size_t size, const char *name, Error *e);

/* Undoes horizontal differencing (TIFF 6.0, section 14) of one row in place: each sample of 8 or 16 bits is a difference
 * to the one `samples` before it. */
void tiff_undo_predictor(unsigned char *row, size_t pixels, size_t samples, unsigned bits, int big_endian);

/* Turns each byte's bits round (FillOrder 2), from `in` to `out`, which may be the same. */
void tiff_reverse_bits(unsigned char *out, const unsigned char *in, size_t size);

#endif
