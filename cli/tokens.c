/* lake tokens: the token ids of texts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/inputs.h"
#include "cli/model.h"
#include "cli/verbs.h"

static int run(int argc, char **argv, Error *e);

const Verb verb_tokens = {"tokens", "TEXT...|- --weights W", "print the token ids of texts, start and end included",
                          "Example: lake tokens \"a photo of a fox\" --weights vit_b16.clip\n"
                          "A text of - reads standard input, one text per line.",
                          run};

static int print_ids(const Clip *model, const char *text, uint32_t *ids, Error *e)
{
    size_t count;
    int truncated, code = tok_encode(model->tokenizer, text, model->config.context, ids, &count, &truncated, e);

    if (code != LAKE_OK)
        return code;
    for (size_t i = 0; i < count; i++)
        printf("%s%lu", i > 0 ? " " : "", (unsigned long)ids[i]);
    printf("\n");
    if (truncated)
        fprintf(stderr, "lake tokens: note: cut to %lu ids: %.60s...\n", (unsigned long)model->config.context, text);
    return LAKE_OK;
}

static int print_lines(const Clip *model, uint32_t *ids, Error *e)
{
    char *line = NULL;
    size_t room = 0;
    int got, code = LAKE_OK;

    while (code == LAKE_OK && (got = read_line(&line, &room, stdin)) != 0)
        code = got < 0 ? line_error(got, "standard input", e) : print_ids(model, line, ids, e);
    free(line);
    return code;
}

static int print_all(const Clip *model, const Arguments *texts, Error *e)
{
    uint32_t *ids;
    int code = LAKE_OK;

    if (model->tokenizer == NULL)
        return error_set(e, LAKE_USAGE, "%s: these weights hold an image tower only, no tokenizer",
                         wts_path(model->file));
    ids = malloc(model->config.context * sizeof *ids);
    if (ids == NULL)
        return error_memory(e, "token ids");
    for (size_t i = 0; i < texts->count && code == LAKE_OK; i++)
        code =
            strcmp(texts->items[i], "-") == 0 ? print_lines(model, ids, e) : print_ids(model, texts->items[i], ids, e);
    free(ids);
    return code;
}

static int run(int argc, char **argv, Error *e)
{
    const char *weights = NULL;
    Arguments arguments;
    const Option options[] = {
        MODEL_OPTION(weights),
    };
    int code = arguments_read(&arguments, &verb_tokens, options, COUNT_OF(options), argc, argv, e);
    Clip model;

    if (code == LAKE_OK && !arguments.help) {
        if (arguments.count == 0)
            code = error_set(e, LAKE_USAGE, "expected at least one text, found none");
        else
            code = model_open(&model, "tokens", weights, NULL, e);
        if (code == LAKE_OK) {
            code = print_all(&model, &arguments, e);
            clip_close(&model);
        }
    }
    arguments_free(&arguments);
    return code;
}
