/* SPDX-License-Identifier: MIT
 *
 * Children that share none of this process's memory, and come back from where they were made: what
 * the recorder is to do around it, so that a child made by a handler that interrupted the recorder
 * can go on in it. pthread_atfork tells of fork; of _Fork and raw system calls the hooks.
 */
#ifndef PRELOAD_FORKS_H
#define PRELOAD_FORKS_H

#include <stdbool.h>

/* Looks _Fork up, for it may be called by handlers. When libraries can be asked; may allocate. */
void forks_resolve(void);

/* Once, when recording begins; may allocate. */
void forks_begin(void);

/* Around a call that is going to make such a child, and returned RESULT: 0 in the child. In a
 * signal handler, too; errno is kept. */
void forks_before(void);
void forks_after(long result);

/* Whether the system call NUMBER with arguments A makes such a child. */
bool forks_is_call(long number, const long *a);

#endif
