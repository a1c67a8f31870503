/* SPDX-License-Identifier: MIT */
#include "signal_name.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

enum kind { REQUEST, FAULT, FATAL };

static const struct {
    const char *name;
    int number;
    enum kind kind;
} signals[] = {
    {"HUP", SIGHUP, REQUEST},   {"INT", SIGINT, REQUEST},       {"QUIT", SIGQUIT, REQUEST},
    {"ILL", SIGILL, FAULT},     {"ABRT", SIGABRT, FATAL},       {"BUS", SIGBUS, FAULT},
    {"FPE", SIGFPE, FAULT},     {"SEGV", SIGSEGV, FAULT},       {"USR1", SIGUSR1, REQUEST},
    {"USR2", SIGUSR2, REQUEST}, {"PIPE", SIGPIPE, FATAL},       {"ALRM", SIGALRM, REQUEST},
    {"TERM", SIGTERM, REQUEST}, {"IO", SIGIO, REQUEST},         {"VTALRM", SIGVTALRM, REQUEST},
    {"PROF", SIGPROF, REQUEST}, {"WINCH", SIGWINCH, REQUEST},   {"PWR", SIGPWR, REQUEST},
    {"URG", SIGURG, REQUEST},   {"CONT", SIGCONT, REQUEST},     {"XCPU", SIGXCPU, REQUEST},
    {"XFSZ", SIGXFSZ, FATAL},   {"STKFLT", SIGSTKFLT, REQUEST},
};

#define SIGNALS (sizeof signals / sizeof signals[0])

static size_t find(int number)
{
    size_t i = 0;
    while (i < SIGNALS && signals[i].number != number) {
        i++;
    }
    return i;
}

const char *signal_name(int number)
{
    size_t i = find(number);
    return i < SIGNALS ? signals[i].name : NULL;
}

int signal_number(const char *name)
{
    for (size_t i = 0; i < SIGNALS; i++) {
        if (strcmp(name, signals[i].name) == 0) {
            return signals[i].number;
        }
    }
    return 0;
}

bool signal_is_request(int number)
{
    size_t i = find(number);
    return i < SIGNALS ? signals[i].kind == REQUEST
                       : number >= SIGNAL_RT_MIN && number <= SIGNAL_MAX;
}

bool signal_is_fault(int number)
{
    size_t i = find(number);
    return i < SIGNALS && signals[i].kind == FAULT;
}
