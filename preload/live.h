/* SPDX-License-Identifier: MIT
 *
 * The live blocks: a hash table of address regions of 2 MiB, each a lazily mapped array with one
 * 4-byte slot for every 32 bytes of the region. glibc's blocks are at least 32 bytes apart, so one
 * slot each is enough; other allocators' smaller blocks that meet in a slot go to further arrays,
 * mapped when first needed.
 *
 * A slot holds the site and, below 63 bytes, the size. A larger block covers the next slot too,
 * which then holds the size; one of 1 GiB and more the one after that, too. When a block was born
 * is known of some only, and kept elsewhere: live_births.h.
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
#include "live_births.h"
#include "live_slab.h"
#include "live_slot.h"
#include "sys.h"
#include "turn.h"

struct live_block {
    uint32_t site;  /* <= LIVE_MAX_SITE */
    uint64_t size;  /* < 2^61 */
    uint64_t birth; /* ticks since the table's start; 0: its lifetime is not measured */
    bool thinned;   /* of the blocks around it only some are measured: see count.h */
};

#define LIVE_REGION_BITS 21
#define LIVE_SLOT_BITS 5
#define LIVE_SLOTS ((size_t)1 << (LIVE_REGION_BITS - LIVE_SLOT_BITS))

/* The memory of a region. The last block's size lies behind the slots. */
struct live_region {
    struct live_line births[LIVE_LINES];
    live_slot slot[LIVE_SLOTS];
    live_slot beyond[1024]; /* a page */
};

/* What is known of a region; it is mapped for good. */
struct live_entry {
    struct live_region *region;
    bool huge; /* huge pages were asked for */
    /* One array for each place in 32 bytes that a block can start at, for those whose slot was
     * taken. */
    live_slot *_Atomic crowded[4];
};

struct live_map;

struct live {
    struct arena_pool *pool;
    struct sys_lock lock;  /* for mapping regions and growing the map: what follows up to `map` */
    struct arena arena;    /* of struct live_entry */
    struct live_slab slab; /* memory for regions of a dense heap */
    struct live_map *_Atomic map;
    struct live_spare *_Atomic spare; /* for births */
    /* Odd while pages are given back: see live_trim. LIVE_CROWDS unless live_set_one_each. */
    _Atomic uint32_t sweep;
    turns *turn; /* NULL: none */
};

#define LIVE_CROWDS (UINT32_C(1) << 31)

/* The regions that a thread used recently, by the last bits of their numbers. */
#define LIVE_CACHED ((size_t)16)
struct live_cache {
    uintptr_t number[LIVE_CACHED]; /* address >> LIVE_REGION_BITS */
    uintptr_t bias[LIVE_CACHED];   /* where the slot of the address 0 would be */
    struct live_region *region[LIVE_CACHED];
};
/* Holds nothing: no number but 0 is at home in the first place, and 0 in no other. */
#define LIVE_CACHE_EMPTY                                                                           \
    {                                                                                              \
        .number = { 1 }                                                                            \
    }

enum live_result {
    LIVE_OK,
    LIVE_REPLACED, /* the address was still recorded: its free was missed; the old block is told */
    LIVE_FULL,     /* no memory for the table: not recorded */
};

void live_init(struct live *l, struct arena_pool *pool);

/* TURN is to be over whenever pages are given back. */
void live_set_turn(struct live *l, turns *turn);

/* No two blocks meet in a slot: the allocator is glibc's. So nobody else can insert where one
 * inserts, and it takes no locked instruction, which would wait for all memory accesses. Before the
 * first block. */
void live_set_one_each(struct live *l);

static inline bool live_one_each(const struct live *l)
{
    return !(atomic_load_explicit(&l->sweep, memory_order_relaxed) & LIVE_CROWDS);
}

/* The general forms of live_put, live_insert and live_remove, for what these have no short way
 * for. The first does not keep the block's birth. */
enum live_result live_put_slow(struct live *l, struct live_cache *cache, uintptr_t address,
                               uint32_t word, uint64_t size, struct live_block *old);
enum live_result live_insert(struct live *l, struct live_cache *cache, uintptr_t address,
                             const struct live_block *block, struct live_block *old);
bool live_remove_slow(struct live *l, struct live_cache *cache, uintptr_t address,
                      struct live_block *block);

/* Keeps the birth of the block at ADDRESS, which is in the table as LIVE_MEASURED. ALONE: see
 * live_births_put. */
void live_put_birth(struct live *l, struct live_cache *cache, uintptr_t address, uint64_t stamp,
                    bool alone);

static inline size_t live_index(uintptr_t address)
{
    return (address >> LIVE_SLOT_BITS) & (LIVE_SLOTS - 1);
}

/* The slot of ADDRESS in REGION. */
static inline live_slot *live_slot_at(struct live_region *region, uintptr_t address)
{
    return &region->slot[live_index(address)];
}

/* Whether the region of ADDRESS was used recently; and that region, and the slot in it, if so. */
static inline bool live_is_near(const struct live_cache *cache, uintptr_t address)
{
    const uintptr_t number = address >> LIVE_REGION_BITS;
    return cache->number[number % LIVE_CACHED] == number;
}

static inline struct live_region *live_near(const struct live_cache *cache, uintptr_t address)
{
    return cache->region[(address >> LIVE_REGION_BITS) % LIVE_CACHED];
}

