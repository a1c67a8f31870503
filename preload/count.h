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
 * could have, too (Knuth, TAOCP 3, 6.4). Where a thread has allocated nothing that was measured for
 * COUNT_SELDOM ticks, some 300 microseconds, all are measured: what is due is seen on that
 * occasion, and must not wait for many events of a program that has few. */
#define COUNT_MEASURED ((uint64_t)16)
#define COUNT_SELDOM ((uint64_t)1 << 20)
#define COUNT_THIN ((uint64_t)32)
#define COUNT_GOLDEN UINT32_C(0x9e3779b9)
#define COUNT_CHANCE (UINT32_MAX / 32) /* one in COUNT_THIN */

/* Whether the lifetime of SHARD's block is measured that comes after N others. */
COUNT_INLINE bool count_measures(const struct shard *shard, uint64_t n)
{
    return (uint16_t)n == shard->due;
}

COUNT_INLINE bool count_is_spread(uint64_t n)
{
    return (uint32_t)n * COUNT_GOLDEN <= COUNT_CHANCE;
}

/* The block after N others is one of these, or of a thread that allocates seldom: sets the next.
 * Before the block is counted: a next one that is never reached would never be measured.
 * Multiples of the golden ratio come back to an interval of COUNT_CHANCE after 21, 34 or 55
 * (Slater, Gaps and steps for the sequence n theta mod 1, 1967). */
COUNT_INLINE void count_measured(struct shard *shard, uint64_t n)
{
    if (!count_measures(shard, n)) {
        return;
    }
    uint64_t next = n + 1;
    if (n >= COUNT_MEASURED) {
        next = count_is_spread(n + 21) ? n + 21 : count_is_spread(n + 34) ? n + 34 : n + 55;
    } else if (next == COUNT_MEASURED) {
        while (!count_is_spread(next)) {
            next++;
        }
    }
    shard->due = (uint16_t)next;
}

/* A block is born now: ticks since births are counted from, not 0. */
COUNT_INLINE uint64_t count_birth(const struct recorder *r, struct thread *t)
{
    t->now = clock_ticks();
    const uint64_t birth = t->now - r->live_start;
    return birth + (birth == 0);
}

/* The stamp of such a block, which is born now. */
COUNT_INLINE uint64_t count_stamp(const struct recorder *r, struct thread *t, uint64_t n)
{
    const bool thinned = !t->seldom && n >= COUNT_MEASURED;
    const uint64_t before = t->now, stamp = live_stamp(count_birth(r, t), thinned);
    t->seldom = t->now - before > COUNT_SELDOM;
    if (unlikely(t->seldom)) {
        t->turn.alloc = t->shared_turn.alloc = TURN_NONE;
    }
    return stamp;
}

/* Whether something was due when a birth was measured last. */
COUNT_INLINE bool count_due(const struct recorder *r, const struct thread *t)
{
    return t->now >= atomic_load_explicit(&r->deadline, memory_order_relaxed);
}

/* A change of SHARD begins: its share of the peak is kept if the epoch is new, which is returned.
 */
COUNT_INLINE uint64_t count_begin(struct recorder *r, struct shard *shard, bool sampled)
{
    uint64_t epoch = atomic_load_explicit(&r->peak.epoch, memory_order_relaxed);
    shard_begin(shard);
    shard_enter_epoch(shard, epoch);
    struct sampler_variance *v = sampled ? shard_variance(shard) : NULL;
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
        struct sampler_variance *v = sampled ? shard_variance(shard) : NULL;
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

/* Whether this thread has allocated at SHARD's site before. */
COUNT_INLINE void count_thread(const struct thread *t, struct shard *shard)
{
    if (unlikely(shard->thread != t->serial)) {
        shard->thread = t->serial;
        arch_add32(&shard->threads, 1);
    }
}

/* After a change of SHARD by T, where others have recorded, too: whether count_hand_in is due. */
COUNT_INLINE bool count_is_to_hand_in(const struct recorder *r, const struct thread *t,
                                      const struct shard *shard)
{
    return peak_is_to_hand_in(&r->peak, &t->share) || shard_is_to_hand_in(shard);
}

COUNT_INLINE void count_hand_in(struct recorder *r, struct thread *t, struct shard *shard)
{
    if (peak_is_to_hand_in(&r->peak, &t->share)) {
        peak_hand_in(&r->peak, &t->share);
    }
    shard_follow_max_shared(shard, sites_at(&r->sites, shard_site(shard)));
}

/* As count_alloc, of a block that stands for itself, where no other thread has recorded: the epoch
 * does not change meanwhile. FIRST: this may be the first block of the site. */
COUNT_INLINE void count_alloc_alone(struct recorder *r, struct thread *t, struct shard *shard,
                                    uint64_t size, bool reallocated, bool first)
{
    count_begin(r, shard, false);
    counter_add(&shard->alloc_count, 1);
    counter_add(&shard->alloc_bytes, size);
    if (unlikely(first)) {
        count_thread(t, shard);
    }
    if (unlikely(reallocated)) {
        shard_count_realloc(shard, 1, &t->arena);
    }
    shard_count_size(shard, size, 1, &t->arena);
    shard_end(shard);
    shard_follow_max(shard);
    peak_change_alone(&t->share, (int64_t)size);
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
        sampler_variance_alloc(shard_variance(shard), weight, size);
    }
    count_thread(t, shard);
    if (unlikely(reallocated)) {
        shard_count_realloc(shard, weight, &t->arena);
    }
    shard_count_size(shard, size, weight, &t->arena);
    count_end(r, shard, epoch, weight, bytes, sampled);
    shard_follow_max(shard);
    peak_change_alone(&t->share, (int64_t)bytes);
    if (!count_alone(r)) {
        count_hand_in(r, t, shard);
    }
}

