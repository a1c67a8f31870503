/* SPDX-License-Identifier: MIT
 *
 * Names by a table; files by what the directory holds afterwards.
 */
#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

static struct outfile o;

/* What the table's rows leave out. */
#define USUAL                                                                                      \
    .exe = "/usr/bin/prog.x", .cwd = "/base", .hostname = "host", .start_seconds = 1700000000,     \
    .pid = 4321, .sequence = 7

static const struct {
    struct outfile_name name;
    const char *path;
} names[] = {
    {{USUAL, .pattern = "/d/a.json"}, "/d/a.json"},
    {{USUAL, .pattern = "a.json"}, "/base/a.json"},
    {{USUAL, .pattern = "./a/../b"}, "/base/./a/../b"},
    {{USUAL, .pattern = "/m.%e.%p.json"}, "/m.prog.x.4321.json"},
    {{USUAL, .pattern = "/%h-%n-%t%%"}, "/host-7-1700000000%"},
    {{USUAL, .pattern = "/%e%e"}, "/prog.xprog.x"},
    {{USUAL, .pattern = "/100%"}, "/100%"},
    {{USUAL, .pattern = "/d/a.json", .descendant = true}, "/d/a.4321.json"},
    {{USUAL, .pattern = "/d/a.%p.json", .descendant = true}, "/d/a.4321.json"},
    {{USUAL, .pattern = "/d/%p/a.json", .descendant = true}, "/d/4321/a.json"},
    {{USUAL, .pattern = "/d.d/a", .descendant = true}, "/d.d/a.4321"},
    {{USUAL, .pattern = "/d/.hidden", .descendant = true}, "/d/.hidden.4321"},
    {{USUAL, .pattern = "a.json", .descendant = true}, "/base/a.4321.json"},
    {{USUAL, .pattern = "/d/a.json", .replaced = 1}, "/d/a.exec1.json"},
    {{USUAL, .pattern = "/d/a.%p.json", .replaced = 12}, "/d/a.4321.exec12.json"},
    {{USUAL, .pattern = "/d/a", .replaced = 3, .descendant = true}, "/d/a.4321.exec3"},
    {{USUAL, .pattern = "/d/a.json", .replaced = 2, .descendant = true}, "/d/a.4321.exec2.json"},
    {{.pattern = "a.json", .exe = "prog", .cwd = "", .hostname = "", .pid = 1}, "a.json"},
    {{.pattern = "%e.%h.json", .exe = "prog", .cwd = "", .hostname = "", .pid = 1}, "prog..json"},
    {{.pattern = "%e.json", .exe = "", .cwd = "/", .hostname = "", .pid = 1}, "//.json"},
};

static void patterns_expand(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(outfile_name(&o, &names[i].name), 0);
        assert_string_equal(o.path, names[i].path);
    }
}

static void long_names_are_refused(void **state)
{
    (void)state;
    static char pattern[OUTFILE_PATH_MAX + 10];
    struct outfile_name name = {USUAL, .pattern = pattern};
    for (size_t length = OUTFILE_PATH_MAX - 16; length < OUTFILE_PATH_MAX + 4; length++) {
        memset(pattern, 'x', length);
        pattern[0] = '/';
        pattern[length] = '\0';
        name.descendant = false;
        bool fits = length < OUTFILE_PATH_MAX;
        assert_int_equal(outfile_name(&o, &name), fits ? 0 : -ENAMETOOLONG);
        name.descendant = true;
        fits = length + strlen(".4321") < OUTFILE_PATH_MAX;
        assert_int_equal(outfile_name(&o, &name), fits ? 0 : -ENAMETOOLONG);
        assert_true(!fits || strcmp(o.path + length, ".4321") == 0);
    }
    /* Each sequence may be what makes it too long. */
    memset(pattern, 'x', OUTFILE_PATH_MAX - 4);
    pattern[0] = '/';
    strcpy(pattern + OUTFILE_PATH_MAX - 4, "%t");
    name.descendant = false;
    assert_int_equal(outfile_name(&o, &name), -ENAMETOOLONG);
}

static int setup(void **state)
{
    (void)state;
    support_enter_directory();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    support_leave_directory();
    return 0;
}

static int open_target(const char *path)
{
    const struct outfile_name name = {USUAL, .pattern = path};
    assert_int_equal(outfile_name(&o, &name), 0);
    return outfile_open(&o);
}

/* Writes CONTENT to PATH as a dump is written. */
static int write_target(const char *path, const char *content)
{
    int error = open_target(path);
    if (error == 0) {
        assert_int_equal(write(o.fd, content, strlen(content)), strlen(content));
        error = outfile_finish(&o, 0);
    }
    return error;
}

