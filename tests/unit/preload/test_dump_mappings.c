/* SPDX-License-Identifier: MIT
 *
 * Mappings go on being counted while their sites are written.
 */
#include "dump_mappings.h"

#include <fcntl.h>
#include <unistd.h>

#include "feed.h"
#include "parsed.h"
#include "support.h"

#define SITE 1

static struct recorder *r;

static json_t *written(struct dump_mappings *d)
{
    static struct json j;
    json_error_t error;
    support_enter_directory();
    const char *path = support_path("mappings.json");
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    json_begin(&j, fd);
    json_open(&j, NULL, '{');
    dump_mappings_write(d, &j, r);
    json_close(&j, '}');
    assert_int_equal(json_end(&j), 0);
    close(fd);
    json_t *all = json_load_file(path, 0, &error);
    support_leave_directory();
    assert_non_null(all);
    return all;
}

static uint64_t number(const json_t *site, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(site, name));
}

static void figures_are_of_one_instant(void **state)
{
    (void)state;
    struct options options = support_options();
    options.mmap = true;
    r = support_recorder(&options);
    assert_true(feed_alloc(r, 0, SITE_malloc, 0x7000000000, 10));
    struct mapping_call call = {.site = SITE, .thread = 1};
    struct dump_sites heap;
    struct dump_mappings d;
    for (unsigned bits = 12; bits < 32; bits++) {
        assert_true(mapping_counts_add(&r->mapping_counts, &call, (uint64_t)1 << bits));
        mapping_counts_remove(&r->mapping_counts, SITE, (uint64_t)1 << bits, true, 0);
    }
    assert_int_equal(dump_sites_begin(&heap, r), 0);
    assert_int_equal(dump_mappings_begin(&d, r, &heap), 0);
    call.reallocated = true;
    for (unsigned bits = 12; bits < 32; bits++) {
        assert_true(mapping_counts_add(&r->mapping_counts, &call, (uint64_t)1 << bits));
        mapping_counts_failed(&r->mapping_counts, SITE);
        mapping_counts_remove(&r->mapping_counts, SITE, (uint64_t)1 << bits, true, 0);
    }
    json_t *all = written(&d);
    const json_t *sites = json_object_get(all, "mmap_sites");
    assert_int_equal(json_array_size(sites), 1);
    const json_t *site = json_array_get(sites, 0), *sizes = json_object_get(site, "size_log2");
    assert_int_equal(number(site, "alloc_count"), 20);
    assert_int_equal(number(site, "free_count"), 20);
    assert_int_equal(number(site, "realloc_count") + number(site, "failed_count"), 0);
    for (size_t i = 0; i < json_array_size(sizes); i++) {
        const bool one = i >= 13 && i < 33;
        assert_int_equal(json_integer_value(json_array_get(sizes, i)), one);
    }
    json_decref(all);
    dump_mappings_end(&d);
    dump_sites_end(&heap);
    support_recorder_end(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(figures_are_of_one_instant)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
