/* SPDX-License-Identifier: MIT
 *
 * Files of suppressions: LeakSanitizer's lines, our comments, and what is said about others.
 */
#include "gate/suppressions.h"
#include "test.h"

#include <stdlib.h>

static struct error error;

static int parse(struct suppressions *s, const char *text)
{
    char *copy = strdup(text);
    *s = suppressions_new();
    error.text[0] = '\0';
    int result = suppressions_parse(s, "supp.txt", copy, "2026-06-15", &error);
    free(copy);
    return result;
}

static void plain_lines(void **state)
{
    struct suppressions s;
    (void)state;
    assert_int_equal(parse(&s, "# comment\n\n  leak:foo \t\r\nleak:^bar$\n#leak:not\n# memprof\n"),
                     0);
    assert_int_equal(s.n, 2);
    assert_string_equal(s.list[0].pattern, "foo");
    assert_int_equal(s.list[0].line, 3);
    assert_string_equal(s.list[1].pattern, "^bar$");
    assert_int_equal(s.list[1].names, SUPPRESS_NAMES);
    assert_string_equal(s.list[1].origin, "supp.txt");
    assert_false(s.has_only || s.list[0].top || s.list[0].expires || s.list[0].issue);
    suppressions_free(&s);
}

static void anchors_are_for_the_next_line(void **state)
{
    struct suppressions s;
    (void)state;
    assert_int_equal(parse(&s, "#memprof: top, issue https://x.org/1\n# why\nleak:a\nleak:b\n"
                               "# memprof: module expires=2026-06-15\n"
                               "#memprof: file expires 2026-06-16\nleak:c\n"),
                     0);
    assert_int_equal(s.n, 3);
    assert_true(s.list[0].top);
    assert_string_equal(s.list[0].issue, "https://x.org/1");
    assert_false(s.list[1].top);
    assert_null(s.list[1].issue);
    assert_int_equal(s.list[2].names, SUPPRESS_MODULE | SUPPRESS_FILE);
    assert_string_equal(s.list[2].expires, "2026-06-16");
    assert_false(s.list[2].expired);
    suppressions_free(&s);
}

static void expiry_is_a_day(void **state)
{
    static const struct {
        const char *day;
        bool expired;
    } cases[] = {{"2026-06-14", true}, {"2026-06-15", true}, {"2026-06-16", false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct suppressions s;
        char text[64];
        snprintf(text, sizeof text, "#memprof: expires %s\nleak:a\n", cases[i].day);
        assert_int_equal(parse(&s, text), 0);
        assert_int_equal(s.list[0].expired, cases[i].expired);
        suppressions_free(&s);
    }
}

static void allow_list(void **state)
{
    struct suppressions s;
    (void)state;
    assert_int_equal(parse(&s, "#memprof: only:/src/my file/\nonly:bar\nleak:x\n"), 0);
    assert_true(s.has_only);
    assert_true(s.list[0].only && s.list[1].only && !s.list[2].only);
    assert_string_equal(s.list[0].pattern, "/src/my file/");
    suppressions_free(&s);
}

static void names_that_are_compared(void **state)
{
    struct suppression s = {.pattern = "foo", .names = SUPPRESS_NAMES};
    (void)state;
    assert_true(suppression_matches(&s, "foo", NULL, NULL));
    assert_true(suppression_matches(&s, "x", "/src/foo.c", NULL));
    assert_true(suppression_matches(&s, "x", "y", "/lib/libfoo.so"));
    s.names = SUPPRESS_MODULE;
    assert_false(suppression_matches(&s, "foo", "foo.c", "/lib/libbar.so"));
    assert_true(suppression_matches(&s, NULL, NULL, "/lib/libfoo.so"));
}

static void what_is_wrong_is_told(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"leak:a\n  race:x\n",
         "line 2, column 3: 'race:x': is not a suppression, expected leak:PATTERN"},
        {"leak:\n", "line 1, column 6: expected a pattern after 'leak:'"},
        {"leak:   \n", "line 1, column 6: expected a pattern"},
        {"only:\n", "line 1, column 6: expected a pattern after 'only:'"},
        {"#memprof: expires 2027-02-30\nleak:a\n",
         "line 1, column 19: '2027-02-30': expected a date such as"},
        {"#memprof: expires=soon\nleak:a\n", "line 1, column 19: 'soon': expected a date"},
        {"#memprof: expires\nleak:a\n", "line 1, column 18: expected a date after 'expires'"},
        {"#memprof: issue\nleak:a\n", "line 1, column 16: expected the link"},
        {"#memprof: top bottom\nleak:a\n",
         "line 1, column 15: 'bottom': is not known, expected top,"},
        {"leak:a\n#memprof: top\n", "line 2, column 11: nothing follows"},
        {"#memprof: top\nonly:a\n",
         "line 2, column 1: 'only:a': an allow-list entry takes no anchors"},
        {"{\n", "line 1, column 1: '{': is not a suppression"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct suppressions s;
        if (parse(&s, cases[i].text) == 0)
            fail_msg("'%s' was accepted", cases[i].text);
        if (strncmp(error.text, cases[i].said, strlen(cases[i].said)) != 0)
            fail_msg("'%s': %s", cases[i].text, error.text);
        suppressions_free(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(plain_lines),
                                       cmocka_unit_test(anchors_are_for_the_next_line),
                                       cmocka_unit_test(expiry_is_a_day),
                                       cmocka_unit_test(allow_list),
                                       cmocka_unit_test(names_that_are_compared),
                                       cmocka_unit_test(what_is_wrong_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
