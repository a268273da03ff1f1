/* What a run leaves (eval/record.h): comes back as it was written, damage is told, means are those computed by hand. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/record.h"
#include "test/test.h"

#define FOLDER "build/test_record.parts"

static const char odd[] = "a \"nut\", <b>&\r\n\xc3\xa9";

/* FOLDER/unit/file; unit may be NULL. The string is static. */
static const char *path_of(const char *unit, const char *file)
{
    static char path[300];

    snprintf(path, sizeof path, "%s/%s%s%s", FOLDER, unit != NULL ? unit : "", unit != NULL ? "/" : "", file);
    return path;
}

static void remove_folder(void)
{
    static const char *const files[] = {"rows.csv",    "shots.csv",    "images.csv",
                                        "neurons.csv", "examples.csv", "skipped.csv"};
    char **names;
    size_t count;
    Error e;

    if (path_kind(FOLDER) != PATH_FOLDER || folder_list(&names, &count, FOLDER, &e) != LAKE_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        for (size_t f = 0; f < sizeof files / sizeof *files; f++)
            remove(path_of(names[i], files[f]));
        remove(path_of(NULL, names[i]));
    }
    folder_free(names, count);
    remove(FOLDER);
}

static RecordRow a_row(const char *category, const char *shots, size_t seed, const char *method, double auroc,
                       double pro)
{
    RecordRow row = {"set", category, shots, method, seed, {0}, 4, 30, 1.5, 0.25, 10, 20, 1, 2, 3};

    for (int i = 0; i < RECORD_MEASURES; i++)
        row.measures[i] = NAN;
    row.measures[RECORD_IMAGE_AUROC] = auroc;
    row.measures[RECORD_PRO] = pro;
    return row;
}

static int write_unit(const char *unit, const RecordRow *rows, size_t count)
{
    Error e = {0, ""};

    return check(folder_create(path_of(unit, ""), &e) == LAKE_OK &&
                     record_write_rows(rows, count, path_of(unit, "rows.csv"), &e) == LAKE_OK,
                 "a unit is written", "%s", e.text);
}

static int write_settings(void)
{
    const char *const keys[] = {"dataset", "root"}, *const values[] = {"mvtec", odd};
    Error e = {0, ""};

    return check(folder_create(FOLDER, &e) == LAKE_OK &&
                     record_write_settings(keys, values, 2, path_of(NULL, "settings.csv"), &e) == LAKE_OK,
                 "settings are written", "%s", e.text);
}

/* ---- round trip ---- */

static void write_lists(const char *unit)
{
    const RecordShot shots[] = {{odd}, {"b.png"}, {""}};
    const RecordImage images[] = {{"lake", odd, "good", 0, 0.123456789}, {odd, "x", odd, 1, -1e-7}};
    const RecordNeuron neurons[] = {{3, 768, 1, 767, 0.25}, {6, 768, 2, 0, 1e-9}};
    const RecordExample examples[] = {{"miss", odd, "hole", "miss-1.png", odd, 0.5}};
    const RecordSkipped skipped[] = {{odd, odd}};
    Error e = {0, ""};
    int failed = record_write_shots(shots, 3, path_of(unit, "shots.csv"), &e) != LAKE_OK ||
                 record_write_images(images, 2, path_of(unit, "images.csv"), &e) != LAKE_OK ||
                 record_write_neurons(neurons, 2, path_of(unit, "neurons.csv"), &e) != LAKE_OK ||
                 record_write_examples(examples, 1, path_of(unit, "examples.csv"), &e) != LAKE_OK ||
                 record_write_skipped(skipped, 1, path_of(unit, "skipped.csv"), &e) != LAKE_OK;

    check(!failed, "lists are written", "%s", e.text);
}

