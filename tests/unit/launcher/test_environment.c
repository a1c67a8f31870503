/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "environment.h"

static char a[] = "A=1", odd[] = "no equals sign", b[] = "B=", a_again[] = "A=2";
static char *given[] = {a, odd, b, a_again, NULL};

static void is_passed_on_as_it_came(void **state)
{
    (void)state;
    struct environment e;
    environment_begin(&e, given);
    for (size_t i = 0; i < 5; i++)
        assert_ptr_equal(e.entries[i], given[i]);
    environment_end(&e);
    environment_begin(&e, NULL);
    assert_null(e.entries[0]);
    environment_end(&e);
}

static void variables_are_replaced_in_their_place(void **state)
{
    (void)state;
    struct environment e;
    environment_begin(&e, given);
    environment_set(&e, "A", "x=y");
    environment_set(&e, "NEW", "");
    assert_string_equal(e.entries[0], "A=x=y");
    assert_string_equal(e.entries[4], "NEW=");
    assert_null(e.entries[5]);
    assert_string_equal(environment_get(&e, "A"), "x=y");
    assert_string_equal(environment_get(&e, "B"), "");
    assert_null(environment_get(&e, "no equals sign"));
    assert_string_equal(a, "A=1");
    environment_end(&e);
}

static const char *preloaded(const char *before)
{
    static struct environment e;
    environment_end(&e);
    environment_begin(&e, NULL);
    if (before)
        environment_set(&e, "LD_PRELOAD", before);
    environment_preload(&e, "/l/libmemprof.so");
    return environment_get(&e, "LD_PRELOAD");
}

static void the_library_comes_first_and_once(void **state)
{
    (void)state;
    assert_string_equal(preloaded(NULL), "/l/libmemprof.so");
    assert_string_equal(preloaded(""), "/l/libmemprof.so");
    assert_string_equal(preloaded("/x.so /y.so"), "/l/libmemprof.so:/x.so /y.so");
    assert_string_equal(preloaded("/x.so:/l/libmemprof.so"), "/x.so:/l/libmemprof.so");
    assert_string_equal(preloaded("/l/libmemprof.so.1"), "/l/libmemprof.so:/l/libmemprof.so.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_passed_on_as_it_came),
        cmocka_unit_test(variables_are_replaced_in_their_place),
        cmocka_unit_test(the_library_comes_first_and_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
