/* SPDX-License-Identifier: MIT
 *
 * Finds the directory of the project that a dump is of: the deepest one that has all sources of the
 * main program that are on this machine.
 */
#ifndef REPORT_ROOT_H
#define REPORT_ROOT_H

#include "model.h"

struct sources;

/* The directory, without a slash at its end, to be freed; NULL if the program's sources are not
 * here, or have nothing but / in common. Headers of the system do not count. */
char *root_guess(const struct model *m, struct sources *sources);

#endif
