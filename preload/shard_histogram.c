/* SPDX-License-Identifier: MIT */
#include "shard_histogram.h"

static struct shard_far *far_of(uintptr_t header)
{
    return (struct shard_far *)(header & ~SHARD_HEADER_BITS);
}

/* Chooses which buckets are near: BUCKET and some on either side. */
static void set_near(struct shard_histogram *h, unsigned bucket, uint64_t n)
{
    unsigned first = bucket < 2 ? 0 : (bucket - 1) / 2;
    /* In this order: what a handler cuts off by longjmp is seen, and can be taken back. */
    atomic_store_explicit(&h->header, first | SHARD_NEAR_SET, memory_order_release);
    atomic_signal_fence(memory_order_seq_cst);
    counter_add(&h->near[bucket - first * 2], n);
}

bool shard_histogram_add_far(struct shard_histogram *h, unsigned bucket, uint64_t n,
                             struct arena *arena)
{
    uintptr_t header = atomic_load_explicit(&h->header, memory_order_relaxed);
    if (!(header & SHARD_NEAR_SET)) {
        set_near(h, bucket, n);
        return true;
    }
    struct shard_far *far = far_of(header);
    if (!far) {
        far = arena ? arena_alloc(arena, sizeof *far) : NULL;
        if (!far) {
            return false;
        }
        atomic_store_explicit(&h->header, (uintptr_t)far | header, memory_order_release);
    }
    counter *line = atomic_load_explicit(&far->line[bucket / SHARD_LINE], memory_order_relaxed);
    if (!line) {
        line = arena ? arena_alloc(arena, SHARD_LINE * sizeof *line) : NULL;
        if (!line) {
            return false;
        }
        atomic_store_explicit(&far->line[bucket / SHARD_LINE], line, memory_order_release);
    }
    counter_add(&line[bucket % SHARD_LINE], n);
    return true;
}

uint64_t shard_histogram_get(const struct shard_histogram *h, unsigned bucket)
{
    uintptr_t header = atomic_load_explicit(&h->header, memory_order_acquire);
    unsigned near = bucket - (unsigned)(header & SHARD_NEAR_MASK) * 2;
    if ((header & SHARD_NEAR_SET) && near < SHARD_NEAR) {
        return counter_get(&h->near[near]);
    }
    const struct shard_far *far = far_of(header);
    const counter *line =
        far ? atomic_load_explicit(&far->line[bucket / SHARD_LINE], memory_order_acquire) : NULL;
    return line ? counter_get(&line[bucket % SHARD_LINE]) : 0;
}

uint64_t shard_histogram_sum(const struct shard_histogram *h,
                             uint64_t to[MEMPROF_HISTOGRAM_BUCKETS])
{
    const uintptr_t header = atomic_load_explicit(&h->header, memory_order_acquire);
    uint64_t set = 0;
    if (!(header & SHARD_NEAR_SET)) {
        return 0; /* nothing */
    }
    const unsigned first = (unsigned)(header & SHARD_NEAR_MASK) * 2;
    for (unsigned i = 0; i < SHARD_NEAR && first + i < MEMPROF_HISTOGRAM_BUCKETS; i++) {
        to[first + i] += counter_get(&h->near[i]);
        set |= (uint64_t)1 << (first + i);
    }
    const struct shard_far *far = far_of(header);
    for (unsigned i = 0; far && i < SHARD_LINES; i++) {
        const counter *line = atomic_load_explicit(&far->line[i], memory_order_acquire);
        for (unsigned k = 0; line && k < SHARD_LINE; k++) {
            to[i * SHARD_LINE + k] += counter_get(&line[k]); /* 0 for what is near */
        }
        set |= line ? (uint64_t)0xff << (i * SHARD_LINE) : 0;
    }
    return set;
}
