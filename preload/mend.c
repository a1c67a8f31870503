/* SPDX-License-Identifier: MIT */
#include "mend.h"

#include "count.h"

/* A site's first blocks are all measured: the next one is, in place of one that was lost. */
static void measure_next(struct shard *s)
{
    if (counter_get(&s->alloc_count) < COUNT_MEASURED) {
        s->due = (uint16_t)counter_get(&s->alloc_count);
    }
}

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
        if (atomic_load(&s->version) % 2) {
            sums.open = s;
        }
    }
    return sums;
}

static void limit(counter *c, const counter *most)
{
    if (counter_get(c) > counter_get(most)) {
        atomic_store(c, counter_get(most));
    }
}

/* A size is entered after the block is counted. */
static void take_back_alloc(struct shard *s, uint64_t count, uint64_t bytes)
{
    if (count != 0) {
        shard_take_back_size(s);
    }
    counter_add(&s->alloc_count, -count);
    counter_add(&s->alloc_bytes, -bytes);
    struct shard_more *more = shard_more(s);
    if (more) {
        limit(&more->realloc_count, &s->alloc_count);
    }
}

static void take_back_free(struct shard *s, uint64_t count, uint64_t bytes)
{
    counter_add(&s->free_count, -count);
    counter_add(&s->freed_bytes, -bytes);
    limit(&s->temporary_count, &s->free_count);
}

void mend_take_back(struct shard *s, uint64_t count, uint64_t bytes)
{
    if ((int64_t)count > 0 || (int64_t)bytes > 0) {
        take_back_alloc(s, count, bytes);
    } else {
        take_back_free(s, -count, -bytes);
    }
}

void mend_thread(struct recorder *r, struct thread *t)
{
    knowns_left(&t->stack.knowns);
    struct mend_sums sums = add_up(t);
    uint64_t bytes = sums.bytes - (uint64_t)atomic_load(&t->share.live);
    uint64_t count = sums.count - counter_get(&t->live_count);
    if (sums.open) {
        mend_take_back(sums.open, count, bytes);
        shard_end(sums.open);
        bytes = count = 0;
    }
    for (struct shard *s = atomic_load(&t->shards); s; s = atomic_load(&s->next)) {
        measure_next(s);
    }
    counter_add(&t->live_count, count);
    if (count_alone(r)) {
        peak_change_alone(&t->share, (int64_t)bytes);
    } else {
        peak_change(&r->peak, &t->share, (int64_t)bytes);
    }
}
