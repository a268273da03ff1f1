/* Writing what a run leaves; see record.h. Fields are quoted as RFC 4180 (section 2) has it. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/record.h"

/* ---- a table being written ---- */

/* Failures stick: after one nothing more is written, and end_table reports it. */
typedef struct {
    FileOut out;
    int code;
    int begun; /* the line has a field */
    Error *e;
} Table;

static void put(Table *t, const char *bytes, size_t size)
{
    if (t->code == LAKE_OK)
        t->code = file_write(&t->out, bytes, size, t->e);
}

static void end_line(Table *t)
{
    put(t, "\n", 1);
    t->begun = 0;
}

static void begin_field(Table *t)
{
    if (t->begun)
        put(t, ",", 1);
    t->begun = 1;
}

static int begin_table(Table *t, const char *path, const char *columns, Error *e)
{
    memset(t, 0, sizeof *t);
    t->e = e;
    t->code = file_create(&t->out, path, e);
    if (t->code != LAKE_OK)
        return t->code;
    put(t, columns, strlen(columns));
    end_line(t);
    return LAKE_OK;
}

static int end_table(Table *t)
{
    if (t->code == LAKE_OK)
        return file_commit(&t->out, t->e);
    file_discard(&t->out);
    return t->code;
}

/* An empty text is quoted too: a line of nothing else would be passed over by readers. */
static void put_text(Table *t, const char *text)
{
    begin_field(t);
    if (*text != '\0' && text[strcspn(text, ",\"\r\n")] == '\0') {
        put(t, text, strlen(text));
        return;
    }
    put(t, "\"", 1);
    while (*text != '\0') {
        size_t plain = strcspn(text, "\"");
        put(t, text, plain);
        text += plain;
        if (*text == '"') {
            put(t, "\"\"", 2);
            text++;
        }
    }
    put(t, "\"", 1);
}

/* format: for one double. */
static void put_number(Table *t, const char *format, double value)
{
    char text[400]; /* the largest double has 309 digits before the point */

    begin_field(t);
    if (!isfinite(value))
        return;
    snprintf(text, sizeof text, format, value);
    for (char *p = text; *p != '\0'; p++)
        if (*p == ',') /* some locales' decimal point */
            *p = '.';
    put(t, text, strlen(text));
}

static void put_count(Table *t, uint64_t value)
{
    char text[24];

    begin_field(t);
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    put(t, text, strlen(text));
}

static void put_nothing(Table *t)
{
    begin_field(t);
}

/* ---- a unit's files ---- */

static void put_measures(Table *t, const double measures[RECORD_MEASURES])
{
    for (size_t i = 0; i < RECORD_MEASURES; i++)
        put_number(t, "%.6f", measures[i]);
}

static void put_row(Table *t, const RecordRow *row)
{
    put_text(t, row->dataset);
    put_text(t, row->category);
    put_text(t, row->shots);
    put_count(t, row->seed);
    put_text(t, row->method);
    put_measures(t, row->measures);
    put_count(t, row->normals);
    put_count(t, row->tests);
    put_number(t, "%.3f", row->seconds);
    put_number(t, "%.9g", row->threshold);
    put_count(t, row->good);
    put_count(t, row->bad);
    put_count(t, row->false_alarms);
    put_count(t, row->misses);
    put_count(t, row->skipped);
    end_line(t);
}

int record_write_rows(const RecordRow *rows, size_t count, const char *path, Error *e)
{
    Table t;

    if (begin_table(&t, path, RECORD_COLUMNS, e) != LAKE_OK)
        return t.code;
    for (size_t i = 0; i < count; i++)
        put_row(&t, &rows[i]);
    return end_table(&t);
}

int record_write_shots(const RecordShot *shots, size_t count, const char *path, Error *e)
{
    Table t;

    if (begin_table(&t, path, RECORD_SHOT_COLUMNS, e) != LAKE_OK)
        return t.code;
    for (size_t i = 0; i < count; i++) {
        put_text(&t, shots[i].image);
        end_line(&t);
    }
    return end_table(&t);
}

int record_write_images(const RecordImage *images, size_t count, const char *path, Error *e)
{
    Table t;

    if (begin_table(&t, path, RECORD_IMAGE_COLUMNS, e) != LAKE_OK)
        return t.code;
    for (size_t i = 0; i < count; i++) {
        put_text(&t, images[i].method);
        put_text(&t, images[i].image);
        put_text(&t, images[i].kind);
        put_count(&t, images[i].anomalous != 0);
        put_number(&t, "%.9g", images[i].score);
        end_line(&t);
    }
    return end_table(&t);
}

int record_write_neurons(const RecordNeuron *neurons, size_t count, const char *path, Error *e)
{
    Table t;

    if (begin_table(&t, path, RECORD_NEURON_COLUMNS, e) != LAKE_OK)
        return t.code;
    for (size_t i = 0; i < count; i++) {
        put_count(&t, neurons[i].block);
        put_count(&t, neurons[i].width);
        put_count(&t, neurons[i].rank);
        put_count(&t, neurons[i].channel);
        put_number(&t, "%.9g", neurons[i].share);
        end_line(&t);
    }
    return end_table(&t);
}

