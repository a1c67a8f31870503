/* SPDX-License-Identifier: MIT
 *
 * An event is left after each of its steps in turn: afterwards either all counters know of it, or
 * none.
 */
#include "mend.h"

#include <string.h>

#include "count.h"
#include "feed.h"
#include "support.h"

#define BASE ((uintptr_t)0x600000000000)
#define SIZE ((uint64_t)100)

static struct recorder *r;
static struct thread *t;

static int setup(void **state)
{
    (void)state;
    struct options options = support_options();
    r = support_recorder(&options);
    for (unsigned i = 0; i < 10; i++) {
        feed_alloc(r, 0, SITE_malloc, BASE + i * 4096, SIZE);
        feed_alloc(r, 1, SITE_malloc, BASE + i * 4096 + 2048, 3 * SIZE);
    }
    feed_free(r, BASE);
    t = guard_tls.thread;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    support_recorder_end(r);
    return 0;
}

/* The shard of the blocks of SIZE bytes. */
static struct shard *shard_of_size(void)
{
    struct shard *s = atomic_load(&t->shards);
    while (s && counter_get(&s->alloc_bytes) != SIZE * counter_get(&s->alloc_count)) {
        s = atomic_load(&s->next);
    }
    assert_non_null(s);
    return s;
}

/* The first STEPS steps of count_alloc. */
static void allocate(struct shard *s, int steps)
{
    for (int step = 0; step < steps; step++) {
        switch (step) {
        case 0:
            shard_begin(s);
            break;
        case 1:
            counter_add(&s->alloc_count, 1);
            break;
        case 2:
            counter_add(&s->alloc_bytes, SIZE);
            break;
        case 3:
            shard_count_realloc(s, 1, &t->arena);
            break;
        case 4:
            shard_count_size(s, SIZE, 1, &t->arena);
            break;
        case 5:
            shard_end(s);
            break;
        case 6:
            peak_change_alone(&t->share, SIZE);
            break;
        default:
            counter_add(&t->live_count, 1);
        }
    }
}

/* The first STEPS steps of count_free. */
static void release(struct shard *s, int steps)
{
    for (int step = 0; step < steps; step++) {
        switch (step) {
        case 0:
            shard_begin(s);
            break;
        case 1:
            counter_add(&s->free_count, 1);
            break;
        case 2:
            counter_add(&s->freed_bytes, SIZE);
            break;
        case 3:
            counter_add(&s->temporary_count, 1);
            break;
        case 4:
            shard_end(s);
            break;
        case 5:
            peak_change_alone(&t->share, -(int64_t)SIZE);
            break;
        default:
            counter_add(&t->live_count, (uint64_t)-1);
        }
    }
}

static void check(const struct shard *s, uint64_t allocations, uint64_t frees, int step)
{
    print_message("left after step %d\n", step);
    assert_int_equal(atomic_load(&s->version) % 2, 0);
    assert_int_equal(counter_get(&s->alloc_count), allocations);
    assert_int_equal(counter_get(&s->alloc_bytes), allocations * SIZE);
    assert_int_equal(counter_get(&s->free_count), frees);
    assert_int_equal(counter_get(&s->freed_bytes), frees * SIZE);
    uint64_t sizes[MEMPROF_HISTOGRAM_BUCKETS] = {0};
    shard_add_sizes(s, sizes);
    assert_int_equal(sizes[histogram_bucket(SIZE)], allocations);
    assert_true(shard_realloc_count(s) <= allocations);
    assert_true(counter_get(&s->temporary_count) <= frees);
    assert_int_equal(counter_get(&t->live_count), allocations - frees + 10);
    assert_int_equal(atomic_load(&t->share.live), (allocations - frees + 30) * SIZE);
}

static void an_allocation_that_was_left_is_taken_back_or_counted(void **state)
{
    (void)state;
    struct shard *s = shard_of_size();
    uint64_t allocations = 10;
    check(s, allocations, 1, 0);
    for (int steps = 0; steps <= 8; steps++) {
        allocate(s, steps);
        mend_thread(r, t);
        allocations += steps > 5;
        check(s, allocations, 1, steps);
    }
}

/* In the middle of an event of another size than the first; after the sizes, or before. */
static void sizes_are_taken_back(void **state)
{
    (void)state;
    struct shard *s = shard_of_size();
    uint64_t sizes[MEMPROF_HISTOGRAM_BUCKETS];
    for (uint64_t n = 0; n < 6; n++) {
        const bool entered = n % 3 != 0, left = n % 2 != 0;
        shard_begin(s);
        counter_add(&s->alloc_count, 1);
        counter_add(&s->alloc_bytes, 1000 + n);
        if (entered) {
            shard_count_size(s, 1000 + n, 1, &t->arena);
        }
        if (left) {
            mend_thread(r, t);
        } else {
            shard_count_size(s, 1000 + n, !entered, &t->arena);
            shard_end(s);
            peak_change_alone(&t->share, (int64_t)(1000 + n));
            counter_add(&t->live_count, 1);
        }
        memset(sizes, 0, sizeof sizes);
        shard_add_sizes(s, sizes);
        assert_int_equal(sizes[histogram_bucket(SIZE)], 10);
        assert_int_equal(sizes[histogram_bucket(1000)], n / 2 + 1);
        assert_int_equal(counter_get(&s->alloc_count), 10 + n / 2 + 1);
        mend_thread(r, t); /* nothing is left to be taken back */
        assert_int_equal(counter_get(&s->alloc_count), 10 + n / 2 + 1);
    }
}

static void a_free_that_was_left_is_taken_back_or_counted(void **state)
{
    (void)state;
    struct shard *s = shard_of_size();
    uint64_t frees = 1;
    for (int steps = 0; steps <= 7; steps++) {
        release(s, steps);
        mend_thread(r, t);
        frees += steps > 4;
        check(s, 10, frees, steps);
    }
}

/* By a hook that finds the guard taken by one that is gone, at its next event. */
/* Of a site's first blocks, all are: also those that come in place of one that was left. */
static void the_next_block_is_measured(void **state)
{
    (void)state;
    struct shard *s = shard_of_size();
    const uint64_t n = counter_get(&s->alloc_count);
    assert_true(n + 1 < COUNT_MEASURED);
    for (int step = 0; step <= 4; step++) {
        count_measured(s, n);
        assert_false(count_measures(s, n));
        allocate(s, step);
        mend_thread(r, t);
        assert_int_equal(counter_get(&s->alloc_count), n);
        assert_true(count_measures(s, n));
    }
}

static void the_thread_mends_itself(void **state)
{
    (void)state;
    struct shard *s = shard_of_size();
    allocate(s, 3);
    guard_tls.frame = 1; /* further in than any other */
    assert_true(guard_enter(GUARD_HERE));
    guard_leave();
    feed_alloc(r, 1, SITE_malloc, BASE + 2048, SIZE);
    assert_int_equal(atomic_load(&s->version) % 2, 0);
    assert_int_equal(counter_get(&s->alloc_count), 10);
    assert_int_equal(counter_get(&s->alloc_bytes), 10 * SIZE);
    assert_int_equal(atomic_load(&t->pending_count), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_allocation_that_was_left_is_taken_back_or_counted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(sizes_are_taken_back, setup, teardown),
        cmocka_unit_test_setup_teardown(the_next_block_is_measured, setup, teardown),
        cmocka_unit_test_setup_teardown(a_free_that_was_left_is_taken_back_or_counted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_thread_mends_itself, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
