/* SPDX-License-Identifier: MIT
 *
 * Running a program under the launcher: from the start of the process to its end, with signals,
 * terminal and status passed on both ways.
 */
#ifndef LAUNCHER_RUN_H
#define LAUNCHER_RUN_H

#include "cli.h"
#include "environment.h"
#include "signals.h"

/* Runs COMMAND with ENVIRONMENT, and prints NOTICE, if there is one, when it has begun. Returns its
 * exit status as a shell has it; if it could not be started, 126 or 127, with one line on standard
 * error. If the launcher can have none of what it needs to watch it (descriptors, processes), it
 * becomes the program instead: then this does not return, and neither does it when the user ended
 * the program by ^C: then the launcher ends in the same way, so that a script that runs it does. */
int run_command(char **command, struct environment *environment, const char *notice,
                struct signals *signals);

/* The verb `run`. */
int run_verb(const struct cli *cli, struct signals *signals);

#endif
