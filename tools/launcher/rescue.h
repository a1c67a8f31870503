/* SPDX-License-Identifier: MIT
 *
 * Writing the dumps of processes that were killed, each by a helper process of its own (recover.h):
 * what the dead left is not trusted, and has to lie where it lay in their memory. A few run at a
 * time; the others wait. A helper that fails says why in one line; if it dies, it is said here.
 *
 * One thread. Owns what it is given, the pipes by which the end of helpers is seen, and nothing
 * else: their statuses go to whoever waits for children.
 */
#ifndef LAUNCHER_RESCUE_H
#define LAUNCHER_RESCUE_H

#include "loop.h"

#include <stdbool.h>
#include <sys/types.h>

struct rescue;

struct rescues {
    struct loop *loop;
    struct rescue *running, *queue;
    unsigned n; /* running */
};

void rescues_begin(struct rescues *rescues, struct loop *loop);

/* Has the dump of process PID written from the vault VAULT, a descriptor that is closed when it is
 * done. REPLACED: see salvage_dump. */
void rescues_add(struct rescues *rescues, pid_t pid, int vault, bool replaced);

/* Waits until all are done. */
void rescues_end(struct rescues *rescues);

#endif
