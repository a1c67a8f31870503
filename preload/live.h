/* SPDX-License-Identifier: MIT
 *
 * The live blocks: a hash table of address regions of 2 MiB, each a lazily mapped array with one
 * 8-byte slot for every 32 bytes of the region. glibc's blocks are at least 32 bytes apart, so one
 * slot each is enough; other allocators' smaller blocks that meet in a slot go to further arrays,
 * mapped when first needed.
 *
 * A slot holds the site, the birth and, below 64 bytes, the size. A larger block covers the next
 * slot too, which then holds the size.
 *
 * Any number of threads, without a lock but for mapping a region. A block is inserted and removed
 * by whoever owns it at the moment: after the real malloc, before the real free.
 */
#ifndef PRELOAD_LIVE_H
#define PRELOAD_LIVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "sys.h"

#define LIVE_SITE_BITS 24
#define LIVE_MAX_SITE ((UINT32_C(1) << LIVE_SITE_BITS) - 1)

struct live_block {
    uint32_t site;  /* <= LIVE_MAX_SITE */
    uint64_t size;  /* < 2^62 */
    uint64_t birth; /* ticks since the table's start; 0: its lifetime is not measured */
    bool thinned;   /* of the blocks around it only some are measured: see count.h */
};

#define LIVE_REGION_BITS 21
#define LIVE_SLOT_BITS 5
#define LIVE_SLOTS ((size_t)1 << (LIVE_REGION_BITS - LIVE_SLOT_BITS))

/* The bits of a slot that holds a block. */
#define LIVE_PRESENT ((uint64_t)1 << 0)
#define LIVE_LARGE ((uint64_t)1 << 1) /* the size is in the next slot */
#define LIVE_OFFSET_SHIFT 2           /* 2 bits: which 8 bytes of the 32 the block starts at */
#define LIVE_PARITY_SHIFT 4           /* 1 bit: of the unit that the birth is in */
#define LIVE_SIZE_SHIFT 5             /* 6 bits */
#define LIVE_SITE_SHIFT 11            /* LIVE_SITE_BITS */
#define LIVE_THINNED_SHIFT (LIVE_SITE_SHIFT + LIVE_SITE_BITS)
#define LIVE_BIRTH_SHIFT (LIVE_THINNED_SHIFT + 1)
#define LIVE_BIRTH_BITS (64 - LIVE_BIRTH_SHIFT)
#define LIVE_BIRTH_MASK (((uint64_t)1 << LIVE_BIRTH_BITS) - 1)
#define LIVE_LARGE_SIZE ((uint64_t)64)
/* A slot that holds a size has LIVE_PRESENT clear: size << 1. */

typedef _Atomic uint64_t live_slot;

struct live_region {
    live_slot *primary; /* LIVE_SLOTS */
    /* One array for each place in 32 bytes that a block can start at, for those whose primary slot
     * was taken. */
    live_slot *_Atomic crowded[4];
};

struct live_map;

struct live {
    struct arena_pool *pool;
    struct sys_lock lock;  /* for mapping regions and growing the map: what follows up to `map` */
    struct arena arena;    /* of struct live_region */
    char *slab, *slab_end; /* memory for regions of a dense heap */
    struct live_map *_Atomic map;
    _Atomic uint32_t shift; /* births are kept in units of 2^shift ticks */
    _Atomic uint32_t sweep; /* odd while pages are given back: see live_trim */
    /* No two blocks meet in a slot: the allocator is glibc's. So nobody else can insert where one
     * inserts, and it takes no locked instruction, which would wait for all memory accesses. */
    bool one_each;
};

/* The regions that a thread used recently. Zero-initialised is empty. */
#define LIVE_CACHED ((size_t)16)
struct live_cache {
    struct {
        uintptr_t key;      /* address >> LIVE_REGION_BITS, plus 1 */
        live_slot *primary; /* of that region */
    } of[LIVE_CACHED];
};

enum live_result {
    LIVE_OK,
    LIVE_REPLACED, /* the address was still recorded: its free was missed; the old block is told */
    LIVE_FULL,     /* no memory for the table: not recorded */
};

void live_init(struct live *l, struct arena_pool *pool);

