/* SPDX-License-Identifier: MIT
 *
 * The map of the live table's regions, for live.c, which owns it, and live_sweep.c, which goes over
 * all of them. Entries are never taken out; a map that was replaced stays mapped.
 */
#ifndef PRELOAD_LIVE_MAP_H
#define PRELOAD_LIVE_MAP_H

#include "live.h"

struct live_map {
    size_t mask, used;
    struct {
        _Atomic uintptr_t key; /* address >> LIVE_REGION_BITS, plus 1; 0: empty */
        struct live_region *region;
    } entry[];
};

#endif
