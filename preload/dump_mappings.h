/* SPDX-License-Identifier: MIT
 *
 * The dump's `mmap_sites`: what mappings.h counted, in the form of `sites`. All figures are added
 * up at one instant, so they are exact, whatever other threads do.
 */
#ifndef PRELOAD_DUMP_MAPPINGS_H
#define PRELOAD_DUMP_MAPPINGS_H

#include <stddef.h>

#include "dump_sites.h"

struct dump_mappings {
    struct dump_sites sites; /* its `first` is what is mapped for this */
    struct dump_sums *sums;  /* of each */
    struct dump_totals totals;
    uint64_t peak_ticks;
    uint64_t inherited_count, inherited_bytes, inherited_free_count;
};

/* Returns 0; -1 without memory, or if whoever changes the figures does not get on. HEAP tells which
 * frames will be in the dump: sites that came later are left out. */
int dump_mappings_begin(struct dump_mappings *d, struct recorder *r, const struct dump_sites *heap);
/* Writes the sites and fills in the totals. */
void dump_mappings_write(struct dump_mappings *d, struct json *j, const struct recorder *r);
void dump_mappings_end(struct dump_mappings *d);

#endif
