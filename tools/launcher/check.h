/* SPDX-License-Identifier: MIT
 *
 * The verb `check`: runs a program, once or several times, and has all dumps of its processes
 * judged by `memprof-report check`. The dumps live in a private directory, which is gone in the end
 * however the program, the judge or the launcher ended, but by SIGKILL.
 */
#ifndef LAUNCHER_CHECK_H
#define LAUNCHER_CHECK_H

#include "cli.h"
#include "signals.h"

/* Returns the program's exit status if that is not 0, else the judge's: 0, 1, or 2, which it is
 * also if there was nothing to judge; unless a test runner expects another (expected.h). One line
 * on standard error says why there is no verdict. */
int check_verb(const struct cli *cli, struct signals *signals);

#endif
