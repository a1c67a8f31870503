/* SPDX-License-Identifier: MIT
 * The text rooms below the symbolizer: names, paths, escapes, interned strings, address ranges. */
#include "escape.h"
#include "intern.h"
#include "pathname.h"
#include "segments.h"
#include "symbolize.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Takes the malloc'd GOT. */
static void check(char *got, const char *expected)
{
    assert_non_null(got);
    assert_string_equal(got, expected);
    free(got);
}

static void test_demangle_languages(void **state)
{
    (void)state;
    check(demangle("malloc"), "malloc");
    check(demangle(""), "");
    check(demangle("_Z"), "_Z");
    check(demangle("_Znwm"), "operator new(unsigned long)");
    check(demangle("_ZN3foo3barILi4EEEvv"), "void foo::bar<4>()");
    check(demangle("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE"), "core::fmt::Formatter::pad");
    check(demangle("_RNvC6_123foo3bar"), "123foo::bar");
    check(demangle("_D3std5stdio8writelnQz"), "_D3std5stdio8writelnQz");
    check(demangle("_D4main3fooFiZv"), "main.foo(int)");
}

static void test_demangle_keeps_clones(void **state)
{
    (void)state;
    check(demangle("parse.part.0"), "parse.part.0");
    check(demangle("_Z3foov.part.0"), "foo() [clone .part.0]");
    check(demangle("_Z3foov.cold"), "foo() [clone .cold]");
    check(demangle("_Z3fooi.constprop.0.isra.1"), "foo(int) [clone .constprop.0] [clone .isra.1]");
}

static void test_demangle_escapes(void **state)
{
    (void)state;
    check(demangle("a\033]0;x\ab"), "a\\x1b]0;x\\x07b");
    check(demangle("_Z5a\033[0mbv"), "a\\x1b[0m(bool, void)");
    char *name = demangle("_ZN3a\nb1cEv");
    assert_null(strpbrk(name, "\n\033"));
    free(name);
}

/* Each template argument doubles what the one before stands for: 2^60 characters in 400. */
static void test_demangle_is_bounded(void **state)
{
    (void)state;
    char name[4096] = "_Z1f1PIiiE";
    char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (size_t i = 0; i < 30; i++) {
        size_t length = strlen(name);
        snprintf(name + length, sizeof name - length, "S_IS%c_S%c_E", digits[i], digits[i]);
    }
    char *got = demangle(name);
    assert_non_null(got);
    assert_true(strlen(got) <= 64 << 10);
    free(got);
    size_t length = 1 << 20;
    char *deep = malloc(length + 1);
    assert_non_null(deep);
    memset(deep, 'P', length);
    memcpy(deep, "_Z1f", 4);
    deep[length] = '\0';
    free(demangle(deep));
    deep[12 << 10] = '\0'; /* short enough to be tried, deeper than the limit of recursion */
    check(demangle(deep), deep);
    free(deep);
}

static void check_escape(const char *text, size_t length, unsigned tabs, const char *expected)
{
    check(escape_text(text, length, tabs), expected);
}

