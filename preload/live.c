/* SPDX-License-Identifier: MIT */
#include "live.h"

#define REGION_BITS 21
#define SLOT_BITS 5
#define SLOTS ((size_t)1 << (REGION_BITS - SLOT_BITS))
#define FIRST_MAP ((size_t)64)
#define FIRST_SHIFT 6

/* The bits of a slot that holds a block. */
#define PRESENT ((uint64_t)1 << 0)
#define LARGE ((uint64_t)1 << 1) /* the size is in the next slot */
#define OFFSET_SHIFT 2           /* 2 bits: which 8 bytes of the 32 the block starts at */
#define PARITY_SHIFT 4           /* 1 bit: of the unit that the birth is in */
#define SIZE_SHIFT 5             /* 6 bits */
#define SITE_SHIFT 11            /* LIVE_SITE_BITS */
#define BIRTH_SHIFT (SITE_SHIFT + LIVE_SITE_BITS)
#define BIRTH_BITS (64 - BIRTH_SHIFT)
#define BIRTH_MASK (((uint64_t)1 << BIRTH_BITS) - 1)
#define LARGE_SIZE ((uint64_t)64)
/* A slot that holds a size has PRESENT clear: size << 1. */

typedef _Atomic uint64_t slot;

struct live_region {
    slot primary[SLOTS];
    /* One array for each place in 32 bytes that a block can start at, for those whose primary slot
     * was taken. */
    slot *_Atomic crowded[4];
};

struct live_map {
    size_t mask, used;
    struct {
        _Atomic uintptr_t key; /* address >> REGION_BITS, plus 1; 0: empty */
        struct live_region *region;
    } entry[];
};

void live_init(struct live *l, struct arena_pool *pool)
{
    l->pool = pool;
    atomic_store(&l->shift, FIRST_SHIFT);
}

static size_t map_start(const struct live_map *m, uintptr_t key)
{
    return (size_t)((key * 0x9e3779b97f4a7c15u) >> 32) & m->mask;
}

static struct live_region *map_find(const struct live_map *m, uintptr_t key)
{
    for (size_t i = map_start(m, key);; i = (i + 1) & m->mask) {
        uintptr_t found = atomic_load_explicit(&m->entry[i].key, memory_order_acquire);
        if (found == key) {
            return m->entry[i].region;
        }
        if (found == 0) {
            return NULL;
        }
    }
}

static void map_put(struct live_map *m, uintptr_t key, struct live_region *region)
{
    size_t i = map_start(m, key);
    while (atomic_load_explicit(&m->entry[i].key, memory_order_relaxed) != 0) {
        i = (i + 1) & m->mask;
    }
    m->entry[i].region = region;
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
            map_put(m, old->entry[i].key, old->entry[i].region);
        }
    }
    atomic_store_explicit(&l->map, m, memory_order_release);
    return m;
}

static struct live_region *region_create(struct live *l, uintptr_t key)
{
    sys_sigset before = sys_lock(&l->lock);
    struct live_map *m = atomic_load(&l->map);
    struct live_region *region = m ? map_find(m, key) : NULL;
    if (!region && (m = map_reserve(l)) != NULL) {
        region = arena_pool_map(l->pool, sizeof *region);
        if (region) {
            map_put(m, key, region);
        }
    }
    sys_unlock(&l->lock, before);
    return region;
}

/* The region of ADDRESS; NULL if there is none and CREATE is false, or no memory. */
static inline struct live_region *region_get(struct live *l, struct live_cache *cache,
                                             uintptr_t address, bool create)
{
    uintptr_t key = (address >> REGION_BITS) + 1;
    if (likely(cache->key == key)) {
        return cache->region;
    }
    struct live_map *m = atomic_load_explicit(&l->map, memory_order_acquire);
    struct live_region *region = m ? map_find(m, key) : NULL;
    if (!region && create) {
        region = region_create(l, key);
    }
    if (region) {
        cache->key = key;
        cache->region = region;
    }
    return region;
}

static inline size_t slot_index(uintptr_t address)
{
    return (address >> SLOT_BITS) & (SLOTS - 1);
}

static inline unsigned offset_in_slot(uintptr_t address)
{
    return (address >> 3) & 3;
}

static inline uint64_t word_offset(uint64_t word)
{
    return word >> OFFSET_SHIFT & 3;
}

/* The slot that holds the size of the large block at ADDRESS. */
static slot *size_slot(struct live *l, struct live_cache *cache, struct live_region *region,
                       uintptr_t address, bool create)
{
    size_t next = slot_index(address) + 1;
    if (likely(next < SLOTS)) {
        return &region->primary[next];
    }
    region = region_get(l, cache, address + ((uintptr_t)1 << SLOT_BITS), create);
    return region ? &region->primary[0] : NULL;
}

static inline uint64_t encode(const struct live *l, uintptr_t address,
                              const struct live_block *block)
{
    uint32_t shift = atomic_load_explicit(&l->shift, memory_order_relaxed);
    uint64_t birth = block->birth >> shift;
    return PRESENT | (uint64_t)offset_in_slot(address) << OFFSET_SHIFT |
           (uint64_t)(shift & 1) << PARITY_SHIFT | (uint64_t)block->site << SITE_SHIFT |
           (birth < BIRTH_MASK ? birth : BIRTH_MASK) << BIRTH_SHIFT |
           (block->size < LARGE_SIZE ? block->size << SIZE_SHIFT : LARGE);
}

