/* Data sets that a table lists: VisA's split and one's own; see datasets.h. Each row is a picture. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "eval/layouts.h"

enum { IMAGE, LABEL, MASK, SPLIT, CATEGORY, COLUMNS };

/* The names a column may have; VisA's table is object,split,label,image,mask. The first of each stands in messages. */
static const char *const column_names[COLUMNS][4] = {
    {"image", "image_path", "path", "file"}, {"label"}, {"mask", "mask_path"}, {"split"}, {"category", "object"}};

enum { IN_TRAIN, IN_TEST, ELSEWHERE }; /* elsewhere: a validation split */

typedef struct {
    const char *category, *path, *kind, *mask; /* in the table's text; mask NULL: none */
    int anomalous, part;
    unsigned line;
} Row;

typedef struct {
    const char *name;      /* of the file */
    Csv csv;
    size_t place[COLUMNS]; /* which column; SIZE_MAX: the table has none */
    Row *rows;             /* [csv.rows] */
} Table;

/* ---- fields ---- */

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* A field without the blanks around it, in place. */
static char *trim(char *field)
{
    size_t n;

    while (is_blank(*field))
        field++;
    for (n = strlen(field); n > 0 && is_blank(field[n - 1]); n--)
        ;
    field[n] = '\0';
    return field;
}

/* Equal but for the case of letters. */
static int same_word(const char *a, const char *b)
{
    for (; *a != '\0' && tolower((unsigned char)*a) == tolower((unsigned char)*b); a++, b++)
        ;
    return *a == *b;
}

static int is_one_of(const char *word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count && list[i] != NULL; i++)
        if (same_word(word, list[i]))
            return 1;
    return 0;
}

static const char *field(const Table *t, size_t row, int column)
{
    const Csv *csv = &t->csv;

    return t->place[column] == SIZE_MAX
               ? "" : trim(csv->text + csv->fields[(row + 1) * csv->columns + t->place[column]]);
}

static int wrong(const Table *t, unsigned line, const char *what, const char *found, Error *e)
{
    return error_set(e, LAKE_BAD_INPUT, "%s:%u: %s \"%s\"", t->name, line, what, found);
}

/* ---- the header ---- */

static int find_columns(Table *t, Error *e)
{
    for (int c = 0; c < COLUMNS; c++)
        t->place[c] = SIZE_MAX;
    for (size_t i = 0; i < t->csv.columns; i++) {
        const char *name = trim(t->csv.text + t->csv.fields[i]);
        for (int c = 0; c < COLUMNS; c++) {
            if (!is_one_of(name, column_names[c], sizeof column_names[c] / sizeof *column_names[c]))
                continue;
            if (t->place[c] != SIZE_MAX)
                return error_set(e, LAKE_BAD_INPUT, "%s: two columns for the %s: \"%s\" and \"%s\"", t->name,
                                 column_names[c][0], trim(t->csv.text + t->csv.fields[t->place[c]]), name);
            t->place[c] = i;
        }
    }
    for (int c = IMAGE; c <= LABEL; c++)
        if (t->place[c] == SIZE_MAX)
            return error_set(e, LAKE_BAD_INPUT, "%s: no column \"%s\" in the first line; expected image,label and, where wanted, "
                             "mask,split,category, separated by commas; found \"%s\"%s", t->name, column_names[c][0],
                             csv_name(&t->csv, 0), t->csv.columns > 1 ? ", ..." : "");
    return LAKE_OK;
}

/* ---- rows ---- */

static int check_file(const Table *t, const char *root, const Row *row, const char *path, Error *e)
{
    char *full = dataset_path(root, path);
    int kind = full != NULL ? path_kind(full) : PATH_MISSING, code = LAKE_OK;

    if (full == NULL)
        code = error_memory(e, "a path");
    else if (kind != PATH_FILE)
        code = error_set(e, LAKE_BAD_INPUT, "%s:%u: %s: no such file", t->name, row->line, full);
    free(full);
    return code;
}

static int read_part(Row *row, const Table *t, const char *split, Error *e)
{
    static const char *const validation[] = {"valid", "val", "validation"};

    row->part = same_word(split, "train") ? IN_TRAIN : same_word(split, "test") ? IN_TEST : ELSEWHERE;
    if (t->place[SPLIT] == SIZE_MAX)
        row->part = row->anomalous ? IN_TEST : IN_TRAIN;
    else if (row->part == ELSEWHERE && !is_one_of(split, validation, sizeof validation / sizeof *validation))
        return wrong(t, row->line, "expected train or test in the column split, found", split, e);
    return LAKE_OK;
}

