/* SPDX-License-Identifier: MIT
 *
 * Very many frames and sites below one frame, and no room for one more.
 */
#include <string.h>

#include "objects.h"
#include "sites.h"
#include "support.h"

static struct arena_pool pool;
static struct clock since;
static struct modules modules;
static struct sites sites;
static struct sys_lock lock;

static int setup(void **state)
{
    (void)state;
    memset(&sites, 0, sizeof sites);
    objects_start();
    clock_start(&since);
    return modules_init(&modules, &pool, &since, "/the/program", NULL) < 0 ||
           sites_init(&sites, &pool, 0, &modules, &lock) < 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_pool_clear(&pool);
    return 0;
}

/* A stack of two frames, of which the inner one is the N-th of as many. */
static uint32_t intern(size_t n, enum site_function function)
{
    uintptr_t ip[] = {64 + n, 63};
    const struct stack stack = {.n = 2, .max = 2, .ip = ip};
    const uint32_t site = sites_intern(&sites, &stack, function);
    if (site != 0) {
        const struct frame *f = sites_frame(&sites, sites_at(&sites, site)->frame);
        assert_int_equal(frame_ip(f), ip[0]);
        assert_int_equal(frame_ip(sites_frame(&sites, frame_parent(f))), ip[1]);
        assert_int_equal(sites_at(&sites, site)->function, function);
    }
    return site;
}

enum { WIDE = 20000 };

static void each_of_many_is_found_again(void **state)
{
    (void)state;
    static uint32_t id[WIDE];
    for (size_t n = 0; n < WIDE; n++) {
        id[n] = intern(n, SITE_malloc);
        assert_int_equal(id[n], n + 1);
    }
    for (size_t n = WIDE; n-- > 0;) {
        assert_int_equal(intern(n, SITE_malloc), id[n]);
    }
    assert_int_equal(records_count(&sites.frames), WIDE + 1);
    assert_true(records_count(&sites.forks) < WIDE); /* some have nothing beside them */
}

/* What a stack costs that shares nothing: its frames, and one link to each. */
static void alone_takes_no_fork(void **state)
{
    (void)state;
    assert_int_equal(intern(0, SITE_malloc), 1);
    assert_int_equal(records_count(&sites.forks), 0);
    assert_int_equal(intern(0, SITE_calloc), 2);
    assert_int_equal(records_count(&sites.forks), 1);
    assert_true(sizeof(struct frame) <= 16 && sizeof(struct site) <= 24);
}

static void without_room_for_a_fork_nothing_is_added(void **state)
{
    (void)state;
    const uint32_t first = intern(0, SITE_malloc);
    assert_int_not_equal(first, 0);
    atomic_store(&sites.forks.count, RECORDS_MAX);
    assert_int_equal(intern(1, SITE_malloc), 0);
    assert_int_equal(intern(0, SITE_calloc), 0);
    assert_int_equal(intern(0, SITE_malloc), first);
    const uint32_t frames = records_count(&sites.frames);
    for (uint32_t id = 3; id <= frames; id++) {
        assert_false(frame_filled(sites_frame(&sites, id))); /* was left */
    }
    atomic_store(&sites.forks.count, 0);
    const uint32_t second = intern(1, SITE_malloc), other = intern(0, SITE_calloc);
    assert_true(second != 0 && other != 0 && second != other);
    assert_int_equal(intern(0, SITE_malloc), first);
    assert_int_equal(intern(1, SITE_malloc), second);
    assert_int_equal(intern(0, SITE_calloc), other);
}

int main(void)
{
#define WITH_SITES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_SITES(each_of_many_is_found_again),
        WITH_SITES(alone_takes_no_fork),
        WITH_SITES(without_room_for_a_fork_nothing_is_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
