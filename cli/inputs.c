/* Lists of inputs; see inputs.h. */
#include "cli/inputs.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "image/image.h"

static int ends_with(const char *text, const char *ending)
{
    size_t n = strlen(text), m = strlen(ending);

    if (m > n)
        return 0;
    for (size_t i = 0; i < m; i++)
        if (tolower((unsigned char)text[n - m + i]) != ending[i])
            return 0;
    return 1;
}

int is_features(const char *path)
{
    return ends_with(path, ".npy");
}

/* Takes over path, which may be NULL where memory was out. */
static int add(InputList *list, char *path, size_t root, Error *e)
{
    Input input = {path, root};

    if (list->count == list->room && path != NULL) {
        size_t room = list->room == 0 ? 64 : list->room * 2;
        Input *grown = realloc(list->items, room * sizeof *grown);
        if (grown != NULL) {
            list->items = grown;
            list->room = room;
        }
    }
    if (path == NULL || list->count == list->room) {
        free(path);
        return error_memory(e, "the list of inputs");
    }
    list->items[list->count++] = input;
    return LAKE_OK;
}

int inputs_add_file(InputList *list, const char *path, Error *e)
{
    char *copy = malloc(strlen(path) + 1);

    if (copy != NULL)
        strcpy(copy, path);
    return add(list, copy, (size_t)(path_base(path) - path), e);
}

/* Adds the wanted files of a folder; `root` is the length of the named folder's path with its separator. */
static int add_folder(InputList *list, const char *folder, size_t root, int (*wanted)(const char *name), Error *e)
{
    char **names;
    size_t count;
    int code = folder_list(&names, &count, folder, e);

    for (size_t i = 0; i < count && code == LAKE_OK; i++) {
        char *path;
        int kind;
        if (names[i][0] == '.')
            continue;
        path = path_join(folder, names[i]);
        kind = path != NULL ? path_kind(path) : PATH_MISSING;
        if (kind == PATH_FOLDER) {
            code = add_folder(list, path, root, wanted, e);
        } else if (path == NULL || (kind == PATH_FILE && wanted(names[i]))) {
            code = add(list, path, root, e);
            continue;
        }
        free(path);
    }
    folder_free(names, count);
    return code;
}

int inputs_add_folder(InputList *list, const char *folder, int (*wanted)(const char *name), Error *e)
{
    size_t root = strlen(folder);

    root += folder[root - 1] != '/' && folder[root - 1] != '\\';
    return add_folder(list, folder, root, wanted, e);
}

int inputs_add(InputList *list, const char *argument, Error *e)
{
    size_t before = list->count;
    int code;

    switch (path_kind(argument)) {
    case PATH_MISSING:
        return error_set(e, LAKE_BAD_INPUT, "%s: no such file or folder", argument);
    case PATH_FOLDER:
        code = inputs_add_folder(list, argument, img_has_picture_name, e);
        if (code == LAKE_OK && list->count == before)
            code = error_set(e, LAKE_BAD_INPUT,
                             "%s: no pictures in this folder (expected names that end in .png, .jpg, .pnm, ...)",
                             argument);
        return code;
    default:
        return inputs_add_file(list, argument, e);
    }
}

void inputs_free(InputList *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].path);
    free(list->items);
    memset(list, 0, sizeof *list);
}

enum { LINE_LIMIT = 1 << 20, LINE_TOO_LONG = -2 };

/* Room for one character more and the 0 behind it: 1, or what read_line returns where there is none. */
static int grow_line(char **line, size_t *room)
{
    size_t larger = *room == 0 ? 256 : *room * 2;
    char *grown;

    if (larger > LINE_LIMIT)
        return LINE_TOO_LONG;
    grown = realloc(*line, larger);
    if (grown == NULL)
        return -1;
    *line = grown;
    *room = larger;
    return 1;
}

int read_line(char **line, size_t *room, FILE *stream)
{
    size_t used = 0;
    int c, grown = 1;

    while ((c = getc(stream)) != EOF && c != '\n') {
        if (*room - used < 2 && (grown = grow_line(line, room)) != 1)
            return grown;
        (*line)[used++] = (char)c;
    }
    if (c == EOF && used == 0)
        return 0;
    if (*room == 0 && (grown = grow_line(line, room)) != 1)
        return grown;
    if (used > 0 && (*line)[used - 1] == '\r')
        used--;
    (*line)[used] = '\0';
    return 1;
}

int line_error(int got, const char *name, Error *e)
{
    if (got == LINE_TOO_LONG)
        return error_set(e, LAKE_BAD_INPUT, "%s: a line of %d bytes or more, expected text", name, (int)LINE_LIMIT);
    return error_memory(e, "a line");
}
