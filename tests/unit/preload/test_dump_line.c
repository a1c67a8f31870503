/* SPDX-License-Identifier: MIT
 *
 * Lines of a dump that are made up as text, read back by jansson: every number that was put in, and
 * no line longer than the room for it.
 */
#include "dump_line.h"

#include <inttypes.h>
#include <string.h>

#include "parsed.h"

static char line[DUMP_LINE_SITE + JSON_DIGITS];

static json_t *parsed_site(const struct site *site, const struct dump_sums *sums)
{
    memset(line, 'x', sizeof line);
    char *end = dump_line_site(line, site, sums);
    assert_true((size_t)(end - line) <= DUMP_LINE_SITE);
    *end++ = '}';
    json_error_t error;
    json_t *value = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, &error);
    if (!value) {
        fail_msg("byte %d: %s", error.position, error.text);
    }
    return value;
}

static void assert_histogram(const json_t *site, const char *key, const struct dump_histogram *h)
{
    const json_t *array = json_object_get(site, key);
    size_t last = 0;
    for (size_t i = 0; i < MEMPROF_HISTOGRAM_BUCKETS; i++) {
        assert_int_equal(json_integer_value(json_array_get(array, i)), h->bucket[i]);
        last = h->bucket[i] ? i + 1 : last;
    }
    assert_int_equal(json_array_size(array), last);
    assert_int_equal(array != NULL, last > 0);
}

/* Marks the buckets that are not 0, and some that are. */
static void mark(struct dump_histogram *h, uint64_t more)
{
    h->set = more;
    for (size_t i = 0; i < MEMPROF_HISTOGRAM_BUCKETS; i++) {
        h->set |= (uint64_t)(h->bucket[i] != 0) << i;
    }
}

static void histograms_are_what_they_hold(void **state)
{
    (void)state;
    uint64_t seed = 12;
    for (uint64_t round = 0; round < 20000; round++) {
        struct dump_sums sums = {.alloc_count = support_random(&seed) >> 1};
        struct dump_histogram *of[] = {&sums.sizes, &sums.lifetimes};
        for (int k = 0; k < 2; k++) {
            for (uint64_t n = support_below(&seed, round % 64 + 1); n > 0; n--) {
                of[k]->bucket[support_below(&seed, MEMPROF_HISTOGRAM_BUCKETS)] =
                    support_random(&seed) >> 1 >> support_below(&seed, 63);
            }
            mark(of[k], support_random(&seed));
        }
        const struct site site = {.frame = (uint32_t)round};
        json_t *value = parsed_site(&site, &sums);
        assert_int_equal(parsed_number(value, "frame"), round);
        assert_int_equal(parsed_number(value, "alloc_count"), sums.alloc_count);
        assert_histogram(value, "size_log2", &sums.sizes);
        assert_histogram(value, "lifetime_log2_ns", &sums.lifetimes);
        json_decref(value);
    }
}

static void the_longest_line_fits(void **state)
{
    (void)state;
    struct dump_sums sums;
    memset(&sums, 0x7f, sizeof sums);
    sums.free_count = sums.freed_bytes = 1;
    for (size_t i = 0; i < MEMPROF_HISTOGRAM_BUCKETS; i++) {
        sums.sizes.bucket[i] = sums.lifetimes.bucket[i] = UINT64_MAX;
    }
    mark(&sums.sizes, 0);
    mark(&sums.lifetimes, 0);
    for (uint32_t function = 0; function < SITE_FUNCTIONS; function++) {
        const struct site site = {.frame = UINT32_MAX, .function = function};
        json_t *value = parsed_site(&site, &sums);
        assert_string_equal(json_string_value(json_object_get(value, "function")),
                            site_function_name[function]);
        const json_t *sizes = json_object_get(value, "size_log2");
        assert_int_equal(json_integer_value(json_array_get(sizes, 63)), INT64_MAX); /* saturated */
        assert_int_equal(parsed_number(value, "realloc_count"), 0x7f7f7f7f7f7f7f7f);
        json_decref(value);
    }
}

