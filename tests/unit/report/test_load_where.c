/* SPDX-License-Identifier: MIT
 *
 * Where a dump is wrong, by line and column.
 */
#include "load.h"
#include "test.h"

#define HEAD "{\"format\": \"memprof-dump\", \"version\": 1,\n"

/* Of a value that is read whole it is said where it begins, else where what is wrong ends. */
static void positions_of_wrong_values(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"{\"format\": \"memprof-dump\",\n\"version\":\n  2}",
         "line 3, column 3: version is 2, which this memprof-report does not know, expected "
         "version "
         "1"},
        {"{\"version\": 1, \"format\": 3}", "line 1, column 26: format is 3, expected a string"},
        {HEAD " \"totals\": [\n]}",
         "line 2, column 12: totals is an array of 0, expected an object"},
        {HEAD "\"frames\": [[-1, -1, 0],\n[7, 0, 1]]}",
         "line 3, column 10: frames[1][0] is 7, expected a frame id below 1"},
        {HEAD "\"sites\": [{\"frame\": 0,\n \"alloc_count\": -1}]}",
         "line 3, column 19: sites[0].alloc_count is -1, expected a non-negative integer"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {""};
        assert_null(load_bytes("x.json", cases[i].text, strlen(cases[i].text), &error));
        assert_string_equal(error.text, cases[i].said);
    }
}

/* What is missing is nowhere. */
static void missing_parts_have_no_position(void **state)
{
    static const char text[] = HEAD "\"sites\": []}";
    struct error error = {""};
    (void)state;
    assert_null(load_bytes("x.json", text, strlen(text), &error));
    assert_string_equal(error.text, "process is missing, expected an object");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_of_wrong_values),
        cmocka_unit_test(missing_parts_have_no_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
