/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "choice.h"

static void everything_without_globs(void **state)
{
    (void)state;
    assert_true(choice_has("/tmp/x/app.12.json", NULL, NULL));
    assert_true(choice_has("app.12.json", "app", NULL));
    assert_true(choice_has("app.12.json", "other,a*", "ap"));
}

static void programs_by_their_whole_name(void **state)
{
    (void)state;
    assert_true(choice_has("/d/my.app.12.json", "my.app", NULL));
    assert_false(choice_has("/d/my.app.12.json", "my", NULL));
    assert_false(choice_has("/d/my.app.12.exec3.json", "my.app", NULL));
    assert_true(choice_has("/d/x.exec.12.json", "x.exec", NULL));
}

static void skipping_wins(void **state)
{
    (void)state;
    assert_false(choice_has("bash.1.json", "b*", "sh,bash"));
    assert_false(choice_has("sh.1.json", NULL, "sh,bash"));
    assert_true(choice_has("shell.1.json", NULL, "sh,bash"));
    assert_true(choice_has("sh.1.json", NULL, ",,"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_without_globs),
        cmocka_unit_test(programs_by_their_whole_name),
        cmocka_unit_test(skipping_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
