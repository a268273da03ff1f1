/* Comma-separated values; see csv.h. RFC 4180, section 2; where it is silent or files do not keep to it (line ends, a
 * quote inside an unquoted field), Python's csv.reader(strict=True) is followed. Fields are unquoted in place: what is
 * written never overtakes what is read, as a field's closing byte 0 takes the room of the comma or line end behind it. */
#include "base/csv.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"

typedef struct {
    Csv *csv;
    const char *name;
    size_t size, at, written; /* of csv->text: its bytes, the next to read, the next to write */
    size_t used, room;        /* of csv->fields */
    size_t rows, row_room;    /* of csv->lines; the header counts */
    uint32_t line;            /* the line that text[at] is in */
} Reader;

enum { FIELD_ENDS, ROW_ENDS };

static int wrong(const Reader *r, const char *what, Error *e)
{
    return error_set(e, LAKE_BAD_INPUT, "%s:%u: %s", r->name, (unsigned)r->line, what);
}

/* Room for one element more; 0 where memory is out. */
static int grow(uint32_t **list, size_t used, size_t *room)
{
    size_t larger = *room == 0 ? 64 : *room, bytes;
    uint32_t *grown;

    if (used < *room)
        return 1;
    if ((*room > 0 && !size_multiply(*room, 2, &larger)) || !size_multiply(larger, sizeof **list, &bytes))
        return 0;
    grown = realloc(*list, bytes);
    if (grown == NULL)
        return 0;
    *list = grown;
    *room = larger;
    return 1;
}

static int at_line_end(const Reader *r)
{
    return r->csv->text[r->at] == '\n' || r->csv->text[r->at] == '\r';
}

/* CRLF, LF or CR: one line more. */
static void pass_line_end(Reader *r)
{
    r->at += r->csv->text[r->at] == '\r' && r->at + 1 < r->size && r->csv->text[r->at + 1] == '\n' ? 2 : 1;
    r->line++;
}

/* Behind an opening quote, up to and over the closing one. */
static int read_quoted(Reader *r, Error *e)
{
    char *text = r->csv->text;
    const uint32_t first = r->line;

    for (;;) {
        if (r->at == r->size)
            return error_set(e, LAKE_BAD_INPUT, "%s:%u: a quoted field begins here and never ends", r->name, (unsigned)first);
        if (text[r->at] == '\0')
            return wrong(r, "a byte 0; expected text", e);
        if (text[r->at] == '"') {
            r->at++;
            if (r->at == r->size || text[r->at] != '"')
                break;
        } else if (text[r->at] == '\n' || (text[r->at] == '\r' && (r->at + 1 == r->size || text[r->at + 1] != '\n')))
            r->line++;
        text[r->written++] = text[r->at++];
    }
    if (r->at < r->size && text[r->at] != ',' && !at_line_end(r))
        return wrong(r, "a closing quote is followed by something other than a comma or the line's end (a quote inside a "
                     "quoted field is written twice)", e);
    return LAKE_OK;
}

static int read_plain(Reader *r, Error *e)
{
    char *text = r->csv->text;

    while (r->at < r->size && text[r->at] != ',' && !at_line_end(r)) {
        if (text[r->at] == '\0')
            return wrong(r, "a byte 0; expected text", e);
        text[r->written++] = text[r->at++];
    }
    return LAKE_OK;
}

/* One field and what ends it, which is passed. */
static int read_field(Reader *r, int *end, Error *e)
{
    Csv *csv = r->csv;
    int code;

    if (!grow(&csv->fields, r->used, &r->room))
        return error_memory(e, r->name);
    csv->fields[r->used++] = (uint32_t)r->written;
    if (r->at < r->size && csv->text[r->at] == '"') {
        r->at++;
        code = read_quoted(r, e);
    } else {
        code = read_plain(r, e);
    }
    if (code != LAKE_OK)
        return code;
    *end = r->at < r->size && csv->text[r->at] == ',' ? FIELD_ENDS : ROW_ENDS;
    if (*end == FIELD_ENDS)
        r->at++;
    else if (r->at < r->size)
        pass_line_end(r);
    csv->text[r->written++] = '\0';
    return LAKE_OK;
}

/* A row; the first one says how many columns there are. */
static int read_row(Reader *r, Error *e)
{
    Csv *csv = r->csv;
    const uint32_t line = r->line;
    size_t fields = 0;
    int end = FIELD_ENDS, code;

    if (!grow(&csv->lines, r->rows, &r->row_room))
        return error_memory(e, r->name);
    csv->lines[r->rows++] = line;
    while (end == FIELD_ENDS) {
        code = read_field(r, &end, e);
        if (code != LAKE_OK)
            return code;
        if (++fields > CSV_MAX_COLUMNS)
            return error_set(e, LAKE_BAD_INPUT, "%s:%u: more than %d fields", r->name, (unsigned)line, CSV_MAX_COLUMNS);
    }
    if (r->rows == 1)
        csv->columns = fields;
    if (fields != csv->columns)
        return error_set(e, LAKE_BAD_INPUT, "%s:%u: a row of %u fields; the header has %u", r->name, (unsigned)line,
                         (unsigned)fields, (unsigned)csv->columns);
    return LAKE_OK;
}

/* Everything in csv->text. */
static int read_rows(Csv *csv, size_t size, const char *name, Error *e)
{
    Reader r = {0};
    int code = LAKE_OK;

    r.csv = csv;
    r.name = name;
    r.size = size;
    r.line = 1;
    if (size >= 3 && memcmp(csv->text, "\xef\xbb\xbf", 3) == 0)
        r.at = 3;
    while (r.at < size && code == LAKE_OK)
        if (at_line_end(&r))
            pass_line_end(&r);
        else
            code = read_row(&r, e);
    if (code == LAKE_OK && r.rows == 0)
        code = error_set(e, LAKE_BAD_INPUT, "%s: empty; expected a header line such as image,label,mask", name);
    if (code == LAKE_OK)
        csv->rows = r.rows - 1;
    else
        csv_free(csv);
    return code;
}

int csv_parse(Csv *csv, const char *data, size_t size, const char *name, Error *e)
{
    memset(csv, 0, sizeof *csv);
    if (size > CSV_MAX_BYTES)
        return error_set(e, LAKE_BAD_INPUT, "%s: larger than the limit of %d bytes for such a file", name, CSV_MAX_BYTES);
    csv->text = malloc(size + 1);
    if (csv->text == NULL)
        return error_memory(e, name);
    if (size > 0)
        memcpy(csv->text, data, size);
    return read_rows(csv, size, name, e);
}

int csv_read(Csv *csv, const char *path, Error *e)
{
    unsigned char *data;
    size_t size;
    int code = file_read(&data, &size, path, CSV_MAX_BYTES, e);

    memset(csv, 0, sizeof *csv);
    if (code != LAKE_OK)
        return code;
    csv->text = (char *)data; /* with room for a byte 0 behind the last one, as file_read promises */
    return read_rows(csv, size, path, e);
}

void csv_free(Csv *csv)
{
    free(csv->text);
    free(csv->fields);
    free(csv->lines);
    memset(csv, 0, sizeof *csv);
}

const char *csv_field(const Csv *csv, size_t row, size_t column)
{
    return csv->text + csv->fields[(row + 1) * csv->columns + column];
}

const char *csv_name(const Csv *csv, size_t column)
{
    return csv->text + csv->fields[column];
}

unsigned csv_line(const Csv *csv, size_t row)
{
    return (unsigned)csv->lines[row + 1];
}
