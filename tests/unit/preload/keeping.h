/* SPDX-License-Identifier: MIT
 *
 * A launcher's end of vaults, for tests: a socket in the test's directory, and what arrives there.
 */
#ifndef KEEPING_H
#define KEEPING_H

/* Begins to listen. Returns the socket's path. */
const char *keeping_begin(void);
void keeping_end(void);

/* The descriptor that has been handed over, to be closed; -1 if there is none. */
int keeping_receive(void);

#endif
