/* SPDX-License-Identifier: MIT */
#include "changes.h"

/* A list that is longer than this leads in a circle. */
#define MOST ((uint64_t)1 << 40)

struct sum {
    const struct vault *within;
    uint64_t hash, left;
    bool bad;
};

static void add(struct sum *sum, uint64_t word)
{
    sum->hash = (sum->hash ^ word) * 1099511628211u; /* FNV-1a, by words */
    sum->hash ^= sum->hash >> 29;
}

static bool follow(struct sum *sum, const void *p, size_t size)
{
    if (!p || sum->bad) {
        return false;
    }
    sum->bad = sum->left-- == 0 || (sum->within && !vault_holds(sum->within, p, size));
    return !sum->bad;
}

static uint64_t failed_count(struct sum *sum, const struct shard *s)
{
    const struct shard_more *more = shard_more(s);
    if (!follow(sum, more, sizeof *more)) {
        return 0;
    }
    const struct shard_rare *rare = atomic_load(&more->rare);
    return follow(sum, rare, sizeof *rare) ? counter_get(&rare->failed_count) : 0;
}

/* Of a shard its version says all: it changes at the beginning and at the end of an event. What
 * failed is counted without. */
static void add_shards(struct sum *sum, const struct thread *t)
{
    const struct shard *s = atomic_load(&t->shards);
    for (; follow(sum, s, sizeof *s); s = atomic_load(&s->next)) {
        add(sum, arch_get32(&s->version));
        add(sum, failed_count(sum, s));
    }
}

static void add_thread(struct sum *sum, const struct thread *t)
{
    add(sum, counter_get(&t->alloc_count));
    add(sum, counter_get(&t->free_count));
    add(sum, counter_get(&t->live_count));
    add(sum, (uint64_t)atomic_load_explicit(&t->share.live, memory_order_relaxed));
    add(sum, counter_get(&t->dropped_count));
    add(sum, counter_get(&t->unknown_free_count));
    add(sum, counter_get(&t->inherited_free_count));
    add(sum, counter_get(&t->missed_free_count));
    add(sum, (uint64_t)t->tid);
    add(sum, atomic_load(&t->in_use));
}

static void add_mappings(struct sum *sum, const struct mapping_counts *c)
{
    const struct idtable *t = &c->shards;
    add(sum, (uint64_t)atomic_load(&c->share.live));
    add(sum, c->dropped_count + c->unknown_free_count);
    add(sum, c->inherited_freed_bytes);
    for (uint32_t id = 1; id <= t->count; id++) {
        const struct shard *s = follow(sum, &t->chunk[id >> IDTABLE_CHUNK_BITS], sizeof *t->chunk)
                                    ? idtable_at(t, id)
                                    : NULL;
        if (!follow(sum, s, sizeof *s)) {
            return;
        }
        add(sum, arch_get32(&s->version));
        add(sum, failed_count(sum, s));
    }
}

uint64_t changes_sum(const struct recorder *r, const struct vault *within)
{
    struct sum sum = {.within = within, .hash = 14695981039346656037u, .left = MOST};
    if (within) {
        sum.left = 3 * (within->file_used / sizeof(struct shard));
    }
    add(&sum, counter_get(&r->dropped_count));
    add(&sum, counter_get(&r->nested_count));
    add(&sum, r->ended_count);
    add_mappings(&sum, &r->mapping_counts);
    const struct thread *t = atomic_load(&r->threads);
    for (; follow(&sum, t, sizeof *t); t = atomic_load(&t->next)) {
        add_thread(&sum, t);
        add_shards(&sum, t);
    }
    return sum.bad ? 0 : sum.hash | 1;
}
