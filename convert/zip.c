/* Reading the directory of a zip archive, after PKWARE's APPNOTE.TXT 6.3 (section numbers below). An archive is read
 * from its end: the end record (4.3.16), before it those of ZIP64 (4.3.14, 4.3.15) where sizes need 64 bits, before these
 * the central directory (4.3.12), whose lines point to the entries' own headers (4.3.7) with the data behind them. What
 * stands in two places must agree, so that no two programs can see two different archives in one file. */
#include "convert/zip.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum {
    END_SIZE = 22,       /* of the end record without its comment */
    END64_SIZE = 56,     /* of ZIP64's end record */
    LOCATOR_SIZE = 20,   /* of what points to it */
    LINE_SIZE = 46,      /* of a line of the central directory without name, extra fields and comment */
    HEADER_SIZE = 30,    /* of an entry's own header without name and extra fields */
    COMMENT_LIMIT = 65535,
    FLAG_ENCRYPTED = 1,
    FLAG_DESCRIPTOR = 8, /* sizes and checksum stand behind the data, not in the entry's own header */
    METHOD_STORED = 0,
    EXTRA_ZIP64 = 1
};

#define ALL_ONES UINT32_C(0xffffffff) /* the value is found in ZIP64's field */

typedef struct {
    const unsigned char *data; /* [size], the file */
    size_t size;
    const char *path;
    Error *e;
    uint64_t begin, end;       /* of the central directory */
    uint64_t lines;            /* in it */
} Reader;

/* One line of the central directory. */
typedef struct {
    const unsigned char *name; /* [name_size] */
    size_t name_size;
    unsigned flags, method;
    uint32_t crc;
    uint64_t packed, unpacked; /* sizes in bytes */
    uint64_t header;           /* offset of the entry's own header */
} Line;

static int damaged(Reader *r, const char *what, uint64_t at)
{
    error_set(r->e, LAKE_BAD_INPUT, "%s: a damaged zip archive: %s at byte %llu: download it again", r->path, what,
              (unsigned long long)at);
    return LAKE_BAD_INPUT;
}

static int has_signature(const unsigned char *p, unsigned char third, unsigned char fourth)
{
    return p[0] == 'P' && p[1] == 'K' && p[2] == third && p[3] == fourth;
}

/* ---- the end records ---- */

/* The offset of the end record, which lies at the very end but for its comment. */
static int find_end(Reader *r, size_t *at)
{
    size_t comment;

    for (comment = 0; comment <= COMMENT_LIMIT && r->size >= END_SIZE + comment; comment++) {
        const unsigned char *p = r->data + r->size - END_SIZE - comment;

        if (has_signature(p, 5, 6) && get_u16le(p + 20) == comment) {
            *at = r->size - END_SIZE - comment;
            return LAKE_OK;
        }
    }
    error_set(r->e, LAKE_BAD_INPUT,
              "%s: a zip archive without its end, so probably cut off (%llu bytes): download it again", r->path,
              (unsigned long long)r->size);
    return LAKE_BAD_INPUT;
}

/* A value of the end record that ZIP64's record repeats, or holds alone where the first is all ones. */
static int agree(uint64_t *value, uint64_t ones, uint64_t value64)
{
    if (*value != ones && *value != value64)
        return 0;
    *value = value64;
    return 1;
}

/* Takes the values of ZIP64's end record where there is one before the end record at `end`; *limit is where the central
 * directory has to end then. */
static int read_end64(Reader *r, size_t end, uint64_t *bytes, uint64_t *limit)
{
    const unsigned char *locator, *p;
    uint64_t at;

    if (end < LOCATOR_SIZE || !has_signature(r->data + end - LOCATOR_SIZE, 6, 7))
        return LAKE_OK;
    locator = r->data + end - LOCATOR_SIZE;
    at = get_u64le(locator + 8);
    if (get_u32le(locator + 4) != 0 || get_u32le(locator + 16) > 1)
        return damaged(r, "more than one volume", end - LOCATOR_SIZE);
    if (end - LOCATOR_SIZE < END64_SIZE || at > end - LOCATOR_SIZE - END64_SIZE || !has_signature(r->data + at, 6, 6) ||
        get_u64le(r->data + at + 4) != end - LOCATOR_SIZE - at - 12)
        return damaged(r, "a pointer to no ZIP64 end record", end - LOCATOR_SIZE);
    p = r->data + at;
    if (get_u32le(p + 16) != 0 || get_u32le(p + 20) != 0 || get_u64le(p + 24) != get_u64le(p + 32))
        return damaged(r, "more than one volume", at);
    if (!agree(&r->lines, 0xffff, get_u64le(p + 32)) || !agree(bytes, ALL_ONES, get_u64le(p + 40)) ||
        !agree(&r->begin, ALL_ONES, get_u64le(p + 48)))
        return damaged(r, "two end records that disagree", at);
    *limit = at;
    return LAKE_OK;
}

