/* SPDX-License-Identifier: MIT
 *
 * Which stack is which of another build.
 */
#include "compare.h"
#include "identity_text.h"

static struct identities *t;

static bool live_only; /* sets of live blocks alone */

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
    s->live_only = live_only;
    stackset_sort(s);
    return s;
}

/* What the rows of the last match hold: "1 8>2 16; " */
static char figures_text[4096];

static void write_figures(const struct comparison *c)
{
    static const struct figures none = {0};
    size_t at = 0;
    for (size_t i = 0; i < c->n; i++) {
        const struct figures *a = c->rows[i].old ? &c->rows[i].old->figures : &none,
                             *b = c->rows[i].new ? &c->rows[i].new->figures : &none;
        at += (size_t)snprintf(figures_text + at, sizeof figures_text - at, "%d %d>%d %d; ",
                               (int)a->c.live_count, (int)a->c.live_bytes, (int)b->c.live_count,
                               (int)b->c.live_bytes);
    }
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
    write_figures(&c);
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

static void moved_calls_keep_their_order(void **state)
{
    (void)state;
    match(STACKS({"main+2 a+3", 1, 8}, {"main+2 a+7", 1, 8}),
          STACKS({"main+3 a+6", 1, 8}, {"main+3 a+10", 1, 8}),
          "moved: main+2 a+3 -> main+3 a+6\n"
          "moved: main+2 a+7 -> main+3 a+10\n");
}

static void of_several_calls_the_nearest_has_moved(void **state)
{
    (void)state;
    match(STACKS({"main+2 a+3", 1, 8}, {"main+2 a+7", 1, 8}),
          STACKS({"main+2 a+4", 1, 8}, {"main+2 a+8", 1, 8}, {"main+2 a+20", 1, 8}),
          "moved: main+2 a+3 -> main+2 a+4\n"
          "moved: main+2 a+7 -> main+2 a+8\n"
          "alone:  -> main+2 a+20\n");
    match(STACKS({"main+2 a+4", 1, 8}, {"main+2 a+8", 1, 8}, {"main+2 a+20", 1, 8}),
          STACKS({"main+2 a+21", 1, 8}),
          "moved: main+2 a+20 -> main+2 a+21\n"
          "alone: main+2 a+4 -> \n"
          "alone: main+2 a+8 -> \n");
}

static void sizes_say_more_than_lines(void **state)
{
    (void)state;
    match(STACKS({"main+2 a+3", 2, 16}), STACKS({"main+2 a+4", 1, 100}, {"main+2 a+9", 5, 40}),
          "alone:  -> main+2 a+4\n"
          "moved: main+2 a+3 -> main+2 a+9\n");
}

static void what_is_inserted_takes_no_others_place(void **state)
{
    (void)state;
    /* A leak of 100 bytes on the line where one of 8 was, which is now one further down. */
    match(STACKS({"main+2 a+3", 1, 8}), STACKS({"main+2 a+3", 1, 100}, {"main+2 a+4", 1, 8}),
          "alone:  -> main+2 a+3\n"
          "moved: main+2 a+3 -> main+2 a+4\n");
    /* But a size that changes is no reason by itself. */
    match(STACKS({"main+2 a+3", 1, 8}), STACKS({"main+2 a+3", 1, 100}, {"main+2 a+4", 1, 9}),
          "exact: main+2 a+3 -> main+2 a+3\n"
          "alone:  -> main+2 a+4\n");
}

static void the_longest_common_part_decides(void **state)
{
    (void)state;
    /* A function was renamed, one was put between, one vanished in a tail call. */
    match(
        STACKS({"main+2 a+3 b+1", 1, 8}, {"main+3 c+1 d+2", 1, 16}, {"main+4 e+1 f+2", 1, 24}),
        STACKS({"main+2 a+3 b2+1", 1, 8}, {"main+3 c+1 wrap+1 d+2", 1, 16}, {"main+4 f+2", 1, 24}),
        "similar: main+2 a+3 b+1 -> main+2 a+3 b2+1\n"
        "similar: main+3 c+1 d+2 -> main+3 c+1 wrap+1 d+2\n"
        "similar: main+4 e+1 f+2 -> main+4 f+2\n");
}

static void main_may_vanish(void **state)
{
    (void)state;
    match(STACKS({"main+2 run+3 a+1", 1, 8}, {"main+2 run+4 a+1", 2, 8}),
          STACKS({"run+3 a+1", 1, 8}, {"run+4 a+1", 2, 8}),
          "similar: main+2 run+3 a+1 -> run+3 a+1\n"
          "similar: main+2 run+4 a+1 -> run+4 a+1\n");
}

static void little_in_common_is_new(void **state)
{
    (void)state;
    /* The same size, called from elsewhere; most in common, but of another size and function. */
    match(STACKS({"main+2 a+1", 1, 8}, {"x+1 y+1 z+1 old+1", 1, 9}),
          STACKS({"main+9 b+1", 1, 8}, {"x+1 y+1 z+1 new+1", 1, 7}),
          "alone:  -> main+9 b+1\n"
          "alone:  -> x+1 y+1 z+1 new+1\n"
          "alone: main+2 a+1 -> \n"
          "alone: x+1 y+1 z+1 old+1 -> \n");
}

static void the_better_partner_wins(void **state)
{
    (void)state;
    match(STACKS({"main+2 a+3 b+1 c+1", 1, 8}),
          STACKS({"main+2 a+3 b2+1 c+1", 1, 8}, {"main+2 a2+3 b2+1 c+1", 1, 8}),
          "similar: main+2 a+3 b+1 c+1 -> main+2 a+3 b2+1 c+1\n"
          "alone:  -> main+2 a2+3 b2+1 c+1\n");
}

static void frames_without_names_say_little(void **state)
{
    (void)state;
    match(STACKS({"? lib.so:? x.so:? y.so:? a+1", 1, 8}),
          STACKS({"? lib.so:? x.so:? y.so:? b+1", 1, 8}),
          "similar: ? lib.so:? x.so:? y.so:? a+1 -> ? lib.so:? x.so:? y.so:? b+1\n");
    match(STACKS({"? lib.so:? x.so:? a+1", 1, 8}), STACKS({"? lib.so:? x.so:? b+1", 1, 8}),
          "alone:  -> ? lib.so:? x.so:? b+1\n"
          "alone: ? lib.so:? x.so:? a+1 -> \n");
}

static void calls_that_were_merged_count_together(void **state)
{
    (void)state;
    static const struct made apart[] = {
        {"main+2 a+3", 1, 8}, {"main+2 a+5", 2, 16}, {"main+2 a+9", 1, 8}, {NULL, 0, 0}};
    static const struct made merged[] = {{"main+2 a+5", 3, 24}, {"main+2 a+9", 1, 8}, {NULL, 0, 0}};
    match(apart, merged,
          "exact: main+2 a+5 -> main+2 a+5\n"
          "exact: main+2 a+9 -> main+2 a+9\n");
    assert_string_equal(figures_text, "3 24>3 24; 1 8>1 8; ");
    match(merged, apart,
          "exact: main+2 a+5 -> main+2 a+5\n"
          "exact: main+2 a+9 -> main+2 a+9\n");
    assert_string_equal(figures_text, "3 24>3 24; 1 8>1 8; ");
    /* One block more is one too many: what it would be part of is not known. */
    match(apart, STACKS({"main+2 a+5", 4, 32}, {"main+2 a+9", 1, 8}),
          "exact: main+2 a+5 -> main+2 a+5\n"
          "exact: main+2 a+9 -> main+2 a+9\n"
          "alone: main+2 a+3 -> \n");
    assert_string_equal(figures_text, "2 16>4 32; 1 8>1 8; 1 8>0 0; ");
}

static void blocks_that_are_elsewhere_are_no_change(void **state)
{
    (void)state;
    /* The call of wrap, or the one in it, is a jump: what was below it is at another stack. */
    const struct made *old = STACKS({"main+2 f+1 g+1 h+1 a+1", 2, 16},
                                    {"main+5 wrap+1 f+1 g+1 h+1 a+1", 1, 8}, {"z+1", 1, 5}),
                      *new = STACKS({"main+2 f+1 g+1 h+1 a+1", 3, 24}, {"z+2", 1, 5});
    static const char both[] = "exact: main+2 f+1 g+1 h+1 a+1 -> main+2 f+1 g+1 h+1 a+1\n"
                               "moved: z+1 -> z+2\n",
                      gone[] = "exact: main+2 f+1 g+1 h+1 a+1 -> main+2 f+1 g+1 h+1 a+1\n"
                               "moved: z+1 -> z+2\n"
                               "alone: main+5 wrap+1 f+1 g+1 h+1 a+1 -> \n";
    match(old, new, gone); /* of sets with all counters nothing is left out */
    assert_string_equal(figures_text, "2 16>3 24; 1 5>1 5; 1 8>0 0; ");
    live_only = true;
    match(old, new, both);
    assert_string_equal(figures_text, "3 24>3 24; 1 5>1 5; ");
    match(new, old,
          "exact: main+2 f+1 g+1 h+1 a+1 -> main+2 f+1 g+1 h+1 a+1\n"
          "moved: z+2 -> z+1\n");
    assert_string_equal(figures_text, "2 16>2 16; 1 5>1 5; ");
    /* A block more is a leak, however much else is elsewhere; and so is one of another function. */
    match(old, STACKS({"main+2 f+1 g+1 h+1 a+1", 4, 32}, {"z+2", 1, 5}), gone);
    assert_string_equal(figures_text, "2 16>4 32; 1 5>1 5; 1 8>0 0; ");
    match(STACKS({"main+2 f+1 g+1 h+1 a+1", 2, 16}, {"x+1 y+1 w+1 a+1", 1, 8}, {"z+1", 1, 5}), new,
          "exact: main+2 f+1 g+1 h+1 a+1 -> main+2 f+1 g+1 h+1 a+1\n"
          "moved: z+1 -> z+2\n"
          "alone: x+1 y+1 w+1 a+1 -> \n");
    live_only = false;
}

static void blocks_of_another_run_are_a_change(void **state)
{
    (void)state;
    const struct made *old = STACKS({"main+2 f+1 g+1 h+1 a+1", 5, 40},
                                    {"main+2 f+1 g+1 k+1 h+1 a+1", 1, 8}, {"z+1", 1, 5}),
                      *run = STACKS({"main+2 f+1 g+1 h+1 a+1", 2, 16},
                                    {"main+2 f+1 g+1 k+1 h+1 a+1", 4, 32}, {"z+1", 1, 5}),
                      *build = STACKS({"main+2 f+1 g+1 h+1 a+1", 2, 16},
                                      {"main+2 f+1 g+1 k+1 h+1 a+1", 4, 32}, {"z+2", 1, 5});
    live_only = true;
    /* What the same build does otherwise is what the program does. */
    match(old, run,
          "exact: main+2 f+1 g+1 h+1 a+1 -> main+2 f+1 g+1 h+1 a+1\n"
          "exact: main+2 f+1 g+1 k+1 h+1 a+1 -> main+2 f+1 g+1 k+1 h+1 a+1\n"
          "exact: z+1 -> z+1\n");
    assert_string_equal(figures_text, "5 40>2 16; 1 8>4 32; 1 5>1 5; ");
    match(old, build,
          "exact: main+2 f+1 g+1 h+1 a+1 -> main+2 f+1 g+1 h+1 a+1\n"
          "exact: main+2 f+1 g+1 k+1 h+1 a+1 -> main+2 f+1 g+1 k+1 h+1 a+1\n"
          "moved: z+1 -> z+2\n");
    assert_string_equal(figures_text, "2 16>2 16; 4 32>4 32; 1 5>1 5; ");
    live_only = false;
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
        cmocka_unit_test(moved_calls_keep_their_order),
        cmocka_unit_test(of_several_calls_the_nearest_has_moved),
        cmocka_unit_test(sizes_say_more_than_lines),
        cmocka_unit_test(what_is_inserted_takes_no_others_place),
        cmocka_unit_test(the_longest_common_part_decides),
        cmocka_unit_test(main_may_vanish),
        cmocka_unit_test(little_in_common_is_new),
        cmocka_unit_test(the_better_partner_wins),
        cmocka_unit_test(frames_without_names_say_little),
        cmocka_unit_test(calls_that_were_merged_count_together),
        cmocka_unit_test(blocks_that_are_elsewhere_are_no_change),
        cmocka_unit_test(blocks_of_another_run_are_a_change),
        cmocka_unit_test(figures_of_one_identity_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
