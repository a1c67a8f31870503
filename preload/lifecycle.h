/* SPDX-License-Identifier: MIT
 *
 * When recording begins and when dumps are written: first allocation or constructor, normal exit
 * (behind all static destructors), _exit, quick_exit, exec, a fatal signal, a signal that asks for
 * one, an interval, memprof_dump().
 * What the hooks call runs under the guard.
 */
#ifndef PRELOAD_LIFECYCLE_H
#define PRELOAD_LIFECYCLE_H

#include <stdbool.h>

#include "cause.h"
#include "recorder.h"

/* Starts the recorder if that has not been tried yet. Returns whether it is recording. Safe at any
 * time, even before libc is initialised. CALLER: who called the hook. */
bool lifecycle_begin(uintptr_t caller);

/* Whether it has been tried, and the real functions are known. */
extern _Atomic bool lifecycle_begun __attribute__((visibility("hidden")));

/* Whether nothing is recorded, for good: switched off, or given up. Hooks then have only to make
 * the call. */
static inline bool lifecycle_is_off(void)
{
    return !recorder_on(&recorder) && atomic_load_explicit(&lifecycle_begun, memory_order_relaxed);
}

/* What is due on the way through an allocation: a row of the timeline, a snapshot, ageing. */
void lifecycle_periodic(struct recorder *r);

/* From now on signal NUMBER triggers a dump, unless the program handles or ignores it. */
void lifecycle_install_signal(int number);

/* A last dump before the process ends by a way that runs no exit handlers. */
void lifecycle_exit(void);

/* The same because of a signal, in its handler (fatal.c): no other dump is written afterwards. If
 * it could not be brought to its end: takes away what there is of it. */
void lifecycle_fatal(const struct cause *cause);
void lifecycle_fatal_failed(void);

/* A dump of what there is now, for the process may not come to write another; reason "exit". */
void lifecycle_snapshot(void);

/* Around the call by which the program puts itself into a sandbox: PROGRAM is the filter, a struct
 * sock_fprog, or NULL for the strict mode. Then with what came of it. */
struct lifecycle_sandbox {
    struct sandbox_filter *filter;
    bool ours, dumps, signals; /* what the filter is about, and what it allows */
};
void lifecycle_enter_sandbox(struct lifecycle_sandbox *s, const void *program);
void lifecycle_sandboxed(struct lifecycle_sandbox *s, bool entered);
/* Whether it does not allow what a dump takes: no more dumps, no more readings of RSS. */
bool lifecycle_is_sandboxed(void);

/* Around an exec: a dump before, which is withdrawn if the exec fails. The result of the first goes
 * to the second. Both keep errno. */
struct lifecycle_exec {
    bool written, stopped; /* the dump; the warden */
    char path[4096];
};
void lifecycle_before_exec(struct lifecycle_exec *e);
void lifecycle_exec_failed(const struct lifecycle_exec *e);

/* Whether programs that this one executes are to be recorded. */
bool lifecycle_follows_exec(void);

#endif
