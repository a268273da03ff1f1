/* Directories of zip archives: plain, with ZIP64's records, with a comment; refused where two places disagree or point
 * beyond the file; and every byte of small archives changed and every prefix cut, with no read beyond the buffer (the
 * sanitizers watch it). The archives are put together here after APPNOTE.TXT. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "convert/zip.h"
#include "test/test.h"

enum { SIZE_LIMIT = 1024 };

typedef struct {
    unsigned char data[SIZE_LIMIT];
    size_t size;
    unsigned char directory[SIZE_LIMIT]; /* grows while entries are added */
    size_t directory_size;
    unsigned entries;
    size_t lines_at, end_at, end64_at, locator_at; /* where build_end put them */
} Builder;

static const char *const names[] = {"a/data/0", "a/data.pkl"};
static const char *const texts[] = {"numbers", "the pickle"};

static unsigned char *grow(unsigned char *data, size_t *size, size_t bytes)
{
    unsigned char *p = data + *size;

    memset(p, 0, bytes);
    *size += bytes;
    return p;
}

/* flags 8: as PyTorch writes TorchScript, sizes and checksum in the directory alone; zip64: sizes in the extra field. */
static void add_entry(Builder *b, const char *name, const char *text, unsigned flags, int zip64)
{
    const size_t length = strlen(name), size = strlen(text), header = b->size;
    const uint32_t crc = crc32_update(0, text, size);
    unsigned char *p = grow(b->data, &b->size, 30 + length + 5 + size);

    memcpy(p, "PK\3\4", 4);
    put_u16le(p + 6, (uint16_t)flags);
    if (!(flags & 8)) {
        put_u32le(p + 14, crc);
        put_u32le(p + 18, (uint32_t)size);
        put_u32le(p + 22, (uint32_t)size);
    }
    put_u16le(p + 26, (uint16_t)length);
    put_u16le(p + 28, 5); /* an extra field of its own, as PyTorch's padding */
    memcpy(p + 30, name, length);
    memcpy(p + 30 + length, "FB\1\0Z", 5);
    memcpy(p + 35 + length, text, size);

    p = grow(b->directory, &b->directory_size, 46 + length + (zip64 ? 28 : 0));
    memcpy(p, "PK\1\2", 4);
    put_u16le(p + 8, (uint16_t)flags);
    put_u32le(p + 16, crc);
    put_u32le(p + 20, zip64 ? 0xffffffffu : (uint32_t)size);
    put_u32le(p + 24, zip64 ? 0xffffffffu : (uint32_t)size);
    put_u16le(p + 28, (uint16_t)length);
    put_u32le(p + 42, zip64 ? 0xffffffffu : (uint32_t)header);
    memcpy(p + 46, name, length);
    if (zip64) {
        put_u16le(p + 30, 28);
        put_u16le(p + 46 + length, 1);
        put_u16le(p + 48 + length, 24);
        put_u64le(p + 50 + length, size);
        put_u64le(p + 58 + length, size);
        put_u64le(p + 66 + length, header);
    }
    b->entries++;
}

/* zip64 1: both records hold the values, as PyTorch writes; 2: only ZIP64's does. */
static void build_end(Builder *b, int zip64, const char *comment)
{
    unsigned char *p;

    b->lines_at = b->size;
    memcpy(grow(b->data, &b->size, b->directory_size), b->directory, b->directory_size);
    if (zip64) {
        b->end64_at = b->size;
        p = grow(b->data, &b->size, 56);
        memcpy(p, "PK\6\6", 4);
        put_u64le(p + 4, 44);
        put_u64le(p + 24, b->entries);
        put_u64le(p + 32, b->entries);
        put_u64le(p + 40, b->directory_size);
        put_u64le(p + 48, b->lines_at);
        b->locator_at = b->size;
        p = grow(b->data, &b->size, 20);
        memcpy(p, "PK\6\7", 4);
        put_u64le(p + 8, b->end64_at);
        put_u32le(p + 16, 1);
    }
    b->end_at = b->size;
    p = grow(b->data, &b->size, 22 + strlen(comment));
    memcpy(p, "PK\5\6", 4);
    put_u16le(p + 8, zip64 == 2 ? 0xffff : (uint16_t)b->entries);
    put_u16le(p + 10, zip64 == 2 ? 0xffff : (uint16_t)b->entries);
    put_u32le(p + 12, zip64 == 2 ? 0xffffffffu : (uint32_t)b->directory_size);
    put_u32le(p + 16, zip64 == 2 ? 0xffffffffu : (uint32_t)b->lines_at);
    put_u16le(p + 20, (uint16_t)strlen(comment));
    memcpy(p + 22, comment, strlen(comment));
}

