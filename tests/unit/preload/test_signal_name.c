/* SPDX-License-Identifier: MIT
 *
 * Against libc's own table of names.
 */
#include "signal_name.h"

#include <signal.h>
#include <string.h>

#include "support.h"

static void names_are_those_of_libc(void **state)
{
    (void)state;
    unsigned named = 0;
    for (int number = -1; number <= SIGNAL_MAX + 1; number++) {
        const char *name = signal_name(number);
        if (name) {
            /* One has two names. */
            assert_string_equal(name, number == SIGIO ? "IO" : sigabbrev_np(number));
            assert_int_equal(signal_number(name), number);
            named++;
        }
    }
    assert_int_equal(named, 23);
    assert_int_equal(signal_number("KILL"), 0);
    assert_int_equal(signal_number(""), 0);
    assert_int_equal(signal_number("term"), 0);
}

static void kinds_do_not_overlap(void **state)
{
    (void)state;
    static const int faults[] = {SIGILL, SIGBUS, SIGFPE, SIGSEGV};
    static const int neither[] = {0, -1, SIGKILL, SIGSTOP, SIGABRT, SIGPIPE, SIGXFSZ, 32, 33, 65};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        assert_true(signal_is_fault(faults[i]));
        assert_false(signal_is_request(faults[i]));
    }
    for (size_t i = 0; i < sizeof neither / sizeof neither[0]; i++) {
        assert_false(signal_is_fault(neither[i]));
        assert_false(signal_is_request(neither[i]));
    }
    assert_true(signal_is_request(SIGTERM));
    assert_true(signal_is_request(SIGNAL_RT_MIN));
    assert_true(signal_is_request(SIGNAL_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_of_libc),
        cmocka_unit_test(kinds_do_not_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
