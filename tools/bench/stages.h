/* SPDX-License-Identifier: MIT
 *
 * The stages of recording, each as a function that does so many operations and nothing else, so
 * that the difference of two runs of one of them is the cost of the operations alone. What a stage
 * needs beforehand it makes by itself, in its first run and in its `prepare`: the same whatever the
 * count.
 */
#ifndef BENCH_STAGES_H
#define BENCH_STAGES_H

#include <stddef.h>

#include "arena.h"

/* Address space for the stages; ends the program if there is none. */
void *stages_map(size_t size);
extern struct arena_pool stages_pool;

/* Where results go, so that no compiler leaves out what leads to them. */
extern volatile unsigned long long stages_sink;

struct stage {
    const char *name;
    const char *base; /* the stage that this one is on top of: to be taken off; "": none */
    const char *what;
    void (*prepare)(void); /* before each run; may be NULL */
    void (*run)(size_t count);
    size_t count; /* operations in a timed run */
};

/* In stages_capture.c, stages_live.c, stages_count.c. Ended by one without a name. */
extern const struct stage stages_capture[], stages_live[], stages_count[];

#endif
