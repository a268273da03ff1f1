/* Pictures and compression: against goldens of Pillow and zlib (test/golden/image, made by make_image.py),
 * round trips, damaged data of every kind (which must be refused or at least harmless: the sanitizers watch),
 * and limits. The larger comparison with Pillow itself is test_pixels.py. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/file.h"
#include "image/codec.h"
#include "image/deflate.h"
#include "image/image.h"
#include "image/inflate.h"
#include "test/test.h"

#define GOLDEN "test/golden/image/"

/* Numbers that look random and are the same everywhere (Knuth's MMIX generator). */
static uint64_t random_state = 1;

static unsigned random_below(unsigned n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((random_state >> 33) % n);
}

static unsigned char *golden(const char *name, size_t *size)
{
    unsigned char *data = NULL;
    char path[256];
    Error e;

    snprintf(path, sizeof path, GOLDEN "%s", name);
    if (file_read(&data, size, path, 1 << 24, &e) != LAKE_OK)
        check(0, "image golden files", "%s", e.text);
    return data;
}

/* A copy that ends where its allocation ends, so that a sanitizer sees every read behind it. */
static unsigned char *exact_copy(const unsigned char *data, size_t size)
{
    unsigned char *copy = malloc(size > 0 ? size : 1);

    memcpy(copy, data, size);
    return copy;
}

/* ---- inflate and deflate ---- */

static void test_golden_streams(const unsigned char *plain, size_t plain_size)
{
    static const char *const names[] = {"stored.zlib", "fixed.zlib", "dynamic.zlib", "huffman.zlib"};
    unsigned char *out = malloc(plain_size), *gz;
    size_t size, written;
    Error e = {0, ""};
    int same = 1;

    for (int i = 0; i < 4 && same; i++) {
        unsigned char *data = golden(names[i], &size);
        same = inflate_zlib(out, plain_size, &written, data, size, names[i], &e) == LAKE_OK && written == plain_size &&
               memcmp(out, plain, plain_size) == 0;
        same = same && inflate_zlib(out, plain_size - 1, &written, data, size, names[i], &e) == LAKE_BAD_INPUT;
        free(data);
    }
    check(same, "inflate reads zlib's stored, fixed and dynamic blocks", "%s", e.text);
    free(out);

    gz = golden("all.gz", &size);
    same = inflate_gzip(&out, &written, gz, size, 3 * plain_size, "all.gz", &e) == LAKE_OK && written == 3 * plain_size;
    for (size_t i = 0; i < 3 && same; i++)
        same = memcmp(out + i * plain_size, plain, plain_size) == 0;
    same = same && out[written] == 0;
    check(same, "inflate reads gzip with three members and all fields", "%s", e.text);
    free(out);
    check(inflate_gzip(&out, &written, gz, size, 3 * plain_size - 1, "all.gz", &e) == LAKE_BAD_INPUT && out == NULL,
          "inflate keeps gzip's limit", "no error");
    free(gz);
}

/* Every cut and every flipped bit: an error, or (for bits that mean nothing, in a gzip header) the same data. */
static void test_damaged_stream(const char *name, const unsigned char *plain, size_t plain_size, int members)
{
    size_t size, written, room = plain_size * (size_t)members, wrong = 0;
    unsigned char *data = golden(name, &size), *out = malloc(room);

    for (size_t cut = 0; cut < size * 9; cut++) {
        size_t kept = cut < size ? cut : size, bit = cut - size;
        unsigned char *copy = exact_copy(data, kept), *grown = NULL, *result = out;
        Error e = {0, ""};
        int code;
        if (cut >= size)
            copy[bit / 8] ^= (unsigned char)(1 << bit % 8);
        if (members > 1) {
            code = inflate_gzip(&grown, &written, copy, kept, room, name, &e);
            result = grown;
        } else {
            code = inflate_zlib(out, room, &written, copy, kept, name, &e);
            wrong += cut < size && strstr(e.text, "ends early") == NULL;
        }
        if (code == LAKE_OK) {
            int whole_members = written % plain_size == 0 && (cut < size || written == room);
            for (size_t i = 0; i + plain_size <= written && whole_members; i += plain_size)
                whole_members = memcmp(result + i, plain, plain_size) == 0;
            wrong += !whole_members || (members == 1 && cut < size);
        }
        free(grown);
        free(copy);
    }
    check(wrong == 0, "inflate refuses damage", "%s: %lu damaged streams were read", name, (unsigned long)wrong);
    free(data);
    free(out);
}

