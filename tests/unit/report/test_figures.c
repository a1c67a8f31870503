/* SPDX-License-Identifier: MIT
 *
 * Sums, medians, columns and how sizes are written.
 */
#include "cells.h"
#include "columns.h"
#include "test.h"
#include "units.h"

static void sums_saturate(void **state)
{
    (void)state;
    struct figures a = {.c = {.alloc_bytes = UINT64_MAX - 1, .live_count = 2}};
    struct figures b = {
        .c = {.alloc_bytes = 5, .live_count = 3}, .max_live_bytes = 7, .threads = 3};
    a.threads = 2;
    figures_add(&a, &b);
    assert_true(a.c.alloc_bytes == UINT64_MAX);
    assert_int_equal(a.c.live_count, 5);
    assert_int_equal(a.max_live_bytes, 7);
    assert_int_equal(a.threads, 3);
}

static void median_of_buckets(void **state)
{
    (void)state;
    struct figures f = {0};
    uint64_t ns = 0;
    assert_false(figures_median_lifetime(&f, &ns));
    figures_add_lifetime(&f, 0, 1);
    assert_true(figures_median_lifetime(&f, &ns));
    assert_int_equal(ns, 0);
    figures_add_lifetime(&f, 10, 3); /* 512 .. 1023 */
    assert_true(figures_median_lifetime(&f, &ns));
    assert_int_equal(ns, 768);
    figures_add_lifetime(&f, 63, 100);
    assert_true(figures_median_lifetime(&f, &ns));
    assert_true(ns == UINT64_C(3) << 61);
    figures_drop(&f);
}

static void columns_are_parsed(void **state)
{
    (void)state;
    struct columns c = {.n = 0};
    struct error error = {""};
    assert_int_equal(columns_parse(&c, "mem-usage,freed", &error), 0);
    assert_int_equal(c.n, 2);
    assert_int_equal(columns_parse(&c, "+lifetime", &error), 0);
    assert_int_equal(c.n, 3);
    assert_string_equal(c.column[2]->name, "lifetime");
    assert_int_equal(columns_parse(&c, "+freed", &error), -1);
    assert_string_equal(error.text, "column 'freed' is there twice");
    error.text[0] = '\0';
    assert_int_equal(columns_parse(&c, "freed,,", &error), -1);
    assert_string_equal(error.text, "no column '', expected names out of those in --help");
}

static void every_column_computes(void **state)
{
    (void)state;
    struct dump dump = {.totals = {.c = {.peak_bytes = 400}}};
    struct figures f = {.c = {.alloc_count = 4,
                              .alloc_bytes = 1000,
                              .freed_bytes = 900,
                              .temporary_count = 3,
                              .live_count = 1,
                              .live_bytes = 100,
                              .peak_bytes = 300},
                        .max_live_bytes = 350,
                        .threads = 2};
    static struct dump_site sites[1];
    static const struct {
        const char *name, *expected;
    } cases[] = {{"mem-usage", "300 B"}, {"increment", "100 B"}, {"occurrences", "4"},
                 {"peak", "75.00"},      {"max-live", "350 B"},  {"allocated", "1000 B"},
                 {"freed", "900 B"},     {"temporary", "3"},     {"avg-size", "250 B"},
                 {"lifetime", ""},       {"blocks", "1"},        {"threads", "2"}};
    size_t n = 0;
    for (const struct column *c = columns_table; c->name; c++)
        n += c->get != NULL;
    assert_int_equal(n, sizeof cases / sizeof *cases);
    for (size_t i = 0; i < n; i++) {
        char buffer[UNITS_MAX];
        struct cell cell = columns_find(cases[i].name)->get(&f, &dump);
        assert_string_equal(cells_format(buffer, &cell, unit_find("B")), cases[i].expected);
    }
    dump.sites = sites;
    dump.nsites = 1;
    struct columns threads = {.n = 0};
    struct error error = {""};
    assert_int_equal(columns_parse(&threads, "freed,threads", &error), 0);
    assert_string_equal(columns_missing(&threads, &dump)->name, "threads");
    dump.has_site_threads = true;
    assert_null(columns_missing(&threads, &dump));
}

