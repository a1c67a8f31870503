/* SPDX-License-Identifier: MIT
 *     test_source SCRATCH-DIRECTORY
 * Source files: what is read, what is refused, and how it is shown. */
#include "source.h"
#include "source_find.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char base[1024];

static const char *path_of(const char *name)
{
    static char path[8192];
    snprintf(path, sizeof path, "%s/%s", base, name);
    return path;
}

static void write_file(const char *name, const char *text, size_t length)
{
    FILE *f = fopen(path_of(name), "wbe");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, length, f), length);
    fclose(f);
}

static int set_up(void **state)
{
    (void)state;
    char command[8192];
    snprintf(command, sizeof command, "rm -rf '%s' && mkdir -p '%s/new/deep' '%s/dir'", base, base,
             base);
    return system(command);
}

static void test_lines(void **state)
{
    (void)state;
    static const char text[] = "one\r\n\ttwo\n\n\x1b[0m\xe2\x80\xae\xff\nlast";
    write_file("a.c", text, sizeof text - 1);
    struct sources *s = sources_new();
    const char *file = path_of("a.c");
    assert_int_equal(sources_line_count(s, file), 5);
    assert_string_equal(sources_line(s, file, 1), "one");
    assert_string_equal(sources_line(s, file, 2), "        two");
    assert_string_equal(sources_line(s, file, 3), "");
    assert_string_equal(sources_line(s, file, 4), "\\x1b[0m\\u202e\\xff");
    assert_string_equal(sources_line(s, file, 5), "last");
    assert_null(sources_line(s, file, 0));
    assert_null(sources_line(s, file, 6));
    assert_null(sources_line(s, file, UINT32_MAX));
    assert_ptr_equal(sources_line(s, file, 1), sources_line(s, file, 1));
    struct stat st;
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(sources_changed(s, file), st.st_mtime);
    assert_int_equal(sources_changed(s, "/nowhere/a.c"), 0);
    sources_free(s);
}

static void test_empty_file(void **state)
{
    (void)state;
    write_file("empty.c", "", 0);
    struct sources *s = sources_new();
    assert_true(sources_readable(s, path_of("empty.c")));
    assert_int_equal(sources_line_count(s, path_of("empty.c")), 0);
    assert_null(sources_line(s, path_of("empty.c"), 1));
    sources_free(s);
}

static void test_only_regular_files(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    assert_int_equal(symlink("/dev/zero", path_of("link")), 0);
    int fd = open(path_of("huge"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, (off_t)SOURCE_MAX_BYTES + 1), 0);
    close(fd);
    struct sources *s = sources_new();
    const char *names[] = {"fifo", "link", "huge", "dir", "missing", "a.c/x"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_false(sources_readable(s, path_of(names[i])));
        assert_int_equal(sources_line_count(s, path_of(names[i])), 0);
        assert_null(sources_line(s, path_of(names[i]), 1));
    }
    assert_false(sources_readable(s, "/dev/zero"));
    assert_false(sources_readable(s, "/dev/tty"));
    assert_false(sources_readable(s, ""));
    assert_false(sources_readable(s, "/"));
    sources_free(s);
}

static void test_relative_names_stay_inside(void **state)
{
    (void)state;
    write_file("secret", "x\n", 2);
    assert_int_equal(chdir(path_of("new/deep")), 0);
    struct sources *s = sources_new();
    assert_false(sources_readable(s, "../../secret"));
    assert_false(sources_readable(s, "a/../../../secret"));
    const char *error;
    struct sources *rooted = sources_new();
    assert_int_equal(sources_add_root(rooted, path_of("new"), &error), 0);
    assert_false(sources_readable(rooted, "../secret"));
    sources_free(rooted);
    sources_free(s);
    assert_int_equal(chdir("/"), 0);
}