/* The general forms of live_insert and live_remove, for what these have no short way for. */
enum live_result live_insert_slow(struct live *l, struct live_cache *cache, uintptr_t address,
                                  const struct live_block *block, struct live_block *old);
bool live_remove_slow(struct live *l, struct live_cache *cache, uintptr_t address,
                      struct live_block *block);

static inline size_t live_index(uintptr_t address)
{
    return (address >> LIVE_SLOT_BITS) & (LIVE_SLOTS - 1);
}

static inline uint64_t live_offset_bits(uintptr_t address)
{
    return (address >> 3 & 3) << LIVE_OFFSET_SHIFT;
}

/* Whether WORD, of the slot of ADDRESS, is the block that starts there. */
static inline bool live_is_of(uint64_t word, uintptr_t address)
{
    const uint64_t mask = LIVE_PRESENT | (uint64_t)3 << LIVE_OFFSET_SHIFT;
    return (word & mask) == (LIVE_PRESENT | live_offset_bits(address));
}

/* BIRTH in the present unit; 0 stays 0, and only that. */
static inline uint64_t live_birth(uint64_t birth, uint32_t shift)
{
    uint64_t units = birth >> shift;
    units = units < LIVE_BIRTH_MASK ? units : LIVE_BIRTH_MASK;
    return units | (units == 0 && birth != 0);
}

/* A slot for a block at ADDRESS that is of SITE and has SIZE bytes, with no birth. */
static inline uint64_t live_word(uintptr_t address, uint32_t site, uint64_t size)
{
    return LIVE_PRESENT | live_offset_bits(address) | (uint64_t)site << LIVE_SITE_SHIFT |
           (size < LIVE_LARGE_SIZE ? size << LIVE_SIZE_SHIFT : LIVE_LARGE);
}

/* What is in a slot of a block born at BIRTH, not 0, beside that. */
static inline uint64_t live_birth_bits(const struct live *l, uint64_t birth, bool thinned)
{
    const uint32_t shift = atomic_load_explicit(&l->shift, memory_order_relaxed);
    return (uint64_t)(shift & 1) << LIVE_PARITY_SHIFT |
           live_birth(birth, shift) << LIVE_BIRTH_SHIFT | (uint64_t)thinned << LIVE_THINNED_SHIFT;
}

static inline uint64_t live_encode(const struct live *l, uintptr_t address,
                                   const struct live_block *block)
{
    const uint64_t word = live_word(address, block->site, block->size) | (uint64_t)block->thinned
                                                                             << LIVE_THINNED_SHIFT;
    return block->birth ? word | live_birth_bits(l, block->birth, block->thinned) : word;
}

static inline void live_decode(const struct live *l, uint64_t word, struct live_block *block)
{
    uint32_t shift = atomic_load_explicit(&l->shift, memory_order_relaxed);
    /* A slot not yet converted to the present unit is in the one before. */
    shift -= (uint32_t)(word >> LIVE_PARITY_SHIFT & 1) != (shift & 1);
    block->site = (uint32_t)(word >> LIVE_SITE_SHIFT) & LIVE_MAX_SITE;
    block->birth = (word >> LIVE_BIRTH_SHIFT) << shift;
    block->thinned = word >> LIVE_THINNED_SHIFT & 1;
    block->size = word >> LIVE_SIZE_SHIFT & (LIVE_LARGE_SIZE - 1);
}

/* The slot of ADDRESS, if its region was used recently and the next slot is in it, too; or NULL. */
static inline live_slot *live_near(const struct live_cache *cache, uintptr_t address)
{
    const size_t i = live_index(address);
    const uintptr_t key = (address >> LIVE_REGION_BITS) + 1;
    if (unlikely(cache->of[key % LIVE_CACHED].key != key || i + 1 == LIVE_SLOTS)) {
        return NULL;
    }
    return &cache->of[key % LIVE_CACHED].primary[i];
}

/* The general form of live_put. */
enum live_result live_put_slow(struct live *l, struct live_cache *cache, uintptr_t address,
                               uint64_t word, uint64_t size, struct live_block *old);
