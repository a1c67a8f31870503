/* SPDX-License-Identifier: MIT
 *
 * What is written is read back by jansson, strictly.
 */
#include "json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "parsed.h"
#include "support.h"

static struct json j;
static int file = -1;

static void begin(void)
{
    file = memfd_create("json", MFD_CLOEXEC);
    assert_true(file >= 0);
    json_begin(&j, file);
}

/* Ends the writing and returns the bytes, to be freed. */
static char *end(size_t *size)
{
    assert_int_equal(json_end(&j), 0);
    *size = (size_t)lseek(file, 0, SEEK_CUR);
    char *text = malloc(*size + 1);
    assert_non_null(text);
    assert_int_equal(pread(file, text, *size, 0), *size);
    text[*size] = '\0';
    close(file);
    return text;
}

static json_t *end_and_parse(void)
{
    size_t size;
    char *text = end(&size);
    json_error_t error;
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!value) {
        fail_msg("byte %d: %s", error.position, error.text);
    }
    free(text);
    return value;
}

static void integers_up_to_the_bounds(void **state)
{
    (void)state;
    static const int64_t numbers[] = {
        0,          1,         -1,        9,  10,  -10,           INT32_MAX,
        INT32_MIN,  INT64_MAX, INT64_MIN, 99, 100, INT64_MAX - 1, INT64_MIN + 1,
        1000000000, 1000000007};
    enum { N = sizeof numbers / sizeof numbers[0] };
    begin();
    json_open(&j, NULL, '[');
    for (int i = 0; i < N; i++) {
        json_int(&j, NULL, numbers[i]);
    }
    json_uint(&j, NULL, INT64_MAX);
    json_uint(&j, NULL, (uint64_t)INT64_MAX + 1); /* saturates */
    json_uint(&j, NULL, UINT64_MAX);
    json_close(&j, ']');
    json_t *array = end_and_parse();
    assert_int_equal(json_array_size(array), N + 3);
    for (size_t i = 0; i < N; i++) {
        assert_true(json_integer_value(json_array_get(array, i)) == numbers[i]);
    }
    for (size_t i = N; i < N + 3; i++) {
        assert_true(json_integer_value(json_array_get(array, i)) == INT64_MAX);
    }
    json_decref(array);
}

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
    begin();
    json_open(&j, NULL, '[');
    for (size_t i = 0; i < n; i++) {
        json_string(&j, NULL, strings[i]);
    }
    json_close(&j, ']');
    json_t *array = end_and_parse();
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
    begin();
    json_open(&j, NULL, '[');
    for (unsigned c = 1; c < 0x110000; c += c < 0x3000 ? 1 : 37) {
        const char s[] = {(char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 63)),
                          (char)(0x80 | (c >> 6 & 63)), (char)(0x80 | (c & 63)), 0};
        const char s3[] = {(char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 63)),
                           (char)(0x80 | (c & 63)), 0};
        const char s2[] = {(char)(0xc0 | c >> 6), (char)(0x80 | (c & 63)), 0};
        const char s1[] = {(char)c, 0};
        json_string(&j, NULL, c < 0x80 ? s1 : c < 0x800 ? s2 : c < 0x10000 ? s3 : s);
    }
    json_close(&j, ']');
    json_t *array = end_and_parse();
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

/* Grows the same random value in both forms. */
static json_t *grow(uint64_t *seed, const char *key, int depth)
{
    uint64_t kind = support_below(seed, depth > 0 ? 8 : 6);
    uint64_t number = support_random(seed);
    switch (kind) {
    case 0:
        json_null(&j, key);
        return json_pack("n");
    case 1:
        json_bool(&j, key, number & 1);
        return json_boolean(number & 1);
    case 2:
        json_uint(&j, key, number);
        return json_integer((json_int_t)number);
    case 3:
        json_int(&j, key, -(int64_t)number);
        return json_integer(-(json_int_t)number);
    case 4: {
        char text[40];
        snprintf(text, sizeof text, "%" PRIx64 "\n\"%c", number, (int)(number % 95 + 32));
        json_string(&j, key, text);
        return json_stringn(text, strlen(text));
    }
    case 5: {
        char text[17];
        const uint8_t bytes[] = {(uint8_t)number, (uint8_t)(number >> 8), 0, 255};
        snprintf(text, sizeof text, "%02x%02x00ff", bytes[0], bytes[1]);
        json_hex(&j, key, bytes, sizeof bytes);
        return json_stringn(text, strlen(text));
    }
    default:
        break;
    }
    json_t *all = kind == 6 ? json_array() : json_object();
    json_open(&j, key, kind == 6 ? '[' : '{');
    for (uint64_t i = 0; i < number % 7; i++) {
        char name[16];
        snprintf(name, sizeof name, "k_%" PRIu64, i);
        if (number & 256) {
            json_newline(&j);
        }
        if (kind == 6) {
            json_array_append_new(all, grow(seed, NULL, depth - 1));
        } else {
            json_object_set_new(all, name, grow(seed, name, depth - 1));
        }
    }
    json_close(&j, kind == 6 ? ']' : '}');
    return all;
}

