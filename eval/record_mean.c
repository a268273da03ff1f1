/* Means over what a run measured; see record.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/record.h"

static const char *name_of(const RecordRow *row, RecordNames which)
{
    return which == RECORD_CATEGORIES ? row->category : which == RECORD_SHOTS ? row->shots : row->method;
}

static int is_among(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return 1;
    return 0;
}

int record_names(const char ***names, size_t *count, const Record *record, RecordNames which, Error *e)
{
    *count = 0;
    *names = malloc(RECORD_NAMES_MAX * sizeof **names);
    if (*names == NULL)
        return error_memory(e, "a list of names");
    for (size_t u = 0; u < record->unit_count; u++)
        for (size_t i = 0; i < record->units[u].row_count; i++) {
            const char *name = name_of(&record->units[u].rows[i], which);
            if (is_among(*names, *count, name))
                continue;
            if (*count == RECORD_NAMES_MAX) {
                free(*names);
                *names = NULL;
                return error_set(e, LAKE_BAD_INPUT, "%s: more than %d different names", record->units[u].folder,
                                 RECORD_NAMES_MAX);
            }
            (*names)[(*count)++] = name;
        }
    return LAKE_OK;
}

double record_category_mean(const Record *record, const char *category, const char *shots, const char *method,
                            int measure)
{
    double sum = 0;
    size_t count = 0;

    for (size_t u = 0; u < record->unit_count; u++) {
        const RecordUnit *unit = &record->units[u];
        if (strcmp(unit->category, category) != 0 || strcmp(unit->shots, shots) != 0)
            continue;
        for (size_t i = 0; i < unit->row_count; i++) {
            double value = unit->rows[i].measures[measure];
            if (strcmp(unit->rows[i].method, method) == 0 && !isnan(value)) {
                sum += value;
                count++;
            }
        }
    }
    return count > 0 ? sum / (double)count : NAN;
}

/* Welford's update, one pass without cancellation: the error carries the sum of squared deviations along. */
void record_figure_add(RecordFigure *figure, double value)
{
    double n = (double)figure->categories, mean = n > 0 ? figure->mean : 0, squares, step;

    if (isnan(value))
        return;
    squares = n > 1 ? figure->error * figure->error * n * (n - 1) : 0;
    step = value - mean;
    n++;
    figure->categories++;
    figure->mean = mean + step / n;
    squares += step * (value - figure->mean);
    figure->error = n > 1 ? sqrt(squares / (n - 1) / n) : NAN;
}

RecordFigure record_mean(const Record *record, const char *const *categories, size_t count, const char *shots,
                         const char *method, int measure)
{
    RecordFigure figure = {NAN, NAN, 0};

    for (size_t c = 0; c < count; c++)
        record_figure_add(&figure, record_category_mean(record, categories[c], shots, method, measure));
    return figure;
}