static void check_lists(const RecordUnit *u)
{
    check(u->drawn_count == 3 && strcmp(u->drawn[0].image, odd) == 0 && strcmp(u->drawn[1].image, "b.png") == 0 &&
              u->drawn[2].image[0] == '\0', "shots come back", "%d", (int)u->drawn_count);
    check(u->image_count == 2 && strcmp(u->images[0].image, odd) == 0 && strcmp(u->images[1].method, odd) == 0 &&
              strcmp(u->images[1].kind, odd) == 0 && u->images[0].anomalous == 0 && u->images[1].anomalous == 1 &&
              u->images[0].score == 0.123456789 && u->images[1].score == -1e-7, "images come back", "%d",
          (int)u->image_count);
    check(u->neuron_count == 2 && u->neurons[0].block == 3 && u->neurons[0].width == 768 && u->neurons[0].rank == 1 &&
              u->neurons[0].channel == 767 && u->neurons[0].share == 0.25 && u->neurons[1].share == 1e-9,
          "neurons come back", "%d", (int)u->neuron_count);
    check(u->example_count == 1 && strcmp(u->examples[0].role, "miss") == 0 && strcmp(u->examples[0].image, odd) == 0 &&
              strcmp(u->examples[0].kind, "hole") == 0 && strcmp(u->examples[0].picture, "miss-1.png") == 0 &&
              strcmp(u->examples[0].neurons, odd) == 0 && u->examples[0].score == 0.5, "examples come back", "%d",
          (int)u->example_count);
    check(u->skipped_count == 1 && strcmp(u->skipped[0].image, odd) == 0 && strcmp(u->skipped[0].error, odd) == 0,
          "skipped pictures come back", "%d", (int)u->skipped_count);
}

static int is_same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void check_row(const RecordRow *a, const RecordRow *b)
{
    int same = strcmp(a->dataset, b->dataset) == 0 && strcmp(a->category, b->category) == 0 &&
               strcmp(a->shots, b->shots) == 0 && strcmp(a->method, b->method) == 0 && a->seed == b->seed &&
               a->normals == b->normals && a->tests == b->tests && is_same_number(a->seconds, b->seconds) &&
               is_same_number(a->threshold, b->threshold) && a->good == b->good && a->bad == b->bad &&
               a->false_alarms == b->false_alarms && a->misses == b->misses && a->skipped == b->skipped;

    for (int i = 0; i < RECORD_MEASURES; i++)
        same &= is_same_number(a->measures[i], b->measures[i]);
    check(same, "a row comes back", "%s", b->method);
}

static void test_round_trip(void)
{
    RecordRow rows[2];
    Record record;
    Error e = {0, ""};

    rows[0] = a_row(odd, "all", 7, "lake", 0.125, NAN);
    rows[1] = a_row(odd, "all", 7, odd, 1, 0.5);
    rows[0].seconds = rows[0].threshold = NAN;
    rows[1].measures[RECORD_PIXEL_F1MAX] = 0.000001;
    remove_folder();
    if (!write_settings() || !write_unit("000-odd", rows, 2))
        return;
    write_lists("000-odd");
    folder_create(path_of("001-unfinished", ""), &e);
    if (!check(record_read(&record, FOLDER, &e) == LAKE_OK, "a record is read", "%s", e.text))
        return;
    check(record.unit_count == 1 && record.units[0].row_count == 2 && strcmp(record.units[0].category, odd) == 0 &&
              strcmp(record.units[0].shots, "all") == 0 && record.units[0].seed == 7, "one unit is finished", "%d",
          (int)record.unit_count);
    check(strcmp(record_setting(&record, "dataset"), "mvtec") == 0 && strcmp(record_setting(&record, "root"), odd) == 0 &&
              record_setting(&record, "none")[0] == '\0', "settings come back", "%s", record_setting(&record, "root"));
    for (size_t i = 0; i < 2 && record.units[0].row_count == 2; i++)
        check_row(&rows[i], &record.units[0].rows[i]);
    check_lists(&record.units[0]);
    record_close(&record);
}

/* ---- damage ---- */

static void save(const char *unit, const char *file, const char *text)
{
    Error e = {0, ""};

    check(file_save(path_of(unit, file), text, strlen(text), &e) == LAKE_OK, "a damaged file is saved", "%s", e.text);
}

/* The file has this text, and reading must fail with a message that has `expected` in it. */
static void check_damage(const char *unit, const char *file, const char *text, const char *expected)
{
    Record record;
    Error e = {0, ""};
    int code;

    save(unit, file, text);
    code = record_read(&record, FOLDER, &e);
    check(code == LAKE_BAD_INPUT && strstr(e.text, expected) != NULL && strstr(e.text, file) != NULL &&
              record.units == NULL, "damage is told", "expected '%s', found %d '%s'", expected, code, e.text);
    record_close(&record);
    remove(path_of(unit, file));
}

#define ROW_START RECORD_COLUMNS "\nset,nut,4,0,lake,"

