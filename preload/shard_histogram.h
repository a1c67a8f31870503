/* SPDX-License-Identifier: MIT
 *
 * How many values there were of each order of magnitude. The buckets near the first value that came
 * are at hand, for others there is memory when they are needed.
 *
 * Only one thread writes, that of the shard (shard.h) it is in; the writer of a dump reads, hence
 * the relaxed atomics.
 */
#ifndef PRELOAD_SHARD_HISTOGRAM_H
#define PRELOAD_SHARD_HISTOGRAM_H

#include <memprof/format.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch.h"
#include "arena.h"
#include "sys.h"

typedef _Atomic uint64_t counter;

static inline void counter_add(counter *c, uint64_t n)
{
    arch_add(c, n);
}

static inline uint64_t counter_get(const counter *c)
{
    return arch_get(c);
}

#define SHARD_BUCKET_BITS 6
_Static_assert(MEMPROF_HISTOGRAM_BUCKETS == 1 << SHARD_BUCKET_BITS, "buckets fit");

#define SHARD_LINE 8 /* buckets per piece of a histogram */
#define SHARD_LINES (MEMPROF_HISTOGRAM_BUCKETS / SHARD_LINE)

/* The pieces of a histogram that are in use. */
struct shard_far {
    counter *_Atomic line[SHARD_LINES];
};

#define SHARD_NEAR 5
struct shard_histogram {
    /* struct shard_far *, NULL if none, and in its low bits SHARD_NEAR_SET and the first bucket of
     * `near`, in units of 2. */
    _Atomic uintptr_t header;
    counter near[SHARD_NEAR];
};
#define SHARD_NEAR_SET ((uintptr_t)32)
#define SHARD_NEAR_MASK ((uintptr_t)31)
#define SHARD_HEADER_BITS ((uintptr_t)63)

/* The bucket of VALUE: its bit width, see memprof/format.h. */
static inline unsigned histogram_bucket(uint64_t value)
{
    unsigned bits = value ? 64u - (unsigned)__builtin_clzll(value) : 0;
    return bits < MEMPROF_HISTOGRAM_BUCKETS ? bits : MEMPROF_HISTOGRAM_BUCKETS - 1;
}

/* For a bucket that is not near. Returns false, having counted nothing, without memory. */
bool shard_histogram_add_far(struct shard_histogram *h, unsigned bucket, uint64_t n,
                             struct arena *arena);

/* N more of VALUE. */
static inline void shard_histogram_add(struct shard_histogram *h, uint64_t value, uint64_t n,
                                       struct arena *arena)
{
    unsigned bucket = histogram_bucket(value);
    uintptr_t header = atomic_load_explicit(&h->header, memory_order_relaxed);
    unsigned near = bucket - (unsigned)(header & SHARD_NEAR_MASK) * 2;
    if (likely(near < SHARD_NEAR) && likely(header & SHARD_NEAR_SET)) {
        counter_add(&h->near[near], n);
    } else {
        shard_histogram_add_far(h, bucket, n, arena);
    }
}

/* How many values there were in BUCKET. */
uint64_t shard_histogram_get(const struct shard_histogram *h, unsigned bucket);

/* Adds all of them to TO. Returns the buckets that may have changed, a bit for each. */
uint64_t shard_histogram_sum(const struct shard_histogram *h,
                             uint64_t to[MEMPROF_HISTOGRAM_BUCKETS]);

#endif
