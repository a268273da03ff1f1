/* What a verb is given to work on: pictures named one by one, whole folders, or a list on standard input. */
#ifndef LAKE_INPUTS_H
#define LAKE_INPUTS_H

#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

typedef struct {
    char *path;  /* to open, and what results are called */
    size_t root; /* where the part below the folder that was named begins in path: outputs are called after it */
} Input;

typedef struct {
    size_t count, room;
    Input *items;
} InputList;

/* Adds what `argument` names: a file as it is, a folder's pictures recursively and in sorted order (known by their
 * extension, hidden ones left out). A missing path or a folder without a picture is LAKE_BAD_INPUT. */
int inputs_add(InputList *list, const char *argument, Error *e);

/* Adds the files of a folder whose names are wanted, recursively and in sorted order, hidden ones left out. */
int inputs_add_folder(InputList *list, const char *folder, int (*wanted)(const char *name), Error *e);

/* Adds one file without looking at it. */
int inputs_add_file(InputList *list, const char *path, Error *e);

void inputs_free(InputList *list);

/* 1 where the name ends in .npy: features in place of a picture. */
int is_features(const char *path);

/* One line of a stream without its end, in a buffer that grows: 1; 0 at the end of the stream; below 0 where memory is out or
 * the line is longer than any path or text (that of /dev/zero never ends). */
int read_line(char **line, size_t *room, FILE *stream);

/* The message for what read_line returned below 0, of the stream that messages call `name`. */
int line_error(int got, const char *name, Error *e);

#endif