static void build(Builder *b, unsigned flags, int zip64, const char *comment)
{
    int i;

    memset(b, 0, sizeof *b);
    for (i = 0; i < 2; i++)
        add_entry(b, names[i], texts[i], flags, zip64 == 2);
    build_end(b, zip64, comment);
}

/* 1 where the archive opens, holds exactly the two entries, and their bytes pass zip_check; 0 where it is refused; -1
 * where it shows something else. The bytes are in a buffer of exactly their size. */
static int try(const unsigned char *data, size_t size, Error *e)
{
    unsigned char *copy = malloc(size + 1); /* +1: malloc(0) may be NULL */
    ZipArchive zip;
    int result = 1, i;

    memcpy(copy + 1, data, size);
    e->text[0] = '\0';
    if (zip_open(&zip, copy + 1, size, "t.zip", e) != LAKE_OK) {
        free(copy);
        return zip.entries == NULL && zip.names == NULL && e->code == LAKE_BAD_INPUT ? 0 : -1;
    }
    for (i = 0; i < 2 && result == 1; i++) {
        const ZipEntry *entry = zip_find(&zip, names[i]);

        if (entry == NULL) {
            result = -1;
        } else if (zip_check(entry, crc32_update(0, copy + 1 + entry->begin, entry->size), "t.zip", e) != LAKE_OK) {
            result = 0;
        } else if (zip.count != 2 || entry->size != strlen(texts[i]) ||
                   memcmp(copy + 1 + entry->begin, texts[i], entry->size) != 0) {
            result = -1;
        }
    }
    zip_close(&zip);
    free(copy);
    return result;
}

static void test_accepted(void)
{
    static const struct {
        const char *name, *comment;
        unsigned flags;
        int zip64;
    } cases[] = {
        {"plain", "", 0, 0}, {"sizes in the directory alone", "", 8, 0}, {"ZIP64 beside plain records", "", 8, 1},
        {"ZIP64 alone", "", 0, 2}, {"a comment", "PK\5\6 is no end record", 0, 0},
        {"a comment behind ZIP64", "some text", 8, 2},
    };
    Builder b;
    Error e;
    size_t i;

    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        build(&b, cases[i].flags, cases[i].zip64, cases[i].comment);
        check(try(b.data, b.size, &e) == 1, "zip accepts", "%s: %s", cases[i].name, e.text);
    }
}

static void test_empty(void)
{
    Builder b;
    ZipArchive zip;
    Error e;

    memset(&b, 0, sizeof b);
    build_end(&b, 0, "");
    check(zip_open(&zip, b.data, b.size, "t.zip", &e) == LAKE_OK && zip.count == 0 && zip_find(&zip, "a") == NULL,
          "zip without entries", "%s", e.text);
    zip_close(&zip);
}

/* One field of an archive changed; what the message must say. The offsets count from the directory, the end record, ZIP64's
 * end record or its locator ('d', 'e', 'E', 'l') or, in the first entry's header, from the file's start ('h'). */
