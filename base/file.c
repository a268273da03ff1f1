/* Files; see file.h. POSIX calls (mmap, stat, opendir, mkdir) are used where the system declares them;
 * elsewhere stdio alone remains: whole reads in place of maps, and no folder lists. */
#if defined(__unix__) || defined(__APPLE__) || defined(__HAIKU__)
#define LAKE_POSIX 1
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#endif

#include "base/file.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#ifdef LAKE_POSIX
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

/* The system's reason for the last failure, never empty. */
static const char *reason(void)
{
    return errno != 0 ? strerror(errno) : "input/output error";
}

/* The message for an input that `what` ("cannot open") was not possible with. Mostly it is the input's fault. */
static int cannot(const char *what, const char *path, Error *e)
{
    int code = LAKE_BAD_INPUT;

#if defined(ENOMEM) && defined(EMFILE) && defined(ENFILE)
    if (errno == ENOMEM || errno == EMFILE || errno == ENFILE)
        code = LAKE_RESOURCE;
#endif
    return error_set(e, code, "%s: %s: %s", path, what, reason());
}

/* Bytes that are read from a pipe, which nothing else bounds; checkpoints come through pipes, too. */
#define PIPE_LIMIT ((size_t)(SIZE_MAX / 2 > UINT32_MAX ? UINT32_MAX : SIZE_MAX / 2))

static int is_separator(char c)
{
#ifdef _WIN32
    return c == '/' || c == '\\';
#else
    return c == '/';
#endif
}

/* What has no end, or none before memory's, is no input: /dev/zero, a disk, a pipe that somebody keeps filling. */
static int check_kind(const char *path, size_t *limit, Error *e)
{
    const int kind = path_kind(path);

    if (kind == PATH_FOLDER)
        return error_set(e, LAKE_BAD_INPUT, "%s: is a folder, expected a file", path);
    if (kind == PATH_DEVICE)
        return error_set(e, LAKE_BAD_INPUT, "%s: is a device, expected a file or a pipe", path);
    if (kind == PATH_OTHER && *limit > PIPE_LIMIT)
        *limit = PIPE_LIMIT;
    return LAKE_OK;
}

int file_read(unsigned char **data, size_t *size, const char *path, size_t limit, Error *e)
{
    const size_t asked = limit;
    FILE *f;
    unsigned char *buffer = NULL;
    size_t used = 0, room = 0;
    int code = check_kind(path, &limit, e);

    *data = NULL;
    *size = 0;
    if (code != LAKE_OK)
        return code;
    errno = 0;
    f = fopen(path, "rb");
    if (f == NULL)
        return cannot("cannot open", path, e);
    for (;;) {
        if (room - used < 2) { /* one byte for more data, one for the 0 behind */
            size_t larger = room == 0 ? 65536 : room * 2;
            unsigned char *grown = larger > room ? realloc(buffer, larger) : NULL;
            if (grown == NULL) {
                code = error_memory(e, path);
                break;
            }
            buffer = grown;
            room = larger;
        }
        errno = 0;
        size_t got = fread(buffer + used, 1, room - used - 1, f);
        used += got;
        if (used > limit) {
            code = error_set(e, LAKE_BAD_INPUT, "%s: larger than the limit of %llu bytes for %s", path,
                             (unsigned long long)limit, limit < asked ? "a pipe: save it to a file first" : "such a file");
            break;
        }
        if (got == 0) {
            if (ferror(f))
                code = cannot("cannot read", path, e);
            break;
        }
    }
    fclose(f);
    if (code != LAKE_OK) {
        free(buffer);
        return code;
    }
    buffer[used] = 0;
    *data = buffer;
    *size = used;
    return LAKE_OK;
}

#ifdef LAKE_POSIX

int path_kind(const char *path)
{
    struct stat s;

    if (stat(path, &s) != 0)
        return PATH_MISSING;
    return S_ISREG(s.st_mode)                           ? PATH_FILE
           : S_ISDIR(s.st_mode)                         ? PATH_FOLDER
           : S_ISCHR(s.st_mode) || S_ISBLK(s.st_mode) ? PATH_DEVICE
                                                        : PATH_OTHER;
}

int path_same(const char *a, const char *b)
{
    struct stat s, t;

    return stat(a, &s) == 0 && stat(b, &t) == 0 && s.st_dev == t.st_dev && s.st_ino == t.st_ino;
}

static int read_instead_of_map(FileView *view, const char *path, Error *e)
{
    unsigned char *data;
    int code = file_read(&data, &view->size, path, SIZE_MAX - 1, e);

    view->data = data;
    view->mapped = 0;
    return code;
}

