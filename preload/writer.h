/* SPDX-License-Identifier: MIT
 *
 * Whose turn it is to write a dump, of the threads of a process: one at a time, with all signals
 * blocked, on a stack of the writer's own. Any thread, under the guard, also in a signal handler:
 * none waits for itself. Waiting is bounded, for a thread that writes may never go on.
 */
#ifndef PRELOAD_WRITER_H
#define PRELOAD_WRITER_H

#include <stdbool.h>

#include "dump.h"
#include "sys.h"

/* Waits until nobody else writes, and blocks signals: a handler that ends the process would leave
 * half a dump. Returns false, having changed nothing, if that does not come to pass in WAIT_MS, or
 * if it is this thread that writes. */
bool writer_take(unsigned wait_ms, sys_sigset *before);
void writer_leave(sys_sigset before);

/* For who has taken it: writes a dump. The second does it on the stack that it is called on, for
 * handlers that have one. Return what dump_write does. */
int writer_write(const struct dump_request *request);
int writer_write_here(const struct dump_request *request);

/* For who has taken it, before the dump at the end: none by other threads, which may still be
 * running, is to replace that. Returns false if there was one already. */
bool writer_begin_last(void);
bool writer_had_last(void);

/* All of it for any other dump. Returns -1 as well if it is not our turn. */
int writer_dump(const struct dump_request *request, unsigned wait_ms);

#endif
