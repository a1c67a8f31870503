/* SPDX-License-Identifier: MIT
 *
 * A made-up stack, for the tests of what remembers stacks: an array of words that frames are pushed
 * onto and popped from as calls and returns would, and a naive walk over it. What kind a frame is
 * of and how large it is, its instruction address says. For one thread.
 */
#ifndef MADE_STACK_H
#define MADE_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace.h"

/* How a frame finds its CFA, and what it does to bp. */
enum made_kind {
    MADE_PLAIN,     /* from sp; leaves bp alone */
    MADE_SAVES,     /* from sp; saves bp and uses it for anything */
    MADE_POINTER,   /* from bp, which it saves */
    MADE_REALIGNED, /* from a word below bp, which it saves */
    MADE_OUTLINED,  /* from a word on the stack; leaves bp alone */
    MADE_OUTERMOST,
};
#define MADE_KINDS MADE_OUTERMOST /* that can be called */

#define MADE_WORDS 512
#define MADE_DEPTH 32
#define MADE_SIZES 16
#define MADE_SITES 8

struct made_frame {
    uintptr_t ip, sp, bp;
};

struct made_stack {
    uintptr_t word[MADE_WORDS];
    size_t depth;                        /* frames */
    struct made_frame frame[MADE_DEPTH]; /* from the outermost inward */
};

/* The outermost frame alone, and bp is BP. */
void made_init(struct made_stack *m, uintptr_t bp);

static inline struct made_frame made_innermost(const struct made_stack *m)
{
    return m->frame[m->depth - 1];
}

/* A frame of KIND with SIZE words of its own is called from the innermost; SITE tells addresses in
 * such functions apart. What lies in its own words is left, JUNK is put into bp if it is free. */
void made_call(struct made_stack *m, enum made_kind kind, size_t size, size_t site, uintptr_t junk);
void made_return(struct made_stack *m);

/* Walks outward from the frame FROM: fills STEP, with room for MADE_DEPTH. Returns how many frames
 * there are, the outermost included; 0: the words are not those of a stack. */
size_t made_walk(const struct made_stack *m, struct made_frame from, struct trace_step *step);

/* The next frame's bp matters to a step outward from STEP[i] or to one further out. */
bool made_needs_bp(const struct trace_step *step, size_t n, size_t i);

/* Enters frames N - 1 to 0 of STEP. Returns the innermost; NULL: there was no room. */
struct trace *made_enter(struct traces *t, const struct trace_step *step, size_t n);

#endif
