/* SPDX-License-Identifier: MIT
 *
 * Calls along a path that a number chooses: at each level one of four functions with frames of
 * different sizes, from one of two places. Two paths differ from their outermost calls on, which is
 * the hard case for whoever keeps the last stack to begin the next one with.
 *
 * No state of its own: any thread.
 */
#ifndef BENCH_PATHS_H
#define BENCH_PATHS_H

#include <stdint.h>

typedef void paths_leaf(void *context);

/* Bits of a path that one level uses up. A path of 64 bits is good for 21 levels. */
#define PATHS_BITS 3

/* Calls LEAF below LEVELS frames, as the lowest bits of PATH say. */
void paths_walk(uint64_t path, unsigned levels, paths_leaf *leaf, void *context);

/* The same path for the same NUMBER, in any program: 12 to 14 levels, LEVELS included. */
uint64_t paths_make(uint64_t number, unsigned *levels);

/* A small generator of random numbers. STATE is not 0. */
static inline uint64_t paths_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

#endif
