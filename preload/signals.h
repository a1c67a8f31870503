/* SPDX-License-Identifier: MIT
 *
 * Signals that the library handles where the program leaves them at their default, and the hooks
 * that keep the program from noticing: sigaction, signal and their kin tell it that the default is
 * in force; a handler of its own takes the place of ours; when it goes back to the default, ours is
 * there again. What the kernel has decides which of these it is, so a program that calls the kernel
 * by itself only takes the signal from us. exec sets handlers to the default, and children of fork
 * keep ours. The alternate stacks of alternate.h are hidden in the same way.
 *
 * signals_take and the two that follow run on one thread at a time; the rest on any thread, in
 * signal handlers, in a child of vfork.
 */
#ifndef PRELOAD_SIGNALS_H
#define PRELOAD_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

typedef void signals_handler(int number, siginfo_t *info, void *context);

/* Handles NUMBER from now on, with every signal blocked that does not tell of a fault. FLAGS: for
 * sigaction, beside SA_SIGINFO. Returns false, having done nothing, if the program handles or
 * ignores it. */
bool signals_take(int number, signals_handler *handler, int flags);

/* Sets what was taken and is in force to the default; and the opposite. */
void signals_give_back(void);
void signals_take_again(void);

#endif
