/* Pictures; see image.h. What a file is, is known by its first bytes, never by its name. */
#include "image/image.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/large.h"
#include "image/codec.h"
#include "image/pixels.h"
#include "image/tiff_internal.h"

/* ---- names ---- */

/* Whether a name ends so, whatever the case of its letters. */
static int ends_with(const char *path, const char *ending)
{
    size_t length = strlen(path), tail = strlen(ending);

    if (length < tail)
        return 0;
    for (path += length - tail; *path != '\0'; path++, ending++)
        if ((*path >= 'A' && *path <= 'Z' ? *path - 'A' + 'a' : *path) != *ending)
            return 0;
    return 1;
}

int img_has_picture_name(const char *name)
{
    static const char *const endings[] = {".png", ".jpg", ".jpeg", ".jpe", ".pnm", ".ppm",
                                          ".pgm", ".pbm", ".bmp",  ".tif", ".tiff"};

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends_with(name, endings[i]))
            return 1;
    return 0;
}

/* ---- memory ---- */

int img_check_size(size_t width, size_t height, const char *name, size_t max_pixels, Error *e)
{
    size_t pixels, bytes;

    if (max_pixels == 0)
        max_pixels = IMG_MAX_PIXELS;
    if (width == 0 || height == 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: a picture of %llu x %llu pixels is empty", name, (unsigned long long)width,
                         (unsigned long long)height);
    if (!size_multiply(width, height, &pixels) || pixels > max_pixels)
        return error_set(e, LAKE_BAD_INPUT, "%s: %llu x %llu pixels are more than the limit of %llu in total", name,
                         (unsigned long long)width, (unsigned long long)height, (unsigned long long)max_pixels);
    if (width > INT_MAX || height > INT_MAX || !size_multiply(pixels, 3, &bytes))
        return error_set(e, LAKE_RESOURCE, "%s: %llu x %llu pixels are more than this machine can address", name,
                         (unsigned long long)width, (unsigned long long)height);
    return LAKE_OK;
}

int img_allocate(Image *image, size_t width, size_t height, const char *name, size_t max_pixels, Error *e)
{
    int code = img_check_size(width, height, name, max_pixels, e);

    memset(image, 0, sizeof *image);
    if (code != LAKE_OK)
        return code;
    image->rgb = large_calloc(width * height, 3);
    if (image->rgb == NULL)
        return error_set(e, LAKE_RESOURCE, "%s: out of memory for %llu x %llu pixels", name, (unsigned long long)width,
                         (unsigned long long)height);
    image->width = (int)width;
    image->height = (int)height;
    return LAKE_OK;
}

int img_new(Image *image, int width, int height, Error *e)
{
    if (width < 1 || height < 1) {
        memset(image, 0, sizeof *image);
        return error_set(e, LAKE_USAGE, "a picture of %d x %d pixels: both sides must be at least 1", width, height);
    }
    return img_allocate(image, (size_t)width, (size_t)height, "new picture", SIZE_MAX, e);
}

void img_free(Image *image)
{
    free(image->rgb);
    memset(image, 0, sizeof *image);
}

/* ---- rows ---- */

static int is_grey_ramp(const unsigned char (*colors)[3])
{
    int i = 0;

    while (i < 256 && colors[i][0] == i && colors[i][1] == i && colors[i][2] == i)
        i++;
    return i == 256;
}

void img_indexed_row(unsigned char *rgb, const unsigned char *indices, const unsigned char (*colors)[3], size_t n)
{
    if (n >= 256 && is_grey_ramp(colors)) { /* worth the look: most pictures of one channel, in a tenth of the time */
        pixels_choose()->interleave(rgb, indices, indices, indices, n);
        return;
    }
    for (size_t x = 0; x < n; x++)
        memcpy(rgb + 3 * x, colors[indices[x]], 3);
}

/* ---- reading ---- */

/* Formats that are recognised to say clearly that they are not read. `at` is where their mark stands. */
static const struct {
    const char *format;
    size_t at, length;
    const char *mark;
} foreign[] = {
    {"GIF", 0, 4, "GIF8"},
    {"WebP", 8, 4, "WEBP"},
    {"JPEG 2000", 4, 8, "jP  \r\n\x87\n"},
    {"JPEG 2000", 0, 4, "\xff\x4f\xff\x51"},
    {"JPEG XL", 4, 8, "JXL \r\n\x87\n"},
    {"JPEG XL", 0, 2, "\xff\x0a"},
    {"JPEG-LS", 0, 4, "\xff\xd8\xff\xf7"},
    {"AVIF", 4, 8, "ftypavif"},
    {"AVIF", 4, 8, "ftypavis"},
    {"HEIF", 4, 8, "ftypheic"},
    {"HEIF", 4, 8, "ftypheix"},
    {"HEIF", 4, 8, "ftypmif1"},
    {"MP4 or QuickTime video", 4, 4, "ftyp"},
    {"MNG", 0, 8, "\x8aMNG\r\n\x1a\n"},
    {"QOI", 0, 4, "qoif"},
    {"PAM (P7)", 0, 3, "P7\n"},
    {"PFM", 0, 3, "PF\n"},
    {"PFM", 0, 3, "Pf\n"},
    {"OpenEXR", 0, 4, "v/1\x01"},
    {"Radiance HDR", 0, 10, "#?RADIANCE"},
    {"Photoshop", 0, 4, "8BPS"},
    {"DDS", 0, 4, "DDS "},
    {"ICO", 0, 4, "\0\0\1\0"},
    {"DICOM", 128, 4, "DICM"},
    {"FITS", 0, 9, "SIMPLE  ="},
    {"NIfTI", 344, 3, "n+1"},
    {"NumPy", 0, 6, "\x93NUMPY"},
    {"PDF", 0, 4, "%PDF"},
    {"SVG", 0, 4, "<svg"},
    {"XML", 0, 5, "<?xml"},
    {"HTML", 0, 5, "<!DOC"},
    {"HTML", 0, 5, "<html"},
    {"gzip", 0, 2, "\x1f\x8b"},
    {"zip", 0, 4, "PK\3\4"},
};

