/* SPDX-License-Identifier: MIT
 *
 * Which stack is which of another build, where many have no equal.
 */
#include "compare.h"
#include "identity_text.h"

#define MANY 3000

/* Writes stack I of one build and of the other. */
typedef void stack_writer(int i, char old[64], char new[64]);

static void match_many(stack_writer *write)
{
    struct identities *t = identities_new();
    struct stackset *o = stackset_new("old", t), *n = stackset_new("new", t);
    for (int i = 0; i < MANY; i++) {
        char old[64], new[64];
        struct figures f = {.c = {.live_count = 1, .live_bytes = (uint64_t)i + 1}};
        write(i, old, new);
        stackset_put(o, stack_of(t, old), &f);
        stackset_put(n, stack_of(t, new), &f);
    }
    stackset_sort(o);
    stackset_sort(n);
    struct comparison c = compare(o, n);
    assert_int_equal(c.n, MANY);
    for (size_t i = 0; i < c.n; i++) {
        assert_int_equal(c.rows[i].match, COMPARE_SIMILAR);
        assert_int_equal(c.rows[i].old->figures.c.live_bytes, c.rows[i].new->figures.c.live_bytes);
    }
    comparison_free(&c);
    stackset_free(o);
    stackset_free(n);
    identities_free(t);
}

static void write_without_main(int i, char old[64], char new[64])
{
    snprintf(old, 64, "main+%d f%d+1 g%d+1 h+1", i, i % 50, i);
    snprintf(new, 64, "f%d+1 g%d+%d h+1", i % 50, i, 1 + i % 3);
}

static void main_is_gone(void **state)
{
    (void)state;
    match_many(write_without_main);
}

static void write_merged(int i, char old[64], char new[64])
{
    snprintf(old, 64, "main+%d f%d+1", i, i);
    snprintf(new, 64, "main+%d z%d+1", i, i % 50);
}

/* Where functions are alike, compilers keep one of them. */
static void functions_became_one(void **state)
{
    (void)state;
    match_many(write_merged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(main_is_gone),
        cmocka_unit_test(functions_became_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