int file_map(FileView *view, const char *path, Error *e)
{
    struct stat s;
    int descriptor;
    void *address;

    memset(view, 0, sizeof *view);
    if (path_kind(path) != PATH_FILE) /* opening shows itself: a pipe that is closed again loses its writer */
        return read_instead_of_map(view, path, e);
    descriptor = open(path, O_RDONLY);
    if (descriptor < 0)
        return cannot("cannot open", path, e);
    if (fstat(descriptor, &s) != 0 || !S_ISREG(s.st_mode) || s.st_size == 0) {
        close(descriptor);
        return read_instead_of_map(view, path, e); /* empty files, and what has changed since, take the plain way */
    }
    if ((uintmax_t)s.st_size > SIZE_MAX) {
        close(descriptor);
        return error_set(e, LAKE_RESOURCE, "%s: %lld bytes are more than this machine can address", path,
                         (long long)s.st_size);
    }
    address = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    close(descriptor);
    if (address == MAP_FAILED)
        return read_instead_of_map(view, path, e);
    view->data = address;
    view->size = (size_t)s.st_size;
    view->mapped = 1;
    return LAKE_OK;
}

void file_unmap(FileView *view)
{
    if (view->mapped)
        munmap((void *)(uintptr_t)view->data, view->size);
    else
        free((void *)(uintptr_t)view->data);
    memset(view, 0, sizeof *view);
}