/* Finds the central directory. */
static int read_end(Reader *r)
{
    const unsigned char *p;
    uint64_t bytes, limit;
    size_t at;
    int code = find_end(r, &at);

    if (code != LAKE_OK)
        return code;
    p = r->data + at;
    if (get_u16le(p + 4) != 0 || get_u16le(p + 6) != 0 || get_u16le(p + 8) != get_u16le(p + 10))
        return damaged(r, "more than one volume", at);
    r->lines = get_u16le(p + 10);
    bytes = get_u32le(p + 12);
    r->begin = get_u32le(p + 16);
    limit = at;
    code = read_end64(r, at, &bytes, &limit);
    if (code != LAKE_OK)
        return code;
    if (r->begin > limit || bytes != limit - r->begin)
        return damaged(r, "a directory that does not reach to the end record", r->begin);
    if (r->lines > bytes / LINE_SIZE)
        return damaged(r, "more entries than there is room for", at);
    r->end = limit;
    return LAKE_OK;
}

/* ---- the central directory ---- */

/* Takes the values that are all ones in the line from ZIP64's extra field (4.5.3), where they follow in this order. */
static int read_extra(Line *line, const unsigned char *p, size_t size)
{
    uint64_t *values[3];
    size_t i, at, field;

    values[0] = &line->unpacked;
    values[1] = &line->packed;
    values[2] = &line->header;
    for (; size >= 4; p += field, size -= field) {
        field = 4 + (size_t)get_u16le(p + 2);
        if (field > size)
            return 0;
        if (get_u16le(p) != EXTRA_ZIP64)
            continue;
        for (i = 0, at = 4; i < 3; i++)
            if (*values[i] == ALL_ONES) {
                if (field - at < 8)
                    return 0;
                *values[i] = get_u64le(p + at);
                at += 8;
            }
        return 1;
    }
    return line->unpacked != ALL_ONES && line->packed != ALL_ONES && line->header != ALL_ONES;
}

/* The line at *at, which moves on. */
static int read_line(Reader *r, uint64_t *at, Line *line)
{
    const unsigned char *p = r->data + *at;
    size_t extra, comment;

    if (r->end - *at < LINE_SIZE || !has_signature(p, 1, 2))
        return damaged(r, "no line of the directory", *at);
    line->flags = get_u16le(p + 8);
    line->method = get_u16le(p + 10);
    line->crc = get_u32le(p + 16);
    line->packed = get_u32le(p + 20);
    line->unpacked = get_u32le(p + 24);
    line->name_size = get_u16le(p + 28);
    extra = get_u16le(p + 30);
    comment = get_u16le(p + 32);
    line->header = get_u32le(p + 42);
    line->name = p + LINE_SIZE;
    if (get_u16le(p + 34) != 0)
        return damaged(r, "more than one volume", *at);
    if (r->end - *at - LINE_SIZE < line->name_size + extra + comment || line->name_size == 0 ||
        memchr(line->name, '\0', line->name_size) != NULL || !read_extra(line, line->name + line->name_size, extra))
        return damaged(r, "a broken line of the directory", *at);
    *at += LINE_SIZE + line->name_size + extra + comment;
    return LAKE_OK;
}

/* ---- the entries ---- */

