/* Command-line options as tables: each verb lists its own, one parser reads them and one printer makes the help. */
#ifndef LAKE_OPTIONS_H
#define LAKE_OPTIONS_H

#include <stddef.h>

#include "base/error.h"

typedef enum {
    OPTION_FLAG,    /* int *: set to 1 */
    OPTION_TEXT,    /* const char ** */
    OPTION_TEXTS,   /* TextList *: one more each time it is given */
    OPTION_COUNT,   /* size_t *: a whole number, 0 or more */
    OPTION_NUMBER,  /* double *: within low..high */
    OPTION_CHOICE,  /* int *: the index of the word in `choices`, words separated by | */
    OPTION_COUNTS,  /* CountList *: whole numbers separated by commas, "all" gives the one number 0 */
    OPTION_TRIPLE   /* float[3]: three numbers separated by commas */
} OptionKind;

#define COUNT_LIST_MAX 64

typedef struct {
    size_t count;
    size_t value[COUNT_LIST_MAX];
} CountList;

typedef struct {
    size_t count;
    const char *value[COUNT_LIST_MAX];
} TextList;

typedef struct {
    const char *name;    /* with its dashes: "--layers" or "-o" */
    OptionKind kind;
    void *target;
    const char *value;   /* what the help calls the value; the words of a choice */
    double low, high;    /* OPTION_NUMBER: what is accepted */
    const char *help;
} Option;

/* One verb of the command. */
typedef struct {
    const char *name;
    const char *arguments; /* "IMAGE|DIR... -o D.lake --weights W" */
    const char *summary;   /* one line */
    const char *example;   /* the help's last lines */
    int (*run)(int argc, char **argv, Error *e);
} Verb;

/* What stands on the line beside the options. */
typedef struct {
    const char **items; /* [count], pointers into argv */
    size_t count;
    int help;           /* --help was asked for and printed: nothing is left to do */
} Arguments;

/* Reads argv: options go to their targets, everything else to arguments->items. Values stand behind the option or after
 * "=": `--res 224`, `--res=224`. "--" ends the options; "-" alone is an argument. --help anywhere prints the verb's
 * help. LAKE_USAGE names the option, what was expected and what was found. arguments_free is due in every case. */
int arguments_read(Arguments *arguments, const Verb *verb, const Option *options, size_t count, int argc, char **argv,
                   Error *e);
void arguments_free(Arguments *arguments);

/* The word nearest to `word` among `count` words for "did you mean", or NULL where none is near. word_at gives word
 * i. */
const char *nearest_word(const char *word, const char *(*word_at)(const void *context, size_t i), const void *context,
                         size_t count);

#endif