/* A few bits at a time, lowest first, as deflate wants them. */
typedef struct {
    unsigned char bytes[64];
    unsigned count;
} BitString;

static void add_bits(BitString *s, unsigned value, unsigned n)
{
    for (; n > 0; n--, value >>= 1, s->count++)
        s->bytes[s->count / 8] |= (unsigned char)((value & 1) << s->count % 8);
}

/* Huffman words come highest bit first. */
static void add_word(BitString *s, unsigned word, unsigned n)
{
    while (n-- > 0)
        add_bits(s, word >> n & 1, 1);
}

static void test_invalid_stream(const char *what, const BitString *s)
{
    unsigned char data[66] = {0x78, 0x9c}, out[1024];
    size_t written;
    Error e = {0, ""};

    memcpy(data + 2, s->bytes, sizeof s->bytes);
    check(inflate_zlib(out, sizeof out, &written, data, sizeof data, "stream", &e) == LAKE_BAD_INPUT && strstr(e.text, what) != NULL,
          "inflate names the fault", "expected '%s', found '%s'", what, e.text);
}

static void test_invalid_streams(void)
{
    BitString s = {{0}, 0};

    add_bits(&s, 7, 3);
    test_invalid_stream("block of unknown type", &s);

    memset(&s, 0, sizeof s);
    add_bits(&s, 1, 8);
    add_bits(&s, 5, 16);
    add_bits(&s, 5, 16);
    test_invalid_stream("contradicts its complement", &s);

    memset(&s, 0, sizeof s);
    add_bits(&s, 3, 3);        /* fixed code */
    add_word(&s, 0x30 + 'a', 8);
    add_word(&s, 1, 7);        /* length 3 */
    add_word(&s, 1, 5);        /* distance 2, one too far */
    test_invalid_stream("reaches back before", &s);

    memset(&s, 0, sizeof s);
    add_bits(&s, 3, 3);
    add_word(&s, 0xc6, 8); /* symbol 286 */
    test_invalid_stream("word that its code does not have", &s);

    memset(&s, 0, sizeof s);
    add_bits(&s, 3, 3);
    add_word(&s, 0x30 + 'a', 8);
    add_word(&s, 1, 7);
    add_word(&s, 30, 5);
    test_invalid_stream("word that its code does not have", &s);

    memset(&s, 0, sizeof s);
    add_bits(&s, 5, 3); /* codes of its own, of 288 symbols */
    add_bits(&s, 31, 5);
    test_invalid_stream("too many symbols", &s);

    memset(&s, 0, sizeof s);
    add_bits(&s, 5, 3);
    add_bits(&s, 0, 5 + 5 + 4);
    for (int i = 0; i < 4; i++)
        add_bits(&s, 1, 3); /* four words of one bit */
    test_invalid_stream("lengths that are no code", &s);

    memset(&s, 0, sizeof s);
    add_bits(&s, 5, 3);
    add_bits(&s, 0, 5 + 5 + 4);
    add_bits(&s, 1 | 2 << 3, 12); /* words of one and two bits: a quarter of the patterns is left over */
    test_invalid_stream("lengths that are no code", &s);
}

/* Data of many kinds: zeros, noise, few letters, periods, pieces of itself. */
static void fill(unsigned char *data, size_t size, int kind)
{
    for (size_t i = 0; i < size; i++) {
        unsigned r = random_below(256);
        unsigned periodic = kind == 0 ? 0 : (unsigned)(i % (unsigned)kind), skewed = r % (1 + r % 32);
        data[i] = (unsigned char)(kind == 0 ? 0 : kind == 1 ? r : kind == 2 ? r % 3 : kind < 24 ? periodic : skewed);
        if (kind >= 24 && i > 40000 && r % 4 == 0)
            data[i] = data[i - 32768 + (unsigned)kind % 3 * 500];
    }
}

