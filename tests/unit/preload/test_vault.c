/* SPDX-License-Identifier: MIT
 *
 * What a process writes to its vault can be read from the file that it handed over, at the places
 * that the file's beginning tells; what its children write cannot.
 */
#include "vault.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeping.h"
#include "support.h"

#define SECTION ((size_t)3 * 4096)
#define LAYOUT UINT64_C(0x1234)

static struct vault v;
static char *section;
static int file;
static struct vault_copy *copies;

static int setup(void **state)
{
    (void)state;
    support_enter_directory();
    memset(&v, 0, sizeof v);
    strcpy(v.path, keeping_begin());
    section = mmap(NULL, SECTION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(section, MAP_FAILED);
    return 0;
}

static int setup_open(void **state)
{
    setup(state);
    assert_true(vault_open(&v, section, SECTION, LAYOUT));
    file = keeping_receive();
    assert_true(file >= 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (v.header) {
        assert_true(vault_leave(&v));
        close(file);
    }
    munmap(section, SECTION);
    keeping_end();
    support_leave_directory();
    return 0;
}

/* What the file has for ADDRESS. */
static char in_file(const void *address)
{
    struct vault_header header;
    assert_int_equal(pread(file, &header, sizeof header, 0), sizeof header);
    struct vault_extent all[VAULT_EXTENTS + 1];
    memcpy(all, header.extent, sizeof header.extent);
    all[header.extents] = header.section;
    for (uint32_t i = 0; i <= header.extents; i++) {
        if ((uintptr_t)address - all[i].start < all[i].size) {
            char c;
            const uint64_t at = all[i].offset + ((uintptr_t)address - all[i].start);
            assert_int_equal(pread(file, &c, 1, (off_t)at), 1);
            return c;
        }
    }
    fail_msg("%p is in no extent", address);
    return 0;
}

static void the_file_has_what_was_written(void **state)
{
    (void)state;
    struct vault_header header;
    assert_int_equal(pread(file, &header, sizeof header, 0), sizeof header);
    assert_string_equal(header.magic, VAULT_MAGIC);
    assert_int_equal(header.layout, LAYOUT);
    assert_int_equal(header.pid, getpid());
    assert_int_equal(header.state, VAULT_OPEN);
    for (size_t i = 0; i < SECTION; i++) {
        assert_int_equal(section[i], 0);
    }
    section[0] = 'a';
    section[SECTION - 1] = 'z';
    assert_int_equal(in_file(section), 'a');
    assert_int_equal(in_file(section + SECTION - 1), 'z');
    vault_set_state(&v, VAULT_CLOSED);
    assert_int_equal(pread(file, &header, sizeof header, 0), sizeof header);
    assert_int_equal(header.state, VAULT_CLOSED);
}

/* Far beyond the first extent: pieces of many sizes, none over another. */
static void it_grows(void **state)
{
    (void)state;
    enum { PIECES = 400 };
    static char *piece[PIECES];
    static size_t size[PIECES];
    uint64_t seed = 7;
    for (size_t i = 0; i < PIECES; i++) {
        size[i] = 1 + support_below(&seed, i % 50 == 0 ? 20 << 20 : 300000);
        piece[i] = vault_map(&v, size[i]);
        assert_non_null(piece[i]);
        assert_int_equal((uintptr_t)piece[i] % 4096, 0);
        assert_int_equal(piece[i][0] | piece[i][size[i] / 2] | piece[i][size[i] - 1], 0);
        piece[i][0] = piece[i][size[i] / 2] = piece[i][size[i] - 1] = (char)(i % 100 + 1);
    }
    assert_in_range(v.extents, 4, 20);
    for (size_t i = 0; i < PIECES; i++) {
        for (int place = 0; place < 3; place++) {
            const size_t at = place == 0 ? 0 : place == 1 ? size[i] / 2 : size[i] - 1;
            assert_int_equal(piece[i][at], i % 100 + 1);
            assert_int_equal(in_file(piece[i] + at), i % 100 + 1);
        }
    }
    assert_int_equal(v.header->state, VAULT_OPEN);
}

/* Runs CHILD in a child, which must end well. */
static void in_child(void (*child)(char *grown), char *grown)
{
    const pid_t pid = fork();
    if (pid == 0) {
        child(grown);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void check(bool good)
{
    if (!good) {
        _exit(1);
    }
}

static void leave(char *grown)
{
    unsigned char there;
    check(vault_leave(&v) && !v.header);
    check(mincore(grown - (uintptr_t)grown % 4096, 1, &there) != 0); /* is not mapped any more */
    for (size_t i = 0; i < SECTION; i++) {
        check(section[i] == 0);
    }
    section[5] = 'x';
    /* And has one of its own, of which its parent sees nothing. */
    check(vault_open(&v, section, SECTION, LAYOUT) && section[5] == 0);
    section[5] = 'y';
    memset(vault_map(&v, 4096), 'y', 4096);
}

static void copy(char *grown)
{
    check(vault_adopt_copy(&v, &copies) && section[5] == 'p' && grown[9] == 'p');
    section[5] = grown[9] = 'x';
    check(vault_leave(&v) && section[5] == 0);
}

static void a_child_writes_elsewhere(void **state)
{
    (void)state;
    char *grown = vault_map(&v, 5 << 20);
    assert_non_null(grown);
    section[5] = grown[9] = 'p';
    in_child(leave, grown);
    int childs = keeping_receive();
    assert_true(childs >= 0);
    close(childs);
    vault_copy(&v, &copies);
    in_child(copy, grown);
    vault_drop_copy(&copies);
    assert_null(copies);
    assert_int_equal(section[5], 'p');
    assert_int_equal(grown[9], 'p');
    assert_int_equal(in_file(section + 5), 'p');
    assert_int_equal(in_file(grown + 9), 'p');
}

static void adopt_both(char *grown)
{
    check(vault_adopt_copy(&v, &copies) && grown[9] == 'q');
    check(vault_adopt_copy(&v, &copies) && grown[9] == 'p' && !copies);
    check(!vault_adopt_copy(&v, &copies));
}

/* A handler that forks may interrupt a fork: each has its own. */
static void copies_are_given_up_last_first(void **state)
{
    (void)state;
    char *grown = vault_map(&v, 5 << 20);
    assert_non_null(grown);
    grown[9] = 'p';
    vault_copy(&v, &copies);
    struct vault_copy *const outer = copies;
    grown[9] = 'q';
    vault_copy(&v, &copies);
    grown[9] = 'r';
    in_child(adopt_both, grown);
    vault_drop_copy(&copies);
    assert_ptr_equal(copies, outer);
    vault_drop_copy(&copies);
    assert_null(copies);
    assert_int_equal(in_file(grown + 9), 'r');
}

static void write_on(char *grown)
{
    check(vault_adopt_copy(&v, &copies) && section[5] == 'p' && grown[9] == 0);
    char *more = vault_map(&v, 4096);
    check(!more || more[0] == 0);
    if (more) {
        memset(more, 'x', 4096);
    }
    grown[9] = 'x';
}

/* Another thread may have memory mapped between the copy and the fork: of that there is none, and
 * what the child takes from there is its own. */
static void what_was_mapped_since_is_the_childs_own(void **state)
{
    (void)state;
    section[5] = 'p';
    vault_copy(&v, &copies);
    const uint32_t before = v.extents;
    char *grown = vault_map(&v, 5 << 20);
    assert_non_null(grown);
    assert_true(v.extents > before);
    section[5] = grown[9] = 'q';
    in_child(write_on, grown);
    vault_drop_copy(&copies);
    assert_int_equal(in_file(grown + 9), 'q');
    const char *next = vault_map(&v, 4096);
    assert_non_null(next);
    assert_int_equal(next[0], 0);
}

/* A process that may not make system calls has room for long; what comes then is memory, too, but
 * the file says that it is not all. */
static void a_shut_one_spills(void **state)
{
    (void)state;
    vault_reserve(&v);
    v.shut = true;
    const uint32_t extents = v.extents;
    assert_non_null(vault_map(&v, 100 << 20));
    assert_int_equal(v.header->state, VAULT_OPEN);
    char *beyond = vault_map(&v, (size_t)1 << 30);
    assert_non_null(beyond);
    assert_int_equal(v.extents, extents);
    beyond[0] = 1;
    assert_int_equal(munmap(beyond, (size_t)1 << 30), 0);
    assert_int_equal(v.header->state, VAULT_SPILT);
    vault_set_state(&v, VAULT_CLOSED);
    assert_int_equal(v.header->state, VAULT_SPILT);
}

static void assert_refused(const char *why)
{
    section[1] = 'k';
    assert_false(vault_open(&v, section, SECTION, LAYOUT));
    assert_null(v.header);
    assert_string_equal(v.trouble ? v.trouble : "", why);
    section[1] = 0;
}

static void without_a_launcher_memory_stays_private(void **state)
{
    (void)state;
    char path[VAULT_PATH_MAX];
    strcpy(path, v.path);
    strcpy(v.path, "/nowhere/at/all");
    assert_refused("the launcher cannot be reached");
    v.path[0] = '\0';
    assert_refused("");
    strcpy(v.path, path);
    v.shut = true;
    assert_refused("no file for it");
    v.shut = false;
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 1 << 20;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_refused("no file for it");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(keeping_receive(), -1);
}

/* No descriptor is left over, whatever became of it. */
static void no_descriptor_is_kept(void **state)
{
    (void)state;
    const size_t before = support_entries("/proc/self/fd");
    assert_true(vault_open(&v, section, SECTION, LAYOUT));
    assert_int_equal(support_entries("/proc/self/fd"), before);
    file = keeping_receive();
    assert_true(vault_leave(&v));
    close(file);
    strcpy(v.path, "/nowhere/at/all");
    assert_refused("the launcher cannot be reached");
    assert_int_equal(support_entries("/proc/self/fd"), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_file_has_what_was_written, setup_open, teardown),
        cmocka_unit_test_setup_teardown(it_grows, setup_open, teardown),
        cmocka_unit_test_setup_teardown(a_child_writes_elsewhere, setup_open, teardown),
        cmocka_unit_test_setup_teardown(copies_are_given_up_last_first, setup_open, teardown),
        cmocka_unit_test_setup_teardown(what_was_mapped_since_is_the_childs_own, setup_open,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_shut_one_spills, setup_open, teardown),
        cmocka_unit_test_setup_teardown(without_a_launcher_memory_stays_private, setup, teardown),
        cmocka_unit_test_setup_teardown(no_descriptor_is_kept, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
