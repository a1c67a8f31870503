/* SPDX-License-Identifier: MIT
 *
 * What is read of a dump that can be used.
 */
#include "histogram.h"
#include "load.h"
#include "sample_dump.h"
#include "test.h"

#include <jansson.h>

static void sound_dump_loads(void **state)
{
    struct error error = {""};
    struct dump *d = load_bytes("x.json", SAMPLE_DUMP, strlen(SAMPLE_DUMP), &error);
    (void)state;
    assert_non_null(d);
    assert_string_equal(error.text, "");
    assert_int_equal(d->process.pid, 42);
    assert_int_equal(d->process.parent_pid, 41);
    assert_int_equal(d->process.nargv, 2);
    assert_string_equal(d->process.argv[1], "-x");
    assert_string_equal(d->reason, "exit");
    assert_true(d->complete);
    assert_int_equal(d->sample_mean_bytes, 0);
    assert_int_equal(d->totals.c.alloc_bytes, 30);
    assert_int_equal(d->totals.peak_elapsed_ns, 4);
    assert_int_equal(d->inherited.bytes, 70);
    assert_true(d->coverage_percent > 99.4 && d->coverage_percent < 99.6);
    assert_int_equal(d->nwarnings, 1);
    assert_string_equal(d->warnings[0].text, "t");
    assert_int_equal(d->nmodules, 1);
    assert_null(d->modules[0].build_id);
    assert_true(d->modules[0].unloaded_ns == UINT64_MAX);
    assert_int_equal(d->nframes, 4);
    assert_int_equal(d->frames[2].parent, 1);
    assert_int_equal(d->frames[2].module, -2);
    assert_true(d->frames[3].interrupted && !d->frames[2].interrupted);
    assert_int_equal(d->interpreted[0].line, 7);
    assert_int_equal(d->nsites, 2);
    assert_int_equal(d->sites[0].size_log2.n, 5);
    assert_int_equal(histogram_count(&d->sites[0].size_log2, 4), 2);
    assert_int_equal(d->sites[1].c.free_count, 0); /* left out */
    assert_int_equal(d->timeline[0].rss_bytes, 4);
    assert_string_equal(d->threads[0].name, "main");
    assert_null(d->leaks.method);
    load_free(d);
}

/* Writers number the root's parent as they like. */
static void root_may_be_its_own_parent(void **state)
{
    struct error error = {""};
    char *text = sample_dump_spoilt("[-1, -1, 0]", "[0, -1, 0]");
    struct dump *d = load_bytes("x.json", text, strlen(text), &error);
    (void)state;
    assert_non_null(d);
    assert_int_equal(d->frames[0].parent, 0);
    assert_int_equal(d->frames[3].parent, 1);
    load_free(d);
    free(text);
}

/* Frames may come after the sites that refer to them, as the library has them, and before modules.
 */
static void any_order(void **state)
{
    struct error error = {""};
    json_t *whole = json_loads(SAMPLE_DUMP, 0, NULL), *turned = json_object(), *value;
    const char *key;
    (void)state;
    for (size_t n = json_object_size(whole); n > 0; n--) {
        size_t i = 0;
        json_object_foreach(whole, key, value) if (++i == n) json_object_set(turned, key, value);
    }
    char *text = json_dumps(turned, 0);
    assert_non_null(text);
    struct dump *d = load_bytes("x.json", text, strlen(text), &error);
    assert_string_equal(error.text, "");
    assert_non_null(d);
    assert_int_equal(d->nframes, 4);
    assert_true(d->frames[3].interrupted);
    assert_int_equal(d->sites[1].frame, 3);
    assert_int_equal(d->totals.c.alloc_bytes, 30);
    load_free(d);
    free(text);
    json_decref(whole);
    json_decref(turned);
}

/* Counts need not be few, nor histograms begin at 0. */
static void histograms(void **state)
{
    struct error error = {""};
    char *text =
        sample_dump_spoilt("[0, 0, 0, 0, 2]", "[0, 255, 0, 65536, 9223372036854775807, 0]");
    struct dump *d = load_bytes("x.json", text, strlen(text), &error);
    (void)state;
    assert_non_null(d);
    static const uint64_t wanted[] = {0, 255, 0, 65536, INT64_MAX, 0, 0};
    for (size_t i = 0; i < 7; i++)
        assert_true(histogram_count(&d->sites[0].size_log2, i) == wanted[i]);
    assert_int_equal(histogram_count(&d->sites[0].lifetime_log2_ns, 1), 1);
    load_free(d);
    free(text);
}

static void sums_that_differ_are_warned_of(void **state)
{
    struct error error = {""};
    char *text = sample_dump_spoilt("\"alloc_bytes\": 30", "\"alloc_bytes\": 31");
    struct dump *d = load_bytes("x.json", text, strlen(text), &error);
    (void)state;
    assert_non_null(d);
    assert_int_equal(d->nwarnings, 2);
    assert_string_equal(d->warnings[1].code, LOAD_SUMS_DIFFER);
    assert_string_equal(d->warnings[1].text,
                        "the sites' alloc_bytes add up to 30, but totals.alloc_bytes is 31");
    load_free(d);
    free(text);
    /* realloc_count is in no site here: nothing to compare. */
    text = sample_dump_spoilt("\"realloc_count\": 0", "\"realloc_count\": 9");
    d = load_bytes("x.json", text, strlen(text), &error);
    assert_non_null(d);
    assert_int_equal(d->nwarnings, 1);
    load_free(d);
    free(text);
}

static void leak_kinds(void **state)
{
    struct error error = {""};
    char *text =
        sample_dump_spoilt("\"leaks\": null", "\"leaks\": {\"method\": \"reachable\", \"kinds\": "
                                              "{\"definite\": {\"bytes\": 8, \"count\": 1}}}");
    struct dump *d = load_bytes("x.json", text, strlen(text), &error);
    (void)state;
    assert_non_null(d);
    assert_string_equal(d->leaks.method, "reachable");
    assert_true(d->leaks.classified);
    assert_int_equal(d->leaks.definite_bytes, 8);
    assert_int_equal(d->leaks.reachable_count, 0);
    load_free(d);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_dump_loads),
        cmocka_unit_test(root_may_be_its_own_parent),
        cmocka_unit_test(any_order),
        cmocka_unit_test(histograms),
        cmocka_unit_test(sums_that_differ_are_warned_of),
        cmocka_unit_test(leak_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
