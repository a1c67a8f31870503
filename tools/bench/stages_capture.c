/* SPDX-License-Identifier: MIT
 *
 * The stages around stacks: capturing one with its hash, by cached rules and by libunwind; and
 * calls of malloc and free below such stacks, for which the hooks are to be preloaded.
 *
 * Compiled with frame pointers: the state of a caller is read from the frame, as in hook.h.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "objects.h"
#include "paths.h"
#include "rules.h"
#include "stack.h"
#include "stages.h"

#define DEPTH 16
#define CAPTURES 200000
#define MAX_DEPTH 256
#define FEW 16
#define MANY 4096

static struct rules rules;
static struct stack stack;
static _Atomic uint64_t captures;
static int (*plain_backtrace)(void **, int);

static void prepare(void)
{
    const char *why = NULL;
    if (stack.max) {
        return;
    }
    objects_start();
    struct unwinder *u = unwinder_load(stages_map, &why);
    void *handle = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
    if (handle) {
        *(void **)&plain_backtrace = dlsym(handle, "unw_backtrace");
    }
    if (!u || !plain_backtrace) {
        fprintf(stderr, "stages: libunwind: %s\n", why ? why : dlerror());
        exit(1);
    }
    rules_init(&rules, u, &stages_pool);
    stack_init(&stack, MAX_DEPTH, stages_map(stack_memory(MAX_DEPTH)), &stages_pool, &captures);
    stack_find_bounds(&stack, true);
}

static __attribute__((noinline)) void capture(void *unused)
{
    (void)unused;
    const struct stack_start start = ARCH_CALLER;
    captures++;
    /* As the recorder does: find_shard in preload/recorder.c. */
    const struct known *known = knowns_find(&stack.knowns, start.ip, start.sp, start.bp);
    if (known) {
        stages_sink += known->words;
        return;
    }
    stack_find(&stack, &rules, 0, &start);
    stages_sink += stack_hash(&stack, 1);
    if (knowns_wants(&stack.knowns)) {
        stack_keep_whole(&stack, &rules, &start, NULL, 0);
    }
}

static __attribute__((noinline)) void backtrace(void *unused)
{
    (void)unused;
    void *ip[MAX_DEPTH];
    stages_sink += (unsigned)plain_backtrace(ip, MAX_DEPTH);
}

static __attribute__((noinline)) void pair(void *unused)
{
    (void)unused;
    volatile char *p = malloc(48);
    if (p) {
        p[0] = 1;
    }
    free((void *)p);
}

static __attribute__((noinline)) void nothing(void *unused)
{
    (void)unused;
    stages_sink++;
}

/* Two functions below one call: with their callees' two frames new, and all others kept. */
#define TWO(name)                                                                                  \
    static __attribute__((noinline)) void name##_inner(paths_leaf *leaf)                           \
    {                                                                                              \
        leaf(NULL);                                                                                \
        __asm__ volatile("" ::: "memory");                                                         \
    }                                                                                              \
    static __attribute__((noinline)) void name(paths_leaf *leaf)                                   \
    {                                                                                              \
        name##_inner(leaf);                                                                        \
        __asm__ volatile("" ::: "memory");                                                         \
    }

TWO(left)
TWO(right)

static void (*const turn[])(paths_leaf *) = {left, right};

static void repeat_same(paths_leaf *leaf, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        leaf(NULL);
    }
}

static void repeat_two(paths_leaf *leaf, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        turn[i & 1](leaf);
    }
}

static void repeat_paths(paths_leaf *leaf, size_t count, uint64_t paths)
{
    uint64_t seed = 1;
    for (size_t i = 0; i < count; i++) {
        unsigned levels;
        /* All of them first, so that none is new from then on. */
        uint64_t number = i < paths ? i : paths_random(&seed) % paths;
        uint64_t path = paths_make(number, &levels);
        paths_walk(path, 14, leaf, NULL);
    }
}

static void repeat_few(paths_leaf *leaf, size_t count)
{
    repeat_paths(leaf, count, FEW);
}

static void repeat_many(paths_leaf *leaf, size_t count)
{
    repeat_paths(leaf, count, MANY);
}

/* Runs REPEAT below FRAMES more frames, here DEPTH. */
static __attribute__((noinline)) void descend(int frames, void (*repeat)(paths_leaf *, size_t),
                                              paths_leaf *leaf, size_t count)
{
    if (frames > 0) {
        descend(frames - 1, repeat, leaf, count);
    } else {
        repeat(leaf, count);
    }
    __asm__ volatile("" ::: "memory"); /* no tail call */
}

#define RUN(name, repeat, leaf)                                                                    \
    static void run_##name(size_t count)                                                           \
    {                                                                                              \
        descend(DEPTH, repeat, leaf, count);                                                       \
    }

RUN(same_nothing, repeat_same, nothing)
RUN(two_nothing, repeat_two, nothing)
RUN(few_nothing, repeat_few, nothing)
RUN(same_capture, repeat_same, capture)
RUN(two_capture, repeat_two, capture)
RUN(few_capture, repeat_few, capture)
RUN(many_capture, repeat_many, capture)
RUN(same_backtrace, repeat_same, backtrace)
RUN(same_pair, repeat_same, pair)
RUN(two_pair, repeat_two, pair)
RUN(few_pair, repeat_few, pair)
RUN(many_pair, repeat_many, pair)

const struct stage stages_capture[] = {
    {"same", "", "a call, nothing captured", prepare, run_same_nothing, CAPTURES},
    {"two", "", "three calls, nothing captured", prepare, run_two_nothing, CAPTURES},
    {"path", "", "a random path of 14 calls, nothing captured", prepare, run_few_nothing, CAPTURES},
    {"capture", "same", "capture and hash: no new frame", prepare, run_same_capture, CAPTURES},
    {"capture-2", "two", "capture and hash: 2 new frames", prepare, run_two_capture, CAPTURES},
    {"capture-16", "path", "capture and hash: one of 16 random paths of 14 frames", prepare,
     run_few_capture, CAPTURES},
    {"capture-4096", "path", "capture and hash: one of 4,096 random paths of 14 frames", prepare,
     run_many_capture, CAPTURES},
    {"backtrace", "same", "libunwind's unw_backtrace instead", prepare, run_same_backtrace,
     CAPTURES},
    {"pair", "same", "malloc and free: no new frame", prepare, run_same_pair, CAPTURES},
    {"pair-2", "two", "malloc and free: 2 new frames", prepare, run_two_pair, CAPTURES},
    {"pair-16", "path", "malloc and free: one of 16 random paths of 14 frames", prepare,
     run_few_pair, CAPTURES},
    {"pair-4096", "path", "malloc and free: one of 4,096 random paths of 14 frames", prepare,
     run_many_pair, CAPTURES},
    {0},
};
