/* SPDX-License-Identifier: MIT
 *
 * The first of many, whatever order they come in.
 */
#include "test.h"
#include "top.h"

#include <stdbool.h>

enum { MANY = 1000 };

struct item {
    char text[3]; /* an odd size */
    unsigned char low, high;
};

static unsigned value_of(const struct item *item)
{
    return item->high * 256u + item->low;
}

static int ascending(const void *a, const void *b, void *arg)
{
    unsigned x = value_of(a), y = value_of(b);
    ++*(size_t *)arg;
    return x < y ? -1 : x > y;
}

/* The numbers from 0 up to N, each once; FACTOR has no divisor in common with it. */
static void fill(struct item *items, unsigned n, unsigned factor)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned value = n ? i * factor % n : 0;
        items[i] = (struct item){"ab", (unsigned char)value, (unsigned char)(value >> 8)};
    }
}

static void first_of_many(void **state)
{
    static const unsigned factors[] = {1, 7, 333, 999 /* descending */};
    static const size_t limits[] = {0, 1, 2, 3, 17, 999, 1000, 5000};
    struct item items[MANY];
    size_t compared;
    (void)state;
    for (size_t f = 0; f < sizeof factors / sizeof *factors; f++) {
        for (size_t k = 0; k < sizeof limits / sizeof *limits; k++) {
            size_t shown = limits[k] && limits[k] < MANY ? limits[k] : MANY;
            bool seen[MANY] = {false};
            fill(items, MANY, factors[f]);
            top_sort(items, MANY, sizeof *items, limits[k], ascending, &compared);
            for (size_t i = 0; i < shown; i++)
                assert_int_equal(value_of(&items[i]), i);
            for (size_t i = 0; i < MANY; i++) {
                assert_false(seen[value_of(&items[i])]);
                assert_string_equal(items[i].text, "ab");
                seen[value_of(&items[i])] = true;
            }
        }
    }
}

static void few(void **state)
{
    struct item items[2];
    size_t compared = 0;
    (void)state;
    top_sort(NULL, 0, sizeof *items, 3, ascending, &compared);
    fill(items, 1, 1);
    top_sort(items, 1, sizeof *items, 1, ascending, &compared);
    assert_int_equal(compared, 0);
}

/* What is not shown is compared about once. */
static void the_rest_is_not_sorted(void **state)
{
    struct item items[MANY];
    size_t compared = 0;
    (void)state;
    fill(items, MANY, 7);
    top_sort(items, MANY, sizeof *items, 3, ascending, &compared);
    assert_true(compared < 2 * MANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_of_many),
        cmocka_unit_test(few),
        cmocka_unit_test(the_rest_is_not_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
