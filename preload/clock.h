/* SPDX-License-Identifier: MIT
 *
 * Two clocks. Ticks are the processor's counter: a few nanoseconds to read, no system call, good
 * for births and deadlines. Nanoseconds are CLOCK_MONOTONIC, for what a user reads. Any thread,
 * any time after clock_start.
 */
#ifndef PRELOAD_CLOCK_H
#define PRELOAD_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>

#include "arch.h"

struct clock {
    uint64_t start_ticks; /* both at clock_start */
    uint64_t start_ns;
    _Atomic uint64_t ns_per_tick; /* 32.32 fixed point, refined as the run gets longer */
};

static inline uint64_t clock_ticks(void)
{
    return arch_ticks();
}

void clock_start(struct clock *c);

/* Nanoseconds of CLOCK_MONOTONIC since clock_start. */
uint64_t clock_elapsed_ns(const struct clock *c);

/* Compares the two clocks; a first estimate is made by clock_start. */
void clock_calibrate(struct clock *c);

/* The length of TICKS, in nanoseconds. */
static inline uint64_t clock_ticks_to_ns(const struct clock *c, uint64_t ticks)
{
    uint64_t scale = atomic_load_explicit(&c->ns_per_tick, memory_order_relaxed);
    return (uint64_t)(((unsigned __int128)ticks * scale) >> 32);
}

uint64_t clock_ns_to_ticks(const struct clock *c, uint64_t ns);

#endif
