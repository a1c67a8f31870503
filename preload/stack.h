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

/* The words that were read to step into a frame; 0 where none was. */
struct stack_words {
    uintptr_t ip;   /* holds the return address */
    uintptr_t bp;   /* holds the saved frame pointer */
    uintptr_t load; /* the CFA came from here: realigned stacks */
};

enum stack_flag {
    STACK_TRUNCATED = 1, /* deeper than the limit, or cut where the walk could not go on */
    STACK_SIGNAL = 2,    /* crosses a signal frame */
    STACK_WALKED = 4,    /* made by libunwind's own walk: `words` is not filled */
    STACK_FOREIGN = 8,   /* left the thread's own stack, or began elsewhere */
};

/* One captured stack; the arrays have room for MAX + 1 entries. Owned by one thread. */
struct stack {
    size_t n, max;
    unsigned flags; /* enum stack_flag */
    uintptr_t *ip;  /* innermost first */
    struct stack_words *words;
    uintptr_t low, high; /* bounds of the thread's own stack; 0 if unknown */
};

/* Finds out where the calling thread's stack ends. IS_MAIN: it is the initial thread. */
void stack_find_bounds(struct stack *s, bool is_main);

/* Fills S from START on. RULES may be NULL (no libunwind): then only the caller is known, and the
 * stack counts as truncated. */
void stack_capture(struct stack *s, struct rules *rules, uint32_t generation,
                   const struct stack_start *start);

/* A 64-bit hash of the stack, built frame by frame from the outermost. */
uint64_t stack_hash(const struct stack *s, uint64_t seed);

#endif
