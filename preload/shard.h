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

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch.h"
#include "arena.h"
#include "live_slot.h"
#include "shard_histogram.h"
#include "sites.h"
#include "sys.h"

struct sampler_variance;

/* For a site whose blocks are not all of one size: how many there are of the others. What the
 * bucket that changed last held before, and with which event, is kept: see mend.h. A cache line. */
struct shard_sizes {
    counter event; /* the shard's alloc_count after it */
    counter was;   /* that many, and in the low bits the bucket */
    struct shard_histogram others;
};

/* What most sites never need. */
struct shard_more {
    struct shard_sizes sizes;
    struct shard_histogram lifetimes; /* that are not in the bucket of the first */
    counter realloc_count;
    struct shard_rare *_Atomic rare; /* NULL: nothing of it is needed either */
};

struct shard_rare {
    counter failed_count;
    struct sampler_variance *_Atomic variance; /* of sampled blocks; NULL: there were none */
};

/* Two cache lines, of which an event changes the first; as a rule nothing else. */
struct shard {
    /* What the slot of one of its blocks holds, but for the address (live_slot.h): the site, and
     * the size of the first block, once it is known. */
    _Atomic uint32_t word;
    uint16_t due; /* low bits of the number of the block to be measured next: count.h */
    _Atomic uint16_t hand_in_bits; /* see shard_follow_max_shared; 0: it has not handed in yet */
    _Atomic uint32_t version;      /* odd while an event is being counted */
    _Atomic uint32_t size;         /* of the first block, plus 1; 0: none yet that fits */
    counter epoch;
    counter alloc_count, alloc_bytes, free_count, freed_bytes;
    counter max_live_bytes; /* signed */

    counter peak_bytes, peak_count; /* two's complement; the share of the peak as of `epoch` */
    counter temporary_count;
    counter
        lifetime; /* how many lifetimes there were in the first's bucket, and in low bits that */
    int64_t handed_in; /* of the live bytes, to the site's own total */
    struct shard_more *_Atomic more;
    struct shard *_Atomic next; /* of the same thread */
    uint32_t thread;            /* serial of the last thread that allocated */
    _Atomic uint32_t threads;   /* how many have, each once */
};

_Static_assert(sizeof(struct shard) == 128 && sizeof(struct shard_more) == 128, "cache lines");

/* What there is more of S, or NULL. */
static inline struct shard_more *shard_more(const struct shard *s)
{
    return atomic_load_explicit(&s->more, memory_order_acquire);
}

/* The same, made if there is none yet; NULL without memory. */
struct shard_more *shard_more_of(struct shard *s, struct arena *arena);
struct shard_rare *shard_rare_of(struct shard *s, struct arena *arena);

static inline struct shard_rare *shard_rare(const struct shard *s)
{
    const struct shard_more *more = shard_more(s);
    return more ? atomic_load_explicit(&more->rare, memory_order_acquire) : NULL;
}

static inline struct sampler_variance *shard_variance(const struct shard *s)
{
    const struct shard_rare *rare = shard_rare(s);
    return rare ? atomic_load_explicit(&rare->variance, memory_order_acquire) : NULL;
}

static inline uint64_t shard_realloc_count(const struct shard *s)
{
    const struct shard_more *more = shard_more(s);
    return more ? counter_get(&more->realloc_count) : 0;
}

static inline uint64_t shard_failed_count(const struct shard *s)
{
    const struct shard_rare *rare = shard_rare(s);
    return rare ? counter_get(&rare->failed_count) : 0;
}

static inline uint32_t shard_site(const struct shard *s)
{
    return live_word_site(atomic_load_explicit(&s->word, memory_order_relaxed));
}

/* S, all zeros, is to count for SITE from EPOCH on. */
static inline void shard_init(struct shard *s, uint32_t site, uint64_t epoch)
{
    atomic_store_explicit(&s->word, live_word(0, site), memory_order_relaxed);
    atomic_store_explicit(&s->epoch, epoch, memory_order_relaxed);
}

/* Around the counting of one event, so that a reader can tell whether it saw all of it. Odd also
 * where a handler left the last event by longjmp, so that it never ended. */
static inline void shard_begin(struct shard *s)
{
    arch_or32(&s->version, 1);
    atomic_thread_fence(memory_order_release);
}

static inline void shard_end(struct shard *s)
{
    atomic_thread_fence(memory_order_release);
    arch_add32(&s->version, 1);
}

/* Counts the size of N blocks, which are in `alloc_count` already; SIZE is not that of the
 * shard. Without memory they count as of the first size. */
