/* Terminal and text output; see terminal.h. */
#if defined(__unix__) || defined(__APPLE__) || defined(__HAIKU__)
#define _POSIX_C_SOURCE 200809L
#include <unistd.h>
#endif

#include "cli/terminal.h"

#include <string.h>

#define BAR_WIDTH 30

int is_terminal(FILE *stream)
{
#ifdef _POSIX_C_SOURCE
    return isatty(fileno(stream));
#else
    (void)stream;
    return 0;
#endif
}

void progress_begin(Progress *p, const char *what)
{
    p->what = what;
    p->start = time(NULL);
    p->shown = 0;
    p->tenths = -1;
}

void progress_update(Progress *p, double share)
{
    int tenths = (int)(share * 1000), filled = (int)(share * BAR_WIDTH);
    double elapsed = difftime(time(NULL), p->start);

    if (tenths == p->tenths || !is_terminal(stderr))
        return;
    p->tenths = tenths;
    p->shown = 1;
    fprintf(stderr, "\r%s [", p->what);
    for (int i = 0; i < BAR_WIDTH; i++)
        fputc(i < filled ? '#' : '.', stderr);
    fprintf(stderr, "] %5.1f %%", share * 100);
    if (share > 0.02 && elapsed >= 2)
        fprintf(stderr, ", %.0f s left ", elapsed * (1 - share) / share);
    fflush(stderr);
}

void progress_clear(Progress *p)
{
    if (p->shown)
        fprintf(stderr, "\r%*s\r", (int)strlen(p->what) + BAR_WIDTH + 30, "");
    p->shown = 0;
    p->tenths = -1;
}

/* Length of the valid UTF-8 sequence at s (RFC 3629: shortest form, no surrogates, at most U+10FFFF), or 0. */
static size_t utf8_length(const unsigned char *s)
{
    size_t n = s[0] < 0x80                   ? 1
               : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
               : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
               : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                             : 0;

    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

void print_json_string(FILE *out, const char *s)
{
    const unsigned char *p = (const unsigned char *)s;

    fputc('"', out);
    while (*p != 0) {
        size_t n = utf8_length(p);
        if (n == 0) {
            fputs("\\ufffd", out);
            n = 1;
        } else if (*p == '"' || *p == '\\') {
            fprintf(out, "\\%c", *p);
        } else if (*p < 0x20) {
            fprintf(out, "\\u%04x", *p);
        } else {
            fwrite(p, 1, n, out);
        }
        p += n;
    }
    fputc('"', out);
}

void print_csv_field(FILE *out, const char *s)
{
    if (strpbrk(s, ",\"\r\n") == NULL) {
        fputs(s, out);
        return;
    }
    fputc('"', out);
    for (; *s != '\0'; s++) {
        if (*s == '"')
            fputc('"', out);
        fputc(*s, out);
    }
    fputc('"', out);
}