static void test_refused(void)
{
    static const struct {
        char place;
        unsigned at, bytes;
        uint32_t value;
        const char *says;
    } cases[] = {
        {'e', 0, 1, 'X', "without its end"},
        {'e', 4, 2, 1, "more than one volume"},
        {'e', 8, 2, 3, "more than one volume"},
        {'e', 12, 4, 1, "two end records that disagree"},
        {'e', 16, 4, 0xfffffffeu, "two end records that disagree"},
        {'l', 8, 4, 1, "a pointer to no ZIP64 end record"},
        {'l', 12, 4, 0x80000000u, "a pointer to no ZIP64 end record"},
        {'l', 16, 4, 2, "more than one volume"},
        {'E', 4, 4, 45, "a pointer to no ZIP64 end record"},
        {'E', 24, 4, 3, "more than one volume"},
        {'E', 40, 4, 9, "two end records that disagree"},
        {'d', 0, 1, 'X', "no line of the directory"},
        {'d', 10, 2, 8, "disagrees with the directory"},
        {'d', 16, 4, 7, "disagrees with the directory"},
        {'d', 20, 4, 0x7fffffffu, "cut off"},
        {'d', 20, 4, 0xffffffffu, "a broken line of the directory"},
        {'d', 24, 4, 8, "disagrees with the directory"},
        {'d', 28, 2, 0, "a broken line of the directory"},
        {'d', 28, 2, 0xffff, "a broken line of the directory"},
        {'d', 30, 2, 5, "a broken line of the directory"},
        {'d', 34, 2, 1, "more than one volume"},
        {'d', 42, 4, 0xfffffffeu, "an entry beyond the file"},
        {'d', 42, 4, 1, "no entry"},
        {'d', 46, 1, 0, "a broken line of the directory"},
        {'d', 46, 1, 'b', "disagrees with the directory"},
        {'h', 6, 2, 1, "disagrees with the directory"},
        {'h', 28, 2, 0xffff, "no entry, or one that is cut off"},
        {'h', 28, 2, 4, "a/data/0 is damaged (its checksum differs)"},
        {'h', 45, 1, 'X', "a/data/0 is damaged (its checksum differs)"},
    };
    Builder b;
    Error e;
    size_t i;
    unsigned k;

    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char *p;

        build(&b, 0, 1, "");
        p = b.data + cases[i].at + (cases[i].place == 'd'   ? b.lines_at
                                    : cases[i].place == 'e' ? b.end_at
                                    : cases[i].place == 'E' ? b.end64_at
                                    : cases[i].place == 'l' ? b.locator_at
                                                            : 0);
        for (k = 0; k < cases[i].bytes; k++)
            p[k] = (unsigned char)(cases[i].value >> 8 * k & 0xff);
        check(try(b.data, b.size, &e) == 0 && strstr(e.text, cases[i].says) != NULL, "zip refuses", "%c + %u = %lu: %s",
              cases[i].place, cases[i].at, (unsigned long)cases[i].value, e.text);
    }
}

static void test_refused_entries(void)
{
    Builder b;
    Error e;

    memset(&b, 0, sizeof b);
    add_entry(&b, names[0], texts[0], 0, 0);
    add_entry(&b, names[0], texts[1], 0, 0);
    build_end(&b, 0, "");
    check(try(b.data, b.size, &e) == 0 && strstr(e.text, "two entries named a/data/0") != NULL, "zip with one name twice",
          "%s", e.text);
    build(&b, 1, 0, "");
    check(try(b.data, b.size, &e) == 0 && strstr(e.text, "a/data/0 is encrypted") != NULL, "zip encrypted", "%s", e.text);
    build(&b, 0, 0, "");
    put_u16le(b.data + 8, 8);
    put_u16le(b.data + b.lines_at + 10, 8);
    check(try(b.data, b.size, &e) == 0 && strstr(e.text, "a/data/0 is compressed") != NULL, "zip compressed", "%s", e.text);
    build(&b, 8, 0, "");
    put_u32le(b.data + b.lines_at + 20, 6);
    check(try(b.data, b.size, &e) == 0 && strstr(e.text, "two sizes") != NULL, "zip with two sizes", "%s", e.text);
}

/* Every byte changed in three ways: refused, or, where the byte tells nothing (dates, versions), the right content. */
static void test_damage(void)
{
    static const unsigned char changes[] = {0xff, 0x01, 0x80};
    static const struct {
        unsigned flags;
        int zip64;
    } forms[] = {{0, 0}, {8, 1}, {0, 2}};
    Builder b;
    Error e;
    size_t form, k, at, wrong = 0, accepted = 0, total = 0;

    for (form = 0; form < sizeof forms / sizeof *forms; form++) {
        build(&b, forms[form].flags, forms[form].zip64, "");
        for (k = 0; k < sizeof changes; k++)
            for (at = 0; at < b.size; at++, total++) {
                int result;

                b.data[at] ^= changes[k];
                result = try(b.data, b.size, &e);
                b.data[at] ^= changes[k];
                wrong += result < 0;
                accepted += result > 0;
            }
    }
    check(wrong == 0 && accepted < total / 2, "zip with any byte damaged", "%d of %d wrong, %d accepted", (int)wrong,
          (int)total, (int)accepted);
}

static void test_cut(void)
{
    Builder b;
    Error e;
    size_t size, refused = 0;

    build(&b, 8, 1, "");
    for (size = 0; size < b.size; size++)
        refused += try(b.data, size, &e) == 0;
    check(refused == b.size, "zip cut off anywhere", "%d of %d refused", (int)refused, (int)b.size);
}

int main(void)
{
    test_accepted();
    test_empty();
    test_refused();
    test_refused_entries();
    test_damage();
    test_cut();
    return 0;
}