void shard_count_other_size(struct shard *s, uint64_t size, uint64_t n, struct arena *arena);

static inline bool shard_is_size(const struct shard *s, uint64_t size)
{
    return arch_get32(&s->size) == size + 1;
}

static inline void shard_count_size(struct shard *s, uint64_t size, uint64_t n, struct arena *arena)
{
    if (unlikely(!shard_is_size(s, size))) {
        shard_count_other_size(s, size, n, arena);
    }
}

/* Where shard_count_near_size counts a block of SIZE, which is not that of the shard; SHARD_NEAR if
 * it does not. SHARD_SAME: it is, and need not be counted. */
#define SHARD_SAME UINT_MAX
static inline unsigned shard_near_size(const struct shard *s, uint64_t size)
{
    const struct shard_more *more = shard_more(s);
    if (unlikely(!more)) {
        return SHARD_NEAR;
    }
    const uintptr_t header = atomic_load_explicit(&more->sizes.others.header, memory_order_relaxed);
    const unsigned near = histogram_bucket(size) - (unsigned)(header & SHARD_NEAR_MASK) * 2;
    return likely(near < SHARD_NEAR) && likely(header & SHARD_NEAR_SET) ? near : SHARD_NEAR;
}

/* As shard_count_size; calls nothing. */
static inline void shard_count_near_size(struct shard *s, uint64_t size, unsigned near)
{
    struct shard_sizes *sizes = &shard_more(s)->sizes;
    counter *bucket = &sizes->others.near[near];
    arch_set(&sizes->was, counter_get(bucket) << SHARD_BUCKET_BITS | histogram_bucket(size));
    atomic_thread_fence(memory_order_release);
    arch_set(&sizes->event, counter_get(&s->alloc_count));
    atomic_thread_fence(memory_order_release);
    counter_add(bucket, 1);
}

/* Takes back what the event that was being counted has changed of the sizes, if it has. Before
 * `alloc_count` is set back. */
void shard_take_back_size(struct shard *s);

/* N more blocks came of a realloc; without memory that is not told. */
static inline void shard_count_realloc(struct shard *s, uint64_t n, struct arena *arena)
{
    struct shard_more *more = shard_more_of(s, arena);
    if (likely(more != NULL)) {
        counter_add(&more->realloc_count, n);
    }
}

/* N more blocks lived for AGE nanoseconds; without memory it counts as the first did. */
void shard_count_lifetime(struct shard *s, uint64_t age, uint64_t n, struct arena *arena);

/* How many there were is added to TO. Returns the buckets as shard_histogram_sum. */
uint64_t shard_add_lifetimes(const struct shard *s, uint64_t to[MEMPROF_HISTOGRAM_BUCKETS]);

/* How many blocks there were in each bucket of their sizes is added to TO. Returns the buckets as
 * shard_histogram_sum. */
uint64_t shard_add_sizes(const struct shard *s, uint64_t to[MEMPROF_HISTOGRAM_BUCKETS]);

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
        arch_set(&s->peak_bytes, shard_live_bytes(s));
        arch_set(&s->peak_count, shard_live_count(s));
        arch_set(&s->epoch, epoch);
    }
}

/* Follows the highest value that the site's live bytes had, as long as one thread records: the
 * shard's own is the site's. */
static inline void shard_follow_max(struct shard *s)
{
    const uint64_t live = shard_live_bytes(s);
    if ((int64_t)live > (int64_t)counter_get(&s->max_live_bytes)) {
        arch_set(&s->max_live_bytes, live);
    }
}

/* The same with several, which may share the site: the shard hands in to it when it differs by a
 * power of two between a sixteenth and an eighth, as of when it last did, and by more than a
 * little; so that the figure of a site that several threads use is exact to about that. That of a
 * site of one thread is the shard's own, which is handed in with the first. */
#define SHARD_LITTLE_BITS 10
void shard_hand_in(struct shard *s, struct site *site);

static inline unsigned shard_hand_in_bits(const struct shard *s)
{
    return atomic_load_explicit(&s->hand_in_bits, memory_order_relaxed);
}

static inline bool shard_is_to_hand_in(const struct shard *s)
{
    const uint64_t pending = shard_live_bytes(s) - (uint64_t)s->handed_in,
                   limit = (uint64_t)1 << (shard_hand_in_bits(s) % 64);
    return unlikely(pending + limit > 2 * limit);
}

static inline void shard_follow_max_shared(struct shard *s, struct site *site)
{
    if (shard_is_to_hand_in(s)) {
        shard_hand_in(s, site);
    }
}

#endif
