/* SPDX-License-Identifier: MIT
 *
 * Finding partners step by step; for compare.c and its parts.
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
    /* Of stacks that are several on the other side: what these are together. By entry of the new
     * set; NULL: nothing. */
    struct stackset_entry **old_sum, **new_sum;
    bool *absorbed; /* by entry of the new set: is part of a sum */
};

/* The entries of either set whose stacks are of the same functions, in the order of their lines. */
struct compare_group {
    const uint32_t *old, *new;
    size_t nold, nnew;
};

/* Calls VISIT for each group of S. */
void compare_each_group(const struct stackset *s,
                        void (*visit)(void *arg, const uint32_t *entries, size_t n), void *arg);

/* Calls VISIT for each group that has entries in both sets. */
void compare_groups(struct matching *m,
                    void (*visit)(struct matching *m, const struct compare_group *g));

/* Whether all stacks are from dumps, of one build of whatever is in both: then no line has moved,
 * and stacks that are not the same are others. */
bool compare_same_build(const struct stackset *old, const struct stackset *new);

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

/* The longest common part of stacks. */
#define COMPARE_MIDDLE 256 /* frames between the common ends that are compared one by one */
struct compare_common {
    const struct identities *t;
    uint64_t steps; /* taken */
    /* Two stacks, outermost first, and the table of their comparison. */
    uint32_t *x, *y;
    size_t x_capacity, y_capacity;
    unsigned table[2][COMPARE_MIDDLE + 1];
};

/* To take two stacks for the same; with blocks of the same size. */
#define COMPARE_ENOUGH 600
#define COMPARE_ENOUGH_OF_ALIKE 500

/* How much of the longer one of the stacks A and B is common, in thousandths. */
unsigned compare_share(struct compare_common *s, uint32_t a, uint32_t b);
bool compare_has_steps(const struct compare_common *s);
void compare_common_free(struct compare_common *s);

/* Pairs stacks by their longest common part, if that is enough of them. */
void compare_similar(struct matching *m);

/* Optimizers make one call of two alike, in one build and not in the other. Where a stack has
 * exactly what its partner and others of its partner's functions, left over so far, have together,
 * these are taken for it. */
void compare_merged(struct matching *m);

/* The same where stacks are of other functions, since some in between were called by a jump, and
 * where what one has more others have less, exactly: all of these are taken for what they were. Of
 * sets of live blocks alone, if some stack has moved; last of all. */
void compare_balanced(struct matching *m);

#endif
