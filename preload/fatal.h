/* SPDX-License-Identifier: MIT
 *
 * A last dump when a signal ends the program, where the program leaves the signal at its default;
 * then the death that it would have died without us: the same signal with the same siginfo is
 * queued again, to be delivered as the handler returns to where it interrupted the program. So
 * status, core, and what the core says of place and cause stay the same.
 *
 * The handler takes no lock without a limit of time, allocates nothing, and writes the dump on a
 * stack of its own: there may be none left, or little. A signal sent to a thread that is inside the
 * recorder is put off, by a timer, until the recorder is through. If the handler itself
 * faults, what it does is given up, and the original death happens. Of several threads that die at
 * once the first writes, the others wait for the end.
 */
#ifndef PRELOAD_FATAL_H
#define PRELOAD_FATAL_H

#include <signal.h>

/* Takes the signals that end a program, as far as they are at their default. Once, as the program
 * starts. */
void fatal_begin(void);

/* In a handler: lets signal NUMBER do what it does by default, as soon as the handler returns. */
void fatal_default(int number, const siginfo_t *info);

#endif
