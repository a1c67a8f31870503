/* SPDX-License-Identifier: MIT
 *
 * Against libunwind's own walk of the same stack (unw_backtrace).
 */
#include "stack.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "frames.h"
#include "objects.h"
#include "support.h"

#define DEPTH 1024

static struct arena_pool pool;
static struct rules rules;

static void *map(size_t size)
{
    return arena_pool_map(&pool, size);
}

static int setup(void **state)
{
    (void)state;
    const char *why;
    objects_start();
    struct unwinder *u = unwinder_load(map, &why);
    rules_init(&rules, u, &pool);
    return u ? 0 : -1;
}

/* A thread's stack buffer and what was found. */
struct walker {
    struct stack stack;
    void *memory;
    struct rules *rules;
    size_t runs, wrong;
    unsigned flags; /* of all runs */
    uint64_t hash;
};

static void walker_init(struct walker *w, size_t max, bool is_main)
{
    memset(w, 0, sizeof *w);
    w->rules = &rules;
    w->memory = calloc(1, stack_memory(max));
    stack_init(&w->stack, max, w->memory, &pool, NULL);
    stack_find_bounds(&w->stack, is_main);
}

static void walker_end(struct walker *w)
{
    free(w->memory);
}

/* In the place of a hook. */
static __attribute__((noinline)) void compare(void *arg)
{
    struct walker *w = arg;
    const struct stack_start start = SUPPORT_CALLER;
    static __thread void *plain[DEPTH + 64];
    stack_capture(&w->stack, w->rules, 0, &start);
    size_t n = frames_walk(plain, DEPTH + 64), skip = 0;
    while (skip < n && (uintptr_t)plain[skip] != start.ip) {
        skip++;
    }
    n -= skip;
    bool cut = n > w->stack.max;
    n = cut ? w->stack.max : n;
    bool same = n > 0 && w->stack.n == n && cut == (w->stack.flags & STACK_TRUNCATED);
    for (size_t i = 0; same && i < n; i++) {
        same = (uintptr_t)plain[skip + i] == w->stack.ip[i];
    }
    w->runs++;
    w->wrong += !same;
    w->flags |= w->stack.flags;
    w->hash = stack_hash(&w->stack, 1);
}

static void check_all_kinds(struct walker *w)
{
    for (const struct frames_kind *kind = frames_kinds; kind->name; kind++) {
        size_t runs = w->runs;
        for (int depth = 0; depth < 40; depth += 3) {
            kind->run(compare, w, depth);
        }
        if (w->wrong > 0 || w->runs == runs) {
            print_error("%s: %zu of %zu stacks differ\n", kind->name, w->wrong, w->runs - runs);
            break;
        }
    }
}

static void stacks_are_libunwinds(void **state)
{
    (void)state;
    struct walker w;
    walker_init(&w, DEPTH, true);
    check_all_kinds(&w);
    assert_int_equal(w.wrong, 0);
    assert_true(w.flags & STACK_SIGNAL);
    assert_true(w.flags & STACK_FOREIGN);
    walker_end(&w);
}

static void *check_in_thread(void *arg)
{
    struct walker *w = arg;
    walker_init(w, DEPTH, false);
    for (int i = 0; i < 50; i++) {
        /* Signals and what is static in frames.c are for one thread at a time. */
        frames_kinds[i % 3].run(compare, w, i);
    }
    return NULL;
}

static void threads_walk_their_own(void **state)
{
    (void)state;
    enum { THREADS = 6 };
    struct walker w[THREADS];
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, check_in_thread, &w[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(w[i].runs, 50);
        assert_int_equal(w[i].wrong, 0);
        assert_int_equal(w[i].flags & STACK_TRUNCATED, 0);
        walker_end(&w[i]);
    }
}

static void *check_kinds_in_thread(void *arg)
{
    walker_init(arg, DEPTH, false);
    check_all_kinds(arg);
    return NULL;
}

static void all_kinds_in_a_thread(void **state)
{
    (void)state;
    struct walker w;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, check_kinds_in_thread, &w), 0);
    pthread_join(thread, NULL);
    assert_int_equal(w.wrong, 0);
    walker_end(&w);
}

static void deep_stacks_keep_their_inner_frames(void **state)
{
    (void)state;
    static const size_t depths[] = {1, 2, 3, 10, 64};
    for (size_t i = 0; i < sizeof depths / sizeof depths[0]; i++) {
        struct walker w;
        walker_init(&w, depths[i], true);
        for (const struct frames_kind *kind = frames_kinds; kind->name; kind++) {
            kind->run(compare, &w, 100);
        }
        assert_int_equal(w.wrong, 0);
        assert_true(w.flags & STACK_TRUNCATED);
        walker_end(&w);
    }
}

