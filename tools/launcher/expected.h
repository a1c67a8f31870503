/* SPDX-License-Identifier: MIT
 *
 * What a test runner makes of an exit status: a test that is to fail passes with whatever fails,
 * and one status may mean that the test was skipped. There a leak has to be told in another way, or
 * it would pass. Said by two variables, which the CMake package sets for ctest's tests, and which
 * the program does not see.
 */
#ifndef LAUNCHER_EXPECTED_H
#define LAUNCHER_EXPECTED_H

#include <stdbool.h>

struct expected {
    bool failure; /* MEMPROF_CHECK_WILL_FAIL: the program's */
    int skip; /* MEMPROF_CHECK_SKIP_STATUS: the program's for a test that was skipped; -1: none */
};

/* Reads the variables and takes them out of the environment. Ends the launcher if one is wrong. */
struct expected expected_take(void);

/* The exit status for one of the PROGRAM's and one of the judge's. */
int expected_status(const struct expected *e, int program, int judge);

#endif
