/* Temporary files: what does not fit into memory waits there. They have no name that others could meet, and are gone
 * when they are closed or the program ends, however it ends. */
#ifndef LAKE_TEMPORARY_H
#define LAKE_TEMPORARY_H

#include <stdio.h>

#include "base/error.h"

/* A new, empty file for writing and reading, in the folder $TMPDIR, else in /var/tmp (which is on a disk where /tmp may
 * be memory); without POSIX where the C library puts them. Close with fclose. LAKE_RESOURCE names the folder. */
int temporary_open(FILE **file, Error *e);

/* The folder, for messages; "" where it is the C library's choice. */
const char *temporary_folder(void);

#endif
