/* SPDX-License-Identifier: MIT */
#include "salvage_parts.h"

#include <string.h>

/* What a thread's shards say, and which of them stopped in the middle of an event. */
struct open_event {
    struct shard *shard;  /* NULL: none did */
    uint32_t shards;      /* how many did */
    int64_t bytes, count; /* live, over all shards */
};

static uint64_t sum_histogram(const struct shard_histogram *h)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < MEMPROF_HISTOGRAM_BUCKETS; i++) {
        sum += shard_histogram_get(h, i);
    }
    return sum;
}

static counter *bucket_of(struct shard_histogram *h, unsigned bucket)
{
    const uintptr_t header = atomic_load(&h->header);
    const unsigned near = bucket - (unsigned)(header & SHARD_NEAR_MASK) * 4;
    if ((header & SHARD_NEAR_SET) && near < SHARD_NEAR) {
        return &h->near[near];
    }
    struct shard_far *far = (struct shard_far *)(header & ~SHARD_HEADER_BITS);
    counter *line = far ? atomic_load(&far->line[bucket / SHARD_LINE]) : NULL;
    return line ? &line[bucket % SHARD_LINE] : NULL;
}

static void subtract(counter *c, uint64_t n)
{
    atomic_store(c, counter_get(c) - n);
}

/* Takes an allocation of COUNT blocks and BYTES in all out of S, as far as it is in. */
static bool take_back_alloc(struct shard *s, uint64_t count, uint64_t bytes)
{
    const uint64_t sizes = sum_histogram(&s->sizes);
    if (counter_get(&s->alloc_count) < count || counter_get(&s->alloc_bytes) < bytes) {
        return false;
    }
    subtract(&s->alloc_count, count);
    subtract(&s->alloc_bytes, bytes);
    if (counter_get(&s->realloc_count) > counter_get(&s->alloc_count)) {
        atomic_store(&s->realloc_count, counter_get(&s->alloc_count));
    }
    if (sizes != counter_get(&s->alloc_count) + count || count == 0) {
        return true; /* the histogram had not been reached */
    }
    counter *bucket = bucket_of(&s->sizes, histogram_bucket(bytes / count));
    if (!bucket || counter_get(bucket) < count) {
        return false;
    }
    subtract(bucket, count);
    return true;
}

static bool take_back(const struct open_event *e, int64_t count, int64_t bytes, bool sampled)
{
    struct shard *s = e->shard;
    const bool one = sampled || (count >= -1 && count <= 1);
    if (count == 0 && bytes == 0) {
        return true;
    }
    if (!s || e->shards > 1 || !one || (count < 0 && bytes > 0) || (count > 0 && bytes < 0)) {
        return false;
    }
    if (count > 0 || bytes > 0) {
        return take_back_alloc(s, (uint64_t)count, (uint64_t)bytes);
    }
    if (counter_get(&s->free_count) < (uint64_t)-count ||
        counter_get(&s->freed_bytes) < (uint64_t)-bytes) {
        return false;
    }
    subtract(&s->free_count, (uint64_t)-count);
    subtract(&s->freed_bytes, (uint64_t)-bytes);
    return true;
}

static void add_shards(const struct thread *t, struct open_event *e)
{
    for (struct shard *s = atomic_load(&t->shards); s; s = atomic_load(&s->next)) {
        e->bytes += (int64_t)shard_live_bytes(s);
        e->count += (int64_t)shard_live_count(s);
        if (counter_get(&s->version) % 2) {
            e->shards++;
            e->shard = s;
        }
    }
}

static bool mend_thread(struct thread *t, bool sampled)
{
    struct open_event e = {0};
    add_shards(t, &e);
    bool exact = true;
    if (e.shards > 0) {
        const int64_t bytes = e.bytes - atomic_load(&t->share.live);
        const int64_t count = e.count - (int64_t)counter_get(&t->live_count);
        exact = take_back(&e, count, bytes, sampled);
        e = (struct open_event){0};
        add_shards(t, &e);
    }
    for (struct shard *s = atomic_load(&t->shards); s; s = atomic_load(&s->next)) {
        atomic_store(&s->version, 0);
    }
    atomic_store(&t->share.live, e.bytes);
    atomic_store(&t->live_count, (uint64_t)e.count);
    return exact;
}

/* What the shards hold of the peak of the present epoch, in bytes. */
static int64_t peak_of_shards(const struct recorder *r)
{
    const uint64_t epoch = atomic_load(&r->peak.epoch);
    int64_t sum = 0;
    for (struct thread *t = atomic_load(&r->threads); t; t = atomic_load(&t->next)) {
        for (struct shard *s = atomic_load(&t->shards); s; s = atomic_load(&s->next)) {
            sum += (int64_t)(counter_get(&s->epoch) >= epoch ? counter_get(&s->peak_bytes)
                                                             : shard_live_bytes(s));
        }
    }
    return sum;
}

static void mend_peak(struct recorder *r)
{
    uint64_t bytes, count;
    recorder_live(r, &bytes, &count);
    const int64_t total = (int64_t)bytes, held = peak_of_shards(r);
    int64_t peak = atomic_load(&r->peak.peak);
    if (total >= peak || total > held) {
        atomic_fetch_add(&r->peak.epoch, 1);
        atomic_store(&r->peak.peak_ticks, clock_ticks());
        if (total > peak) {
            atomic_store(&r->peak.peak, total);
        }
        peak = peak > total ? peak : total;
        if (peak - total > atomic_load(&r->peak.error)) {
            atomic_store(&r->peak.error, peak - total);
        }
    } else if (peak - held > atomic_load(&r->peak.error)) {
        /* Raised by a thread that came no further, while another freed. */
        atomic_store(&r->peak.error, peak - held);
    }
}

static void mend_timeline(struct timeline *t)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n; i++) {
        if (n == 0 ? t->row[i].elapsed_ns > 0 : t->row[i].elapsed_ns > t->row[n - 1].elapsed_ns) {
            t->row[n++] = t->row[i];
        }
    }
    t->n = n;
}

/* A thread whose figures stand among those of ended threads, but which has not been marked as ended
 * yet, is the one that held the lock. */
static void mend_threads(struct recorder *r)
{
    if (atomic_load(&r->lock.state) == 0 || r->ended_count == 0) {
        return;
    }
    struct thread_record *last = &r->ended[r->ended_count - 1];
    for (struct thread *t = atomic_load(&r->threads); t; t = atomic_load(&t->next)) {
        if (t->in_use && t->tid == last->tid && memcmp(t->name, last->name, sizeof t->name) == 0 &&
            last->alloc_count <= counter_get(&t->alloc_count) + t->passed.allocs) {
            r->ended_count--;
            return;
        }
    }
}

bool salvage_mend(struct recorder *r)
{
    bool exact = true;
    mend_threads(r);
    for (struct thread *t = atomic_load(&r->threads); t; t = atomic_load(&t->next)) {
        exact = mend_thread(t, r->sampler.on) && exact;
    }
    mend_peak(r);
    mend_timeline(&r->timeline);
    r->lock = (struct sys_lock){0};
    return exact;
}