static int has_mark(const unsigned char *data, size_t size, size_t at, const char *mark, size_t length)
{
    return size >= at && size - at >= length && memcmp(data + at, mark, length) == 0;
}

/* The message for a file that no decoder here takes. */
static int refuse(const unsigned char *data, size_t size, const char *name, Error *e)
{
    static const char *advice = "expected PNG, JPEG, BMP, TIFF or PNM (P1 to P6); convert it to PNG first";

    if (size == 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: the file is empty", name);
    if (has_mark(data, size, 0, "version https://git-lfs", 23))
        return error_set(e, LAKE_BAD_INPUT, "%s: is a Git LFS pointer, not the picture itself; run: git lfs pull", name);
    if (has_mark(data, size, 0, "\x89PNG", 4))
        return error_set(e, LAKE_BAD_INPUT, "%s: damaged PNG: its signature was changed (by a transfer in text mode?)", name);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (has_mark(data, size, foreign[i].at, foreign[i].mark, foreign[i].length))
            return error_set(e, LAKE_BAD_INPUT, "%s: is %s, which is not read: %s", name, foreign[i].format, advice);
    return error_set(e, LAKE_BAD_INPUT, "%s: is no picture that is known here: %s", name, advice);
}

static int is_pnm(const unsigned char *data, size_t size)
{
    return size >= 3 && data[0] == 'P' && data[1] >= '1' && data[1] <= '6' && memchr(" \t\n\v\f\r#", data[2], 7) != NULL;
}

int img_decode(Image *image, const unsigned char *data, size_t size, const char *name, size_t max_pixels, Error *e)
{
    memset(image, 0, sizeof *image);
    if (has_mark(data, size, 0, "\x89PNG\r\n\x1a\n", 8))
        return png_decode(image, data, size, name, max_pixels, e);
    if (has_mark(data, size, 0, "\xff\xd8\xff", 3) && !has_mark(data, size, 3, "\xf7", 1))
        return jpeg_decode(image, data, size, name, max_pixels, e);
    if (tiff_is(data, size))
        return tiff_decode(image, data, size, name, max_pixels, e);
    if (has_mark(data, size, 0, "BM", 2))
        return bmp_decode(image, data, size, name, max_pixels, e);
    if (is_pnm(data, size))
        return pnm_decode(image, data, size, name, max_pixels, e);
    return refuse(data, size, name, e);
}

static int read_file(Image *image, const char *path, size_t max_pixels, int upright, Error *e)
{
    FileView view;
    int code = file_map(&view, path, e);

    memset(image, 0, sizeof *image);
    if (code != LAKE_OK)
        return code;
    code = img_decode(image, view.data, view.size, path, max_pixels, e);
    if (code == LAKE_OK && upright)
        code = img_orient(image, img_orientation(view.data, view.size), e);
    if (code != LAKE_OK)
        img_free(image);
    file_unmap(&view);
    return code;
}

int img_read(Image *image, const char *path, size_t max_pixels, Error *e)
{
    return read_file(image, path, max_pixels, 0, e);
}

int img_read_upright(Image *image, const char *path, size_t max_pixels, Error *e)
{
    return read_file(image, path, max_pixels, 1, e);
}

/* ---- writing ---- */

static int write_ppm(const char *path, const Image *image, Error *e)
{
    char header[64];
    FileOut out;
    int code = file_create(&out, path, e);

    if (code != LAKE_OK)
        return code;
    sprintf(header, "P6\n%d %d\n255\n", image->width, image->height);
    code = file_write(&out, header, strlen(header), e);
    if (code == LAKE_OK)
        code = file_write(&out, image->rgb, (size_t)image->width * (size_t)image->height * 3, e);
    if (code != LAKE_OK) {
        file_discard(&out);
        return code;
    }
    return file_commit(&out, e);
}

int img_write(const char *path, const Image *image, Error *e)
{
    unsigned char *data;
    size_t size;
    int code;

    if (ends_with(path, ".ppm") || ends_with(path, ".pnm"))
        return write_ppm(path, image, e);
    code = png_encode(&data, &size, image, e);
    if (code == LAKE_OK)
        code = file_save(path, data, size, e);
    free(data);
    return code;
}