static void test_damage(void)
{
    static const char unit[] = "000-nut";
    static const char good[] = ROW_START "0.5,,,,,,,4,30,1.500,0.25,10,20,1,2,0\n";
    Record record;
    Error e = {0, ""};

    remove_folder();
    check(record_read(&record, FOLDER, &e) == LAKE_BAD_INPUT, "a folder that is not there", "%s", e.text);
    if (!write_settings() || !check(folder_create(path_of(unit, ""), &e) == LAKE_OK, "a folder", "%s", e.text))
        return;
    save(unit, "rows.csv", good);
    if (check(record_read(&record, FOLDER, &e) == LAKE_OK && record.unit_count == 1 &&
                  record.units[0].rows[0].measures[RECORD_IMAGE_AUROC] == 0.5 && record.units[0].image_count == 0,
              "what is about to be damaged is good", "%s", e.text))
        record_close(&record);
    check_damage(unit, "images.csv", "method,image,kind,score\n", "not the columns");
    check_damage(unit, "images.csv", RECORD_IMAGE_COLUMNS ",more\n", "not the columns");
    check_damage(unit, "images.csv", RECORD_IMAGE_COLUMNS "\nlake,a,good,0,\n", ":2: column score: expected a number");
    check_damage(unit, "images.csv", RECORD_IMAGE_COLUMNS "\nlake,a,good,0,nan\n", "column score");
    check_damage(unit, "images.csv", RECORD_IMAGE_COLUMNS "\nlake,a,good,0,1e999\n", "column score");
    check_damage(unit, "images.csv", RECORD_IMAGE_COLUMNS "\nlake,a,good,0,0x10\n", "column score");
    check_damage(unit, "images.csv", RECORD_IMAGE_COLUMNS "\nlake,a,good,2,0.5\n", "0 or 1");
    check_damage(unit, "images.csv", RECORD_IMAGE_COLUMNS "\nlake,a,good,0\n", "fields");
    check_damage(unit, "neurons.csv", RECORD_NEURON_COLUMNS "\n3,8,1,8,0.5\n", "below the width");
    check_damage(unit, "neurons.csv", RECORD_NEURON_COLUMNS "\n-3,8,1,7,0.5\n", "column block");
    check_damage(unit, "neurons.csv", RECORD_NEURON_COLUMNS "\n3,99999999999999999999999,1,7,0.5\n", "column width");
    check_damage(unit, "shots.csv", "picture\n", "not the columns");
    check_damage(unit, "examples.csv", RECORD_EXAMPLE_COLUMNS "\nmiss,a,hole,high,p,n\n", "column score");
    check_damage(unit, "skipped.csv", "image\n", "not the columns");
    check_damage(unit, "rows.csv", ROW_START "0.5.1,,,,,,,4,30,1.500,0.25,10,20,1,2,0\n", "column image_auroc");
    check_damage(unit, "rows.csv", ROW_START "0.5,,,,,,,,30,1.500,0.25,10,20,1,2,0\n", "column normals");
    check_damage(unit, "rows.csv", ROW_START "0.5,,,,,,,4,30,1.500,0.25,10,20,1,2,0\n"
                                             "set,nut,8,0,lake,0.5,,,,,,,4,30,1.500,0.25,10,20,1,2,0\n", ":3: not the category");
    check_damage(NULL, "settings.csv", "key\n", "not the columns");
    check(record_read(&record, FOLDER, &e) == LAKE_BAD_INPUT, "settings that are missing", "%s", e.text);
}

/* ---- means ---- */

static int is_near(double a, double b)
{
    return fabs(a - b) < 1e-12;
}

/* Two categories, two numbers of shots, two seeds of one of them, a measure that is not always defined. */
static void write_many(void)
{
    const RecordRow units[5][2] = {
        {a_row("a,b", "4", 0, "lake", 0.5, 0.2), a_row("a,b", "4", 0, "zero", 0.4, NAN)},
        {a_row("a,b", "4", 1, "lake", 0.7, NAN), a_row("a,b", "4", 1, "zero", 0.5, NAN)},
        {a_row("a,b", "8", 0, "lake", 0.875, 0.5), a_row("a,b", "8", 0, "lake neurons=50", 0.25, 0.5)},
        {a_row("nut", "4", 0, "lake", 0.9, NAN), a_row("nut", "4", 0, "zero", 0.75, NAN)},
        {a_row("nut", "4", 1, "lake", 1.0, NAN), a_row("nut", "4", 1, "patchcore", 1.0, NAN)},
    };
    static const char *const names[] = {"000-a_b-shots0004-seed00", "000-a_b-shots0004-seed01", "000-a_b-shots0008-seed00",
                                        "001-nut-shots0004-seed00", "001-nut-shots0004-seed01"};

    remove_folder();
    write_settings();
    for (size_t i = 0; i < 5; i++)
        write_unit(names[i], units[i], 2);
}

