/* SPDX-License-Identifier: MIT
 *
 * Which stack is which of another build.
 */
#include "compare.h"
#include "identity_text.h"

static struct identities *t;

/* A stack that holds COUNT blocks of BYTES bytes together. */
struct made {
    const char *stack;
    unsigned count, bytes;
};

static struct stackset *make(const struct made *stacks)
{
    struct stackset *s = stackset_new("made", t);
    for (; stacks->stack; stacks++) {
        struct figures f = {.c = {.live_count = stacks->count, .live_bytes = stacks->bytes}};
        stackset_put(s, stack_of(t, stacks->stack), &f);
    }
    stackset_sort(s);
    return s;
}

static void match(const struct made *old, const struct made *new, const char *expected)
{
    static const char *const marks[] = {"alone", "exact", "moved", "similar"};
    char text[4096] = "";
    t = identities_new();
    struct stackset *o = make(old), *n = make(new);
    struct comparison c = compare(o, n);
    for (size_t i = 0; i < c.n; i++) {
        const struct compare_row *r = &c.rows[i];
        size_t at = strlen(text);
        at += (size_t)snprintf(text + at, sizeof text - at, "%s: ", marks[r->match]);
        if (r->old)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s", text_of(t, r->old->node));
        at += (size_t)snprintf(text + at, sizeof text - at, " -> ");
        if (r->new)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s", text_of(t, r->new->node));
        snprintf(text + at, sizeof text - at, "\n");
    }
    assert_string_equal(text, expected);
    comparison_free(&c);
    stackset_free(o);
    stackset_free(n);
    identities_free(t);
}

#define STACKS(...)                                                                                \
    (const struct made[])                                                                          \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            NULL, 0, 0                                                                             \
        }                                                                                          \
    }

static void equal_stacks_are_partners(void **state)
{
    (void)state;
    match(STACKS({"main+2 a+1", 1, 8}, {"main+3 b+1", 1, 8}),
          STACKS({"main+3 b+1", 2, 16}, {"main+2 a+1", 1, 8}),
          "exact: main+2 a+1 -> main+2 a+1\n"
          "exact: main+3 b+1 -> main+3 b+1\n");
}

static void the_rest_is_new_or_gone(void **state)
{
    (void)state;
    match(STACKS({"main+2 a+1", 1, 8}, {"main+3 b+1", 1, 8}),
          STACKS({"main+2 a+1", 1, 8}, {"other+9 c+1 d+2", 1, 9}),
          "exact: main+2 a+1 -> main+2 a+1\n"
          "alone:  -> other+9 c+1 d+2\n"
          "alone: main+3 b+1 -> \n");
}

static void figures_of_one_identity_add_up(void **state)
{
    (void)state;
    t = identities_new();
    struct stackset *s = make(STACKS({"main+2 a+1", 1, 8}, {"main+2 a+1", 2, 30}, {"b+1", 0, 0}));
    assert_int_equal(s->n, 2);
    assert_string_equal(text_of(t, s->entries[1].node), "main+2 a+1");
    assert_int_equal(s->entries[1].figures.c.live_count, 3);
    assert_int_equal(s->entries[1].figures.c.live_bytes, 38);
    stackset_keep_live(s);
    assert_int_equal(s->n, 1);
    stackset_put(s, stack_of(t, "main+2 a+1"), &(struct figures){.c = {.live_count = 1}});
    assert_int_equal(s->n, 1);
    assert_int_equal(s->entries[0].figures.c.live_count, 4);
    stackset_free(s);
    identities_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_stacks_are_partners),
        cmocka_unit_test(the_rest_is_new_or_gone),
        cmocka_unit_test(figures_of_one_identity_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
