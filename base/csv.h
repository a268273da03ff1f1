/* Tables of comma-separated values, as RFC 4180 and Python's csv module (strict) have them: a field in double quotes may
 * hold commas, line breaks and doubled quotes; lines end in CRLF, LF or CR; the last one need not end. The first line is
 * the header, every row has as many fields, empty lines are passed over, and so is a byte order mark at the start. */
#ifndef LAKE_CSV_H
#define LAKE_CSV_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* More are refused: such a file is no table of a data set. */
enum { CSV_MAX_BYTES = 1 << 26, CSV_MAX_COLUMNS = 1024 };

typedef struct {
    size_t columns, rows; /* rows without the header */
    char *text;           /* all fields, unquoted, each ending in a byte 0 */
    uint32_t *fields;     /* [1 + rows, columns] where each begins in text; the header first */
    uint32_t *lines;      /* [1 + rows] the line of the file each row begins in, from 1 */
} Csv;

/* Reads a file, or bytes in memory that messages call `name`. LAKE_BAD_INPUT, with file and line, where a quote is not
 * closed or something other than a comma follows it, where a row has more or fewer fields than the header, where there
 * is a byte 0, or no header at all. */
int csv_read(Csv *csv, const char *path, Error *e);
int csv_parse(Csv *csv, const char *data, size_t size, const char *name, Error *e);
void csv_free(Csv *csv);

/* A field of row 0 .. rows - 1, a column's name in the header, and a row's line. */
const char *csv_field(const Csv *csv, size_t row, size_t column);
const char *csv_name(const Csv *csv, size_t column);
unsigned csv_line(const Csv *csv, size_t row);

#endif