/* Errors are squared, added up, and the root is taken. */
static void errors_add_up_as_squares(void **state)
{
    (void)state;
    static struct dump_site sites[3] = {
        {.c = {.live_bytes = 5000, .alloc_count = 10}},
        {.c = {.live_bytes = 1310720, .alloc_count = 20}},
        {.c = {.live_bytes = 7}}, /* without errors: there is no entry for it */
    };
    static struct dump_errors errors[2] = {{.live_bytes = 3000, .alloc_count = 5},
                                           {.live_bytes = 4000, .alloc_count = 12}};
    struct dump dump = {
        .sites = sites, .nsites = 3, .errors = errors, .nerrors = 2, .has_errors = true};
    struct figures f = {0};
    for (size_t i = 0; i < 3; i++)
        figures_add_site(&f, &dump, i, false);
    assert_int_equal(figures_error(f.variance.live_bytes), 5000);
    assert_int_equal(figures_error(f.variance.alloc_count), 13);
    assert_int_equal(figures_error(f.variance.peak_bytes), 0);
    assert_true(figures_error(1e40) == UINT64_MAX);
    char buffer[UNITS_MAX];
    struct cell cell = columns_find("increment")->get(&f, &dump);
    assert_string_equal(cells_format(buffer, &cell, unit_find("B")), "1315727 B \u00b15000");
    assert_string_equal(cells_format(buffer, &cell, unit_find("MiB")), "  1.255 MiB \u00b10.005");
    assert_int_equal(cells_width(buffer), 18);
    cell = columns_find("occurrences")->get(&f, &dump);
    assert_string_equal(cells_format(buffer, &cell, unit_find("MiB")), "30 \u00b113");
    assert_true(columns_have_error(columns_find("blocks"), &dump));
    assert_false(columns_have_error(columns_find("freed"), &dump));
    dump.has_errors = false;
    assert_false(columns_have_error(columns_find("blocks"), &dump));
    struct figures largest = {.c = {.alloc_count = UINT64_MAX}, .variance = {.alloc_count = 1e40}};
    dump.has_errors = true;
    cell = columns_find("occurrences")->get(&largest, &dump);
    assert_int_equal(cells_width(cells_format(buffer, &cell, unit_find("B"))), 42);
}

static void rows_without_figure_sort_last(void **state)
{
    (void)state;
    struct dump dump = {0};
    struct figures some = {.c = {.alloc_count = 1, .alloc_bytes = 1}}, none = {0};
    const struct column *c = columns_find("avg-size");
    assert_true(columns_compare(c, &some, &none, &dump) < 0);
    assert_true(columns_compare(c, &none, &some, &dump) > 0);
    assert_int_equal(columns_compare(c, &none, &none, &dump), 0);
}

static void sizes_are_written(void **state)
{
    char b[UNITS_MAX];
    (void)state;
    assert_string_equal(units_size(b, 1310720, unit_find("MiB")), "  1.250 MiB");
    assert_string_equal(units_size(b, UINT64_MAX, unit_find("b")), "18446744073709551615 B");
    assert_string_equal(units_size(b, 512, unit_find("K")), "  0.500 KiB");
    assert_null(unit_find("M i"));
    assert_null(unit_find(""));
    assert_string_equal(units_human(b, 1023), "1023 B");
    assert_string_equal(units_human(b, 1536), "1.50 KiB");
    assert_string_equal(units_human(b, UINT64_MAX), "16.0 EiB");
    assert_string_equal(units_duration(b, 999), "999 ns");
    assert_string_equal(units_duration(b, 1500000), "1.50 ms");
    assert_string_equal(units_duration(b, UINT64_C(7200000000000)), "7200 s");
    assert_string_equal(cells_count(b, 0), "0");
    assert_string_equal(cells_count(b, 1234567), "1,234,567");
    assert_string_equal(cells_count(b, UINT64_MAX), "18,446,744,073,709,551,615");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_saturate),
        cmocka_unit_test(median_of_buckets),
        cmocka_unit_test(columns_are_parsed),
        cmocka_unit_test(every_column_computes),
        cmocka_unit_test(sizes_are_written),
        cmocka_unit_test(errors_add_up_as_squares),
        cmocka_unit_test(rows_without_figure_sort_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
