/* SPDX-License-Identifier: MIT
 *
 * Hands a descriptor to the launcher: a message over a unix socket that is open only for that.
 * Raw system calls; any time. Waits for a launcher that does not accept, but not for long; never
 * for an answer.
 */
#ifndef PRELOAD_VAULT_SEND_H
#define PRELOAD_VAULT_SEND_H

#include <stddef.h>

/* Sends the SIZE bytes at MESSAGE and descriptor FD to the socket PATH (SOCK_SEQPACKET). Returns 0
 * or a negative errno. */
int vault_send(const char *path, void *message, size_t size, int fd);

#endif
