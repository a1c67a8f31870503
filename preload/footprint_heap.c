/* SPDX-License-Identifier: MIT */
#include "footprint_heap.h"

#include "count.h"
#include "live_walk.h"

#define PAGE ((uintptr_t)4096)

/* Looks up which pages are resident around ADDRESS. */
static bool load_window(struct footprint_heap *h, uintptr_t address)
{
    const uintptr_t window = address & ~(FOOTPRINT_WINDOW - 1);
    if (h->window != window) {
        h->window = window;
        if (!resident_pages(h->pagemap, (const void *)window, h->there, FOOTPRINT_WINDOW_PAGES)) {
            h->window = 0;
        }
    }
    return h->window != 0;
}

/* Resident bytes of whole pages from START up to END, which lie in any window. */
static uint64_t resident_beyond(const struct footprint_heap *h, uintptr_t start, uintptr_t end)
{
    const int64_t bytes = resident_mapped(h->pagemap, (const void *)start, end - start);
    return bytes < 0 ? 0 : (uint64_t)bytes < end - start ? (uint64_t)bytes : end - start;
}

/* Resident bytes from START up to END. */
static uint64_t resident(struct footprint_heap *h, uintptr_t start, uintptr_t end)
{
    uint64_t bytes = 0;
    if (unlikely(h->spread.size != 0)) {
        return resident_share(&h->spread, end - start);
    }
    while (start < end && load_window(h, start)) {
        const uintptr_t window_end = h->window + FOOTPRINT_WINDOW;
        const uintptr_t limit = end < window_end ? end : window_end;
        for (uintptr_t next; start < limit; start = next) {
            next = (start & ~(PAGE - 1)) + PAGE;
            next = next < limit ? next : limit;
            bytes += h->there[(start - h->window) / PAGE] ? next - start : 0;
        }
        if (start < end) {
            return bytes + resident_beyond(h, start, end);
        }
    }
    return bytes;
}

/* What glibc takes for a block of SIZE bytes, see footprint.h. */
static uint64_t taken(uint64_t size)
{
    const uint64_t chunk = (size + 8 + 15) & ~(uint64_t)15;
    return chunk < 32 ? 32 : chunk;
}

static void visit(void *arg, uintptr_t address, const struct live_block *block)
{
    struct footprint_heap *h = arg;
    const uint64_t size = block->size;
    const uintptr_t end = address + size;
    h->blocks++;
    if (end < address || block->site == SITE_UNCOUNTED) {
        return; /* what is in no count is not among the live bytes */
    }
    if (address >= h->start && address < h->end) {
        const bool there = load_window(h, address) && h->there[(address - h->window) / PAGE];
        const bool one_page = address / PAGE == (end - 1) / PAGE || size == 0;
        h->requested += one_page ? (there ? size : 0) : resident(h, address, end);
        h->rounding += h->glibc && there ? taken(size) - size : 0;
        return;
    }
    /* Its header is on the page before where the block is aligned to a page. */
    uintptr_t first = (address - 16) & ~(PAGE - 1), last = (end + PAGE - 1) & ~(PAGE - 1);
    first = first > h->page_done ? first : h->page_done;
    h->outside_requested += resident(h, address, end);
    if (first < last) {
        h->outside_pages += resident(h, first, last);
        h->page_done = last;
    }
}

void footprint_heap_walk(struct footprint_heap *h, uintptr_t from, uintptr_t to)
{
    live_walk(h->live, h->pagemap, from, to, visit, h);
}
