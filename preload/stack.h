/* SPDX-License-Identifier: MIT
 *
 * Capturing the call stack of the calling thread, exactly as libunwind would report it, by running
 * cached rules. A stack that the thread was in before is found again without a walk, and proved to
 * be the same by the words that it was read from: whole (known.h), or from where it is the
 * one that was walked last (spine.h). Those that cross signal frames, or are very deep, are kept
 * frame by frame (trace.h).
 *
 * Runs under the guard; takes no lock but those of rules.c for a new address. Never reads outside
 * the stack that the walk is on. Not for a thread whose stack the loader is still setting up.
 */
#ifndef PRELOAD_STACK_H
#define PRELOAD_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "known.h"
#include "rules.h"
#include "spine.h"
#include "trace.h"

/* The state of the frame that called a hook. */
struct stack_start {
    uintptr_t ip; /* the return address into it */
    uintptr_t sp; /* its stack pointer after the return: the hook's CFA */
    uintptr_t bp; /* its frame pointer register */
};

enum stack_flag {
    STACK_TRUNCATED = 1, /* deeper than the limit, or cut where the walk could not go on */
    STACK_SIGNAL = 2,    /* crosses a signal frame */
    STACK_WALKED = 4,    /* made by libunwind's own walk, or not worth keeping: `ip` is filled */
    STACK_FOREIGN = 8,   /* left the thread's own stack, or began elsewhere */
    STACK_SPINE = 32,    /* with STACK_WALKED: `n` frames, of the spine */
    STACK_KEPT = 16,     /* `fresh` frames, then the known ones from `known` outward */
};

/* One captured stack, and those that are known. Owned by one thread. */
struct stack {
    unsigned flags;      /* enum stack_flag */
    struct trace *trace; /* the whole stack is known from this frame outward; or NULL */
    size_t n;            /* frames; by stack_frames: */
    const uintptr_t *ip; /* n of them, innermost first */

    size_t max;
    uintptr_t low, high; /* bounds of the thread's own stack; 0 if unknown */
    uint64_t cut_power;  /* takes what is beyond `max` frames out of a hash */

    struct knowns knowns;
    struct traces traces;
    struct spine *spine;
    uint32_t generation;     /* that these are of */
    size_t size;             /* frames that can be walked */
    struct trace_step *step; /* `size` + 1: the frames that were walked */
    size_t fresh;            /* of them, how many are not known now */
    struct trace *known;     /* what they lead out to; NULL: to nothing */
    uintptr_t *flat;         /* `max` + 1, for stack_frames */
    uint64_t hash;
};

/* How much memory a stack of at most MAX frames needs, and its use: MEMORY is zeroed. POOL: for
 * more when it is needed. EVENTS counts captures; or NULL. */
size_t stack_memory(size_t max);
void stack_init(struct stack *s, size_t max, void *memory, struct arena_pool *pool,
                const _Atomic uint64_t *events);

/* Finds out where the calling thread's stack ends. IS_MAIN: it is the initial thread. */
void stack_find_bounds(struct stack *s, bool is_main);

/* Whether SP is on the thread's own stack, in the part that is in use. */
bool stack_is_own_slow(struct stack *s, uintptr_t sp);

static inline bool stack_is_own(struct stack *s, uintptr_t sp)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return likely(sp >= here && sp < s->high && here >= s->low) || stack_is_own_slow(s, sp);
}

/* Whether ROOM bytes below SP are mapped. */
bool stack_has_room(const struct stack *s, uintptr_t sp, size_t room);

/* The walk of stack_find, for a stack that is not known. */
void stack_walk(struct stack *s, struct rules *rules, uint32_t generation,
                const struct stack_start *start, const struct trace_miss *miss);

/* Captures the stack from START on, but for writing down its frames. RULES may be NULL (no
 * libunwind): then only the caller is known, and the stack counts as truncated. */
static inline void stack_find(struct stack *s, struct rules *rules, uint32_t generation,
                              const struct stack_start *start)
{
    struct trace_miss miss = {0};
    if (unlikely(s->traces.used > 0) && likely(s->generation == generation)) {
        s->trace = traces_find(&s->traces, start->ip, start->sp, start->bp, &miss);
        if (likely(s->trace != NULL)) {
            return;
        }
    }
    stack_walk(s, rules, generation, start, &miss);
}

/* Whether not all frames of the stack that was found are told. */
static inline bool stack_is_cut(const struct stack *s)
{
    if (likely(s->trace != NULL)) {
        return s->trace->depth > s->max;
    }
    return (s->flags & STACK_TRUNCATED) ||
           ((s->flags & STACK_WALKED) ? 0 : s->fresh + (s->known ? s->known->depth : 0)) > s->max;
}

/* Writes down the frames of the stack that was found: fills `n`, `ip` and `flags`. */
void stack_frames(struct stack *s);

/* Both. */
void stack_capture(struct stack *s, struct rules *rules, uint32_t generation,
                   const struct stack_start *start);

/* Enters the stack at START, which was found before, among those known whole: SHARD counts it for
 * FUNCTION. */
void stack_keep_whole(struct stack *s, struct rules *rules, const struct stack_start *start,
                      struct shard *shard, uint16_t function);

/* A 64-bit hash of the stack that was found, as far as it is told. */
uint64_t stack_hash(const struct stack *s, uint64_t seed);

#endif
