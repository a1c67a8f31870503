/* SPDX-License-Identifier: MIT
 *
 * Starting a process as a shell does: in the launcher's process group, with the signal mask and the
 * dispositions that the launcher itself was started with, and with no descriptor of the launcher's.
 */
#ifndef LAUNCHER_CHILD_H
#define LAUNCHER_CHILD_H

#include "signals.h"

#include <sys/types.h>

/* Statuses of a program that could not be started, as shells have them. */
enum { CHILD_NOT_EXECUTABLE = 126, CHILD_NOT_FOUND = 127 };

/* Becomes ARGV[0], looked for in PATH, with ENVP. A text file that is executable but names no
 * interpreter is given to the shell, as execvp(3) does. Returns with errno set if that fails. */
void child_exec(char **argv, char **envp);

/* Does this in a new process. Returns its id, or -1 with errno set: then FORKED says whether it was
 * the program that could not be executed. */
pid_t child_start(char **argv, char **envp, const struct signals *signals, bool *forked);

/* Exit status that a shell has for a program that failed to start with ERROR. */
int child_exec_status(int error);

/* Exit status that a shell has for STATUS of waitpid(2). */
int child_status(int status);

#endif
