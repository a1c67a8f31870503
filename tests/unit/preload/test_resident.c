/* SPDX-License-Identifier: MIT
 *
 * Against pages that the test itself touches, of anonymous memory and of a file.
 */
#include "resident.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support.h"
#include "sys.h"

#define PAGE ((size_t)4096)
#define PAGES ((size_t)3000) /* more than are asked for at once */

static unsigned char *map(void)
{
    unsigned char *p =
        mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    assert_int_equal(madvise(p, PAGES * PAGE, MADV_NOHUGEPAGE), 0);
    return p;
}

static void what_is_written_is_resident(void **state)
{
    (void)state;
    unsigned char *p = map();
    assert_int_equal(resident_anonymous(p, PAGES * PAGE), 0);
    int64_t written = 0;
    for (size_t i = 0; i < PAGES; i += 7) {
        p[i * PAGE + i % PAGE] = 1;
        written += (int64_t)PAGE;
    }
    assert_int_equal(resident_anonymous(p, PAGES * PAGE), written);
    assert_int_equal(madvise(p, 70 * PAGE, MADV_DONTNEED), 0);
    assert_int_equal(resident_anonymous(p, PAGES * PAGE), written - 10 * (int64_t)PAGE);
    munmap(p, PAGES * PAGE);
    assert_int_equal(resident_anonymous(p, PAGES * PAGE), -1);
}

static void every_page_that_is_touched_counts(void **state)
{
    (void)state;
    unsigned char *p = map();
    memset(p, 1, 3 * PAGE);
    assert_int_equal(resident_anonymous(p, 0), 0);
    assert_int_equal(resident_anonymous(p + 5, 0), 0);
    assert_int_equal(resident_anonymous(p + PAGE - 1, 1), PAGE);
    assert_int_equal(resident_anonymous(p + PAGE - 1, 2), 2 * PAGE);
    assert_int_equal(resident_anonymous(p + 1, PAGE), 2 * PAGE);
    assert_int_equal(resident_anonymous(p + 1, 3 * PAGE), 3 * PAGE);
    munmap(p, PAGES * PAGE);
}

static void of_a_file_what_this_process_has_mapped(void **state)
{
    (void)state;
    int pagemap = resident_open();
    if (pagemap < 0) {
        skip(); /* this process must not be looked at */
    }
    enum { FILE_PAGES = 400, WRITTEN = 30 };
    static char content[FILE_PAGES * PAGE + 1];
    memset(content, 'x', sizeof content - 1);
    support_enter_directory();
    support_write(support_path("file"), content);
    int fd = open(support_path("file"), O_RDONLY | O_CLOEXEC);
    char *p = mmap(NULL, FILE_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    assert_true(p != MAP_FAILED);
    close(fd);
    /* In the page cache, but not here. */
    assert_int_equal(resident_mapped(pagemap, p, FILE_PAGES * PAGE), 0);
    for (size_t i = 0; i < WRITTEN; i++) {
        p[i * PAGE] = 'y';
    }
    assert_int_equal(resident_mapped(pagemap, p, WRITTEN * PAGE), WRITTEN * PAGE);
    munmap(p, FILE_PAGES * PAGE);
    assert_int_equal(resident_mapped(pagemap, p, FILE_PAGES * PAGE), 0);
    resident_close(pagemap);
    support_leave_directory();
}

static void touched_is_what_was_read_or_written(void **state)
{
    (void)state;
    static bool touched[PAGES];
    unsigned char *p = map();
    int pagemap = resident_open();
    if (pagemap < 0) {
        skip();
    }
    p[3 * PAGE] = 1;
    p[2999 * PAGE + 4095] = 1;
    assert_int_equal(((volatile unsigned char *)p)[1000 * PAGE], 0);
    resident_touched(pagemap, p, touched, PAGES);
    for (size_t i = 0; i < PAGES; i++) {
        assert_int_equal(touched[i], i == 3 || i == 1000 || i == 2999);
    }
    resident_close(pagemap);
    munmap(p, PAGES * PAGE);
}

static void without_pagemap_nothing_is_told(void **state)
{
    (void)state;
    bool touched[3] = {false, false, true};
    unsigned char *p = map();
    resident_touched(-1, p, touched, 2);
    assert_true(touched[0] && touched[1]);
    assert_int_equal(resident_mapped(-1, p, PAGE), -1);
    int other = open("/dev/null", O_RDONLY | O_CLOEXEC); /* gives no entries */
    touched[0] = touched[1] = touched[2] = false;
    resident_touched(other, p, touched, 2);
    assert_true(touched[0] && touched[1] && !touched[2]);
    assert_int_equal(resident_mapped(other, p, PAGE), -1);
    resident_close(other);
    assert_int_equal(fcntl(other, F_GETFD), -1);
    resident_close(-1);
    munmap(p, PAGES * PAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_resident),
        cmocka_unit_test(every_page_that_is_touched_counts),
        cmocka_unit_test(of_a_file_what_this_process_has_mapped),
        cmocka_unit_test(touched_is_what_was_read_or_written),
        cmocka_unit_test(without_pagemap_nothing_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
