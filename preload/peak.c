/* SPDX-License-Identifier: MIT */
#include "peak.h"

#define MIN_STEP ((int64_t)1 << 10)
#define MAX_STEP ((int64_t)1 << 18)

void peak_init(struct peak *p)
{
    *p = (struct peak){.epoch = 1, .flush_at = INT64_MAX};
}

/* Steps of a thousandth of the total, shared out: small enough not to matter, large enough that
 * threads seldom meet at the shared total. In powers of two: all threads read them with each event,
 * so they should change seldom. */
static void set_step(struct peak *p, int64_t total)
{
    int64_t threads = atomic_load(&p->threads), step = MIN_STEP;
    while (step < MAX_STEP && step * 2 <= total / 1024 / (threads + 1)) {
        step *= 2;
    }
    if (atomic_load(&p->step) != step) {
        atomic_store(&p->step, step);
    }
    if (atomic_load(&p->flush_at) != step) {
        atomic_store(&p->flush_at, step);
    }
    int64_t error = step * (threads + 1), seen = atomic_load(&p->error);
    while (error > seen && !atomic_compare_exchange_weak(&p->error, &seen, error)) {
    }
}

void peak_add_thread(struct peak *p, struct peak_share *first)
{
    uint32_t before = atomic_fetch_add(&p->threads, 1);
    if (before == 0) {
        return;
    }
    if (before == 1 && first) {
        /* Until now its bytes were never handed in. */
        int64_t live = atomic_load(&first->live);
        atomic_store(&first->handed_in, live); /* in this order it never sees too high a total */
        atomic_fetch_add(&p->total, live);
    }
    set_step(p, atomic_load(&p->total));
}

void peak_raise_shared(struct peak *p, int64_t total, uint64_t ticks)
{
    int64_t peak = atomic_load(&p->peak);
    while (total > peak) {
        if (atomic_compare_exchange_weak(&p->peak, &peak, total)) {
            atomic_store(&p->peak_ticks, ticks);
            atomic_fetch_add(&p->epoch, 1);
            return;
        }
    }
}

void peak_hand_in(struct peak *p, struct peak_share *share)
{
    int64_t live = atomic_load_explicit(&share->live, memory_order_relaxed);
    int64_t pending = live - atomic_load_explicit(&share->handed_in, memory_order_relaxed);
    atomic_store_explicit(&share->handed_in, live, memory_order_relaxed);
    int64_t total = atomic_fetch_add(&p->total, pending) + pending;
    set_step(p, total);
}
