/* SPDX-License-Identifier: MIT
 *
 * With the address space used up.
 */
#include "reserve.h"

#include <string.h>
#include <sys/resource.h>

#include "memory.h"
#include "support.h"

#define SIZE ((size_t)1 << 20)

static void the_reserve_is_for_when_there_is_nothing_else(void **state)
{
    (void)state;
    struct rlimit before, none;
    struct memory_pages pages;
    reserve_take();
    memory_pages(&pages);
    assert_true(pages.size_bytes > 2 * SIZE);
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    none = before;
    none.rlim_cur = pages.size_bytes;
    assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
    void *plain = sys_map(SIZE), *first = reserve_map(SIZE), *second = reserve_map(SIZE);
    void *third = reserve_map(SIZE);
    reserve_take(); /* there is no room */
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_null(plain);
    assert_non_null(first);
    memset(first, 1, SIZE);
    assert_non_null(second); /* the rest of it */
    assert_null(third);
    sys_unmap(first, SIZE);
    sys_unmap(second, SIZE);
    first = reserve_map(SIZE);
    assert_non_null(first);
    sys_unmap(first, SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reserve_is_for_when_there_is_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
