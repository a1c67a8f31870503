/* SPDX-License-Identifier: MIT
 *
 * Interning against a list of all stacks that were interned, and their distinct outer parts.
 */
#include "sites.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "objects.h"
#include "plugin.h"
#include "support.h"

static struct arena_pool pool;
static struct clock since;
static struct modules modules;
static struct sites sites;
static struct sys_lock lock;

static int setup_with(uint32_t base)
{
    memset(&sites, 0, sizeof sites);
    objects_start();
    clock_start(&since);
    return modules_init(&modules, &pool, &since, "/the/program", NULL) < 0 ||
           sites_init(&sites, &pool, base, &modules, &lock) < 0;
}

static int setup(void **state)
{
    (void)state;
    return setup_with(0);
}

static int teardown(void **state)
{
    (void)state;
    arena_pool_clear(&pool);
    return 0;
}

static uint32_t intern(uintptr_t *ip, size_t n, enum site_function function)
{
    const struct stack stack = {.n = n, .max = n, .ip = ip};
    return sites_intern(&sites, &stack, function);
}

static void assert_stack(uint32_t site, const uintptr_t *ip, size_t n)
{
    uint32_t frame = sites_at(&sites, site)->frame;
    for (size_t i = 0; i < n; i++) {
        assert_true(frame != FRAME_ROOT);
        const struct frame *f = sites_frame(&sites, frame);
        assert_int_equal(frame_ip(f), ip[i]);
        assert_true(frame_parent(f) < frame);
        frame = frame_parent(f);
    }
    assert_int_equal(frame, FRAME_ROOT);
}

enum { STACKS = 3000, LONGEST = 8 };
static struct {
    uintptr_t ip[LONGEST];
    size_t n;
    uint32_t site;
} known[STACKS];

static bool same_outer_part(size_t a, size_t b, size_t length)
{
    return known[a].n >= length && known[b].n >= length &&
           memcmp(known[a].ip + known[a].n - length, known[b].ip + known[b].n - length,
                  length * sizeof(uintptr_t)) == 0;
}

/* How many frames a tree of the first COUNT stacks must have. */
static size_t distinct_outer_parts(size_t count)
{
    size_t distinct = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t length = 1; length <= known[i].n; length++) {
            size_t k = 0;
            while (k < i && !same_outer_part(i, k, length)) {
                k++;
            }
            distinct += k == i;
        }
    }
    return distinct;
}

static void each_stack_is_stored_once(void **state)
{
    (void)state;
    uint64_t seed = 14;
    for (size_t i = 0; i < STACKS; i++) {
        known[i].n = 1 + support_below(&seed, LONGEST);
        for (size_t k = 0; k < known[i].n; k++) {
            /* Of the program's own code, and a few addresses in no module. */
            uintptr_t place = support_below(&seed, 5);
            known[i].ip[k] = place == 4 ? 64 : (uintptr_t)&each_stack_is_stored_once + place;
        }
        known[i].site = intern(known[i].ip, known[i].n, SITE_malloc);
        assert_int_not_equal(known[i].site, 0);
        assert_stack(known[i].site, known[i].ip, known[i].n);
        size_t k = 0;
        while (known[k].n != known[i].n || !same_outer_part(i, k, known[i].n)) {
            k++;
        }
        assert_int_equal(known[i].site, known[k].site);
        assert_true(k < i || known[i].site == sites.sites.count);
    }
    assert_int_equal(sites.frames.count, distinct_outer_parts(STACKS));
    assert_int_equal(modules.count, 1);
}

static void functions_are_sites_apart(void **state)
{
    (void)state;
    uintptr_t ip[] = {(uintptr_t)&functions_are_sites_apart, 64};
    uint32_t id[SITE_FUNCTIONS];
    for (unsigned f = 0; f < SITE_FUNCTIONS; f++) {
        id[f] = intern(ip, 2, (enum site_function)f);
        assert_int_equal(id[f], f + 1);
        assert_int_equal(sites_at(&sites, id[f])->function, f);
        assert_int_equal(sites_at(&sites, id[f])->frame, sites_at(&sites, id[0])->frame);
        assert_int_equal(intern(ip, 2, (enum site_function)f), id[f]);
    }
    assert_int_equal(sites.frames.count, 2);
    assert_string_equal(site_function_name[SITE_malloc], "malloc");
    assert_string_equal(site_function_name[SITE_posix_memalign], "posix_memalign");
    for (unsigned f = 0; f < SITE_FUNCTIONS; f++) {
        assert_non_null(site_function_name[f]);
    }
}

