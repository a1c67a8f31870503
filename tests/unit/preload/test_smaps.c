/* SPDX-License-Identifier: MIT
 *
 * Against /proc/self/maps read by stdio, and memory that the test itself maps and touches.
 */
#include "smaps.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support.h"

#define PAGE ((size_t)4096)

/* The area that ADDRESS lies in. */
static struct smaps_area find(const void *address)
{
    static struct smaps s;
    struct smaps_area area, found = {0};
    assert_true(smaps_open(&s));
    while (smaps_next(&s, &area)) {
        if ((uintptr_t)address - area.start < area.end - area.start) {
            found = area;
        }
    }
    smaps_close(&s);
    assert_int_not_equal(found.end, 0);
    return found;
}

static void areas_are_those_of_maps(void **state)
{
    (void)state;
    enum { MOST = 4096 };
    static struct smaps_area areas[MOST];
    static struct smaps s;
    size_t n = 0, i = 0;
    char line[8192], permissions[5], name[4100];
    unsigned long inode;
    uintptr_t start, end;
    FILE *f = fopen("/proc/self/maps", "re");
    assert_non_null(f);
    static char buffer[8192];
    setvbuf(f, buffer, _IOFBF, sizeof buffer); /* allocating one would change what is mapped */
    assert_true(smaps_open(&s));
    while (n < MOST && smaps_next(&s, &areas[n])) {
        n++;
    }
    smaps_close(&s);
    for (; i < n && fgets(line, sizeof line, f); i++) {
        name[0] = '\0';
        assert_true(sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*x %*s %lu %4099[^\n]", &start,
                           &end, permissions, &inode, name) >= 4);
        assert_int_equal(areas[i].start, start);
        assert_int_equal(areas[i].end, end);
        assert_int_equal(areas[i].readable, permissions[0] == 'r');
        assert_int_equal(areas[i].writable, permissions[1] == 'w');
        assert_int_equal(areas[i].shared, permissions[3] == 's');
        assert_int_equal(areas[i].file, inode != 0);
        name[sizeof areas[i].name - 1] = '\0';
        assert_string_equal(areas[i].name, name);
    }
    assert_int_equal(i, n);
    assert_null(fgets(line, sizeof line, f));
    assert_true(n > 5);
    fclose(f);
}

static void resident_pages_are_counted(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* it remaps what is mapped */
#endif
    char *p = mmap(NULL, 9 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    assert_int_equal(mprotect(p + PAGE, 7 * PAGE, PROT_READ | PROT_WRITE), 0);
    p[PAGE] = p[3 * PAGE] = 1;
    const struct smaps_area area = find(p + PAGE);
    assert_int_equal(area.start, p + PAGE);
    assert_int_equal(area.end, p + 8 * PAGE);
    assert_int_equal(area.rss_bytes, 2 * PAGE);
    assert_int_equal(area.anonymous_bytes, 2 * PAGE);
    assert_true(area.writable && !area.shared && !area.file);
    assert_string_equal(area.name, "");
    munmap(p, 9 * PAGE);
}

static void a_files_own_pages_are_told_from_written_ones(void **state)
{
    (void)state;
    int fd = memfd_create("a name with spaces", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, 4 * (off_t)PAGE), 0);
    char *shared = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *private = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    assert_true(shared != MAP_FAILED && private != MAP_FAILED);
    memset(shared, 1, 4 * PAGE);
    private[0] = 2; /* others may be mapped along with it */
    struct smaps_area area = find(private);
    assert_int_equal(area.anonymous_bytes, PAGE);
    assert_true(area.file && !area.shared && area.rss_bytes >= PAGE);
    area = find(shared);
    assert_int_equal(area.rss_bytes, 4 * PAGE);
    assert_int_equal(area.anonymous_bytes, 0);
    assert_true(area.file && area.shared);
    assert_string_equal(area.name, "/memfd:a name with spaces (deleted)");
    munmap(shared, 4 * PAGE);
    munmap(private, 4 * PAGE);
    close(fd);
}

/* A name as long as names can be does not throw the reader off. */
static void long_names_are_cut(void **state)
{
    (void)state;
    char name[240];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    int fd = memfd_create(name, MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, (off_t)PAGE), 0);
    char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    assert_true(p != MAP_FAILED);
    const struct smaps_area area = find(p);
    assert_int_equal(area.end - area.start, PAGE);
    assert_int_equal(strlen(area.name), sizeof area.name - 1);
    assert_memory_equal(area.name, "/memfd:nnn", 10);
    munmap(p, PAGE);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(areas_are_those_of_maps),
        cmocka_unit_test(resident_pages_are_counted),
        cmocka_unit_test(a_files_own_pages_are_told_from_written_ones),
        cmocka_unit_test(long_names_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