static void test_round_trips(void)
{
    static const size_t sizes[] = {0, 1, 2, 3, 4, 10, 257, 258, 259, 260, 1000, 32768, 32769, 70000, 200000};
    unsigned char *in = malloc(200000), *out = malloc(200000), *packed;
    size_t packed_size, written, failed = 0, total = 0;

    for (int kind = 0; kind < 28; kind++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++, total++) {
            fill(in, sizes[i], kind);
            if (deflate_zlib(&packed, &packed_size, in, sizes[i], NULL) != LAKE_OK) {
                failed++;
                continue;
            }
            if (inflate_zlib(out, sizes[i], &written, packed, packed_size, "round trip", NULL) != LAKE_OK || written != sizes[i] ||
                memcmp(in, out, written) != 0 || packed_size > sizes[i] + sizes[i] / 1000 + 16)
                failed++;
            free(packed);
        }
    }
    check(failed == 0, "deflate and inflate round trips", "%lu of %lu failed", (unsigned long)failed, (unsigned long)total);
    free(in);
    free(out);
}

/* zlib 1.2.13 makes 1066 bytes of the golden text at level 9; 5 % more is the margin for level 6 and chance. */
static void test_deflate_size(const unsigned char *plain, size_t plain_size)
{
    unsigned char *packed = NULL;
    size_t size = 0;

    check(deflate_zlib(&packed, &size, plain, plain_size, NULL) == LAKE_OK && size <= 1066 + 53, "deflate size near zlib's",
          "%lu bytes", (unsigned long)size);
    free(packed);
}

static void test_noise(void)
{
    unsigned char data[200], out[5000];
    size_t written;

    for (int i = 0; i < 20000; i++) {
        size_t size = random_below(sizeof data);
        unsigned char *copy;
        fill(data, size, 1);
        if (size > 3) {
            data[0] = 0x78;
            data[1] = 0x9c;
            data[2] = (unsigned char)((data[2] & ~7u) | 4 | (i & 1)); /* a block with codes of its own */
        }
        copy = exact_copy(data, size);
        inflate_zlib(out, sizeof out, &written, copy, size, "noise", NULL);
        free(copy);
    }
    check(1, "inflate survives noise", "");
}

/* ---- pictures ---- */

static uint32_t image_crc(const Image *image)
{
    return crc32_update(0, image->rgb, (size_t)image->width * (size_t)image->height * 3);
}

/* Every line of pixels.txt: decode, resize, compare the bytes' checksum. */
static void test_golden_pictures(void)
{
    size_t size;
    unsigned char *text = golden("pixels.txt", &size);
    int pictures = 0, failed = 0;
    char name[64], path[256];

    for (char *line = (char *)text; line != NULL && *line != '\0'; line = strchr(line, '\n') + 1) {
        int resize, width, height;
        unsigned crc;
        Image image, resized;
        Error e = {0, ""};
        if (sscanf(line, "%63s %d %d %d %x", name, &resize, &width, &height, &crc) != 5)
            continue;
        snprintf(path, sizeof path, GOLDEN "%s", name);
        pictures++;
        if (img_read(&image, path, 0, &e) != LAKE_OK) {
            failed += !check(0, "image golden pictures", "%s", e.text);
            continue;
        }
        if (resize > 0 && img_resize(&resized, &image, resize, resize, &e) == LAKE_OK) {
            img_free(&image);
            image = resized;
        }
        if (image.width != width || image.height != height || image_crc(&image) != crc)
            failed += !check(0, "image golden pictures", "%s at %d: not Pillow's pixels", name, resize);
        img_free(&image);
    }
    check(failed == 0 && pictures > 100, "image golden pictures: PNG, PNM and resize as Pillow", "%d of %d failed", failed, pictures);
    free(text);
}

/* Every cut and every flipped bit of a picture file. A cut must be refused, unless only the last `slack` bytes
 * are gone: white space and digits of a number; a flipped bit too where the format has checksums. */
static void test_damaged_picture(const char *name, int checksums, size_t slack)
{
    size_t size, wrong = 0;
    unsigned char *data = golden(name, &size);
    Image image;

    for (size_t i = 0; i < size * 9; i++) {
        size_t kept = i < size ? i : size, bit = i - size;
        unsigned char *copy = exact_copy(data, kept);
        if (i >= size)
            copy[bit / 8] ^= (unsigned char)(1 << bit % 8);
        if (img_decode(&image, copy, kept, name, 0, NULL) == LAKE_OK) {
            wrong += i < size ? kept + slack < size : (size_t)checksums;
            img_free(&image);
        }
        free(copy);
    }
    check(wrong == 0, "image refuses damage", "%s: %lu damaged files were read", name, (unsigned long)wrong);
    free(data);
}

