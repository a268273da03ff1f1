/* The option parser; see options.h. */
#include "cli/options.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Levenshtein distance of two short words; words over 31 bytes count as far apart. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), row[32];

    if (n > 31 || m > 31)
        return 99;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t substitute = diagonal + (a[i - 1] != b[j - 1]), insert = row[j - 1] + 1, erase = row[j] + 1;
            diagonal = row[j];
            row[j] = substitute < insert ? substitute : insert;
            if (erase < row[j])
                row[j] = erase;
        }
    }
    return row[m];
}

const char *nearest_word(const char *word, const char *(*word_at)(const void *context, size_t i), const void *context,
                         size_t count)
{
    const char *best = NULL;
    size_t best_distance = 4;

    for (size_t i = 0; i < count; i++) {
        const char *candidate = word_at(context, i);
        size_t distance = edit_distance(word, candidate);
        if (distance < best_distance && distance * 2 < strlen(candidate)) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

static const char *option_name(const void *options, size_t i)
{
    return ((const Option *)options)[i].name;
}

static int parse_count(const char *text, size_t *value)
{
    char *end;
    unsigned long long v;

    errno = 0;
    v = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || v > SIZE_MAX)
        return 0;
    *value = (size_t)v;
    return 1;
}

static int parse_number(const char *text, double *value)
{
    char *end;
    double v = strtod(text, &end);

    if (end == text || *end != '\0' || !isfinite(v))
        return 0;
    *value = v;
    return 1;
}

/* The piece of a comma-separated list that starts at *text, copied to piece[32]; moves *text behind it. */
static int next_piece(const char **text, char *piece)
{
    size_t n = strcspn(*text, ",");

    if (n == 0 || n > 31)
        return 0;
    memcpy(piece, *text, n);
    piece[n] = '\0';
    *text += n + ((*text)[n] == ',');
    return 1;
}

static int parse_counts(const char *text, CountList *list)
{
    char piece[32];

    list->count = 0;
    if (strcmp(text, "all") == 0) {
        list->count = 1;
        list->value[0] = 0;
        return 1;
    }
    if (*text == '\0' || text[strlen(text) - 1] == ',')
        return 0;
    while (*text != '\0')
        if (list->count == COUNT_LIST_MAX || !next_piece(&text, piece) ||
            !parse_count(piece, &list->value[list->count++]))
            return 0;
    return 1;
}

static int parse_triple(const char *text, float *triple)
{
    char piece[32];
    double v;

    for (int i = 0; i < 3; i++) {
        if (!next_piece(&text, piece) || !parse_number(piece, &v))
            return 0;
        triple[i] = (float)v;
    }
    return *text == '\0';
}

/* The index of text among the words of "a|b|c", or -1. */
static int parse_choice(const char *text, const char *words)
{
    size_t length = strlen(text);

    for (int index = 0;; index++) {
        size_t n = strcspn(words, "|");
        if (n == length && memcmp(words, text, n) == 0)
            return index;
        if (words[n] == '\0')
            return -1;
        words += n + 1;
    }
}

static int add_text(TextList *list, const Option *o, const char *text, Error *e)
{
    if (list->count == COUNT_LIST_MAX)
        return error_set(e, LAKE_USAGE, "%s: given more than %d times", o->name, COUNT_LIST_MAX);
    list->value[list->count++] = text;
    return LAKE_OK;
}

static int set_option(const Option *o, const char *text, Error *e)
{
    double number;
    int index;

    switch (o->kind) {
    case OPTION_FLAG:
        *(int *)o->target = 1;
        return LAKE_OK;
    case OPTION_TEXT:
        if (*text == '\0')
            return error_set(e, LAKE_USAGE, "%s: expected %s, found nothing", o->name, o->value);
        *(const char **)o->target = text;
        return LAKE_OK;
    case OPTION_TEXTS:
        return add_text(o->target, o, text, e);
    case OPTION_COUNT:
        if (!parse_count(text, o->target))
            return error_set(e, LAKE_USAGE, "%s: expected a whole number, found '%s'", o->name, text);
        return LAKE_OK;
    case OPTION_NUMBER:
        if (!parse_number(text, &number) || number < o->low || number > o->high)
            return error_set(e, LAKE_USAGE, "%s: expected a number from %g to %g, found '%s'", o->name, o->low, o->high,
                             text);
        *(double *)o->target = number;
        return LAKE_OK;
    case OPTION_CHOICE:
        index = parse_choice(text, o->value);
        if (index < 0)
            return error_set(e, LAKE_USAGE, "%s: expected one of %s, found '%s'", o->name, o->value, text);
        *(int *)o->target = index;
        return LAKE_OK;
    case OPTION_COUNTS:
        if (!parse_counts(text, o->target))
            return error_set(e, LAKE_USAGE, "%s: expected whole numbers separated by commas (at most %d), found '%s'",
                             o->name, COUNT_LIST_MAX, text);
        return LAKE_OK;
    case OPTION_TRIPLE:
        if (!parse_triple(text, o->target))
            return error_set(e, LAKE_USAGE, "%s: expected three numbers separated by commas, found '%s'", o->name,
                             text);
        return LAKE_OK;
    }
    return LAKE_OK;
}

/* The option that argv's word names ("--res" or "--res=224", then *value is behind the sign), or NULL. */
static const Option *find_option(const Option *options, size_t count, const char *word, const char **value)
{
    size_t length = strncmp(word, "--", 2) == 0 ? strcspn(word, "=") : strlen(word);

    *value = word[length] == '=' ? word + length + 1 : NULL;
    for (size_t i = 0; i < count; i++)
        if (strlen(options[i].name) == length && memcmp(options[i].name, word, length) == 0)
            return &options[i];
    return NULL;
}

static int unknown_option(const Option *options, size_t count, const char *word, Error *e)
{
    char name[32] = "";
    size_t length = strcspn(word, "=");
    const char *near;

    memcpy(name, word, length < sizeof name ? length : 0);
    near = nearest_word(name, option_name, options, count);
    if (near != NULL)
        return error_set(e, LAKE_USAGE, "unknown option %s; did you mean %s? (--help lists the options)", word, near);
    return error_set(e, LAKE_USAGE, "unknown option %s (--help lists the options)", word);
}

/* The verb's help: usage, options, example. */
static void print_help(const Verb *verb, const Option *options, size_t count)
{
    char left[80];

    printf("lake %s %s\n\n%s\n\n", verb->name, verb->arguments, verb->summary);
    for (size_t i = 0; i < count; i++) {
        snprintf(left, sizeof left, "%s %s", options[i].name, options[i].value != NULL ? options[i].value : "");
        if (strlen(left) > 27)
            printf("  %s\n  %-27s %s\n", left, "", options[i].help);
        else
            printf("  %-27s %s\n", left, options[i].help);
    }
    printf("\n%s\n", verb->example);
}

/* Reads the option at argv[*i] and its value; moves *i to the last word used. */
static int read_option(const Option *options, size_t count, int argc, char **argv, int *i, Error *e)
{
    const char *value;
    const Option *o = find_option(options, count, argv[*i], &value);

    if (o == NULL)
        return unknown_option(options, count, argv[*i], e);
    if (o->kind == OPTION_FLAG && value != NULL)
        return error_set(e, LAKE_USAGE, "%s takes no value, found '%s'", o->name, value);
    if (o->kind != OPTION_FLAG && value == NULL) {
        if (*i + 1 == argc)
            return error_set(e, LAKE_USAGE, "%s: expected %s behind it, found the end of the line", o->name, o->value);
        value = argv[++*i];
    }
    return set_option(o, value, e);
}

int arguments_read(Arguments *arguments, const Verb *verb, const Option *options, size_t count, int argc, char **argv,
                   Error *e)
{
    int only_arguments = 0, code = LAKE_OK;

    arguments->count = 0;
    arguments->help = 0;
    arguments->items = calloc((size_t)argc + 1, sizeof *arguments->items);
    if (arguments->items == NULL)
        return error_memory(e, "the arguments");
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(verb, options, count);
            arguments->help = 1;
            return LAKE_OK;
        }
    for (int i = 0; i < argc && code == LAKE_OK; i++) {
        if (argv[i][0] == '\0')
            code = error_set(e, LAKE_USAGE, "argument %d is empty (a variable of the shell that is not set?)", i + 1);
        else if (only_arguments || argv[i][0] != '-' || argv[i][1] == '\0')
            arguments->items[arguments->count++] = argv[i];
        else if (strcmp(argv[i], "--") == 0)
            only_arguments = 1;
        else
            code = read_option(options, count, argc, argv, &i, e);
    }
    return code;
}

void arguments_free(Arguments *arguments)
{
    free(arguments->items);
    arguments->items = NULL;
}
