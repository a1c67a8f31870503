/* SPDX-License-Identifier: MIT
 *
 * A thread's known stacks to be tested, on a made-up stack.
 */
#ifndef KNOWN_TABLE_H
#define KNOWN_TABLE_H

#include "known.h"
#include "made_stack.h"
#include "support.h"

static struct arena_pool pool;
static _Atomic uint64_t events;
static struct knowns knowns;
static struct made_stack made;

static inline int known_table_setup(void **state)
{
    (void)state;
    events = 0;
    knowns_init(&knowns, &pool, &events);
    made_init(&made, 0x77);
    return 0;
}

static inline int known_table_teardown(void **state)
{
    (void)state;
    arena_pool_clear(&pool);
    return 0;
}

static inline const struct known *find(struct made_frame f)
{
    return knowns_find(&knowns, f.ip, f.sp, f.bp);
}

/* The I-th of some shards, which are never looked into. */
static inline struct shard *shard(uintptr_t i)
{
    return (struct shard *)(i * 8 + 8);
}

static inline void enter(struct made_frame f, uintptr_t i)
{
    struct trace_step step[MADE_DEPTH];
    knowns_enter(&knowns, step, made_walk(&made, f, step), shard(i), 1, false);
}

#endif
