/* SPDX-License-Identifier: MIT
 *
 * Trees of files as the kernel shows them, made by hand.
 */
#include "cgroup.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

static struct cgroup group;

static int setup(void **state)
{
    (void)state;
    support_enter_directory();
    mkdir(support_path("root"), 0700);
    memset(&group, 0x5a, sizeof group);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    support_leave_directory();
    return 0;
}

/* A group below the root with FILE in it; the groups above it must be there. */
static void make(const char *name, const char *file, const char *content)
{
    char path[256];
    snprintf(path, sizeof path, "root%s", name);
    mkdir(support_path(path), 0700);
    snprintf(path, sizeof path, "root%s/%s", name, file);
    support_write(support_path(path), content);
}

static bool find(const char *membership)
{
    support_write(support_path("self"), membership);
    return cgroup_find(&group, support_path("self"), support_path("root"));
}

static void assert_found(const char *membership, const char *name, uint64_t limit)
{
    char path[256];
    snprintf(path, sizeof path, "root%s", name);
    assert_true(find(membership));
    assert_string_equal(group.directory, support_path(path));
    assert_int_equal(group.limit_bytes, limit);
}

static void the_lowest_limit_counts(void **state)
{
    (void)state;
    make("/a", "memory.max", "4000000\n");
    make("/a/b", "memory.max", "9000000\n");
    make("/a/b/c", "memory.max", "max\n");
    assert_found("0::/a/b/c\n", "/a", 4000000);
    make("/a/b/c", "memory.max", "1000000\n");
    assert_found("0::/a/b/c\n", "/a/b/c", 1000000);
    assert_found("0::/a/b/\n", "/a", 4000000);
    assert_found("12:cpu:/x\n0::/a/b\n", "/a", 4000000);
    assert_found("0::/a/b", "/a", 4000000);
}

static void without_limits_there_is_none(void **state)
{
    (void)state;
    assert_false(find(""));
    assert_false(find("0::/\n"));
    assert_false(find("0::/no/such\n"));
    assert_false(find("nonsense\n:\n::\n\n"));
    assert_false(find("3:memory:/x\n0::/\n"));
    make("/a", "memory.max", "max\n");
    assert_false(find("0::/a\n"));
    make("/a", "memory.max", "");
    assert_false(find("0::/a\n"));
    assert_int_equal(cgroup_used(&group, 1), 0);
    assert_false(cgroup_find(&group, "/no/such/file", "/no/such/root"));
}

static void a_container_sees_its_own_top(void **state)
{
    (void)state;
    support_write(support_path("root/memory.max"), "7000000\n");
    assert_found("0::/what/its/outside/calls/it\n", "", 7000000);
    assert_found("0::/../..\n", "", 7000000);
}

static void version_1_has_a_tree_of_its_own(void **state)
{
    (void)state;
    make("/memory", "memory.limit_in_bytes", "9223372036854771712\n");
    make("/memory/a", "memory.limit_in_bytes", "5000000\n");
    make("/unified", "cgroup.procs", "");
    make("/unified/a", "memory.max", "1\n");
    assert_found("9:pids:/z\n5:cpu,memory,hugetlb:/a\n1:name=systemd:/q\n0::/a\n", "/memory/a",
                 5000000);
    assert_true(group.version_1);
    assert_false(find("5:memory:/\n"));
    assert_false(find("5:memory:/b\n")); /* not there: the top, which has no limit */
    assert_found("5:memory:/a/b\n", "/memory/a", 5000000);
    /* Another controller of a similar name. */
    assert_found("5:memory_recursiveprot,xmemory:/q\n0::/a\n", "/unified/a", 1);
    assert_false(group.version_1);
}

static void pages_that_can_be_dropped_do_not_count(void **state)
{
    (void)state;
    make("/a", "memory.max", "1000000\n");
    make("/a", "memory.current", "800000\n");
    assert_found("0::/a\n", "/a", 1000000);
    assert_int_equal(cgroup_used(&group, 700000), 800000); /* nothing is known of them */
    make("/a", "memory.stat", "anon 1\ninactive_file_x 9\nfile 2\ninactive_file 300000\nx 5\n");
    assert_int_equal(cgroup_used(&group, 700000), 500000);
    assert_int_equal(cgroup_used(&group, 800001), 800000); /* not asked for */
    make("/a", "memory.stat", "inactive_file 900000\n");
    assert_int_equal(cgroup_used(&group, 1), 0);
    make("/memory", "memory.limit_in_bytes", "400\n");
    make("/memory", "memory.usage_in_bytes", "300\n");
    make("/memory", "memory.stat", "inactive_file 7\ntotal_inactive_file 100\n");
    assert_found("5:memory:/\n", "/memory", 400);
    assert_int_equal(cgroup_used(&group, 1), 200);
}

static void long_names_are_no_trouble(void **state)
{
    (void)state;
    static char line[CGROUP_PATH_MAX * 3];
    support_write(support_path("root/memory.max"), "1000\n");
    for (size_t length = CGROUP_PATH_MAX - 200; length < CGROUP_PATH_MAX + 100; length++) {
        memset(line, 'x', length);
        memcpy(line, "0::/", 4);
        strcpy(line + length, "\n");
        assert_found(line, "", 1000);
    }
}

int main(void)
{
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(the_lowest_limit_counts),
        IN_DIRECTORY(without_limits_there_is_none),
        IN_DIRECTORY(a_container_sees_its_own_top),
        IN_DIRECTORY(version_1_has_a_tree_of_its_own),
        IN_DIRECTORY(pages_that_can_be_dropped_do_not_count),
        IN_DIRECTORY(long_names_are_no_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
