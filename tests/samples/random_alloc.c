/* SPDX-License-Identifier: MIT
 *
 * random_alloc SEED CALLS [THREADS]: random calls of all allocation functions, from 12 lines below
 * 4 paths of calls. What it does depends on its arguments alone: each thread has its own sequence
 * of numbers and its own blocks, except that threads pass blocks on to each other to be freed. Some
 * blocks are never freed. It makes no other call that allocates, but for starting the threads.
 *
 * `shim_context` tells libshim.so the path and line of each call.
 */
#include "shim.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS 512
#define PASSED 64
#define SITES 12
#define MAX_THREADS 64
#define NOINLINE __attribute__((noinline, noclone))

static __thread uint32_t context;

__attribute__((visibility("default"))) uint32_t shim_context(void)
{
    return context;
}

struct state {
    uint64_t random;
    long calls;
    void *blocks[BLOCKS];
};

/* Blocks on their way from one thread to another. */
static _Atomic(void *) passed[PASSED];
static int threads;

static uint32_t number(struct state *s, uint32_t below)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return (uint32_t)(s->random >> 32) % below;
}

/* Mostly small, now and then large, sometimes 0. */
static size_t random_size(struct state *s)
{
    return number(s, 1u << number(s, 17)) + (number(s, 1000) == 0 ? 1000000 : 0);
}

#define SITE(n, expression)                                                                        \
    static NOINLINE void *site_##n(struct state *s, void *old)                                     \
    {                                                                                              \
        size_t size = random_size(s);                                                              \
        (void)old;                                                                                 \
        (void)size;                                                                                \
        context = context / 16 * 16 + n;                                                           \
        void *p = expression;                                                                      \
        __asm__ volatile("# site %c1" : "+r"(p) : "i"(n) : "memory");                              \
        return p;                                                                                  \
    }

static void require(int condition)
{
    if (!condition)
        abort();
}

/* Too large: fails, and leaves the old block as it was. */
static NOINLINE void *grown_too_far(void *old)
{
    volatile size_t huge = (size_t)1 << 62;
    require(!realloc(old, huge) && !malloc(huge) && !calloc(huge, 8));
    return old;
}

SITE(0, malloc(size))
SITE(1, malloc(size / 2))
SITE(2, calloc(size, 3))
SITE(3, (free(old), memalign(64, size)))
SITE(4, (free(old), aligned_alloc(32, size)))
SITE(5, (free(old), require(posix_memalign(&old, 128, size) == 0), old))
SITE(6, realloc(old, size + 1))
SITE(7, realloc(old, size / 4 + 1))
SITE(8, reallocarray(old, size + 1, 2))
SITE(9, grown_too_far(old))
SITE(10, (free(old), free(malloc(size)), malloc(0)))
SITE(11, (old = realloc(old, 0), old ? old : malloc(7)))

static void *(*const sites[SITES])(struct state *, void *) = {site_0, site_1, site_2,  site_3,
                                                              site_4, site_5, site_6,  site_7,
                                                              site_8, site_9, site_10, site_11};

/* Sites 0 to 2 are not given the old block, so it is freed first; the others free or resize it. */
static NOINLINE void *replace(struct state *s, void *old)
{
    uint32_t site = number(s, SITES);
    if (site <= 2) {
        free(old);
        old = NULL;
    }
    void *p = sites[site](s, old);
    __asm__ volatile("" : "+r"(p)::"memory");
    return p;
}

#define PATH(n)                                                                                    \
    static NOINLINE void *path_##n(struct state *s, void *old)                                     \
    {                                                                                              \
        context = n * 16;                                                                          \
        void *p = replace(s, old);                                                                 \
        __asm__ volatile("# path %c1" : "+r"(p) : "i"(n) : "memory");                              \
        return p;                                                                                  \
    }

PATH(1)
PATH(2)
PATH(3)
PATH(4)

static void *(*const paths[])(struct state *, void *) = {path_1, path_2, path_3, path_4};

/* One step: some block of ours is replaced or freed; with threads, also given away. */
static NOINLINE void step(struct state *s)
{
    void **block = &s->blocks[number(s, BLOCKS)];
    if (threads > 1 && number(s, 4) == 0)
        *block = atomic_exchange(&passed[number(s, PASSED)], *block);
    if (number(s, 3)) {
        *block = paths[number(s, 4)](s, *block);
    } else {
        free(*block);
        *block = NULL;
    }
}

static void *run(void *argument)
{
    struct state *s = argument;
    for (long i = 0; i < s->calls; i++)
        step(s);
    for (int i = BLOCKS / 8; i < BLOCKS; i++)
        free(s->blocks[i]);
    return NULL;
}

int main(int argc, char **argv)
{
    static struct state states[MAX_THREADS];
    pthread_t ids[MAX_THREADS];
    long seed = argc > 1 ? atol(argv[1]) : 1;
    long calls = argc > 2 ? atol(argv[2]) : 1000;
    threads = argc > 3 ? atoi(argv[3]) : 1;
    context = 1; /* from here on, all calls are ours */
    if (threads < 1 || threads > MAX_THREADS)
        return 2;
    for (int i = 0; i < threads; i++)
        states[i] = (struct state){.random = (uint64_t)seed * 0x9e3779b97f4a7c15 + (uint64_t)i + 1,
                                   .calls = calls};
    for (int i = 1; i < threads; i++)
        if (pthread_create(&ids[i], NULL, run, &states[i]) != 0)
            return 3;
    run(&states[0]);
    for (int i = 1; i < threads; i++)
        pthread_join(ids[i], NULL);
    return 0;
}
