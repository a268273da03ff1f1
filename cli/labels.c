/* Unique names for output files; see labels.h. */
#include "cli/labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/file.h"

/* The slot that holds label, or the free one where it belongs. */
static char **find(const Labels *labels, const char *label)
{
    size_t i = (size_t)(fnv1a64_update(FNV1A64_START, label, strlen(label)) & (labels->room - 1));

    while (labels->slots[i] != NULL && strcmp(labels->slots[i], label) != 0)
        i = (i + 1) & (labels->room - 1);
    return &labels->slots[i];
}

static int grow(Labels *labels)
{
    Labels larger = {labels->count, labels->room == 0 ? 64 : labels->room * 2, NULL};

    larger.slots = calloc(larger.room, sizeof *larger.slots);
    if (larger.slots == NULL)
        return 0;
    for (size_t i = 0; i < labels->room; i++)
        if (labels->slots[i] != NULL)
            *find(&larger, labels->slots[i]) = labels->slots[i];
    free(labels->slots);
    *labels = larger;
    return 1;
}

const char *labels_add(Labels *labels, const char *part)
{
    const char *dot = strrchr(path_base(part), '.'), *number = dot != NULL ? strchr(dot, '#') : NULL;
    size_t length = dot != NULL && dot != path_base(part) ? (size_t)(dot - part) : strlen(part);
    char *label, **slot;

    if (labels->count * 2 >= labels->room && !grow(labels))
        return NULL;
    label = malloc(strlen(part) + 24);
    if (label == NULL)
        return NULL;
    for (size_t i = 0; i < length; i++)
        label[i] = part[i] == '/' || part[i] == '\\' ? '_' : part[i];
    label[length] = '\0';
    if (number != NULL) /* "features.npy#3" */
        length += (size_t)sprintf(label + length, "_%s", number + 1);
    for (unsigned long n = 2; *(slot = find(labels, label)) != NULL; n++)
        sprintf(label + length, "-%lu", n);
    *slot = label;
    labels->count++;
    return label;
}

void labels_free(Labels *labels)
{
    for (size_t i = 0; i < labels->room; i++)
        free(labels->slots[i]);
    free(labels->slots);
    memset(labels, 0, sizeof *labels);
}
