/* SPDX-License-Identifier: MIT
 *
 * Between footprint.c, which goes over areas, and footprint_heap.c, which takes the heap's apart.
 */
#ifndef PRELOAD_FOOTPRINT_HEAP_H
#define PRELOAD_FOOTPRINT_HEAP_H

#include "live.h"
#include "resident.h"

#define FOOTPRINT_WINDOW ((uintptr_t)1 << LIVE_REGION_BITS)
#define FOOTPRINT_WINDOW_PAGES (FOOTPRINT_WINDOW / 4096)

/* What is resident of the blocks in one area. */
struct footprint_heap {
    const struct live *live;
    int pagemap;
    bool glibc;
    struct resident_area spread; /* if not empty, pages are not looked at */
    uintptr_t start, end;        /* of the segment that is the heap's as a whole; equal: none */
    uint64_t blocks;             /* how many begin in the area */
    /* In the segment: requested, and taken beyond that. */
    uint64_t requested, rounding;
    /* Outside: requested, and the pages that they lie on. */
    uint64_t outside_requested, outside_pages;
    uintptr_t page_done; /* up to where pages outside have been counted */
    uintptr_t window;    /* that `there` is of; 0: none */
    bool there[FOOTPRINT_WINDOW_PAGES];
};

/* Goes over the blocks from FROM up to TO. */
void footprint_heap_walk(struct footprint_heap *h, uintptr_t from, uintptr_t to);

#endif
