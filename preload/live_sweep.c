/* SPDX-License-Identifier: MIT
 *
 * What goes over the whole live table: ageing of births, giving pages back, and sums.
 */
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "clock.h"
#include "live_map.h"
#include "resident.h"

#define PAGE ((size_t)4096)
#define PAGE_SLOTS (PAGE / sizeof(live_slot))
#define PAGES (LIVE_SLOTS / PAGE_SLOTS)

/* Halves the births in N slots that are still in the unit of parity OLD_PARITY. */
static void age_slots(live_slot *slots, size_t n, uint64_t old_parity)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t word = atomic_load_explicit(&slots[i], memory_order_relaxed);
        while ((word & LIVE_PRESENT) && (word >> LIVE_PARITY_SHIFT & 1) == old_parity) {
            uint64_t aged =
                (word & (((uint64_t)1 << LIVE_BIRTH_SHIFT) - 1)) ^ (uint64_t)1 << LIVE_PARITY_SHIFT;
            aged |= live_birth(word >> LIVE_BIRTH_SHIFT, 1) << LIVE_BIRTH_SHIFT;
            if (atomic_compare_exchange_weak(&slots[i], &word, aged)) {
                break;
            }
        }
    }
}

/* Ages an array. What was never written holds no block, and reading it would only map it. PAGEMAP:
 * see resident.h. */
static void age_array(int pagemap, live_slot *slots, uint64_t old_parity)
{
    bool touched[PAGES];
    resident_touched(pagemap, slots, touched, PAGES);
    for (size_t i = 0; i < PAGES; i++) {
        if (touched[i]) {
            age_slots(&slots[i * PAGE_SLOTS], PAGE_SLOTS, old_parity);
        }
    }
}

void live_age(struct live *l, uint64_t now)
{
    uint32_t shift = atomic_load(&l->shift);
    if (now >> shift < LIVE_BIRTH_MASK - LIVE_BIRTH_MASK / 8) {
        return;
    }
    atomic_store(&l->shift, shift + 1);
    const int pagemap = resident_open();
    const struct live_map *m = atomic_load(&l->map);
    for (size_t i = 0; m && i <= m->mask; i++) {
        if (m->entry[i].key == 0) {
            continue;
        }
        struct live_region *region = m->entry[i].region;
        age_array(pagemap, region->primary, shift & 1);
        for (int o = 0; o < 4; o++) {
            live_slot *crowded = atomic_load(&region->crowded[o]);
            if (crowded) {
                age_array(pagemap, crowded, shift & 1);
            }
        }
    }
    resident_close(pagemap);
}

static bool page_is_empty(const live_slot *slots)
{
    uint64_t any = 0;
    for (size_t i = 0; i < PAGE_SLOTS; i++) {
        any |= atomic_load_explicit(&slots[i], memory_order_relaxed);
    }
    return any == 0;
}

static void give_back(live_slot *slots, size_t first, size_t end)
{
    if (first < end) {
        sys_call(SYS_madvise, (long)&slots[first * PAGE_SLOTS], (long)((end - first) * PAGE),
                 MADV_DONTNEED, 0, 0, 0);
    }
}

/* Gives back each run of resident pages of SLOTS that hold nothing. */
static void trim_region(live_slot *slots)
{
    unsigned char resident[PAGES];
    if (sys_call(SYS_mincore, (long)slots, (long)(PAGES * PAGE), (long)resident, 0, 0, 0) != 0) {
        return;
    }
    size_t first = 0;
    for (size_t i = 0; i < PAGES; i++) {
        if (!(resident[i] & 1) || !page_is_empty(&slots[i * PAGE_SLOTS])) {
            give_back(slots, first, i);
            first = i + 1;
        }
    }
    give_back(slots, first, PAGES);
}

static long membarrier(int command)
{
    return sys_call(SYS_membarrier, command, 0, 0, 0, 0, 0);
}

/* Every insertion looks at `sweep` before and after it writes. When all threads have passed a
 * barrier after `sweep` became odd, an insertion that has not looked the second time will see that,
 * and put its block in once more; of all others the slots can be seen here. */
bool live_trim(struct live *l, size_t *cursor, uint64_t budget)
{
    sys_sigset before;
    if (!sys_trylock(&l->lock, &before)) {
        return false;
    }
    bool through = true;
    const struct live_map *m = atomic_load(&l->map);
    const uint64_t start = clock_ticks();
    if (m && l->one_each && membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0) {
        atomic_fetch_add(&l->sweep, 1);
        bool safe = membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0;
        for (; safe && *cursor <= m->mask && clock_ticks() - start < budget; (*cursor)++) {
            if (atomic_load(&m->entry[*cursor].key) != 0) {
                trim_region(m->entry[*cursor].region->primary);
            }
        }
        through = !safe || *cursor > m->mask;
        atomic_fetch_add(&l->sweep, 1);
    }
    sys_unlock(&l->lock, before);
    return through;
}

void live_child(struct live *l)
{
    uint32_t sweep = atomic_load(&l->sweep);
    atomic_store(&l->sweep, sweep + sweep % 2);
}

struct sum {
    const struct live *l;
    const struct live_map *m;
    uint64_t bytes, count;
};

/* The size that the slot after the last of the region of KEY holds. */
static uint64_t size_beyond(const struct live_map *m, uintptr_t key)
{
    for (size_t i = 0; i <= m->mask; i++) {
        if (m->entry[i].key == key + 1) {
            return atomic_load_explicit(&m->entry[i].region->primary[0], memory_order_relaxed) >> 1;
        }
    }
    return 0;
}

/* Adds the block that SLOTS, of the map's entry E, has at I, if it has one. */
static void sum_slot(struct sum *sum, size_t e, const live_slot *slots, size_t i)
{
    const uint64_t word = atomic_load_explicit(&slots[i], memory_order_relaxed);
    const live_slot *sizes = sum->m->entry[e].region->primary;
    struct live_block block;
    live_decode(sum->l, word, &block);
    if (!(word & LIVE_PRESENT) || block.site == 0) {
        return;
    }
    if (word & LIVE_LARGE) {
        block.size = i + 1 < LIVE_SLOTS
                         ? atomic_load_explicit(&sizes[i + 1], memory_order_relaxed) >> 1
                         : size_beyond(sum->m, sum->m->entry[e].key);
    }
    sum->bytes += block.size;
    sum->count++;
}

static void sum_array(struct sum *sum, int pagemap, size_t e, const live_slot *slots)
{
    bool touched[PAGES];
    resident_touched(pagemap, slots, touched, PAGES);
    for (size_t i = 0; i < LIVE_SLOTS; i++) {
        if (touched[i / PAGE_SLOTS]) {
            sum_slot(sum, e, slots, i);
        }
    }
}

void live_sum(const struct live *l, uint64_t *bytes, uint64_t *count)
{
    struct sum sum = {.l = l, .m = atomic_load(&l->map)};
    const int pagemap = resident_open();
    for (size_t e = 0; sum.m && e <= sum.m->mask; e++) {
        if (sum.m->entry[e].key == 0) {
            continue;
        }
        const struct live_region *region = sum.m->entry[e].region;
        sum_array(&sum, pagemap, e, region->primary);
        for (int o = 0; o < 4; o++) {
            const live_slot *crowded = atomic_load(&region->crowded[o]);
            if (crowded) {
                sum_array(&sum, pagemap, e, crowded);
            }
        }
    }
    resident_close(pagemap);
    *bytes = sum.bytes;
    *count = sum.count;
}
