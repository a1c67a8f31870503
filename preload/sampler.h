/* SPDX-License-Identifier: MIT
 *
 * Sampling: which blocks are recorded, and how many each recorded one stands for.
 *
 * Each thread has a meter that runs along the bytes it allocates, one more for each block, so that
 * blocks of 0 bytes have a chance, too. Points of a Poisson process lie on this way, one each
 * `mean` bytes on average; a block with a point in it is recorded. Until the next point the hooks
 * only move the meter (sampler_passes, a few instructions), and frees of blocks that were not
 * recorded need only look at a filter (sampler_passing_free). A block is recorded with weight W, a
 * random whole number with mean 1 / p where p is its chance to be recorded; everything counts it as
 * W blocks. So every figure of a dump is an estimate without bias, and blocks much larger than the
 * mean are counted exactly. How large errors may be: sampler_variance.h.
 *
 * The mean may change while the program runs (sampler_budget.h), down to 0: every block, with
 * weight 1. A thread goes on with the mean that it drew its next point with: a block's chance
 * depends only on what was before it, so the estimates stay without bias.
 *
 * Where sampling is off, and before a thread's first event, there is no meter, and every call goes
 * to the recorder. Meters lie on pages that the kernel wipes in a child of fork: what is
 * wiped lets no call pass, so that the recorder notices the child at its first allocation.
 */
#ifndef PRELOAD_SAMPLER_H
#define PRELOAD_SAMPLER_H

#include "guard.h"
#include "objects.h"
#include "options.h"
#include "sampler_budget.h"
#include "sampler_set.h"
#include "shard.h"

/* One more, in one instruction, where the processor has one: a signal handler that calls a hook in
 * between does not go uncounted. */
static inline void sampler_count(counter *c)
{
#if defined(__x86_64__)
    __asm__("addq $1, %0" : "+m"(*c));
#else
    counter_add(c, 1);
#endif
}

/* Written by its thread alone. */
struct sampler_meter {
    /* Of allocations that passed: their bytes, and one for each. */
    counter position;
    counter next; /* the position of the byte that is sampled next */
    counter allocs;
    counter frees; /* of blocks that were not recorded */
    uint64_t mean; /* that `next` was drawn with; 0: the next block is recorded for itself alone */
    uint64_t random;
    counter recorded;      /* allocations, since the process began */
    counter passed_before; /* calls that passed for threads that have ended */
    uint64_t last_allocs;  /* `allocs` when the last one was recorded */
    struct sampler_clock clock;
};

struct sampler {
    bool on;             /* threads have meters; blocks are in `set`, not in the table of live.h */
    _Atomic bool passed; /* blocks may have passed: a free of an unknown block is nothing special */
    _Atomic uint64_t mean;
    uint64_t seed;
    struct sampler_set set;
    struct sampler_budget budget;
    struct arena_pool *pool;
    char *page; /* of meters */
    size_t page_used;
    uint64_t early_frees; /* by a child of fork before it was noticed */
};

/* By OPTIONS. Returns -1 without memory. */
int sampler_start(struct sampler *s, const struct options *options, struct arena_pool *pool);

/* A meter, for a thread state; NULL without memory. Under the recorder's lock. */
struct sampler_meter *sampler_meter_new(struct sampler *s, uint64_t serial);

/* No free of the block at ADDRESS passes: it is not the real allocator's, or tells of a module that
 * goes. It may have been recorded. */
void sampler_adopt(struct sampler *s, uintptr_t address);

/* In a child of fork, before its first thread state. */
void sampler_child(struct sampler *s);

/* For a block of SIZE bytes that the recorder was told of: what it stands for; 0: it passes after
 * all. Until sampler_draw no call of this thread passes. */
uint64_t sampler_weigh(struct sampler_meter *m, uint64_t size);

/* Finds out where the next sample is. */
void sampler_draw(struct sampler *s, struct sampler_meter *m);

/* The thread with M ends: its counts begin anew. */
void sampler_thread_end(struct sampler_meter *m);

/* The mean becomes MEAN. */
void sampler_change(struct sampler *s, uint64_t mean);

/* The free of a block that was not recorded has come to the recorder. Returns false if it must have
 * been: then it is unknown where the block came from. */
static inline bool sampler_freed_passed(const struct sampler *s, struct sampler_meter *m)
{
    if (!m || !atomic_load_explicit(&s->passed, memory_order_relaxed)) {
        return false;
    }
    counter_add(&m->frees, 1);
    return true;
}

/* A block will be freed that was not told of. */
static inline void sampler_missed(struct sampler *s)
{
    atomic_store_explicit(&s->passed, true, memory_order_relaxed);
}

/* Adds what passed M since its thread began. */
static inline void sampler_counts(const struct sampler_meter *m, uint64_t *alloc_count,
                                  uint64_t *alloc_bytes, uint64_t *free_count)
{
    uint64_t allocs = counter_get(&m->allocs);
    *alloc_count += allocs;
    *alloc_bytes += counter_get(&m->position) - allocs;
    *free_count += counter_get(&m->frees);
}

/* Whether no allocation passed since the last one that was recorded. */
static inline bool sampler_last_is_newest(const struct sampler_meter *m)
{
    return likely(!m) || counter_get(&m->allocs) == m->last_allocs;
}

/* The hooks' side. Whether a call for SIZE bytes is not to be recorded; then it is counted, and the
 * hook has only to make it. M: the thread's. Any time. */
static inline bool sampler_passes_on(struct sampler_meter *m, size_t size)
{
    uint64_t position = counter_get(&m->position);
    if (unlikely(counter_get(&m->next) - position <= size)) {
        return false;
    }
    atomic_store_explicit(&m->position, position + size + 1, memory_order_relaxed);
    sampler_count(&m->allocs);
    return true;
}

/* The same where there may be no meter: then it is to be recorded. */
static inline bool sampler_passes(size_t size)
{
    return likely(guard_tls.meter != NULL) && sampler_passes_on(guard_tls.meter, size);
}

/* Whether the free of BLOCK passes, as far as the first look tells: that of NULL does not. The hook
 * has to count it. */
static inline bool sampler_free_passes(const struct sampler *s, const void *block)
{
    return likely(!sampler_near_has(&s->set, (uintptr_t)block));
}

/* The meter on which that of BLOCK, not NULL, passes, by a second look, too. NULL: the recorder
 * must look. CALLER: the hook's; the loader's own frees tell of modules that are gone. */
static inline struct sampler_meter *sampler_passing_free(const struct sampler *s, const void *block,
                                                         uintptr_t caller)
{
    struct sampler_meter *m = guard_tls.meter;
    if (unlikely(!m) || unlikely(objects_in_loader(caller))) {
        return NULL;
    }
    if (likely(!sampler_near_has(&s->set, (uintptr_t)block))) {
        return m;
    }
    const struct sampler_filter *f = atomic_load_explicit(&s->set.filter, memory_order_acquire);
    return sampler_filter_has(f, (uintptr_t)block) ? NULL : m;
}

#endif
