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

#define RUN_NOTICE 1400

/* What is to be run, and how. */
struct run {
    char **command;
    struct environment *environment;
    struct signals *signals;
    const char *notice; /* printed when the program has begun; NULL or "": nothing */
    bool recorded;      /* its state is to be kept, so that a dump is there if it is killed */
    bool replace;       /* become the program where there is nothing to watch it with */
};

/* Runs to the end of the program. Returns its exit status as a shell has it; if it could not be
 * started, 126 or 127, with one line on standard error. If the launcher can have none of what it
 * needs (descriptors, processes) and is to be replaced, this does not return. */
int run_command(const struct run *run);

/* If it was ^C that ended the program, ends the launcher in the same way, so that a script that
 * runs it ends, too; without effect in the first process of a container. */
void run_end_interrupted(struct signals *signals);

/* Makes ENVIRONMENT what the command of CLI is to have: the library preloaded, unless that would do
 * harm, and the variables of the options. In NOTICE: why there will be no profile, as far as that
 * is known beforehand. */
void run_prepare(const struct cli *cli, struct environment *environment, char notice[RUN_NOTICE]);

/* Has dumps written to DIRECTORY/NAME; in NAME % has its meaning. */
void run_set_out(struct environment *environment, const char *directory, const char *name);

/* The verb `run`. */
int run_verb(const struct cli *cli, struct signals *signals);

#endif