static inline void decode(const struct live *l, uint64_t word, struct live_block *block)
{
    uint32_t shift = atomic_load_explicit(&l->shift, memory_order_relaxed);
    /* A slot not yet converted to the present unit is in the one before. */
    shift -= (uint32_t)(word >> PARITY_SHIFT & 1) != (shift & 1);
    block->site = (uint32_t)(word >> SITE_SHIFT) & LIVE_MAX_SITE;
    block->birth = (word >> BIRTH_SHIFT) << shift;
    block->size = word >> SIZE_SHIFT & (LARGE_SIZE - 1);
}

static slot *crowded_slot(struct live *l, struct live_region *region, uintptr_t address,
                          bool create)
{
    slot *_Atomic *array = &region->crowded[offset_in_slot(address)];
    slot *slots = atomic_load_explicit(array, memory_order_acquire);
    if (!slots && create) {
        sys_sigset before = sys_lock(&l->lock);
        slots = atomic_load(array);
        if (!slots) {
            slots = arena_pool_map(l->pool, SLOTS * sizeof *slots);
            atomic_store_explicit(array, slots, memory_order_release);
        }
        sys_unlock(&l->lock, before);
    }
    return slots ? &slots[slot_index(address)] : NULL;
}

/* Reads the whole block that WORD, the slot of ADDRESS, describes, and clears its size slot. */
static void take_block(struct live *l, struct live_cache *cache, struct live_region *region,
                       uintptr_t address, uint64_t word, struct live_block *block)
{
    decode(l, word, block);
    if (word & LARGE) {
        slot *size = size_slot(l, cache, region, address, false);
        block->size = size ? atomic_load_explicit(size, memory_order_relaxed) >> 1 : 0;
        if (size) {
            atomic_store_explicit(size, 0, memory_order_relaxed);
        }
    }
}

enum live_result live_insert(struct live *l, struct live_cache *cache, uintptr_t address,
                             const struct live_block *block, struct live_block *old)
{
    struct live_region *region = region_get(l, cache, address, true);
    if (unlikely(!region)) {
        return LIVE_FULL;
    }
    slot *primary = &region->primary[slot_index(address)];
    uint64_t word = encode(l, address, block), found = 0;
    /* A present word of another offset is a neighbour; a size is left from a free that was missed.
     */
    while (!atomic_compare_exchange_strong_explicit(primary, &found, word, memory_order_release,
                                                    memory_order_relaxed)) {
        if ((found & PRESENT) && word_offset(found) != offset_in_slot(address)) {
            slot *crowded = crowded_slot(l, region, address, true);
            if (!crowded) {
                return LIVE_FULL;
            }
            found = atomic_exchange(crowded, word);
            break;
        }
    }
    enum live_result result = LIVE_OK;
    if (unlikely(found & PRESENT)) {
        take_block(l, cache, region, address, found, old);
        result = LIVE_REPLACED;
    }
    if (block->size >= LARGE_SIZE) {
        slot *size = size_slot(l, cache, region, address, true);
        if (likely(size != NULL)) {
            atomic_store_explicit(size, block->size << 1, memory_order_relaxed);
        }
    }
    return result;
}

bool live_remove(struct live *l, struct live_cache *cache, uintptr_t address,
                 struct live_block *block)
{
    struct live_region *region = region_get(l, cache, address, false);
    if (unlikely(!region)) {
        return false;
    }
    slot *place = &region->primary[slot_index(address)];
    uint64_t word = atomic_load_explicit(place, memory_order_relaxed);
    if (unlikely(!(word & PRESENT) || word_offset(word) != offset_in_slot(address))) {
        place = crowded_slot(l, region, address, false);
        word = place ? atomic_load_explicit(place, memory_order_relaxed) : 0;
        if (!(word & PRESENT)) {
            return false;
        }
    }
    take_block(l, cache, region, address, word, block);
    atomic_store_explicit(place, 0, memory_order_relaxed);
    return true;
}

/* Halves the births in N slots that are still in the unit of parity OLD_PARITY. */
static void age_slots(slot *slots, size_t n, uint64_t old_parity)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t word = atomic_load_explicit(&slots[i], memory_order_relaxed);
        while ((word & PRESENT) && (word >> PARITY_SHIFT & 1) == old_parity) {
            uint64_t aged = (word & (((uint64_t)1 << BIRTH_SHIFT) - 1)) ^ (uint64_t)1
                                                                              << PARITY_SHIFT;
            aged |= (word >> (BIRTH_SHIFT + 1)) << BIRTH_SHIFT;
            if (atomic_compare_exchange_weak(&slots[i], &word, aged)) {
                break;
            }
        }
    }
}

void live_age(struct live *l, uint64_t now)
{
    uint32_t shift = atomic_load(&l->shift);
    if (now >> shift < BIRTH_MASK - BIRTH_MASK / 8) {
        return;
    }
    atomic_store(&l->shift, shift + 1);
    const struct live_map *m = atomic_load(&l->map);
    for (size_t i = 0; m && i <= m->mask; i++) {
        if (m->entry[i].key == 0) {
            continue;
        }
        struct live_region *region = m->entry[i].region;
        age_slots(region->primary, SLOTS, shift & 1);
        for (int o = 0; o < 4; o++) {
            slot *crowded = atomic_load(&region->crowded[o]);
            if (crowded) {
                age_slots(crowded, SLOTS, shift & 1);
            }
        }
    }
}
