/* SPDX-License-Identifier: MIT
 *     test_braces SCRATCH-DIRECTORY (not used)
 * Where functions end by their text. Each text begins at line 1. */
#include "braces.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct example {
    const char *text;
    uint32_t last, expected;
};

static void check(enum braces_language language, const struct example *examples, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        /* In a block of its own, for sanitizers to see what is read beyond it. */
        size_t size = strlen(examples[i].text);
        char *text = malloc(size ? size : 1);
        assert_non_null(text);
        memcpy(text, examples[i].text, size);
        uint32_t line = braces_last_line(language, text, size, 1, examples[i].last);
        free(text);
        if (line != examples[i].expected)
            fail_msg("%s\n: ends at %u, expected %u", examples[i].text, line, examples[i].expected);
    }
}
#define CHECK(language, examples) check(language, examples, sizeof(examples) / sizeof *(examples))

static void test_plain(void **state)
{
    static const struct example examples[] = {
        {"int f(void)\n{\n    return 1;\n\n}\nint g(void) { }\n", 3, 5},
        {"int f(void) {\n  if (1) {\n  } else {\n  }\n}\n", 2, 5},
        {"int f(void) { return 1; } int g(void) {\n}\n", 1, 1},
        {"int f(void)\n{\n}", 1, 3},
        {"int f(a)\nint a;\n{\n}\n", 3, 0}, /* as before 1989 */
        {"int f(void);\nint g(void)\n{\n}\n", 1, 0},
        {"DEFINE(f)\n\nint g(void)\n{\n}\n", 1, 0}, /* the block is another function's */
        {"int f(void)\n{\n    {\n}\n", 3, 0},
        {"int f(void)\n{\n}\n", 5, 0}, /* it has code after that */
        {"}\nint g(void) {\n}\n", 1, 0},
        {"", 1, 0},
        {"int f(void)", 1, 0},
    };
    (void)state;
    CHECK(BRACES_C, examples);
}

static void test_text_is_no_code(void **state)
{
    static const struct example examples[] = {
        {"int f(void) {\n  g(\"}\\\"}\");\n}\n}\n", 2, 3},
        {"int f(void) {\n  g('}', '\\'', '\"', L'{', '\\x7d');\n}\n}\n", 2, 3},
        {"int f(void) {\n  // }\n  /* } /* */\n}\n}\n", 2, 4},
        {"int f(void) {\n  // \\\n }\n}\n}\n", 2, 4},
        {"int f(void) {\n  auto s = R\"x(}\")\" }\n)x\";\n}\n}\n", 2, 4},
        {"int f(void) {\n  int n = 1'000'000;\n}\n}\n", 2, 3},
        {"int f(void) {\n  g(\"\\\n}\");\n}\n}\n", 2, 4},
        {"int f(void) {\n  g(u8\"}\" \"}\");\n}\n}\n", 2, 3},
        /* never ended */
        {"int f(void) {\n  g(\"", 2, 0},
        {"int f(void) {\n  /*", 2, 0},
        {"int f(void) {\n  R\"x(", 2, 0},
        {"int f(void) {\n  '\\", 2, 0},
        {"int f(void) {\n  '", 2, 0},
        {"int f(void) {\n#", 2, 0},
    };
    (void)state;
    CHECK(BRACES_C, examples);
}

static void test_preprocessor(void **state)
{
    static const struct example examples[] = {
        {"int f(void)\n{\n#if A\n  if (a) {\n#else\n  if (b) {\n#endif\n  }\n}\n}\n", 3, 9},
        {"int f(void)\n{\n#if 0\n  don't {\n#elif B\n  {\n#else\n {\n#endif\n  }\n}\n}\n", 3, 11},
        {"int f(void)\n{\n#ifdef A\n# if 0\n {\n# endif\n#endif\n}\n}\n", 3, 8},
        {"int f(void)\n{\n#define X { \\\n  {\n}\n}\n", 3, 5},
        {"int f(void)\n{\n  #error don't {\n}\n}\n", 3, 4},
        {"int f(void)\n{\n#endif\n#else\n}\n", 3, 5},
    };
    (void)state;
    CHECK(BRACES_C, examples);
}

static void test_cxx(void **state)
{
    static const struct example examples[] = {
        {"C::C() : a{1}, b{2}\n{\n  g();\n}\nint h() {\n}\n", 3, 4},
        {"C::C(int n = {}) : a{n} {\n  g();\n}\n}\n", 2, 3},
        {"void f() {\n  auto g = [](int n) { return n; };\n  g(1);\n}\n}\n", 2, 4},
        {"void run() override {\n  g();\n} int v; };\n", 2, 3},
    };
    (void)state;
    CHECK(BRACES_C, examples);
}

static void test_rust(void **state)
{
    static const struct example examples[] = {
        {"fn f<'a>(s: &'a str) -> [u8; 4] {\n  g('}', b'{', '\\u{7d}');\n}\n}\n", 2, 3},
        {"fn f() {\n  let s = r#\"}\"}\"#;\n  let t = br\"}\\\";\n}\n}\n", 2, 4},
        {"fn f() {\n  /* } /* } */ } */\n}\n}\n", 2, 3},
        {"fn f() {\n  let s = \"\n}\";\n}\n}\n", 2, 4},
        {"fn f() {\n  #[cfg(x)]\n  let r#type = 1;\n  let c = |x| { x };\n}\n}\n", 2, 5},
        {"let f = |x| x + 1;\nfn g() {\n}\n", 1, 0},
        {"fn f<T>(t: T)\nwhere\n  T: Copy,\n{\n  g();\n}\n}\n", 5, 6},
    };
    (void)state;
    CHECK(BRACES_RUST, examples);
}

static void test_languages(void **state)
{
    (void)state;
    assert_int_equal(braces_language("/x/a.c"), BRACES_C);
    assert_int_equal(braces_language("a.hpp"), BRACES_C);
    assert_int_equal(braces_language("/usr/include/c++/12.1/vector"), BRACES_C);
    assert_int_equal(braces_language("/x.c/lib.rs"), BRACES_RUST);
    assert_int_equal(braces_language("/x/a.py"), BRACES_NONE);
    assert_int_equal(braces_language("/x/a.f90"), BRACES_NONE);
    assert_int_equal(braces_last_line(BRACES_NONE, "{}", 2, 1, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),        cmocka_unit_test(test_text_is_no_code),
        cmocka_unit_test(test_preprocessor), cmocka_unit_test(test_cxx),
        cmocka_unit_test(test_rust),         cmocka_unit_test(test_languages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
