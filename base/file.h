/* Files: reading whole ones, read-only maps of large ones, outputs that appear complete or not at all,
 * and the lists of files in folders. The only part of the library that knows the operating system; where
 * POSIX is absent, maps become plain reads. */
#ifndef LAKE_FILE_H
#define LAKE_FILE_H

#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

/* A file's bytes, read-only. */
typedef struct {
    const unsigned char *data; /* [size]; never NULL after file_map succeeded */
    size_t size;
    int mapped;                /* 1: a memory map; 0: a buffer of our own */
} FileView;

/* Opens path for reading and shows its bytes, by a memory map where the system has one. LAKE_BAD_INPUT
 * where the file cannot be opened, is a folder or a device, or cannot be read, or a pipe gives more than 4 GiB. */
int file_map(FileView *view, const char *path, Error *e);
void file_unmap(FileView *view);

/* Reads a whole file (or pipe) into a new buffer, to be freed by the caller; refuses more than `limit`
 * bytes, or 4 GiB through a pipe. A byte 0 stands behind the last one, so text can be used as a string. */
int file_read(unsigned char **data, size_t *size, const char *path, size_t limit, Error *e);

/* An output file. Bytes go to a temporary name in the same folder; file_commit renames it to the final
 * one, so that a reader never meets half a file and a failed run leaves the old one alone. Where the
 * target exists and is no regular file (a pipe, /dev/null), it is written directly. */
typedef struct {
    FILE *stream;
    char *path;      /* final name */
    char *temporary; /* name written to; NULL where the target is written directly */
    size_t guard;    /* place of that name where file_remove_unfinished finds it; 0: nowhere */
} FileOut;

int file_create(FileOut *out, const char *path, Error *e);
int file_write(FileOut *out, const void *data, size_t size, Error *e);
int file_commit(FileOut *out, Error *e);  /* closes in every case; on failure nothing is left behind */
void file_discard(FileOut *out);          /* closes and removes; harmless after commit */

/* For a program that wants to clean up when a signal ends it. file_guard, called once before any output is created, has
 * the temporary names remembered; from then on one thread alone may create outputs. file_remove_unfinished removes those
 * files and may be called from a signal handler, after which the program must end. Without POSIX both do nothing. */
void file_guard(void);
void file_remove_unfinished(void);

/* Fails as file_create would, now, and leaves nothing behind: to be asked before long work whose result goes to path. */
int file_check_output(const char *path, Error *e);

/* The three steps above for content already in memory. */
int file_save(const char *path, const void *data, size_t size, Error *e);

/* OTHER: a pipe or a socket. Without POSIX all that is there is a FILE. */
enum { PATH_MISSING, PATH_FILE, PATH_FOLDER, PATH_DEVICE, PATH_OTHER };
int path_kind(const char *path);

/* 1 where both paths lead to one file that is there, by another spelling or a link too (without POSIX: the same spelling). */
int path_same(const char *a, const char *b);

/* Creates a folder, and its parents where they are missing; fine where it exists. */
int folder_create(const char *path, Error *e);

/* The names in a folder (without . and ..), sorted by byte value, so that every run and every machine sees
 * one order. Free with folder_free. */
int folder_list(char ***names, size_t *count, const char *path, Error *e);
void folder_free(char **names, size_t count);

/* "folder/name" in a new buffer, or NULL where memory is out. */
char *path_join(const char *folder, const char *name);

/* The path of the file `name` in the folder of the file `path`, in a new buffer, or NULL where memory is out. */
char *path_beside(const char *path, const char *name);

/* The part of path behind the last separator. */
const char *path_base(const char *path);

#endif