static void frames_know_their_module(void **state)
{
    (void)state;
    uintptr_t ip[] = {(uintptr_t)dlsym(RTLD_DEFAULT, "gnu_get_libc_version") + 1, 64,
                      (uintptr_t)&frames_know_their_module + 1};
    uint32_t frame = sites_at(&sites, intern(ip, 3, SITE_malloc))->frame;
    static const char *const path[] = {"libc.so", NULL, "/the/program"};
    for (int i = 0; i < 3; i++) {
        const struct frame *f = sites_frame(&sites, frame);
        assert_int_equal(frame_module(f) < 0, path[i] == NULL);
        assert_true(frame_module(f) < 0 || !path[i] ||
                    strstr(modules.by_id[frame_module(f)]->path, path[i]) != NULL);
        assert_false(frame_interrupted(f));
        frame = frame_parent(f);
    }
}

static void ids_go_on_from_a_base(void **state)
{
    (void)state;
    teardown(state);
    assert_int_equal(setup_with(1000), 0);
    uintptr_t ip[] = {(uintptr_t)&ids_go_on_from_a_base};
    uint32_t first = intern(ip, 1, SITE_malloc), second = intern(ip, 1, SITE_calloc);
    assert_int_equal(first, 1001);
    assert_int_equal(second, 1002);
    assert_true(sites_own(&sites, first) && sites_own(&sites, second));
    assert_false(sites_own(&sites, 1000));
    assert_false(sites_own(&sites, 1));
    assert_int_equal(sites_at(&sites, second)->function, SITE_calloc);
    assert_int_equal(intern(ip, 1, SITE_malloc), first);
}

static void ids_that_blocks_cannot_hold_are_not_given(void **state)
{
    (void)state;
    teardown(state);
    assert_int_equal(setup_with(LIVE_MAX_SITE - 3), 0);
    uintptr_t ip[] = {1};
    for (uint32_t i = 1; i <= 10; i++) {
        ip[0] = (uintptr_t)i * 16;
        uint32_t id = intern(ip, 1, SITE_malloc);
        assert_int_equal(id, i <= 3 ? LIVE_MAX_SITE - 3 + i : 0);
    }
    ip[0] = 32;
    assert_int_equal(intern(ip, 1, SITE_malloc), LIVE_MAX_SITE - 1); /* known ones still are */
}

/* Loads PATH, interns a stack that goes through it, and unloads it. */
static uint32_t intern_through(const char *path, uintptr_t *address)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(handle);
    uintptr_t ip[] = {(uintptr_t)dlsym(handle, "plugin_call") + 1, 64};
    *address = ip[0];
    uint32_t site = intern(ip, 2, SITE_malloc);
    const struct frame *f = sites_frame(&sites, sites_at(&sites, site)->frame);
    assert_string_equal(modules.by_id[frame_module(f)]->path, path);
    dlclose(handle);
    modules_changed(&modules);
    return site;
}

static void another_module_at_the_address_is_another_site(void **state)
{
    (void)state;
    uintptr_t at_a, at_b, again;
    uint32_t a = intern_through(PLUGIN_A, &at_a);
    uint32_t b = intern_through(PLUGIN_B, &at_b);
    uint32_t c = intern_through(PLUGIN_A, &again);
    assert_int_not_equal(a, b);
    if (at_a != at_b || at_a != again) {
        skip(); /* the loader chose other places */
    }
    assert_int_equal(a, c);
}

static uintptr_t handler_returns_to;

static void handler(int number)
{
    (void)number;
    handler_returns_to = (uintptr_t)__builtin_return_address(0);
}

static void what_a_signal_interrupted_is_marked(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    if (!object_is_signal_trampoline(handler_returns_to)) {
        skip(); /* a sanitizer calls the handler */
    }
    uintptr_t here = (uintptr_t)&what_a_signal_interrupted_is_marked;
    uintptr_t ip[] = {here, handler_returns_to, here + 4, here + 8};
    uint32_t frame = sites_at(&sites, intern(ip, 4, SITE_malloc))->frame;
    for (int i = 0; i < 4; i++) {
        const struct frame *f = sites_frame(&sites, frame);
        assert_int_equal(frame_interrupted(f), i == 2);
        frame = frame_parent(f);
    }
}

