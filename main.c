/* The lake command. Each verb is one function in cli/; this file finds the verb, runs it, prints what went wrong and
 * turns codes into exit codes: 0 done, 1 anomaly found where --fail-on-anomaly asks for it, 2 usage, 3 bad input,
 * 4 out of memory or output not writable. Only main.c and cli/ print; only main ends the program. */
#include <stdio.h>
#include <string.h>

#include "cli/interrupt.h"
#include "cli/verbs.h"
#include "lake.h"

static const Verb *const verbs[] = {&verb_demo,    &verb_convert, &verb_info,  &verb_fit,    &verb_score, &verb_zero,
                                    &verb_neurons, &verb_merge,   &verb_embed, &verb_tokens, &verb_pixels,
                                    &verb_eval,    &verb_fuse,    &verb_bench};
#define VERB_COUNT (sizeof verbs / sizeof *verbs)

static const char *verb_name(const void *context, size_t i)
{
    (void)context;
    return verbs[i]->name;
}

static void print_help(void)
{
    printf("lake %s: anomaly detection with a frozen CLIP and a few normal photos\n\nlake VERB --help tells all of a "
           "verb.\n\n",
           LAKE_VERSION);
    for (size_t i = 0; i < VERB_COUNT; i++)
        printf("  %-8s %s\n", verbs[i]->name, verbs[i]->summary);
    printf("\nThe usual way: lake convert CHECKPOINT -o W.clip; lake fit GOOD/ --weights W.clip -o D.lake; lake score "
           "D.lake NEW/\n");
}

static int unknown_verb(const char *name, Error *e)
{
    const char *near = nearest_word(name, verb_name, NULL, VERB_COUNT);

    if (near != NULL)
        return error_set(e, LAKE_USAGE, "unknown verb '%s'; did you mean %s? (lake --help lists the verbs)", name,
                         near);
    return error_set(e, LAKE_USAGE, "unknown verb '%s' (lake --help lists the verbs)", name);
}

static int run(int argc, char **argv, Error *e)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help();
        return argc < 2 ? error_set(e, LAKE_USAGE, "expected a verb, found nothing") : LAKE_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("lake %s\n", LAKE_VERSION);
        return LAKE_OK;
    }
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (strcmp(argv[1], verbs[i]->name) == 0)
            return verbs[i]->run(argc - 2, argv + 2, e);
    return unknown_verb(argv[1], e);
}

int main(int argc, char **argv)
{
    Error error = {0, ""};
    int code;

    interrupt_clean_up();
    code = run(argc, argv, &error);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (code == LAKE_OK || code == LAKE_ANOMALY)
            code = error_set(&error, LAKE_RESOURCE, "standard output: cannot write");
    }
    if (code != LAKE_OK && code != LAKE_ANOMALY)
        fprintf(stderr, "lake%s%s: %s\n", argc > 1 && error.code != 0 && argv[1][0] != '-' ? " " : "",
                argc > 1 && argv[1][0] != '-' ? argv[1] : "", error.text);
    return code;
}
