/* Damaged JPEG files: whatever the bytes, the decoder ends with a picture or with LAKE_BAD_INPUT and a message, within its
 * buffers (run this under the sanitizers). The intact files decode to what Pillow gives. */
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "image/codec.h"
#include "test/golden/jpeg_bytes.h"
#include "test/test.h"

#define FILE_COUNT ((int)(sizeof jpeg_files / sizeof jpeg_files[0]))
#define LIMIT ((size_t)1 << 16) /* pixels: damaged sizes must not make the test slow */

static uint32_t random_state = 1;

static uint32_t next_random(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

/* Decodes a copy that ends where its memory ends. Returns the code, or -1 where the outcome is not one of those
 * allowed: a picture with bytes in it, or an error with a message and without a picture. */
static int decode(const unsigned char *data, size_t size, size_t limit, Error *e)
{
    unsigned char *copy = malloc(size > 0 ? size : 1);
    Image image = {0, 0, NULL};
    int rc;

    if (copy == NULL)
        return -1;
    memcpy(copy, data, size);
    memset(e, 0, sizeof *e);
    rc = jpeg_decode(&image, copy, size, "test.jpg", limit, e);
    free(copy);
    if (rc == LAKE_OK && (image.rgb == NULL || image.width < 1 || image.height < 1 ||
                          (size_t)image.width * (size_t)image.height > limit))
        rc = -1;
    if (rc != LAKE_OK && (rc != LAKE_BAD_INPUT || strncmp(e->text, "test.jpg: ", 10) != 0 || image.rgb != NULL))
        rc = -1;
    img_free(&image);
    return rc;
}

static void test_intact(int f)
{
    Image image = {0, 0, NULL};
    Error e = {0, ""};
    const int rc = jpeg_decode(&image, jpeg_files[f].data, jpeg_files[f].size, "intact", LIMIT, &e);
    uint32_t crc = 0;

    if (rc == LAKE_OK)
        crc = crc32_update(0, image.rgb, (size_t)image.width * (size_t)image.height * 3);
    check(rc == LAKE_OK && image.width == jpeg_files[f].width && image.height == jpeg_files[f].height && crc == jpeg_files[f].crc,
          "jpeg intact", "%s: code %d %s, CRC %08lx, Pillow's %08lx", jpeg_files[f].name, rc, e.text, (unsigned long)crc,
          (unsigned long)jpeg_files[f].crc);
    img_free(&image);
}

static void test_truncation(int f)
{
    size_t size, accepted = 0;
    Error e;

    for (size = 0; size < jpeg_files[f].size; size++)
        if (decode(jpeg_files[f].data, size, LIMIT, &e) != LAKE_BAD_INPUT)
            accepted++;
    check(accepted == 0, "jpeg every truncation is refused", "%s: %lu lengths are not", jpeg_files[f].name, (unsigned long)accepted);
}

/* Coded bytes missing before an end marker that is there: libjpeg would go on with grey, Pillow would not tell. */
static void test_missing_bytes(int f, unsigned char *work)
{
    const size_t size = jpeg_files[f].size;
    size_t missing;
    int accepted = 0;
    Error e;

    for (missing = 1; missing < 20; missing++) {
        memcpy(work, jpeg_files[f].data, size);
        work[size - 2 - missing] = 0xff;
        work[size - 1 - missing] = 0xd9;
        if (decode(work, size - missing, LIMIT, &e) != LAKE_BAD_INPUT)
            accepted++;
    }
    check(accepted == 0, "jpeg missing bytes before the end marker", "%s: %d of 19 accepted", jpeg_files[f].name, accepted);
}

static void test_bit_flips(int f, unsigned char *work)
{
    const size_t size = jpeg_files[f].size;
    size_t bit, wrong = 0;
    Error e;

    memcpy(work, jpeg_files[f].data, size);
    for (bit = 0; bit < 8 * size; bit++) {
        work[bit / 8] ^= (unsigned char)(1 << bit % 8);
        if (decode(work, size, LIMIT, &e) < 0)
            wrong++;
        work[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    check(wrong == 0, "jpeg every single bit flipped", "%s: %lu outcomes out of order", jpeg_files[f].name, (unsigned long)wrong);
}

/* Several bytes at once, each set to a value that a parser trips over or to a random one. */
static void test_random_damage(int f, unsigned char *work)
{
    static const unsigned char awkward[] = {0, 1, 2, 0x11, 0x3f, 0x44, 0x7f, 0x80, 0xc4, 0xd0, 0xd9, 0xda, 0xdb, 0xdd, 0xff};
    const size_t size = jpeg_files[f].size;
    int round, i, wrong = 0;
    Error e;

    for (round = 0; round < 4000; round++) {
        memcpy(work, jpeg_files[f].data, size);
        for (i = (int)(next_random() % 6); i >= 0; i--)
            work[2 + next_random() % (size - 2)] = (unsigned char)(next_random() & 1 ? awkward[next_random() % sizeof awkward]
                                                                                     : next_random() & 0xff);
        if (decode(work, size, LIMIT, &e) < 0)
            wrong++;
    }
    check(wrong == 0, "jpeg random damage", "%s: %d outcomes out of order", jpeg_files[f].name, wrong);
}

/* Each segment's length field set to each of these. */
static void test_segment_lengths(int f, unsigned char *work)
{
    static const int lengths[] = {0, 1, 2, 3, 5, 8, 9, 18, 19, 64, 67, 255, 256, 4096, 0x7fff, 0x8000, 0xffff};
    const size_t size = jpeg_files[f].size;
    size_t at, i;
    int wrong = 0;
    Error e;

    for (at = 2; at + 4 < size; at++) {
        if (jpeg_files[f].data[at] != 0xff || jpeg_files[f].data[at + 1] < 0xc0)
            continue;
        for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            memcpy(work, jpeg_files[f].data, size);
            work[at + 2] = (unsigned char)(lengths[i] >> 8);
            work[at + 3] = (unsigned char)(lengths[i] & 0xff);
            if (decode(work, size, LIMIT, &e) < 0)
                wrong++;
        }
    }
    check(wrong == 0, "jpeg lying segment lengths", "%s: %d outcomes out of order", jpeg_files[f].name, wrong);
}

/* The place of the frame header's marker: SOF0 or SOF2. */
static size_t frame_header(const unsigned char *data)
{
    size_t at = 2;

    while (data[at + 1] != 0xc0 && data[at + 1] != 0xc2)
        at += 2 + (size_t)(data[at + 2] << 8 | data[at + 3]);
    return at;
}

/* Larger pictures than the bytes can hold must be refused before memory is taken, hence with no limit on pixels. */
static void test_dimensions(int f, unsigned char *work)
{
    static const int sides[][2] = {{0, 0}, {0, 5}, {5, 0}, {65535, 65535}, {65535, 4000}, {4000, 65535}, {4000, 4000}, {300, 300}};
    const size_t size = jpeg_files[f].size, at = frame_header(jpeg_files[f].data);
    size_t i;
    Error e;

    for (i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        memcpy(work, jpeg_files[f].data, size);
        work[at + 5] = (unsigned char)(sides[i][0] >> 8);
        work[at + 6] = (unsigned char)(sides[i][0] & 0xff);
        work[at + 7] = (unsigned char)(sides[i][1] >> 8);
        work[at + 8] = (unsigned char)(sides[i][1] & 0xff);
        check(decode(work, size, (size_t)-1, &e) == LAKE_BAD_INPUT, "jpeg lying dimensions", "%s: %d x %d is not refused",
              jpeg_files[f].name, sides[i][1], sides[i][0]);
        if (sides[i][0] >= 4000 || sides[i][1] >= 4000)
            check(strstr(e.text, "promises") != NULL, "jpeg lying dimensions take no memory", "%s", e.text);
    }
}

static void test_limit(void)
{
    Error e;

    check(decode(jpeg_baseline, sizeof jpeg_baseline, 27 * 22, &e) == LAKE_OK, "jpeg pixel limit reached", "%s", e.text);
    check(decode(jpeg_baseline, sizeof jpeg_baseline, 27 * 22 - 1, &e) == LAKE_BAD_INPUT, "jpeg pixel limit passed", "not refused");
}

/* The last restart marker replaced by another. */
static void test_wrong_restart(unsigned char *work)
{
    const size_t size = sizeof jpeg_restarts;
    size_t at = size - 3;
    Error e;

    memcpy(work, jpeg_restarts, size);
    while (work[at] != 0xff || work[at + 1] < 0xd0 || work[at + 1] > 0xd7)
        at--;
    work[at + 1] ^= 1;
    check(decode(work, size, LIMIT, &e) == LAKE_BAD_INPUT && strstr(e.text, "restart") != NULL, "jpeg restart marker out of turn",
          "message %s", e.text);
}

int main(void)
{
    static unsigned char work[1 << 12];
    int f;

    for (f = 0; f < FILE_COUNT; f++) {
        test_intact(f);
        test_truncation(f);
        test_missing_bytes(f, work);
        test_bit_flips(f, work);
        test_random_damage(f, work);
        test_segment_lengths(f, work);
        test_dimensions(f, work);
    }
    test_limit();
    test_wrong_restart(work);
    return 0;
}
