/* SPDX-License-Identifier: MIT
 *
 * The sites, and the calling-context tree that holds each distinct stack once. A frame is a node:
 * its parent, its address and the module that the address was in at the time. A site is a frame
 * together with the allocation function that was called from there.
 *
 * Any thread adds and reads, without a lock but for a module that is new: what a handler
 * interrupts, or leaves by longjmp, is either not to be found yet or whole. Of two threads that add
 * the same at the same time one leaves records that nothing refers to, as does such a handler.
 */
#ifndef PRELOAD_SITES_H
#define PRELOAD_SITES_H

#include <stdatomic.h>
#include <stdint.h>

#include "modules.h"
#include "records.h"
#include "stack.h"
#include "sys.h"

/* The functions that a site can have, named as in the dump. */
enum site_function {
#define ALLOC(name, type, parameters, needed) SITE_##name,
#define OTHER(name, type, parameters, needed)
#include "hooks.def"
#undef ALLOC
#undef OTHER
    SITE_operator_new,
    SITE_operator_new_array,
    /* Of mappings, see mappings.h. */
    SITE_mmap,
    SITE_mremap,
    SITE_brk,
    SITE_sbrk,
    SITE_shmat,
    SITE_FUNCTIONS
};

extern const char *const site_function_name[SITE_FUNCTIONS];

#define FRAME_ROOT 0u

/* A link is the id of what hangs below a frame, with SITES_LINK_SITE if that is a site. Where
 * several do it is the id of a fork, with SITES_LINK_FORK: they are a binary tree for themselves,
 * followed by the bits of the wanted one's hash. Most frames have one thing below them: so links to
 * go on by are not in these, but in forks. */
typedef _Atomic uint32_t sites_link;
#define SITES_LINK_SITE ((uint32_t)1 << 31)
#define SITES_LINK_FORK ((uint32_t)1 << 30)

struct sites_fork {
    uint32_t item; /* a frame or site, as in a link */
    sites_link next[2];
};

#define FRAME_IP_BITS 48
#define FRAME_INTERRUPTED ((uint32_t)1 << 31)
#define FRAME_FILLED ((uint32_t)1 << 30) /* it is one; not: it was left, or another was first */

struct frame {
    _Atomic uint64_t code; /* its address, and the id of its module plus 1 above FRAME_IP_BITS */
    _Atomic uint32_t up;   /* its parent, FRAME_FILLED, FRAME_INTERRUPTED */
    sites_link inner;
};

static inline uintptr_t frame_ip(const struct frame *f)
{
    return atomic_load_explicit(&f->code, memory_order_relaxed) &
           (((uint64_t)1 << FRAME_IP_BITS) - 1);
}

/* The id in modules; -1: none. */
static inline int32_t frame_module(const struct frame *f)
{
    return (int32_t)(atomic_load_explicit(&f->code, memory_order_relaxed) >> FRAME_IP_BITS) - 1;
}

static inline uint32_t frame_parent(const struct frame *f)
{
    return atomic_load_explicit(&f->up, memory_order_relaxed) & ~(FRAME_INTERRUPTED | FRAME_FILLED);
}

static inline bool frame_filled(const struct frame *f)
{
    return atomic_load_explicit(&f->up, memory_order_relaxed) & FRAME_FILLED;
}

/* Whether it holds the very instruction that a signal interrupted. */
static inline bool frame_interrupted(const struct frame *f)
{
    return atomic_load_explicit(&f->up, memory_order_relaxed) & FRAME_INTERRUPTED;
}

struct site {
    uint32_t frame;
    uint32_t function;              /* enum site_function */
    _Atomic int64_t live_bytes;     /* what the threads' shards have handed in, see shard.h */
    _Atomic int64_t max_live_bytes; /* the highest that this was seen to be */
};

struct sites {
    struct records frames; /* of struct frame; the root has no record */
    struct records sites;  /* of struct site */
    struct records forks;  /* of struct sites_fork */
    sites_link outermost;  /* what hangs below the root */
    uint32_t base;         /* a site's id as blocks have it = its id in the table + base */
    struct modules *modules;
    struct sys_lock *lock; /* of the modules */
};

int sites_init(struct sites *s, struct arena_pool *pool, uint32_t base, struct modules *modules,
               struct sys_lock *lock);

/* The id, for live blocks, of the site of STACK and FUNCTION; 0 without memory or ids. May take the
 * lock: not for who holds it. */
uint32_t sites_intern(struct sites *s, const struct stack *stack, enum site_function function);

/* Whether a block's site is of this process, not one that it inherited by fork. */
static inline bool sites_own(const struct sites *s, uint32_t id)
{
    return id > s->base;
}

static inline struct site *sites_at(const struct sites *s, uint32_t id)
{
    return records_at(&s->sites, id - s->base);
}

static inline const struct frame *sites_frame(const struct sites *s, uint32_t frame)
{
    return records_at(&s->frames, frame);
}

#endif