/* A PNG put together from chunks. */
typedef struct {
    unsigned char bytes[4096];
    size_t size;
} File;

static void add_chunk(File *f, const char *type, const void *data, size_t size)
{
    unsigned char *p = f->bytes + f->size;

    put_u32be(p, (uint32_t)size);
    memcpy(p + 4, type, 4);
    if (size > 0)
        memcpy(p + 8, data, size);
    put_u32be(p + 8 + size, crc32_update(0, p + 4, 4 + size));
    f->size += 12 + size;
}

static void begin_png(File *f, uint32_t width, uint32_t height, int depth, int color, int interlace)
{
    unsigned char header[13] = {0};

    memcpy(f->bytes, "\x89PNG\r\n\x1a\n", 8);
    f->size = 8;
    put_u32be(header, width);
    put_u32be(header + 4, height);
    header[8] = (unsigned char)depth;
    header[9] = (unsigned char)color;
    header[12] = (unsigned char)interlace;
    add_chunk(f, "IHDR", header, sizeof header);
}

/* `size` bytes of rows, all zero but for the filter in the first one. */
static void add_rows(File *f, size_t size, int filter)
{
    unsigned char rows[1024] = {0}, *packed;
    size_t packed_size;

    rows[0] = (unsigned char)filter;
    deflate_zlib(&packed, &packed_size, rows, size, NULL);
    add_chunk(f, "IDAT", packed, packed_size);
    free(packed);
}

/* The result of decoding f with `max_pixels`, which must be `code` with `what` in the message. */
static void expect(const File *f, size_t max_pixels, int code, const char *what)
{
    unsigned char *copy = exact_copy(f->bytes, f->size);
    Error e = {0, ""};
    Image image;
    int found = img_decode(&image, copy, f->size, "made.png", max_pixels, &e);

    check(found == code && strstr(e.text, what) != NULL && (code == LAKE_OK) == (image.rgb != NULL), "png accepts and refuses",
          "expected %d '%s', found %d '%s'", code, what, found, e.text);
    if (found == LAKE_OK)
        img_free(&image);
    free(copy);
}

static void test_png_structure(void)
{
    File f;

    begin_png(&f, 4, 4, 8, 2, 0);
    add_rows(&f, 4 * 13, 4);
    add_chunk(&f, "IEND", "", 0);
    expect(&f, 16, LAKE_OK, "");
    expect(&f, 15, LAKE_BAD_INPUT, "limit of 15");
    f.size += 5; /* anything may follow the end */
    expect(&f, 0, LAKE_OK, "");
    f.size -= 5 + 12;
    expect(&f, 0, LAKE_BAD_INPUT, "without an IEND");
    add_chunk(&f, "tEXt", "a\0b", 3);
    add_rows(&f, 1, 0);
    expect(&f, 0, LAKE_BAD_INPUT, "do not follow each other");

    for (int extra = -1; extra <= 1; extra += 2) { /* one byte of pixels too few, one too many */
        begin_png(&f, 4, 4, 8, 2, 0);
        add_rows(&f, (size_t)(4 * 13 + extra), 0);
        add_chunk(&f, "IEND", "", 0);
        expect(&f, 0, LAKE_BAD_INPUT, extra < 0 ? "51 bytes of rows where 4 x 4 pixels take 52" : "more than the 52 bytes");
    }
    begin_png(&f, 4, 4, 8, 2, 0);
    add_rows(&f, 4 * 13, 5);
    add_chunk(&f, "IEND", "", 0);
    expect(&f, 0, LAKE_BAD_INPUT, "unknown row filter 5");

    begin_png(&f, 4, 4, 8, 3, 0);
    add_rows(&f, 4 * 5, 0);
    expect(&f, 0, LAKE_BAD_INPUT, "without a palette");
    begin_png(&f, 4, 4, 8, 3, 0);
    add_chunk(&f, "PLTE", "abcd", 4);
    expect(&f, 0, LAKE_BAD_INPUT, "a palette that is not");
    begin_png(&f, 4, 4, 8, 2, 0);
    add_rows(&f, 4 * 13, 0);
    add_chunk(&f, "PLTE", "abc", 3);
    expect(&f, 0, LAKE_BAD_INPUT, "a palette behind");
    begin_png(&f, 4, 4, 8, 2, 0);
    add_chunk(&f, "IEND", "", 0);
    expect(&f, 0, LAKE_BAD_INPUT, "no image data");
    begin_png(&f, 4, 4, 8, 2, 0);
    add_chunk(&f, "CgBI", "abcd", 4);
    expect(&f, 0, LAKE_BAD_INPUT, "unexpected chunk CgBI");
    begin_png(&f, 4, 4, 4, 2, 0);
    expect(&f, 0, LAKE_BAD_INPUT, "colour type 2 with 4 bits");
    begin_png(&f, 4, 4, 8, 2, 2);
    expect(&f, 0, LAKE_BAD_INPUT, "interlace method (2)");
    begin_png(&f, 0, 4, 8, 2, 0);
    expect(&f, 0, LAKE_BAD_INPUT, "is empty");
}

