/* The few lines that a C test needs. Each check prints one line, "ok NAME", "not ok NAME: detail" or
 * "skip NAME: reason"; test/run.sh counts them. A test program returns 0 even where a check failed: the lines
 * say so. A program that ends early (a crash, a sanitizer's report) is counted as failed by run.sh. */
#ifndef LAKE_TEST_H
#define LAKE_TEST_H

#include <stdarg.h>
#include <stdio.h>

/* One check. Name and detail are printf formats; the detail is printed only on failure. */
static inline int check(int passed, const char *name, const char *format, ...)
{
    va_list args;

    printf(passed ? "ok %s" : "not ok %s: ", name);
    if (!passed) {
        va_start(args, format);
        vprintf(format, args);
        va_end(args);
    }
    printf("\n");
    fflush(stdout);
    return passed;
}

static inline void skip(const char *name, const char *reason)
{
    printf("skip %s: %s\n", name, reason);
    fflush(stdout);
}

#endif
