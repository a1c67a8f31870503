/* SPDX-License-Identifier: MIT
 *
 * Alternate signal stacks for threads that have none. Where a thread has used up its stack, the
 * kernel cannot call a handler but on such a stack; without one the program would end without a
 * dump. The hook of sigaltstack (signals.c) keeps the program from seeing them: a thread that sets
 * a stack of its own gets that, one that asks is told that there is none.
 *
 * A stack is address space of 64 KiB, in memory only where it was used. Each goes back to a list
 * when its thread ends. Nothing happens before alternate_enable. On the thread concerned, under the
 * guard. Without memory a thread goes without.
 */
#ifndef PRELOAD_ALTERNATE_H
#define PRELOAD_ALTERNATE_H

#include <signal.h>
#include <stdbool.h>

/* From now on threads get stacks; the calling one at once. */
void alternate_enable(void);
/* No system call is made for it until it is resumed, if it was enabled: see lifecycle_sandboxed. */
void alternate_pause(void);
void alternate_resume(void);

/* This thread begins, and ends. */
void alternate_begin(void);
void alternate_end(void);

/* In a child of fork. */
void alternate_child(void);

/* Fills in STACK, the one this thread was given. Returns false if it was given none. */
bool alternate_mine(stack_t *stack);

#endif
