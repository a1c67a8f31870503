/* SPDX-License-Identifier: MIT
 *
 * Which processes are judged, by the names of their programs. These are at the front of the names
 * of their dumps: PROGRAM.PID.json, or PROGRAM.PID.execN.json of one that became another program.
 * The latter are never judged: nobody frees memory before exec.
 */
#ifndef LAUNCHER_CHOICE_H
#define LAUNCHER_CHOICE_H

#include <stdbool.h>

/* Whether the program of the dump at PATH matches one of ONLY, if there are such, and none of SKIP:
 * globs with commas between, or NULL. */
bool choice_has(const char *path, const char *only, const char *skip);

#endif
