/* SPDX-License-Identifier: MIT
 *
 * Against libc's own calls.
 */
#include "process.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "objects.h"
#include "real.h"
#include "support.h"

static char **arguments;

static int setup(void **state)
{
    (void)state;
    real_resolve();
    objects_start();
    memset(&process, 0, sizeof process);
    return 0;
}

static void argv_is_a_copy(void **state)
{
    (void)state;
    char first[] = "prog", second[] = "", third[] = "an argument\n";
    char *argv[] = {first, second, third, NULL};
    process_describe(argv);
    first[0] = 'X';
    argv[1] = NULL;
    assert_string_equal(process.argv[0], "prog");
    assert_string_equal(process.argv[1], "");
    assert_string_equal(process.argv[2], "an argument\n");
    assert_null(process.argv[3]);
}

static void without_argv_the_rest_is_known(void **state)
{
    (void)state;
    process_describe(NULL);
    assert_null(process.argv);
    assert_string_not_equal(process.hostname, "");
}

static void who_and_where(void **state)
{
    (void)state;
    char cwd[4096], hostname[256];
    struct utsname names;
    process_describe(arguments);
    assert_non_null(getcwd(cwd, sizeof cwd));
    assert_int_equal(gethostname(hostname, sizeof hostname), 0);
    assert_int_equal(uname(&names), 0);
    assert_string_equal(process.cwd, cwd);
    assert_string_equal(process.hostname, hostname);
    assert_string_equal(process.arch, names.machine);
    assert_string_equal(process.argv[0], arguments[0]);
    assert_false(process.descendant);
}

/* By the same clock: time() may still be in the second before. */
static time_t now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

static void the_start_is_now(void **state)
{
    (void)state;
    time_t before = now();
    process_describe(arguments);
    time_t after = now();
    assert_in_range(process.start_seconds, before, after);
    struct tm tm = {0};
    const char *rest = strptime(process.start_time, "%Y-%m-%dT%H:%M:%S", &tm);
    assert_non_null(rest);
    assert_int_equal(timegm(&tm), process.start_seconds);
    assert_int_equal(strlen(rest), 5);
    assert_true(rest[0] == '.' && rest[4] == 'Z');
}

static void the_allocator_is_named(void **state)
{
    (void)state;
    process_describe(arguments);
    Dl_info info;
    assert_int_not_equal(dladdr(*(void **)&real.malloc, &info), 0);
    const char *file = strrchr(info.dli_fname, '/');
    char expected[128];
    assert_non_null(file);
    if (strncmp(file, "/libc.so", 8) == 0) {
        snprintf(expected, sizeof expected, "glibc %s", gnu_get_libc_version());
    } else { /* a sanitizer's */
        snprintf(expected, sizeof expected, "%s", file + 1);
    }
    assert_string_equal(process.allocator, expected);
}

static void a_fork_begins_anew(void **state)
{
    (void)state;
    process_describe(arguments);
    char before[sizeof process.start_time];
    strcpy(before, process.start_time);
    usleep(5000);
    process_forked();
    assert_true(process.descendant);
    assert_true(strcmp(process.start_time, before) > 0);
}

/* Whether a child sees itself as the descendant of a recorded process. */
static int child_is_descendant(void)
{
    pid_t child = fork();
    if (child == 0) {
        process_describe(arguments);
        _exit(process.descendant);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_recorded_parent_is_noticed(void **state)
{
    (void)state;
    assert_int_equal(child_is_descendant(), 0);
    support_enter_directory();
    support_write(support_path("libmemprof.so"), "x");
    int fd = open(support_path("libmemprof.so"), O_RDONLY | O_CLOEXEC);
    void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_true(p != MAP_FAILED);
    int result = child_is_descendant();
    munmap(p, 4096);
    close(fd);
    support_leave_directory();
    assert_int_equal(result, 1);
    assert_int_equal(child_is_descendant(), 0);
}

static void a_deleted_directory_is_unknown(void **state)
{
    (void)state;
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    const char *directory = support_enter_directory();
    assert_int_equal(chdir(directory), 0);
    support_leave_directory();
    process_describe(arguments);
    assert_int_equal(chdir(before), 0);
    assert_string_equal(process.cwd, "");
}

int main(int argc, char **argv)
{
    (void)argc;
    arguments = argv;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(argv_is_a_copy, setup),
        cmocka_unit_test_setup(without_argv_the_rest_is_known, setup),
        cmocka_unit_test_setup(who_and_where, setup),
        cmocka_unit_test_setup(the_start_is_now, setup),
        cmocka_unit_test_setup(the_allocator_is_named, setup),
        cmocka_unit_test_setup(a_fork_begins_anew, setup),
        cmocka_unit_test_setup(a_recorded_parent_is_noticed, setup),
        cmocka_unit_test_setup(a_deleted_directory_is_unknown, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
