/* SPDX-License-Identifier: MIT
 *
 * A stack with room for what now and then needs more than threads and signal handlers may have:
 * some have less than 2 KiB left for the allocation that we stand in. There is one, for one thread
 * at a time. Any thread, under the guard; takes no lock that it would have to wait for.
 */
#ifndef PRELOAD_ROOMY_H
#define PRELOAD_ROOMY_H

/* Calls FUNCTION with ARGUMENT there, with all signals blocked: a handler's frames would lie on it.
 * While another thread is there, on the caller's own stack; also under AddressSanitizer, which has
 * its own view of stacks. */
void roomy_call(void (*function)(void *), void *argument);

/* In a child of fork: whoever was there is not in this process, unless it is the caller. */
void roomy_child(void);

#endif