static void test_escape(void **state)
{
    (void)state;
    check_escape("plain \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 15, 8,
                 "plain \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    check_escape("\ta\tb", 4, 8, "        a       b");
    check_escape("1234567\tx", 9, 8, "1234567 x");
    check_escape("\t", 1, 0, "\\x09");
    check_escape("a\0b", 3, 8, "a\\x00b");
    check_escape("\x1b[31m\x7f", 6, 8, "\\x1b[31m\\x7f");
    check_escape("\xe2\x80\xae\xe2\x81\xa6\xd8\x9c\xe2\x80\x8f", 11, 8,
                 "\\u202e\\u2066\\u061c\\u200f");
    check_escape("\xc2\x9b", 2, 8, "\\x9b");
    check_escape("\xff\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80\xe2\x82", 12, 8,
                 "\\xff\\xc0\\x80\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80\\xe2\\x82");
}

static void test_escape_cuts_long_text(void **state)
{
    (void)state;
    size_t length = 2 * (size_t)ESCAPE_MAX_BYTES;
    char *text = malloc(length);
    assert_non_null(text);
    memset(text, 1, length);
    char *got = escape_text(text, length, 8);
    assert_int_equal(strlen(got), 4 * (size_t)ESCAPE_MAX_BYTES + 2);
    free(got);
    free(text);
}

static void test_pathname(void **state)
{
    (void)state;
    check(pathname_absolute("/src", "a/./b/../c.c"), "/src/a/c.c");
    check(pathname_absolute("/src/x", "../../../a.c"), "/a.c");
    check(pathname_absolute("/src", "/b//c/"), "/b/c");
    check(pathname_absolute(NULL, "../a/b/.."), "../a");
    check(pathname_absolute(NULL, "a/../../../b"), "../../b");
    check(pathname_absolute(NULL, "a/.."), ".");
    check(pathname_absolute("", ""), ".");
    check(pathname_absolute("/", "x"), "/x");
    check(pathname_absolute(NULL, "/../.."), "/");
    check(pathname_below("/top/", "/a/b"), "/top/a/b");
    check(pathname_below("", "a"), "/a");
    check(pathname_directory("/a/b"), "/a");
    check(pathname_directory("/a"), "/");
    check(pathname_directory("a"), ".");
    assert_string_equal(pathname_base("/a/b"), "b");
    assert_string_equal(pathname_base("b"), "b");
}

static void test_intern(void **state)
{
    (void)state;
    struct intern *t = intern_new();
    char text[16];
    const char *first = intern_string(t, "name 7");
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "name %d", i);
        const char *kept = intern_string(t, text);
        assert_string_equal(kept, text);
        assert_ptr_not_equal(kept, text);
        assert_int_equal(kept == first, i == 7);
    }
    assert_ptr_equal(intern_bytes(t, "name 7 and more", 6), first);
    assert_null(intern_take(t, NULL));
    intern_free(t);
}

static void test_segments_nest(void **state)
{
    (void)state;
    struct spans spans = {0};
    struct segments s;
    assert_int_equal(segments_build(&s, &spans), 0);
    assert_int_equal(segments_find(&s, 5), SEGMENTS_NONE);
    struct span in[] = {{10, 50, 0, 0}, {10, 20, 1, 1}, {12, 14, 2, 2}, {30, 40, 1, 3},
                        {60, 70, 0, 4}, {65, 80, 0, 5}, {90, 90, 0, 6}, {35, 30, 0, 7}};
    for (size_t i = 0; i < sizeof in / sizeof *in; i++)
        assert_int_equal(spans_add(&spans, in[i]), 0);
    assert_int_equal(spans.n, 6); /* without the empty ones */
    assert_int_equal(segments_build(&s, &spans), 0);
    struct {
        uint64_t address;
        uint32_t id;
    } expected[] = {{0, SEGMENTS_NONE},
                    {9, SEGMENTS_NONE},
                    {10, 1},
                    {12, 2},
                    {14, 1},
                    {20, 0},
                    {30, 3},
                    {40, 0},
                    {49, 0},
                    {50, SEGMENTS_NONE},
                    {60, 4},
                    {66, 5},
                    {69, 5},
                    {90, SEGMENTS_NONE},
                    {~0ull, SEGMENTS_NONE}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(segments_find(&s, expected[i].address), expected[i].id);
    segments_free(&s);
    spans_free(&spans);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_demangle_languages),
        cmocka_unit_test(test_demangle_keeps_clones),
        cmocka_unit_test(test_demangle_escapes),
        cmocka_unit_test(test_demangle_is_bounded),
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_escape_cuts_long_text),
        cmocka_unit_test(test_pathname),
        cmocka_unit_test(test_intern),
        cmocka_unit_test(test_segments_nest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
