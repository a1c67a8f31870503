/* SPDX-License-Identifier: MIT
 *
 * No byte of a string from a dump may act on a terminal, or break the form of output it is in.
 */
#include "quote.h"
#include "test.h"

#include <jansson.h>

static void check(void (*quote)(FILE *, const char *), const char *text, const char *expected)
{
    char *got = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&got, &size);
    assert_non_null(f);
    quote(f, text);
    assert_int_equal(fclose(f), 0);
    assert_string_equal(got, expected);
    free(got);
}

static void text_escapes_controls(void **state)
{
    (void)state;
    check(quote_text, "plain, gr\xc3\xbc\xc3\x9f", "plain, gr\xc3\xbc\xc3\x9f");
    check(quote_text, "\033]0;x\a", "\\x1b]0;x\\x07");
    check(quote_text, "a\nb\tc\177", "a\\x0ab\\x09c\\x7f");
    check(quote_text,
          "\xc2\x9b"
          "31m",
          "\\x9b31m");
    check(quote_text,
          "\xe2\x80\xae"
          "evil",
          "\\u202eevil");
    check(quote_text, "\xe2\x80\xa8\xe2\x81\xa6\xef\xbb\xbf", "\\u2028\\u2066\\ufeff");
}

static void text_escapes_stray_bytes(void **state)
{
    (void)state;
    check(quote_text, "\xff\xc3", "\\xff\\xc3");
    check(quote_text, "\xc0\xaf", "\\xc0\\xaf");                   /* overlong */
    check(quote_text, "\xed\xa0\x80", "\\xed\\xa0\\x80");          /* surrogate */
    check(quote_text, "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* above U+10FFFF */
}

static void json_is_json(void **state)
{
    (void)state;
    check(quote_json, NULL, "null");
    check(quote_json, "a\"b\\c", "\"a\\\"b\\\\c\"");
    check(quote_json, "\033\xe2\x80\xae\xff", "\"\\u001b\\u202e\\ufffd\"");
    for (int c = 1; c < 256; c++) {
        char text[4] = {'x', (char)c, 'y', '\0'};
        char *quoted = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&quoted, &size);
        quote_json(f, text);
        assert_int_equal(fclose(f), 0);
        json_t *value = json_loadb(quoted, size, JSON_DECODE_ANY, NULL);
        assert_non_null(value);
        if (c < 0x80)
            assert_string_equal(json_string_value(value), text);
        json_decref(value);
        free(quoted);
    }
}

static void csv_quotes(void **state)
{
    (void)state;
    check(quote_csv, "plain", "plain");
    check(quote_csv, "a,b", "\"a,b\"");
    check(quote_csv, "say \"x\"", "\"say \"\"x\"\"\"");
    check(quote_csv, "=1+1", "\"'=1+1\"");
    check(quote_csv, "a\nb", "a\\x0ab");
}

static void markdown_escapes_markup(void **state)
{
    (void)state;
    check(quote_markdown, "a|b", "a\\|b");
    check(quote_markdown, "<img src=x>", "&lt;img src=x&gt;");
    check(quote_markdown, "*p = `x` & _y_", "\\*p = \\`x\\` &amp; \\_y\\_");
    check(quote_markdown, "\033[1m", "\\x1b\\[1m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_escapes_controls),
        cmocka_unit_test(text_escapes_stray_bytes),
        cmocka_unit_test(json_is_json),
        cmocka_unit_test(csv_quotes),
        cmocka_unit_test(markdown_escapes_markup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
