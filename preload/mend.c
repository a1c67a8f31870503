/* SPDX-License-Identifier: MIT */
#include "mend.h"

#include "count.h"

/* What the shards of a thread hold, and the one that was left. */
struct mend_sums {
    uint64_t bytes, count;
    struct shard *open;
};

static struct mend_sums add_up(const struct thread *t)
{
    struct mend_sums sums = {0};
    for (struct shard *s = atomic_load(&t->shards); s; s = atomic_load(&s->next)) {
        sums.bytes += shard_live_bytes(s);
        sums.count += shard_live_count(s);
        if (counter_get(&s->version) % 2) {
            sums.open = s;
        }
    }
    return sums;
}

static uint64_t histogram_sum(const struct shard_histogram *h)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < MEMPROF_HISTOGRAM_BUCKETS; i++) {
        sum += shard_histogram_get(h, i);
    }
    return sum;
}

static void limit(counter *c, const counter *most)
{
    if (counter_get(c) > counter_get(most)) {
        atomic_store(c, counter_get(most));
    }
}

/* COUNT blocks and BYTES of an allocation are in S: its size is known if both are, and then it may
 * be in the histogram. */
static void take_back_alloc(struct shard *s, uint64_t count, uint64_t bytes, struct arena *arena)
{
    counter_add(&s->alloc_count, -count);
    counter_add(&s->alloc_bytes, -bytes);
    const uint64_t sizes = histogram_sum(&s->sizes), allocations = counter_get(&s->alloc_count);
    if (count != 0 && sizes > allocations) {
        shard_histogram_add(&s->sizes, bytes / count, allocations - sizes, arena);
    }
    limit(&s->realloc_count, &s->alloc_count);
}

static void take_back_free(struct shard *s, uint64_t count, uint64_t bytes)
{
    counter_add(&s->free_count, -count);
    counter_add(&s->freed_bytes, -bytes);
    limit(&s->temporary_count, &s->free_count);
}

void mend_take_back(struct shard *s, uint64_t count, uint64_t bytes, struct arena *arena)
{
    if ((int64_t)count > 0 || (int64_t)bytes > 0) {
        take_back_alloc(s, count, bytes, arena);
    } else {
        take_back_free(s, -count, -bytes);
    }
}

void mend_thread(struct recorder *r, struct thread *t)
{
    struct mend_sums sums = add_up(t);
    uint64_t bytes = sums.bytes - (uint64_t)atomic_load(&t->share.live);
    uint64_t count = sums.count - counter_get(&t->live_count);
    if (sums.open) {
        mend_take_back(sums.open, count, bytes, &t->arena);
        shard_end(sums.open);
        bytes = count = 0;
    }
    counter_add(&t->live_count, count);
    if (count_alone(r)) {
        peak_change_alone(&t->share, (int64_t)bytes);
    } else {
        peak_change(&r->peak, &t->share, (int64_t)bytes);
    }
}