static inline live_slot *live_near_slot(const struct live_cache *cache, uintptr_t address)
{
    const uintptr_t bias = cache->bias[(address >> LIVE_REGION_BITS) % LIVE_CACHED];
    return (live_slot *)(bias + (address >> LIVE_SLOT_BITS) * sizeof(live_slot));
}

/* Pages may have been given back meanwhile: puts the block in once more if it was lost. */
void live_put_again(struct live *l, struct live_cache *cache, uintptr_t address, uint32_t word,
                    uint64_t size);

/* Whether pages have been given back since SWEEP was read. */
static inline bool live_is_swept(const struct live *l, uint32_t sweep)
{
    /* Whoever gives pages back makes all threads pass a memory barrier first. */
    atomic_signal_fence(memory_order_seq_cst);
    return atomic_load_explicit(&l->sweep, memory_order_relaxed) != sweep;
}

/* Puts the slot of ADDRESS in *SLOT if its region was used recently; or returns false. Has it
 * fetched, while the caller does something else. */
static inline bool live_ask(const struct live_cache *cache, uintptr_t address, live_slot **slot)
{
    if (unlikely(!live_is_near(cache, address))) {
        return false;
    }
    *slot = live_near_slot(cache, address);
    __builtin_prefetch(*slot, 1);
    return true;
}

/* Puts in what WORD (live_word) and SIZE tell. */
static inline __attribute__((always_inline)) enum live_result
live_put(struct live *l, struct live_cache *cache, uintptr_t address, uint32_t word, uint64_t size,
         struct live_block *old)
{
    const uint32_t sweep = atomic_load_explicit(&l->sweep, memory_order_acquire);
    if (unlikely(!live_is_near(cache, address))) {
        return live_put_slow(l, cache, address, word, size, old);
    }
    live_slot *slot = live_near_slot(cache, address);
    uint32_t found = atomic_load_explicit(slot, memory_order_relaxed);
    if (unlikely(found != 0)) {
        return live_put_slow(l, cache, address, word, size, old);
    }
    if (likely((sweep & (LIVE_CROWDS | 1)) == 0)) {
        atomic_store_explicit(slot, word, memory_order_release);
    } else if (unlikely(sweep & 1) ||
               unlikely(!atomic_compare_exchange_strong_explicit(
                   slot, &found, word, memory_order_release, memory_order_relaxed))) {
        return live_put_slow(l, cache, address, word, size, old);
    }
    if (size >= LIVE_LARGE) {
        live_set_large_size(slot, size);
    }
    if (unlikely(live_is_swept(l, sweep))) {
        live_put_again(l, cache, address, word, size);
    }
    return LIVE_OK;
}

/* Whether that can be the plain way until the turn is over. */
static inline bool live_is_plain(const struct live *l)
{
    return !(atomic_load_explicit(&l->sweep, memory_order_relaxed) & (LIVE_CROWDS | 1));
}

/* The same in SLOT, which live_ask told, where live_is_plain, if there is no other block
 * in it; false, and nothing is done, otherwise. Calls nothing: if the turn is over afterwards, the
 * block is to be put in again (live_put_again). */
static inline __attribute__((always_inline)) bool live_put_plain(live_slot *slot, uint32_t word,
                                                                 uint64_t size)
{
    if (unlikely(atomic_load_explicit(slot, memory_order_relaxed) != 0)) {
        return false;
    }
    atomic_store_explicit(slot, word, memory_order_release);
    if (unlikely(size >= LIVE_LARGE)) {
        live_set_large_size(slot, size);
    }
    return true;
}

/* What was known of a block: its slot, its size and its stamp (live_births.h), or 0. */
struct live_taken {
    uint32_t word; /* 0: nothing */
    uint64_t size, stamp;
};

/* Takes the record of ADDRESS out, if that goes the short way. */
static inline __attribute__((always_inline)) struct live_taken live_take(struct live_cache *cache,
                                                                         uintptr_t address)
{
    struct live_taken taken = {0};
    if (unlikely(!live_is_near(cache, address))) {
        return taken;
    }
    live_slot *slot = live_near_slot(cache, address);
    const uint32_t word = atomic_load_explicit(slot, memory_order_relaxed);
    if (unlikely(!live_is_of(word, address))) {
        return taken;
    }
    if (unlikely(word & LIVE_MEASURED)) {
        taken.stamp = live_births_take(live_near(cache, address)->births, address);
    }
    taken.word = word;
    taken.size = live_word_size(word);
    if (taken.size == LIVE_LARGE) {
        taken.size = live_take_large_size(slot);
    }
    atomic_store_explicit(slot, 0, memory_order_relaxed);
    return taken;
}

static inline void live_tell(const struct live_taken *taken, struct live_block *block)
{
    *block = (struct live_block){.site = live_word_site(taken->word),
                                 .size = taken->size,
                                 .birth = live_stamp_birth(taken->stamp),
                                 .thinned = live_stamp_thinned(taken->stamp)};
}

/* Takes the record of ADDRESS out. Returns false if there is none. */
static inline bool live_remove(struct live *l, struct live_cache *cache, uintptr_t address,
                               struct live_block *block)
{
    const struct live_taken taken = live_take(cache, address);
    if (unlikely(taken.word == 0)) {
        return live_remove_slow(l, cache, address, block);
    }
    live_tell(&taken, block);
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

#endif
