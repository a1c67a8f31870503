/* SPDX-License-Identifier: MIT
 *
 * Finding partners step by step; between compare.c, compare_moved.c and compare_similar.c.
 */
#ifndef REPORT_COMPARE_PARTS_H
#define REPORT_COMPARE_PARTS_H

#include "compare.h"

#define COMPARE_FREE SIZE_MAX

struct matching {
    const struct stackset *old, *new;
    size_t *partner;           /* by entry of the new set: of the old one; or COMPARE_FREE */
    enum compare_match *match; /* by entry of the new set */
    bool *taken;               /* by entry of the old set */
};

static inline void compare_pair(struct matching *m, size_t old, size_t new, enum compare_match how)
{
    m->partner[new] = old;
    m->match[new] = how;
    m->taken[old] = true;
}

/* How alike the blocks of two stacks are: 2: as many of the same size; 1: of the same size; 0. What
 * a line allocates says more of which line it is than its number. */
unsigned compare_blocks(const struct matching *m, size_t old, size_t new);

/* Pairs stacks of the same functions, called from other lines. Of several, those are partners that
 * hold alike blocks and have moved least, in the order of their lines. */
void compare_moved(struct matching *m);

/* Pairs stacks by their longest common part, if that is enough of them. */
void compare_similar(struct matching *m);

#endif
