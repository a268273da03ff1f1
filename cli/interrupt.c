/* Cleaning up behind a signal; see interrupt.h. The library knows what is unfinished and installs no handler: that is the
 * program's to decide. */
#if defined(__unix__) || defined(__APPLE__) || defined(__HAIKU__)
#define LAKE_POSIX 1
#define _XOPEN_SOURCE 700 /* SIGXCPU and SIGXFSZ are XSI's */
#endif

#include "cli/interrupt.h"

#ifdef LAKE_POSIX

#include <signal.h>
#include <stddef.h>

#include "base/file.h"

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXCPU, SIGXFSZ};
enum { SIGNAL_COUNT = sizeof signals / sizeof *signals };

/* The default action is in force again here (SA_RESETHAND) and waits until this function returns, so that whoever started
 * the program sees it ended by the signal: a shell's status is 128 + number. */
static void clean_up(int number)
{
    file_remove_unfinished();
    raise(number);
}

void interrupt_clean_up(void)
{
    struct sigaction action = {0}, present;

    file_guard();
    action.sa_handler = clean_up;
    action.sa_flags = (int)SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        sigaddset(&action.sa_mask, signals[i]);
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        if (sigaction(signals[i], NULL, &present) == 0 && present.sa_handler == SIG_DFL)
            sigaction(signals[i], &action, NULL);
}

#else

void interrupt_clean_up(void)
{
}

#endif
