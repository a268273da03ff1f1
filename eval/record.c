/* Reading what a run leaves; see record.h. Whatever a file says is checked before it is believed: columns by their
 * names, numbers by their form, a unit's rows against one another. */
#include "eval/record.h"

#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"

enum { NUMBER_MAX = 64 };
/* ---- tables ---- */

/* A row of a table being read; the first failure stays. */
typedef struct {
    const Csv *csv;
    const char *path;
    size_t row, column; /* column: the next to be read */
    int code;
    Error *e;
} Fields;

/* Whether the table's header is these names, which are separated by commas. */
static int has_columns(const Csv *csv, const char *columns)
{
    for (size_t i = 0; i < csv->columns; i++) {
        size_t length = strcspn(columns, ",");
        if (strlen(csv_name(csv, i)) != length || strncmp(csv_name(csv, i), columns, length) != 0)
            return 0;
        columns += length;
        if ((*columns == '\0') != (i + 1 == csv->columns))
            return 0;
        columns += *columns == ',';
    }
    return 1;
}

static int read_table(Csv *csv, const char *path, const char *columns, Error *e)
{
    int code = csv_read(csv, path, e);

    if (code == LAKE_OK && !has_columns(csv, columns)) {
        csv_free(csv);
        return error_set(e, LAKE_BAD_INPUT, "%s: not the columns %s", path, columns);
    }
    return code;
}

static const char *text_field(Fields *f)
{
    return csv_field(f->csv, f->row, f->column++);
}

static void wrong(Fields *f, const char *text, const char *expected)
{
    if (f->code == LAKE_OK)
        f->code = error_set(f->e, LAKE_BAD_INPUT, "%s:%u: column %s: expected %s, found '%.60s'", f->path,
                            csv_line(f->csv, f->row), csv_name(f->csv, f->column - 1), expected, text);
}

int record_number(double *value, const char *text)
{
    char copy[NUMBER_MAX], *point, *end;
    size_t length = strlen(text);

    if (length >= sizeof copy || strspn(text, "0123456789+-.eE") != length)
        return 0;
    memcpy(copy, text, length + 1);
    point = strchr(copy, '.');
    if (point != NULL) /* strtod reads the point of the current locale */
        *point = localeconv()->decimal_point[0];
    *value = strtod(copy, &end);
    return *end == '\0' && end != copy && isfinite(*value);
}

/* NaN where the field is empty. */
static double optional_number(Fields *f)
{
    const char *text = text_field(f);
    double value = NAN;

    if (*text != '\0' && !record_number(&value, text))
        wrong(f, text, "a finite number");
    return value;
}

static double number(Fields *f)
{
    double value = optional_number(f);

    if (isnan(value))
        wrong(f, "", "a number");
    return value;
}

static size_t count(Fields *f)
{
    const char *text = text_field(f);
    size_t value = 0;

    if (*text == '\0')
        wrong(f, text, "a whole number");
    for (const char *p = text; *p != '\0' && f->code == LAKE_OK; p++) {
        size_t digit = (size_t)(*p - '0');
        if (*p < '0' || *p > '9' || value > (SIZE_MAX - digit) / 10)
            wrong(f, text, "a whole number");
        value = 10 * value + digit;
    }
    return value;
}

/* ---- rows of each kind ---- */

static void read_row(void *element, Fields *f)
{
    RecordRow *row = element;

    row->dataset = text_field(f);
    row->category = text_field(f);
    row->shots = text_field(f);
    row->seed = count(f);
    row->method = text_field(f);
    for (size_t i = 0; i < RECORD_MEASURES; i++)
        row->measures[i] = optional_number(f);
    row->normals = count(f);
    row->tests = count(f);
    row->seconds = optional_number(f);
    row->threshold = optional_number(f);
    row->good = count(f);
    row->bad = count(f);
    row->false_alarms = count(f);
    row->misses = count(f);
    row->skipped = count(f);
}

static void read_shot(void *element, Fields *f)
{
    ((RecordShot *)element)->image = text_field(f);
}

