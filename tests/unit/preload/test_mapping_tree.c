/* SPDX-License-Identifier: MIT
 *
 * Against a model that knows for each page of a small address space by whom it is mapped.
 */
#include "mapping_tree.h"

#include <string.h>

#include "support.h"

enum { PAGES = 300, MAPPINGS = 4000 };
#define BASE ((uintptr_t)0x7000000)
#define PAGE ((uintptr_t)4096)

static struct arena_pool pool;
static struct mapping_tree tree;
static struct mapping mapping[MAPPINGS];
static struct mapping *model[PAGES];

static int begin(void **state)
{
    (void)state;
    tree = (struct mapping_tree){.arena.pool = &pool};
    memset(mapping, 0, sizeof mapping);
    memset(model, 0, sizeof model);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_pool_clear(&pool);
    return 0;
}

static uintptr_t address(size_t page)
{
    return BASE + page * PAGE;
}

static void add(size_t from, size_t to, struct mapping *of)
{
    assert_true(mapping_tree_reserve(&tree));
    mapping_tree_add(&tree, address(from), address(to), of);
    for (size_t i = from; i < to; i++) {
        model[i] = of;
    }
}

static struct piece *cut(size_t from, size_t to)
{
    assert_true(mapping_tree_reserve(&tree));
    return mapping_tree_cut(&tree, address(from), address(to));
}

/* LIST holds what the model has between FROM and TO, in order. */
static void check_list(const struct piece *list, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (list && address(i) == list->end) {
            list = list->right;
        }
        const bool within = list && address(i) >= list->start && address(i) < list->end;
        assert_ptr_equal(within ? list->of : NULL, model[i]);
        assert_true(!within || (list->start >= address(from) && list->end <= address(to)));
    }
    assert_true(!list || (list->end == address(to) && !list->right));
}

/* The tree is the model, and counts right how many pieces each of the first N mappings has. */
static void check_all(size_t n)
{
    static uint32_t pieces[MAPPINGS];
    memset(pieces, 0, sizeof pieces);
    const struct piece *p = mapping_tree_at(&tree, 0);
    for (size_t i = 0; i < PAGES; i++) {
        if (p && p->end == address(i)) {
            pieces[p->of - mapping]++;
            p = mapping_tree_at(&tree, p->end);
        }
        const bool within = p && address(i) >= p->start;
        assert_ptr_equal(within ? p->of : NULL, model[i]);
        assert_ptr_equal(mapping_tree_at(&tree, address(i)), p);
    }
    if (p) {
        assert_int_equal(p->end, address(PAGES));
        pieces[p->of - mapping]++;
    }
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(mapping[i].pieces, pieces[i]);
    }
}

static void drop(struct piece *list)
{
    while (list) {
        struct piece *next = list->right;
        list->of->pieces--;
        mapping_tree_drop(&tree, list);
        list = next;
    }
}

static void random_calls_leave_what_the_model_has(void **state)
{
    (void)state;
    uint64_t seed = 20;
    for (size_t n = 0; n < MAPPINGS; n++) {
        const size_t from = support_below(&seed, PAGES);
        const size_t to = from + 1 + support_below(&seed, support_below(&seed, 8) ? 12 : PAGES);
        const size_t limit = to < PAGES ? to : PAGES;
        struct piece *list = cut(from, limit);
        check_list(list, from, limit);
        switch (support_below(&seed, 4)) {
        case 0: /* a call that failed */
            while (list) {
                struct piece *next = list->right;
                mapping_tree_put_back(&tree, list);
                list = next;
            }
            break;
        case 1:
            drop(list);
            memset(&model[from], 0, (limit - from) * sizeof model[0]);
            break;
        default:
            drop(list);
            add(from, limit, &mapping[n]);
        }
        if (n % 16 == 0 || n > MAPPINGS - 50) {
            check_all(n + 1);
        }
    }
}

static void parts_are_cut_to_the_byte(void **state)
{
    (void)state;
    add(0, 2, &mapping[0]);
    assert_true(mapping_tree_reserve(&tree));
    struct piece *list = mapping_tree_cut(&tree, BASE + 100, BASE + 101);
    assert_non_null(list);
    assert_int_equal(list->start, BASE + 100);
    assert_int_equal(list->end, BASE + 101);
    assert_null(list->right);
    assert_int_equal(mapping[0].pieces, 3);
    assert_int_equal(mapping_tree_at(&tree, BASE)->end, BASE + 100);
    assert_int_equal(mapping_tree_at(&tree, BASE + 100)->start, BASE + 101);
}

static void empty_ranges_hold_nothing(void **state)
{
    (void)state;
    assert_null(mapping_tree_at(&tree, 0));
    assert_null(cut(0, PAGES));
    add(3, 4, &mapping[0]);
    assert_null(cut(3, 3));
    assert_null(cut(4, 3));
    assert_null(cut(0, 3));
    assert_null(cut(4, PAGES));
    assert_int_equal(mapping[0].pieces, 1);
}

/* Depth would be time, and a treap's is logarithmic whatever the order of addresses. */
static void ascending_addresses_do_not_make_it_deep(void **state)
{
    (void)state;
    for (size_t i = 0; i < MAPPINGS; i++) {
        assert_true(mapping_tree_reserve(&tree));
        mapping_tree_add(&tree, BASE + i * PAGE, BASE + (i + 1) * PAGE, &mapping[i]);
    }
    size_t deepest = 0;
    for (size_t i = 0; i < MAPPINGS; i++) {
        size_t depth = 0;
        for (const struct piece *p = tree.root; p->start != BASE + i * PAGE; depth++) {
            p = p->start > BASE + i * PAGE ? p->left : p->right;
        }
        deepest = depth > deepest ? depth : deepest;
    }
    assert_in_range(deepest, 11, 60); /* 12 levels at the least for 4,000 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_calls_leave_what_the_model_has, begin, end),
        cmocka_unit_test_setup_teardown(parts_are_cut_to_the_byte, begin, end),
        cmocka_unit_test_setup_teardown(empty_ranges_hold_nothing, begin, end),
        cmocka_unit_test_setup_teardown(ascending_addresses_do_not_make_it_deep, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
