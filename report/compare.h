/* SPDX-License-Identifier: MIT
 *
 * Which stack of a new set is which of an old one. Each has one partner at most:
 *
 *   exact    the same identity;
 *   moved    the same functions, called from other lines of them;
 *   similar  the longest common part: a frame in the middle or at the inner end was changed, or is
 *            missing in one of them (a tail call, other inlining), or a function was renamed.
 *
 * Of dumps of the same build, by build-ids, only exact ones are partners: no code has moved. What
 * is left over is new, or gone. The better partner wins, and the result depends on nothing but the
 * two sets. Does not fail (memory.h).
 */
#ifndef REPORT_COMPARE_H
#define REPORT_COMPARE_H

#include "stackset.h"

enum compare_match { COMPARE_ALONE, COMPARE_EXACT, COMPARE_MOVED, COMPARE_SIMILAR };

struct compare_row {
    const struct stackset_entry *old, *new; /* one may be NULL */
    enum compare_match match;
};

/* First the stacks of the new set in their order, then those of the old set without a partner. */
struct comparison {
    const struct stackset *old, *new;
    struct compare_row *rows;
    size_t n;
    /* Stacks that the optimizer made one of in one of the builds: their sums stand in rows instead
     * of the sets' own entries, and have no rows of their own. */
    struct stackset_entry **sums;
    size_t nsums, sum_capacity;
};

/* OLD and NEW must share their identities, be sorted, and outlive the comparison. */
struct comparison compare(const struct stackset *old, const struct stackset *new);
void comparison_free(struct comparison *c);

#endif
