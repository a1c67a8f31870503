/* SPDX-License-Identifier: MIT
 *
 * Stacks of many kinds, for the tests of what walks them. Each function calls LEAF with ARG from
 * somewhere deep; how deep, DEPTH says.
 */
#ifndef FRAMES_H
#define FRAMES_H

#include <stddef.h>

typedef void frames_leaf(void *arg);

struct frames_kind {
    const char *name;
    void (*run)(frames_leaf *leaf, void *arg, int depth);
};

/* Plain recursion; frames of changing size (alloca); realigned frames; callbacks through libc's
 * qsort, bsearch and lfind; a signal handler, on the same and on an alternate stack; a coroutine
 * (makecontext); code with and without frame pointers. The list ends with a NULL name. */
extern const struct frames_kind frames_kinds[];

/* In frames_mixed.c, whose options are other ones. */
void frames_mixed(frames_leaf *leaf, void *arg, int depth);

/* The calling thread's return addresses as libunwind walks them, from this function outward. */
size_t frames_walk(void **ip, size_t max);

#endif
