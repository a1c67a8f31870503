/* SPDX-License-Identifier: MIT
 *
 * Patterns of suppressions, as LeakSanitizer's runtime matches them (tests/e2e/gate_lsan.py
 * compares with it).
 */
#include "gate/pattern.h"
#include "test.h"

static void patterns_match(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {{"foo", "foo", true},
                 {"foo", "a_foo_b", true},
                 {"foo", "fo", false},
                 {"^foo", "foobar", true},
                 {"^foo", "a_foo", false},
                 {"foo$", "a_foo", true},
                 {"foo$", "foobar", false},
                 {"^foo$", "foo", true},
                 {"^foo$", "foofoo", false},
                 {"f*o", "fxyzo", true},
                 {"f*o", "of", false},
                 {"^*foo", "a_foo", true},
                 {"foo*$", "foobar", true},
                 {"foo*bar$", "foo_bar", true},
                 {"*", "x", true},
                 {"^a*b*c$", "aXbYc", true},
                 {"^a*b*c$", "aXcYb", false},
                 {"a^b", "a^b", true},
                 {"std::vector<int>", "std::vector<int>::push_back", true},
                 /* The first place decides. */
                 {"b$", "bab", false},
                 {"a*b$", "abcb", false},
                 /* What follows a dollar is not looked at. */
                 {"foo$bar", "foo", true},
                 {"foo", "", false},
                 {"*", "", false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (pattern_matches(cases[i].pattern, cases[i].text) != cases[i].matches)
            fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].text);
}

static void no_name_is_matched_by_nothing(void **state)
{
    (void)state;
    assert_false(pattern_matches("*", NULL));
    assert_false(pattern_matches("foo", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(patterns_match),
                                       cmocka_unit_test(no_name_is_matched_by_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
