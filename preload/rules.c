/* SPDX-License-Identifier: MIT */
#include "rules.h"

#define FIRST_SLOTS ((size_t)1 << 12)

struct slot {
    _Atomic uint64_t key; /* 0: empty; written last */
    struct rule rule;
};

/* Open addressing with linear probing. A table that is full of rules of its generation is replaced
 * by a larger one, and stays mapped for those who are still reading it. One that is full of older
 * rules is emptied in place: a reader looks at the key again after it has read the rule. */
struct rules_table {
    size_t mask, used;
    struct slot slot[];
};

/* User addresses have 47 bits (48 on aarch64 but for the last): what is left tells the generation
 * and the kind of address. */
static uint64_t key_of(uintptr_t ip, bool return_address, uint32_t generation)
{
    return ip | (uint64_t)(generation & 0x7fff) << 48 | (uint64_t)return_address << 63;
}

static size_t start_of(const struct rules_table *t, uint64_t key)
{
    return (size_t)((key * 0x9e3779b97f4a7c15u) >> 20) & t->mask;
}

void rules_init(struct rules *r, struct unwinder *u, struct arena_pool *pool)
{
    r->unwinder = u;
    r->pool = pool;
}

/* Copies the rule of KEY into *RULE. */
static bool find(const struct rules_table *t, uint64_t key, struct rule *rule)
{
    for (size_t i = start_of(t, key);; i = (i + 1) & t->mask) {
        uint64_t found = atomic_load_explicit(&t->slot[i].key, memory_order_acquire);
        if (found == key) {
            *rule = t->slot[i].rule;
            atomic_thread_fence(memory_order_acquire);
            if (likely(atomic_load_explicit(&t->slot[i].key, memory_order_relaxed) == key)) {
                return true;
            }
        }
        if (found == 0) {
            return false;
        }
    }
}

static void put(struct rules_table *t, uint64_t key, struct rule rule)
{
    size_t i = start_of(t, key);
    while (atomic_load_explicit(&t->slot[i].key, memory_order_relaxed) != 0) {
        i = (i + 1) & t->mask;
    }
    t->slot[i].rule = rule;
    atomic_store_explicit(&t->slot[i].key, key, memory_order_release);
    t->used++;
}

/* A table that holds those of OLD's rules that are of KEY's generation, with room for more: OLD
 * itself, empty, if they are few. */
static struct rules_table *grow(struct rules *r, struct rules_table *old, uint64_t key)
{
    const uint64_t generation = (uint64_t)0x7fff << 48;
    size_t keep = 0;
    for (size_t i = 0; old && i <= old->mask; i++) {
        keep += old->slot[i].key != 0 && ((old->slot[i].key ^ key) & generation) == 0;
    }
    if (old && keep * 4 <= old->mask) {
        for (size_t i = 0; i <= old->mask; i++) {
            atomic_store_explicit(&old->slot[i].key, 0, memory_order_relaxed);
        }
        atomic_thread_fence(memory_order_release);
        old->used = 0;
        return old;
    }
    size_t slots = FIRST_SLOTS;
    while (slots < keep * 4) {
        slots *= 2;
    }
    struct rules_table *t = arena_pool_map(r->pool, sizeof *t + slots * sizeof t->slot[0]);
    if (!t) {
        return NULL;
    }
    t->mask = slots - 1;
    for (size_t i = 0; old && i <= old->mask; i++) {
        uint64_t k = old->slot[i].key;
        if (k != 0 && ((k ^ key) & generation) == 0) {
            put(t, k, old->slot[i].rule);
        }
    }
    atomic_store_explicit(&r->table, t, memory_order_release);
    return t;
}

static void insert(struct rules *r, uint64_t key, struct rule rule)
{
    sys_sigset before = sys_lock(&r->lock);
    struct rules_table *t = atomic_load(&r->table);
    if (!t || t->used * 2 > t->mask) {
        t = grow(r, t, key);
    }
    struct rule known;
    if (t && !find(t, key, &known)) {
        put(t, key, rule);
    }
    sys_unlock(&r->lock, before);
}

struct rule rules_get(struct rules *r, uintptr_t ip, bool return_address, uint32_t generation)
{
    uint64_t key = key_of(ip, return_address, generation);
    const struct rules_table *t = atomic_load_explicit(&r->table, memory_order_acquire);
    struct rule rule;
    if (t && likely(find(t, key, &rule))) {
        return rule;
    }
    rule = unwinder_derive(r->unwinder, ip, return_address);
    insert(r, key, rule);
    return rule;
}