static void test_means(const Record *record)
{
    const char *const categories[] = {"a,b", "nut"};
    RecordFigure f = record_mean(record, categories, 2, "4", "lake", RECORD_IMAGE_AUROC);

    check(is_near(f.mean, (0.6 + 0.95) / 2) && is_near(f.error, (0.95 - 0.6) / 2) && f.categories == 2,
          "a mean over categories of means over seeds", "%g +- %g over %d", f.mean, f.error, (int)f.categories);
    f = record_mean(record, categories, 2, "4", "lake", RECORD_PRO);
    check(is_near(f.mean, 0.2) && isnan(f.error) && f.categories == 1, "a mean of what is defined", "%g +- %g",
          f.mean, f.error);
    f = record_mean(record, categories, 2, "4", "zero", RECORD_PRO);
    check(isnan(f.mean) && isnan(f.error) && f.categories == 0, "a mean of nothing", "%g", f.mean);
    check(is_near(record_category_mean(record, "a,b", "4", "zero", RECORD_IMAGE_AUROC), 0.45), "a mean over seeds", "%g",
          record_category_mean(record, "a,b", "4", "zero", RECORD_IMAGE_AUROC));
    check(isnan(record_category_mean(record, "a,b", "4", "patchcore", RECORD_IMAGE_AUROC)), "a method not measured", "%g",
          record_category_mean(record, "a,b", "4", "patchcore", RECORD_IMAGE_AUROC));
}

static void test_names(const Record *record)
{
    static const char *const expected[3][4] = {{"a,b", "nut"}, {"4", "8"}, {"lake", "zero", "lake neurons=50", "patchcore"}};
    static const size_t counts[3] = {2, 2, 4};

    for (int which = 0; which < 3; which++) {
        const char **names = NULL;
        size_t count = 0;
        Error e = {0, ""};
        int same = record_names(&names, &count, record, (RecordNames)which, &e) == LAKE_OK && count == counts[which];
        for (size_t i = 0; i < count && same; i++)
            same = strcmp(names[i], expected[which][i]) == 0;
        check(same, "names in their order", "list %d: %d names", which, (int)count);
        free(names);
    }
}

static void test_table(const Record *record)
{
    static const char path[] = "build/test_record.csv";
    static const char *const means[] = {
        /* sums of counts over 4, 3, 1, 1 and 1 rows */
        "\nset,mean,4,,lake,0.775000,,,,,,0.200000,16,120,6.000,,40,80,4,8,12\n",
        "\nset,mean,4,,zero,0.600000,,,,,,,12,90,4.500,,30,60,3,6,9\n",
        "\nset,mean,4,,patchcore,1.000000,,,,,,,4,30,1.500,,10,20,1,2,3\n",
        "\nset,mean,8,,lake,0.875000,,,,,,0.500000,4,30,1.500,,10,20,1,2,3\n",
        "\nset,mean,8,,lake neurons=50,0.250000,,,,,,0.500000,4,30,1.500,,10,20,1,2,3\n",
    };
    unsigned char *text = NULL;
    size_t size, lines = 0;
    Csv csv;
    Error e = {0, ""};

    if (!check(record_write_table(record, path, &e) == LAKE_OK && file_read(&text, &size, path, 1 << 20, &e) == LAKE_OK,
               "the table is written", "%s", e.text))
        return;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    check(lines == 1 + 10 + 5, "a line per row and mean", "%d", (int)lines);
    for (size_t i = 0; i < sizeof means / sizeof *means; i++)
        check(strstr((char *)text, means[i]) != NULL, "a line of means", "no %s in %s", means[i], (char *)text);
    check(strstr((char *)text, RECORD_COLUMNS "\nset,\"a,b\",4,0,lake,0.500000,,,,,,0.200000,4,30,1.500,0.25,10,20,1,2,3\n") ==
              (char *)text, "the first line", "%.300s", (char *)text);
    free(text);
    if (check(csv_read(&csv, path, &e) == LAKE_OK && csv.rows == 15, "the table reads back", "%s", e.text))
        csv_free(&csv);
    remove(path);
}

int main(void)
{
    Record record;
    Error e = {0, ""};

    test_round_trip();
    test_damage();
    write_many();
    if (check(record_read(&record, FOLDER, &e) == LAKE_OK && record.unit_count == 5, "many units are read", "%s", e.text)) {
        test_means(&record);
        test_names(&record);
        test_table(&record);
        record_close(&record);
    }
    remove_folder();
    return 0;
}
