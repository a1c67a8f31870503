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

/* Finds out, rebinds if it can, and fills in the `taken_` and `rebound` members of `process`.
 * MAPPINGS: looks at the functions that map memory, too. */
void interpose_check(bool mappings);

#endif
