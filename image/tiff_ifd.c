/* TIFF's frame (TIFF 6.0, section 2; BigTIFF as libtiff writes it): a header that names the byte order and the offset of
 * the first directory, and directories of entries {tag, type, count, values or their offset}. Only the first directory,
 * the first page, is read; where it says the next one lies is not looked at. */
#include <string.h>

#include "base/bytes.h"
#include "image/tiff_internal.h"

int tiff_damaged(const TiffFile *f, const char *what)
{
    return error_set(f->e, LAKE_BAD_INPUT, "%s: damaged TIFF: %s", f->name, what);
}

/* The whole number of 1, 2, 4 or 8 bytes at p. */
static uint64_t get_number(const TiffFile *f, const unsigned char *p, size_t width)
{
    uint64_t value = 0;

    for (size_t i = 0; i < width; i++)
        value = value << 8 | p[f->big_endian ? i : width - 1 - i];
    return value;
}

/* Whether `size` bytes at `at` lie within the file. */
static int within(const TiffFile *f, uint64_t at, uint64_t size)
{
    return at <= f->size && size <= f->size - at;
}

int tiff_is(const unsigned char *data, size_t size)
{
    return size >= 4 && ((memcmp(data, "II", 2) == 0 && (data[2] == 42 || data[2] == 43) && data[3] == 0) ||
                         (memcmp(data, "MM", 2) == 0 && data[2] == 0 && (data[3] == 42 || data[3] == 43)));
}

static size_t entry_size(const TiffFile *f)
{
    return f->wide ? 20 : 12;
}

int tiff_open(TiffFile *f, const unsigned char *data, size_t size, const char *name, Error *e)
{
    uint64_t at, count;
    size_t count_width;

    memset(f, 0, sizeof *f);
    f->data = data;
    f->size = size;
    f->name = name;
    f->e = e;
    if (!tiff_is(data, size))
        return error_set(e, LAKE_BAD_INPUT, "%s: is no TIFF file", name);
    f->big_endian = data[0] == 'M';
    f->wide = data[2] == 43 || data[3] == 43;
    if (size < (f->wide ? 16 : 8))
        return tiff_damaged(f, "it ends inside its header: is the file cut off?");
    if (f->wide && (get_number(f, data + 4, 2) != 8 || get_number(f, data + 6, 2) != 0))
        return tiff_damaged(f, "a BigTIFF whose offsets are not 8 bytes");
    at = f->wide ? get_number(f, data + 8, 8) : get_number(f, data + 4, 4);
    count_width = f->wide ? 8 : 2;
    if (!within(f, at, count_width))
        return tiff_damaged(f, "its directory lies behind its end: is the file cut off?");
    count = get_number(f, data + at, count_width);
    at += count_width;
    if (count > (f->size - at) / entry_size(f))
        return tiff_damaged(f, "its directory reaches behind its end: is the file cut off?");
    f->entries = (size_t)at;
    f->entry_count = (size_t)count;
    return LAKE_OK;
}

/* Bytes of a value of this type; 0 for what is no whole number without sign. */
static size_t type_width(uint64_t type)
{
    enum { BYTE = 1, SHORT = 3, LONG = 4, IFD = 13, LONG8 = 16, IFD8 = 18 };

    switch (type) {
    case BYTE:
        return 1;
    case SHORT:
        return 2;
    case LONG:
    case IFD:
        return 4;
    case LONG8:
    case IFD8:
        return 8;
    default:
        return 0;
    }
}

/* The values of an entry: in its last field where they fit, else where that says. */
static int read_entry(const TiffFile *f, const unsigned char *entry, unsigned tag, TiffTag *found)
{
    size_t field = f->wide ? 8 : 4;
    uint64_t count = get_number(f, entry + 4, field), at = (uint64_t)(entry + 4 + field - f->data);
    size_t width = type_width(get_number(f, entry + 2, 2));

    if (width == 0)
        return error_set(f->e, LAKE_BAD_INPUT, "%s: damaged TIFF: tag %u is of type %u, expected whole numbers", f->name,
                         tag, (unsigned)get_number(f, entry + 2, 2));
    if (count > field / width)
        at = get_number(f, entry + 4 + field, field);
    if (count > f->size / width || !within(f, at, count * width))
        return error_set(f->e, LAKE_BAD_INPUT,
                         "%s: damaged TIFF: the %llu values of tag %u lie behind its end: is the file cut off?", f->name,
                         (unsigned long long)count, tag);
    found->count = count;
    found->at = (size_t)at;
    found->width = width;
    return LAKE_OK;
}

int tiff_find(const TiffFile *f, unsigned tag, TiffTag *found)
{
    memset(found, 0, sizeof *found);
    for (size_t i = 0; i < f->entry_count; i++) {
        const unsigned char *entry = f->data + f->entries + i * entry_size(f);
        if (get_number(f, entry, 2) == tag)
            return read_entry(f, entry, tag, found);
    }
    return LAKE_OK;
}

uint64_t tiff_value(const TiffFile *f, const TiffTag *tag, uint64_t i)
{
    return get_number(f, f->data + tag->at + (size_t)i * tag->width, tag->width);
}

int tiff_number(const TiffFile *f, unsigned tag, uint64_t otherwise, uint64_t *value)
{
    TiffTag found;
    int code = tiff_find(f, tag, &found);

    *value = code == LAKE_OK && found.count > 0 ? tiff_value(f, &found, 0) : otherwise;
    return code;
}
