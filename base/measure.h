/* Time and memory of this process, for benchmarks. */
#ifndef LAKE_MEASURE_H
#define LAKE_MEASURE_H

/* Seconds since some moment, never running backwards where the system has such a clock. */
double clock_seconds(void);

/* Megabytes (10^6 bytes) of memory that this process held at most, mapped files included; and that it holds now without
 * the files it maps. Negative where the system does not tell. */
double memory_peak_mb(void);
double memory_own_mb(void);

#endif
