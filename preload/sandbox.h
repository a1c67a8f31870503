/* SPDX-License-Identifier: MIT
 *
 * The filters (seccomp) that the program puts on system calls, and what they would say to a call of
 * ours. A filter may end the process for a call that it does not expect, and ours are none that the
 * program was known to make. So each is put to copies of the filters first (sys_call), and one that
 * is not allowed is not made: it fails, as it would under a filter that returns an error.
 *
 * Filters are seen where they are set by way of libc: prctl and syscall. They are taken to be every
 * thread's, which is to be on the safe side. Copies are kept for good, and by children of fork.
 * Any thread, signal handlers included; no lock.
 */
#ifndef PRELOAD_SANDBOX_H
#define PRELOAD_SANDBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether there is any filter to be asked. */
extern _Atomic bool sandbox_on;

struct sandbox_filter;

/* A system call as it is put to a filter. */
struct sandbox_call {
    long number, argument[6];
};

/* A copy of PROGRAM, a struct sock_fprog of the caller's, or NULL for the strict mode of seccomp,
 * which is not in force yet. NULL: it cannot be read, or there is no memory. */
struct sandbox_filter *sandbox_copy(const void *program);

/* FILTER, from sandbox_copy, is in force from now on; NULL: one that allows nothing. */
void sandbox_enter(struct sandbox_filter *filter);

/* FILTER is not in force after all. */
void sandbox_drop(struct sandbox_filter *filter);

/* What the filters in force, and FILTER if it is not NULL, say to CALL: 0, or the negative errno
 * that it is to fail with. */
long sandbox_ask(const struct sandbox_filter *filter, const struct sandbox_call *call);

/* Whether they allow all N calls. */
bool sandbox_allows(const struct sandbox_filter *filter, const struct sandbox_call *call, size_t n);

#endif
