/* TIFF files made here: what they show, every cut of them, every flipped bit, and directories that lie. Orientation too.
 * (test_bmp_tiff.py compares the pixels of many more with Pillow's.) */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "image/deflate.h"
#include "image/image.h"
#include "image/tiff_internal.h"
#include "test/damage.h"
#include "test/test.h"

enum { SHORT = 3, LONG = 4, WIDTH = 6, HEIGHT = 4, DIRECTORY = 128, ENTRY = 12 };
enum { LINK = 4 }; /* bytes of the link to the next directory, the last ones of a file, which are not looked at */

/* A picture of 6 x 4 greys: its data from byte 8, its directory at byte 128. */
typedef struct {
    unsigned char bytes[512];
    size_t size;
} File;

static const unsigned char greys[WIDTH * HEIGHT] = {9,  9,  9,  9,  9,  9,  10, 20, 30, 40,  50,  60,
                                                    90, 80, 70, 60, 50, 40, 0,  0,  0,  255, 255, 255};

/* Where the entry of a tag begins, or where a new one would. */
static unsigned char *entry_of(File *f, unsigned tag)
{
    unsigned char *p = f->bytes + DIRECTORY + 2;

    while (get_u16le(p) != tag && get_u16le(p) != 0)
        p += ENTRY;
    return p;
}

/* Sets a tag to `count` values; 1 value stands there itself, else `value` is their offset. */
static void set(File *f, unsigned tag, unsigned type, uint32_t count, uint32_t value)
{
    unsigned char *p = entry_of(f, tag);

    if (get_u16le(p) == 0) {
        f->bytes[DIRECTORY]++;
        f->size += ENTRY;
    }
    put_u16le(p, (uint16_t)tag);
    put_u16le(p + 2, (uint16_t)type);
    put_u32le(p + 4, count);
    put_u32le(p + 8, value);
}

/* The greys, stored as `size` bytes of this compression in one strip. */
static void begin(File *f, unsigned compression, const unsigned char *stored, size_t size)
{
    memset(f, 0, sizeof *f);
    memcpy(f->bytes, "II*\0", 4);
    put_u32le(f->bytes + 4, DIRECTORY);
    memcpy(f->bytes + 8, stored, size);
    f->size = DIRECTORY + 2 + 4;
    set(f, TAG_WIDTH, SHORT, 1, WIDTH);
    set(f, TAG_HEIGHT, SHORT, 1, HEIGHT);
    set(f, TAG_BITS, SHORT, 1, 8);
    set(f, TAG_COMPRESSION, SHORT, 1, compression);
    set(f, TAG_PHOTOMETRIC, SHORT, 1, 1);
    set(f, TAG_STRIP_OFFSETS, LONG, 1, 8);
    set(f, TAG_STRIP_SIZES, LONG, 1, (uint32_t)size);
}

static void begin_plain(File *f)
{
    begin(f, COMPRESSION_NONE, greys, sizeof greys);
}

/* Literals and a run. */
static void begin_packbits(File *f)
{
    unsigned char stored[64] = {(unsigned char)(257 - 6), 9, 128, 17};

    memcpy(stored + 4, greys + 6, 18);
    begin(f, COMPRESSION_PACKBITS, stored, 22);
}

static void begin_deflate(File *f)
{
    unsigned char *stored;
    size_t size;

    deflate_zlib(&stored, &size, greys, sizeof greys, NULL);
    begin(f, COMPRESSION_DEFLATE, stored, size);
    free(stored);
}

/* Codes of 9 bits: clear, 9, two strings that are not finished yet when they are used (9 9, 9 9 9), the rest, the end. */
static void begin_lzw(File *f)
{
    unsigned char stored[64] = {0};
    unsigned codes[32] = {256, 9, 258, 259}, count = 4, at = 0;

    for (unsigned i = 6; i < sizeof greys; i++)
        codes[count++] = greys[i];
    codes[count++] = 257;
    for (unsigned i = 0; i < count; i++)
        for (int bit = 8; bit >= 0; bit--, at++)
            stored[at / 8] |= (unsigned char)((codes[i] >> bit & 1) << (7 - at % 8));
    begin(f, COMPRESSION_LZW, stored, (at + 7) / 8);
}