int folder_create(const char *path, Error *e)
{
    char *copy, *p;

    if (path_kind(path) == PATH_FOLDER)
        return LAKE_OK;
    copy = path_join(path, "");
    if (copy == NULL)
        return error_memory(e, "a path");
    for (p = copy + 1; *p != '\0'; p++) {
        if (!is_separator(*p))
            continue;
        *p = '\0';
        errno = 0;
        if (mkdir(copy, 0777) != 0 && path_kind(copy) != PATH_FOLDER) {
            int code = error_set(e, LAKE_RESOURCE, "%s: cannot create the folder: %s", copy, reason());
            free(copy);
            return code;
        }
        *p = '/';
    }
    free(copy);
    return LAKE_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int folder_list(char ***names, size_t *count, const char *path, Error *e)
{
    char **list = NULL;
    size_t used = 0, room = 0;
    struct dirent *entry;
    DIR *folder;

    *names = NULL;
    *count = 0;
    errno = 0;
    folder = opendir(path);
    if (folder == NULL)
        return cannot("cannot list the folder", path, e);
    /* readdir ends a list and fails with the same NULL; only errno tells a folder read to its end from half a one. */
    while (errno = 0, (entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (used == room) {
            size_t larger = room == 0 ? 64 : room * 2;
            char **grown = realloc(list, larger * sizeof *grown);
            if (grown == NULL)
                goto out_of_memory;
            list = grown;
            room = larger;
        }
        list[used] = malloc(strlen(entry->d_name) + 1);
        if (list[used] == NULL)
            goto out_of_memory;
        strcpy(list[used++], entry->d_name);
    }
    if (errno != 0) {
        int code = cannot("cannot list the folder", path, e);
        closedir(folder);
        folder_free(list, used);
        return code;
    }
    closedir(folder);
    if (used > 1)
        qsort(list, used, sizeof *list, by_name);
    *names = list;
    *count = used;
    return LAKE_OK;

out_of_memory:
    closedir(folder);
    folder_free(list, used);
    return error_memory(e, "the list of a folder");
}

static long process_number(void)
{
    return (long)getpid();
}

/* ---- outputs that a signal may interrupt ---- */

enum { GUARD_NAMES = 4, GUARD_ROOM = 4096 };

/* All of it is volatile, so that the stores a handler finds done are those of the program up to where it was interrupted: a
 * name is whole before `used` says that it is there. */
static struct {
    volatile sig_atomic_t used;
    volatile char name[GUARD_ROOM];
} guarded[GUARD_NAMES];
static volatile sig_atomic_t guarding;

void file_guard(void)
{
    guarding = 1;
}

/* Enters a temporary name, before there is a file of that name: its place from 1 on, or 0 where there is none for it. */
static size_t guard(const char *name)
{
    const size_t size = strlen(name) + 1;
    size_t place = 0;

    while (place < GUARD_NAMES && guarded[place].used)
        place++;
    if (!guarding || place == GUARD_NAMES || size > GUARD_ROOM)
        return 0;
    for (size_t i = 0; i < size; i++)
        guarded[place].name[i] = name[i];
    guarded[place].used = 1;
    return place + 1;
}

/* Frees the place, once no file has that name any more. */
static void unguard(size_t place)
{
    if (place > 0)
        guarded[place - 1].used = 0;
}

void file_remove_unfinished(void)
{
    char name[GUARD_ROOM];

    for (size_t place = 0; place < GUARD_NAMES; place++) {
        if (!guarded[place].used)
            continue;
        for (size_t i = 0; i < GUARD_ROOM; i++)
            name[i] = guarded[place].name[i];
        unlink(name);
    }
}

#else

int path_kind(const char *path)
{
    FILE *f = fopen(path, "rb");

    if (f == NULL)
        return PATH_MISSING;
    fclose(f);
    return PATH_FILE;
}

int path_same(const char *a, const char *b)
{
    return path_kind(a) != PATH_MISSING && strcmp(a, b) == 0;
}

int file_map(FileView *view, const char *path, Error *e)
{
    unsigned char *data;
    int code;

    memset(view, 0, sizeof *view);
    code = file_read(&data, &view->size, path, SIZE_MAX - 1, e);
    view->data = data;
    return code;
}

void file_unmap(FileView *view)
{
    free((void *)(uintptr_t)view->data);
    memset(view, 0, sizeof *view);
}

int folder_create(const char *path, Error *e)
{
    return error_set(e, LAKE_RESOURCE, "%s: this build cannot create folders: create it and try again", path);
}

int folder_list(char ***names, size_t *count, const char *path, Error *e)
{
    *names = NULL;
    *count = 0;
    return error_set(e, LAKE_BAD_INPUT, "%s: this build cannot list folders: name the files instead", path);
}

static long process_number(void)
{
    return 0;
}

void file_guard(void)
{
}

static size_t guard(const char *name)
{
    (void)name;
    return 0;
}

static void unguard(size_t place)
{
    (void)place;
}

void file_remove_unfinished(void)
{
}

#endif

void folder_free(char **names, size_t count)
{
    while (count > 0)
        free(names[--count]);
    free(names);
}

/* No file has the temporary name: none to be removed. */
static void forget_temporary(FileOut *out)
{
    unguard(out->guard);
    out->guard = 0;
    free(out->temporary);
    out->temporary = NULL;
}

int file_create(FileOut *out, const char *path, Error *e)
{
    int kind = path_kind(path);
    size_t length = strlen(path);

    memset(out, 0, sizeof *out);
    if (kind == PATH_FOLDER)
        return error_set(e, LAKE_RESOURCE, "%s: cannot write: is a folder, expected a file name", path);
    out->path = malloc(length + 1);
    if (out->path == NULL)
        return error_memory(e, "a path");
    strcpy(out->path, path);
    if (kind != PATH_DEVICE && kind != PATH_OTHER) {
        out->temporary = malloc(length + 32);
        if (out->temporary == NULL) {
            file_discard(out);
            return error_memory(e, "a path");
        }
        sprintf(out->temporary, "%s.part%ld", path, process_number());
        out->guard = guard(out->temporary);
    }
    errno = 0;
    out->stream = fopen(out->temporary != NULL ? out->temporary : path, "wb");
    if (out->stream == NULL) {
        int code = error_set(e, LAKE_RESOURCE, "%s: cannot write: %s", path, reason());
        forget_temporary(out);
        file_discard(out);
        return code;
    }
    return LAKE_OK;
}

int file_write(FileOut *out, const void *data, size_t size, Error *e)
{
    errno = 0;
    if (size > 0 && fwrite(data, 1, size, out->stream) != size)
        return error_set(e, LAKE_RESOURCE, "%s: cannot write: %s", out->path, reason());
    return LAKE_OK;
}

int file_commit(FileOut *out, Error *e)
{
    int code = LAKE_OK;
    FILE *stream = out->stream;

    errno = 0;
    out->stream = NULL;
    if (fclose(stream) != 0)
        code = error_set(e, LAKE_RESOURCE, "%s: cannot write: %s", out->path, reason());
    if (code == LAKE_OK && out->temporary != NULL) {
#ifdef _WIN32
        remove(out->path); /* rename does not replace there */
#endif
        if (rename(out->temporary, out->path) != 0)
            code = error_set(e, LAKE_RESOURCE, "%s: cannot rename the finished file into place: %s", out->path, reason());
        else
            forget_temporary(out);
    }
    file_discard(out);
    return code;
}

void file_discard(FileOut *out)
{
    if (out->stream != NULL)
        fclose(out->stream);
    if (out->temporary != NULL)
        remove(out->temporary);
    forget_temporary(out);
    free(out->path);
    memset(out, 0, sizeof *out);
}

int file_check_output(const char *path, Error *e)
{
    const int kind = path_kind(path);
    FileOut out;
    int code;

    if (kind == PATH_DEVICE || kind == PATH_OTHER) /* opening a pipe would be seen at its other end */
        return LAKE_OK;
    code = file_create(&out, path, e);
    if (code == LAKE_OK)
        file_discard(&out);
    return code;
}

int file_save(const char *path, const void *data, size_t size, Error *e)
{
    FileOut out;
    int code = file_create(&out, path, e);

    if (code != LAKE_OK)
        return code;
    code = file_write(&out, data, size, e);
    if (code != LAKE_OK) {
        file_discard(&out);
        return code;
    }
    return file_commit(&out, e);
}

char *path_join(const char *folder, const char *name)
{
    size_t length = strlen(folder);
    char *joined = malloc(length + strlen(name) + 2);

    if (joined == NULL)
        return NULL;
    memcpy(joined, folder, length);
    if (length > 0 && !is_separator(folder[length - 1]))
        joined[length++] = '/';
    strcpy(joined + length, name);
    return joined;
}

char *path_beside(const char *path, const char *name)
{
    size_t folder = (size_t)(path_base(path) - path);
    char *beside = malloc(folder + strlen(name) + 1);

    if (beside == NULL)
        return NULL;
    memcpy(beside, path, folder);
    strcpy(beside + folder, name);
    return beside;
}

const char *path_base(const char *path)
{
    const char *base = path;

    for (; *path != '\0'; path++)
        if (is_separator(*path))
            base = path + 1;
    return base;
}
