/* SPDX-License-Identifier: MIT
 *
 * A thread's state in the recorder: its shards and the ways to find them, its stack buffer, its own
 * counts. States are never freed; when a thread ends, its state goes to the next one.
 *
 * Only the owner writes. `thread_acquire` and `thread_release` run under the recorder's lock.
 */
#ifndef PRELOAD_THREAD_H
#define PRELOAD_THREAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "live.h"
#include "peak.h"
#include "sampler_set.h"
#include "shard.h"
#include "stack.h"
#include "turn.h"

#define THREAD_NAME_MAX 16
#define THREAD_PENDING 32
#define THREAD_LEFT ((uint32_t)1 << 31) /* in `pending_count`: the recorder was left by longjmp */

struct thread_slot {
    uint64_t hash; /* of stack and function; 0: empty */
    struct shard *shard;
};

/* Of a meter, for when it is gone: it is in private memory, see vault.h. */
struct thread_passed {
    uint64_t allocs, bytes, frees, recorded;
};

#define THREAD_DIRECTORY_BITS 12
#define THREAD_DIRECTORY_MASK (((uint32_t)1 << THREAD_DIRECTORY_BITS) - 1)
#define THREAD_DIRECTORY ((size_t)1 << (LIVE_SITE_BITS - THREAD_DIRECTORY_BITS))

struct thread {
    struct arena arena; /* for shards */
    struct arena own;   /* for what else is the state's */
    struct stack stack;
    void **verify; /* a second walk of it, for MEMPROF_VERIFY */
    /* The turns in which its allocations and frees are plain (event_look): where nobody else has
     * recorded, and where others have. TURN_NONE: they are not. */
    struct thread_turns {
        uint32_t alloc, free;
    } turn, shared_turn;
    struct live_cache live_cache;
    struct peak_share share;
    uint64_t now;                /* ticks, when the clock was last read for an event */
    struct sampler_meter *meter; /* see sampler.h; NULL: every block is recorded */
    struct thread_passed passed; /* what `meter` counted when a block was last recorded */
    uint32_t generation;         /* of the modules, that `slot` is of */
    bool seldom;                 /* it allocates so; all lifetimes are measured: count.h */
    uintptr_t last_block;        /* most recently allocated, not freed yet; 0: none */

    /* From a stack's hash to this thread's shard: open addressing. */
    struct thread_slot *slot;
    size_t slot_mask, slot_used;
    /* From a site's id to this thread's shard: for frees. */
    struct shard ***directory;
    struct shard *_Atomic shards; /* all of them, linked */

    /* Since this OS thread began. */
    uint32_t serial; /* of all threads that have recorded, from 1 */
    int tid;
    char name[THREAD_NAME_MAX];
    counter alloc_count, alloc_bytes, free_count;
    /* Since the process began. */
    counter dropped_count, unknown_free_count, truncated_stack_count;
    counter inherited_free_count, inherited_freed_bytes;
    counter missed_free_count, verified_count, different_count;
    counter live_count; /* blocks allocated minus blocks freed by it; may wrap below 0 */

    /* Frees by signal handlers that interrupted the recorder on this thread. */
    struct weighted_block pending[THREAD_PENDING];
    _Atomic uint32_t pending_count;

    const uintptr_t *_Atomic frame; /* guard_tls.frame of that thread; for hand_over */
    bool taken;                     /* by a thread; under the recorder's lock */
    _Atomic bool in_use;            /* what is here of that thread is filled in */
    uint8_t exit_rounds;
    struct thread *_Atomic next;
};

/* A new state; NULL without memory. POOLS: one for each part (parts.h). */
struct thread *thread_new(struct arena_pool *pools, size_t max_depth);

/* Begins to use T for the calling thread. */
void thread_begin(struct thread *t, int tid, uint32_t serial, bool is_main);

/* The shard for a stack of HASH, or NULL. */
static inline struct shard *thread_find(const struct thread *t, uint64_t hash)
{
    for (size_t i = hash & t->slot_mask;; i = (i + 1) & t->slot_mask) {
        if (t->slot[i].hash == hash) {
            return t->slot[i].shard;
        }
        if (t->slot[i].hash == 0) {
            return NULL;
        }
    }
}

/* Enters SHARD under HASH. Without memory it is not entered, and will be looked for again. */
void thread_remember(struct thread *t, uint64_t hash, struct shard *shard);

/* Forgets all hashes: they were made of code that may be gone. */
void thread_forget(struct thread *t);

struct shard *thread_shard_new(struct thread *t, uint32_t site, uint64_t epoch);

/* This thread's shard for SITE; NULL if there is none yet. */
static inline struct shard *thread_shard_known(const struct thread *t, uint32_t site)
{
    struct shard **page = t->directory[site >> THREAD_DIRECTORY_BITS];
    return likely(page != NULL) ? page[site & THREAD_DIRECTORY_MASK] : NULL;
}

/* This thread's shard for SITE, made if there is none yet; NULL without memory. */
static inline struct shard *thread_shard(struct thread *t, uint32_t site, uint64_t epoch)
{
    struct shard *shard = thread_shard_known(t, site);
    return likely(shard != NULL) ? shard : thread_shard_new(t, site, epoch);
}

#endif