static void shows_greys(const char *name, const File *f)
{
    Image image;
    Error e = {0, ""};
    int same = decode_copy(&image, f->bytes, f->size, "made.tif", &e) == LAKE_OK && image.width == WIDTH &&
               image.height == HEIGHT;

    for (int i = 0; same && i < WIDTH * HEIGHT * 3; i++)
        same = image.rgb[i] == greys[i / 3];
    check(same, name, "other pixels, or '%s'", e.text);
    img_free(&image);
}

static void refused(const File *f, int code, const char *what)
{
    Image image;
    Error e = {0, ""};
    int found = decode_copy(&image, f->bytes, f->size, "made.tif", &e);

    check(found == code && strstr(e.text, what) != NULL && image.rgb == NULL, "tiff refuses lies",
          "expected %d '%s', found %d '%s'", code, what, found, e.text);
    if (found == LAKE_OK)
        img_free(&image);
}

static void test_compressions(void)
{
    static void (*const makers[])(File *) = {begin_plain, begin_packbits, begin_deflate, begin_lzw};
    static const char *const names[] = {"tiff plain", "tiff PackBits", "tiff Deflate", "tiff LZW"};
    static const char *const damaged[] = {"tiff plain, damaged", "tiff PackBits, damaged", "tiff Deflate, damaged",
                                          "tiff LZW, damaged"};
    File f;

    for (int i = 0; i < 4; i++) {
        makers[i](&f);
        shows_greys(names[i], &f);
        damage(damaged[i], f.bytes, f.size, LINK, "made.tif");
        set(&f, TAG_STRIP_SIZES, LONG, 1, get_u32le(entry_of(&f, TAG_STRIP_SIZES) + 8) - 5);
        if (i > 0) /* the size of plain strips is what the picture needs, whatever the tag says */
            refused(&f, LAKE_BAD_INPUT, "is the file cut off?");
    }
}

/* More codes than the table has room for, and never a clear: it stays full. */
static void test_full_lzw(void)
{
    enum { CODES = 6000 };
    unsigned char *stored = calloc(CODES * 2, 1), *out = malloc(CODES);
    size_t at = 0, wrong = 0;
    Error e = {0, ""};

    for (unsigned i = 0; i <= CODES; i++) {
        unsigned code = i == 0 ? 256 : i % 251, strings = i < 2 ? 258 : 256 + i, width = 9;
        while (width < 12 && strings + 1 >= 1u << width)
            width++;
        for (unsigned bit = width; bit > 0; bit--, at++)
            stored[at / 8] |= (unsigned char)((code >> (bit - 1) & 1) << (7 - at % 8));
    }
    check(tiff_decompress(out, CODES, CODES, COMPRESSION_LZW, stored, (at + 7) / 8, "lzw", &e) == LAKE_OK,
          "lzw with a full table", "%s", e.text);
    for (unsigned i = 1; i <= CODES; i++)
        wrong += out[i - 1] != i % 251;
    check(wrong == 0, "lzw with a full table: bytes", "%lu are wrong", (unsigned long)wrong);
    free(stored);
    free(out);
}

/* Four changes at a time anywhere, in all compressions. */
static void test_mutations(void)
{
    static void (*const makers[])(File *) = {begin_plain, begin_packbits, begin_deflate, begin_lzw};
    uint32_t random = 1;
    Image image;
    File f;

    for (int i = 0; i < 40000; i++) {
        makers[i % 4](&f);
        set(&f, TAG_PREDICTOR, SHORT, 1, i / 4 % 3);
        set(&f, TAG_FILL_ORDER, SHORT, 1, i / 12 % 3);
        for (int change = 0; change < 4; change++) {
            random = random * 1664525u + 1013904223u;
            f.bytes[random % (change % 2 ? f.size : 8) + (change % 2 ? 0 : DIRECTORY + 2 + (random >> 16) % 100)] =
                (unsigned char)(random >> 24 & (i % 2 ? 255 : 7));
        }
        if (decode_copy(&image, f.bytes, f.size, "made.tif", NULL) == LAKE_OK)
            img_free(&image);
    }
    check(1, "tiff survives mutations", "");
}

