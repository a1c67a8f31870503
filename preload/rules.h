/* SPDX-License-Identifier: MIT
 *
 * The table of rules, keyed by instruction address. Derived once each, as libunwind does, then
 * found without a lock by any thread. A rule belongs to a generation of the process's modules: when
 * a module is unloaded the generation changes and older rules are not found any more.
 */
#ifndef PRELOAD_RULES_H
#define PRELOAD_RULES_H

#include <stdatomic.h>

#include "arena.h"
#include "rule.h"
#include "sys.h"
#include "unwinder.h"

struct rules_slot {
    _Atomic uint64_t key; /* 0: empty; written last */
    _Atomic uint64_t rule;
};

/* Open addressing with linear probing. A table that is full of rules of its generation is replaced
 * by a larger one, and stays mapped for those who are still reading it. One that is full of older
 * rules is emptied in place: a reader looks at the key again after it has read the rule. */
struct rules_table {
    unsigned shift; /* of a key's product, to its first slot */
    size_t mask, used;
    struct rules_slot slot[];
};

struct rules {
    struct unwinder *unwinder;
    struct sys_lock lock; /* for writers */
    struct arena_pool *pool;
    struct rules_table *_Atomic table;
    _Atomic uint32_t era; /* what keys do not tell of the generations in `table` */
};

#define RULES_GENERATION_BITS 15

void rules_init(struct rules *r, struct unwinder *u, struct arena_pool *pool);

/* User addresses have 47 bits, or 48 (aarch64): what is left tells the generation and the kind of
 * address. */
static inline uint64_t rules_key(uintptr_t ip, bool return_address, uint32_t generation)
{
    const uint32_t told = generation & ((1u << RULES_GENERATION_BITS) - 1);
    return ip | (uint64_t)told << 48 | (uint64_t)return_address << 63;
}

static inline size_t rules_start(const struct rules_table *t, uint64_t key)
{
    return (size_t)((key * 0x9e3779b97f4a7c15u) >> (t->shift % 64));
}

/* Copies the rule of KEY into *RULE. */
static inline bool rules_find(const struct rules_table *t, uint64_t key, struct rule *rule)
{
    const struct rules_slot *slot = &t->slot[rules_start(t, key)], *const end = t->slot + t->mask;
    for (;; slot = likely(slot != end) ? slot + 1 : t->slot) {
        const uint64_t found = atomic_load_explicit(&slot->key, memory_order_acquire);
        if (likely(found == key)) {
            rule->bits = atomic_load_explicit(&slot->rule, memory_order_acquire);
            if (likely(atomic_load_explicit(&slot->key, memory_order_relaxed) == key)) {
                return true;
            }
        }
        if (unlikely(found == 0)) {
            return false;
        }
    }
}

/* For a key that is not in the table: derives the rule and enters it. May run libunwind: under the
 * guard, no lock of ours held. Without memory for the table rules are derived again each time. */
struct rule rules_derive(struct rules *r, uint64_t key);

/* Forgets all rules: they are of generations before ERA, which keys do not tell from later ones. */
void rules_enter_era(struct rules *r, uint32_t era);

/* Whether IP may be an address of code at all, and thus have a key. */
static inline bool rules_plausible(uintptr_t ip)
{
    return (ip - 1) >> 48 == 0;
}

/* For a walk, which gets many: of one generation and one kind of address. */
struct rules_reader {
    struct rules *rules;
    const struct rules_table *table;
    uint64_t told; /* what their keys have besides the address */
};

static inline struct rules_reader rules_reader(struct rules *r, bool return_address,
                                               uint32_t generation)
{
    const uint32_t era = generation >> RULES_GENERATION_BITS;
    if (unlikely(era != atomic_load_explicit(&r->era, memory_order_acquire))) {
        rules_enter_era(r, era);
    }
    return (struct rules_reader){
        .rules = r,
        .table = atomic_load_explicit(&r->table, memory_order_acquire),
        .told = rules_key(0, return_address, generation),
    };
}

/* The rule for IP, which is plausible. */
static inline struct rule rules_read(struct rules_reader *reader, uintptr_t ip)
{
    struct rule rule;
    const uint64_t key = ip | reader->told;
    if (likely(reader->table != NULL) && likely(rules_find(reader->table, key, &rule))) {
        return rule;
    }
    rule = rules_derive(reader->rules, key);
    reader->table = atomic_load_explicit(&reader->rules->table, memory_order_acquire);
    return rule;
}

/* The same, for one. */
static inline struct rule rules_get(struct rules *r, uintptr_t ip, bool return_address,
                                    uint32_t generation)
{
    struct rules_reader reader = rules_reader(r, return_address, generation);
    return rules_read(&reader, ip);
}

#endif
