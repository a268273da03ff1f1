/* POSIX has a clock and the peak; what is resident without mapped files only Linux tells, in /proc. */
#if defined(__unix__) || defined(__APPLE__)
#define _XOPEN_SOURCE 700
#define HAS_POSIX
#endif

#include "base/measure.h"

#include <stdio.h>
#include <time.h>

#ifdef HAS_POSIX
#include <sys/resource.h>
#endif

double clock_seconds(void)
{
    struct timespec t;

#ifdef HAS_POSIX
    clock_gettime(CLOCK_MONOTONIC, &t);
#else
    timespec_get(&t, TIME_UTC);
#endif
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double memory_peak_mb(void)
{
#ifdef HAS_POSIX
    struct rusage usage;
#ifdef __APPLE__
    const double unit = 1e-6; /* bytes there, KiB elsewhere */
#else
    const double unit = 1024e-6;
#endif

    if (getrusage(RUSAGE_SELF, &usage) == 0)
        return unit * (double)usage.ru_maxrss;
#endif
    return -1;
}

double memory_own_mb(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[128];
    unsigned long kib;
    double mb = -1;

    if (status == NULL)
        return -1;
    while (mb < 0 && fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "RssAnon: %lu kB", &kib) == 1)
            mb = 1024e-6 * (double)kib;
    fclose(status);
    return mb;
}