/* One tag of the plain file changed. */
static void lie(unsigned tag, unsigned type, uint32_t count, uint32_t value, const char *what)
{
    File f;

    begin_plain(&f);
    set(&f, tag, type, count, value);
    refused(&f, LAKE_BAD_INPUT, what);
}

static void test_lies(void)
{
    File f;

    lie(TAG_WIDTH, LONG, 1, 0, "is empty");
    lie(TAG_WIDTH, LONG, 1, 0xffffffffu, "more than");
    lie(TAG_HEIGHT, LONG, 1, 40000000, "strip or tile lies behind its end");
    lie(TAG_HEIGHT, LONG, 1, 44739243, "limit of 268435456");
    lie(TAG_HEIGHT, 5, 1, 8, "tag 257 is of type 5");
    lie(TAG_BITS, SHORT, 1, 0, "this number of bits per sample (0)");
    lie(TAG_SAMPLES, SHORT, 1, 0, "this number of samples per pixel (0)");
    lie(TAG_SAMPLES, LONG, 1, 0xffffffffu, "this number of samples per pixel (4294967295)");
    lie(TAG_STRIP_OFFSETS, LONG, 1, 0xffffffffu, "strip or tile lies behind its end");
    lie(TAG_STRIP_OFFSETS, LONG, 0, 0, "does not say where its pixels are");
    lie(TAG_STRIP_OFFSETS, LONG, 0xffffffffu, 8, "4294967295 values of tag 273 lie behind its end");
    lie(TAG_STRIP_OFFSETS, LONG, 2, 0xfffffff0u, "2 values of tag 273 lie behind its end");
    lie(TAG_ROWS_PER_STRIP, LONG, 1, 1, "places of 1 strips or tiles where there are 4 x 1");
    lie(TAG_ROWS_PER_STRIP, LONG, 1, 0, "strips without size");
    lie(TAG_PLANAR, SHORT, 1, 3, "neither together nor in planes");
    lie(TAG_PHOTOMETRIC, SHORT, 1, 3, "palette that is not 1 to 256 colours");
    begin_deflate(&f);
    set(&f, TAG_WIDTH, LONG, 1, 16000);
    set(&f, TAG_HEIGHT, LONG, 1, 16000);
    refused(&f, LAKE_BAD_INPUT, "cannot hold a strip or tile of 256000000");
    begin_deflate(&f);
    set(&f, TAG_TILE_OFFSETS, LONG, 1, 8);
    set(&f, TAG_TILE_SIZES, LONG, 1, 20);
    set(&f, TAG_TILE_WIDTH, LONG, 1, 0x7fffffff);
    set(&f, TAG_TILE_HEIGHT, LONG, 1, 0x7fffffff);
    refused(&f, sizeof(size_t) > 4 ? LAKE_BAD_INPUT : LAKE_RESOURCE, sizeof(size_t) > 4 ? "cannot hold" : "more than");
    set(&f, TAG_TILE_WIDTH, LONG, 1, 16); /* room is taken for whole tiles, not only for the rows that are used */
    refused(&f, sizeof(size_t) > 4 ? LAKE_BAD_INPUT : LAKE_RESOURCE, sizeof(size_t) > 4 ? "cannot hold" : "more than");
    set(&f, TAG_TILE_WIDTH, LONG, 1, 0x80000000u);
    refused(&f, LAKE_BAD_INPUT, "tiles or strips without size, or with too large a one");
}

