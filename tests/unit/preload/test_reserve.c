/* SPDX-License-Identifier: MIT
 *
 * With the address space used up.
 */
#include "reserve.h"

#include <string.h>

#include "memory.h"
#include "support.h"

#define SIZE ((size_t)1 << 20)

static void the_reserve_is_for_when_there_is_nothing_else(void **state)
{
    (void)state;
    struct memory_pages pages;
    reserve_take();
    memory_pages(&pages);
    assert_true(pages.size_bytes > 2 * SIZE);
    support_take_memory();
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
    support_give_memory();
    assert_int_equal(again[0] | again[SIZE - 1], 0); /* as fresh pages */
    reserve_unmap(again, 2 * SIZE);
    plain = reserve_map(SIZE);
    assert_ptr_not_equal(plain, again);
    reserve_unmap(plain, SIZE);
}

/* Of what another thread wrote a dump from as it forked, nobody gives anything back there. */
static void a_child_has_all_of_it(void **state)
{
    (void)state;
    reserve_take();
    support_take_memory();
    char *first = reserve_map(SIZE), *second = reserve_map(64);
    char *too_much = reserve_map(2 * SIZE);
    memset(first, 1, SIZE);
    memset(second, 1, 64);
    reserve_child();
    char *again = reserve_map(2 * SIZE);
    reserve_child(); /* of that child */
    char *third = reserve_map(SIZE);
    support_give_memory();
    assert_null(too_much);
    assert_ptr_equal(again, first);
    assert_ptr_equal(third, first);
    assert_int_equal(again[0] | again[SIZE - 1] | *second, 0);
    reserve_unmap(third, SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reserve_is_for_when_there_is_nothing_else),
        cmocka_unit_test(a_child_has_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
