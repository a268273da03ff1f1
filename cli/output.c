/* What an output may replace; see output.h. */
#include "cli/output.h"

#include <string.h>

#include "base/file.h"

enum { LETTERS = 5 }; /* the part of a magic number that damage in transfer leaves alone */

int output_check(const char *path, const char *magic, const char *kind, Error *e)
{
    FileView view;
    Error ignored;
    int other;

    if (path_kind(path) != PATH_FILE || file_map(&view, path, &ignored) != LAKE_OK)
        return LAKE_OK; /* where it cannot be written either, writing will say so */
    other = view.size > 0 && (view.size < LETTERS || memcmp(view.data, magic, LETTERS) != 0);
    file_unmap(&view);
    if (other)
        return error_set(e, LAKE_USAGE, "%s: is there already and is no %s file, so it is not replaced: give another name "
                         "with -o, or remove it", path, kind);
    return LAKE_OK;
}
