/* SPDX-License-Identifier: MIT
 *
 * Where the library and the report tool are: beside the launcher in a build tree, else where the
 * installation put them, seen from the launcher, so that an installed tree may be moved as a whole.
 */
#ifndef LAUNCHER_PLACES_H
#define LAUNCHER_PLACES_H

#include <limits.h>

struct places {
    char library[PATH_MAX]; /* libmemprof.so, absolute */
    char report[PATH_MAX];  /* memprof-report, absolute */
};

/* Ends the launcher with one line if the library is missing, or is at a path that LD_PRELOAD cannot
 * hold. */
void places_find(struct places *places);

#endif