static void figures_of_zero_are_left_out_where_they_may_be(void **state)
{
    (void)state;
    const struct site site = {.frame = 7, .function = SITE_calloc};
    const struct dump_sums sums = {.alloc_count = 0};
    static const char expected[] = "{\"frame\":7,\"function\":\"calloc\",\"alloc_count\":0,"
                                   "\"alloc_bytes\":0,\"live_count\":0,\"live_bytes\":0,"
                                   "\"peak_bytes\":0";
    const char *end = dump_line_site(line, &site, &sums);
    assert_int_equal(end - line, strlen(expected));
    assert_memory_equal(line, expected, strlen(expected));
}

static void frames_are_three_numbers(void **state)
{
    (void)state;
    static const struct {
        uint32_t parent;
        int32_t module;
        uint64_t offset;
        const char *text;
    } cases[] = {
        {0, 0, 0, "[0,0,0]"},
        {9, -1, 10, "[9,-1,10]"},
        {99, -2, 100, "[99,-2,100]"},
        {UINT32_MAX, INT32_MAX, UINT64_MAX, "[4294967295,2147483647,9223372036854775807]"},
    };
    struct dump_line_last last;
    dump_line_begin(&last);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *end =
            dump_line_frame(line, &last, cases[i].parent, cases[i].module, cases[i].offset);
        assert_true((size_t)(end - line) + JSON_DIGITS <= DUMP_LINE_FRAME);
        assert_int_equal(end - line, strlen(cases[i].text));
        assert_memory_equal(line, cases[i].text, strlen(cases[i].text));
    }
}

/* What is kept of the line before is never told of another. */
static void frames_follow_each_other(void **state)
{
    (void)state;
    uint64_t seed = 8;
    uint32_t parent = 0;
    int32_t module = 0;
    char expected[64];
    struct dump_line_last last;
    dump_line_begin(&last);
    for (int i = 0; i < 200000; i++) {
        switch (support_below(&seed, 16)) {
        case 0:
            parent = (uint32_t)(support_random(&seed) >> (32 + support_below(&seed, 32)));
            break;
        case 1:
            parent -= (uint32_t)support_below(&seed, 3);
            break;
        case 2:
            module = (int32_t)support_below(&seed, 13) - 2;
            break;
        default:
            parent++;
        }
        const uint64_t offset = support_random(&seed) >> (1 + support_below(&seed, 63));
        const size_t length =
            (size_t)snprintf(expected, sizeof expected, "[%" PRIu32 ",%" PRId32 ",%" PRIu64 "]",
                             parent, module, offset);
        const char *end = dump_line_frame(line, &last, parent, module, offset);
        assert_int_equal(end - line, length);
        assert_memory_equal(line, expected, length);
    }
}

static void numbers_of_any_length(void **state)
{
    (void)state;
    uint64_t seed = 3, power = 1;
    char expected[32];
    for (int i = 0; i < 200000; i++) {
        uint64_t n = support_random(&seed) >> support_below(&seed, 64);
        if (i < 60) { /* around each power of ten */
            n = power + (uint64_t)(i % 3) - 1;
            power *= i % 3 == 2 ? 10 : 1;
        }
        const size_t length = (size_t)snprintf(expected, sizeof expected, "%" PRIu64, n);
        assert_int_equal(json_digits(line, n) - line, length);
        assert_memory_equal(line, expected, length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(histograms_are_what_they_hold),
        cmocka_unit_test(the_longest_line_fits),
        cmocka_unit_test(figures_of_zero_are_left_out_where_they_may_be),
        cmocka_unit_test(frames_are_three_numbers),
        cmocka_unit_test(frames_follow_each_other),
        cmocka_unit_test(numbers_of_any_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
