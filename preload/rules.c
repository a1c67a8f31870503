/* SPDX-License-Identifier: MIT */
#include "rules.h"

#include <errno.h>

#include "guard.h"
#include "roomy.h"

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
    /* Larger each time, for the old one stays: but filled by two thirds, since four share a line.
     */
    while (slots < keep * 2 || (old && slots <= old->mask)) {
        slots *= 2;
    }
    struct rules_table *t = arena_pool_piece(r->pool, sizeof *t + slots * sizeof t->slot[0]);
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

/* Under the lock. */
static void insert(struct rules *r, uint64_t key, struct rule rule)
{
    struct rules_table *t = atomic_load(&r->table);
    if (!t || t->used * 3 > t->mask * 2) {
        t = grow(r, t, key);
    }
    struct rule known;
    if (t && !rules_find(t, key, &known)) {
        put(t, key, rule);
    }
}

struct derivation {
    struct rules *rules;
    uint64_t key;
    struct rule rule;
};

/* On a stack with room: all signals are blocked there, which the lock need not do again. */
static void derive_there(void *arg)
{
    struct derivation *d = arg;
    struct rules *r = d->rules;
    const uintptr_t ip = d->key & (((uint64_t)1 << 48) - 1);
    const bool return_address = d->key >> 63;
    if (!unwinder_read(ip, return_address, &d->rule)) {
        d->rule = unwinder_derive_here(r->unwinder, ip, return_address);
    }
    if (guard_tls.masked) {
        sys_lock_masked(&r->lock);
        insert(r, d->key, d->rule);
        sys_unlock_masked(&r->lock);
    } else {
        const sys_sigset before = sys_lock(&r->lock);
        insert(r, d->key, d->rule);
        sys_unlock(&r->lock, before);
    }
}

struct rule rules_derive(struct rules *r, uint64_t key)
{
    struct derivation d = {.rules = r, .key = key};
    const int saved = errno;
    roomy_call(derive_there, &d);
    errno = saved;
    return d.rule;
}
