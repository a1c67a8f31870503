/* SPDX-License-Identifier: MIT */
#include "shard.h"

bool shard_histogram_extend(struct shard_histogram *h, unsigned bucket, uint64_t n,
                            struct arena *arena)
{
    counter *line = arena_alloc(arena, SHARD_LINE * sizeof *line);
    if (!line) {
        return false;
    }
    counter_add(&line[bucket % SHARD_LINE], n);
    atomic_store_explicit(&h->line[bucket / SHARD_LINE], line, memory_order_release);
    return true;
}

void shard_follow_max_shared(struct shard *s, struct site *site)
{
    int64_t live = (int64_t)shard_live_bytes(s);
    int64_t pending = live - s->handed_in;
    int64_t limit = atomic_load_explicit(&site->live_bytes, memory_order_relaxed) / 8;
    if (pending < limit && pending > -limit) {
        return;
    }
    int64_t total = atomic_fetch_add(&site->live_bytes, pending) + pending;
    s->handed_in = live;
    int64_t seen = atomic_load_explicit(&site->max_live_bytes, memory_order_relaxed);
    while (total > seen && !atomic_compare_exchange_weak(&site->max_live_bytes, &seen, total)) {
    }
}