/* Sizes that a file of a hundred bytes claims. Nothing may be allocated for them; that they are refused with
 * these words shows the order of the checks. */
static void test_claims(void)
{
    static const char *const pnm[][2] = {
        {"P6 60000 60000 255\n", "limit of 268435456"},   {"P6 16000 16000 255\n", "ends inside its pixels"},
        {"P3 16000 16000 255\n", "ends inside its pixels"}, {"P1 16000 16000\n", "ends inside its pixels"},
        {"P4 16000 16000\n", "ends inside its pixels"},   {"P5 99999999999 1 255\n", "a number above 2147483647"},
        {"P5 4 4 65536\n", "a number above 65535"},       {"P5 4 4 0\n", "largest sample value is 0"},
        {"P5 4 x", "byte 0x78"},                          {"P5 4", "ends inside its header"},
        {"P2 1 1 9 10 ", "a number above 9"},             {"P1 1 1 2", "byte 0x32"},
        {"P5 # comment", "ends inside its header"},       {"P2 1 1 9 -1", "byte 0x2d"}};
    File f;

    begin_png(&f, 60000, 60000, 8, 2, 0);
    add_rows(&f, 100, 0);
    add_chunk(&f, "IEND", "", 0);
    expect(&f, 0, LAKE_BAD_INPUT, "limit of 268435456");
    begin_png(&f, 0x7fffffff, 0x7fffffff, 16, 6, 1);
    add_rows(&f, 100, 0);
    add_chunk(&f, "IEND", "", 0);
    expect(&f, (size_t)-1, sizeof(size_t) > 4 ? LAKE_RESOURCE : LAKE_BAD_INPUT, "more than");
    for (int interlace = 0; interlace < 2; interlace++) {
        begin_png(&f, 16000, 16000, 8, 2, interlace);
        add_rows(&f, 100, 0);
        add_chunk(&f, "IEND", "", 0);
        expect(&f, 0, LAKE_BAD_INPUT, "cannot hold 16000 x 16000 pixels");
    }
    for (size_t i = 0; i < sizeof pnm / sizeof *pnm; i++) {
        f.size = strlen(pnm[i][0]);
        memcpy(f.bytes, pnm[i][0], f.size);
        expect(&f, 0, LAKE_BAD_INPUT, pnm[i][1]);
    }
}

/* Damage that the checksums do not show: bytes are changed and the checksums made right again. */
static void test_png_mutations(void)
{
    static const char *const names[] = {"palette-4-bit-interlaced.png", "RGB-alpha-16-bit.png", "grey-1-bit-interlaced.png"};

    for (int i = 0; i < 6000; i++) {
        size_t size, offset = 8;
        unsigned char *data = golden(names[i % 3], &size);
        Image image;
        for (unsigned changes = 1 + random_below(4); changes > 0; changes--)
            data[8 + random_below((unsigned)size - 8)] ^= (unsigned char)(1 << random_below(8));
        while (size - offset >= 12 && get_u32be(data + offset) <= size - offset - 12) {
            size_t length = get_u32be(data + offset);
            put_u32be(data + offset + 8 + length, crc32_update(0, data + offset + 4, 4 + length));
            offset += 12 + length;
        }
        if (img_decode(&image, data, size, names[i % 3], 1 << 20, NULL) == LAKE_OK)
            img_free(&image);
        free(data);
    }
    check(1, "png survives mutations behind right checksums", "");
}