static void test_source_roots(void **state)
{
    (void)state;
    write_file("new/deep/x.c", "deep\n", 5);
    char spec[8192];
    const char *error = NULL;
    struct sources *s = sources_new();
    snprintf(spec, sizeof spec, "/build/old=%s/new", base);
    assert_int_equal(sources_add_root(s, spec, &error), 0);
    assert_string_equal(sources_line(s, "/build/old/deep/x.c", 1), "deep");
    assert_string_equal(sources_line(s, "/build/old/./y/../deep/x.c", 1), "deep");
    assert_false(sources_readable(s, "/build/older/deep/x.c"));
    assert_string_equal(sources_mapped(s, "/build/old/deep/x.c"), path_of("new/deep/x.c"));
    assert_string_equal(sources_mapped(s, "/build/old/gone.c"), path_of("new/gone.c"));
    assert_null(sources_mapped(s, "/build/older/deep/x.c"));
    assert_false(sources_readable(s, "/build/old/../deep/x.c"));
    sources_free(s);

    s = sources_new();
    assert_int_equal(sources_add_root(s, path_of("new"), &error), 0);
    assert_string_equal(sources_line(s, "/where/ever/deep/x.c", 1), "deep");
    assert_string_equal(sources_line(s, "deep/x.c", 1), "deep");
    assert_string_equal(sources_mapped(s, "/where/ever/deep/x.c"), path_of("new/deep/x.c"));
    assert_false(sources_readable(s, "x.c"));
    assert_null(sources_mapped(s, "x.c"));
    sources_free(s);
}

static char said[4096];
static int warnings;

static void note(void *arg, const char *message)
{
    (void)arg;
    warnings++;
    snprintf(said, sizeof said, "%s", message);
}

static void test_only_below_roots(void **state)
{
    (void)state;
    write_file("new/deep/y.c", "deep\n", 5);
    write_file("dir/outside.c", "secret\n", 7);
    write_file("dir/other.c", "secret\n", 7);
    assert_int_equal(symlink("../dir/outside.c", path_of("new/link.c")), 0);
    assert_int_equal(symlink("deep/y.c", path_of("new/inside.c")), 0);
    const char *error = NULL;
    struct sources *s = sources_new();
    sources_only_roots(s);
    sources_on_warning(s, note, NULL);
    assert_int_equal(sources_add_root(s, path_of("new"), &error), 0);
    assert_string_equal(sources_line(s, "/gone/deep/y.c", 1), "deep");
    assert_string_equal(sources_line(s, "/gone/inside.c", 1), "deep");
    assert_int_equal(warnings, 0);
    assert_false(sources_readable(s, "/gone/link.c"));
    assert_int_equal(warnings, 1);
    assert_non_null(strstr(said, "is a link out of its --source-root"));
    assert_false(sources_readable(s, path_of("dir/outside.c")));
    assert_int_equal(warnings, 2);
    assert_non_null(strstr(said, "is not below a --source-root"));
    assert_false(sources_readable(s, path_of("dir/other.c")));
    assert_false(sources_readable(s, "/nowhere.c"));
    assert_int_equal(warnings, 2); /* one of that kind is enough */
    sources_free(s);
    warnings = 0;
}

/* A file that is there but cannot be shown is told, one that is not there is not. */
static void test_warnings(void **state)
{
    (void)state;
    static const struct {
        const char *name, *why;
    } cases[] = {{"fifo", "is not a regular file"},
                 {"link", "is not a regular file"},
                 {"huge", "is larger than 64 MiB"},
                 {"dir", "is not a regular file"}};
    struct sources *s = sources_new();
    sources_on_warning(s, note, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        warnings = 0;
        assert_false(sources_readable(s, path_of(cases[i].name)));
        assert_int_equal(sources_line_count(s, path_of(cases[i].name)), 0);
        assert_int_equal(warnings, 1);
        assert_non_null(strstr(said, cases[i].why));
        assert_non_null(strstr(said, cases[i].name));
    }
    warnings = 0;
    assert_false(sources_readable(s, path_of("missing")));
    assert_int_equal(warnings, 0);
    sources_free(s);
}

static void test_bad_roots(void **state)
{
    (void)state;
    struct sources *s = sources_new();
    const char *specs[] = {"", "=/x", "/x=", "="};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        const char *error = NULL;
        assert_int_equal(sources_add_root(s, specs[i], &error), -1);
        assert_non_null(error);
    }
    sources_free(s);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    snprintf(base, sizeof base, "%s/sources", argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_empty_file),
        cmocka_unit_test(test_only_regular_files),
        cmocka_unit_test(test_relative_names_stay_inside),
        cmocka_unit_test(test_source_roots),
        cmocka_unit_test(test_only_below_roots),
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_bad_roots),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
