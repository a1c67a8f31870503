/* SPDX-License-Identifier: MIT
 *
 * The total of live bytes and its peak, in O(1) per event and without copying any site.
 *
 * Each time the total goes above the peak and is about to fall, the peak is raised to it and a
 * global epoch is advanced. Every shard of a site (shard.h) notes the epoch at which it was last
 * changed; a change that finds a newer epoch first keeps what the shard held: that is its share of
 * the peak. At the dump the same rule is applied once more.
 *
 * A thread counts in a number of its own and hands the difference in to the shared total when it
 * passes `flush_at`. While only one thread has ever recorded, nothing is handed in and the peak is
 * exact; it is then that thread's alone to change, in plain instructions, without a look at what
 * others do in the middle of an event. `step` tells it which way to take, once in each event.
 * Another thread that begins therefore first sets `step` and then waits until the first is in no
 * event that may have begun before (recorder_life.c): no two threads ever change the peak at once
 * of which one takes it for its own. From the second thread on the total may be wrong by what is
 * not handed in, and the peak is raised only in steps: together at most `error`, which the dump
 * tells as peak_error_bytes.
 */
#ifndef PRELOAD_PEAK_H
#define PRELOAD_PEAK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch.h"
#include "sys.h"

struct peak {
    _Atomic uint64_t epoch;
    _Atomic int64_t peak;
    _Atomic uint64_t peak_ticks;
    _Atomic int64_t step;     /* the peak is raised when it is passed by more than this */
    _Atomic int64_t flush_at; /* INT64_MAX while one thread records */
    _Atomic uint32_t threads;
    _Atomic int64_t error;
    _Alignas(64) _Atomic int64_t total; /* what threads have handed in */
};

/* A thread's part. */
struct peak_share {
    _Atomic int64_t live; /* bytes allocated minus bytes freed by this thread; it alone writes */
    _Atomic int64_t handed_in;
};

void peak_init(struct peak *p);

/* Another thread begins to record; FIRST is the share of the thread that was alone until now, or
 * NULL. Under the recorder's lock. */
void peak_add_thread(struct peak *p, struct peak_share *first);

/* With two and more threads: raises the peak to TOTAL unless another thread got further. */
void peak_raise_shared(struct peak *p, int64_t total, uint64_t ticks);

void peak_hand_in(struct peak *p, struct peak_share *share);

/* The total as the thread with SHARE sees it. */
static inline int64_t peak_total(const struct peak *p, const struct peak_share *share)
{
    return atomic_load_explicit(&p->total, memory_order_relaxed) +
           atomic_load_explicit(&share->live, memory_order_relaxed) -
           atomic_load_explicit(&share->handed_in, memory_order_relaxed);
}

/* The total is TOTAL, more than the peak, and is about to fall. */
static inline void peak_raise_alone(struct peak *p, int64_t total, uint64_t ticks)
{
    arch_set((_Atomic uint64_t *)&p->peak, (uint64_t)total);
    arch_set(&p->peak_ticks, ticks);
    arch_add(&p->epoch, 1);
}

/* As peak_before_free, while one thread alone has recorded: nothing was handed in. */
static inline void peak_before_free_alone(struct peak *p, const struct peak_share *share,
                                          uint64_t ticks)
{
    const int64_t total = (int64_t)arch_get((const _Atomic uint64_t *)&share->live);
    if (total > (int64_t)arch_get((const _Atomic uint64_t *)&p->peak)) {
        peak_raise_alone(p, total, ticks);
    }
}

/* Whether the total, which is about to fall, is more than the peak. */
static inline bool peak_is_passed(const struct peak *p, int64_t total)
{
    return unlikely(total > atomic_load_explicit(&p->peak, memory_order_relaxed) +
                                atomic_load_explicit(&p->step, memory_order_relaxed));
}

/* Before the total falls: keeps it as the peak if it is one. */
static inline void peak_before_free(struct peak *p, const struct peak_share *share, uint64_t ticks)
{
    const int64_t total = peak_total(p, share);
    if (!peak_is_passed(p, total)) {
        return;
    }
    if (unlikely(atomic_load_explicit(&p->step, memory_order_relaxed) != 0)) {
        peak_raise_shared(p, total, ticks);
        return;
    }
    peak_raise_alone(p, total, ticks);
}

/* The thread's bytes change by DELTA; while it is the only one that has recorded that is all. */
static inline void peak_change_alone(struct peak_share *share, int64_t delta)
{
    arch_add((_Atomic uint64_t *)&share->live, (uint64_t)delta);
}

/* Whether it has more to hand in than is to be kept back. */
static inline bool peak_is_to_hand_in(const struct peak *p, const struct peak_share *share)
{
    const int64_t pending = atomic_load_explicit(&share->live, memory_order_relaxed) -
                            atomic_load_explicit(&share->handed_in, memory_order_relaxed);
    const int64_t limit = atomic_load_explicit(&p->flush_at, memory_order_relaxed);
    return unlikely(pending >= limit || pending <= -limit);
}

/* The same with several. */
static inline void peak_change(struct peak *p, struct peak_share *share, int64_t delta)
{
    peak_change_alone(share, delta);
    if (peak_is_to_hand_in(p, share)) {
        peak_hand_in(p, share);
    }
}

#endif
