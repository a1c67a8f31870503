/* SPDX-License-Identifier: MIT
 *
 * MEMPROF_MAX_OVERHEAD: how much of the program's time the recorder takes, and the mean of the
 * samples (sampler.h) that keeps it within the limit.
 *
 * Of the calls that come to the recorder a random one in 32 is timed by the processor's counter,
 * and stands for the others. Calls that pass are taken to cost SAMPLER_PASS_NS each. Every 10 ms or
 * so of CPU time the sum is compared with the process's (CLOCK_PROCESS_CPUTIME_ID): above the
 * limit the mean grows by as much as it takes, 2 to 16-fold; below a quarter of the limit, with
 * the whole run within it, the mean is halved. Not counted: writing dumps, and what the recorder's
 * use of the caches costs the program.
 *
 * Each thread times its own calls; one at a time, whichever comes first, looks at the sum.
 */
#ifndef PRELOAD_SAMPLER_BUDGET_H
#define PRELOAD_SAMPLER_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "guard.h"
#include "options.h"
#include "sys.h"

#define SAMPLER_CHANGES 64
#define SAMPLER_PASS_NS 2
#define SAMPLER_TIMED_EVERY 32u /* calls, on average, to one that is timed */

struct recorder;

/* A thread's. */
struct sampler_clock {
    uint64_t left; /* calls until the next one that is timed */
    _Atomic uint64_t calls, timed, ticks;
};

/* What happened so far. */
struct sampler_account {
    uint64_t cpu_ns, own_ns; /* the process's time, and the recorder's of that */
    uint64_t fixed_ns;       /* the part of own_ns that no mean changes */
    uint64_t calls;          /* that came to the recorder */
    uint64_t recorded;       /* allocations */
    uint64_t allocs;         /* that passed, of threads that have not ended */
};

struct sampler_budget {
    uint32_t limit;       /* thousandths of a percent; 0: none */
    uint64_t base;        /* the mean does not fall below this */
    uint64_t empty_ticks; /* that timing nothing takes */
    _Atomic uint64_t due; /* ticks */
    _Atomic bool busy;
    /* By the thread that made `busy` true. */
    struct sampler_account seen;
    _Atomic uint32_t spent; /* thousandths of a percent, over the whole run */
    uint32_t changes;       /* how often the mean changed; the last SAMPLER_CHANGES are kept */
    struct {
        uint64_t elapsed_ns, mean;
    } change[SAMPLER_CHANGES];
};

void sampler_budget_start(struct sampler_budget *b, const struct options *options);
/* In a child of fork, which goes on with MEAN: so its account of changes begins with that. */
void sampler_budget_child(struct sampler_budget *b, uint64_t mean);

/* Whether this call is to be timed: the ticks of now, else 0. */
uint64_t sampler_budget_begin(struct sampler_clock *c);
/* After a call for which that was not 0. Looks at the sum if it is time to. */
void sampler_budget_end(struct recorder *r, struct sampler_clock *c, uint64_t began);

/* Brings `spent` up to now. */
void sampler_budget_look(struct recorder *r);

#endif
