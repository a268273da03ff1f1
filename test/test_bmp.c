/* BMP files made here: what they show, every cut of them, every flipped bit, and headers that lie. (test_bmp_tiff.py
 * compares the pixels of many more with Pillow's.) */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "image/image.h"
#include "test/damage.h"
#include "test/test.h"

enum { INFO = 40, PIXELS = 14 + INFO };

typedef struct {
    unsigned char bytes[4096];
    size_t size;
} File;

static void add(File *f, const char *bytes, size_t size)
{
    memcpy(f->bytes + f->size, bytes, size);
    f->size += size;
}

/* The headers, with `colors` greys behind them that fall from 255. */
static void begin(File *f, int width, int height, unsigned bits, unsigned compression, unsigned colors)
{
    memset(f, 0, sizeof *f);
    memcpy(f->bytes, "BM", 2);
    put_u32le(f->bytes + 10, PIXELS + 4 * colors);
    put_u32le(f->bytes + 14, INFO);
    put_u32le(f->bytes + 18, (uint32_t)width);
    put_u32le(f->bytes + 22, (uint32_t)height);
    put_u16le(f->bytes + 26, 1);
    put_u16le(f->bytes + 28, (uint16_t)bits);
    put_u32le(f->bytes + 30, compression);
    put_u32le(f->bytes + 46, colors);
    f->size = PIXELS;
    for (unsigned i = 0; i < colors; i++, f->size += 4)
        memset(f->bytes + f->size, (int)(255 - i), 3);
}

static void shows(const char *name, const File *f, int width, int height, const char *red)
{
    Image image;
    Error e = {0, ""};
    int same = decode_copy(&image, f->bytes, f->size, "made.bmp", &e) == LAKE_OK && image.width == width &&
               image.height == height;

    for (int i = 0; same && i < width * height; i++)
        same = image.rgb[3 * i] == (unsigned char)red[i];
    check(same, name, "other pixels, or '%s'", e.text);
    img_free(&image);
}

static void refused(const File *f, const char *what)
{
    Image image;
    Error e = {0, ""};
    int code = decode_copy(&image, f->bytes, f->size, "made.bmp", &e);

    check(code == LAKE_BAD_INPUT && strstr(e.text, what) != NULL && image.rgb == NULL, "bmp refuses lies",
          "expected '%s', found %d '%s'", what, code, e.text);
    if (code == LAKE_OK)
        img_free(&image);
}

static void test_kinds(void)
{
    File f;

    begin(&f, 3, 2, 24, 0, 0);
    add(&f, "bgrbgsbgt\0\0\0bguBGvBGw\0\0\0", 24);
    shows("bmp 24 bit, bottom up", &f, 3, 2, "uvwrst");
    damage("bmp 24 bit, damaged", f.bytes, f.size, 3, "made.bmp"); /* the last row's filling may be missing */
    put_u32le(f.bytes + 22, (uint32_t)-2);
    shows("bmp 24 bit, top down", &f, 3, 2, "rstuvw");
    begin(&f, 9, 1, 1, 0, 2);
    add(&f, "\x81\x80\0\0", 4);
    shows("bmp 1 bit", &f, 9, 1, "\xfe\xff\xff\xff\xff\xff\xff\xfe\xfe");
    damage("bmp 1 bit, damaged", f.bytes, f.size, 2, "made.bmp");
    begin(&f, 3, 1, 4, 0, 16);
    add(&f, "\x1f\x20\0\0", 4);
    shows("bmp 4 bit", &f, 3, 1, "\xfe\xf0\xfd");
    begin(&f, 2, 1, 16, 3, 0);
    put_u32le(f.bytes + 10, PIXELS + 12);
    add(&f, "\0\xf8\0\0\xe0\7\0\0\x1f\0\0\0" "\0\xf8\0\x08", 16);
    shows("bmp 16 bit with masks", &f, 2, 1, "\xff\x08");
    damage("bmp 16 bit with masks, damaged", f.bytes, f.size, 0, "made.bmp");
}

static void test_runs(void)
{
    File f;

    begin(&f, 4, 3, 8, 1, 4);
    add(&f, "\2\1\0\0" "\0\3\1\2\3\0\1\2" "\0\0" "\4\3" "\0\1", 18);
    shows("bmp run lengths", &f, 4, 3, "\xfc\xfc\xfc\xfc\xfe\xfd\xfc\xfd\xfe\xfe\xff\xff");
    damage("bmp run lengths, damaged", f.bytes, f.size, 2, "made.bmp"); /* the end of the picture */
    begin(&f, 5, 2, 4, 2, 4);
    add(&f, "\3\x12" "\0\2\1\1" "\xff\x33" "\0\1", 10);
    shows("bmp run lengths of 4 bits, with a jump", &f, 5, 2, "\xff\xff\xff\xff\xfc\xfe\xfd\xfe\xff\xff");
    begin(&f, 5, 2, 4, 2, 4);
    add(&f, "\0\5\x12\x31\x20\0\0\0" "\0\1", 10);
    shows("bmp literal half bytes", &f, 5, 2, "\xff\xff\xff\xff\xff\xfe\xfd\xfc\xfe\xfd");
    damage("bmp literal half bytes, damaged", f.bytes, f.size, 0, "made.bmp");
}

static void test_lies(void)
{
    File f;

    begin(&f, 60000, 60000, 24, 0, 0);
    refused(&f, "limit of 268435456");
    begin(&f, 16000, 16000, 24, 0, 0);
    refused(&f, "ends inside its pixels");
    begin(&f, 16000, -16000, 8, 1, 4);
    add(&f, "\0\1", 2); /* the end of the picture at once */
    refused(&f, "ends inside its pixels");
    begin(&f, 0, 5, 24, 0, 0);
    refused(&f, "is empty");
    begin(&f, -1, 5, 24, 0, 0);
    refused(&f, "more than");
    begin(&f, 5, INT32_MIN, 24, 0, 0);
    refused(&f, "more than");
    begin(&f, 2, 2, 24, 0, 0);
    put_u32le(f.bytes + 10, 0xffffffffu);
    refused(&f, "ends inside its pixels");
    begin(&f, 2, 2, 8, 0, 0);
    put_u32le(f.bytes + 46, 0xffffffffu); /* colours; 32 bits cannot count their bytes */
    refused(&f, sizeof(size_t) > 4 ? "ends inside its pixels" : "a palette larger than the file");
    begin(&f, 2, 2, 24, 3, 0);
    refused(&f, "ends inside its header");
    begin(&f, 2, 2, 32, 3, 0);
    add(&f, "\1\1\0\0\0\0\0\0\0\0\0\0", 12);
    refused(&f, "a colour mask with gaps");
    begin(&f, 2, 2, 4, 1, 16);
    refused(&f, "compression 1 does not go with 4 bits");
    begin(&f, 2, 2, 24, 9, 0);
    refused(&f, "unknown compression 9");
    begin(&f, 2, 2, 24, 0, 0);
    put_u32le(f.bytes + 14, 0xffffffffu);
    refused(&f, "header of 4294967295 bytes");
}

int main(void)
{
    test_kinds();
    test_runs();
    test_lies();
    return 0;
}
