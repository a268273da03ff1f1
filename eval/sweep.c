/* Values of options to be compared; see sweep.h. */
#include "eval/sweep.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const axis_names[SWEEP_AXES] = {"neurons",  "layers",  "lambda", "pooling", "norm",       "select",
                                                   "distance", "coreset", "trim",   "shots",   "contaminate"};

const char *sweep_axis_name(SweepAxis axis)
{
    return axis_names[axis];
}

void sweep_free(Sweep *sweep)
{
    free(sweep->values);
    memset(sweep, 0, sizeof *sweep);
}

/* ---- reading a value ---- */

int sweep_parse_whole(const char *text, size_t *value)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 9 || text[digits] != '\0')
        return 0;
    *value = (size_t)strtoul(text, NULL, 10);
    return 1;
}

static int parse_number(const char *text, double low, double high, double *value)
{
    char *end;

    *value = strtod(text, &end);
    return end != text && *end == '\0' && *value >= low && *value <= high;
}

/* The blocks of "3+6", ascending and without repetition; 0 where it is no such list. */
static size_t parse_blocks(int blocks[LAKE_MAX_LAYERS], const char *text)
{
    size_t count = 0;

    for (;;) {
        size_t digits = strspn(text, "0123456789");
        long block = digits > 0 && digits < 6 ? strtol(text, NULL, 10) : 0;
        if (block < 1 || count == LAKE_MAX_LAYERS || (count > 0 && block <= blocks[count - 1]))
            return 0;
        blocks[count++] = (int)block;
        if (text[digits] == '\0')
            return count;
        if (text[digits] != '+')
            return 0;
        text += digits + 1;
    }
}

/* Whether the text is a value of its axis; sets it in the options where it is one of theirs. */
static int parse_value(LakeOptions *options, const SweepValue *value)
{
    const char *text = value->text;
    size_t whole, count;
    int blocks[LAKE_MAX_LAYERS];

    switch (value->axis) {
    case SWEEP_NEURONS:
        if (strcmp(text, "all") == 0) {
            options->selection = LAKE_SELECT_ALL;
            return 1;
        }
        if (!sweep_parse_whole(text, &whole) || whole == 0)
            return 0;
        options->neurons = whole;
        return 1;
    case SWEEP_LAYERS:
        count = parse_blocks(blocks, text);
        options->layer_count = count;
        memcpy(options->layers, blocks, count * sizeof *blocks);
        return count > 0;
    case SWEEP_LAMBDA:
        return parse_number(text, 0, 1, &options->decision.lambda);
    case SWEEP_POOLING:
        return lake_parse_pooling(&options->decision.pooling, text);
    case SWEEP_NORM:
        return lake_parse_normalisation(&options->normalisation, text);
    case SWEEP_SELECT:
        return lake_parse_selection(&options->selection, text);
    case SWEEP_DISTANCE:
        return lake_parse_distance(&options->distance, text);
    case SWEEP_CORESET:
        return parse_number(text, 0, 1, &options->coreset) && options->coreset > 0;
    case SWEEP_TRIM:
        return parse_number(text, 0, 0.5, &options->trim);
    case SWEEP_SHOTS:
        return strcmp(text, "all") == 0 || (sweep_parse_whole(text, &whole) && whole > 0);
    case SWEEP_CONTAMINATE:
        return sweep_parse_whole(text, &whole);
    case SWEEP_AXES:
        break;
    }
    return 0;
}

void sweep_apply(LakeOptions *options, const SweepValue *value)
{
    parse_value(options, value);
}

size_t sweep_pictures(const SweepValue *value)
{
    size_t whole = 0;

    return sweep_parse_whole(value->text, &whole) ? whole : SIZE_MAX;
}

int sweep_decides(const SweepValue *value)
{
    return value->axis == SWEEP_LAMBDA || value->axis == SWEEP_POOLING;
}

size_t sweep_blocks(int blocks[LAKE_MAX_LAYERS], const SweepValue *value)
{
    return value->axis == SWEEP_LAYERS ? parse_blocks(blocks, value->text) : 0;
}

