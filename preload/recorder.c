/* SPDX-License-Identifier: MIT */
#include "recorder.h"

#include <errno.h>

/* Blocks that are remembered, so that their free is known, but counted nowhere. */
#define SITE_UNCOUNTED 0u

#define VERIFY_MAX ((size_t)1024) /* frames compared */
#define VERIFY_OWN ((size_t)16)   /* frames of ours that a walk from here begins with */
#define VERIFY_ROOM ((size_t)32 << 10)

/* Compares the stack just captured with libunwind's plain walk, frame by frame; not where the
 * stack is so small that a second walk might not fit. */
static void verify(struct recorder *r, struct thread *t, const struct stack_start *start)
{
    const struct stack *s = &t->stack;
    if (!t->verify) {
        t->verify = arena_alloc(&t->arena, (VERIFY_MAX + VERIFY_OWN) * sizeof *t->verify);
    }
    if (!t->verify || !stack_has_room(&t->stack, start->sp, VERIFY_ROOM)) {
        return;
    }
    size_t limit = s->max < VERIFY_MAX ? s->max : VERIFY_MAX;
    guard_tls.internal = true;
    size_t n = unwinder_plain_walk(r->unwinder, t->verify, limit + VERIFY_OWN);
    guard_tls.internal = false;
    size_t skip = 0;
    while (skip < n && (uintptr_t)t->verify[skip] != start->ip) {
        skip++;
    }
    n -= skip;
    n = n < limit ? n : limit;
    bool same = n == (s->n < limit ? s->n : limit);
    for (size_t i = 0; same && i < n; i++) {
        same = (uintptr_t)t->verify[skip + i] == s->ip[i];
    }
    counter_add(&t->verified_count, 1);
    if (!same) {
        counter_add(&t->different_count, 1);
    }
}

/* A stack that this thread has not met: finds or makes its site. */
static __attribute__((noinline)) struct shard *new_shard(struct recorder *r, struct thread *t,
                                                         enum site_function function, uint64_t hash)
{
    sys_sigset before = sys_lock(&r->lock);
    uint32_t site = sites_intern(&r->sites, &r->modules, &t->stack, function);
    sys_unlock(&r->lock, before);
    uint64_t epoch = atomic_load_explicit(&r->peak.epoch, memory_order_relaxed);
    struct shard *shard = site ? thread_shard(t, site, epoch) : NULL;
    if (shard) {
        thread_remember(t, hash, shard);
    }
    return shard;
}

/* The shard of the stack that was just found, which has none noted. */
static __attribute__((noinline)) struct shard *find_shard_slow(struct recorder *r, struct thread *t,
                                                               enum site_function function,
                                                               const struct stack_start *start)
{
    struct stack *s = &t->stack;
    if (unlikely(t->generation != s->generation)) {
        thread_forget(t);
        t->generation = s->generation;
    }
    int saved = errno;
    if (unlikely(r->options.verify) && !r->unwind_trouble) {
        stack_frames(s);
        verify(r, t, start);
    }
    uint64_t hash = stack_hash(s, ((uint64_t)function + 1) * 0x9e3779b97f4a7c15u);
    struct shard *shard = thread_find(t, hash);
    if (!shard) {
        stack_frames(s);
        shard = new_shard(r, t, function, hash);
    }
    errno = saved;
    if (s->trace && !r->options.verify) {
        s->trace->shard = shard;
        s->trace->function = (uint8_t)function;
    }
    return shard;
}

/* This thread's shard for the stack at START; NULL without memory. */
static inline struct shard *find_shard(struct recorder *r, struct thread *t,
                                       enum site_function function, const struct stack_start *start)
{
    stack_find(&t->stack, r->unwind_trouble ? NULL : &r->rules, modules_generation(&r->modules),
               start);
    if (unlikely(stack_is_cut(&t->stack))) {
        counter_add(&t->truncated_stack_count, 1);
    }
    const struct trace *x = t->stack.trace;
    if (likely(x != NULL) && likely(x->shard != NULL) && likely(x->function == function)) {
        return x->shard;
    }
    return find_shard_slow(r, t, function, start);
}

