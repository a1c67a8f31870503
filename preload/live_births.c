/* SPDX-License-Identifier: MIT */
#include "live_births.h"

#include "live.h"

#define SPARE ((size_t)64 << 10)

/* Memory for lines, of which `used` are handed out; more than there are where several threads came
 * for the last. */
struct live_spare {
    _Atomic size_t used;
    struct live_line line[(SPARE - sizeof(struct live_line)) / sizeof(struct live_line)]
        __attribute__((aligned(sizeof(struct live_line))));
};

#define SPARE_LINES (sizeof((struct live_spare *)0)->line / sizeof(struct live_line))
#define TAG_BITS (LIVE_LINE_BITS - 3 + 1) /* which 8 bytes of a line, and the 1 */

static uint64_t tag_of(uintptr_t address)
{
    return (address >> 3 & (((uintptr_t)1 << (LIVE_LINE_BITS - 3)) - 1)) << 1 | 1;
}

/* Where in each line of a chain a block at ADDRESS has its place: there only, so that it is found
 * without looking at the others. */
static size_t place_of(uintptr_t address)
{
    const uintptr_t within = address & (((uintptr_t)1 << LIVE_LINE_BITS) - 1);
    return within * LIVE_LINE_BIRTHS >> LIVE_LINE_BITS;
}

static struct live_line *line_of(struct live_line *lines, uintptr_t address)
{
    return &lines[address >> LIVE_LINE_BITS & (LIVE_LINES - 1)];
}

/* Other spare lines in the place of OLD, which are used up. Returns false without memory. */
static bool more_spare(struct live *l, struct live_spare *old)
{
    const sys_sigset before = sys_lock(&l->lock);
    struct live_spare *spare = atomic_load(&l->spare);
    if (spare == old) {
        spare = arena_pool_map(l->pool, sizeof *spare);
        if (spare) {
            atomic_store(&l->spare, spare);
        }
    }
    sys_unlock(&l->lock, before);
    return spare != NULL;
}

void live_births_init(struct live *l)
{
    more_spare(l, NULL); /* or when they are needed */
}

static struct live_line *spare_line(struct live *l)
{
    for (;;) {
        struct live_spare *spare = atomic_load_explicit(&l->spare, memory_order_acquire);
        const size_t i = spare ? atomic_fetch_add(&spare->used, 1) : SPARE_LINES;
        if (likely(i < SPARE_LINES)) {
            return &spare->line[i];
        }
        if (!more_spare(l, spare)) {
            return NULL;
        }
    }
}

/* The line after LINE, which is chained to it if there is none. NULL without memory. */
static struct live_line *next_line(struct live *l, struct live_line *line)
{
    struct live_line *next = atomic_load_explicit(&line->next, memory_order_acquire);
    if (!next) {
        struct live_line *spare = spare_line(l);
        /* Of several threads one comes first, and the line of the others stays unused. */
        if (spare && atomic_compare_exchange_strong(&line->next, &next, spare)) {
            next = spare;
        }
    }
    return next;
}

/* Claims PLACE for BIRTH. Alone a thread needs no locked instruction, which waits for all memory
 * accesses before it; should another come between, the worst is a birth that is not found. */
static inline bool claim(_Atomic uint64_t *place, uint64_t birth, bool alone)
{
    uint64_t found = atomic_load_explicit(place, memory_order_relaxed);
    if (found == 0 && alone) {
        atomic_store_explicit(place, birth, memory_order_relaxed);
        return true;
    }
    return found == 0 && atomic_compare_exchange_strong_explicit(
                             place, &found, birth, memory_order_relaxed, memory_order_relaxed);
}

/* In the lines after LINE. */
static __attribute__((noinline)) void put_further(struct live *l, struct live_line *line, size_t i,
                                                  uint64_t birth, bool alone)
{
    do {
        line = next_line(l, line);
    } while (line && !claim(&line->birth[i], birth, alone));
}

void live_births_put(struct live *l, struct live_line *lines, uintptr_t address, uint64_t stamp,
                     bool alone)
{
    const uint64_t birth = stamp << TAG_BITS | tag_of(address);
    const size_t i = place_of(address);
    struct live_line *line = line_of(lines, address);
    if (unlikely(!claim(&line->birth[i], birth, alone))) {
        put_further(l, line, i, birth, alone);
    }
}

uint64_t live_births_take(struct live_line *lines, uintptr_t address)
{
    const uint64_t tag = tag_of(address), mask = ((uint64_t)1 << TAG_BITS) - 1;
    const size_t i = place_of(address);
    struct live_line *line = line_of(lines, address);
    do {
        const uint64_t found = atomic_load_explicit(&line->birth[i], memory_order_relaxed);
        if (likely((found & mask) == tag)) {
            atomic_store_explicit(&line->birth[i], 0, memory_order_relaxed);
            return found >> TAG_BITS;
        }
        line = atomic_load_explicit(&line->next, memory_order_acquire);
    } while (line);
    return 0;
}
