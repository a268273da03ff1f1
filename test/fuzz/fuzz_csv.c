/* CSV: base/csv.c. A table that was read comes back from its own text, every field quoted. */
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "test/fuzz/fuzz.h"

/* Writes a field in quotes to out, or only counts where out is NULL; the bytes of it. */
static size_t put_field(char *out, const char *field, int last)
{
    size_t n = 0;

#define PUT(c) (out != NULL ? (void)(out[n] = (c)) : (void)0, n++)
    PUT('"');
    for (; *field != '\0'; field++) {
        if (*field == '"')
            PUT('"');
        PUT(*field);
    }
    PUT('"');
    PUT(last ? '\n' : ',');
#undef PUT
    return n;
}

static const char *field_of(const Csv *csv, size_t row, size_t column) /* row 0: the header */
{
    return row == 0 ? csv_name(csv, column) : csv_field(csv, row - 1, column);
}

static size_t put_table(char *out, const Csv *csv)
{
    size_t n = 0;

    for (size_t row = 0; row <= csv->rows; row++)
        for (size_t column = 0; column < csv->columns; column++)
            n += put_field(out != NULL ? out + n : NULL, field_of(csv, row, column), column + 1 == csv->columns);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Csv csv, again;
    Error e = FUZZ_ERROR;
    char *copy = (char *)fuzz_copy(data, size), *text;
    size_t length;
    int code = csv_parse(&csv, copy, size, "fuzz", &e);

    free(copy);
    fuzz_check(code, &e);
    if (code != LAKE_OK)
        return 0;
    length = put_table(NULL, &csv);
    text = malloc(length);
    if (text == NULL)
        abort();
    put_table(text, &csv);
    PROMISE(csv_parse(&again, text, length, "fuzz", &e) == LAKE_OK);
    PROMISE(again.rows == csv.rows && again.columns == csv.columns);
    for (size_t row = 0; row <= csv.rows; row++)
        for (size_t column = 0; column < csv.columns; column++)
            PROMISE(strcmp(field_of(&csv, row, column), field_of(&again, row, column)) == 0);
    for (size_t row = 1; row < csv.rows; row++)
        PROMISE(csv_line(&csv, row) > csv_line(&csv, row - 1));
    csv_free(&again);
    csv_free(&csv);
    free(text);
    return 0;
}
