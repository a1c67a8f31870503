/* SPDX-License-Identifier: MIT
 *
 * One side of a comparison: the stacks of a dump, of several dumps together, or of a baseline, with
 * whatever is needed to print them. A line on standard error has said why, when a file cannot be
 * used. Not thread-safe.
 */
#ifndef REPORT_SIDE_H
#define REPORT_SIDE_H

#include "job.h"
#include "stackset.h"

struct side {
    struct stackset *stacks; /* sorted */
    struct job *jobs;        /* of the dumps; none for a baseline */
    size_t njobs;
};

/* Opens the N dumps at PATHS, or the one baseline; all must outlive it. KEEP (may be NULL) says
 * which of the dumps' stacks count. Sides that are to be compared share IDENTITIES. Returns 0, or
 * -1: nothing is to be closed then. */
int side_open(struct side *s, const struct options *options, char *const *paths, size_t n,
              struct identities *identities, stackset_filter *keep, void *arg);
void side_close(struct side *s);

#endif
