/* SPDX-License-Identifier: MIT */
#include "live_walk.h"

#include "live_map.h"
#include "resident.h"

#define REGION ((uintptr_t)1 << LIVE_REGION_BITS)
#define PAGE_SLOTS ((size_t)4096 / sizeof(live_slot))
#define PAGE_SHIFT 10 /* of slots */
#define PAGES (LIVE_SLOTS / PAGE_SLOTS)
#define SOME ((size_t)16) /* slots that are looked at together */
_Static_assert(PAGE_SLOTS == (size_t)1 << PAGE_SHIFT && PAGE_SLOTS % SOME == 0, "whole pages");
#define CROWDED 4

struct walk {
    const struct live_map *map;
    int pagemap;
    uintptr_t start, end;
    live_visit *visit;
    void *arg;
};

static void visit_slot(const struct walk *w, const struct live_region *region, uintptr_t key,
                       size_t index, uint32_t word)
{
    const uintptr_t address = (key - 1) * REGION + ((uintptr_t)index << LIVE_SLOT_BITS) +
                              ((uintptr_t)(word >> LIVE_OFFSET_SHIFT & 3) << 3);
    if (!(word & LIVE_PRESENT) || address < w->start || address >= w->end) {
        return;
    }
    struct live_block block = {.site = live_word_site(word), .size = live_word_size(word)};
    if (block.size == LIVE_LARGE) {
        block.size = live_large_size(&region->slot[index]);
    }
    w->visit(w->arg, address, &block);
}

/* The slots of ADDRESSES bytes. */
static size_t slots_of(uintptr_t addresses)
{
    return (size_t)(addresses + ((uintptr_t)1 << LIVE_SLOT_BITS) - 1) >> LIVE_SLOT_BITS;
}

/* Whether any of the SOME slots from SLOT on, which begin a cache line, holds a block. */
static bool any_of(const live_slot *slot)
{
    typedef uint64_t __attribute__((may_alias)) pair;
    const pair *const two = (const pair *)(const void *)slot;
    uint64_t all = 0;
#pragma GCC unroll 8
    for (size_t i = 0; i < SOME / 2; i++) {
        all |= __atomic_load_n(&two[i], __ATOMIC_RELAXED);
    }
    return (all & (LIVE_PRESENT | (uint64_t)LIVE_PRESENT << 32)) != 0;
}

/* Those of SLOTS, of KEY's region, that are in the walk's area. Most are empty: some at a time. */
static void walk_array(const struct walk *w, const struct live_region *region, uintptr_t key,
                       const live_slot *slots)
{
    const uintptr_t base = (key - 1) * REGION;
    const size_t pages_before =
        w->start > base ? (w->start - base) >> LIVE_SLOT_BITS >> PAGE_SHIFT : 0;
    const size_t end = w->end - base < REGION ? slots_of(w->end - base) : LIVE_SLOTS;
    const size_t pages = (end + PAGE_SLOTS - 1) / PAGE_SLOTS;
    bool touched[PAGES];
    resident_touched(w->pagemap, slots + pages_before * PAGE_SLOTS, touched, pages - pages_before);
    for (size_t page = pages_before; page < pages; page++) {
        if (!touched[page - pages_before]) {
            continue;
        }
        for (size_t i = page * PAGE_SLOTS; i < (page + 1) * PAGE_SLOTS; i += SOME) {
            if (likely(!any_of(&slots[i]))) {
                continue;
            }
            for (size_t k = i; k < i + SOME; k++) {
                const uint32_t word = atomic_load_explicit(&slots[k], memory_order_relaxed);
                visit_slot(w, region, key, k, word);
            }
        }
    }
}

/* The first region from KEY to LAST; beyond LAST if there is none. An area may be terabytes, with a
 * page here and there: then it takes less time to look at all regions that there are. */
static uintptr_t next_region(const struct live_map *m, uintptr_t key, uintptr_t last)
{
    if (last - key <= m->mask) {
        while (key <= last && !live_map_find(m, key)) {
            key++;
        }
        return key;
    }
    uintptr_t next = last + 1;
    for (size_t i = 0; i <= m->mask; i++) {
        const uintptr_t found = atomic_load_explicit(&m->entry[i].key, memory_order_relaxed);
        next = found >= key && found < next ? found : next;
    }
    return next;
}

void live_walk(const struct live *l, int pagemap, uintptr_t start, uintptr_t end, live_visit *visit,
               void *arg)
{
    const struct walk w = {atomic_load(&l->map), pagemap, start, end, visit, arg};
    if (!w.map || start >= end) {
        return;
    }
    const uintptr_t last = (end - 1) / REGION + 1;
    for (uintptr_t key = next_region(w.map, start / REGION + 1, last); key <= last;
         key = next_region(w.map, key + 1, last)) {
        const struct live_entry *of = live_map_find(w.map, key);
        if (!of) {
            continue;
        }
        walk_array(&w, of->region, key, of->region->slot);
        for (int i = 0; i < CROWDED; i++) {
            const live_slot *crowded = atomic_load(&of->crowded[i]);
            if (crowded) {
                walk_array(&w, of->region, key, crowded);
            }
        }
    }
}
