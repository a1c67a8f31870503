/* SPDX-License-Identifier: MIT
 *
 * Documents larger than the buffer, wherever it ends, and the places of errors in them.
 */
#include "json_stream.h"
#include "test.h"

#include <stdlib.h>

static struct error error;
static struct input *input;

static struct json_stream *open_text(const char *text, size_t size)
{
    error.text[0] = '\0';
    input = input_memory(text, size);
    return json_stream_new(input, &error);
}

static void close_text(struct json_stream *s)
{
    json_stream_free(s);
    input_close(input);
}

/* COUNT times FILLER, then TEXT; to be freed. */
static char *after(size_t count, char filler, const char *text)
{
    char *whole = malloc(count + strlen(text) + 1);
    assert_non_null(whole);
    memset(whole, filler, count);
    strcpy(whole + count, text);
    return whole;
}

static void walk(void **state)
{
    static const char text[] = "{\"a\": [1, -2, 300], \"b\\u0062\": {\"x\": null}, \"c\": \"s\"} ";
    struct json_stream *s = open_text(text, strlen(text));
    char word[JSON_STREAM_KEY];
    int64_t values[3], value;
    (void)state;
    assert_int_equal(json_stream_enter(s), 0);
    assert_int_equal(json_stream_next(s), 1);
    assert_string_equal(s->key, "a");
    assert_int_equal(json_stream_integers(s, values, 2), -1); /* too many; nothing is consumed */
    assert_false(json_stream_integer(s, &value));
    assert_int_equal(json_stream_integers(s, values, 3), 3);
    assert_int_equal(values[1], -2);
    assert_int_equal(values[2], 300);
    assert_int_equal(json_stream_next(s), 1);
    assert_string_equal(s->key, "bb");
    assert_false(json_stream_text(s, word));
    assert_int_equal(json_stream_skip(s), 0);
    assert_int_equal(json_stream_next(s), 1);
    assert_true(json_stream_text(s, word));
    assert_string_equal(word, "s");
    assert_int_equal(json_stream_next(s), 0);
    assert_int_equal(json_stream_end(s), 0);
    assert_string_equal(error.text, "");
    close_text(s);
}

/* What is not plain is left to jansson, which takes what JSON has and nothing else. */
static void odd_integers(void **state)
{
    static const char *const odd[] = {
        "[007]", "[1.0]", "[1e2]",  "[1,]", "[-]", "[0x1]", "[9223372036854775807]",
        "[1 2]", "[,1]",  "[\"1\"]"};
    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        struct json_stream *s = open_text(odd[i], strlen(odd[i]));
        int64_t values[4];
        assert_int_equal(json_stream_integers(s, values, 4), -1);
        assert_int_equal(s->at, 0);
        close_text(s);
    }
    struct json_stream *s = open_text("[ ]", 3);
    assert_int_equal(json_stream_integers(s, NULL, 0), 0);
    close_text(s);
}

/* Reads `["..", n, {..}]` whose value 1 is 123456789. */
static void expect_three(struct json_stream *s)
{
    assert_int_equal(json_stream_enter(s), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(json_stream_next(s), 1);
        json_t *value = json_stream_value(s);
        assert_non_null(value);
        if (i == 1)
            assert_int_equal(json_integer_value(value), 123456789);
        json_decref(value);
    }
    assert_int_equal(json_stream_next(s), 0);
    assert_int_equal(json_stream_end(s), 0);
}

/* The end of the buffer at every byte of a value that is too long to be there already. */
static void cut_anywhere(void **state)
{
    enum { BUFFER = 256 << 10, LONG = 5000 };
    static const char tail[] = "\xe2\x82\xac\\ud83d\\ude00\\n\", 123456789, {\"\xc3\xa9\": true}]";
    (void)state;
    for (size_t cut = 0; cut < sizeof tail + 2; cut++) {
        size_t filled = BUFFER - LONG - cut;
        char *text = malloc(BUFFER + 2 + sizeof tail);
        assert_non_null(text);
        memset(text, ' ', filled);
        text[filled] = '[';
        text[filled + 1] = '"';
        memset(text + filled + 2, 'x', LONG);
        strcpy(text + filled + 2 + LONG, tail);
        struct json_stream *s = open_text(text, strlen(text));
        expect_three(s);
        close_text(s);
        free(text);
    }
}

