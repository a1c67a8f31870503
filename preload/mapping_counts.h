/* SPDX-License-Identifier: MIT
 *
 * What was mapped and unmapped, by site: a shard (shard.h) for each, all of them under one lock,
 * and a peak of their own, which is exact. The sums go into the dump's `mmap_sites` and
 * `mmap_totals`.
 *
 * A mapping counts as given back when the last of it is unmapped, its bytes as they are.
 *
 * Under the lock of mappings.h.
 */
#ifndef PRELOAD_MAPPING_COUNTS_H
#define PRELOAD_MAPPING_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "idtable.h"
#include "peak.h"
#include "shard.h"
#include "sites.h"

struct mapping_counts {
    struct idtable shards; /* of struct shard */
    struct arena arena;    /* for their histograms */
    struct peak peak;
    struct peak_share share;
    uint64_t live_before; /* how many were live of the shard that is being changed, before */
    const struct clock *clock;
    const struct sites *sites;
    /* Calls that could not be recorded; that unmapped what was not known; mappings that were found
     * to be gone. */
    uint64_t dropped_count, unknown_free_count, missed_free_count;
    /* What a forked process took over from its parent, and gave back. */
    uint64_t inherited_count, inherited_bytes, inherited_free_count, inherited_freed_bytes;
};

/* Begins at 0. Returns -1 without memory. */
int mapping_counts_init(struct mapping_counts *c, struct arena_pool *pool,
                        const struct clock *clock, const struct sites *sites);

/* Whose call it is, and what it was. */
struct mapping_call {
    uint32_t site;   /* of sites_intern; 0: not known, counted as dropped */
    uint32_t thread; /* its serial */
    bool reallocated;
};

/* BYTES came to be mapped. Returns false if there is no memory to count them. */
bool mapping_counts_add(struct mapping_counts *c, const struct mapping_call *call, uint64_t bytes);

void mapping_counts_failed(struct mapping_counts *c, uint32_t site);

/* BYTES of a mapping by SITE, which was born at BIRTH, are gone; LAST: nothing is left of it. */
void mapping_counts_remove(struct mapping_counts *c, uint32_t site, uint64_t bytes, bool last,
                           uint64_t birth);

#endif
