/* SPDX-License-Identifier: MIT
 *
 * Against the list of all rows that were offered.
 */
#include "timeline.h"

#include <string.h>

#include "support.h"

/* A row whose other columns tell its time. */
static struct timeline_row row_at(uint64_t ns)
{
    return (struct timeline_row){ns, ns * 3 + 1, ns ^ 0x55, ~ns};
}

static void check_rows(const struct timeline *t)
{
    assert_in_range(t->n, 1, TIMELINE_ROWS);
    for (uint32_t i = 0; i < t->n; i++) {
        const struct timeline_row expected = row_at(t->row[i].elapsed_ns);
        assert_memory_equal(&t->row[i], &expected, sizeof expected);
        if (i > 0) {
            assert_true(t->row[i].elapsed_ns > t->row[i - 1].elapsed_ns);
        }
    }
}

static void rows_wait_for_the_interval(void **state)
{
    (void)state;
    struct arena_pool pool = {.bytes = 0};
    struct timeline t;
    timeline_init(&t, &pool);
    for (uint64_t ns = 5; ns < (uint64_t)10 * TIMELINE_FIRST_INTERVAL_NS; ns += 1000) {
        const struct timeline_row row = row_at(ns);
        timeline_add(&t, &row);
    }
    check_rows(&t);
    assert_int_equal(t.n, 10);
    assert_int_equal(t.row[0].elapsed_ns, 5);
    arena_pool_clear(&pool);
}

/* Rows come densely for long: the kept ones cover the time evenly. */
static void halving_keeps_order_and_bounds(void **state)
{
    (void)state;
    struct arena_pool pool = {.bytes = 0};
    struct timeline t;
    timeline_init(&t, &pool);
    const uint64_t step = TIMELINE_FIRST_INTERVAL_NS / 2;
    uint64_t last = 0;
    for (uint64_t i = 1; i < 200000; i++) {
        const struct timeline_row row = row_at(last = i * step);
        timeline_add(&t, &row);
        if (i % 997 == 0) {
            check_rows(&t);
            assert_int_equal(t.row[0].elapsed_ns, step);
            assert_true(last - t.row[t.n - 1].elapsed_ns <= t.interval_ns);
            for (uint32_t k = 1; k < t.n; k++) {
                uint64_t gap = t.row[k].elapsed_ns - t.row[k - 1].elapsed_ns;
                assert_in_range(gap, t.interval_ns / 2, t.interval_ns + step);
            }
            assert_true(i * step < (uint64_t)2 * TIMELINE_ROWS * t.interval_ns);
            assert_true(t.n == i / 2 + 1 || t.n >= TIMELINE_ROWS / 2);
        }
    }
    arena_pool_clear(&pool);
}

static void random_times(void **state)
{
    (void)state;
    struct arena_pool pool = {.bytes = 0};
    struct timeline t;
    timeline_init(&t, &pool);
    uint64_t ns = 0, seed = 4, interval = t.interval_ns;
    for (int i = 0; i < 300000; i++) {
        ns += 1 + support_below(&seed, i % 1000 == 0 ? 1000000000 : 3000000);
        const struct timeline_row row = row_at(ns);
        timeline_add(&t, &row);
        assert_true(t.interval_ns >= interval); /* never finer again */
        interval = t.interval_ns;
    }
    check_rows(&t);
    assert_true(t.n >= TIMELINE_ROWS / 2);
    arena_pool_clear(&pool);
}

static void without_memory_nothing_is_kept(void **state)
{
    (void)state;
    struct timeline t = {.interval_ns = TIMELINE_FIRST_INTERVAL_NS};
    const struct timeline_row row = row_at(1);
    timeline_add(&t, &row);
    assert_int_equal(t.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_wait_for_the_interval),
        cmocka_unit_test(halving_keeps_order_and_bounds),
        cmocka_unit_test(random_times),
        cmocka_unit_test(without_memory_nothing_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
