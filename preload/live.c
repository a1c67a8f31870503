/* SPDX-License-Identifier: MIT */
#include "live.h"

#include <sys/syscall.h>
#include <time.h>

#include "live_map.h"

#define FIRST_MAP ((size_t)64)
#define NO_CREATE UINT64_MAX
#define DENSE_SIZE 4096u /* smaller blocks lie close together */
#define SMALL_HEAP 4u    /* regions: for so few a huge page would be more than all else */

void live_init(struct live *l, struct arena_pool *pool)
{
    l->pool = l->arena.pool = pool;
    atomic_store(&l->sweep, LIVE_CROWDS);
    live_births_init(l);
}

void live_set_turn(struct live *l, turns *turn)
{
    l->turn = turn;
}

void live_set_one_each(struct live *l)
{
    atomic_store(&l->sweep, 0);
}

static void map_put(struct live_map *m, uintptr_t key, struct live_entry *of)
{
    size_t i = live_map_start(m, key);
    while (atomic_load_explicit(&m->entry[i].key, memory_order_relaxed) != 0) {
        i = (i + 1) & m->mask;
    }
    m->entry[i].of = of;
    atomic_store_explicit(&m->entry[i].key, key, memory_order_release);
    m->used++;
}

/* Makes room for one more region. The old map stays mapped for its readers. */
static struct live_map *map_reserve(struct live *l)
{
    struct live_map *old = atomic_load(&l->map);
    if (old && old->used * 2 <= old->mask) {
        return old;
    }
    size_t slots = old ? (old->mask + 1) * 2 : FIRST_MAP;
    struct live_map *m = arena_pool_map(l->pool, sizeof *m + slots * sizeof m->entry[0]);
    if (!m) {
        return NULL;
    }
    m->mask = slots - 1;
    for (size_t i = 0; old && i <= old->mask; i++) {
        if (old->entry[i].key != 0) {
            map_put(m, old->entry[i].key, old->entry[i].of);
        }
    }
    atomic_store_explicit(&l->map, m, memory_order_release);
    return m;
}

/* DENSE: a region whose neighbour is in use, too. */
static struct live_entry *entry_new(struct live *l, bool dense)
{
    struct live_region *huge = dense ? live_slab_take(&l->slab, l->pool, sizeof *huge) : NULL;
    struct live_region *region = huge ? huge : arena_pool_map(l->pool, sizeof *region);
    struct live_entry *of = region ? arena_alloc(&l->arena, sizeof *of) : NULL;
    if (of) {
        of->huge = huge && !l->slab.small;
        of->region = region;
    }
    return of;
}

/* SIZE: of the block that the region is for. */
static struct live_entry *entry_create(struct live *l, uintptr_t key, uint64_t size)
{
    sys_sigset before = sys_lock(&l->lock);
    struct live_map *m = atomic_load(&l->map);
    struct live_entry *of = m ? live_map_find(m, key) : NULL;
    if (!of && (m = map_reserve(l)) != NULL) {
        of = entry_new(l, size < DENSE_SIZE && m->used >= SMALL_HEAP && live_map_find(m, key - 1));
        if (of) {
            map_put(m, key, of);
        }
    }
    sys_unlock(&l->lock, before);
    return of;
}

/* The region of ADDRESS; NULL if there is none and CREATE, which is then the size of the block to
 * be put there, is NO_CREATE, or no memory. */
static struct live_entry *entry_get(struct live *l, struct live_cache *cache, uintptr_t address,
                                    uint64_t create)
{
    uintptr_t key = (address >> LIVE_REGION_BITS) + 1;
    struct live_map *m = atomic_load_explicit(&l->map, memory_order_acquire);
    struct live_entry *of = m ? live_map_find(m, key) : NULL;
    if (!of && create != NO_CREATE) {
        of = entry_create(l, key, create);
    }
    if (of) {
        const uintptr_t number = address >> LIVE_REGION_BITS, first = number << LIVE_REGION_BITS;
        const size_t at = number % LIVE_CACHED;
        cache->number[at] = number + 1; /* none: should a handler leave in between by longjmp */
        __asm__ volatile("" ::: "memory");
        cache->region[at] = of->region;
        cache->bias[at] =
            (uintptr_t)of->region->slot - (first >> LIVE_SLOT_BITS) * sizeof(live_slot);
        __asm__ volatile("" ::: "memory");
        cache->number[at] = number;
    }
    return of;
}

static live_slot *crowded_slot(struct live *l, struct live_entry *of, uintptr_t address,
                               bool create)
{
    live_slot *_Atomic *array = &of->crowded[(address >> 3 & 3)];
    live_slot *slots = atomic_load_explicit(array, memory_order_acquire);
    if (!slots && create) {
        sys_sigset before = sys_lock(&l->lock);
        slots = atomic_load(array);
        if (!slots) {
            slots = arena_pool_map(l->pool, LIVE_SLOTS * sizeof *slots);
            atomic_store_explicit(array, slots, memory_order_release);
        }
        sys_unlock(&l->lock, before);
    }
    return slots ? &slots[live_index(address)] : NULL;
}

