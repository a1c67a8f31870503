/* SPDX-License-Identifier: MIT
 *
 * The dumps of a process's former images, each under a name of its own.
 */
#include "dump.h"

#include <sys/stat.h>

#include "recording.h"

static void replaced_images_have_names_of_their_own(void **state)
{
    (void)state;
    char path[OUTFILE_PATH_MAX];
    const struct dump_request request = {.reason = "exec", .replaced = true, .path = path};
    for (int i = 1; i <= 4; i++) {
        char name[32];
        snprintf(name, sizeof name, "dump.exec%d.json", i);
        assert_int_equal(dump_write(recording, &request), 0);
        assert_string_equal(path, support_path(name));
        json_decref(parsed_dump(path));
    }
    assert_int_equal(support_entries(support_path(".")), 4);
}

/* What this process has written until now, by any system call. */
static unsigned long long bytes_written(void)
{
    char line[64];
    unsigned long long bytes = 0;
    FILE *f = fopen("/proc/self/io", "r");
    assert_non_null(f);
    while (bytes == 0 && fgets(line, sizeof line, f)) {
        (void)sscanf(line, "wchar: %llu", &bytes);
    }
    fclose(f);
    return bytes;
}

static void take_names(int first, int last)
{
    for (int i = first; i <= last; i++) {
        char name[32];
        snprintf(name, sizeof name, "dump.exec%d.json", i);
        support_write(support_path(name), "another");
    }
}

/* However many names others have, what is to be under the next is written once. */
static void taken_names_cost_no_dump_each(void **state)
{
    (void)state;
    char path[OUTFILE_PATH_MAX], line[5000];
    struct stat status;
    const struct dump_request request = {.reason = "exec", .replaced = true, .path = path};
    take_names(1, 40);
    const unsigned long long before = bytes_written();
    assert_int_equal(dump_write(recording, &request), 0);
    const unsigned long long written = bytes_written() - before;
    assert_string_equal(path, support_path("dump.exec41.json"));
    assert_int_equal(stat(path, &status), 0);
    assert_true(written >= (unsigned long long)status.st_size);
    assert_true(written < 2 * (unsigned long long)status.st_size);
    json_decref(parsed_dump(path));
    assert_int_equal(support_entries(support_path(".")), 41);
    take_names(42, 1000);
    snprintf(line, sizeof line,
             "memprof: '%s': cannot write the dump: it and all names before it are taken\n",
             support_path("dump.exec1000.json"));
    support_catch_stderr();
    assert_int_equal(dump_write(recording, &request), -1);
    assert_string_equal(support_caught_stderr(), line);
    assert_int_equal(support_entries(support_path(".")), 1000);
}

static void what_is_no_file_is_not_a_taken_name(void **state)
{
    (void)state;
    char line[5000];
    const struct dump_request request = {.reason = "exec", .replaced = true};
    const char *path = support_path("dump.exec1.json");
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(line, sizeof line, "memprof: '%s': cannot write the dump: is not a regular file\n",
             path);
    support_catch_stderr();
    assert_int_equal(dump_write(recording, &request), -1);
    assert_string_equal(support_caught_stderr(), line);
    assert_int_equal(support_entries(support_path(".")), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECORDING_TEST(replaced_images_have_names_of_their_own),
        RECORDING_TEST(taken_names_cost_no_dump_each),
        RECORDING_TEST(what_is_no_file_is_not_a_taken_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