/* Pages may have been given back meanwhile: puts the block in once more if it was lost. */
void live_put_again(struct live *l, struct live_cache *cache, uintptr_t address, uint64_t word,
                    uint64_t size);

/* live_insert of what WORD (live_word, with what live_birth_bits told) and SIZE tell. */
static inline __attribute__((always_inline)) enum live_result
live_put(struct live *l, struct live_cache *cache, uintptr_t address, uint64_t word, uint64_t size,
         struct live_block *old)
{
    const uint32_t sweep = atomic_load_explicit(&l->sweep, memory_order_acquire);
    live_slot *slot = live_near(cache, address);
    uint64_t found = likely(slot != NULL) ? atomic_load_explicit(slot, memory_order_relaxed) : 1;
    if (unlikely(found != 0)) {
        return live_put_slow(l, cache, address, word, size, old);
    }
    if (likely(l->one_each)) {
        atomic_store_explicit(slot, word, memory_order_release);
    } else if (unlikely(!atomic_compare_exchange_strong_explicit(
                   slot, &found, word, memory_order_release, memory_order_relaxed))) {
        return live_put_slow(l, cache, address, word, size, old);
    }
    if (size >= LIVE_LARGE_SIZE) {
        atomic_store_explicit(&slot[1], size << 1, memory_order_relaxed);
    }
    /* Whoever gives pages back makes all threads pass a memory barrier first. */
    atomic_signal_fence(memory_order_seq_cst);
    if (unlikely(atomic_load_explicit(&l->sweep, memory_order_relaxed) != sweep) ||
        unlikely(sweep % 2 != 0)) {
        live_put_again(l, cache, address, word, size);
    }
    return LIVE_OK;
}

static inline enum live_result live_insert(struct live *l, struct live_cache *cache,
                                           uintptr_t address, const struct live_block *block,
                                           struct live_block *old)
{
    return live_put(l, cache, address, live_encode(l, address, block), block->size, old);
}

/* Takes the record of ADDRESS out, if that goes the short way: returns what was in its slot, and
 * the size. 0 if not. */
static inline __attribute__((always_inline)) uint64_t live_take(struct live_cache *cache,
                                                                uintptr_t address, uint64_t *size)
{
    live_slot *slot = live_near(cache, address);
    const uint64_t word =
        likely(slot != NULL) ? atomic_load_explicit(slot, memory_order_relaxed) : 0;
    if (unlikely(!live_is_of(word, address))) {
        return 0;
    }
    if (word & LIVE_LARGE) {
        *size = atomic_load_explicit(&slot[1], memory_order_relaxed) >> 1;
        atomic_store_explicit(&slot[1], 0, memory_order_relaxed);
    } else {
        *size = word >> LIVE_SIZE_SHIFT & (LIVE_LARGE_SIZE - 1);
    }
    atomic_store_explicit(slot, 0, memory_order_relaxed);
    return word;
}

/* Takes the record of ADDRESS out. Returns false if there is none. */
static inline bool live_remove(struct live *l, struct live_cache *cache, uintptr_t address,
                               struct live_block *block)
{
    uint64_t size;
    const uint64_t word = live_take(cache, address, &size);
    if (unlikely(word == 0)) {
        return live_remove_slow(l, cache, address, block);
    }
    live_decode(l, word, block);
    block->size = size;
    return true;
}

/* Gives pages that hold nothing back to the kernel, region by region from *CURSOR on (0 at first),
 * until BUDGET ticks have passed. Returns true when it is through. Needs membarrier (Linux 4.14);
 * without it, and where blocks share slots,
 * nothing is given back. One thread at a time; others may go on, but wait if they come
 * across it. */
bool live_trim(struct live *l, size_t *cursor, uint64_t budget);

/* The bytes and number of the blocks whose site is not 0. For a moment when nobody changes any. */
void live_sum(const struct live *l, uint64_t *bytes, uint64_t *count);

/* In a child of fork: whoever was giving pages back is not there. */
void live_child(struct live *l);

/* Births have LIVE_BIRTH_BITS bits. When NOW, in ticks since the start, comes near their end, the
 * unit is doubled and all births are converted. One thread at a time; others may go on. */
void live_age(struct live *l, uint64_t now);

#endif
