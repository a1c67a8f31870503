/* SPDX-License-Identifier: MIT
 *
 * Memory for those regions of the live table that will be used whole: a heap that grows will touch
 * all of it. It is asked for in huge pages, one fault for each instead of 512. On a virtual machine
 * that hands free memory back to its host a huge page may take longer to come than 512 small ones,
 * which are more likely to be of what was freed just now: where the first of a slab comes slowly,
 * and so does the next, it is small ones from there on, a piece at once.
 *
 * Under the table's lock.
 */
#ifndef PRELOAD_LIVE_SLAB_H
#define PRELOAD_LIVE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

#define LIVE_HUGE_PAGE ((uintptr_t)2 << 20)

struct live_slab {
    char *next;
    size_t left;
    unsigned slow; /* so many of the last huge pages came slowly */
    bool small;    /* pages, from now on */
};

/* SIZE bytes of zeros, which are never given back; NULL without memory. */
void *live_slab_take(struct live_slab *s, struct arena_pool *pool, size_t size);

/* A huge page of what S holds took TICKS to come. */
void live_slab_judge(struct live_slab *s, uint64_t ticks);

#endif
