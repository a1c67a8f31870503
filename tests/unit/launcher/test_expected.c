/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "expected.h"

/* Statuses of the program and of the judge, and what becomes of them. */
struct statuses {
    int program, judge, expected;
};

static void check(const char *failure, const char *skip, const struct statuses *list, size_t n)
{
    setenv("MEMPROF_CHECK_WILL_FAIL", failure, 1);
    setenv("MEMPROF_CHECK_SKIP_STATUS", skip, 1);
    const struct expected e = expected_take();
    assert_null(getenv("MEMPROF_CHECK_WILL_FAIL"));
    assert_null(getenv("MEMPROF_CHECK_SKIP_STATUS"));
    for (size_t i = 0; i < n; i++)
        assert_int_equal(expected_status(&e, list[i].program, list[i].judge), list[i].expected);
}

#define CHECK(failure, skip, ...)                                                                  \
    do {                                                                                           \
        static const struct statuses list[] = {__VA_ARGS__};                                       \
        check(failure, skip, list, sizeof list / sizeof *list);                                    \
    } while (0)

static void nothing_is_expected(void **state)
{
    (void)state;
    CHECK("", "", {0, 0, 0}, {0, 1, 1}, {0, 2, 2}, {5, 0, 5}, {5, 1, 5}, {255, 2, 255});
    CHECK("0", "", {0, 0, 0}, {0, 1, 1}, {5, 1, 5});
    unsetenv("MEMPROF_CHECK_WILL_FAIL");
    const struct expected e = expected_take();
    assert_int_equal(expected_status(&e, 77, 0), 77);
}

/* Where a runner takes 0 for a failure. */
static void a_failure_is_expected(void **state)
{
    (void)state;
    CHECK("1", "", {5, 0, 5}, {139, 0, 139}, {0, 0, 0}, {0, 1, 0}, {5, 1, 0}, {5, 2, 0});
}

static void one_status_says_skipped(void **state)
{
    (void)state;
    CHECK("", "77", {77, 0, 77}, {77, 1, 77}, {0, 1, 1}, {0, 2, 2}, {5, 1, 5}, {0, 0, 0});
    CHECK("", "1", {0, 1, 3}, {1, 1, 1}, {0, 2, 2}, {0, 0, 0});
    CHECK("", "2", {0, 1, 1}, {0, 2, 3}, {2, 0, 2});
    CHECK("1", "77", {77, 0, 77}, {5, 0, 5}, {5, 1, 0}, {0, 0, 0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_expected),
        cmocka_unit_test(a_failure_is_expected),
        cmocka_unit_test(one_status_says_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
