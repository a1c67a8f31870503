/* SPDX-License-Identifier: MIT */
#include "shard.h"

static struct shard_far *far_of(uintptr_t header)
{
    return (struct shard_far *)(header & ~SHARD_HEADER_BITS);
}

/* Chooses which buckets are near: BUCKET and some on either side. */
static void set_near(struct shard_histogram *h, unsigned bucket, uint64_t n)
{
    unsigned first = bucket < 2 ? 0 : (bucket - 1) / 2;
    counter_add(&h->near[bucket - first * 2], n);
    atomic_store_explicit(&h->header, first | SHARD_NEAR_SET, memory_order_release);
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
        far = arena_alloc(arena, sizeof *far);
        if (!far) {
            return false;
        }
        atomic_store_explicit(&h->header, (uintptr_t)far | header, memory_order_release);
    }
    counter *line = atomic_load_explicit(&far->line[bucket / SHARD_LINE], memory_order_relaxed);
    if (!line) {
        line = arena_alloc(arena, SHARD_LINE * sizeof *line);
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

void shard_count_other_size(struct shard *s, uint64_t size, uint64_t n, struct arena *arena)
{
    if (counter_get(&s->alloc_count) == n && size < UINT32_MAX) { /* the first */
        const uint32_t word = live_word(0, shard_site(s)) | live_word_of_size(size);
        atomic_store_explicit(&s->word, word, memory_order_relaxed);
        atomic_signal_fence(memory_order_seq_cst); /* a handler may leave here by longjmp */
        atomic_store_explicit(&s->size, (uint32_t)size + 1, memory_order_relaxed);
        return;
    }
    struct shard_sizes *sizes = &s->sizes;
    const unsigned bucket = histogram_bucket(size);
    const uint64_t was = shard_histogram_get(&sizes->others, bucket);
    atomic_store_explicit(&sizes->was, was << SHARD_BUCKET_BITS | bucket, memory_order_relaxed);
    atomic_store_explicit(&sizes->event, counter_get(&s->alloc_count), memory_order_release);
    shard_histogram_add(&sizes->others, size, n, arena);
}

void shard_take_back_size(struct shard *s)
{
    struct shard_sizes *sizes = &s->sizes;
    if (counter_get(&sizes->event) == counter_get(&s->alloc_count)) {
        const uint64_t was = counter_get(&sizes->was);
        const unsigned bucket = (unsigned)was % MEMPROF_HISTOGRAM_BUCKETS;
        const uint64_t more =
            shard_histogram_get(&sizes->others, bucket) - (was >> SHARD_BUCKET_BITS);
        if (more != 0) { /* so there is memory for it */
            const uint64_t value = bucket ? (uint64_t)1 << (bucket - 1) : 0;
            shard_histogram_add(&sizes->others, value, -more, NULL);
        }
        atomic_store_explicit(&sizes->event, 0, memory_order_relaxed);
    }
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

uint64_t shard_add_sizes(const struct shard *s, uint64_t to[MEMPROF_HISTOGRAM_BUCKETS])
{
    const struct shard_histogram *others = &s->sizes.others;
    uint64_t first = counter_get(&s->alloc_count), set = 0;
    if (atomic_load_explicit(&others->header, memory_order_acquire) != 0) {
        uint64_t other[MEMPROF_HISTOGRAM_BUCKETS] = {0};
        set = shard_histogram_sum(others, other);
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
    s->handed_in = live;
    s->hand_in_at = total / 8 <= SHARD_LITTLE ? SHARD_LITTLE
                    : total / 8 < UINT32_MAX  ? (uint32_t)(total / 8)
                                              : UINT32_MAX;
    int64_t seen = atomic_load_explicit(&site->max_live_bytes, memory_order_relaxed);
    while (total > seen && !atomic_compare_exchange_weak(&site->max_live_bytes, &seen, total)) {
    }
}
