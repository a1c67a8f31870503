/* SPDX-License-Identifier: MIT
 *
 * Against snprintf and gmtime_r.
 */
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

static void check_number(uint64_t n)
{
    char ours[64], theirs[64];
    struct text t = text_begin(ours, sizeof ours);
    text_number(&t, n);
    snprintf(theirs, sizeof theirs, "%" PRIu64, n);
    assert_string_equal(ours, theirs);
    for (int digits = 0; digits < 30; digits += 3) {
        t = text_begin(ours, sizeof ours);
        text_padded(&t, n, (unsigned)digits);
        snprintf(theirs, sizeof theirs, "%0*" PRIu64, digits, n);
        assert_string_equal(ours, theirs);
        assert_int_equal(t.length, strlen(theirs));
    }
}

static void numbers(void **state)
{
    (void)state;
    uint64_t seed = 9;
    for (int i = 0; i < 5000; i++) {
        check_number(support_random(&seed) >> support_below(&seed, 56));
    }
    for (uint64_t power = 1; power < UINT64_MAX / 10; power *= 10) {
        check_number(power - 1);
        check_number(power);
    }
    check_number(UINT64_MAX);
}

static void files_of_processes(void **state)
{
    (void)state;
    char path[40];
    text_proc(path, sizeof path, 0, "maps");
    assert_string_equal(path, "/proc/self/maps");
    text_proc(path, sizeof path, INT32_MAX, "ns/pid_for_children");
    assert_string_equal(path, "/proc/2147483647/ns/pid_for_children");
}

static void a_short_buffer_cuts(void **state)
{
    (void)state;
    static const char whole[] = "abc12345def007g";
    for (size_t size = 1; size < sizeof whole + 5; size++) {
        char buffer[64];
        memset(buffer, '#', sizeof buffer);
        struct text t = text_begin(buffer, size);
        text_string(&t, "abc");
        text_number(&t, 12345);
        text_printable(&t, "def", 10);
        text_padded(&t, 7, 3);
        text_char(&t, 'g');
        size_t length = size - 1 < sizeof whole - 1 ? size - 1 : sizeof whole - 1;
        assert_int_equal(t.length, length);
        assert_int_equal(strlen(buffer), length);
        assert_memory_equal(buffer, whole, length);
        assert_int_equal(t.cut, size < sizeof whole);
        assert_int_equal(buffer[size], '#');
    }
}

static void terminals_are_safe(void **state)
{
    (void)state;
    char buffer[64];
    struct text t = text_begin(buffer, sizeof buffer);
    text_printable(&t, "\x1b]0;x\x07 a\nb\tc\x7f d", 100);
    assert_string_equal(buffer, "?]0;x? a?b?c? d");
    t = text_begin(buffer, sizeof buffer);
    text_printable(&t, "abcdef", 6);
    assert_string_equal(buffer, "abcdef");
    t = text_begin(buffer, sizeof buffer);
    text_printable(&t, "abcdef", 5);
    assert_string_equal(buffer, "abcde...");
    t = text_begin(buffer, sizeof buffer);
    text_printable(&t, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80|\xff|\xe2\x82|", 100);
    assert_string_equal(buffer, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80|?|??|");
    t = text_begin(buffer, sizeof buffer);
    /* CSI as one character, and what turns the direction of text. */
    text_printable(&t, "a\xc2\x9bm\xe2\x80\xae.\xe2\x81\xa6.\xd8\x9cz", 100);
    assert_string_equal(buffer, "a?m?.?.?z");
    t = text_begin(buffer, sizeof buffer);
    text_printable(&t, "", 5);
    assert_string_equal(buffer, "");
}

static void check_time(int64_t seconds, uint32_t nanoseconds)
{
    char ours[64], theirs[128];
    struct text t = text_begin(ours, sizeof ours);
    text_time(&t, seconds, nanoseconds);
    time_t time = seconds;
    struct tm tm;
    assert_non_null(gmtime_r(&time, &tm));
    snprintf(theirs, sizeof theirs, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", tm.tm_year + 1900,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, nanoseconds / 1000000);
    assert_string_equal(ours, theirs);
}

static void every_day_of_five_centuries(void **state)
{
    (void)state;
    for (int64_t day = 0; day < 183000; day++) {
        check_time(day * 86400 + day % 86400, (uint32_t)(day * 5003 % 1000000000));
    }
}

static void dates_far_and_near(void **state)
{
    (void)state;
    uint64_t seed = 21;
    for (int i = 0; i < 20000; i++) {
        check_time((int64_t)support_below(&seed, 253402300800), 0); /* up to the year 9999 */
    }
    check_time(0, 0);
    check_time(86399, 999999999);
    check_time(951782400, 0);  /* 2000-02-29 */
    check_time(4107542399, 0); /* 2100-02-28, no leap year */
    check_time(253402300799, 999999999);
}

/* What say() writes, which must be one write: a pipe in packet mode keeps writes apart. */
static const char *said(const char *subject, const char *message)
{
    static char line[8192];
    int pipes[2], saved = fcntl(2, F_DUPFD_CLOEXEC, 3);
    assert_int_equal(pipe2(pipes, O_DIRECT | O_CLOEXEC), 0);
    dup2(pipes[1], 2);
    say(subject, message);
    dup2(saved, 2);
    ssize_t n = read(pipes[0], line, sizeof line - 1);
    line[n > 0 ? n : 0] = '\0';
    close(saved);
    close(pipes[0]);
    close(pipes[1]);
    return line;
}

static void messages_are_one_line(void **state)
{
    (void)state;
    assert_string_equal(said(NULL, "it is so"), "memprof: it is so\n");
    assert_string_equal(said("a'b", "is bad"), "memprof: 'a'b': is bad\n");
    assert_string_equal(said("x\n\x1b[1m", "is bad"), "memprof: 'x??[1m': is bad\n");
    static char subject[4096], message[4096], expected[4096];
    memset(subject, 's', sizeof subject - 1);
    snprintf(expected, sizeof expected, "memprof: '%.512s...': bad\n", subject);
    assert_string_equal(said(subject, "bad"), expected);
    memset(message, 'm', sizeof message - 1);
    const char *line = said(NULL, message);
    assert_int_equal(strcspn(line, "\n"), strlen(line) - 1);
    assert_true(strlen(line) > 900);
}

static void errors_have_words(void **state)
{
    (void)state;
    const char *other = error_text(-EIO);
    assert_string_equal(other, "input/output error");
    static const int known[] = {ENOENT,  EACCES,       EPERM,  ENOSPC, EROFS,
                                EMFILE,  ENFILE,       EISDIR, EFBIG,  EEXIST,
                                ENOTDIR, ENAMETOOLONG, ELOOP,  ENOMEM, EDQUOT};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        assert_string_not_equal(error_text(-known[i]), other);
    }
    assert_string_equal(error_text(-ENOSPC), "no space left");
    assert_string_equal(error_text(-ENAMETOOLONG), "file name too long");
    assert_string_equal(error_text(-99999), other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(files_of_processes),
        cmocka_unit_test(a_short_buffer_cuts),
        cmocka_unit_test(terminals_are_safe),
        cmocka_unit_test(every_day_of_five_centuries),
        cmocka_unit_test(dates_far_and_near),
        cmocka_unit_test(messages_are_one_line),
        cmocka_unit_test(errors_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
