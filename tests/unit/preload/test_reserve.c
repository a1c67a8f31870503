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
    none.rlim_cur = 4096; /* less than there is already */
    assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
    void *plain = sys_map(SIZE), *first = reserve_map(SIZE), *second = reserve_map(SIZE);
    void *third = reserve_map(SIZE);
    reserve_take(); /* it is there */
    assert_null(plain);
    assert_non_null(first);
    memset(first, 1, SIZE);
    assert_non_null(second); /* the rest of it */
    assert_null(third);
    reserve_unmap(first, SIZE);
    assert_null(reserve_map(SIZE)); /* not while a piece is held */
    reserve_unmap(second, SIZE);
    char *again = reserve_map(2 * SIZE);
    assert_non_null(again);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(again[0] | again[SIZE - 1], 0); /* as fresh pages */
    reserve_unmap(again, 2 * SIZE);
    plain = reserve_map(SIZE);
    assert_ptr_not_equal(plain, again);
    reserve_unmap(plain, SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reserve_is_for_when_there_is_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
