/* SPDX-License-Identifier: MIT
 *
 * Live bytes far beyond what the test itself has resident, so that only they count.
 */
#include "watch.h"

#include <string.h>
#include <sys/resource.h>

#include "memory.h"
#include "support.h"

#define GIB ((uint64_t)1 << 30)
#define SECOND ((uint64_t)1000000000)

static struct watch watch;
static struct cause cause;

static void start(uint64_t bytes, uint32_t percent)
{
    struct options options = support_options();
    options.dump_at_bytes = bytes;
    options.dump_at_percent = percent;
    memset(&watch, 0x5a, sizeof watch);
    memset(&cause, 0, sizeof cause);
    watch_start(&watch, &options);
}

static void a_crossing_is_told_once(void **state)
{
    (void)state;
    uint64_t now = 0;
    start(800 * GIB, 0);
    assert_false(watch_look(&watch, 799 * GIB, now += SECOND, &cause));
    assert_null(cause.trigger);
    assert_true(watch_look(&watch, 800 * GIB, now += SECOND, &cause));
    assert_string_equal(cause.trigger, "size");
    assert_true(cause.limit_bytes == 800 * GIB && cause.used_bytes == 800 * GIB);
    assert_false(watch_look(&watch, 900 * GIB, now += SECOND, &cause));
    assert_false(watch_look(&watch, 750 * GIB, now += SECOND, &cause));
    assert_false(watch_look(&watch, 810 * GIB, now += SECOND, &cause)); /* it was not far below */
    assert_false(watch_look(&watch, 690 * GIB, now += SECOND, &cause));
    assert_true(watch_look(&watch, 810 * GIB, now += SECOND, &cause));
}

static void looks_come_closer(void **state)
{
    (void)state;
    start(800 * GIB, 0);
    assert_int_equal(watch.next_ns, 0);
    assert_false(watch_look(&watch, 1, SECOND, &cause));
    assert_int_equal(watch.next_ns, SECOND + 10000000);
    /* Not before it is time. */
    assert_false(watch_look(&watch, 900 * GIB, watch.next_ns - 1, &cause));
    assert_true(watch_look(&watch, 900 * GIB, watch.next_ns, &cause));
    assert_false(watch_look(&watch, 500 * GIB, 2 * SECOND, &cause));
    assert_int_equal(watch.next_ns, 2 * SECOND + 1000000);
}

static void nothing_is_looked_at_without_the_option(void **state)
{
    (void)state;
    start(0, 0);
    assert_true(watch.next_ns == UINT64_MAX);
    assert_false(watch_look(&watch, 900 * GIB, UINT64_MAX - 1, &cause));
}

static void a_share_is_of_the_limit_in_force(void **state)
{
    (void)state;
    struct rlimit before, limit;
    struct memory_pages pages;
    memory_pages(&pages);
    assert_true(pages.size_bytes > pages.rss_bytes && pages.rss_bytes > 0);
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    limit = before;
    limit.rlim_cur = 2 * (pages.size_bytes + (uint64_t)(64 << 20));
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    start(0, 99000);
    bool early = watch_look(&watch, 0, SECOND, &cause);
    start(0, 1000);
    bool told = watch_look(&watch, 0, SECOND, &cause);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_false(early);
    assert_true(told);
    assert_string_equal(cause.trigger, "address-space");
    assert_true(cause.limit_bytes == limit.rlim_cur);
    assert_true(cause.used_bytes >= pages.size_bytes && cause.used_bytes < limit.rlim_cur);
}

static void what_is_allocated_counts_against_any_limit(void **state)
{
    (void)state;
    start(0, 50000);
    assert_true(watch_look(&watch, (uint64_t)1 << 50, SECOND, &cause));
    assert_non_null(cause.trigger); /* which depends on where the test runs */
    assert_true(cause.limit_bytes > 0);
    assert_true(cause.used_bytes == (uint64_t)1 << 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crossing_is_told_once),
        cmocka_unit_test(looks_come_closer),
        cmocka_unit_test(nothing_is_looked_at_without_the_option),
        cmocka_unit_test(a_share_is_of_the_limit_in_force),
        cmocka_unit_test(what_is_allocated_counts_against_any_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
