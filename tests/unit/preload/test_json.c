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

#include "written.h"

static void integers_up_to_the_bounds(void **state)
{
    (void)state;
    static const int64_t numbers[] = {
        0,          1,         -1,        9,  10,  -10,           INT32_MAX,
        INT32_MIN,  INT64_MAX, INT64_MIN, 99, 100, INT64_MAX - 1, INT64_MIN + 1,
        1000000000, 1000000007};
    enum { N = sizeof numbers / sizeof numbers[0] };
    written_begin();
    json_open(&written, NULL, '[');
    for (int i = 0; i < N; i++) {
        json_int(&written, NULL, numbers[i]);
    }
    json_uint(&written, NULL, INT64_MAX);
    json_uint(&written, NULL, (uint64_t)INT64_MAX + 1); /* saturates */
    json_uint(&written, NULL, UINT64_MAX);
    json_close(&written, ']');
    json_t *array = written_parse();
    assert_int_equal(json_array_size(array), N + 3);
    for (size_t i = 0; i < N; i++) {
        assert_true(json_integer_value(json_array_get(array, i)) == numbers[i]);
    }
    for (size_t i = N; i < N + 3; i++) {
        assert_true(json_integer_value(json_array_get(array, i)) == INT64_MAX);
    }
    json_decref(array);
}

/* Grows the same random value in both forms. */
static json_t *grow(uint64_t *seed, const char *key, int depth)
{
    uint64_t kind = support_below(seed, depth > 0 ? 8 : 6);
    uint64_t number = support_random(seed);
    switch (kind) {
    case 0:
        json_null(&written, key);
        return json_pack("n");
    case 1:
        json_bool(&written, key, number & 1);
        return json_boolean(number & 1);
    case 2:
        json_uint(&written, key, number);
        return json_integer((json_int_t)number);
    case 3:
        json_int(&written, key, -(int64_t)number);
        return json_integer(-(json_int_t)number);
    case 4: {
        char text[40];
        snprintf(text, sizeof text, "%" PRIx64 "\n\"%c", number, (int)(number % 95 + 32));
        json_string(&written, key, text);
        return json_stringn(text, strlen(text));
    }
    case 5: {
        char text[17];
        const uint8_t bytes[] = {(uint8_t)number, (uint8_t)(number >> 8), 0, 255};
        snprintf(text, sizeof text, "%02x%02x00ff", bytes[0], bytes[1]);
        json_hex(&written, key, bytes, sizeof bytes);
        return json_stringn(text, strlen(text));
    }
    default:
        break;
    }
    json_t *all = kind == 6 ? json_array() : json_object();
    json_open(&written, key, kind == 6 ? '[' : '{');
    for (uint64_t i = 0; i < number % 7; i++) {
        char name[16];
        snprintf(name, sizeof name, "k_%" PRIu64, i);
        if (number & 256) {
            json_newline(&written);
        }
        if (kind == 6) {
            json_array_append_new(all, grow(seed, NULL, depth - 1));
        } else {
            json_object_set_new(all, name, grow(seed, name, depth - 1));
        }
    }
    json_close(&written, kind == 6 ? ']' : '}');
    return all;
}

static void random_documents(void **state)
{
    (void)state;
    uint64_t seed = 77;
    for (int i = 0; i < 200; i++) {
        written_begin();
        json_open(&written, NULL, '[');
        json_t *expected = json_array();
        for (int k = 0; k < 5; k++) {
            json_array_append_new(expected, grow(&seed, NULL, 6));
        }
        json_close(&written, ']');
        json_t *found = written_parse();
        assert_true(json_equal(found, expected));
        json_decref(found);
        json_decref(expected);
    }
}

static void zeros_can_be_left_out(void **state)
{
    (void)state;
    written_begin();
    json_open(&written, NULL, '{');
    json_uint_nonzero(&written, "a", 0);
    json_uint_nonzero(&written, "b", 5);
    json_uint_nonzero(&written, "c", 0);
    json_close(&written, '}');
    size_t size;
    char *text = written_end(&size);
    assert_string_equal(text, "{\"b\":5}\n");
    free(text);
}

