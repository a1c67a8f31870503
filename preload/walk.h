/* SPDX-License-Identifier: MIT
 *
 * Walking a stack frame by frame by cached rules, for stack.c: what is not known must be stepped.
 * The results are in the struct stack. Never reads outside the stack that the walk is on.
 */
#ifndef PRELOAD_WALK_H
#define PRELOAD_WALK_H

#include "stack.h"

/* Walks outward from START. MISS: what traces_find knows of the innermost frame. Sets s->fresh to
 * how many frames there are in s->step, s->known to the frame that they lead out to, and s->flags.
 * Returns true if it came to a known frame, or to the outermost one (s->known is NULL then): these
 * frames may be kept. False where it went where frames cannot be kept, could not go on, or left it
 * to libunwind. */
bool walk_out(struct stack *s, struct rules *rules, const struct stack_start *start,
              const struct trace_miss *miss);

/* A walk up to where the last one of this kind went the same way: the whole stack is then the
 * spine. What is told of one that has more than s->max frames is in s->flat. Returns false where it
 * takes more than simple rules, or there are more than s->size frames. */
bool walk_plainly(struct stack *s, struct rules *rules, const struct stack_start *start);

/* Walks outward from START to the outermost frame, whatever is known: writes all frames to s->step,
 * and returns how many. 0 where that takes more than simple rules, or leaves the thread's stack. */
size_t walk_whole(struct stack *s, struct rules *rules, const struct stack_start *start);

#endif