static void test_foreign(void)
{
    static const struct {
        const char *content;
        size_t size;
        const char *what;
    } files[] = {
        {"", 0, "is empty"},
        {"GIF89a..........", 16, "is GIF"},
        {"RIFF....WEBPVP8 ", 16, "is WebP"},
        {"\0\0\0\x0cjP  \r\n\x87\n", 12, "is JPEG 2000"},
        {"\xff\x4f\xff\x51....", 8, "is JPEG 2000"},
        {"\0\0\0\x1c" "ftypavif....", 16, "is AVIF"},
        {"P7\nWIDTH 3\n", 11, "is PAM"},
        {"<html><body>404", 15, "is HTML"},
        {"version https://git-lfs.github.com/spec/v1", 42, "git lfs pull"},
        {"\x89PNG\n\x1a\n......", 13, "signature was changed"},
        {"P8 1 1 255 abc", 14, "no picture that is known"},
        {"hello", 5, "no picture that is known"},
        {"\xff", 1, "no picture that is known"},
    };

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        unsigned char *copy = exact_copy((const unsigned char *)files[i].content, files[i].size);
        Error e = {0, ""};
        Image image;
        int code = img_decode(&image, copy, files[i].size, "file", 0, &e);
        check(code == LAKE_BAD_INPUT && strstr(e.text, files[i].what) != NULL, "image names other formats", "expected '%s', found %d '%s'",
              files[i].what, code, e.text);
        free(copy);
    }
}

static void test_write(void)
{
    static const char *const names[] = {"test_image_out.png", "test_image_out.PPM", "test_image_out"};
    Image image, back;
    int same = 1;

    for (int i = 0; i < 12 && same; i++) {
        const char *name = names[i % 3];
        same = img_new(&image, 1 + (int)random_below(200), 1 + (int)random_below(100), NULL) == LAKE_OK;
        fill(image.rgb, (size_t)image.width * (size_t)image.height * 3, i % 5 == 0 ? 24 : i % 5);
        same = same && img_write(name, &image, NULL) == LAKE_OK && img_read(&back, name, 0, NULL) == LAKE_OK;
        same = same && back.width == image.width && back.height == image.height && image_crc(&back) == image_crc(&image);
        img_free(&image);
        img_free(&back);
        remove(name);
    }
    check(same, "image written and read back", "not the same");
    img_new(&image, 2, 2, NULL);
    check(img_write("no/such/folder/a.png", &image, NULL) == LAKE_RESOURCE, "image write reports a missing folder", "no error");
    check(img_resize(&back, &image, 0, 5, NULL) == LAKE_USAGE && back.rgb == NULL, "resize refuses an empty size", "no error");
    img_free(&image);
}

int main(void)
{
    size_t plain_size;
    unsigned char *plain = golden("plain", &plain_size);

    if (plain == NULL)
        return 0;
    test_golden_streams(plain, plain_size);
    test_damaged_stream("dynamic.zlib", plain, plain_size, 1);
    test_damaged_stream("fixed.zlib", plain, plain_size, 1);
    test_damaged_stream("all.gz", plain, plain_size, 3);
    test_invalid_streams();
    test_round_trips();
    test_deflate_size(plain, plain_size);
    test_noise();
    free(plain);
    test_golden_pictures();
    test_damaged_picture("RGB-8-bit.png", 1, 0);
    test_damaged_picture("palette-2-bit-interlaced.png", 1, 0);
    test_damaged_picture("P2.pnm", 0, 5);
    test_damaged_picture("P3.pnm", 0, 5);
    test_damaged_picture("P4.pnm", 0, 0);
    test_damaged_picture("P6.pnm", 0, 0);
    test_png_structure();
    test_claims();
    test_png_mutations();
    test_foreign();
    test_write();
    return 0;
}
