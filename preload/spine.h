/* SPDX-License-Identifier: MIT
 *
 * The stack that a thread walked last, from the outermost frame inward, with the words that led
 * from each frame outward: most of the next stack is the same. A walk that comes to one of its
 * frames, with the registers that this had, need go no further once the words from there outward
 * are seen to hold what they held: by the induction that trace.h tells of.
 *
 * For stacks of which each is a new one, where trace.h and known.h find nothing. Beside each frame
 * is its node in the tree of sites, so that only frames that are new to the thread are looked up.
 *
 * Owned by one thread, under the guard. Only frames of the thread's own stack, without a signal
 * frame between. A longjmp out of any function here leaves it sound.
 */
#ifndef PRELOAD_SPINE_H
#define PRELOAD_SPINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace.h"

struct spine_frame {
    uint64_t hash;  /* of the return addresses from here outward: stack.h */
    uint32_t words; /* those of the frames from the outermost to this one */
    uint32_t node;  /* in the tree of sites */
    bool uses_bp;   /* a step from here outward depends on bp */
};

struct spine_word {
    uintptr_t at, held;
};

struct spine {
    size_t count, size;
    size_t nodes;              /* of the frames, how many have a node */
    uint32_t generation;       /* of the modules, that the nodes are of */
    struct trace_step *step;   /* the last `count` of `size`: innermost first */
    struct spine_frame *frame; /* outermost first */
    struct spine_word *word;
};

/* How much memory one of SIZE frames takes, and its use: MEMORY is zeroed, and touched as it is
 * used. */
size_t spine_memory(size_t size);
struct spine *spine_init(void *memory, size_t size);

/* The frame that is the N-th from the outermost, which is 0. */
static inline struct trace_step *spine_step(const struct spine *p, size_t n)
{
    return &p->step[p->size - 1 - n];
}

/* How many of the N outermost frames there are from the outermost one on whose words all hold. */
size_t spine_holding(const struct spine *p, size_t n);

/* A walk's search. */
struct spine_search {
    const struct trace_step *next,
        *end;  /* the frames that it has not passed yet, innermost first */
    bool hold; /* all their words are known to hold */
};

static inline struct spine_search spine_search(const struct spine *p)
{
    const struct trace_step *end = p->step + p->size;
    return (struct spine_search){.next = end - p->count, .end = end};
}

/* How many frames it has not passed, which are the outermost ones. */
static inline size_t spine_left(const struct spine_search *s)
{
    return (size_t)(s->end - s->next);
}

/* Whether (IP, SP, BP), which is further out than what it was asked before, is in a frame of the
 * spine from which all words hold: in the next one that it has not passed. */
static inline bool spine_joins(const struct spine *p, uintptr_t ip, uintptr_t sp, uintptr_t bp,
                               struct spine_search *s)
{
    const struct trace_step *x = s->next;
    while (x != s->end && x->sp < sp) {
        x++;
    }
    s->next = x;
    if (x == s->end || x->sp != sp || x->ip != ip) {
        return false;
    }
    const size_t n = spine_left(s);
    if (x->bp != bp && p->frame[n - 1].uses_bp) {
        return false;
    }
    if (!s->hold) {
        s->next = s->end - spine_holding(p, n);
        s->hold = true;
    }
    return s->next == x;
}

/* Keeps the KEEP outermost frames and, further in, the N of STEP, which are innermost first.
 * Returns false, and keeps nothing, where that cannot be done. */
bool spine_extend(struct spine *p, size_t keep, const struct trace_step *step, size_t n);

static inline void spine_forget(struct spine *p)
{
    p->count = p->nodes = 0;
}

#endif
