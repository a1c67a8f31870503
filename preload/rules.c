/* SPDX-License-Identifier: MIT */
#include "rules.h"

#include <errno.h>

#define FIRST_SLOTS ((size_t)1 << 12)

void rules_init(struct rules *r, struct unwinder *u, struct arena_pool *pool)
{
    r->unwinder = u;
    r->pool = pool;
}

static void put(struct rules_table *t, uint64_t key, struct rule rule)
{
    size_t i = rules_start(t, key);
    while (atomic_load_explicit(&t->slot[i].key, memory_order_relaxed) != 0) {
        i = (i + 1) & t->mask;
    }
    atomic_store_explicit(&t->slot[i].rule, rule.bits, memory_order_relaxed);
    atomic_store_explicit(&t->slot[i].key, key, memory_order_release);
    t->used++;
}

static void empty(struct rules_table *t)
{
    for (size_t i = 0; i <= t->mask; i++) {
        atomic_store_explicit(&t->slot[i].key, 0, memory_order_relaxed);
    }
    atomic_thread_fence(memory_order_release); /* before any rule is written anew */
    t->used = 0;
}

void rules_enter_era(struct rules *r, uint32_t era)
{
    sys_sigset before = sys_lock(&r->lock);
    struct rules_table *t = atomic_load(&r->table);
    if (t && atomic_load(&r->era) != era) {
        empty(t);
    }
    atomic_store_explicit(&r->era, era, memory_order_release);
    sys_unlock(&r->lock, before);
}

/* A table that holds those of OLD's rules that are of KEY's generation, with room for more: OLD
 * itself, empty, if they are few. */
static struct rules_table *grow(struct rules *r, struct rules_table *old, uint64_t key)
{
    const uint64_t generation = (((uint64_t)1 << RULES_GENERATION_BITS) - 1) << 48;
    size_t keep = 0;
    for (size_t i = 0; old && i <= old->mask; i++) {
        keep += old->slot[i].key != 0 && ((old->slot[i].key ^ key) & generation) == 0;
    }
    if (old && keep * 4 <= old->mask) {
        empty(old);
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
    t->shift = (unsigned)(64 - __builtin_ctzll(slots));
    for (size_t i = 0; old && i <= old->mask; i++) {
        uint64_t k = old->slot[i].key;
        if (k != 0 && ((k ^ key) & generation) == 0) {
            put(t, k, (struct rule){old->slot[i].rule});
        }
    }
    atomic_store_explicit(&r->table, t, memory_order_release);
    return t;
}

/* Not inline: its frame is not to lie below the derivation's. */
static __attribute__((noinline)) void insert(struct rules *r, uint64_t key, struct rule rule)
{
    sys_sigset before = sys_lock(&r->lock);
    struct rules_table *t = atomic_load(&r->table);
    if (!t || t->used * 2 > t->mask) {
        t = grow(r, t, key);
    }
    struct rule known;
    if (t && !rules_find(t, key, &known)) {
        put(t, key, rule);
    }
    sys_unlock(&r->lock, before);
}

struct rule rules_derive(struct rules *r, uint64_t key)
{
    uintptr_t ip = key & (((uint64_t)1 << 48) - 1);
    int saved = errno;
    struct rule rule = unwinder_derive(r->unwinder, ip, key >> 63);
    errno = saved;
    insert(r, key, rule);
    return rule;
}
