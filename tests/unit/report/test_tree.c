/* SPDX-License-Identifier: MIT
 *
 * The call tree in both directions, and what is left out of it.
 */
#include "hand_model.h"
#include "test.h"
#include "tree.h"

struct expected {
    uint32_t depth;
    const char *function;
    uint64_t peak;
};

static void expect_tree(const struct tree *t, const struct expected *nodes, size_t n)
{
    assert_int_equal(t->n, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(t->nodes[i].depth, nodes[i].depth);
        assert_string_equal(m->places[t->nodes[i].place].function, nodes[i].function);
        assert_int_equal(t->nodes[i].total.c.peak_bytes, nodes[i].peak);
    }
}

static void top_down(void **state)
{
    static const struct expected nodes[] = {
        {0, "main", 209}, {1, "work", 170},
        {2, "work", 150}, {3, "work2", 150},
        {4, "get", 150},  {2, "strdup+0xf", 20},
        {1, "cxx", 32},   {2, "operator new(unsigned long)+0x18", 32},
        {1, "0x7f00", 7}, {1, "handler", 0}};
    struct tree_options options = {.value = columns_find("mem-usage")};
    struct tree t = tree_new(m, &options);
    (void)state;
    expect_tree(&t, nodes, sizeof nodes / sizeof *nodes);
    assert_int_equal(t.nodes[4].self.c.peak_bytes, 150);
    assert_int_equal(t.nodes[1].self.c.peak_bytes, 0);
    assert_true(t.nodes[0].percent == 100);
    assert_true(t.nodes[4].inlined);
    tree_free(&t);
}

static void bottom_up(void **state)
{
    static const struct expected nodes[] = {
        {0, "get", 150},  {1, "work2", 150}, {2, "work", 150},
        {3, "work", 150}, {4, "main", 150},  {0, "operator new(unsigned long)+0x18", 32},
        {1, "cxx", 32},   {2, "main", 32},   {0, "strdup+0xf", 20},
        {1, "work", 20},  {2, "main", 20},   {0, "0x7f00", 7},
        {1, "main", 7},   {0, "handler", 0}, {1, "main", 0}};
    struct tree_options options = {.value = columns_find("mem-usage"), .bottom_up = true};
    struct tree t = tree_new(m, &options);
    (void)state;
    expect_tree(&t, nodes, sizeof nodes / sizeof *nodes);
    tree_free(&t);
}

static void bottom_up_from_the_project(void **state)
{
    static const struct expected nodes[] = {{0, "get", 150},  {1, "work2", 150}, {2, "work", 150},
                                            {3, "work", 150}, {4, "main", 150},  {0, "cxx", 32},
                                            {1, "main", 32},  {0, "work", 20},   {1, "main", 20},
                                            {0, "main", 7},   {0, "handler", 0}, {1, "main", 0}};
    struct tree_options options = {.value = columns_find("mem-usage"), .bottom_up = true};
    model_set_root(m, "/src", NULL);
    struct tree t = tree_new(m, &options);
    (void)state;
    expect_tree(&t, nodes, sizeof nodes / sizeof *nodes);
    tree_free(&t);
    model_set_root(m, "/nowhere", NULL); /* whole stacks */
    t = tree_new(m, &options);
    assert_int_equal(t.n, 15);
    tree_free(&t);
}

static void limits(void **state)
{
    static const struct expected down[] = {{0, "main", 209}, {1, "work", 170}, {1, "cxx", 32}};
    struct tree_options options = {
        .value = columns_find("mem-usage"), .max_depth = 2, .max_children = 2};
    struct tree t = tree_new(m, &options);
    (void)state;
    expect_tree(&t, down, 3);
    assert_int_equal(t.nodes[0].left_out, 2);
    assert_int_equal(t.nodes[1].left_out, 2);
    tree_free(&t);
    /* The handler held nothing at the peak: too small, even where there is room. */
    options.max_children = 100;
    t = tree_new(m, &options);
    assert_int_equal(t.n, 4);
    assert_int_equal(t.nodes[0].left_out, 1);
    tree_free(&t);
    static const struct expected up[] = {{0, "get", 150}};
    options = (struct tree_options){
        .value = columns_find("mem-usage"), .max_depth = 1, .max_children = 1, .bottom_up = true};
    t = tree_new(m, &options);
    expect_tree(&t, up, 1);
    assert_int_equal(t.left_out, 4);
    assert_int_equal(t.nodes[0].left_out, 1);
    tree_free(&t);
}

static void filters(void **state)
{
    static const struct expected nodes[] = {
        {0, "main", 32}, {1, "cxx", 32}, {2, "operator new(unsigned long)+0x18", 32}};
    struct tree_options options = {.value = columns_find("mem-usage"), .function_glob = "cxx"};
    struct tree t = tree_new(m, &options);
    (void)state;
    expect_tree(&t, nodes, 3);
    assert_int_equal(t.whole.c.alloc_count, 4);
    tree_free(&t);
    options.bottom_up = true;
    t = tree_new(m, &options);
    assert_int_equal(t.n, 3);
    tree_free(&t);
    options.function_glob = "nosuch";
    t = tree_new(m, &options);
    assert_int_equal(t.n, 0);
    tree_free(&t);
}

static void other_values(void **state)
{
    struct tree_options options = {.value = columns_find("occurrences"), .bottom_up = true};
    struct tree t = tree_new(m, &options);
    (void)state;
    assert_true(t.nodes[0].percent > 33.3 && t.nodes[0].percent < 33.4);
    assert_int_equal(t.nodes[0].total.c.alloc_count, 4);
    tree_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(top_down, setup, teardown),
        cmocka_unit_test_setup_teardown(bottom_up, setup, teardown),
        cmocka_unit_test_setup_teardown(bottom_up_from_the_project, setup, teardown),
        cmocka_unit_test_setup_teardown(limits, setup, teardown),
        cmocka_unit_test_setup_teardown(filters, setup, teardown),
        cmocka_unit_test_setup_teardown(other_values, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
