/* SPDX-License-Identifier: MIT
 *
 * Capturing the call stack of the calling thread, exactly as libunwind would report it, by running
 * cached rules. What a walk yields is not only the return addresses but also the addresses of the
 * words it read to get them, so that a later walk can prove, by checking these words, that the rest
 * of the stack is what it was.
 *
 * Runs under the guard; takes no lock but those of rules.c for a new address. Never reads outside
 * the stack that the walk is on. Not for a thread whose stack the loader is still setting up.
 */
#ifndef PRELOAD_STACK_H
#define PRELOAD_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules.h"

/* The state of the frame that called a hook. */
struct stack_start {
    uintptr_t ip; /* the return address into it */
    uintptr_t sp; /* its stack pointer after the return: the hook's CFA */
    uintptr_t bp; /* its frame pointer register */
};

/* What else a step read or led to, besides the return address. */
struct stack_rest {
    uintptr_t bp;      /* in the frame */
    uintptr_t bp_at;   /* the word that bp came from; 0: none, it was left as it was */
    uintptr_t load_at; /* the word that the CFA came from: realigned stacks; 0: none */
    uintptr_t load;    /* what that held */
};

/* Parallel arrays, one entry a frame. */
struct stack_frames {
    uintptr_t *ip;           /* return addresses */
    uintptr_t *at;           /* the words that these were read from */
    uintptr_t *sp;           /* in the frame: the CFA of the next inner one */
    uint64_t *hash;          /* of this frame and all outward */
    struct stack_rest *rest; /* what led into this frame */
    uint8_t *flags;          /* stack.c */
};

enum stack_flag {
    STACK_TRUNCATED = 1, /* deeper than the limit, or cut where the walk could not go on */
    STACK_SIGNAL = 2,    /* crosses a signal frame */
    STACK_WALKED = 4,    /* made by libunwind's own walk: `at` is not filled */
    STACK_FOREIGN = 8,   /* left the thread's own stack, or began elsewhere */
    STACK_KEPT = 16,     /* kept, to begin the next one with */
};

/* One captured stack, and the last one that was kept. Owned by one thread.
 *
 * A step outward is a function of the frame's (ip, sp, bp) and of the words it loads. So where a
 * walk comes to a frame with the (ip, sp, bp) of a frame of the kept trace, and all words that led
 * from that frame outward still hold what they held, the rest of the stack is the kept rest, by
 * induction: not a heuristic. Frames that no step further out needs the bp of are compared without
 * it, and what they saved it to is not looked at: most code computes its CFA from sp.
 *
 * Kept traces end at the outermost frame, also where only `max` frames are told. They lie at the
 * far end of their arrays, so that a new inner part is written in front of the part that stays.
 * Traces that cross a signal frame or leave the thread's own stack are not kept. */
struct stack {
    size_t n, max;
    unsigned flags;      /* enum stack_flag */
    const uintptr_t *ip; /* n of them, innermost first */
    const uintptr_t *at; /* the same */
    uintptr_t low, high; /* bounds of the thread's own stack; 0 if unknown */
    uint64_t cut_power;  /* takes what is beyond `max` frames out of a kept hash */

    size_t size;                     /* of the arrays: frames that can be kept */
    struct stack_frames kept, fresh; /* kept.sp has one more, a sentinel */
    struct rule *rule;               /* of the fresh frames */
    size_t first;                    /* of the kept trace; `size`: there is none */
    uint32_t generation;             /* that the kept trace is of */
    uint64_t stepped, verified;      /* frames, in all captures: what the keeping saves */
};

/* How much memory a stack of at most MAX frames needs, and its use: MEMORY is zeroed. */
size_t stack_memory(size_t max);
void stack_init(struct stack *s, size_t max, void *memory);

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

/* Fills S from START on. RULES may be NULL (no libunwind): then only the caller is known, and the
 * stack counts as truncated. */
void stack_capture(struct stack *s, struct rules *rules, uint32_t generation,
                   const struct stack_start *start);

/* A 64-bit hash of the stack, built frame by frame from the outermost. */
uint64_t stack_hash(const struct stack *s, uint64_t seed);

#endif