/* What a thread counts of each allocation after that. */
COUNT_INLINE void count_alloc_of_thread(struct thread *t, uint64_t size, uint64_t weight)
{
    counter_add(&t->live_count, weight);
    counter_add(&t->alloc_count, 1);
    counter_add(&t->alloc_bytes, size);
}

/* For a block that is not of this process's sites. */
static __attribute__((noinline, unused)) void count_foreign_free(struct recorder *r,
                                                                 struct thread *t, uint32_t site,
                                                                 uint64_t size, uint64_t weight)
{
    if (site != SITE_UNCOUNTED) {
        counter_add(&t->inherited_free_count, weight);
        counter_add(&t->inherited_freed_bytes, weight * size);
        sampler_freed_passed(&r->sampler, t->meter); /* as those that were not sampled count */
    }
}

/* The lifetime of a block with STAMP that is freed now, which SHARD counts. */
COUNT_INLINE void count_lifetime(struct recorder *r, struct thread *t, struct shard *shard,
                                 uint64_t stamp, uint64_t weight)
{
    const uint64_t now = t->now - r->live_start, birth = live_stamp_birth(stamp);
    const uint64_t age = now > birth ? clock_ticks_to_ns(&r->clock, now - birth) : 0;
    shard_count_lifetime(shard, age, live_stamp_thinned(stamp) ? COUNT_THIN * weight : weight,
                         &t->arena);
}

/* A block of SITE and SIZE bytes leaves the counts, which stands for WEIGHT. STAMP: of its birth,
 * if it is measured. */
COUNT_INLINE void count_free_of(struct recorder *r, struct thread *t, uint32_t site, uint64_t size,
                                uint64_t stamp, uint64_t weight, bool temporary, bool sampled)
{
    const uint64_t bytes = weight * size;
    if (unlikely(!sites_own(&r->sites, site))) {
        count_foreign_free(r, t, site, size, weight);
        return;
    }
    if (unlikely(stamp != 0)) {
        t->now = clock_ticks();
    }
    const bool alone = count_alone(r);
    if (likely(alone)) {
        peak_before_free_alone(&r->peak, &t->share, t->now);
    } else {
        peak_before_free(&r->peak, &t->share, t->now);
    }
    struct shard *shard =
        thread_shard(t, site, atomic_load_explicit(&r->peak.epoch, memory_order_relaxed));
    if (unlikely(!shard) || (sampled && weight > 1 && !sampler_variance_of(shard, &t->arena))) {
        counter_add(&t->dropped_count, 1);
        return;
    }
    const uint64_t epoch = count_begin(r, shard, sampled);
    counter_add(&shard->free_count, weight);
    counter_add(&shard->freed_bytes, bytes);
    if (unlikely(temporary)) {
        counter_add(&shard->temporary_count, weight);
    }
    if (sampled && weight > 1) {
        sampler_variance_free(shard_variance(shard), weight, size);
    }
    if (unlikely(stamp != 0)) {
        count_lifetime(r, t, shard, stamp, weight);
    }
    if (likely(alone) && !sampled) {
        shard_end(shard);
        peak_change_alone(&t->share, -(int64_t)bytes);
    } else {
        count_end(r, shard, epoch, -weight, -bytes, sampled);
        peak_change_alone(&t->share, -(int64_t)bytes);
        if (!alone) {
            count_hand_in(r, t, shard);
        }
    }
    counter_add(&t->free_count, 1);
    counter_add(&t->live_count, -weight);
}

/* The same of BLOCK. */
COUNT_INLINE void count_free(struct recorder *r, struct thread *t, const struct live_block *block,
                             uint64_t weight, bool temporary, bool sampled)
{
    const uint64_t stamp = block->birth ? live_stamp(block->birth, block->thinned) : 0;
    count_free_of(r, t, block->site, block->size, stamp, weight, temporary, sampled);
}

#endif
