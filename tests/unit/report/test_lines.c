/* SPDX-License-Identifier: MIT
 *
 * What each line is charged, inclusive and self, and the records of what was not freed.
 */
#include "hand_model.h"
#include "leaks.h"
#include "lines.h"
#include "test.h"

struct expected {
    const char *function;
    uint64_t occurrences, peak, live;
};

/* L has just these rows, in any order. */
static void expect_rows(const struct lines *l, const struct expected *rows, size_t n)
{
    assert_int_equal(l->n, n);
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < n && strcmp(m->places[l->rows[k].place].function, rows[i].function) != 0)
            k++;
        if (k == n) {
            fail_msg("no row for %s", rows[i].function);
            return;
        }
        const struct line_row *row = &l->rows[k];
        assert_int_equal(row->figures.c.alloc_count, rows[i].occurrences);
        assert_int_equal(row->figures.c.peak_bytes, rows[i].peak);
        assert_int_equal(row->figures.c.live_bytes, rows[i].live);
    }
}

static void inclusive_once_per_stack(void **state)
{
    static const struct expected rows[] = {{"main", 12, 209, 209},
                                           {"work", 6, 170, 170}, /* recursive, but charged once */
                                           {"work2", 4, 150, 150},
                                           {"get", 4, 150, 150},
                                           {"strdup+0xf", 2, 20, 20},
                                           {"cxx", 4, 32, 32},
                                           {"operator new(unsigned long)+0x18", 4, 32, 32},
                                           {"handler", 1, 0, 0},
                                           {"0x7f00", 1, 7, 7}};
    struct lines_options options = {.by_function = true};
    struct lines l = lines_new(m, &options);
    (void)state;
    expect_rows(&l, rows, sizeof rows / sizeof *rows);
    lines_free(&l);
}

static void self_adds_up(void **state)
{
    static const struct expected rows[] = {{"get", 4, 150, 150},
                                           {"strdup+0xf", 2, 20, 20},
                                           {"cxx", 4, 32, 32},
                                           {"handler", 1, 0, 0},
                                           {"0x7f00", 1, 7, 7}};
    struct lines_options options = {.by_function = true, .self = true};
    struct lines l = lines_new(m, &options);
    (void)state;
    expect_rows(&l, rows, sizeof rows / sizeof *rows);
    lines_free(&l);
    model_set_root(m, "/src", NULL);
    static const struct expected own[] = {{"get", 4, 150, 150},
                                          {"work", 2, 20, 20},
                                          {"cxx", 4, 32, 32},
                                          {"handler", 1, 0, 0},
                                          {"main", 1, 7, 7}};
    l = lines_new(m, &options);
    expect_rows(&l, own, sizeof own / sizeof *own);
    lines_free(&l);
}

static void lifetimes_are_charged_like_counts(void **state)
{
    struct lines_options options = {.by_function = true, .lifetimes = true};
    (void)state;
    for (int self = 0; self < 2; self++) {
        options.self = self;
        struct lines l = lines_new(m, &options);
        for (size_t i = 0; i < l.n; i++) {
            const char *name = m->places[l.rows[i].place].function;
            uint64_t sites = strcmp(name, "main") == 0                                ? 6
                             : strcmp(name, "work") == 0                              ? 3
                             : strcmp(name, "get") == 0 || strcmp(name, "work2") == 0 ? 2
                                                                                      : 1;
            assert_non_null(l.rows[i].figures.lifetime);
            assert_int_equal(l.rows[i].figures.lifetime[4], 2 * sites);
        }
        lines_free(&l);
    }
}

static void filters(void **state)
{
    static const struct expected in_header[] = {{"get", 4, 150, 150}};
    static const struct expected named[] = {{"work", 6, 170, 170}, {"work2", 4, 150, 150}};
    struct lines_options options = {.by_function = true, .file_glob = "*.h"};
    struct lines l = lines_new(m, &options);
    (void)state;
    expect_rows(&l, in_header, 1);
    lines_free(&l);
    options = (struct lines_options){.by_function = true, .function_glob = "work*"};
    l = lines_new(m, &options);
    expect_rows(&l, named, 2);
    lines_free(&l);
}

static void foreign_lines(void **state)
{
    static const struct expected rows[] = {{"get", 4, 150, 150},   {"work", 6, 170, 170},
                                           {"work2", 4, 150, 150}, {"main", 12, 209, 209},
                                           {"handler", 1, 0, 0},   {"cxx", 4, 32, 32}};
    struct lines_options options = {.by_function = true};
    struct lines l = lines_new(m, &options);
    (void)state;
    lines_drop_foreign(&l); /* without a root, nobody is foreign */
    assert_int_equal(l.n, 9);
    lines_free(&l);
    model_set_root(m, "/src", NULL);
    l = lines_new(m, &options);
    lines_drop_foreign(&l);
    expect_rows(&l, rows, sizeof rows / sizeof *rows);
    assert_int_equal(l.foreign, 3);
    assert_int_equal(l.left_out, 0);
    lines_free(&l);
}

static void orders(void **state)
{
    struct lines_options options = {.by_function = true};
    struct lines l = lines_new(m, &options);
    (void)state;
    lines_sort_by_source(&l);
    assert_string_equal(m->places[l.rows[0].place].function, "get");
    assert_string_equal(m->places[l.rows[1].place].function, "main");
    assert_null(m->places[l.rows[l.n - 1].place].file);
    lines_sort(&l, columns_find("mem-usage"));
    assert_string_equal(m->places[l.rows[0].place].function, "main");
    lines_rank(&l);
    assert_string_equal(m->places[l.rows[0].place].function, "get"); /* allocates itself */
    lines_limit(&l, 2);
    assert_int_equal(l.n, 2);
    assert_int_equal(l.left_out, 7);
    lines_limit(&l, 0);
    assert_int_equal(l.n, 2);
    lines_free(&l);
}