/* Reads the whole block that WORD, of a slot of ADDRESS, describes, and takes out what is known of
 * it elsewhere. */
static void take_block(struct live_region *region, uintptr_t address, uint32_t word,
                       struct live_block *block)
{
    struct live_taken taken = {.word = word, .size = live_word_size(word)};
    if (word & LIVE_MEASURED) {
        taken.stamp = live_births_take(region->births, address);
    }
    if (taken.size == LIVE_LARGE) {
        taken.size = live_take_large_size(live_slot_at(region, address));
    }
    live_tell(&taken, block);
}

enum live_result live_put_slow(struct live *l, struct live_cache *cache, uintptr_t address,
                               uint32_t word, uint64_t size, struct live_block *old)
{
    struct live_entry *of = entry_get(l, cache, address, size);
    if (unlikely(!of)) {
        return LIVE_FULL;
    }
    const uint32_t sweep = atomic_load(&l->sweep);
    live_slot *slot = live_slot_at(of->region, address);
    uint32_t found = 0;
    /* A present word of another offset is a neighbour; a size is left from a free that was missed.
     */
    while (!atomic_compare_exchange_strong_explicit(slot, &found, word, memory_order_release,
                                                    memory_order_relaxed)) {
        if ((found & LIVE_PRESENT) && !live_is_of(found, address)) {
            live_slot *crowded = crowded_slot(l, of, address, true);
            if (!crowded) {
                return LIVE_FULL;
            }
            found = atomic_exchange(crowded, word);
            break;
        }
    }
    enum live_result result = LIVE_OK;
    if (unlikely(found & LIVE_PRESENT)) {
        take_block(of->region, address, found, old);
        result = LIVE_REPLACED;
    }
    if (size >= LIVE_LARGE) {
        live_set_large_size(slot, size);
    }
    atomic_thread_fence(memory_order_seq_cst);
    if (unlikely(atomic_load(&l->sweep) != sweep || sweep % 2)) {
        live_put_again(l, cache, address, word, size);
    }
    return result;
}

enum live_result live_insert(struct live *l, struct live_cache *cache, uintptr_t address,
                             const struct live_block *block, struct live_block *old)
{
    uint32_t word = live_word(address, block->site) | live_word_of_size(block->size);
    word |= block->birth ? LIVE_MEASURED : 0;
    const enum live_result result = live_put(l, cache, address, word, block->size, old);
    if (block->birth && result != LIVE_FULL) {
        live_put_birth(l, cache, address, live_stamp(block->birth, block->thinned), false);
    }
    return result;
}

void live_put_birth(struct live *l, struct live_cache *cache, uintptr_t address, uint64_t stamp,
                    bool alone)
{
    if (unlikely(!live_is_near(cache, address)) && !entry_get(l, cache, address, NO_CREATE)) {
        return;
    }
    live_births_put(l, live_near(cache, address)->births, address, stamp, alone);
}

bool live_remove_slow(struct live *l, struct live_cache *cache, uintptr_t address,
                      struct live_block *block)
{
    struct live_entry *of = entry_get(l, cache, address, NO_CREATE);
    if (unlikely(!of)) {
        return false;
    }
    live_slot *place = live_slot_at(of->region, address);
    uint32_t word = atomic_load_explicit(place, memory_order_relaxed);
    if (unlikely(!live_is_of(word, address))) {
        place = crowded_slot(l, of, address, false);
        word = place ? atomic_load_explicit(place, memory_order_relaxed) : 0;
        if (!(word & LIVE_PRESENT)) {
            return false;
        }
    }
    take_block(of->region, address, word, block);
    atomic_store_explicit(place, 0, memory_order_relaxed);
    return true;
}

/* How long to wait for pages to be given back: no longer, since who does so may have been stopped.
 */
#define SWEEP_TRIES 2000
#define SWEEP_PAUSE_NS 50000

/* Waits until no pages are being given back. Returns the number of the sweep that is over. */
static uint32_t await_sweep(const struct live *l)
{
    uint32_t sweep = atomic_load(&l->sweep);
    for (int i = 0; sweep % 2 && i < SWEEP_TRIES; i++) {
        struct timespec pause = {.tv_nsec = SWEEP_PAUSE_NS};
        sys_call(SYS_nanosleep, (long)&pause, 0, 0, 0, 0, 0);
        sweep = atomic_load(&l->sweep);
    }
    return sweep;
}

void live_put_again(struct live *l, struct live_cache *cache, uintptr_t address, uint32_t word,
                    uint64_t size)
{
    const struct live_entry *of = entry_get(l, cache, address, NO_CREATE);
    live_slot *slot = of ? live_slot_at(of->region, address) : NULL;
    uint32_t sweep, before;
    do {
        before = await_sweep(l);
        uint32_t empty = 0;
        if (slot) {
            atomic_compare_exchange_strong(slot, &empty, word);
        }
        if (slot && size >= LIVE_LARGE) {
            live_set_large_size(slot, size);
        }
        sweep = atomic_load(&l->sweep);
    } while (sweep != before);
}
