/* SPDX-License-Identifier: MIT
 *
 * Who this process is: gathered once by the constructor, where argv is at hand, and again for what
 * fork changes. Read-only after that.
 */
#ifndef PRELOAD_PROCESS_H
#define PRELOAD_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct process {
    const char *const *argv; /* a copy, NULL-terminated */
    size_t argv_bytes;       /* mapped for that */
    char cwd[4096];          /* at the start; "" if unknown */
    char hostname[65];
    const char *arch;
    char allocator[64];    /* "glibc 2.36", "jemalloc", .. */
    char start_time[40];   /* RFC 3339 */
    int64_t start_seconds; /* UNIX time */
    bool descendant;       /* some other recorded process started this one */
    /* See interpose.h: a hooked function whose calls do not come to us by themselves, and what
     * defines it; "" if all do. */
    char taken_function[32];
    char taken_by[256];
    size_t rebound;           /* how many slots were pointed back at us */
    size_t operators_rebound; /* the same of C++'s operators */
};

extern struct process process;

/* ARGV may be NULL (started before the constructor ran): then only what needs no argv is filled. */
void process_describe(char **argv);

/* Whether every block comes from glibc's own allocator. After process_describe. */
bool process_has_glibc_blocks(void);

/* After fork: a start time of its own, and a descendant. */
void process_forked(void);

#endif
