/* How every function of the library reports failure: a return code and one line of text.
 *
 * A function that can fail returns LAKE_OK (0) or one of the codes below and, when it fails, writes into
 * the caller's Error one line that says what was read or done, where, what was expected, what was found
 * and, where there is one, the next step. The codes are the exit codes of the command, so main returns
 * what it got. Nothing in the library prints or exits. */
#ifndef LAKE_ERROR_H
#define LAKE_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

enum {
    LAKE_OK = 0,
    LAKE_ANOMALY = 1,   /* not an error: an anomaly was found and --fail-on-anomaly asked for this code */
    LAKE_USAGE = 2,     /* the call itself is wrong: unknown option, value out of range */
    LAKE_BAD_INPUT = 3, /* a file is missing, damaged, of another kind, or does not fit the others */
    LAKE_RESOURCE = 4   /* out of memory, disk full, output not writable */
};

typedef struct {
    int code;
    char text[512];
} Error;

/* Formats the message (printf's rules) into e and returns code, so that a caller can write
 * `return error_set(e, LAKE_BAD_INPUT, "%s: ...", path);`. Control characters become '?', so the message
 * is one line whatever a file name holds; too long a message is cut. e may be NULL. */
int error_set(Error *e, int code, const char *format, ...);

/* The message for an allocation of `what` that failed; returns LAKE_RESOURCE. */
int error_memory(Error *e, const char *what);

#ifdef __cplusplus
}
#endif

#endif
