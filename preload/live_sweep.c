/* SPDX-License-Identifier: MIT
 *
 * What goes over the whole live table: giving pages back, and sums.
 */
#include <linux/membarrier.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "clock.h"
#include "live_map.h"
#include "resident.h"

#define PAGE ((size_t)4096)
#define PAGE_SLOTS (PAGE / sizeof(live_slot))
#define PAGES (LIVE_SLOTS / PAGE_SLOTS)

static bool page_is_empty(const live_slot *slots)
{
    uint32_t any = 0;
    for (size_t i = 0; i < PAGE_SLOTS; i++) {
        any |= atomic_load_explicit(&slots[i], memory_order_relaxed);
    }
    return any == 0;
}

/* Returns whether there was anything. */
static bool give_back(live_slot *slots, size_t first, size_t end)
{
    return first < end && sys_call(SYS_madvise, (long)&slots[first * PAGE_SLOTS],
                                   (long)((end - first) * PAGE), MADV_DONTNEED, 0, 0, 0) == 0;
}

/* Or else the kernel would soon make huge pages of what is left of them. */
static void leave_huge_pages(const struct live_region *region)
{
    const uintptr_t from = (uintptr_t)region & ~(LIVE_HUGE_PAGE - 1);
    const uintptr_t end = (uintptr_t)(region + 1) + LIVE_HUGE_PAGE - 1;
    sys_call(SYS_madvise, (long)from, (long)((end & ~(LIVE_HUGE_PAGE - 1)) - from), MADV_NOHUGEPAGE,
             0, 0, 0);
}

/* Gives back each run of resident pages of the slots OF a region that hold nothing. */
static void trim_region(const struct live_entry *of)
{
    live_slot *slots = of->region->slot;
    unsigned char resident[PAGES];
    if (sys_call(SYS_mincore, (long)slots, (long)(PAGES * PAGE), (long)resident, 0, 0, 0) != 0) {
        return;
    }
    size_t first = 0;
    bool any = false;
    for (size_t i = 0; i < PAGES; i++) {
        if (!(resident[i] & 1) || !page_is_empty(&slots[i * PAGE_SLOTS])) {
            any |= give_back(slots, first, i);
            first = i + 1;
        }
    }
    any |= give_back(slots, first, PAGES);
    if (any && of->huge) {
        leave_huge_pages(of->region);
    }
}

static long membarrier(int command)
{
    return sys_call(SYS_membarrier, command, 0, 0, 0, 0, 0);
}

/* Every insertion looks at `sweep`, or at the turn, before and after it writes. When all threads
 * have passed a barrier after `sweep` became odd and the turn was over, an insertion that has not
 * looked the second time will see that, and put its block in once more; of all others the slots can
 * be seen here. */
bool live_trim(struct live *l, size_t *cursor, uint64_t budget)
{
    sys_sigset before;
    if (getauxval(AT_PAGESZ) != PAGE) {
        return true; /* others are not worth the trouble */
    }
    if (!sys_trylock(&l->lock, &before)) {
        return false;
    }
    bool through = true;
    const struct live_map *m = atomic_load(&l->map);
    const uint64_t start = clock_ticks();
    if (m && live_one_each(l) && membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0) {
        atomic_fetch_add(&l->sweep, 1);
        if (l->turn) {
            turn_over(l->turn);
        }
        bool safe = membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0;
        for (; safe && *cursor <= m->mask && clock_ticks() - start < budget; (*cursor)++) {
            if (atomic_load(&m->entry[*cursor].key) != 0) {
                trim_region(m->entry[*cursor].of);
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
    uint64_t bytes, count;
};

/* Adds the block of REGION that SLOTS has at I, if it has one. */
static void sum_slot(struct sum *sum, const struct live_region *region, const live_slot *slots,
                     size_t i)
{
    const uint32_t word = atomic_load_explicit(&slots[i], memory_order_relaxed);
    if (!(word & LIVE_PRESENT) || live_word_site(word) == 0) {
        return;
    }
    const uint64_t size = live_word_size(word);
    sum->bytes += size == LIVE_LARGE ? live_large_size(&region->slot[i]) : size;
    sum->count++;
}

static void sum_array(struct sum *sum, int pagemap, const struct live_region *region,
                      const live_slot *slots)
{
    bool touched[PAGES];
    resident_touched(pagemap, slots, touched, PAGES);
    for (size_t i = 0; i < LIVE_SLOTS; i++) {
        if (touched[i / PAGE_SLOTS]) {
            sum_slot(sum, region, slots, i);
        }
    }
}

void live_sum(const struct live *l, uint64_t *bytes, uint64_t *count)
{
    struct sum sum = {0};
    const struct live_map *m = atomic_load(&l->map);
    const int pagemap = resident_open();
    for (size_t e = 0; m && e <= m->mask; e++) {
        if (m->entry[e].key == 0) {
            continue;
        }
        const struct live_entry *of = m->entry[e].of;
        sum_array(&sum, pagemap, of->region, of->region->slot);
        for (int o = 0; o < 4; o++) {
            const live_slot *crowded = atomic_load(&of->crowded[o]);
            if (crowded) {
                sum_array(&sum, pagemap, of->region, crowded);
            }
        }
    }
    resident_close(pagemap);
    *bytes = sum.bytes;
    *count = sum.count;
}