/* Compares the entry's own header with its line and finds the data behind it. */
static int read_header(Reader *r, const Line *line, ZipEntry *entry)
{
    const unsigned char *p;
    uint64_t room, skip;

    if (r->begin < HEADER_SIZE || line->header > r->begin - HEADER_SIZE)
        return damaged(r, "an entry beyond the file", line->header);
    p = r->data + line->header;
    room = r->begin - line->header - HEADER_SIZE;
    skip = (uint64_t)get_u16le(p + 26) + get_u16le(p + 28);
    if (!has_signature(p, 3, 4) || skip > room || line->packed > room - skip)
        return damaged(r, "no entry, or one that is cut off,", line->header);
    if (get_u16le(p + 6) != line->flags || get_u16le(p + 8) != line->method || get_u16le(p + 26) != line->name_size ||
        memcmp(p + HEADER_SIZE, line->name, line->name_size) != 0)
        return damaged(r, "an entry that disagrees with the directory", line->header);
    if (!(line->flags & FLAG_DESCRIPTOR) &&
        (get_u32le(p + 14) != line->crc || (get_u32le(p + 18) != line->packed && get_u32le(p + 18) != ALL_ONES) ||
         (get_u32le(p + 22) != line->unpacked && get_u32le(p + 22) != ALL_ONES)))
        return damaged(r, "an entry that disagrees with the directory", line->header);
    if (line->flags & FLAG_ENCRYPTED)
        return error_set(r->e, LAKE_BAD_INPUT, "%s: entry %s is encrypted: decrypt the archive first", r->path,
                         entry->name);
    if (line->method == METHOD_STORED && line->packed != line->unpacked)
        return damaged(r, "a stored entry with two sizes", line->header);
    entry->begin = (size_t)(line->header + HEADER_SIZE + skip);
    entry->size = (size_t)line->packed;
    entry->crc = line->crc;
    entry->stored = line->method == METHOD_STORED;
    return LAKE_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const ZipEntry *)a)->name, ((const ZipEntry *)b)->name);
}

/* All lines with their entries. A name with its 0 is shorter than the line that it comes from, so that memory as large
 * as the directory is enough for all names. */
static int read_entries(Reader *r, ZipArchive *zip)
{
    uint64_t at = r->begin, i;
    char *name = zip->names;
    size_t k;

    for (i = 0; i < r->lines; i++) {
        ZipEntry *entry = &zip->entries[zip->count];
        Line line;
        int code = read_line(r, &at, &line);

        if (code != LAKE_OK)
            return code;
        memcpy(name, line.name, line.name_size);
        name[line.name_size] = '\0';
        entry->name = name;
        name += line.name_size + 1;
        code = read_header(r, &line, entry);
        if (code != LAKE_OK)
            return code;
        zip->count++;
    }
    if (at != r->end)
        return damaged(r, "something behind the last line of the directory", at);
    qsort(zip->entries, zip->count, sizeof *zip->entries, by_name);
    for (k = 1; k < zip->count; k++)
        if (by_name(&zip->entries[k - 1], &zip->entries[k]) == 0)
            return error_set(r->e, LAKE_BAD_INPUT, "%s: a zip archive with two entries named %s", r->path,
                             zip->entries[k].name);
    return LAKE_OK;
}

/* ---- public ---- */

int zip_open(ZipArchive *zip, const unsigned char *data, size_t size, const char *path, Error *e)
{
    Reader r = {NULL, 0, NULL, NULL, 0, 0, 0};
    int code;

    memset(zip, 0, sizeof *zip);
    r.data = data;
    r.size = size;
    r.path = path;
    r.e = e;
    code = read_end(&r);
    if (code != LAKE_OK)
        return code;
    zip->entries = calloc((size_t)r.lines + 1, sizeof *zip->entries);
    zip->names = malloc((size_t)(r.end - r.begin) + 1);
    if (zip->entries == NULL || zip->names == NULL)
        code = error_memory(e, "a zip archive's directory");
    else
        code = read_entries(&r, zip);
    if (code != LAKE_OK)
        zip_close(zip);
    return code;
}

void zip_close(ZipArchive *zip)
{
    free(zip->entries);
    free(zip->names);
    memset(zip, 0, sizeof *zip);
}

static int compare_with_name(const void *name, const void *entry)
{
    return strcmp(name, ((const ZipEntry *)entry)->name);
}

const ZipEntry *zip_find(const ZipArchive *zip, const char *name)
{
    return zip->count == 0 ? NULL : bsearch(name, zip->entries, zip->count, sizeof *zip->entries, compare_with_name);
}

int zip_check(const ZipEntry *entry, uint32_t crc, const char *path, Error *e)
{
    if (!entry->stored)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: entry %s is compressed, which PyTorch never does with it: unpack the archive and pack it "
                         "again with zip -0 -r",
                         path, entry->name);
    if (crc != entry->crc)
        return error_set(e, LAKE_BAD_INPUT, "%s: entry %s is damaged (its checksum differs): download it again", path,
                         entry->name);
    return LAKE_OK;
}
