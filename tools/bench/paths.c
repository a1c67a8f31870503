/* SPDX-License-Identifier: MIT */
#include "paths.h"

struct walk {
    paths_leaf *leaf;
    void *context;
};

typedef void step_function(const struct walk *w, uint64_t path, unsigned levels);

static step_function step_small, step_medium, step_large, step_odd;

static step_function *const step[] = {step_small, step_medium, step_large, step_odd};

/* Lets the compiler assume that the bytes at P are read and written here, and VALUE is needed. */
#define USE(p, value) __asm__ volatile("" : : "r"(p), "r"(value) : "memory")

/* What follows each call differs, so that no compiler makes one of both, nor a jump. Values
 * that are NEEDED after it are kept in registers that callees save: not only in rbx, in rbp too. */
#define STEP(name, size, needed)                                                                   \
    static __attribute__((noinline)) void name(const struct walk *w, uint64_t path,                \
                                               unsigned levels)                                    \
    {                                                                                              \
        char room[size];                                                                           \
        if (levels == 0) {                                                                         \
            w->leaf(w->context);                                                                   \
            USE(room, needed);                                                                     \
        } else if (path & 1) {                                                                     \
            step[path >> 1 & 3](w, path >> PATHS_BITS, levels - 1);                                \
            USE(room + 1, needed);                                                                 \
        } else {                                                                                   \
            step[path >> 1 & 3](w, path >> PATHS_BITS, levels - 1);                                \
            USE(room + 2, needed);                                                                 \
        }                                                                                          \
    }

STEP(step_small, 8, 0)
STEP(step_medium, 40, path)
STEP(step_large, 200, path ^ levels)
STEP(step_odd, 88, 0)

void paths_walk(uint64_t path, unsigned levels, paths_leaf *leaf, void *context)
{
    const struct walk w = {leaf, context};
    step[path & 3](&w, path, levels - 1);
    __asm__ volatile("" ::: "memory"); /* no tail call */
}

uint64_t paths_make(uint64_t number, unsigned *levels)
{
    /* The finalizer of splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
     * Generators, 2014): neighbouring numbers get unlike paths. */
    uint64_t x = (number + 1) * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    x ^= x >> 31;
    *levels = 12 + (unsigned)(x >> 60) % 3;
    return x;
}