/* Directories out of place: counts beyond the file, itself as its values, a loop to the next page. */
static void test_directories(void)
{
    static const unsigned char wide[] = {'I', 'I', 43, 0, 8, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0,
                                         255, 255, 255, 255, 255, 255, 255, 255};
    File f;

    begin_plain(&f);
    put_u16le(f.bytes + DIRECTORY, 0xffff);
    refused(&f, LAKE_BAD_INPUT, "directory reaches behind its end");
    put_u32le(f.bytes + 4, 0xffffffffu);
    refused(&f, LAKE_BAD_INPUT, "directory lies behind its end");
    put_u32le(f.bytes + 4, 0);
    refused(&f, LAKE_BAD_INPUT, "directory reaches behind its end");
    begin_plain(&f);
    put_u32le(f.bytes + f.size - 4, DIRECTORY);
    shows_greys("tiff whose next page is the first", &f);
    put_u16le(f.bytes + DIRECTORY + 2 + 6 * ENTRY, TAG_ORIENTATION); /* in place of the sizes, which plain strips do not need */
    shows_greys("tiff without the strips' sizes", &f);
    memset(&f, 0, sizeof f);
    memcpy(f.bytes, wide, sizeof wide);
    f.size = sizeof wide;
    refused(&f, LAKE_BAD_INPUT, "directory reaches behind its end");
    f.bytes[4] = 4;
    refused(&f, LAKE_BAD_INPUT, "offsets are not 8 bytes");
}

/* Each orientation, by hand: the corners of a 3 x 2 picture, and each undone by its opposite. */
static void test_orient(void)
{
    static const int opposite[9] = {1, 1, 2, 3, 4, 5, 8, 7, 6};
    static const char *const shown[9] = {"abcdef", "abcdef", "cbafed", "fedcba", "defabc", "adbecf", "daebfc", "fcebda",
                                         "cfbead"};

    for (int o = 0; o < 9; o++) {
        Image image;
        int same, turned = o >= 5;
        img_new(&image, 3, 2, NULL);
        for (int i = 0; i < 6; i++)
            memset(image.rgb + 3 * i, 'a' + i, 3);
        same = img_orient(&image, o, NULL) == LAKE_OK && image.width == (turned ? 2 : 3);
        for (int i = 0; i < 6; i++)
            same = same && image.rgb[3 * i] == (unsigned char)shown[o][i];
        check(same, "orientation", "%d: other pixels", o);
        img_orient(&image, opposite[o], NULL);
        check(image.width == 3 && image.rgb[0] == 'a' && image.rgb[15] == 'f', "orientation undone", "%d: not", o);
        img_free(&image);
    }
}

/* EXIF data that says 6; cut anywhere it says nothing and reads nothing beyond; damaged it says something from 1 to 8. The
 * last `tail` bytes of the file matter to none of this. */
static void exif(const char *name, const unsigned char *file, size_t size, size_t tail)
{
    size_t wrong = 0;

    check(img_orientation(file, size) == 6, name, "found %d", img_orientation(file, size));
    for (size_t i = 0; i < size * 9; i++) {
        size_t kept = i < size ? i : size, bit = i - size;
        unsigned char *copy = malloc(kept > 0 ? kept : 1);
        int orientation;
        memcpy(copy, file, kept);
        if (i >= size)
            copy[bit / 8] ^= (unsigned char)(1 << bit % 8);
        orientation = img_orientation(copy, kept);
        wrong += i < size - tail ? orientation != 1 : orientation < 1 || orientation > 8;
        free(copy);
    }
    check(wrong == 0, name, "cut or damaged, %lu times obeyed", (unsigned long)wrong);
}

static void test_exif(void)
{
    static const unsigned char jpeg[] = "\xff\xd8\xff\xe0\0\4ab\xff\xe1\0\x22" "Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1"
                                        "\0\6\0\0\0\0\0\0\xff\xda";
    static const unsigned char png[] = "\x89PNG\r\n\x1a\n\0\0\0\2tEXta\0crc.\0\0\0\x1a" "eXIfII*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0"
                                       "\6\0\0\0\0\0\0\0crc.";

    exif("exif in JPEG", jpeg, sizeof jpeg - 1, 2);
    exif("exif in PNG", png, sizeof png - 1, 0);
}

static void test_names(void)
{
    check(img_has_picture_name("a.TIFF") && img_has_picture_name("x/.bmp") && img_has_picture_name("b.jpg") &&
              !img_has_picture_name("tif") && !img_has_picture_name("a.tif.txt") && !img_has_picture_name(""),
          "picture names", "wrong");
}

int main(void)
{
    test_compressions();
    test_full_lzw();
    test_mutations();
    test_lies();
    test_directories();
    test_orient();
    test_exif();
    test_names();
    return 0;
}
