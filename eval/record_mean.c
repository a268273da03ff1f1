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

RecordFigure record_mean(const Record *record, const char *const *categories, size_t count, const char *shots,
                         const char *method, int measure)
{
    RecordFigure figure = {0, 0, 0};
    double mean = 0, squares = 0; /* Welford's update: one pass, and no cancellation */

    for (size_t c = 0; c < count; c++) {
        double value = record_category_mean(record, categories[c], shots, method, measure), step;
        if (isnan(value))
            continue;
        figure.categories++;
        step = value - mean;
        mean += step / (double)figure.categories;
        squares += step * (value - mean);
    }
    figure.mean = figure.categories > 0 ? mean : NAN;
    figure.error = figure.categories > 1
                       ? sqrt(squares / (double)(figure.categories - 1) / (double)figure.categories) : NAN;
    return figure;
}