static void the_limit_itself_cuts_nothing(void **state)
{
    (void)state;
    struct walker w;
    walker_init(&w, DEPTH, true);
    frames_kinds[0].run(compare, &w, 20);
    size_t n = w.stack.n;
    walker_end(&w);
    for (size_t max = n - 1; max <= n + 1; max++) {
        walker_init(&w, max, true);
        frames_kinds[0].run(compare, &w, 20);
        assert_int_equal(w.wrong, 0);
        assert_int_equal(w.stack.flags & STACK_TRUNCATED, max < n ? STACK_TRUNCATED : 0);
        walker_end(&w);
    }
}

static void without_rules_the_caller_is_known(void **state)
{
    (void)state;
    struct walker w;
    walker_init(&w, DEPTH, true);
    const struct stack_start start = {.ip = 12345, .sp = 1, .bp = 2};
    stack_capture(&w.stack, NULL, 0, &start);
    assert_int_equal(w.stack.n, 1);
    assert_int_equal(w.stack.ip[0], 12345);
    assert_int_equal(w.stack.flags, STACK_TRUNCATED);
    walker_end(&w);
}

/* Whatever the registers are: no crash, and a stack that says that it was cut. */
static void garbage_is_not_followed(void **state)
{
    (void)state;
    struct walker w;
    walker_init(&w, DEPTH, true);
    compare(&w);
    uintptr_t ip = w.stack.ip[0], here = (uintptr_t)__builtin_frame_address(0);
    char *edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(edge != MAP_FAILED);
    munmap(edge + 4096, 4096);
    uintptr_t edge_at = (uintptr_t)edge;
    const uintptr_t values[] = {0,
                                8,
                                1,
                                4088,
                                4096,
                                4097,
                                here,
                                here + 1,
                                edge_at,
                                edge_at + 4088,
                                w.stack.high,
                                w.stack.high - 8,
                                w.stack.low,
                                UINTPTR_MAX,
                                ~(uintptr_t)7,
                                ip,
                                (uintptr_t)1 << 63,
                                0x5000000000000000,
                                (uintptr_t)&w};
    enum { N = sizeof values / sizeof values[0] };
    for (size_t i = 0; i < (size_t)N * N * 2; i++) {
        const struct stack_start start = {i % 2 ? ip : (uintptr_t)&garbage_is_not_followed + 20,
                                          values[i / 2 % N], values[i / 2 / N]};
        stack_capture(&w.stack, &rules, 0, &start);
        assert_in_range(w.stack.n, 1, DEPTH);
    }
    munmap(edge, 4096);
    walker_end(&w);
}

static void hashes_tell_stacks_apart(void **state)
{
    (void)state;
    uintptr_t a[] = {1, 2, 3}, b[] = {1, 3, 2}, c[] = {1, 2, 3};
    struct stack s = {.flags = STACK_WALKED, .n = 3, .max = 9, .flat = a}, t = s, u = s;
    t.flat = b;
    u.flat = c;
    assert_true(stack_hash(&s, 1) == stack_hash(&u, 1));
    assert_true(stack_hash(&s, 1) != stack_hash(&t, 1));
    assert_true(stack_hash(&s, 1) != stack_hash(&s, 2));
    u.n = 2;
    assert_true(stack_hash(&s, 1) != stack_hash(&u, 1));
    s.n = 0;
    assert_true(stack_hash(&s, 0) != 0); /* 0 means none */
}

static void one_path_has_one_hash(void **state)
{
    (void)state;
    struct walker w;
    walker_init(&w, DEPTH, true);
    uint64_t first = 0;
#if defined(__clang__)
#pragma clang loop unroll(disable) /* into two calls from two places */
#endif
    for (int i = 0; i < 100; i++) {
        frames_kinds[i % 2].run(compare, &w, 10);
        first = i == 0 ? w.hash : first;
        assert_true((w.hash == first) == (i % 2 == 0));
    }
    walker_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stacks_are_libunwinds),
        cmocka_unit_test(threads_walk_their_own),
        cmocka_unit_test(all_kinds_in_a_thread),
        cmocka_unit_test(deep_stacks_keep_their_inner_frames),
        cmocka_unit_test(the_limit_itself_cuts_nothing),
        cmocka_unit_test(without_rules_the_caller_is_known),
        cmocka_unit_test(garbage_is_not_followed),
        cmocka_unit_test(hashes_tell_stacks_apart),
        cmocka_unit_test(one_path_has_one_hash),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
