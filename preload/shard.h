/* SPDX-License-Identifier: MIT
 *
 * What one thread counted for one site. Every thread has a shard of its own for each site that it
 * allocated or freed blocks of, so counting needs no lock, no locked instruction and no cache line
 * of another thread's. A site's figures are the sums over its shards: those of a single shard may
 * be negative, where one thread frees what another allocated.
 *
 * Only the owning thread writes; the writer of a dump reads, hence the relaxed atomics. When a
 * thread ends, its shards stay and the next thread goes on counting in them.
 */
#ifndef PRELOAD_SHARD_H
#define PRELOAD_SHARD_H

#include <memprof/format.h>
#include <stdatomic.h>
#include <stdint.h>

#include "arena.h"
#include "sites.h"

struct sampler_variance;

#define SHARD_LINE 8 /* buckets per piece of a histogram */
#define SHARD_LINES (MEMPROF_HISTOGRAM_BUCKETS / SHARD_LINE)

typedef _Atomic uint64_t counter;

/* A histogram that takes memory only for the neighbourhoods it uses. */
struct shard_histogram {
    counter *_Atomic line[SHARD_LINES];
};

struct shard {
    uint32_t site;
    uint32_t thread; /* serial of the last thread that allocated */
    counter threads; /* how many have, each once */
    counter version; /* odd while an event is being counted */
    counter epoch;
    counter alloc_count, alloc_bytes, free_count, freed_bytes;
    counter temporary_count, realloc_count, failed_count;
    counter peak_bytes, peak_count; /* two's complement; the share of the peak as of `epoch` */
    _Atomic int64_t max_live_bytes;
    int64_t handed_in; /* of the live bytes, to the site's own total */
    struct shard_histogram sizes, lifetimes;
    struct sampler_variance *_Atomic variance; /* of sampled blocks; NULL: there were none */
    struct shard *_Atomic next;                /* of the same thread */
};

static inline void counter_add(counter *c, uint64_t n)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static inline uint64_t counter_get(const counter *c)
{
    return atomic_load_explicit((counter *)c, memory_order_relaxed);
}

/* Around the counting of one event, so that a reader can tell whether it saw all of it. */
static inline void shard_begin(struct shard *s)
{
    /* Odd also where a handler left the last event by longjmp, so that it never ended. */
    uint64_t version = (counter_get(&s->version) + 1) | 1;
    atomic_store_explicit(&s->version, version, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
}

static inline void shard_end(struct shard *s)
{
    atomic_store_explicit(&s->version, counter_get(&s->version) + 1, memory_order_release);
}

/* The bucket of VALUE: its bit width, see memprof/format.h. */
static inline unsigned histogram_bucket(uint64_t value)
{
    unsigned bits = value ? 64u - (unsigned)__builtin_clzll(value) : 0;
    return bits < MEMPROF_HISTOGRAM_BUCKETS ? bits : MEMPROF_HISTOGRAM_BUCKETS - 1;
}

/* Returns false, having counted nothing, without memory. */
bool shard_histogram_extend(struct shard_histogram *h, unsigned bucket, uint64_t n,
                            struct arena *arena);

/* N more of VALUE. */
static inline void shard_histogram_add(struct shard_histogram *h, uint64_t value, uint64_t n,
                                       struct arena *arena)
{
    unsigned bucket = histogram_bucket(value);
    counter *line = atomic_load_explicit(&h->line[bucket / SHARD_LINE], memory_order_relaxed);
    if (__builtin_expect(line != NULL, 1)) {
        counter_add(&line[bucket % SHARD_LINE], n);
    } else {
        shard_histogram_extend(h, bucket, n, arena);
    }
}

static inline uint64_t shard_live_bytes(const struct shard *s)
{
    return counter_get(&s->alloc_bytes) - counter_get(&s->freed_bytes);
}

static inline uint64_t shard_live_count(const struct shard *s)
{
    return counter_get(&s->alloc_count) - counter_get(&s->free_count);
}

/* Keeps the shard's share of the peak of EPOCH, before a change: see peak.h. */
static inline void shard_enter_epoch(struct shard *s, uint64_t epoch)
{
    if (counter_get(&s->epoch) != epoch) {
        atomic_store_explicit(&s->peak_bytes, shard_live_bytes(s), memory_order_relaxed);
        atomic_store_explicit(&s->peak_count, shard_live_count(s), memory_order_relaxed);
        atomic_store_explicit(&s->epoch, epoch, memory_order_relaxed);
    }
}

/* Follows the highest value that the site's live bytes had. ALONE: no other thread has recorded, so
 * the shard's own is the site's; otherwise the shard hands in to SITE when it differs by an eighth,
 * so that the figure of a site that several threads use is exact to about that. */
void shard_follow_max_shared(struct shard *s, struct site *site);

static inline void shard_follow_max(struct shard *s, struct site *site, bool alone)
{
    if (__builtin_expect(alone, 1)) {
        int64_t live = (int64_t)shard_live_bytes(s);
        if (live > atomic_load_explicit(&s->max_live_bytes, memory_order_relaxed)) {
            atomic_store_explicit(&s->max_live_bytes, live, memory_order_relaxed);
        }
    } else {
        shard_follow_max_shared(s, site);
    }
}

#endif