enum { WORKERS = 4, ROUNDS = 400, WIDTH = 6, DEPTH = 4 };
static uint32_t found[WORKERS][ROUNDS];

/* Interns the same stacks as the others, in the same order, for they are to meet. */
static void *work(void *arg)
{
    const size_t number = (size_t)(uintptr_t)arg;
    uint64_t seed = 77;
    for (size_t i = 0; i < ROUNDS; i++) {
        uintptr_t ip[DEPTH];
        for (size_t k = 0; k < DEPTH; k++) {
            const uintptr_t place = support_below(&seed, WIDTH);
            ip[k] = place == 0 ? 64 : (uintptr_t)&each_stack_is_stored_once + place;
        }
        found[number][i] = intern(ip, DEPTH, (enum site_function)(i % 3));
        assert_stack(found[number][i], ip, DEPTH);
    }
    return NULL;
}

/* What two threads added at the same time is there once; the other one's place is empty. */
static void assert_frames_differ(void)
{
    for (uint32_t i = 1; i <= records_count(&sites.frames); i++) {
        const struct frame *f = sites_frame(&sites, i);
        for (uint32_t k = 1; k < i && frame_filled(f); k++) {
            const struct frame *g = sites_frame(&sites, k);
            assert_true(!frame_filled(g) || frame_ip(f) != frame_ip(g) ||
                        frame_parent(f) != frame_parent(g));
        }
    }
}

static void threads_find_the_same_sites(void **state)
{
    for (int round = 0; round < 50; round++) {
        pthread_t thread[WORKERS];
        teardown(state);
        assert_int_equal(setup(state), 0);
        for (size_t i = 0; i < WORKERS; i++) {
            assert_int_equal(pthread_create(&thread[i], NULL, work, (void *)(uintptr_t)i), 0);
        }
        for (size_t i = 0; i < WORKERS; i++) {
            pthread_join(thread[i], NULL);
        }
        for (size_t i = 1; i < WORKERS; i++) {
            assert_memory_equal(found[i], found[0], sizeof found[0]);
        }
        assert_frames_differ();
        assert_true(records_count(&sites.sites) <= (size_t)WORKERS * ROUNDS);
        assert_int_equal(modules.count, 1);
    }
}

/* The nodes that the spine has notes of are the ones that there are without. */
static void the_spine_shortens_the_way(void **state)
{
    (void)state;
    struct spine *p = spine_init(calloc(1, spine_memory(LONGEST)), LONGEST);
    struct trace_step step[LONGEST] = {{.ip = 0}};
    uintptr_t ip[LONGEST];
    uint64_t seed = 5;
    for (int round = 0; round < 20000; round++) {
        const size_t keep = support_below(&seed, p->count < LONGEST ? p->count + 1 : LONGEST);
        const size_t n = support_below(&seed, LONGEST - keep) + (keep == 0);
        for (size_t i = 0; i < n; i++) {
            step[i] = (struct trace_step){.at = (uintptr_t)&step[i], .sp = (uintptr_t)&step[i]};
            step[i].ip = (uintptr_t)&the_spine_shortens_the_way + support_below(&seed, 3);
        }
        assert_true(spine_extend(p, keep, step, n));
        for (size_t i = 0; i < p->count; i++) {
            ip[i] = spine_step(p, p->count - 1 - i)->ip;
        }
        if (support_below(&seed, 16) == 0) {
            modules_changed(&modules);
        }
        const struct stack stack = {.n = p->count,
                                    .max = LONGEST,
                                    .ip = ip,
                                    .spine = p,
                                    .flags = STACK_SPINE | STACK_WALKED};
        const uint32_t site = sites_intern(&sites, &stack, SITE_malloc);
        assert_stack(site, ip, p->count);
        assert_int_equal(site, intern(ip, p->count, SITE_malloc));
        assert_int_equal(p->nodes, p->count);
    }
    free(p);
}

int main(void)
{
#define WITH_SITES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_SITES(each_stack_is_stored_once),
        WITH_SITES(functions_are_sites_apart),
        WITH_SITES(frames_know_their_module),
        WITH_SITES(ids_go_on_from_a_base),
        WITH_SITES(ids_that_blocks_cannot_hold_are_not_given),
        WITH_SITES(another_module_at_the_address_is_another_site),
        WITH_SITES(what_a_signal_interrupted_is_marked),
        WITH_SITES(threads_find_the_same_sites),
        WITH_SITES(the_spine_shortens_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
