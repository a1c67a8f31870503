/* SPDX-License-Identifier: MIT
 *
 * The environment of the library, parsed once. One table lists every variable with its parser and
 * what it accepts. A bad value is reported in one line and its default is used. No allocation; runs
 * before libc is initialised if it must.
 */
#ifndef PRELOAD_OPTIONS_H
#define PRELOAD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define OPTIONS_OUT_MAX 4096

enum options_follow { FOLLOW_NONE = 0, FOLLOW_FORK = 1, FOLLOW_EXEC = 2, FOLLOW_ALL = 3 };
enum options_leak_check { LEAK_CHECK_NONE, LEAK_CHECK_LIVE };

struct options {
    const char *out; /* a pattern, see outfile.h */
    bool enable;
    uint64_t interval_ns; /* 0: none */
    int signal;           /* 0: none */
    bool fatal;           /* a dump when a signal ends the program */
    uint32_t leak_check;  /* enum options_leak_check */
    uint32_t follow;      /* enum options_follow */
    uint32_t max_depth;
    uint64_t dump_at_bytes;   /* 0: not by size */
    uint32_t dump_at_percent; /* of a limit, in thousandths of a percent; 0: not by share */
    uint64_t sample_mean;     /* bytes; 0: every allocation */
    uint32_t max_overhead;    /* thousandths of a percent; 0: none */
    bool verify;
    bool mmap;          /* mappings are recorded, too */
    uint32_t verbose;   /* 0, 1, 2 */
    const char *keeper; /* the launcher's socket, see vault.h; "": there is no launcher */
};

/* Reads ENTRIES (NULL-terminated, may be NULL). Complaints go to standard error if COMPLAIN. */
void options_read(struct options *o, char *const *entries, bool complain);

/* What is accepted of the variable NAME, which is one of the library's, if VALUE is not; NULL if it
 * is. For tools that set it. */
const char *options_refuse(const char *name, const char *value);

#endif
