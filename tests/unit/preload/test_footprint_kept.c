/* SPDX-License-Identifier: MIT
 *
 * Which reading of the resident set is kept, and when the next one is due.
 */
#include "footprint_kept.h"

#include "support.h"

#define SECOND ((uint64_t)1000000000)

static struct footprint_kept kept;

static struct footprint_reading made(uint64_t elapsed_ns, uint64_t rss)
{
    return (struct footprint_reading){.footprint = {.known = true, .rss = rss},
                                      .elapsed_ns = elapsed_ns};
}

static int start(void **state)
{
    (void)state;
    kept = (struct footprint_kept){0};
    return 0;
}

static void the_first_is_due_soon(void **state)
{
    (void)state;
    assert_null(footprint_kept_last(&kept));
    assert_false(footprint_kept_due(&kept, FOOTPRINT_FIRST_NS - 1));
    assert_true(footprint_kept_due(&kept, FOOTPRINT_FIRST_NS));
}

static void the_last_is_kept(void **state)
{
    (void)state;
    for (uint64_t i = 1; i < 6; i++) {
        const struct footprint_reading reading = made(i * SECOND, i);
        const struct footprint_reading *before = footprint_kept_last(&kept);
        footprint_kept_store(&kept, &reading, i * SECOND);
        /* The one before is as it was, for whoever stops half-way. */
        assert_true(!before || before->footprint.rss == i - 1);
        assert_int_equal(footprint_kept_last(&kept)->footprint.rss, i);
    }
}

/* Of the run time a hundredth at the most. */
static void the_next_waits_for_what_one_took(void **state)
{
    const struct footprint_reading quick = made(SECOND, 1), slow = made(10 * SECOND, 1);
    (void)state;
    footprint_kept_store(&kept, &quick, SECOND + 1000);
    assert_false(footprint_kept_due(&kept, 2 * SECOND));
    assert_true(footprint_kept_due(&kept, 2 * SECOND + 1000));
    footprint_kept_store(&kept, &slow, 10 * SECOND + SECOND / 2);
    assert_false(footprint_kept_due(&kept, 60 * SECOND));
    assert_true(footprint_kept_due(&kept, 60 * SECOND + SECOND / 2));
    footprint_kept_store(&kept, &slow, 9 * SECOND); /* clocks are set right now and then */
    assert_true(footprint_kept_due(&kept, 10 * SECOND));
}

/* It is not tried again at once, and what there was stays. */
static void what_failed_is_no_reading(void **state)
{
    struct footprint_reading reading = made(SECOND, 7);
    (void)state;
    footprint_kept_store(&kept, &reading, SECOND);
    reading.footprint.known = false;
    reading.footprint.rss = 8;
    footprint_kept_store(&kept, &reading, 3 * SECOND);
    assert_int_equal(footprint_kept_last(&kept)->footprint.rss, 7);
    assert_false(footprint_kept_due(&kept, 4 * SECOND));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_first_is_due_soon, start),
        cmocka_unit_test_setup(the_last_is_kept, start),
        cmocka_unit_test_setup(the_next_waits_for_what_one_took, start),
        cmocka_unit_test_setup(what_failed_is_no_reading, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