static void assert_content(const char *path, const char *content)
{
    char *found = support_read(path);
    assert_string_equal(found, content);
    free(found);
}

static void a_file_appears_whole(void **state)
{
    (void)state;
    const char *path = support_path("a.json");
    assert_int_equal(open_target(path), 0);
    assert_int_equal(write(o.fd, "new", 3), 3);
    assert_int_equal(access(path, F_OK), -1); /* not yet */
    assert_int_equal(fcntl(o.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    int fd = o.fd;
    assert_int_equal(outfile_finish(&o, 0), 0);
    assert_int_equal(fcntl(fd, F_GETFD), -1); /* closed */
    assert_content(path, "new");
    assert_int_equal(write_target(path, "newer"), 0);
    assert_content(path, "newer");
    assert_int_equal(support_entries(support_path(".")), 1);
}

static void only_the_owner_may_read(void **state)
{
    (void)state;
    static const mode_t masks[] = {0, 022, 077};
    for (size_t i = 0; i < 3; i++) {
        mode_t before = umask(masks[i]);
        int error = write_target(support_path("m/n.json"), "x");
        umask(before);
        struct stat status;
        assert_int_equal(error, 0);
        assert_int_equal(stat(support_path("m/n.json"), &status), 0);
        assert_int_equal(status.st_mode, S_IFREG | 0600);
        assert_int_equal(stat(support_path("m"), &status), 0);
        assert_int_equal(status.st_mode & 0777, 0755 & ~masks[i]);
        unlink(support_path("m/n.json"));
        rmdir(support_path("m"));
    }
}

static void missing_directories_are_made(void **state)
{
    (void)state;
    assert_int_equal(write_target(support_path("x/y//z/./a.json"), "deep"), 0);
    assert_content(support_path("x/y/z/a.json"), "deep");
    assert_int_equal(support_entries(support_path("x/y/z")), 1);
}

static void an_error_leaves_nothing(void **state)
{
    (void)state;
    const char *path = support_path("a.json");
    support_write(path, "old");
    assert_int_equal(open_target(path), 0);
    assert_int_equal(write(o.fd, "half", 4), 4);
    assert_int_equal(outfile_finish(&o, -ENOSPC), -ENOSPC);
    assert_content(path, "old");
    assert_int_equal(support_entries(support_path(".")), 1);
}

static void the_programs_files_are_left_alone(void **state)
{
    (void)state;
    assert_int_equal(open_target(support_path("a.json")), 0);
    support_write(support_path("own"), "own");
    const int own = open(support_path("own"), O_RDWR);
    assert_int_equal(dup2(own, o.fd), o.fd);
    assert_int_equal(outfile_finish(&o, 0), -EBADF);
    assert_int_equal(lseek(o.fd, 0, SEEK_END), 3); /* still open, and as it was */
    close(o.fd);
    assert_int_equal(open_target(support_path("a.json")), 0);
    close(o.fd);
    assert_int_equal(outfile_finish(&o, 0), -EBADF);
    assert_int_equal(support_entries(support_path(".")), 1);
    close(own);
}

static void others_may_be_kept(void **state)
{
    (void)state;
    const char *path = support_path("a.json");
    support_write(path, "old");
    assert_int_equal(open_target(path), 0);
    assert_int_equal(write(o.fd, "new", 3), 3);
    assert_int_equal(outfile_close(&o), 0);
    assert_int_equal(outfile_place(&o, 0, true), -EEXIST);
    assert_content(path, "old");
    /* What was written waits for another name. */
    strcpy(o.path, support_path("b.json"));
    assert_int_equal(outfile_place(&o, 0, true), 0);
    assert_content(support_path("b.json"), "new");
    assert_int_equal(support_entries(support_path(".")), 2);
    assert_int_equal(open_target(path), 0);
    assert_int_equal(outfile_close(&o), 0);
    assert_int_equal(outfile_place(&o, 0, true), -EEXIST);
    assert_int_equal(outfile_place(&o, -EEXIST, false), -EEXIST);
    assert_int_equal(support_entries(support_path(".")), 2);
}

static void what_is_no_file_is_kept(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(support_path("fifo"), 0600), 0);
    assert_int_equal(mkdir(support_path("dir"), 0700), 0);
    assert_int_equal(write_target(support_path("fifo"), "x"), -EEXIST);
    assert_int_equal(write_target(support_path("dir"), "x"), -EISDIR);
    assert_int_equal(write_target("/dev/null", "x"), -EEXIST);
    assert_int_equal(write_target("/dev/stdout", "x"), -EEXIST);
    assert_int_equal(write_target("/proc/self/fd/1", "x"), -EEXIST);
    struct stat status;
    assert_int_equal(stat(support_path("fifo"), &status), 0);
    assert_true(S_ISFIFO(status.st_mode));
    assert_int_equal(support_entries(support_path(".")), 2);
    assert_int_equal(support_entries(support_path("dir")), 0);
}

/* A link at the target is replaced, what it points to is not touched; one planted where the
 * temporary file goes is not followed either. */
static void links_are_not_followed(void **state)
{
    (void)state;
    char temporary[64];
    snprintf(temporary, sizeof temporary, "a.json.tmp.%d", 4321);
    support_write(support_path("precious"), "precious");
    assert_int_equal(symlink("precious", support_path("a.json")), 0);
    assert_int_equal(symlink("precious", support_path(temporary)), 0);
    assert_int_equal(write_target(support_path("a.json"), "new"), 0);
    assert_content(support_path("precious"), "precious");
    assert_content(support_path("a.json"), "new");
    struct stat status;
    assert_int_equal(lstat(support_path("a.json"), &status), 0);
    assert_true(S_ISREG(status.st_mode));
    assert_int_equal(support_entries(support_path(".")), 2);
    /* A hard link, too. */
    assert_int_equal(link(support_path("precious"), support_path("b.json")), 0);
    assert_int_equal(write_target(support_path("b.json"), "new"), 0);
    assert_content(support_path("precious"), "precious");
}

static void a_leftover_is_replaced(void **state)
{
    (void)state;
    char temporary[64];
    snprintf(temporary, sizeof temporary, "a.json.tmp.%d", 4321);
    support_write(support_path(temporary), "left behind");
    assert_int_equal(write_target(support_path("a.json"), "new"), 0);
    assert_content(support_path("a.json"), "new");
    assert_int_equal(support_entries(support_path(".")), 1);
}

/* What has the temporary name and cannot be removed, here a directory, is gone around. */
static void a_name_that_is_taken_is_gone_around(void **state)
{
    (void)state;
    char temporary[64];
    snprintf(temporary, sizeof temporary, "a.json.tmp.%d", 4321);
    assert_int_equal(mkdir(support_path(temporary), 0700), 0);
    assert_int_equal(open_target(support_path("a.json")), 0);
    assert_int_equal(strncmp(o.temporary, support_path(temporary), strlen(support_path(temporary))),
                     0);
    char first[OUTFILE_PATH_MAX];
    strcpy(first, o.temporary);
    assert_int_equal(outfile_finish(&o, 0), 0);
    assert_int_equal(open_target(support_path("a.json")), 0);
    assert_string_not_equal(o.temporary, first); /* nobody can know it beforehand */
    assert_int_equal(outfile_finish(&o, 0), 0);
    assert_int_equal(support_entries(support_path(".")), 2);
}

static void impossible_places_are_told(void **state)
{
    (void)state;
    support_write(support_path("file"), "");
    assert_int_equal(write_target(support_path("file/a.json"), "x"), -ENOTDIR);
    assert_int_equal(symlink("loop", support_path("loop")), 0);
    assert_int_equal(write_target(support_path("loop/a.json"), "x"), -ELOOP);
    assert_int_equal(write_target("/proc/memprof-no-such/a.json", "x"), -ENOENT);
    char name[400] = "/";
    memset(name + 1, 'n', 300);
    assert_int_equal(write_target(name, "x"), -ENAMETOOLONG);
    assert_int_equal(mkdir(support_path("locked"), 0555), 0);
    bool root = geteuid() == 0;
    assert_true(!root || seteuid(65534) == 0);
    int error = write_target(support_path("locked/a.json"), "x");
    assert_true(!root || seteuid(0) == 0);
    assert_int_equal(error, -EACCES);
    assert_int_equal(support_entries(support_path("locked")), 0);
    assert_int_equal(support_entries(support_path(".")), 3);
}

int main(void)
{
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_expand),
        cmocka_unit_test(long_names_are_refused),
        IN_DIRECTORY(a_file_appears_whole),
        IN_DIRECTORY(only_the_owner_may_read),
        IN_DIRECTORY(missing_directories_are_made),
        IN_DIRECTORY(an_error_leaves_nothing),
        IN_DIRECTORY(the_programs_files_are_left_alone),
        IN_DIRECTORY(others_may_be_kept),
        IN_DIRECTORY(what_is_no_file_is_kept),
        IN_DIRECTORY(links_are_not_followed),
        IN_DIRECTORY(a_leftover_is_replaced),
        IN_DIRECTORY(a_name_that_is_taken_is_gone_around),
        IN_DIRECTORY(impossible_places_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