static int read_row(Row *row, const Table *t, size_t i, const char *root, Error *e)
{
    static const char *const normal[] = {"good", "ok", "normal", "0"};
    int code;

    row->line = csv_line(&t->csv, i);
    row->category = field(t, i, CATEGORY);
    row->path = field(t, i, IMAGE);
    row->kind = field(t, i, LABEL);
    row->mask = field(t, i, MASK);
    row->anomalous = !is_one_of(row->kind, normal, sizeof normal / sizeof *normal);
    if (*row->path == '\0')
        return wrong(t, row->line, "expected a path in the column image, found", row->path, e);
    if (*row->kind == '\0')
        return wrong(t, row->line, "expected good or a defect's name in the column label, found", row->kind, e);
    if (t->place[CATEGORY] != SIZE_MAX && *row->category == '\0')
        return wrong(t, row->line, "expected a name in the column category, found", row->category, e);
    if (*row->mask == '\0' || !row->anomalous)
        row->mask = NULL;
    code = read_part(row, t, field(t, i, SPLIT), e);
    if (code == LAKE_OK)
        code = check_file(t, root, row, row->path, e);
    if (code == LAKE_OK && row->mask != NULL)
        code = check_file(t, root, row, row->mask, e);
    return code;
}

static int by_category_and_path(const void *a, const void *b)
{
    const Row *x = a, *y = b;
    int order = strcmp(x->category, y->category);

    if (order == 0)
        order = strcmp(x->path, y->path);
    return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

static int read_rows(Table *t, const char *root, Error *e)
{
    int code = LAKE_OK;

    if (t->csv.rows == 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: a header and no rows", t->name);
    t->rows = calloc(t->csv.rows, sizeof *t->rows);
    if (t->rows == NULL)
        return error_memory(e, t->name);
    for (size_t i = 0; i < t->csv.rows && code == LAKE_OK; i++)
        code = read_row(&t->rows[i], t, i, root, e);
    if (code != LAKE_OK)
        return code;
    qsort(t->rows, t->csv.rows, sizeof *t->rows, by_category_and_path);
    for (size_t i = 1; i < t->csv.rows; i++)
        if (strcmp(t->rows[i].path, t->rows[i - 1].path) == 0 && strcmp(t->rows[i].category, t->rows[i - 1].category) == 0)
            return error_set(e, LAKE_BAD_INPUT, "%s:%u: %s is in line %u already", t->name, t->rows[i].line, t->rows[i].path,
                             t->rows[i - 1].line);
    return LAKE_OK;
}

/* ---- categories ---- */

/* 0 where memory is out; what was made so far is in the list. */
static int add_image(DatasetImage *images, size_t *count, const Row *row)
{
    DatasetImage *image = &images[(*count)++];

    image->path = layout_copy_text(row->path);
    image->kind = layout_copy_text(row->kind);
    image->anomalous = row->anomalous;
    image->mask = row->mask != NULL ? layout_copy_text(row->mask) : NULL;
    return image->path != NULL && image->kind != NULL && (row->mask == NULL || image->mask != NULL);
}

/* The data set of one category's rows; *left_out: those that are of no use. */
static int fill(Dataset *dataset, size_t *left_out, const Row *rows, size_t count, Error *e)
{
    int fine;

    *left_out = 0;
    dataset->category = layout_copy_text(rows[0].category);
    dataset->train = calloc(count, sizeof *dataset->train);
    dataset->test = calloc(count, sizeof *dataset->test);
    fine = dataset->category != NULL && dataset->train != NULL && dataset->test != NULL;
    for (size_t i = 0; i < count && fine; i++)
        if (rows[i].part == IN_TEST)
            fine = add_image(dataset->test, &dataset->test_count, &rows[i]);
        else if (rows[i].part == IN_TRAIN && !rows[i].anomalous)
            fine = add_image(dataset->train, &dataset->train_count, &rows[i]);
        else
            ++*left_out;
    if (!fine)
        return error_memory(e, "the list of a data set's images");
    layout_sort(dataset->train, dataset->train_count);
    layout_sort(dataset->test, dataset->test_count);
    return LAKE_OK;
}

static int add_category(DatasetCollection *all, const Table *t, const Row *rows, size_t count, Error *e)
{
    Dataset dataset = {0};
    size_t left_out;
    Error line;
    int code = fill(&dataset, &left_out, rows, count, e);

    if (code == LAKE_OK && left_out > 0) {
        error_set(&line, LAKE_OK, "%s: rows of the validation split, or defective in train: %llu, passed over",
                  layout_label(all, dataset.category), (unsigned long long)left_out);
        code = layout_note(all, line.text, e);
    }
    if (code == LAKE_OK && t->place[SPLIT] == SIZE_MAX)
        code = layout_split(all, &dataset, e);
    if (code == LAKE_OK)
        code = layout_add(all, &dataset, t->name, e);
    dataset_free(&dataset);
    return code;
}

int layout_read_table(DatasetCollection *all, const char *table, Error *e)
{
    Table t = {0};
    size_t first = 0;
    int code = csv_read(&t.csv, table, e);

    t.name = table;
    if (code == LAKE_OK)
        code = find_columns(&t, e);
    if (code == LAKE_OK)
        code = read_rows(&t, all->root, e);
    for (size_t end = 1; code == LAKE_OK && end <= t.csv.rows; end++)
        if (end == t.csv.rows || strcmp(t.rows[end].category, t.rows[first].category) != 0) {
            code = add_category(all, &t, t.rows + first, end - first, e);
            first = end;
        }
    free(t.rows);
    csv_free(&t.csv);
    return code;
}