static void read_image(void *element, Fields *f)
{
    RecordImage *image = element;
    size_t anomalous;

    image->method = text_field(f);
    image->image = text_field(f);
    image->kind = text_field(f);
    anomalous = count(f);
    if (anomalous > 1)
        wrong(f, csv_field(f->csv, f->row, f->column - 1), "0 or 1");
    image->anomalous = anomalous == 1;
    image->score = number(f);
}

static void read_neuron(void *element, Fields *f)
{
    RecordNeuron *neuron = element;

    neuron->block = count(f);
    neuron->width = count(f);
    neuron->rank = count(f);
    neuron->channel = count(f);
    if (neuron->channel >= neuron->width)
        wrong(f, csv_field(f->csv, f->row, f->column - 1), "a channel below the width");
    neuron->share = number(f);
}

static void read_example(void *element, Fields *f)
{
    RecordExample *example = element;

    example->role = text_field(f);
    example->image = text_field(f);
    example->kind = text_field(f);
    example->score = number(f);
    example->picture = text_field(f);
    example->neurons = text_field(f);
}

static void read_skipped(void *element, Fields *f)
{
    RecordSkipped *skipped = element;

    skipped->image = text_field(f);
    skipped->error = text_field(f);
}

/* ---- a unit ---- */

typedef struct {
    const char *file, *columns;
    size_t size; /* of an element */
    void (*read)(void *element, Fields *f);
} Kind;

/* By the index of RecordUnit.tables. */
static const Kind kinds[] = {
    {"rows.csv", RECORD_COLUMNS, sizeof(RecordRow), read_row},
    {"shots.csv", RECORD_SHOT_COLUMNS, sizeof(RecordShot), read_shot},
    {"images.csv", RECORD_IMAGE_COLUMNS, sizeof(RecordImage), read_image},
    {"neurons.csv", RECORD_NEURON_COLUMNS, sizeof(RecordNeuron), read_neuron},
    {"examples.csv", RECORD_EXAMPLE_COLUMNS, sizeof(RecordExample), read_example},
    {"skipped.csv", RECORD_SKIPPED_COLUMNS, sizeof(RecordSkipped), read_skipped},
};

static void keep_list(RecordUnit *unit, size_t which, void *list, size_t count)
{
    switch (which) {
    case 0: unit->rows = list; unit->row_count = count; break;
    case 1: unit->drawn = list; unit->drawn_count = count; break;
    case 2: unit->images = list; unit->image_count = count; break;
    case 3: unit->neurons = list; unit->neuron_count = count; break;
    case 4: unit->examples = list; unit->example_count = count; break;
    default: unit->skipped = list; unit->skipped_count = count; break;
    }
}

/* The elements of a table in a new buffer. */
static int read_elements(void **list, const Csv *csv, const Kind *kind, const char *path, Error *e)
{
    Fields f = {csv, path, 0, 0, LAKE_OK, e};
    size_t bytes;

    *list = size_multiply(csv->rows, kind->size, &bytes) ? malloc(bytes > 0 ? bytes : 1) : NULL;
    if (*list == NULL)
        return error_memory(e, path);
    for (; f.row < csv->rows && f.code == LAKE_OK; f.row++, f.column = 0)
        kind->read((char *)*list + f.row * kind->size, &f);
    if (f.code != LAKE_OK)
        free(*list);
    return f.code;
}

/* A table of the unit; where there is no such file the list stays empty. */
static int read_list(RecordUnit *unit, size_t which, Error *e)
{
    const Kind *kind = &kinds[which];
    char *path = path_join(unit->folder, kind->file);
    void *list;
    int code = LAKE_OK;

    if (path == NULL)
        return error_memory(e, "a path");
    if (path_kind(path) != PATH_MISSING) {
        code = read_table(&unit->tables[which], path, kind->columns, e);
        if (code == LAKE_OK)
            code = read_elements(&list, &unit->tables[which], kind, path, e);
        if (code == LAKE_OK)
            keep_list(unit, which, list, unit->tables[which].rows);
    }
    free(path);
    return code;
}