/* A change of SHARD begins: its share of the peak is kept if the epoch is new, which is returned.
 */
static inline uint64_t change_begin(struct recorder *r, struct shard *shard)
{
    uint64_t epoch = atomic_load_explicit(&r->peak.epoch, memory_order_relaxed);
    shard_begin(shard);
    shard_enter_epoch(shard, epoch);
    return epoch;
}

/* The change by COUNT blocks of BYTES in all is made. If another thread raised the peak meanwhile,
 * it counts as one after that. */
static inline void change_end(struct recorder *r, struct shard *shard, uint64_t epoch,
                              uint64_t count, uint64_t bytes)
{
    __asm__ volatile("" ::: "memory");
    uint64_t now = atomic_load_explicit(&r->peak.epoch, memory_order_relaxed);
    if (unlikely(now != epoch)) {
        atomic_store_explicit(&shard->peak_bytes, shard_live_bytes(shard) - bytes,
                              memory_order_relaxed);
        atomic_store_explicit(&shard->peak_count, shard_live_count(shard) - count,
                              memory_order_relaxed);
        atomic_store_explicit(&shard->epoch, now, memory_order_relaxed);
    }
    shard_end(shard);
}

static inline bool alone(const struct recorder *r)
{
    return atomic_load_explicit(&r->peak.step, memory_order_relaxed) == 0;
}

/* The block's figures leave the counts; NOW in ticks. */
static void count_free(struct recorder *r, struct thread *t, const struct live_block *block,
                       uint64_t now, bool temporary)
{
    if (unlikely(!sites_own(&r->sites, block->site))) {
        if (block->site != SITE_UNCOUNTED) {
            counter_add(&t->inherited_free_count, 1);
            counter_add(&t->inherited_freed_bytes, block->size);
        }
        return;
    }
    peak_before_free(&r->peak, &t->share, now);
    uint64_t epoch = atomic_load_explicit(&r->peak.epoch, memory_order_relaxed);
    struct shard *shard = thread_shard(t, block->site, epoch);
    if (unlikely(!shard)) {
        counter_add(&t->dropped_count, 1);
        return;
    }
    epoch = change_begin(r, shard);
    counter_add(&shard->free_count, 1);
    counter_add(&shard->freed_bytes, block->size);
    if (temporary) {
        counter_add(&shard->temporary_count, 1);
    }
    uint64_t age = now - r->live_start - block->birth;
    shard_histogram_add(&shard->lifetimes, clock_ticks_to_ns(&r->clock, age), &t->arena);
    change_end(r, shard, epoch, (uint64_t)-1, (uint64_t)0 - block->size);
    peak_change(&r->peak, &t->share, -(int64_t)block->size);
    if (unlikely(!alone(r))) {
        shard_follow_max_shared(shard, sites_at(&r->sites, block->site));
    }
    counter_add(&t->free_count, 1);
    counter_add(&t->live_count, (uint64_t)-1);
}

