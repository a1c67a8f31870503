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
    uint64_t birth; /* ticks since the table's start */
};

struct live_region;
struct live_map;

struct live {
    struct arena_pool *pool;
    struct sys_lock lock; /* for mapping regions and growing the map */
    struct live_map *_Atomic map;
    _Atomic uint32_t shift; /* births are kept in units of 2^shift ticks */
};

/* A thread's most recently used region. Zero-initialised is empty. */
struct live_cache {
    uintptr_t key;
    struct live_region *region;
};

enum live_result {
    LIVE_OK,
    LIVE_REPLACED, /* the address was still recorded: its free was missed; the old block is told */
    LIVE_FULL,     /* no memory for the table: not recorded */
};

void live_init(struct live *l, struct arena_pool *pool);

enum live_result live_insert(struct live *l, struct live_cache *cache, uintptr_t address,
                             const struct live_block *block, struct live_block *old);

/* Takes the record of ADDRESS out. Returns false if there is none. */
bool live_remove(struct live *l, struct live_cache *cache, uintptr_t address,
                 struct live_block *block);

/* Births have LIVE_BIRTH_BITS bits. When NOW, in ticks since the start, comes near their end, the
 * unit is doubled and all births are converted. One thread at a time; others may go on. */
void live_age(struct live *l, uint64_t now);

#endif
