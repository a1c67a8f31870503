/* SPDX-License-Identifier: MIT */
#include "sampler_variance.h"

struct sampler_variance *sampler_variance_of(struct shard *shard, struct arena *arena)
{
    struct sampler_variance *v = shard_variance(shard);
    struct shard_rare *rare = v ? NULL : shard_rare_of(shard, arena);
    if (rare) {
        v = arena_alloc(arena, sizeof *v);
        if (v) {
            atomic_store_explicit(&v->epoch, counter_get(&shard->epoch), memory_order_relaxed);
            atomic_store_explicit(&rare->variance, v, memory_order_release);
        }
    }
    return v;
}

static void keep_peak(struct sampler_variance *v, const struct sampler_sum *live, uint64_t epoch)
{
    sampler_sum_set(&v->peak_bytes, sampler_sum_get(live));
    atomic_store_explicit(&v->epoch, epoch, memory_order_relaxed);
}

void sampler_variance_enter(struct sampler_variance *v, uint64_t epoch)
{
    if (counter_get(&v->epoch) != epoch) {
        keep_peak(v, &v->live_bytes, epoch);
    }
    sampler_sum_set(&v->before_bytes, sampler_sum_get(&v->live_bytes));
}

void sampler_variance_overtaken(struct sampler_variance *v, uint64_t epoch)
{
    keep_peak(v, &v->before_bytes, epoch);
}

static void add(struct sampler_sum *s, sampler_square n)
{
    sampler_sum_set(s, sampler_sum_get(s) + n);
}

void sampler_variance_alloc(struct sampler_variance *v, uint64_t weight, uint64_t size)
{
    const sampler_square count = (sampler_square)weight * (weight - 1);
    add(&v->alloc_count, count);
    add(&v->live_count, count);
    add(&v->alloc_bytes, count * size * size);
    add(&v->live_bytes, count * size * size);
}

void sampler_variance_free(struct sampler_variance *v, uint64_t weight, uint64_t size)
{
    const sampler_square count = (sampler_square)weight * (weight - 1);
    add(&v->live_count, -count);
    add(&v->live_bytes, -(count * size * size));
}

uint64_t sampler_error(sampler_square variance)
{
    /* Bit by bit, from the highest that a 64-bit root can have. */
    uint64_t root = 0;
    for (int bit = 63; bit >= 0; bit--) {
        uint64_t next = root | (uint64_t)1 << bit;
        if ((sampler_square)next * next <= variance) {
            root = next;
        }
    }
    /* (root + 1/2)^2 = root^2 + root + 1/4 */
    bool up = variance - (sampler_square)root * root > root;
    return root + (up && root != UINT64_MAX);
}