static void places_of_errors(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"[1,\n \"\xc3\xa9\" x]", "line 300002, column 6: not JSON: ',' or ']' expected near 'x'"},
        {"[1,\n \"\xc3\xa9\", tru]", "line 300002, column 9: not JSON: invalid token near 'tru'"},
        {"[{\"a\": 1,\n\"a\": 2}]",
         "line 300002, column 3: not JSON: duplicate object key near '\"a\"'"},
        {"[1, 2", "line 300001, column 5: the file ends too early, expected a whole memprof dump"},
        {"[1,\n\"\x01\"]", "line 300002, column 1: not JSON: control character 0x1 near '\"'"},
        {"[1] \x01", "line 300001, column 5: not JSON: end of file expected near byte 0x01"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = after(300000, '\n', cases[i].text);
        struct json_stream *s = open_text(text, strlen(text));
        int more = json_stream_enter(s);
        while (more >= 0 && (more = json_stream_next(s)) > 0) {
            json_t *value = json_stream_value(s);
            more = value ? 1 : -1;
            json_decref(value);
        }
        if (more == 0)
            more = json_stream_end(s);
        assert_int_equal(more, -1);
        assert_true(s->broken);
        assert_string_equal(error.text, cases[i].message);
        close_text(s);
        free(text);
    }
}

/* Passed over without being kept, however large; left in the middle. */
static void skipping(void **state)
{
    enum { COUNT = 1 << 20 };
    static const char tail[] = "1, {\"k\": [true, {}]}], \"z\": 7}";
    (void)state;
    char *text = malloc(2 * COUNT + 64);
    assert_non_null(text);
    strcpy(text, "{\"large\": [");
    for (size_t i = 0; i < COUNT; i++)
        memcpy(text + 11 + 2 * i, "5,", 2);
    strcpy(text + 11 + 2 * (size_t)COUNT, tail);
    for (int leave = 0; leave < 2; leave++) {
        struct json_stream *s = open_text(text, strlen(text));
        int64_t value;
        assert_int_equal(json_stream_enter(s), 0);
        assert_int_equal(json_stream_next(s), 1);
        if (leave) {
            assert_int_equal(json_stream_enter(s), 0);
            assert_int_equal(json_stream_next(s), 1);
            assert_true(json_stream_integer(s, &value));
            assert_int_equal(json_stream_leave(s, 1), 0);
        } else {
            assert_int_equal(json_stream_skip(s), 0);
        }
        assert_true(s->capacity < COUNT);
        assert_int_equal(json_stream_next(s), 1);
        assert_string_equal(s->key, "z");
        assert_true(json_stream_integer(s, &value));
        assert_int_equal(value, 7);
        close_text(s);
    }
    free(text);
}

static void limits(void **state)
{
    (void)state;
    char *deep = after(JSON_STREAM_DEPTH + 1, '[', "");
    struct json_stream *s = open_text(deep, strlen(deep));
    assert_int_equal(json_stream_skip(s), -1);
    assert_string_equal(error.text,
                        "line 1, column 2049: not JSON: maximum parsing depth reached near '['");
    close_text(s);
    free(deep);
    char *large = after(JSON_STREAM_PIECE_MAX + 10, 'x', "\"]");
    memcpy(large, "[\n  \"", 5);
    s = open_text(large, strlen(large));
    assert_int_equal(json_stream_enter(s), 0);
    assert_int_equal(json_stream_next(s), 1);
    assert_null(json_stream_value(s));
    assert_string_equal(error.text, "line 2, column 3: a value of more than 67108864 bytes begins "
                                    "here, too large for a memprof dump");
    close_text(s);
    free(large);
}

static json_t *whole(const char *text)
{
    struct json_stream *s = open_text(text, strlen(text));
    assert_int_equal(json_stream_enter(s), 0);
    assert_int_equal(json_stream_next(s), 1);
    json_t *value = json_stream_value(s);
    close_text(s);
    return value;
}

/* Many values in little text take far more memory than it; as many in more text do not. */
static void crowded_values(void **state)
{
    const size_t most = JSON_STREAM_VALUES_MAX;
    char *text = malloc(most * 20 + 10), *p = text;
    (void)state;
    assert_non_null(text);
    p += sprintf(p, "[[");
    for (size_t i = 0; i < most; i++)
        p += sprintf(p, "%s1", i ? "," : "");
    sprintf(p, "]]");
    json_t *value = whole(text);
    assert_int_equal(json_array_size(value), most);
    json_decref(value);
    p = text + sprintf(text, "[[");
    for (size_t i = 0; i < 2 * most; i++)
        p += sprintf(p, "%s[]", i ? "," : "");
    sprintf(p, "]]");
    assert_null(whole(text));
    assert_string_equal(error.text, "line 1, column 2: a value of more than 65536 others begins "
                                    "here, too many for a memprof dump");
    p = text + sprintf(text, "[[");
    for (size_t i = 0; i < most + most / 10; i++)
        p += sprintf(p, "%s\"[,{\\\"345678\"", i ? "," : "");
    sprintf(p, "]]");
    value = whole(text);
    assert_int_equal(json_array_size(value), most + most / 10);
    json_decref(value);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walk),           cmocka_unit_test(odd_integers),
        cmocka_unit_test(cut_anywhere),   cmocka_unit_test(places_of_errors),
        cmocka_unit_test(skipping),       cmocka_unit_test(limits),
        cmocka_unit_test(crowded_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
