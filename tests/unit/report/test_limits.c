/* SPDX-License-Identifier: MIT
 *
 * Files of limits: subjects, limits, and what is said about others.
 */
#include "gate/limits.h"
#include "test.h"

#include <stdlib.h>

static struct error error;

static int parse(struct limits *l, const char *text)
{
    char *copy = strdup(text);
    *l = limits_new();
    error.text[0] = '\0';
    int result = limits_parse(l, "limits.txt", copy, &error);
    free(copy);
    return result;
}

static void assert_text(const char *is, const char *expected)
{
    if (!expected)
        assert_null(is);
    else
        assert_string_equal(is ? is : "(null)", expected);
}

static void subjects(void **state)
{
    static const struct {
        const char *subject, *file, *function;
        uint32_t line;
    } cases[] = {{"src/a.c:parse", "src/a.c", "parse", 0},
                 {"a.c:12", "a.c", NULL, 12},
                 {"src/a.c", "src/a.c", NULL, 0},
                 {"parse", NULL, "parse", 0},
                 {":parse.part.0", NULL, "parse.part.0", 0},
                 {"*:parse", NULL, "parse", 0},
                 {"ns::Cache::insert", NULL, "ns::Cache::insert", 0},
                 {"a.cc:ns::Cache::insert", "a.cc", "ns::Cache::insert", 0},
                 {"\"operator new\"", NULL, "operator new", 0},
                 {"\"my dir/a.c:f\"", "my dir/a.c", "f", 0},
                 {"*", NULL, NULL, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct limits l;
        char text[128];
        snprintf(text, sizeof text, "%s max-live 1k # why\n", cases[i].subject);
        if (parse(&l, text))
            fail_msg("%s: %s", text, error.text);
        assert_int_equal(l.n, 1);
        assert_text(l.list[0].file, cases[i].file);
        assert_text(l.list[0].function, cases[i].function);
        assert_int_equal(l.list[0].at, cases[i].line);
        assert_int_equal(l.list[0].most, 1024);
        limits_free(&l);
    }
}

static void several_limits_a_line(void **state)
{
    struct limits l;
    const struct dump_counters c = {.live_bytes = 7, .alloc_count = 9, .peak_bytes = 11};
    (void)state;
    assert_int_equal(parse(&l, "# head\n\n f  max-live 2M\tmax-allocs 1000 \r\nf max-peak 0\n"), 0);
    assert_int_equal(l.n, 3);
    assert_string_equal(l.list[0].kind->name, "max-live");
    assert_int_equal(l.list[0].most, 2 << 20);
    assert_int_equal(limit_figure(l.list[0].kind, &c), 7);
    assert_int_equal(limit_figure(l.list[1].kind, &c), 9);
    assert_int_equal(limit_figure(l.list[2].kind, &c), 11);
    assert_int_equal(l.list[2].line, 4);
    limits_free(&l);
}

static void what_is_wrong_is_told(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"f\n", "line 1, column 2: expected a limit"},
        {"f max-life 3\n",
         "line 1, column 3: 'max-life': is not a limit, expected one of: max-live"},
        {"f max-live\n", "line 1, column 11: expected a size such as"},
        {"a\nf max-live 3\n", "line 1, column 2: expected a limit"},
        {"f max-live -3\n", "line 1, column 12: '-3': expected a size such as"},
        {"f max-allocs 3k\n", "line 1, column 14: '3k': expected a whole number"},
        {"a.c:0 max-live 3\n", "line 1, column 5: '0': expected the number of a line"},
        {"a.c: max-live 3\n", "line 1, column 5: expected a function or a line"},
        {":12 max-live 3\n", "line 1, column 1: a line without a file"},
        {"\"\" max-live 3\n", "line 1, column 2: expected FILE:FUNCTION"},
        {"f max-live 3 max-live 4\n", "line 1, column 14: 'max-live': was given before, in line 1"},
        {"f max-live 3\n\nf max-peak 1 max-live 4\n",
         "line 3, column 14: 'max-live': was given before, in line 1"},
        {"# x\n  \"a b.c max-live 3\n", "line 2, column 3: '\"a b.c max-live 3': lacks the quote"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct limits l;
        if (parse(&l, cases[i].text) == 0)
            fail_msg("'%s' was accepted", cases[i].text);
        if (strncmp(error.text, cases[i].said, strlen(cases[i].said)) != 0)
            fail_msg("'%s': %s", cases[i].text, error.text);
        limits_free(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(subjects),
                                       cmocka_unit_test(several_limits_a_line),
                                       cmocka_unit_test(what_is_wrong_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