int record_write_examples(const RecordExample *examples, size_t count, const char *path, Error *e)
{
    Table t;

    if (begin_table(&t, path, RECORD_EXAMPLE_COLUMNS, e) != LAKE_OK)
        return t.code;
    for (size_t i = 0; i < count; i++) {
        put_text(&t, examples[i].role);
        put_text(&t, examples[i].image);
        put_text(&t, examples[i].kind);
        put_number(&t, "%.9g", examples[i].score);
        put_text(&t, examples[i].picture);
        put_text(&t, examples[i].neurons);
        end_line(&t);
    }
    return end_table(&t);
}

int record_write_skipped(const RecordSkipped *skipped, size_t count, const char *path, Error *e)
{
    Table t;

    if (begin_table(&t, path, RECORD_SKIPPED_COLUMNS, e) != LAKE_OK)
        return t.code;
    for (size_t i = 0; i < count; i++) {
        put_text(&t, skipped[i].image);
        put_text(&t, skipped[i].error);
        end_line(&t);
    }
    return end_table(&t);
}

int record_write_settings(const char *const *keys, const char *const *values, size_t count, const char *path, Error *e)
{
    Table t;

    if (begin_table(&t, path, RECORD_SETTING_COLUMNS, e) != LAKE_OK)
        return t.code;
    for (size_t i = 0; i < count; i++) {
        put_text(&t, keys[i]);
        put_text(&t, values[i]);
        end_line(&t);
    }
    return end_table(&t);
}

/* ---- the table of all units ---- */

/* The counts and seconds of a method's rows, added up. */
typedef struct {
    const char *dataset; /* NULL: there are no rows */
    uint64_t normals, tests, good, bad, false_alarms, misses, skipped;
    double seconds; /* NaN: not known of any row */
} Sums;

static void add_row(Sums *sums, const RecordRow *row)
{
    if (sums->dataset == NULL)
        sums->dataset = row->dataset;
    sums->normals += row->normals;
    sums->tests += row->tests;
    sums->good += row->good;
    sums->bad += row->bad;
    sums->false_alarms += row->false_alarms;
    sums->misses += row->misses;
    sums->skipped += row->skipped;
    if (!isnan(row->seconds))
        sums->seconds = isnan(sums->seconds) ? row->seconds : sums->seconds + row->seconds;
}

static Sums sums_of(const Record *record, const char *shots, const char *method)
{
    Sums sums = {NULL, 0, 0, 0, 0, 0, 0, 0, NAN};

    for (size_t u = 0; u < record->unit_count; u++)
        for (size_t i = 0; i < record->units[u].row_count; i++) {
            const RecordRow *row = &record->units[u].rows[i];
            if (strcmp(row->shots, shots) == 0 && strcmp(row->method, method) == 0)
                add_row(&sums, row);
        }
    return sums;
}

typedef struct {
    const char **categories, **shots, **methods;
    size_t category_count, shots_count, method_count;
} Names;

/* A line, where the method was measured with so many shots. */
static void put_mean(Table *t, const Record *record, const Names *names, const char *shots, const char *method)
{
    Sums sums = sums_of(record, shots, method);
    double measures[RECORD_MEASURES];

    if (sums.dataset == NULL)
        return;
    for (int i = 0; i < RECORD_MEASURES; i++)
        measures[i] = record_mean(record, names->categories, names->category_count, shots, method, i).mean;
    put_text(t, sums.dataset);
    put_text(t, "mean");
    put_text(t, shots);
    put_nothing(t);
    put_text(t, method);
    put_measures(t, measures);
    put_count(t, sums.normals);
    put_count(t, sums.tests);
    put_number(t, "%.3f", sums.seconds);
    put_nothing(t);
    put_count(t, sums.good);
    put_count(t, sums.bad);
    put_count(t, sums.false_alarms);
    put_count(t, sums.misses);
    put_count(t, sums.skipped);
    end_line(t);
}

static int write_table(const Record *record, const Names *names, const char *path, Error *e)
{
    Table t;

    if (begin_table(&t, path, RECORD_COLUMNS, e) != LAKE_OK)
        return t.code;
    for (size_t u = 0; u < record->unit_count; u++)
        for (size_t i = 0; i < record->units[u].row_count; i++)
            put_row(&t, &record->units[u].rows[i]);
    for (size_t s = 0; s < names->shots_count; s++)
        for (size_t m = 0; m < names->method_count; m++)
            put_mean(&t, record, names, names->shots[s], names->methods[m]);
    return end_table(&t);
}

int record_write_table(const Record *record, const char *path, Error *e)
{
    Names names = {NULL, NULL, NULL, 0, 0, 0};
    int code = record_names(&names.categories, &names.category_count, record, RECORD_CATEGORIES, e);

    if (code == LAKE_OK)
        code = record_names(&names.shots, &names.shots_count, record, RECORD_SHOTS, e);
    if (code == LAKE_OK)
        code = record_names(&names.methods, &names.method_count, record, RECORD_METHODS, e);
    if (code == LAKE_OK)
        code = write_table(record, &names, path, e);
    free(names.categories);
    free(names.shots);
    free(names.methods);
    return code;
}