/* Functions that share a line, as instances of a template do, on one stack. */
static void merged_lines_count_once(void **state)
{
    struct symbolizer *s = fake_symbolizer();
    struct dump_frame frames[] = {{0, -1, 0, false}, {0, -2, 0, false}, {1, -2, 1, false}};
    struct dump_interpreted interpreted[] = {{"x", "t.py", "f<int>", 3},
                                             {"x", "t.py", "f<char>", 3}};
    struct dump_site sites[] = {SITE(2, "malloc", 1, 9, 1)};
    struct dump dump = {.frames = frames,
                        .nframes = 3,
                        .interpreted = interpreted,
                        .ninterpreted = 2,
                        .sites = sites,
                        .nsites = 1};
    struct model *other = model_new(&dump, s, NULL, NULL);
    struct lines_options options = {.by_function = true};
    (void)state;
    struct lines l = lines_new(other, &options);
    assert_int_equal(l.n, 2);
    lines_free(&l);
    options.by_function = false;
    l = lines_new(other, &options);
    assert_int_equal(l.n, 1);
    assert_int_equal(l.rows[0].figures.c.peak_bytes, 9);
    lines_free(&l);
    options.function_glob = "f<char>"; /* not the first of the line */
    l = lines_new(other, &options);
    assert_int_equal(l.n, 1);
    assert_string_equal(other->places[l.rows[0].place].function, "f<char>");
    lines_free(&l);
    model_free(other);
    symbolizer_free(s);
}

/* A stack as deep as no stack is: neither recursion nor quadratic time. */
static void deep_stacks(void **state)
{
    enum { DEPTH = 200000 };
    struct symbolizer *s = fake_symbolizer();
    struct dump_frame *frames = calloc(DEPTH, sizeof *frames);
    struct dump_site *sites = calloc(DEPTH, sizeof *sites);
    (void)state;
    assert_true(frames && sites);
    for (uint32_t i = 1; i < DEPTH; i++)
        frames[i] = (struct dump_frame){i - 1, -1, i % 1000, false};
    for (uint32_t i = 0; i < DEPTH - 1; i++)
        sites[i] =
            (struct dump_site){.frame = i + 1, .function = "malloc", .c = {.alloc_count = 1}};
    struct dump dump = {.frames = frames, .nframes = DEPTH, .sites = sites, .nsites = DEPTH - 1};
    struct model *other = model_new(&dump, s, NULL, NULL);
    struct lines_options options = {.by_function = true};
    struct lines l = lines_new(other, &options);
    assert_int_equal(l.n, 1000);
    for (size_t i = 0; i < l.n; i++)
        if (strcmp(other->places[l.rows[i].place].function, "0x1") == 0)
            assert_int_equal(l.rows[i].figures.c.alloc_count, DEPTH - 1);
    lines_free(&l);
    model_free(other);
    symbolizer_free(s);
    free(frames);
    free(sites);
}

static void leaks_by_stack(void **state)
{
    struct leaks_options options = {.sort = columns_find("increment")};
    struct leaks l = leaks_new(m, &options);
    (void)state;
    assert_int_equal(l.stacks, 4); /* malloc and calloc of one stack are one record */
    assert_int_equal(l.total.c.live_bytes, 209);
    assert_int_equal(l.n, 4);
    assert_int_equal(l.records[0].frame, F_GET);
    assert_int_equal(l.records[0].figures.c.live_bytes, 150);
    assert_int_equal(l.records[0].figures.c.live_count, 2);
    assert_int_equal(l.records[1].frame, F_NEW);
    leaks_free(&l);
    options.limit = 1;
    l = leaks_new(m, &options);
    assert_int_equal(l.n, 1);
    assert_int_equal(l.records[0].frame, F_GET);
    assert_int_equal(l.left_out, 3);
    struct leak_stack stack = leaks_stack(&l, &l.records[0], 0);
    assert_int_equal(stack.n, 5);
    assert_int_equal(stack.left_out, 0);
    leaks_stack_free(&stack);
    stack = leaks_stack(&l, &l.records[0], 2);
    assert_int_equal(stack.n, 2);
    assert_int_equal(stack.left_out, 3);
    assert_string_equal(m->places[stack.refs[0].place].function, "get");
    leaks_stack_free(&stack);
    assert_int_equal(l.total.c.live_bytes, 209);
    leaks_free(&l);
    options.function_glob = "cxx";
    l = leaks_new(m, &options);
    assert_int_equal(l.stacks, 1);
    assert_int_equal(l.total.c.live_bytes, 32);
    leaks_free(&l);
    options = (struct leaks_options){.sort = columns_find("lifetime"), .limit = 2};
    l = leaks_new(m, &options);
    uint64_t median;
    assert_true(figures_median_lifetime(&l.records[1].figures, &median));
    assert_int_equal(median, 12);
    assert_int_equal(l.left_out, 2);
    leaks_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(inclusive_once_per_stack, setup, teardown),
        cmocka_unit_test_setup_teardown(self_adds_up, setup, teardown),
        cmocka_unit_test_setup_teardown(lifetimes_are_charged_like_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(filters, setup, teardown),
        cmocka_unit_test_setup_teardown(foreign_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(orders, setup, teardown),
        cmocka_unit_test(merged_lines_count_once),
        cmocka_unit_test(deep_stacks),
        cmocka_unit_test_setup_teardown(leaks_by_stack, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
