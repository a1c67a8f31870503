/* SPDX-License-Identifier: MIT */
#include "shard.h"

struct shard_more *shard_more_of(struct shard *s, struct arena *arena)
{
    struct shard_more *more = shard_more(s);
    if (!more && (more = arena_alloc(arena, sizeof *more)) != NULL) {
        atomic_store_explicit(&s->more, more, memory_order_release);
    }
    return more;
}

struct shard_rare *shard_rare_of(struct shard *s, struct arena *arena)
{
    struct shard_more *more = shard_more_of(s, arena);
    struct shard_rare *rare = more ? atomic_load(&more->rare) : NULL;
    if (more && !rare && (rare = arena_alloc(arena, sizeof *rare)) != NULL) {
        atomic_store_explicit(&more->rare, rare, memory_order_release);
    }
    return rare;
}

void shard_count_lifetime(struct shard *s, uint64_t age, uint64_t n, struct arena *arena)
{
    const uint64_t first = counter_get(&s->lifetime);
    const unsigned bucket = histogram_bucket(age);
    struct shard_more *more = NULL;
    if (first != 0 && first % MEMPROF_HISTOGRAM_BUCKETS != bucket) {
        more = shard_more_of(s, arena);
    }
    if (more) {
        shard_histogram_add(&more->lifetimes, age, n, arena);
    } else {
        counter_add(&s->lifetime, (n << SHARD_BUCKET_BITS) + (first == 0 ? bucket : 0));
    }
}

uint64_t shard_add_lifetimes(const struct shard *s, uint64_t to[MEMPROF_HISTOGRAM_BUCKETS])
{
    const uint64_t first = counter_get(&s->lifetime);
    const struct shard_more *more = shard_more(s);
    uint64_t set = more ? shard_histogram_sum(&more->lifetimes, to) : 0;
    if (first != 0) {
        const unsigned bucket = (unsigned)first % MEMPROF_HISTOGRAM_BUCKETS;
        to[bucket] += first >> SHARD_BUCKET_BITS;
        set |= (uint64_t)1 << bucket;
    }
    return set;
}

void shard_count_other_size(struct shard *s, uint64_t size, uint64_t n, struct arena *arena)
{
    if (counter_get(&s->alloc_count) == n && size < UINT32_MAX) { /* the first */
        const uint32_t word = live_word(0, shard_site(s)) | live_word_of_size(size);
        atomic_store_explicit(&s->word, word, memory_order_relaxed);
        atomic_signal_fence(memory_order_seq_cst); /* a handler may leave here by longjmp */
        atomic_store_explicit(&s->size, (uint32_t)size + 1, memory_order_relaxed);
        return;
    }
    struct shard_more *more = shard_more_of(s, arena);
    if (!more) {
        return;
    }
    struct shard_sizes *sizes = &more->sizes;
    const unsigned bucket = histogram_bucket(size);
    const uint64_t was = shard_histogram_get(&sizes->others, bucket);
    atomic_store_explicit(&sizes->was, was << SHARD_BUCKET_BITS | bucket, memory_order_relaxed);
    atomic_store_explicit(&sizes->event, counter_get(&s->alloc_count), memory_order_release);
    shard_histogram_add(&sizes->others, size, n, arena);
}

void shard_take_back_size(struct shard *s)
{
    struct shard_more *more = shard_more(s);
    struct shard_sizes *sizes = more ? &more->sizes : NULL;
    if (sizes && counter_get(&sizes->event) == counter_get(&s->alloc_count)) {
        const uint64_t was = counter_get(&sizes->was);
        const unsigned bucket = (unsigned)was % MEMPROF_HISTOGRAM_BUCKETS;
        const uint64_t too_many =
            shard_histogram_get(&sizes->others, bucket) - (was >> SHARD_BUCKET_BITS);
        if (too_many != 0) { /* so there is memory for it */
            const uint64_t value = bucket ? (uint64_t)1 << (bucket - 1) : 0;
            shard_histogram_add(&sizes->others, value, -too_many, NULL);
        }
        atomic_store_explicit(&sizes->event, 0, memory_order_relaxed);
    }
}

uint64_t shard_add_sizes(const struct shard *s, uint64_t to[MEMPROF_HISTOGRAM_BUCKETS])
{
    const struct shard_more *more = shard_more(s);
    uint64_t first = counter_get(&s->alloc_count), set = 0;
    if (more && atomic_load_explicit(&more->sizes.others.header, memory_order_acquire) != 0) {
        uint64_t other[MEMPROF_HISTOGRAM_BUCKETS] = {0};
        set = shard_histogram_sum(&more->sizes.others, other);
        for (uint64_t rest = set; rest != 0; rest &= rest - 1) {
            const unsigned i = (unsigned)__builtin_ctzll(rest);
            to[i] += other[i];
            first -= other[i];
        }
    }
    const uint32_t size = atomic_load_explicit(&s->size, memory_order_relaxed);
    if (size != 0 || set == 0) {
        const unsigned bucket = histogram_bucket(size ? size - 1 : 0);
        to[bucket] += first;
        set |= (uint64_t)1 << bucket;
    }
    return set;
}

void shard_hand_in(struct shard *s, struct site *site)
{
    const int64_t live = (int64_t)shard_live_bytes(s), pending = live - s->handed_in;
    const int64_t total = atomic_fetch_add(&site->live_bytes, pending) + pending;
    const int64_t own = shard_hand_in_bits(s) == 0 ? (int64_t)counter_get(&s->max_live_bytes) : 0;
    const int64_t most = total > own ? total : own;
    s->handed_in = live;
    unsigned bits = SHARD_LITTLE_BITS;
    if (total / 8 >> SHARD_LITTLE_BITS > 0) {
        bits = histogram_bucket((uint64_t)total / 8) - 1;
    }
    atomic_store_explicit(&s->hand_in_bits, (uint16_t)bits, memory_order_relaxed);
    int64_t seen = atomic_load_explicit(&site->max_live_bytes, memory_order_relaxed);
    while (most > seen && !atomic_compare_exchange_weak(&site->max_live_bytes, &seen, most)) {
    }
}
