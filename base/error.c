/* One line of text per failure; see error.h. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

int error_set(Error *e, int code, const char *format, ...)
{
    va_list args;
    char *c;

    if (e == NULL)
        return code;
    e->code = code;
    va_start(args, format);
    vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    for (c = e->text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    return code;
}

int error_memory(Error *e, const char *what)
{
    return error_set(e, LAKE_RESOURCE, "out of memory while allocating %s", what);
}
