/* SPDX-License-Identifier: MIT */
#include "clock.h"

#include <sys/syscall.h>
#include <time.h>

#include "sys.h"

static uint64_t monotonic_ns(void)
{
    /* Not libc's function: what interposes it may not be ready where we are called first. */
    struct timespec now = {0};
    sys_call(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&now, 0, 0, 0, 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void clock_start(struct clock *c)
{
    c->start_ns = monotonic_ns();
    c->start_ticks = clock_ticks();
    /* A guess, until there is something to compare: it only places the first calibration. */
    atomic_store(&c->ns_per_tick, arch_ns_per_tick());
}

uint64_t clock_elapsed_ns(const struct clock *c)
{
    return monotonic_ns() - c->start_ns;
}

void clock_calibrate(struct clock *c)
{
    uint64_t ns = clock_elapsed_ns(c);
    uint64_t ticks = clock_ticks() - c->start_ticks;
    /* Below this the time of reading the clocks themselves would show. */
    if (ns < 100000 || ticks == 0) {
        return;
    }
    atomic_store(&c->ns_per_tick, (uint64_t)(((unsigned __int128)ns << 32) / ticks));
}

uint64_t clock_ns_to_ticks(const struct clock *c, uint64_t ns)
{
    uint64_t scale = atomic_load_explicit(&c->ns_per_tick, memory_order_relaxed);
    unsigned __int128 ticks = ((unsigned __int128)ns << 32) / (scale ? scale : 1);
    return ticks > UINT64_MAX ? UINT64_MAX : (uint64_t)ticks;
}
