/* Prompt ensembles; see prompts.h. */
#include "method/prompts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"

#define MAX_PROMPT_FILE ((size_t)1 << 20)
#define MAX_SENTENCES ((size_t)1 << 16) /* of one state; the built-in ensemble has 154 */

/* Made from weights/prompts.txt by the Makefile: every line a string literal. */
const char prompts_default[] =
#include "prompts.inc"
    ;

static const char *const section_names[PROMPTS_SECTIONS] = {"[normal]", "[anomalous]", "[templates]"};

/* A new string of `length` characters. */
static char *copy_of(const char *text, size_t length)
{
    char *copy = malloc(length + 1);

    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

static int add_line(Prompts *prompts, int section, const char *text, size_t length, Error *e)
{
    size_t used = prompts->count[section];
    char **grown = realloc(prompts->lines[section], (used + 1) * sizeof *grown);

    if (grown == NULL)
        return error_memory(e, "the prompts");
    prompts->lines[section] = grown;
    grown[used] = copy_of(text, length);
    if (grown[used] == NULL)
        return error_memory(e, "the prompts");
    prompts->count[section]++;
    return LAKE_OK;
}

/* How many {} the line has. */
static size_t places(const char *text, size_t length)
{
    size_t count = 0;

    for (size_t i = 0; i + 1 < length; i++)
        count += text[i] == '{' && text[i + 1] == '}';
    return count;
}

static int section_of(const char *text, size_t length)
{
    for (int s = 0; s < PROMPTS_SECTIONS; s++)
        if (strlen(section_names[s]) == length && memcmp(text, section_names[s], length) == 0)
            return s;
    return -1;
}

static int parse_line(Prompts *prompts, int *section, const char *text, size_t length, const char *name,
                      unsigned long line, Error *e)
{
    while (length > 0 && (*text == ' ' || *text == '\t')) {
        text++;
        length--;
    }
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t' || text[length - 1] == '\r'))
        length--;
    if (length == 0 || *text == '#')
        return LAKE_OK;
    if (*text == '[') {
        *section = section_of(text, length);
        if (*section < 0)
            return error_set(e, LAKE_BAD_INPUT,
                             "%s:%lu: unknown section '%.*s'; expected [normal], [anomalous] or [templates]", name,
                             line, length < 60 ? (int)length : 60, text);
        return LAKE_OK;
    }
    if (*section < 0)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s:%lu: a sentence before the first section; expected [normal], [anomalous] or "
                         "[templates]",
                         name, line);
    if (places(text, length) != 1)
        return error_set(e, LAKE_BAD_INPUT, "%s:%lu: expected exactly one {} in the line, found %llu", name, line,
                         (unsigned long long)places(text, length));
    return add_line(prompts, *section, text, length, e);
}

int prompts_parse(Prompts *prompts, const char *text, const char *name, Error *e)
{
    int section = -1, code = LAKE_OK;

    memset(prompts, 0, sizeof *prompts);
    for (unsigned long line = 1; code == LAKE_OK && *text != '\0'; line++) {
        size_t length = strcspn(text, "\n");
        code = parse_line(prompts, &section, text, length, name, line, e);
        text += length + (text[length] == '\n');
    }
    for (int s = 0; code == LAKE_OK && s < PROMPTS_SECTIONS; s++)
        if (prompts->count[s] == 0)
            code = error_set(e, LAKE_BAD_INPUT, "%s: no line in section %s; expected at least one", name,
                             section_names[s]);
    for (int s = PROMPTS_NORMAL; code == LAKE_OK && s <= PROMPTS_ANOMALOUS; s++)
        if (prompts->count[s] > MAX_SENTENCES / prompts->count[PROMPTS_TEMPLATES])
            code =
                error_set(e, LAKE_BAD_INPUT, "%s: %llu states in %s and %llu templates make more than %llu sentences",
                          name, (unsigned long long)prompts->count[s], section_names[s],
                          (unsigned long long)prompts->count[PROMPTS_TEMPLATES], (unsigned long long)MAX_SENTENCES);
    if (code != LAKE_OK)
        prompts_free(prompts);
    return code;
}

int prompts_read(Prompts *prompts, const char *path, Error *e)
{
    unsigned char *text;
    size_t size;
    int code;

    memset(prompts, 0, sizeof *prompts);
    if (path == NULL)
        return prompts_parse(prompts, prompts_default, "the built-in prompts", e);
    code = file_read(&text, &size, path, MAX_PROMPT_FILE, e);
    if (code != LAKE_OK)
        return code;
    if (memchr(text, 0, size) != NULL)
        code = error_set(e, LAKE_BAD_INPUT, "%s: not a text file (it holds a byte 0)", path);
    else
        code = prompts_parse(prompts, (const char *)text, path, e);
    free(text);
    return code;
}

void prompts_free(Prompts *prompts)
{
    for (int s = 0; s < PROMPTS_SECTIONS; s++)
        prompts_free_sentences(prompts->lines[s], prompts->count[s]);
    memset(prompts, 0, sizeof *prompts);
}

void prompts_free_sentences(char **sentences, size_t count)
{
    while (count > 0)
        free(sentences[--count]);
    free(sentences);
}

/* pattern with its {} replaced, in a new string. */
static char *fill(const char *pattern, const char *word)
{
    const char *place = strstr(pattern, "{}");
    size_t before = (size_t)(place - pattern), length = strlen(word);
    char *text = malloc(strlen(pattern) - 2 + length + 1);

    if (text == NULL)
        return NULL;
    memcpy(text, pattern, before);
    memcpy(text + before, word, length);
    strcpy(text + before + length, place + 2);
    return text;
}

/* The class name as sentences have it: spaces for underscores, lower case, "object" for none. */
static char *spoken(const char *class_name)
{
    char *word = class_name[0] == '\0' ? copy_of("object", 6) : copy_of(class_name, strlen(class_name));

    for (char *c = word; c != NULL && *c != '\0'; c++) {
        if (*c == '_')
            *c = ' ';
        else if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    }
    return word;
}

int prompts_sentences(char ***sentences, size_t *count, const Prompts *prompts, int state, const char *class_name,
                      Error *e)
{
    size_t states = prompts->count[state], total;
    char *word = spoken(class_name), **list = NULL;

    *sentences = NULL;
    *count = 0;
    if (size_multiply(prompts->count[PROMPTS_TEMPLATES], states, &total) && total <= SIZE_MAX / sizeof *list)
        list = malloc(total * sizeof *list);
    for (size_t i = 0; word != NULL && list != NULL && i < total; i++) {
        char *phrase = fill(prompts->lines[state][i % states], word);
        list[i] = phrase == NULL ? NULL : fill(prompts->lines[PROMPTS_TEMPLATES][i / states], phrase);
        free(phrase);
        if (list[i] == NULL) {
            prompts_free_sentences(list, i);
            list = NULL;
        }
    }
    if (word == NULL || list == NULL) {
        free(word);
        free(list);
        return error_memory(e, "the sentences of the prompts");
    }
    free(word);
    *sentences = list;
    *count = total;
    return LAKE_OK;
}
