/* SPDX-License-Identifier: MIT
 *
 * The sampled blocks that are live: a small hash table, and in front of it a filter of one bit for
 * each 64 bytes of address, many addresses to a bit, that answers for nearly all frees that the
 * block is not in the table. The filter follows the heap's layout, so that frees of neighbours read
 * the same line, and has at least 170 bits for each block.
 *
 * The table is changed under its lock. The filter is read without it, and so is the table, to see
 * whether the filter was right: that takes no system calls. Blocks are put in and taken out by
 * whoever owns them at the moment, so the answer about one's own block does not change meanwhile.
 * Kept over fork.
 */
#ifndef PRELOAD_SAMPLER_SET_H
#define PRELOAD_SAMPLER_SET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "live.h"
#include "sys.h"

#define SAMPLER_GRAIN 6 /* a bit of the filter is for 2^SAMPLER_GRAIN bytes of address */

struct sampler_filter {
    size_t mask; /* of bits, of which there is a power of two */
    _Atomic uint64_t word[];
};

/* A block, and how many it stands for. */
struct weighted_block {
    struct live_block block;
    uint64_t weight;
};

struct sampler_entry {
    _Atomic uintptr_t address; /* 0: empty */
    struct weighted_block block;
};

struct sampler_table {
    size_t mask;
    struct sampler_entry entry[];
};

/* What is looked at first: a table of bytes, so that none has to be taken apart, at an address that
 * does not change. Each stands for the 8 bits of the filter for 2^SAMPLER_NEAR_GRAIN bytes of
 * address, and for all that are as many table lengths away; 0: none of these bits is set. */
#define SAMPLER_NEAR_GRAIN (SAMPLER_GRAIN + 3)
#define SAMPLER_NEAR ((size_t)1 << 14)

struct sampler_set {
    _Atomic uint8_t near[SAMPLER_NEAR];
    bool near_all; /* it lets nothing pass */
    struct arena_pool *pool;
    struct sys_lock lock;
    _Atomic uint64_t version; /* odd while entries move */
    struct sampler_table *_Atomic table;
    size_t used;
    struct sampler_filter *_Atomic filter;
};

/* Returns -1 without memory. */
int sampler_set_init(struct sampler_set *s, struct arena_pool *pool);

/* LIVE_REPLACED: the address was in the set; what it had is in *OLD. */
enum live_result sampler_set_put(struct sampler_set *s, uintptr_t address,
                                 const struct weighted_block *block, struct weighted_block *old);

/* As sampler_set_put, but what ADDRESS has if it is in the set stays. */
void sampler_set_keep(struct sampler_set *s, uintptr_t address, const struct weighted_block *block);

/* From now on sampler_near_has of every address. Before other threads use the set. */
void sampler_set_pass_none(struct sampler_set *s);

/* Takes ADDRESS out. Returns false if it is not there. */
bool sampler_set_take(struct sampler_set *s, uintptr_t address, struct weighted_block *block);

/* The bytes and number of blocks that all stand for. For a moment when nobody changes any. */
void sampler_set_sum(const struct sampler_set *s, uint64_t *bytes, uint64_t *count);

/* In a child of fork, where nobody else is: frees the lock, and mends what its holder left. */
void sampler_set_child(struct sampler_set *s);

static inline size_t sampler_filter_bit(const struct sampler_filter *f, uintptr_t address)
{
    return (address >> SAMPLER_GRAIN) & f->mask;
}

/* Whether ADDRESS may be in the set; false is certain. Of two answers the first is the quicker, and
 * good enough while the set is small, and it holds address 0 from the beginning. */
static inline bool sampler_near_has(const struct sampler_set *s, uintptr_t address)
{
    const size_t place = (address >> SAMPLER_NEAR_GRAIN) % SAMPLER_NEAR;
#if defined(__x86_64__)
    bool has; /* in one instruction, as the compiler does not make of an atomic load */
    __asm__("cmpb $0, %1" : "=@ccne"(has) : "m"(s->near[place]));
    return has;
#else
    return atomic_load_explicit(&s->near[place], memory_order_relaxed) != 0;
#endif
}

static inline bool sampler_filter_has(const struct sampler_filter *f, uintptr_t address)
{
    size_t bit = sampler_filter_bit(f, address);
    return atomic_load_explicit(&f->word[bit / 64], memory_order_relaxed) >> bit % 64 & 1;
}

#endif
