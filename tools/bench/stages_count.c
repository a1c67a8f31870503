/* SPDX-License-Identifier: MIT
 *
 * The stages of counting: a counter for each site and thread, which the dump adds up, against one
 * for each site that all threads add to atomically. Sites are drawn at random; a few of them, as in
 * a loop, or thousands, as in a large program. An operation is one event of each thread.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "paths.h"
#include "shard.h"
#include "stages.h"

#define FEW 16
#define MANY 4096
#define MAX_THREADS 2
#define OPERATIONS ((size_t)4000000)

/* As an allocation does: how many, how many bytes, and how much is live. */
struct counted {
    _Alignas(64) counter count, bytes, live;
};

static struct counted *shared, *own[MAX_THREADS];

struct work {
    struct counted *to;
    size_t count;
    uint64_t sites, seed;
    bool atomic;
};

static void prepare(void)
{
    if (shared) {
        return;
    }
    shared = stages_map(MANY * sizeof *shared);
    for (int i = 0; i < MAX_THREADS; i++) {
        own[i] = stages_map(MANY * sizeof **own);
    }
}

static void add_own(const struct work *w)
{
    uint64_t seed = w->seed;
    for (size_t i = 0; i < w->count; i++) {
        struct counted *c = &w->to[paths_random(&seed) & (w->sites - 1)];
        counter_add(&c->count, 1);
        counter_add(&c->bytes, 48);
        counter_add(&c->live, 48);
    }
}

static void add_shared(const struct work *w)
{
    uint64_t seed = w->seed;
    for (size_t i = 0; i < w->count; i++) {
        struct counted *c = &w->to[paths_random(&seed) & (w->sites - 1)];
        atomic_fetch_add_explicit(&c->count, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&c->bytes, 48, memory_order_relaxed);
        atomic_fetch_add_explicit(&c->live, 48, memory_order_relaxed);
    }
}

static void *work(void *argument)
{
    const struct work *w = argument;
    if (w->atomic) {
        add_shared(w);
    } else {
        add_own(w);
    }
    return NULL;
}

static void run(size_t count, unsigned threads, uint64_t sites, bool atomic)
{
    struct work w[MAX_THREADS] = {0};
    pthread_t thread[MAX_THREADS];
    for (unsigned i = 0; i < threads; i++) {
        w[i] = (struct work){atomic ? shared : own[i], count, sites, i + 1, atomic};
    }
    for (unsigned i = 1; i < threads; i++) {
        if (pthread_create(&thread[i], NULL, work, &w[i]) != 0) {
            fputs("stages: no thread can be made\n", stderr);
            exit(1);
        }
    }
    work(&w[0]);
    for (unsigned i = 1; i < threads; i++) {
        pthread_join(thread[i], NULL);
    }
}

#define RUN(name, threads, sites, atomic)                                                          \
    static void run_##name(size_t count)                                                           \
    {                                                                                              \
        run(count, threads, sites, atomic);                                                        \
    }

RUN(own_few, 1, FEW, false)
RUN(own_many, 1, MANY, false)
RUN(own_few_2, 2, FEW, false)
RUN(own_many_2, 2, MANY, false)
RUN(shared_few, 1, FEW, true)
RUN(shared_many, 1, MANY, true)
RUN(shared_few_2, 2, FEW, true)
RUN(shared_many_2, 2, MANY, true)

const struct stage stages_count[] = {
    {"own-16", "", "count at one of 16 sites, own counters", prepare, run_own_few, OPERATIONS},
    {"shared-16", "", "the same, atomically in shared ones", prepare, run_shared_few, OPERATIONS},
    {"own-16-2", "", "2 threads, 16 sites, own counters", prepare, run_own_few_2, OPERATIONS},
    {"shared-16-2", "", "the same, atomically in shared ones", prepare, run_shared_few_2,
     OPERATIONS},
    {"own-4096", "", "count at one of 4,096 sites, own counters", prepare, run_own_many,
     OPERATIONS},
    {"shared-4096", "", "the same, atomically in shared ones", prepare, run_shared_many,
     OPERATIONS},
    {"own-4096-2", "", "2 threads, 4,096 sites, own counters", prepare, run_own_many_2, OPERATIONS},
    {"shared-4096-2", "", "the same, atomically in shared ones", prepare, run_shared_many_2,
     OPERATIONS},
    {0},
};