static void random_documents(void **state)
{
    (void)state;
    uint64_t seed = 77;
    for (int i = 0; i < 200; i++) {
        begin();
        json_open(&j, NULL, '[');
        json_t *expected = json_array();
        for (int k = 0; k < 5; k++) {
            json_array_append_new(expected, grow(&seed, NULL, 6));
        }
        json_close(&j, ']');
        json_t *found = end_and_parse();
        assert_true(json_equal(found, expected));
        json_decref(found);
        json_decref(expected);
    }
}

static void zeros_can_be_left_out(void **state)
{
    (void)state;
    begin();
    json_open(&j, NULL, '{');
    json_uint_nonzero(&j, "a", 0);
    json_uint_nonzero(&j, "b", 5);
    json_uint_nonzero(&j, "c", 0);
    json_close(&j, '}');
    size_t size;
    char *text = end(&size);
    assert_string_equal(text, "{\"b\":5}\n");
    free(text);
}

static void thousandths_are_decimals(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {
        0, 1, 9, 10, 99, 100, 999, 1000, 1001, 1050, 99999, 100000, 123456789012345};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        begin();
        json_milli(&j, NULL, numbers[i]);
        size_t size;
        char expected[40], *text = end(&size);
        snprintf(expected, sizeof expected, "%" PRIu64 ".%03" PRIu64 "\n", numbers[i] / 1000,
                 numbers[i] % 1000);
        assert_string_equal(text, expected);
        free(text);
    }
}

/* Strings that end just before, at and behind the end of the buffer. */
static void the_end_of_the_buffer(void **state)
{
    (void)state;
    static char s[3 * sizeof j.buffer];
    for (size_t length = sizeof j.buffer - 12; length < sizeof j.buffer + 12; length++) {
        for (size_t times = 1; times <= 2; times++) {
            memset(s, 'x', length * times);
            s[length * times] = '\0';
            s[length - 1] = '\n';
            begin();
            json_open(&j, NULL, '[');
            json_string(&j, NULL, s);
            json_int(&j, NULL, INT64_MIN);
            json_close(&j, ']');
            json_t *array = end_and_parse();
            assert_string_equal(json_string_value(json_array_get(array, 0)), s);
            assert_true(json_integer_value(json_array_get(array, 1)) == INT64_MIN);
            json_decref(array);
        }
    }
}

static void write_much(void)
{
    json_open(&j, NULL, '[');
    for (int i = 0; i < 200000; i++) {
        json_int(&j, NULL, i);
    }
    json_close(&j, ']');
}

static void the_first_error_is_kept(void **state)
{
    (void)state;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    json_begin(&j, full);
    write_much();
    assert_int_equal(j.error, -ENOSPC);
    close(full); /* would be EBADF from here on */
    write_much();
    assert_int_equal(json_end(&j), -ENOSPC);
    json_begin(&j, -1);
    json_null(&j, NULL);
    assert_int_equal(json_end(&j), -EBADF);
}

static void a_full_pipe_is_an_error(void **state)
{
    (void)state;
    int pipes[2];
    assert_int_equal(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
    json_begin(&j, pipes[1]);
    write_much();
    assert_int_equal(json_end(&j), -EAGAIN);
    /* Nothing more after the error, though there is room again. */
    static char sink[1 << 20];
    ssize_t n, got = 0;
    while ((n = read(pipes[0], sink, sizeof sink)) > 0) {
        got += n;
    }
    assert_true(got > 0);
    write_much();
    assert_int_equal(json_end(&j), -EAGAIN);
    assert_int_equal(read(pipes[0], sink, sizeof sink), -1);
    close(pipes[0]);
    close(pipes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_up_to_the_bounds), cmocka_unit_test(strings_of_all_kinds),
        cmocka_unit_test(strings_of_random_bytes),   cmocka_unit_test(every_character_of_unicode),
        cmocka_unit_test(random_documents),          cmocka_unit_test(zeros_can_be_left_out),
        cmocka_unit_test(thousandths_are_decimals),  cmocka_unit_test(the_end_of_the_buffer),
        cmocka_unit_test(the_first_error_is_kept),   cmocka_unit_test(a_full_pipe_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
