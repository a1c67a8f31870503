/* SPDX-License-Identifier: MIT
 *
 * Several runs of one program, judged together: what is not in each of them was chance. Each run
 * has a gate; they share their identities. Does not fail (memory.h).
 */
#ifndef REPORT_GATE_REPEATED_H
#define REPORT_GATE_REPEATED_H

#include "gate.h"

/* OPTIONS parted into runs, by the directories of the dumps, in the order in which they are named;
 * without --repeated there is one run. To be freed by repeated_free. */
struct options *repeated_runs(const struct options *options, size_t *n);
void repeated_free(struct options *runs, size_t n);

/* Leaves of each run's leaks those stacks that leak in all of the N, with the least that they leak
 * in any. Before the runs are judged. */
void repeated_keep_common(struct gate *runs, size_t n);

/* Takes those failures out of the last run's verdict that are not in each. */
void repeated_merge(struct gate *runs, size_t n);

#endif
