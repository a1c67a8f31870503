/* SPDX-License-Identifier: MIT
 *
 * Whether the program's calls come to our hooks. They do not where something in front of us in the
 * search order defines the functions, too: a preloaded allocator, which can be rebound (rebind.h),
 * or the executable itself, whose own calls cannot.
 *
 * It also sees to C++'s operators where the real allocator brings its own: hooks_new.c.
 *
 * Once, as early as the loader may be asked; under the guard.
 */
#ifndef PRELOAD_INTERPOSE_H
#define PRELOAD_INTERPOSE_H

#include <stdbool.h>

/* Whether no other copy of this library is in front of us: two that see to each other's calls would
 * go round in circles, and only one can tell what the program does. At any time. */
bool interpose_is_first(void);

/* Finds out, rebinds if it can, and fills in the `taken_` and `rebound` members of `process`.
 * MAPPINGS: looks at the functions that map memory, too. */
void interpose_check(bool mappings);

#endif
