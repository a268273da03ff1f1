/* Temporary files; see temporary.h. With POSIX the file's name is removed as soon as it is open. */
#if defined(__unix__) || defined(__APPLE__) || defined(__HAIKU__)
#define LAKE_POSIX 1
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#endif

#include "base/temporary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#ifdef LAKE_POSIX
#include <unistd.h>

#include "base/file.h"

const char *temporary_folder(void)
{
    const char *folder = getenv("TMPDIR");

    if (folder != NULL && folder[0] != '\0')
        return folder;
    return path_kind("/var/tmp") == PATH_FOLDER ? "/var/tmp" : "/tmp";
}

static FILE *open_unnamed(void)
{
    char *path = path_join(temporary_folder(), "lake-XXXXXX");
    int handle = path != NULL ? mkstemp(path) : -1;
    FILE *file = NULL;

    if (handle >= 0) {
        unlink(path);
        file = fdopen(handle, "w+b");
        if (file == NULL)
            close(handle);
    }
    free(path);
    return file;
}
#else
const char *temporary_folder(void)
{
    return "";
}

static FILE *open_unnamed(void)
{
    return tmpfile();
}
#endif

int temporary_open(FILE **file, Error *e)
{
    errno = 0;
    *file = open_unnamed();
    if (*file != NULL)
        return LAKE_OK;
#ifdef ENOMEM
    if (errno == ENOMEM)
        return error_memory(e, "a temporary file");
#endif
    return error_set(e, LAKE_RESOURCE, "%s: no temporary file can be made there: %s", temporary_folder(),
                     errno != 0 ? strerror(errno) : "input/output error");
}
