/* SPDX-License-Identifier: MIT
 *
 * Against CLOCK_MONOTONIC, read before and after what is measured.
 */
#include "clock.h"

#include <time.h>

#include "support.h"

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void pass(uint64_t ns)
{
    struct timespec pause = {.tv_nsec = (long)ns};
    nanosleep(&pause, NULL);
}

static void elapsed_is_since_the_start(void **state)
{
    (void)state;
    struct clock c = {0};
    uint64_t before = now_ns();
    clock_start(&c);
    uint64_t after = now_ns();
    pass(2000000);
    for (int i = 0; i < 1000; i++) {
        uint64_t low = now_ns();
        uint64_t elapsed = clock_elapsed_ns(&c);
        uint64_t high = now_ns();
        assert_in_range(elapsed, low - after, high - before);
    }
}

static void the_first_guess_is_of_the_right_order(void **state)
{
    (void)state;
    struct clock c = {0};
    clock_start(&c);
    uint64_t ticks = clock_ticks(), ns = now_ns();
    pass(20000000);
    ticks = clock_ticks() - ticks;
    ns = now_ns() - ns;
    assert_in_range(clock_ticks_to_ns(&c, ticks), ns / 8, ns * 8);
}

static void ticks_become_nanoseconds(void **state)
{
    (void)state;
    struct clock c = {0};
    clock_start(&c);
    pass(100000000);
    clock_calibrate(&c);
    for (uint64_t length = 1000000; length <= 128000000; length *= 2) {
        uint64_t outer = now_ns(), first = clock_ticks(), inner = now_ns();
        pass(length);
        uint64_t inner_end = now_ns(), last = clock_ticks(), outer_end = now_ns();
        uint64_t ns = clock_ticks_to_ns(&c, last - first);
        /* Half a per cent for the calibration itself. */
        uint64_t low = inner_end - inner, high = outer_end - outer;
        assert_in_range(ns, low - low / 200, high + high / 200);
    }
}

static void nanoseconds_become_ticks(void **state)
{
    (void)state;
    struct clock c = {0};
    clock_start(&c);
    pass(5000000);
    clock_calibrate(&c);
    for (uint64_t ns = 1000; ns < (uint64_t)1 << 50; ns *= 3) {
        uint64_t back = clock_ticks_to_ns(&c, clock_ns_to_ticks(&c, ns));
        assert_in_range(back, ns - ns / 1000 - 10, ns + ns / 1000 + 10);
    }
    assert_true(clock_ns_to_ticks(&c, UINT64_MAX) >= clock_ns_to_ticks(&c, UINT64_MAX / 2));
    assert_int_equal(clock_ticks_to_ns(&c, 0), 0);
}

static void a_calibration_too_early_changes_nothing(void **state)
{
    (void)state;
    struct clock c = {0};
    clock_start(&c);
    uint64_t guess = c.ns_per_tick;
    clock_calibrate(&c);
    if (now_ns() - c.start_ns < 100000) { /* nobody else took the processor meanwhile */
        assert_int_equal(c.ns_per_tick, guess);
    }
    pass(1000000);
    clock_calibrate(&c);
    assert_true(c.ns_per_tick != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elapsed_is_since_the_start),
        cmocka_unit_test(the_first_guess_is_of_the_right_order),
        cmocka_unit_test(ticks_become_nanoseconds),
        cmocka_unit_test(nanoseconds_become_ticks),
        cmocka_unit_test(a_calibration_too_early_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
