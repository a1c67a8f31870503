/* SPDX-License-Identifier: MIT
 *
 * What may be read, and how much.
 */
#include "input.h"
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef MEMPROF_ZSTD
#include <zstd.h>
#endif

#define FILE_NAME "input.tmp"

static void write_file(const void *data, size_t size)
{
    FILE *f = fopen(FILE_NAME, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* All of PATH, read in pieces that fit nothing in particular; NULL with the reason in ERROR. */
static char *read_all(const char *path, size_t *size, struct error *error)
{
    enum { PIECE = 1000, MOST = 128 << 20 };
    struct input *in = input_open(path, NULL, NULL, error);
    char *data = in ? malloc(MOST) : NULL;
    ssize_t got = -1;
    *size = 0;
    while (data && *size + PIECE <= MOST && (got = input_read(in, data + *size, PIECE, error)) > 0)
        *size += (size_t)got;
    input_close(in);
    if (got == 0)
        return data;
    free(data);
    return NULL;
}

static void expect(const char *path, const char *text, size_t size)
{
    struct error error = {""};
    size_t got;
    char *data = read_all(path, &got, &error);
    assert_string_equal(error.text, "");
    assert_non_null(data);
    assert_int_equal(got, size);
    assert_memory_equal(data, text, size);
    free(data);
}

static void expect_error(const char *path, const char *message)
{
    struct error error = {""};
    size_t got;
    assert_null(read_all(path, &got, &error));
    assert_string_equal(error.text, message);
}

static void files(void **state)
{
    (void)state;
    write_file("{}\n", 3);
    expect(FILE_NAME, "{}\n", 3);
    write_file("", 0);
    expect(FILE_NAME, "", 0);
    unlink(FILE_NAME);
    expect_error(FILE_NAME, "cannot be opened: No such file or directory");
}

static void other_kinds(void **state)
{
    (void)state;
    expect_error("/", "is a directory, expected a memprof dump");
    expect_error("/dev/zero", "is a device, expected a memprof dump");
}

static void pipes(void **state)
{
    static const char text[] = "{\"from\": \"a pipe\"}";
    (void)state;
    assert_int_equal(mkfifo("input.fifo", 0600), 0);
    pid_t child = fork();
    if (child == 0) {
        int fd = open("input.fifo", O_WRONLY);
        /* In two pieces, so that one read does not do. */
        _exit(write(fd, text, 5) == 5 && usleep(1000) == 0 &&
                      write(fd, text + 5, sizeof text - 6) == (ssize_t)sizeof text - 6
                  ? 0
                  : 1);
    }
    expect("input.fifo", text, sizeof text - 1);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    unlink("input.fifo");
}

#ifdef MEMPROF_ZSTD
static void compressed(void **state)
{
    enum { SIZE = 3 << 20 };
    char *text = malloc(SIZE), *packed = malloc(ZSTD_compressBound(SIZE));
    (void)state;
    assert_true(text && packed);
    for (size_t i = 0; i < SIZE; i++)
        text[i] = (char)(i * i >> 7);
    size_t n = ZSTD_compress(packed, ZSTD_compressBound(SIZE), text, SIZE, 1);
    assert_false(ZSTD_isError(n));
    write_file(packed, n);
    expect(FILE_NAME, text, SIZE);
    char message[80];
    snprintf(message, sizeof message, "byte %zu: the zstd data end too early", n - 1);
    write_file(packed, n - 1);
    expect_error(FILE_NAME, message);
    write_file("\x28\xb5\x2f\xfd garbage", 12);
    struct error error = {""};
    size_t got;
    assert_null(read_all(FILE_NAME, &got, &error));
    assert_non_null(strstr(error.text, "damaged zstd data"));
    unlink(FILE_NAME);
    free(text);
    free(packed);
}

/* A few kilobytes that would become many megabytes. */
static void bombs(void **state)
{
    const size_t size = (size_t)100 << 20;
    char *zeros = calloc(1, size), *packed = malloc(ZSTD_compressBound(size));
    (void)state;
    assert_true(zeros && packed);
    size_t n = ZSTD_compress(packed, ZSTD_compressBound(size), zeros, size, 1);
    char message[100];
    write_file(packed, n);
    snprintf(message, sizeof message,
             "decompresses to more than %zu bytes, too large for a memprof dump",
             ((size_t)64 << 20) + 200 * n);
    expect_error(FILE_NAME, message);
    unlink(FILE_NAME);
    free(zeros);
    free(packed);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files),      cmocka_unit_test(other_kinds), cmocka_unit_test(pipes),
#ifdef MEMPROF_ZSTD
        cmocka_unit_test(compressed), cmocka_unit_test(bombs),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
