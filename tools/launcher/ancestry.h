/* SPDX-License-Identifier: MIT
 *
 * Who descends from whom, by /proc. Where it is not mounted nobody descends from anybody.
 */
#ifndef LAUNCHER_ANCESTRY_H
#define LAUNCHER_ANCESTRY_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether PID is ANCESTOR or a descendant of it. A process that has ended is not. */
bool ancestry_has(pid_t pid, pid_t ancestor);

#endif
