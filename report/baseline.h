/* SPDX-License-Identifier: MIT
 *
 * Baselines: what a set of stacks is, in a small file that people commit. JSON, sorted, a few lines
 * for each stack, without addresses, paths, dates or anything else that changes by itself:
 *
 *     { "format": "memprof-baseline", "version": 1, "stacks": "live", "mean_bytes": 0,
 *       "totals": { "alloc_count": 12, .. },
 *       "entries": [ { "live_count": 1, "live_bytes": 48, "stack": ["app`node_new+3", ..] }, .. ] }
 *
 * A frame is MODULE`FUNCTION+LINE, innermost first (identity.h); function and line may be missing.
 * "stacks" is "live" (those that hold blocks, with what they hold) or "all" (with all counters).
 * Of mappings instead of blocks "of" is "mappings". Where "leak_kinds" is true, entries have their
 * live blocks by kind, too, as definite_count, definite_bytes and so on. Counters that are 0 are
 * left out. A baseline of sampled dumps has their mean_bytes, and standard errors as NAME_se. Does
 * not fail but as said (memory.h).
 */
#ifndef REPORT_BASELINE_H
#define REPORT_BASELINE_H

#include "input.h"
#include "stackset.h"

#include <stdbool.h>
#include <stdio.h>

#define BASELINE_FORMAT "memprof-baseline"
#define BASELINE_VERSION 1
#define BASELINE_OF_MAPPINGS "mappings"

/* Writes the sorted set S. Write errors stay in the stream. */
void baseline_write(FILE *out, const struct stackset *s);

/* Puts the sorted set S in the place of the file PATH, whole or not at all. Returns 0, or -1 with
 * the reason in ERROR. */
int baseline_save(const struct stackset *s, const char *path, struct error *error);

/* Whether what IN begins with is a baseline; nothing is consumed. False as well if it cannot be
 * read. */
bool baseline_is_next(struct input *in);

/* Reads IN into the empty set S, without sorting it. Returns 0, or -1 with the reason in ERROR. */
int baseline_read(struct stackset *s, struct input *in, struct error *error);

#endif
