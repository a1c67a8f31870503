/* SPDX-License-Identifier: MIT
 *
 * How uncertain a shard's figures are that come of sampled blocks.
 *
 * A sampled block counts as W blocks like it, W being a whole number drawn so that a block adds 1
 * on average: with chance p it is sampled, and then the mean of W is 1/p. A sum of x over blocks is
 * so estimated by the sum of W x over the sampled ones: the Horvitz-Thompson estimator (A
 * Generalization of Sampling Without Replacement From a Finite Universe, Journal of the American
 * Statistical Association 47, 1952), with weights rounded at random. What a block adds has the mean
 * x and the mean square E[W^2] x^2 over the draw, so its variance is the mean of (W^2 - W) x^2 over
 * the draw: the sum of W (W - 1) x^2 over the sampled blocks estimates the variance of the sum
 * without bias. (For W = 1/p that is their (1 - p) / p^2 x^2.) Whole numbers throughout: a free
 * takes away exactly what the allocation added.
 *
 * Only the shard's owner writes, between shard_begin and shard_end.
 */
#ifndef PRELOAD_SAMPLER_VARIANCE_H
#define PRELOAD_SAMPLER_VARIANCE_H

#include <stdint.h>

#include "shard.h"

typedef unsigned __int128 sampler_square;

/* A sum that two words hold. */
struct sampler_sum {
    counter low, high;
};

struct sampler_variance {
    counter epoch;
    struct sampler_sum alloc_count, alloc_bytes; /* of the estimates of the same names */
    struct sampler_sum live_count, live_bytes;
    struct sampler_sum peak_bytes;   /* as of `epoch`, as in struct shard */
    struct sampler_sum before_bytes; /* live_bytes before the present change */
};

static inline sampler_square sampler_sum_get(const struct sampler_sum *s)
{
    return (sampler_square)counter_get(&s->high) << 64 | counter_get(&s->low);
}

static inline void sampler_sum_set(struct sampler_sum *s, sampler_square n)
{
    atomic_store_explicit(&s->low, (uint64_t)n, memory_order_relaxed);
    atomic_store_explicit(&s->high, (uint64_t)(n >> 64), memory_order_relaxed);
}

/* SHARD's variances, made if there are none yet; NULL without memory. */
struct sampler_variance *sampler_variance_of(struct shard *shard, struct arena *arena);

/* Before a change of the shard in EPOCH, and after one that another thread's new EPOCH overtook:
 * the same rule as shard_enter_epoch. */
void sampler_variance_enter(struct sampler_variance *v, uint64_t epoch);
void sampler_variance_overtaken(struct sampler_variance *v, uint64_t epoch);

/* A block of SIZE bytes that stands for WEIGHT comes, or goes. */
void sampler_variance_alloc(struct sampler_variance *v, uint64_t weight, uint64_t size);
void sampler_variance_free(struct sampler_variance *v, uint64_t weight, uint64_t size);

/* The whole number nearest to the square root of VARIANCE, UINT64_MAX at most. */
uint64_t sampler_error(sampler_square variance);

#endif
