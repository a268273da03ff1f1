/* What the command shows while it works: a progress bar on a terminal, silence in a pipe. */
#ifndef LAKE_TERMINAL_H
#define LAKE_TERMINAL_H

#include <stdio.h>
#include <time.h>

typedef struct {
    const char *what; /* "converting", "fitting" */
    time_t start;
    int shown;        /* something stands on the terminal's last line */
    int tenths;       /* last share drawn, in tenths of a per cent, so that nothing is drawn twice */
} Progress;

/* 1 where the stream is a terminal. */
int is_terminal(FILE *stream);

void progress_begin(Progress *p, const char *what);
/* share 0..1; draws on standard error where that is a terminal. */
void progress_update(Progress *p, double share);
/* Wipes the bar. Call it before any other line is printed and at the end. */
void progress_clear(Progress *p);

/* Prints s as a JSON string, quotes included; bytes that are no UTF-8 become U+FFFD. */
void print_json_string(FILE *out, const char *s);

/* Prints s as a CSV field, quoted where it must be (RFC 4180). */
void print_csv_field(FILE *out, const char *s);

#endif