/* ---- reading an axis ---- */

static int unknown_axis(const char *text, Error *e)
{
    return error_set(e, LAKE_USAGE,
                     "sweep '%.60s': expected AXIS=VALUE,... with neurons, layers, lambda, pooling, norm, select, "
                     "distance, "
                     "coreset, trim, shots or contaminate as the axis",
                     text);
}

static int wrong_value(const SweepValue *value, Error *e)
{
    static const char *const kinds[SWEEP_AXES] = {"whole numbers from 1 up, or all",
                                                  "blocks from 1 up, ascending, joined by +, as in 3,3+6",
                                                  "numbers from 0 to 1",
                                                  "max, mean or top1",
                                                  "none, clip, l2 or ln",
                                                  "variance, random, bottom, all or pca",
                                                  "l2 or cosine",
                                                  "numbers above 0, at most 1",
                                                  "numbers from 0 to 0.5",
                                                  "whole numbers from 1 up, or all",
                                                  "whole numbers"};

    return error_set(e, LAKE_USAGE, "sweep %s: expected %s, found '%s'", axis_names[value->axis], kinds[value->axis],
                     value->text);
}

static int add_value(Sweep *sweep, const SweepValue *value, Error *e)
{
    LakeOptions ignored;
    SweepValue *grown;

    lake_defaults(&ignored);
    if (!parse_value(&ignored, value))
        return wrong_value(value, e);
    for (size_t i = 0; i < sweep->count; i++)
        if (sweep->values[i].axis == value->axis && strcmp(sweep->values[i].text, value->text) == 0)
            return LAKE_OK;
    grown = realloc(sweep->values, (sweep->count + 1) * sizeof *grown);
    if (grown == NULL)
        return error_memory(e, "the sweep");
    sweep->values = grown;
    sweep->values[sweep->count++] = *value;
    return LAKE_OK;
}

/* The numbers from, from + step, .. up to to. They are counted, not added up, so the last one is not lost to rounding.
 */
static int add_range(Sweep *sweep, SweepValue *value, Error *e)
{
    double from, to, step;
    char *end;

    from = strtod(value->text, &end);
    to = *end == ':' ? strtod(end + 1, &end) : NAN;
    step = *end == ':' ? strtod(end + 1, &end) : NAN;
    if (*end != '\0' || !(step > 0) || !(to >= from) || (to - from) / step > 1000)
        return error_set(e, LAKE_USAGE, "sweep %s: expected a range FROM:TO:STEP, as in 0:1:0.1, found '%s'",
                         axis_names[value->axis], value->text);
    for (int i = 0; i <= (int)((to - from) / step + 1e-6); i++) {
        int code;
        snprintf(value->text, sizeof value->text, "%.6g", from + i * step);
        code = add_value(sweep, value, e);
        if (code != LAKE_OK)
            return code;
    }
    return LAKE_OK;
}

int sweep_add(Sweep *sweep, const char *text, Error *e)
{
    size_t name = strcspn(text, "="), axis = 0;
    const char *rest = text + name;
    int code = LAKE_OK;

    while (axis < SWEEP_AXES && (strlen(axis_names[axis]) != name || memcmp(text, axis_names[axis], name) != 0))
        axis++;
    if (axis == SWEEP_AXES || *rest != '=')
        return unknown_axis(text, e);
    do {
        SweepValue value;
        size_t length = strcspn(++rest, ",");
        value.axis = (SweepAxis)axis;
        snprintf(value.text, sizeof value.text, "%.*s", (int)(length < SWEEP_TEXT_MAX ? length : SWEEP_TEXT_MAX - 1),
                 rest);
        if (length >= SWEEP_TEXT_MAX)
            return wrong_value(&value, e);
        code = strchr(value.text, ':') != NULL ? add_range(sweep, &value, e) : add_value(sweep, &value, e);
        rest += length;
    } while (code == LAKE_OK && *rest == ',');
    return code;
}
