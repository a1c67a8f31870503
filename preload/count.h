/* SPDX-License-Identifier: MIT
 *
 * What one allocation, and one free, changes in the counters. Inline, so that without sampling
 * (SAMPLED false, WEIGHT 1: constants) nothing of it is left but a few additions.
 *
 * For the thread T alone, under the guard.
 */
#ifndef PRELOAD_COUNT_H
#define PRELOAD_COUNT_H

#include "recorder.h"
#include "sampler_variance.h"

/* Blocks that are remembered, so that their free is known, but counted nowhere. */
#define SITE_UNCOUNTED 0u

#define COUNT_INLINE static inline __attribute__((always_inline))

/* A change of SHARD begins: its share of the peak is kept if the epoch is new, which is returned.
 */
COUNT_INLINE uint64_t count_begin(struct recorder *r, struct shard *shard, bool sampled)
{
    uint64_t epoch = atomic_load_explicit(&r->peak.epoch, memory_order_relaxed);
    shard_begin(shard);
    shard_enter_epoch(shard, epoch);
    struct sampler_variance *v = sampled ? atomic_load(&shard->variance) : NULL;
    if (v) {
        sampler_variance_enter(v, epoch);
    }
    return epoch;
}

/* The change by COUNT blocks of BYTES in all is made. If another thread raised the peak meanwhile,
 * it counts as one after that. */
COUNT_INLINE void count_end(struct recorder *r, struct shard *shard, uint64_t epoch, uint64_t count,
                            uint64_t bytes, bool sampled)
{
    __asm__ volatile("" ::: "memory");
    uint64_t now = atomic_load_explicit(&r->peak.epoch, memory_order_relaxed);
    if (unlikely(now != epoch)) {
        atomic_store_explicit(&shard->peak_bytes, shard_live_bytes(shard) - bytes,
                              memory_order_relaxed);
        atomic_store_explicit(&shard->peak_count, shard_live_count(shard) - count,
                              memory_order_relaxed);
        atomic_store_explicit(&shard->epoch, now, memory_order_relaxed);
        struct sampler_variance *v = sampled ? atomic_load(&shard->variance) : NULL;
        if (v) {
            sampler_variance_overtaken(v, now);
        }
    }
    shard_end(shard);
}

/* Whether one thread alone has recorded until now. */
COUNT_INLINE bool count_alone(const struct recorder *r)
{
    return atomic_load_explicit(&r->peak.step, memory_order_relaxed) == 0;
}

/* A new block of SIZE bytes, which stands for WEIGHT, comes into the counts of SHARD. */
COUNT_INLINE void count_alloc(struct recorder *r, struct thread *t, struct shard *shard,
                              uint64_t size, uint64_t weight, bool reallocated, bool sampled)
{
    const uint64_t bytes = weight * size;
    const uint64_t epoch = count_begin(r, shard, sampled);
    counter_add(&shard->alloc_count, weight);
    counter_add(&shard->alloc_bytes, bytes);
    if (sampled && weight > 1) {
        sampler_variance_alloc(atomic_load(&shard->variance), weight, size);
    }
    if (unlikely(shard->thread != t->serial)) {
        shard->thread = t->serial;
        counter_add(&shard->threads, 1);
    }
    if (unlikely(reallocated)) {
        counter_add(&shard->realloc_count, weight);
    }
    shard_histogram_add(&shard->sizes, size, weight, &t->arena);
    count_end(r, shard, epoch, weight, bytes, sampled);
    peak_change(&r->peak, &t->share, (int64_t)bytes);
    if (likely(count_alone(r))) {
        shard_follow_max(shard);
    } else {
        shard_follow_max_shared(shard, sites_at(&r->sites, shard->site));
    }
    counter_add(&t->live_count, weight);
    counter_add(&t->alloc_count, 1);
    counter_add(&t->alloc_bytes, size);
}

/* For a block that is not of this process's sites. */
static inline void count_foreign_free(struct recorder *r, struct thread *t,
                                      const struct live_block *block, uint64_t weight)
{
    if (block->site != SITE_UNCOUNTED) {
        counter_add(&t->inherited_free_count, weight);
        counter_add(&t->inherited_freed_bytes, weight * block->size);
        sampler_freed_passed(&r->sampler, t->meter); /* as those that were not sampled count */
    }
}

/* BLOCK, which stands for WEIGHT, leaves the counts; NOW in ticks. */
COUNT_INLINE void count_free(struct recorder *r, struct thread *t, const struct live_block *block,
                             uint64_t weight, uint64_t now, bool temporary, bool sampled)
{
    const uint64_t bytes = weight * block->size;
    if (unlikely(!sites_own(&r->sites, block->site))) {
        count_foreign_free(r, t, block, weight);
        return;
    }
    peak_before_free(&r->peak, &t->share, now);
    struct shard *shard =
        thread_shard(t, block->site, atomic_load_explicit(&r->peak.epoch, memory_order_relaxed));
    if (unlikely(!shard) || (sampled && weight > 1 && !sampler_variance_of(shard, &t->arena))) {
        counter_add(&t->dropped_count, 1);
        return;
    }
    const uint64_t epoch = count_begin(r, shard, sampled);
    counter_add(&shard->free_count, weight);
    counter_add(&shard->freed_bytes, bytes);
    if (temporary) {
        counter_add(&shard->temporary_count, weight);
    }
    if (sampled && weight > 1) {
        sampler_variance_free(atomic_load(&shard->variance), weight, block->size);
    }
    uint64_t age = now - r->live_start - block->birth;
    shard_histogram_add(&shard->lifetimes, clock_ticks_to_ns(&r->clock, age), weight, &t->arena);
    count_end(r, shard, epoch, -weight, -bytes, sampled);
    peak_change(&r->peak, &t->share, -(int64_t)bytes);
    if (unlikely(!count_alone(r))) {
        shard_follow_max_shared(shard, sites_at(&r->sites, block->site));
    }
    counter_add(&t->free_count, 1);
    counter_add(&t->live_count, -weight);
}

#endif