bool recorder_alloc(struct recorder *r, struct thread *t, enum site_function function,
                    uintptr_t address, uint64_t size, const struct stack_start *start,
                    bool reallocated)
{
    uint64_t now = clock_ticks();
    struct shard *shard = find_shard(r, t, function, start);
    struct live_block old, block = {
                               .site = shard ? shard->site : SITE_UNCOUNTED,
                               .size = size,
                               .birth = now - r->live_start,
                           };
    enum live_result result = live_insert(&r->live, &t->live_cache, address, &block, &old);
    if (unlikely(result == LIVE_REPLACED)) {
        counter_add(&t->missed_free_count, 1);
        count_free(r, t, &old, now, false);
    }
    if (unlikely(!shard || result == LIVE_FULL)) {
        counter_add(&t->dropped_count, 1);
        return false;
    }
    const uint64_t epoch = change_begin(r, shard);
    counter_add(&shard->alloc_count, 1);
    counter_add(&shard->alloc_bytes, size);
    if (unlikely(shard->thread != t->serial)) {
        shard->thread = t->serial;
        counter_add(&shard->threads, 1);
    }
    if (reallocated) {
        counter_add(&shard->realloc_count, 1);
    }
    shard_histogram_add(&shard->sizes, size, &t->arena);
    change_end(r, shard, epoch, 1, size);
    peak_change(&r->peak, &t->share, (int64_t)size);
    if (likely(alone(r))) {
        shard_follow_max(shard);
    } else {
        shard_follow_max_shared(shard, sites_at(&r->sites, shard->site));
    }
    counter_add(&t->alloc_count, 1);
    counter_add(&t->alloc_bytes, size);
    counter_add(&t->live_count, 1);
    t->last_block = address;
    return now >= atomic_load_explicit(&r->deadline, memory_order_relaxed);
}

void recorder_failed(struct recorder *r, struct thread *t, enum site_function function,
                     const struct stack_start *start)
{
    struct shard *shard = find_shard(r, t, function, start);
    counter_add(shard ? &shard->failed_count : &t->dropped_count, 1);
}

bool recorder_take(struct recorder *r, struct thread *t, uintptr_t address,
                   struct live_block *block)
{
    return live_remove(&r->live, &t->live_cache, address, block);
}

void recorder_freed(struct recorder *r, struct thread *t, uintptr_t address,
                    const struct live_block *block, bool known)
{
    bool temporary = t->last_block == address;
    if (temporary) {
        t->last_block = 0;
    }
    if (unlikely(!known)) {
        counter_add(&t->unknown_free_count, 1);
        return;
    }
    count_free(r, t, block, clock_ticks(), temporary);
}

void recorder_put_back(struct recorder *r, struct thread *t, uintptr_t address,
                       const struct live_block *block)
{
    struct live_block old;
    if (live_insert(&r->live, &t->live_cache, address, block, &old) == LIVE_FULL) {
        counter_add(&t->dropped_count, 1);
    }
}

void recorder_nested_alloc(struct recorder *r, uintptr_t address, uint64_t size, uintptr_t caller)
{
    struct live_cache cache = {0};
    struct live_block old, block = {.site = SITE_UNCOUNTED, .size = size};
    live_insert(&r->live, &cache, address, &block, &old);
    if (!guard_tls.internal && !(r->unwinder && unwinder_owns(r->unwinder, caller))) {
        atomic_fetch_add(&r->nested_count, 1);
    }
}

void recorder_nested_free(struct recorder *r, uintptr_t address)
{
    struct live_cache cache = {0};
    struct live_block block;
    struct thread *t = guard_tls.thread;
    if (!live_remove(&r->live, &cache, address, &block) || block.site == SITE_UNCOUNTED) {
        return;
    }
    uint32_t n = t ? atomic_load_explicit(&t->pending_count, memory_order_relaxed) : THREAD_PENDING;
    if (n < THREAD_PENDING) {
        t->pending[n] = block;
        atomic_store_explicit(&t->pending_count, n + 1, memory_order_relaxed);
    } else {
        atomic_fetch_add(&r->nested_count, 1);
    }
}

void recorder_drain(struct recorder *r, struct thread *t)
{
    sys_sigset before = sys_block_signals();
    uint32_t n = atomic_load(&t->pending_count);
    for (uint32_t i = 0; i < n; i++) {
        count_free(r, t, &t->pending[i], clock_ticks(), false);
    }
    atomic_store(&t->pending_count, 0);
    sys_restore_signals(before);
}

void recorder_live(struct recorder *r, uint64_t *bytes, uint64_t *count)
{
    *bytes = *count = 0;
    for (struct thread *t = atomic_load(&r->threads); t; t = atomic_load(&t->next)) {
        *bytes += (uint64_t)atomic_load_explicit(&t->share.live, memory_order_relaxed);
        *count += counter_get(&t->live_count);
    }
}