static void close_unit(RecordUnit *unit)
{
    for (size_t i = 0; i < sizeof unit->tables / sizeof *unit->tables; i++)
        csv_free(&unit->tables[i]);
    free(unit->rows);
    free(unit->drawn);
    free(unit->images);
    free(unit->neurons);
    free(unit->examples);
    free(unit->skipped);
    free(unit->folder);
}

/* The rows of a unit are of one category, one number of shots and one seed. */
static int check_rows(const RecordUnit *unit, Error *e)
{
    for (size_t i = 0; i < unit->row_count; i++) {
        const RecordRow *row = &unit->rows[i];
        if (strcmp(row->category, unit->category) != 0 || strcmp(row->shots, unit->shots) != 0 ||
            row->seed != unit->seed)
            return error_set(e, LAKE_BAD_INPUT, "%s/rows.csv:%u: not the category, number of shots and seed of the "
                                                "first row", unit->folder, csv_line(&unit->tables[0], i));
    }
    return LAKE_OK;
}

/* The folder is the unit's from now on. */
static int read_unit(RecordUnit *unit, char *folder, Error *e)
{
    int code = LAKE_OK;

    memset(unit, 0, sizeof *unit);
    unit->folder = folder;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && code == LAKE_OK; i++)
        code = read_list(unit, i, e);
    unit->category = unit->shots = ""; /* of a unit that has no row, since nothing of it could be measured */
    if (code == LAKE_OK && unit->row_count > 0) {
        unit->category = unit->rows[0].category;
        unit->shots = unit->rows[0].shots;
        unit->seed = unit->rows[0].seed;
        code = check_rows(unit, e);
    }
    if (code != LAKE_OK)
        close_unit(unit);
    return code;
}

/* ---- the record ---- */

static int has_rows(const char *folder, int *finished, Error *e)
{
    char *path = path_join(folder, kinds[0].file);

    if (path == NULL)
        return error_memory(e, "a path");
    *finished = path_kind(path) == PATH_FILE;
    free(path);
    return LAKE_OK;
}

/* The units among the names in the folder. */
static int read_units(Record *record, const char *folder, char **names, size_t count, Error *e)
{
    int code = LAKE_OK;

    record->units = calloc(count > 0 ? count : 1, sizeof *record->units);
    if (record->units == NULL)
        return error_memory(e, "the units of a run");
    for (size_t i = 0; i < count && code == LAKE_OK; i++) {
        char *inner = path_join(folder, names[i]);
        int finished = 0;
        code = inner != NULL ? has_rows(inner, &finished, e) : error_memory(e, "a path");
        if (code != LAKE_OK || !finished)
            free(inner);
        else
            code = read_unit(&record->units[record->unit_count], inner, e);
        if (code == LAKE_OK && finished)
            record->unit_count++;
    }
    return code;
}

static int read_settings(Record *record, const char *folder, Error *e)
{
    char *path = path_join(folder, "settings.csv");
    int code = path != NULL ? LAKE_OK : error_memory(e, "a path");

    if (code == LAKE_OK)
        code = read_table(&record->settings, path, RECORD_SETTING_COLUMNS, e);
    free(path);
    return code;
}

int record_read(Record *record, const char *folder, Error *e)
{
    char **names;
    size_t count;
    int code;

    memset(record, 0, sizeof *record);
    code = read_settings(record, folder, e);
    if (code == LAKE_OK)
        code = folder_list(&names, &count, folder, e);
    if (code == LAKE_OK) {
        code = read_units(record, folder, names, count, e);
        folder_free(names, count);
    }
    if (code != LAKE_OK)
        record_close(record);
    return code;
}

void record_close(Record *record)
{
    for (size_t i = 0; i < record->unit_count; i++)
        close_unit(&record->units[i]);
    free(record->units);
    csv_free(&record->settings);
    memset(record, 0, sizeof *record);
}

const char *record_setting(const Record *record, const char *key)
{
    for (size_t i = 0; i < record->settings.rows; i++)
        if (strcmp(csv_field(&record->settings, i, 0), key) == 0)
            return csv_field(&record->settings, i, 1);
    return "";
}
