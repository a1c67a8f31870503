/* SPDX-License-Identifier: MIT
 *
 * What changed, by stack, line and function.
 */
#include "diff.h"
#include "identity_text.h"

static struct identities *t;
static struct stackset *old, *new;

static void put(struct stackset *s, const char *stack, uint64_t bytes, double variance)
{
    struct figures f = {.c = {.live_count = bytes ? 1 : 0, .live_bytes = bytes, .alloc_count = 1},
                        .variance = {.live_bytes = variance}};
    stackset_put(s, stack_of(t, stack), &f);
}

static int setup(void **state)
{
    (void)state;
    t = identities_new();
    old = stackset_new("old", t);
    new = stackset_new("new", t);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    stackset_free(old);
    stackset_free(new);
    identities_free(t);
    return 0;
}

static struct diff diff_of(enum diff_by by, bool self, size_t limit)
{
    struct diff_options options = {
        .by = by, .self = self, .value = columns_find("increment"), .limit = limit};
    stackset_sort(old);
    stackset_sort(new);
    return diff_new(old, new, &options);
}

/* "new main+2 0>8" */
static const char *row_text(const struct diff *d, size_t i)
{
    static char text[512];
    struct diff_change c = diff_change(d, &d->rows[i], d->value);
    snprintf(text, sizeof text, "%s %.400s %d>%d", diff_status_names[d->rows[i].status],
             text_of(t, diff_shown(&d->rows[i])->node), (int)c.old, (int)c.new);
    return text;
}

static void rows_say_what_changed(void **state)
{
    (void)state;
    put(old, "main+1 a+1", 8, 0);
    put(old, "main+2 b+1", 8, 0);
    put(old, "main+3 c+1 x+1 y+1", 8, 0);
    put(old, "main+4 d+1", 0, 0);
    put(old, "main+5 e+1", 8, 0);
    put(old, "main+6 f+1", 0, 0);
    put(new, "main+1 a+1", 10, 0);
    put(new, "main+2 b+1", 7, 0);
    put(new, "main+4 d+1", 5, 0); /* was there, but held nothing */
    put(new, "main+5 e+1", 8, 0);
    put(new, "main+6 f+1", 0, 0);
    put(new, "z+9 z+8 z+7", 100, 0);
    struct diff d = diff_of(DIFF_BY_STACK, false, 0);
    assert_int_equal(d.n, 5);
    assert_string_equal(row_text(&d, 0), "new z+9 z+8 z+7 0>100");
    assert_string_equal(row_text(&d, 1), "new main+4 d+1 0>5");
    assert_string_equal(row_text(&d, 2), "grown main+1 a+1 8>10");
    assert_string_equal(row_text(&d, 3), "shrunk main+2 b+1 8>7");
    assert_string_equal(row_text(&d, 4), "fixed main+3 c+1 x+1 y+1 8>0");
    assert_int_equal(d.counts[DIFF_SAME], 1);
    struct diff_change total = diff_total(&d, d.value);
    assert_int_equal(total.old, 32);
    assert_int_equal(total.new, 130);
    diff_free(&d);
    d = diff_of(DIFF_BY_STACK, false, 2);
    assert_int_equal(d.n, 2);
    assert_int_equal(d.left_out, 3);
    assert_string_equal(row_text(&d, 1), "new main+4 d+1 0>5");
    diff_free(&d);
}

static void a_line_is_charged_once_for_a_stack(void **state)
{
    (void)state;
    put(new, "main+1 f+1 f+1 f+2 libc:?", 8, 0);
    put(new, "main+1 f+2", 1, 0);
    struct diff d = diff_of(DIFF_BY_LINE, false, 0);
    assert_int_equal(d.n, 4);
    assert_string_equal(row_text(&d, 0), "new f+2 0>9");
    assert_string_equal(row_text(&d, 1), "new main+1 0>9");
    assert_string_equal(row_text(&d, 2), "new libc:? 0>8");
    assert_string_equal(row_text(&d, 3), "new f+1 0>8");
    diff_free(&d);
    d = diff_of(DIFF_BY_FUNCTION, false, 0);
    assert_int_equal(d.n, 3);
    assert_string_equal(row_text(&d, 0), "new f 0>9");
    diff_free(&d);
    d = diff_of(DIFF_BY_LINE, true, 0); /* the innermost with a line */
    assert_int_equal(d.n, 1);
    assert_string_equal(row_text(&d, 0), "new f+2 0>9");
    diff_free(&d);
}

static void lines_that_moved_are_partners(void **state)
{
    (void)state;
    put(old, "main+1 f+1", 8, 0);
    put(new, "main+1 f+4", 8, 0);
    struct diff d = diff_of(DIFF_BY_LINE, false, 0);
    assert_int_equal(d.n, 0);
    assert_int_equal(d.counts[DIFF_SAME], 2);
    assert_int_equal(d.moved, 1);
    diff_free(&d);
}

static void estimates_differ_by_more_than_their_error(void **state)
{
    (void)state;
    old->whole.has_errors = new->whole.has_errors = true;
    put(old, "main+1 a+1", 1000, 90000); /* 300 */
    put(new, "main+1 a+1", 2500, 160000);
    put(old, "main+2 b+1", 1000, 90000);
    put(new, "main+2 b+1", 2501, 160000); /* more than 3 times 500 */
    put(new, "main+3 c+1 d+1", 900, 90000);
    struct diff d = diff_of(DIFF_BY_STACK, false, 0);
    assert_int_equal(d.n, 1);
    assert_string_equal(row_text(&d, 0), "grown main+2 b+1 1000>2501");
    assert_int_equal(d.counts[DIFF_UNSURE], 2);
    assert_int_equal(diff_change(&d, &d.rows[0], d.value).error, 500);
    diff_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_say_what_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_line_is_charged_once_for_a_stack, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_that_moved_are_partners, setup, teardown),
        cmocka_unit_test_setup_teardown(estimates_differ_by_more_than_their_error, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
