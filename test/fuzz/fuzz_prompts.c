/* Prompt files: method/prompts.c. Every sentence has the class name in it. */
#include <string.h>

#include "method/prompts.h"
#include "test/fuzz/fuzz.h"

static void make_sentences(const Prompts *prompts, int state)
{
    char **sentences;
    size_t count, i;
    Error e = FUZZ_ERROR;

    if (prompts->count[state] * prompts->count[PROMPTS_TEMPLATES] > 4096)
        return;
    PROMISE(prompts_sentences(&sentences, &count, prompts, state, "Metal_Nut", &e) == LAKE_OK);
    PROMISE(count == prompts->count[state] * prompts->count[PROMPTS_TEMPLATES]);
    for (i = 0; i < count; i++)
        PROMISE(strstr(sentences[i], "metal nut") != NULL && strchr(sentences[i], '\n') == NULL);
    prompts_free_sentences(sentences, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Prompts prompts;
    Error e = FUZZ_ERROR;
    int code, s;

    fuzz_file("prompts.txt", data, size);
    code = prompts_read(&prompts, "prompts.txt", &e);
    fuzz_check(code, &e);
    for (s = 0; code == LAKE_OK && s < PROMPTS_SECTIONS; s++)
        PROMISE(prompts.count[s] >= 1);
    if (code == LAKE_OK) {
        make_sentences(&prompts, PROMPTS_NORMAL);
        make_sentences(&prompts, PROMPTS_ANOMALOUS);
        prompts_free(&prompts);
    }
    fuzz_files_clear();
    return 0;
}
