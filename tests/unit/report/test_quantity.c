/* SPDX-License-Identifier: MIT
 *
 * Sizes, counts, percentages and dates as people write them.
 */
#include "gate/quantity.h"
#include "test.h"

static void sizes(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"0", 0},
                {"4096", 4096},
                {"4096b", 4096},
                {"512k", 512 << 10},
                {"512K", 512 << 10},
                {"512KiB", 512 << 10},
                {"1.5M", 3 << 19},
                {"24 MB", 24 << 20},
                {"2GiB", UINT64_C(2) << 30},
                {"1T", UINT64_C(1) << 40},
                {"1.0", 1},
                {"0.3k", 308}, /* up: a limit allows what it says */
                {"9223372036854775807", INT64_MAX}};
    static const char *const bad[] = {
        "",          "x",    "-1",  "1x",  "1kk",    "k",    "1.",  ".5",
        "1e3",       "0x10", " 1",  "+1",  "1.5.2M", "inf",  "nan", "9223372036854775808",
        "99999999T", "1MM",  "1.5", "0.5", "1.5b",   "1.5 B"};
    struct error error;
    uint64_t bytes;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        error.text[0] = '\0';
        if (quantity_size(good[i].text, &bytes, &error) || bytes != good[i].bytes)
            fail_msg("'%s' is %llu: %s", good[i].text, (unsigned long long)bytes, error.text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        error.text[0] = '\0';
        if (quantity_size(bad[i], &bytes, &error) == 0)
            fail_msg("'%s' was taken for %llu", bad[i], (unsigned long long)bytes);
        assert_non_null(strstr(error.text, "expected a size such as"));
    }
}

static void counts_and_percentages(void **state)
{
    struct error error = {""};
    uint64_t count;
    double percent;
    (void)state;
    assert_int_equal(quantity_count("1000", &count, &error), 0);
    assert_int_equal(count, 1000);
    assert_int_equal(quantity_count("1k", &count, &error), -1);
    assert_int_equal(quantity_percent("2.5", &percent, &error), 0);
    assert_true(percent == 2.5);
    assert_int_equal(quantity_percent("10%", &percent, &error), 0);
    assert_true(percent == 10);
    assert_int_equal(quantity_percent("10%%", &percent, &error), -1);
    assert_int_equal(quantity_percent("-1", &percent, &error), -1);
    assert_int_equal(quantity_percent("nan", &percent, &error), -1);
}

static void dates(void **state)
{
    static const char *const good[] = {"2027-01-01", "2024-02-29", "2000-02-29", "1999-12-31"};
    static const char *const bad[] = {"2027-13-01", "2027-00-01", "2027-02-29", "2100-02-29",
                                      "2027-1-1",   "27-01-01",   "2027-04-31", "2027-01-00",
                                      "2027/01/01", "tomorrow",   "",           "2027-01-01T00"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct error error = {""};
        assert_int_equal(quantity_date(good[i], &error), 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error error = {""};
        if (quantity_date(bad[i], &error) == 0)
            fail_msg("'%s' was taken for a date", bad[i]);
        assert_non_null(strstr(error.text, "expected a date"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes), cmocka_unit_test(counts_and_percentages), cmocka_unit_test(dates)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
