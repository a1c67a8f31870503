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

/* Reading the clock takes as long as all else that an event needs, so lifetimes are measured of
 * each of a shard's first blocks, and then of one in COUNT_THIN, which counts for as many. Which
 * one that is comes from multiples of the golden ratio: evenly spread, and no period that a program
 * could have, too (Knuth, TAOCP 3, 6.4). */
#define COUNT_MEASURED ((uint64_t)4096)
#define COUNT_THIN_BITS 4
#define COUNT_THIN ((uint64_t)1 << COUNT_THIN_BITS)

/* For the next block of SHARD (NULL: of none): the time, now or when the clock was last read. Tells
 * in BLOCK whether its lifetime is measured. Sampled blocks are few, and each is. */
COUNT_INLINE uint64_t count_time(const struct recorder *r, struct thread *t,
                                 const struct shard *shard, struct live_block *block, bool sampled)
{
    const uint64_t n = likely(shard != NULL) ? counter_get(&shard->alloc_count) : 0;
    block->thinned = !sampled && n >= COUNT_MEASURED;
    block->birth = 0;
    if (likely(block->thinned) &&
        likely((n * 0x9e3779b97f4a7c15u) >> (64 - COUNT_THIN_BITS) != 0)) {
        return t->now;
    }
    t->now = clock_ticks();
    block->birth = t->now - r->live_start;
    block->birth += block->birth == 0;
    return t->now;
}

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
    if (likely(count_alone(r))) {
        peak_change_alone(&t->share, (int64_t)bytes);
        shard_follow_max(shard);
    } else {
        peak_change(&r->peak, &t->share, (int64_t)bytes);
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

/* BLOCK, which stands for WEIGHT, leaves the counts. */
COUNT_INLINE void count_free(struct recorder *r, struct thread *t, const struct live_block *block,
                             uint64_t weight, bool temporary, bool sampled)
{
    const uint64_t bytes = weight * block->size;
    const bool measured = block->birth != 0;
    const uint64_t now = measured ? t->now = clock_ticks() : t->now;
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
    if (measured) {
        uint64_t age = clock_ticks_to_ns(&r->clock, now - r->live_start - block->birth);
        uint64_t n = block->thinned ? COUNT_THIN * weight : weight;
        shard_histogram_add(&shard->lifetimes, age, n, &t->arena);
    }
    count_end(r, shard, epoch, -weight, -bytes, sampled);
    if (likely(count_alone(r))) {
        peak_change_alone(&t->share, -(int64_t)bytes);
    } else {
        peak_change(&r->peak, &t->share, -(int64_t)bytes);
        shard_follow_max_shared(shard, sites_at(&r->sites, block->site));
    }
    counter_add(&t->free_count, 1);
    counter_add(&t->live_count, -weight);
}

#endif
