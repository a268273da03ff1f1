/* The sentences of the text branch: states of a class (normal, anomalous) put into templates. They are data: the
 * built-in ensemble is weights/prompts.txt, and users may bring a file of their own in the same form:
 *
 *     # comment
 *     [normal]
 *     flawless {}
 *     [anomalous]
 *     damaged {}
 *     [templates]
 *     a photo of a {}.
 *
 * Every line holds exactly one {}: the class in a state, the state in a template. */
#ifndef LAKE_PROMPTS_H
#define LAKE_PROMPTS_H

#include <stddef.h>

#include "base/error.h"

/* weights/prompts.txt as a string. */
extern const char prompts_default[];

enum { PROMPTS_NORMAL, PROMPTS_ANOMALOUS, PROMPTS_TEMPLATES, PROMPTS_SECTIONS };

typedef struct {
    char **lines[PROMPTS_SECTIONS];
    size_t count[PROMPTS_SECTIONS]; /* each at least 1 */
} Prompts;

/* text is 0-terminated; `name` is what messages call it; they give the line. */
int prompts_parse(Prompts *prompts, const char *text, const char *name, Error *e);
/* A prompt file, or for NULL the built-in ensemble. */
int prompts_read(Prompts *prompts, const char *path, Error *e);
void prompts_free(Prompts *prompts);

/* The sentences of one state (PROMPTS_NORMAL or PROMPTS_ANOMALOUS): templates x states, template by template. The
 * class name has underscores turned into spaces and A-Z lowered; "" becomes "object". Free with
 * prompts_free_sentences. */
int prompts_sentences(char ***sentences, size_t *count, const Prompts *prompts, int state, const char *class_name,
                      Error *e);
void prompts_free_sentences(char **sentences, size_t count);

#endif
