/* SPDX-License-Identifier: MIT
 *
 * A report appears whole or not at all.
 */
#include "out.h"
#include "test.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY "out.dir"
#define TARGET DIRECTORY "/report"

static int setup(void **state)
{
    (void)state;
    return mkdir(DIRECTORY, 0755);
}

static int teardown(void **state)
{
    (void)state;
    unlink(TARGET);
    unlink(DIRECTORY "/link");
    return rmdir(DIRECTORY); /* fails if anything was left behind */
}

static void expect_content(const char *path, const char *text)
{
    char got[64] = "";
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    got[fread(got, 1, sizeof got - 1, f)] = '\0';
    fclose(f);
    assert_string_equal(got, text);
}

static void write_report(const char *path, const char *text)
{
    struct out o;
    struct error error = {""};
    assert_int_equal(out_open(&o, path, &error), 0);
    fputs(text, o.file);
    assert_int_equal(out_commit(&o, &error), 0);
}

static void appears_when_committed(void **state)
{
    struct out o;
    struct error error = {""};
    struct stat st;
    (void)state;
    mode_t mask = umask(027);
    assert_int_equal(out_open(&o, TARGET, &error), 0);
    fputs("new", o.file);
    assert_int_equal(access(TARGET, F_OK), -1);
    assert_int_equal(out_commit(&o, &error), 0);
    umask(mask);
    expect_content(TARGET, "new");
    assert_int_equal(stat(TARGET, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
}

static void discarded_leaves_the_old(void **state)
{
    struct out o;
    struct error error = {""};
    (void)state;
    write_report(TARGET, "old");
    assert_int_equal(out_open(&o, TARGET, &error), 0);
    fputs("new", o.file);
    out_discard(&o);
    expect_content(TARGET, "old");
}

static void links_stay_links(void **state)
{
    struct stat st;
    (void)state;
    write_report(TARGET, "old");
    assert_int_equal(symlink("report", DIRECTORY "/link"), 0);
    write_report(DIRECTORY "/link", "new");
    expect_content(TARGET, "new");
    assert_int_equal(lstat(DIRECTORY "/link", &st), 0);
    assert_true(S_ISLNK(st.st_mode));
}

static void errors_are_said(void **state)
{
    struct out o;
    struct error error = {""};
    (void)state;
    assert_int_equal(out_open(&o, DIRECTORY "/nosuch/x", &error), -1);
    assert_string_equal(error.text, "cannot be written: No such file or directory");
    error.text[0] = '\0';
    assert_int_equal(out_open(&o, DIRECTORY, &error), -1);
    assert_string_equal(error.text, "cannot be written: Is a directory");
    error.text[0] = '\0';
    assert_int_equal(out_open(&o, "/dev/full", &error), 0);
    fputs("x", o.file);
    assert_int_equal(out_commit(&o, &error), -1);
    assert_string_equal(error.text, "cannot be written: No space left on device");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(appears_when_committed, setup, teardown),
        cmocka_unit_test_setup_teardown(discarded_leaves_the_old, setup, teardown),
        cmocka_unit_test_setup_teardown(links_stay_links, setup, teardown),
        cmocka_unit_test_setup_teardown(errors_are_said, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
