/* SPDX-License-Identifier: MIT
 *
 * Strings of any bytes, as they are written and as jansson reads them back.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "written.h"

/* S as a JSON string may have it: each byte that begins no character of UTF-8 is U+FFFD. Which
 * bytes do is jansson's to say. */
static char *as_utf8(const char *s)
{
    char *to = malloc(strlen(s) * 3 + 1), *end_of_to = to;
    while (*s) {
        size_t n = 1;
        json_t *character = NULL;
        while (n <= 4 && !memchr(s, 0, n) && !(character = json_stringn(s, n))) {
            n++;
        }
        if (character) {
            memcpy(end_of_to, s, n);
            end_of_to += n;
            s += n;
            json_decref(character);
        } else {
            memcpy(end_of_to, "\xef\xbf\xbd", 3);
            end_of_to += 3;
            s++;
        }
    }
    *end_of_to = '\0';
    return to;
}

static void check_strings(const char *const *strings, size_t n)
{
    written_begin();
    json_open(&written, NULL, '[');
    for (size_t i = 0; i < n; i++) {
        json_string(&written, NULL, strings[i]);
    }
    json_close(&written, ']');
    json_t *array = written_parse();
    assert_int_equal(json_array_size(array), n);
    for (size_t i = 0; i < n; i++) {
        char *expected = as_utf8(strings[i]);
        assert_string_equal(json_string_value(json_array_get(array, i)), expected);
        free(expected);
    }
    json_decref(array);
}

static void strings_of_all_kinds(void **state)
{
    (void)state;
    static const char *const strings[] = {
        "",
        "plain",
        "\"",
        "\\",
        "\\\\\"",
        "/",
        "\b\f\n\r\t",
        "\x01\x1f\x7f",
        "</script>",
        "\xc3\xa9",
        "\xe2\x82\xac",
        "\xf0\x9f\x98\x80",
        "\xf4\x8f\xbf\xbf",
        "\xef\xbf\xbf",
        "\xe2\x80\xa8\xe2\x80\xa9", /* separators that JavaScript trips over */
        "\x80",
        "\xbf",
        "\xff",
        "\xfe\xff", /* no leads */
        "\xc3",
        "\xe2\x82",
        "\xf0\x9f\x98",
        "a\xf0\x9f\x98z", /* cut short */
        "\xc0\x80",
        "\xc1\xbf",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xf0\x80\x80\x80", /* overlong */
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xed\x9f\xbf",
        "\xee\x80\x80", /* surrogates, about */
        "\xf4\x90\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\xfc\x84\x80\x80\x80\x80", /* too large */
    };
    check_strings(strings, sizeof strings / sizeof strings[0]);
}

static void strings_of_random_bytes(void **state)
{
    (void)state;
    enum { N = 3000 };
    static char bytes[N][24];
    const char *strings[N];
    uint64_t seed = 3;
    for (int i = 0; i < N; i++) {
        size_t length = support_below(&seed, 23);
        bool high = support_below(&seed, 2);
        for (size_t k = 0; k < length; k++) {
            unsigned byte = (unsigned)support_below(&seed, 255) + 1;
            bytes[i][k] = (char)(high ? byte | 0x80 : byte);
        }
        strings[i] = bytes[i];
    }
    check_strings(strings, N);
}

static void every_character_of_unicode(void **state)
{
    (void)state;
    written_begin();
    json_open(&written, NULL, '[');
    for (unsigned c = 1; c < 0x110000; c += c < 0x3000 ? 1 : 37) {
        const char s[] = {(char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 63)),
                          (char)(0x80 | (c >> 6 & 63)), (char)(0x80 | (c & 63)), 0};
        const char s3[] = {(char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 63)),
                           (char)(0x80 | (c & 63)), 0};
        const char s2[] = {(char)(0xc0 | c >> 6), (char)(0x80 | (c & 63)), 0};
        const char s1[] = {(char)c, 0};
        json_string(&written, NULL, c < 0x80 ? s1 : c < 0x800 ? s2 : c < 0x10000 ? s3 : s);
    }
    json_close(&written, ']');
    json_t *array = written_parse();
    size_t i = 0;
    for (unsigned c = 1; c < 0x110000; c += c < 0x3000 ? 1 : 37, i++) {
        json_t *one = json_array_get(array, i);
        bool surrogate = c >= 0xd800 && c <= 0xdfff;
        size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        assert_int_equal(json_string_length(one), surrogate ? 9 : length);
    }
    assert_int_equal(json_array_size(array), i);
    json_decref(array);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_of_all_kinds),
        cmocka_unit_test(strings_of_random_bytes),
        cmocka_unit_test(every_character_of_unicode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
