/* SPDX-License-Identifier: MIT
 *
 * The warden: a small process that shares the memory in which the program counts (vault.h), and
 * writes snapshots on MEMPROF_INTERVAL while the program makes no call of the allocator, and a last
 * dump ("recovered") if the program ends without one of its own. A process of its own, because a
 * thread would show in the program, and a signal would interrupt its system calls. Not under the
 * launcher, which has the memory, too.
 *
 * The program does not see it. It is a child by clone(2) without an exit signal: wait(2) and its
 * kin pass over it, no SIGCHLD comes, tracers are not told, libc's handlers of fork do not run. It
 * has no descriptor of the program's, so no pipe stays open through it; a session of its own, so
 * that the terminal's signals and kill(0) miss it; all signals blocked; none of the program's large
 * memory. It ends with the program, and is reaped where that ends or executes another program in
 * order. Waits that ask for children of any kind (__WALL, __WCLONE) would find it: it is gone
 * before they are made, for good.
 *
 * There is none, and snapshots come in calls of the allocator alone: in a sandbox (seccomp), so
 * that nobody outside of it reads what is inside; once the program's user, groups or capabilities
 * have changed, for the same reason; where the next child would be the first of a new namespace of
 * processes; without /proc, memfd_create(2) or pidfd_open(2); and where no more processes are to be
 * had.
 *
 * How a snapshot comes to be while the program may go on at any instant: if the sum over its
 * counters (changes.h) stood still for a while, a further process (warden_write.c), whose end is
 * that of any harm from what the program may have scribbled over its counters, writes it from the
 * memory as it is. The file is put into place only if the sum is the same still and the program has
 * not begun a dump of its own (vault_take_turn).
 *
 * warden_start and warden_stop: any thread of the process that records, under the guard. errno is
 * not touched.
 */
#ifndef PRELOAD_WARDEN_H
#define PRELOAD_WARDEN_H

#include "recorder.h"

/* Starts it, unless it is there, or cannot be: says why not with MEMPROF_VERBOSE=2, once. */
void warden_start(struct recorder *r);

/* Ends and reaps it, if it is this process's. Waits for that, but not for ever. */
void warden_stop(struct recorder *r);

/* The same for good: what the program is about to do does not go with it. */
void warden_dismiss(struct recorder *r);

#endif
