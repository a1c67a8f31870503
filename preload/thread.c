/* SPDX-License-Identifier: MIT */
#include "thread.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "guard.h"
#include "parts.h"

#define FIRST_SLOTS ((size_t)64)
/* Of so many each page is written to, as those that there were are spread over all. */
#define FILLED_SLOTS ((size_t)1 << 10)

struct thread *thread_new(struct arena_pool *pools, size_t max_depth)
{
    struct arena own = {.pool = &pools[PART_THREADS]};
    struct thread *t = arena_alloc(&own, sizeof *t);
    if (!t) {
        return NULL;
    }
    t->own = own;
    t->arena.pool = &pools[PART_COUNTERS];
    void *stack = arena_pool_map(&pools[PART_STACKS], stack_memory(max_depth));
    if (!stack) {
        return NULL;
    }
    stack_init(&t->stack, max_depth, stack, &pools[PART_STACKS], &t->alloc_count);
    t->slot = arena_alloc(&t->own, FIRST_SLOTS * sizeof *t->slot);
    t->slot_mask = FIRST_SLOTS - 1;
    t->directory = arena_pool_piece(t->own.pool, THREAD_DIRECTORY * sizeof *t->directory);
    return t->slot && t->directory ? t : NULL;
}

void thread_begin(struct thread *t, int tid, uint32_t serial, bool is_main)
{
    t->serial = serial;
    t->tid = tid;
    t->exit_rounds = 0;
    t->last_block = 0;
    t->turn = t->shared_turn = (struct thread_turns){TURN_NONE, TURN_NONE};
    t->live_cache = (struct live_cache)LIVE_CACHE_EMPTY;
    atomic_store(&t->alloc_count, 0);
    atomic_store(&t->alloc_bytes, 0);
    atomic_store(&t->free_count, 0);
    atomic_store(&t->frame, &guard_tls.frame);
    memset(t->name, 0, sizeof t->name);
    sys_call(SYS_prctl, PR_GET_NAME, (long)t->name, 0, 0, 0, 0);
    stack_find_bounds(&t->stack, is_main);
    atomic_store_explicit(&t->in_use, true, memory_order_release);
}

static void slot_put(struct thread_slot *slot, size_t mask, uint64_t hash, struct shard *shard)
{
    size_t i = hash & mask;
    while (slot[i].hash != 0) {
        i = (i + 1) & mask;
    }
    slot[i].shard = shard;
    slot[i].hash = hash;
}

void thread_remember(struct thread *t, uint64_t hash, struct shard *shard)
{
    if (t->slot_used * 3 > t->slot_mask * 2) { /* four share a line */
        size_t size = (t->slot_mask + 1) * 2;
        struct thread_slot *slot = arena_alloc(&t->own, size * sizeof *slot);
        if (!slot) {
            return;
        }
        if (size >= FILLED_SLOTS) {
            arena_pool_fill(slot, size * sizeof *slot);
        }
        for (size_t i = 0; i <= t->slot_mask; i++) {
            if (t->slot[i].hash != 0) {
                slot_put(slot, size - 1, t->slot[i].hash, t->slot[i].shard);
            }
        }
        struct thread_slot *old = t->slot;
        t->slot = slot;
        t->slot_mask = size - 1;
        arena_pool_drop(t->own.pool, old, size / 2 * sizeof *old);
    }
    slot_put(t->slot, t->slot_mask, hash, shard);
    t->slot_used++;
}

void thread_forget(struct thread *t)
{
    memset(t->slot, 0, (t->slot_mask + 1) * sizeof *t->slot);
    t->slot_used = 0;
}

struct shard *thread_shard_new(struct thread *t, uint32_t site, uint64_t epoch)
{
    struct shard **page = t->directory[site >> THREAD_DIRECTORY_BITS];
    if (!page) {
        page = arena_pool_piece(t->own.pool, (THREAD_DIRECTORY_MASK + 1) * sizeof *page);
        if (!page) {
            return NULL;
        }
        t->directory[site >> THREAD_DIRECTORY_BITS] = page;
    }
    struct shard *shard = arena_alloc(&t->arena, sizeof *shard);
    if (!shard) {
        return NULL;
    }
    shard_init(shard, site, epoch);
    atomic_store_explicit(&shard->next, atomic_load(&t->shards), memory_order_relaxed);
    atomic_store_explicit(&t->shards, shard, memory_order_release);
    atomic_signal_fence(
        memory_order_seq_cst); /* a handler may leave here: none is found unlisted */
    page[site & THREAD_DIRECTORY_MASK] = shard;
    return shard;
}
