/* SPDX-License-Identifier: MIT
 *
 * The map of the live table's regions, for live.c, which owns it, live_sweep.c, which goes over
 * all of them, and live_walk.c. Entries are never taken out; a map that was replaced stays mapped.
 */
#ifndef PRELOAD_LIVE_MAP_H
#define PRELOAD_LIVE_MAP_H

#include "live.h"

struct live_map {
    size_t mask, used;
    struct {
        _Atomic uintptr_t key; /* address >> LIVE_REGION_BITS, plus 1; 0: empty */
        struct live_entry *of;
    } entry[];
};

static inline size_t live_map_start(const struct live_map *m, uintptr_t key)
{
    return (size_t)((key * 0x9e3779b97f4a7c15u) >> 32) & m->mask;
}

/* The region KEY; NULL if there is none. */
static inline struct live_entry *live_map_find(const struct live_map *m, uintptr_t key)
{
    for (size_t i = live_map_start(m, key);; i = (i + 1) & m->mask) {
        uintptr_t found = atomic_load_explicit(&m->entry[i].key, memory_order_acquire);
        if (found == key) {
            return m->entry[i].of;
        }
        if (found == 0) {
            return NULL;
        }
    }
}

#endif
