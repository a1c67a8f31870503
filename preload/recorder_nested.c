/* SPDX-License-Identifier: MIT
 *
 * Calls of hooks from inside the recorder on the same thread, and what a thread has to catch up
 * with after them: see recorder.h.
 */
#include "count.h"
#include "mend.h"
#include "recorder.h"

/* A call in a signal handler was not recorded. A child that was forked there has not begun anew:
 * that would take the memory away from under the code that was interrupted. */
static void drop_nested(struct recorder *r)
{
    if (atomic_load(r->alive)) {
        atomic_fetch_add(&r->nested_count, 1);
    } else {
        atomic_fetch_add(&r->alive[1], 1);
    }
}

void recorder_nested_alloc(struct recorder *r, uintptr_t address, uint64_t size, uintptr_t caller)
{
    if (r->sampler.on) {
        sampler_missed(&r->sampler);
    } else if (sys_can_block_signals()) { /* or we may have interrupted who has the lock */
        struct live_cache cache = LIVE_CACHE_EMPTY;
        struct live_block old, block = {.site = SITE_UNCOUNTED, .size = size};
        live_insert(&r->live, &cache, address, &block, &old);
    }
    if (!guard_tls.internal && !(r->unwinder && unwinder_owns(r->unwinder, caller))) {
        drop_nested(r);
    }
}

void recorder_nested_free(struct recorder *r, uintptr_t address)
{
    struct live_cache cache = LIVE_CACHE_EMPTY;
    struct weighted_block block = {.weight = 1};
    struct thread *t = guard_tls.thread;
    if (!sys_can_block_signals()) {
        drop_nested(r);
        return;
    }
    bool known = r->sampler.on ? sampler_set_take(&r->sampler.set, address, &block)
                               : live_remove(&r->live, &cache, address, &block.block);
    if (!known || block.block.site == SITE_UNCOUNTED) {
        return;
    }
    /* More than can be if what was left waits to be mended. */
    uint32_t n = t ? atomic_load_explicit(&t->pending_count, memory_order_relaxed) : THREAD_PENDING;
    if (n < THREAD_PENDING) {
        guard_tls.quick = NULL;
        t->pending[n] = block;
        atomic_store_explicit(&t->pending_count, n + 1, memory_order_relaxed);
    } else {
        drop_nested(r);
    }
}

void recorder_drain(struct recorder *r, struct thread *t)
{
    sys_sigset before = sys_block_signals();
    uint32_t n = atomic_load(&t->pending_count);
    if (n & THREAD_LEFT) {
        mend_thread(r, t);
        n &= ~THREAD_LEFT;
    }
    for (uint32_t i = 0; i < n; i++) {
        const struct weighted_block *block = &t->pending[i];
        count_free(r, t, &block->block, block->weight, false, true);
    }
    atomic_store(&t->pending_count, 0);
    sys_restore_signals(before);
}