static void thousandths_are_decimals(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {
        0, 1, 9, 10, 99, 100, 999, 1000, 1001, 1050, 99999, 100000, 123456789012345};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        written_begin();
        json_milli(&written, NULL, numbers[i]);
        size_t size;
        char expected[40], *text = written_end(&size);
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
    static char s[3 * sizeof written.buffer];
    for (size_t length = sizeof written.buffer - 12; length < sizeof written.buffer + 12;
         length++) {
        for (size_t times = 1; times <= 2; times++) {
            memset(s, 'x', length * times);
            s[length * times] = '\0';
            s[length - 1] = '\n';
            written_begin();
            json_open(&written, NULL, '[');
            json_string(&written, NULL, s);
            json_int(&written, NULL, INT64_MIN);
            json_close(&written, ']');
            json_t *array = written_parse();
            assert_string_equal(json_string_value(json_array_get(array, 0)), s);
            assert_true(json_integer_value(json_array_get(array, 1)) == INT64_MIN);
            json_decref(array);
        }
    }
}

static void write_much(void)
{
    json_open(&written, NULL, '[');
    for (int i = 0; i < 200000; i++) {
        json_int(&written, NULL, i);
    }
    json_close(&written, ']');
}

static void the_first_error_is_kept(void **state)
{
    (void)state;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    json_begin(&written, full);
    write_much();
    assert_int_equal(written.error, -ENOSPC);
    close(full); /* would be EBADF from here on */
    write_much();
    assert_int_equal(json_end(&written), -ENOSPC);
    json_begin(&written, -1);
    json_null(&written, NULL);
    assert_int_equal(json_end(&written), -EBADF);
}

static void a_full_pipe_is_an_error(void **state)
{
    (void)state;
    int pipes[2];
    assert_int_equal(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
    json_begin(&written, pipes[1]);
    write_much();
    assert_int_equal(json_end(&written), -EAGAIN);
    /* Nothing more after the error, though there is room again. */
    static char sink[1 << 20];
    ssize_t n, got = 0;
    while ((n = read(pipes[0], sink, sizeof sink)) > 0) {
        got += n;
    }
    assert_true(got > 0);
    write_much();
    assert_int_equal(json_end(&written), -EAGAIN);
    assert_int_equal(read(pipes[0], sink, sizeof sink), -1);
    close(pipes[0]);
    close(pipes[1]);
}

/* A file takes whole pages in less time than parts of them: the last alone may be one. */
static void whole_pages_are_written(void **state)
{
    (void)state;
    int fd = memfd_create("pages", 0);
    assert_true(fd >= 0);
    json_begin(&written, fd);
    write_much();
    const off_t before = lseek(fd, 0, SEEK_END);
    assert_true(before > 0 && before % 4096 == 0);
    write_much();
    assert_true(lseek(fd, 0, SEEK_END) > before && lseek(fd, 0, SEEK_END) % 4096 == 0);
    assert_int_equal(json_end(&written), 0);
    close(fd);
}

/* The program has closed the file that is written to, and opened one of its own. */
static void another_file_is_left_alone(void **state)
{
    (void)state;
    int fd = memfd_create("ours", 0), other = memfd_create("the program's", 0);
    assert_true(fd >= 0 && other >= 0);
    const struct sys_identity identity = sys_identify(fd);
    json_begin(&written, fd);
    written.identity = &identity;
    write_much();
    const off_t before = lseek(fd, 0, SEEK_END);
    assert_true(before > 0);
    assert_int_equal(dup2(other, fd), fd);
    write_much();
    assert_int_equal(json_end(&written), -EBADF);
    assert_int_equal(lseek(other, 0, SEEK_END), 0);
    close(fd);
    close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_up_to_the_bounds), cmocka_unit_test(random_documents),
        cmocka_unit_test(zeros_can_be_left_out),     cmocka_unit_test(thousandths_are_decimals),
        cmocka_unit_test(the_end_of_the_buffer),     cmocka_unit_test(the_first_error_is_kept),
        cmocka_unit_test(a_full_pipe_is_an_error),   cmocka_unit_test(another_file_is_left_alone),
        cmocka_unit_test(whole_pages_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
