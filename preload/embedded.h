/* SPDX-License-Identifier: MIT
 *
 * What the program itself wants a leak checker to leave alone: the text that its
 * __lsan_default_suppressions() returns, in the syntax of LeakSanitizer's suppression files.
 * Programs bring this function for LeakSanitizer; it is found only if they export it, as shared
 * libraries do and executables that are linked with -rdynamic.
 *
 * It is the program's code: asked once, at a normal exit, where its own exit handlers have just
 * run, and never in a child of fork, in a signal handler or before a death.
 */
#ifndef PRELOAD_EMBEDDED_H
#define PRELOAD_EMBEDDED_H

/* Asks, unless that was done. Under the guard, with guard_tls.internal set: it may allocate. */
void embedded_ask(void);

/* What was answered; NULL: nothing, or nobody was asked. Any thread. */
const char *embedded_suppressions(void);

#endif
