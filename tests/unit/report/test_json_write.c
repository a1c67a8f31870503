/* SPDX-License-Identifier: MIT
 *
 * What the writer writes is JSON, whatever is nested in what.
 */
#include "json_write.h"
#include "test.h"

#include <jansson.h>

static void nests(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    struct json_writer w = {.file = f};
    (void)state;
    json_write_open(&w, '{', JSON_BLOCK);
    json_write_key(&w, "empty");
    json_write_open(&w, '[', JSON_BLOCK);
    json_write_close(&w, ']');
    json_write_key(&w, "rows");
    json_write_open(&w, '[', JSON_BLOCK);
    for (uint64_t i = 0; i < 2; i++) {
        json_write_open(&w, '{', JSON_ROW);
        json_write_count(&w, "n", i);
        json_write_key(&w, "list");
        json_write_open(&w, '[', JSON_BLOCK);
        json_write_bool(&w, NULL, true);
        json_write_null(&w, NULL);
        json_write_close(&w, ']');
        json_write_string(&w, "s", "x\ny");
        json_write_close(&w, '}');
    }
    json_write_close(&w, ']');
    json_write_number(&w, "percent", 99.97);
    json_write_close(&w, '}');
    json_write_end(&w);
    assert_int_equal(fclose(f), 0);
    assert_string_equal(text, "{\n"
                              "  \"empty\": [],\n"
                              "  \"rows\": [\n"
                              "    {\"n\": 0, \"list\": [true, null], \"s\": \"x\\u000ay\"},\n"
                              "    {\"n\": 1, \"list\": [true, null], \"s\": \"x\\u000ay\"}\n"
                              "  ],\n"
                              "  \"percent\": 99.97\n"
                              "}\n");
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(value);
    json_decref(value);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nests)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
