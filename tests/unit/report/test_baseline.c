/* SPDX-License-Identifier: MIT
 *
 * Baselines: what is written is what is read, and what else is refused.
 */
#include "baseline.h"
#include "compare.h"
#include "identity_text.h"

static struct identities *t;

static int setup(void **state)
{
    (void)state;
    t = identities_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    identities_free(t);
    return 0;
}

static struct stackset *make(void)
{
    struct stackset *s = stackset_new("made", t);
    struct figures big = {.c = {.live_count = 2, .live_bytes = INT64_MAX, .alloc_count = 7}},
                   small = {.c = {.live_count = 1, .live_bytes = 8},
                            .variance = {.live_bytes = 9.0}},
                   none = {.c = {.alloc_count = 5, .alloc_bytes = 50}};
    stackset_put(s, stack_of(t, "main+2 libc:? lib.so:ns::operator++ a.so:f"), &big);
    stackset_put(s, stack_of(t, "main+2 ns::operator+++-3 -:?"), &small);
    stackset_put(s, stack_of(t, "gone+1"), &none);
    s->total.c.alloc_count = 12;
    s->total.c.freed_bytes = 3;
    s->whole.sample_mean_bytes = 4096;
    stackset_sort(s);
    return s;
}

static char *written(const struct stackset *s)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    baseline_write(out, s);
    fclose(out);
    return text;
}

static struct stackset *read_text(const char *text, struct error *error)
{
    struct stackset *s = stackset_new("read", t);
    struct input *in = input_memory(text, strlen(text));
    *error = (struct error){""};
    int result = baseline_read(s, in, error);
    input_close(in);
    assert_true((result == 0) == (error->text[0] == '\0'));
    if (result == 0) {
        stackset_sort(s);
        return s;
    }
    stackset_free(s);
    return NULL;
}

static void all_comes_back(void **state)
{
    (void)state;
    struct error error;
    struct stackset *s = make();
    char *text = written(s);
    struct stackset *again = read_text(text, &error);
    assert_non_null(again);
    assert_true(again->baseline && !again->live_only);
    assert_int_equal(again->n, 3);
    assert_int_equal(again->total.c.freed_bytes, 3);
    assert_true(again->whole.has_errors);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(again->entries[i].node, s->entries[i].node);
        assert_memory_equal(&again->entries[i].figures.c, &s->entries[i].figures.c,
                            sizeof(struct dump_counters));
        assert_true(again->entries[i].figures.variance.live_bytes ==
                    s->entries[i].figures.variance.live_bytes);
    }
    char *text_again = written(again);
    assert_string_equal(text, text_again);
    free(text_again);
    free(text);
    stackset_free(again);
    stackset_free(s);
}

static void usual_ones_hold_what_is_live(void **state)
{
    (void)state;
    struct error error;
    struct stackset *s = make();
    stackset_keep_live(s);
    char *text = written(s);
    assert_null(strstr(text, "gone"));
    assert_null(strstr(text, "freed_bytes"));
    struct stackset *again = read_text(text, &error);
    assert_non_null(again);
    assert_true(again->live_only);
    assert_int_equal(again->n, 2);
    assert_int_equal(again->total.c.alloc_count, 12);
    free(text);
    stackset_free(again);
    stackset_free(s);
}

static void kinds_come_back(void **state)
{
    (void)state;
    struct error error;
    struct stackset *s = make();
    uint32_t node = s->entries[1].node;
    s->classified = true;
    stackset_put_kind(s, node, DUMP_LEAK_definite, 1, 8);
    stackset_put_kind(s, node, DUMP_LEAK_reachable, 2, 30);
    stackset_put_kind(s, node, DUMP_LEAK_reachable, 1, 2);
    char *text = written(s);
    struct stackset *again = read_text(text, &error);
    assert_non_null(again);
    assert_true(stackset_has_kinds(again));
    char *text_again = written(again);
    assert_string_equal(text, text_again);
    stackset_keep_kinds(again, 1u << DUMP_LEAK_reachable | 1u << DUMP_LEAK_possible);
    assert_int_equal(again->n, 1);
    assert_int_equal(again->entries[0].node, node);
    assert_int_equal(again->entries[0].figures.c.live_count, 3);
    assert_int_equal(again->entries[0].figures.c.live_bytes, 32);
    s->unclassified = true; /* one of several dumps tells none: then there are none */
    free(text_again);
    text_again = written(s);
    assert_null(strstr(text_again, "leak_kinds"));
    assert_null(strstr(text_again, "reachable"));
    free(text_again);
    free(text);
    stackset_free(again);
    stackset_free(s);
}

#define HEAD "{\"format\": \"memprof-baseline\", \"version\": 1, "
#define TAIL "\"stacks\": \"live\", \"totals\": {}, \"entries\": ["

static void the_rest_is_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"", "line 1, column 0: the file ends too early, expected a whole memprof baseline"},
        {"[]", "line 1, column 1: expected an object with format \"memprof-baseline\""},
        {"{}", "format is missing, expected \"memprof-baseline\""},
        {"{\"format\": \"memprof-dump\"}",
         "line 1, column 12: format is \"memprof-dump\", expected \"memprof-baseline\""},
        {"{\"format\": \"memprof-baseline\",\n \"version\": 2}",
         "line 2, column 13: version is 2, which this memprof-report does not know, expected "
         "version "
         "1 of a baseline"},
        {HEAD "\"stacks\": \"some\"}",
         "line 1, column 56: stacks is \"some\", expected \"live\" or \"all\""},
        {HEAD "\"stacks\": \"live\"}", "totals is missing, expected an object"},
        {HEAD TAIL "]",
         "line 1, column 90: the file ends too early, expected a whole memprof baseline"},
        {HEAD TAIL "]} x", "line 1, column 93: not JSON: end of file expected near 'x'"},
        {HEAD TAIL "3]}", "line 1, column 90: entries[0] is 3, expected an object"},
        {HEAD TAIL "{}]}", "line 1, column 90: entries[0].stack is missing, expected an array"},
        {HEAD TAIL "{\"stack\": []}]}", "line 1, column 90: entries[0].stack is an array of 0, "
                                        "expected an array of frames, MODULE`FUNCTION+LINE"},
        {HEAD TAIL "\n {\"stack\": [\"a`b\"]},\n {\"stack\": [\"a`b\", \"main\"]}]}",
         "line 3, column 2: entries[1].stack[1] is \"main\", expected a frame, "
         "MODULE`FUNCTION+LINE"},
        {HEAD TAIL "{\"stack\": [\"a`b\"], \"live_count\": -1}]}",
         "line 1, column 90: entries[0].live_count is -1, expected a non-negative integer"},
        {HEAD "\"entries\": {}}", "line 1, column 57: entries is an object, expected an array"},
        {HEAD "\"entries\": [], \"entries\": []}",
         "line 1, column 70: not JSON: duplicate object key near '\"entries\"'"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error error;
        assert_null(read_text(bad[i][0], &error));
        assert_string_equal(error.text, bad[i][1]);
    }
}

static void what_is_too_large_saturates(void **state)
{
    (void)state;
    struct error error;
    struct stackset *s = stackset_new("made", t);
    stackset_put(s, stack_of(t, "main+2"), &(struct figures){.c = {.live_bytes = UINT64_MAX}});
    char *text = written(s);
    struct stackset *again = read_text(text, &error);
    assert_non_null(again);
    assert_int_equal(again->entries[0].figures.c.live_bytes, INT64_MAX);
    free(text);
    stackset_free(again);
    stackset_free(s);
}

static void unknown_members_are_passed_over(void **state)
{
    (void)state;
    struct error error;
    struct stackset *s = read_text(
        HEAD "\"x\": [{}], \"stacks\": \"all\", \"totals\": {\"y\": 1}, \"entries\": [{\"z\": 1, "
             "\"stack\": [\"`\", \"p`f+x+3\"], \"live_count\": 4}]}",
        &error);
    assert_non_null(s);
    assert_int_equal(s->n, 1);
    assert_string_equal(text_of(t, s->entries[0].node), "p:f+x+3 -:?");
    assert_int_equal(s->entries[0].figures.c.live_count, 4);
    stackset_free(s);
}

static void dumps_and_baselines_are_told_apart(void **state)
{
    (void)state;
    static const char baseline[] = HEAD TAIL "]}", dump[] = "{\"format\": \"memprof-dump\"}";
    char head[8];
    struct error error = {""};
    struct input *in = input_memory(baseline, sizeof baseline - 1);
    assert_true(baseline_is_next(in));
    assert_true(baseline_is_next(in));
    assert_int_equal(input_read(in, head, 8, &error), 8); /* nothing was consumed */
    assert_memory_equal(head, "{\"format", 8);
    input_close(in);
    in = input_memory(dump, sizeof dump - 1);
    assert_false(baseline_is_next(in));
    input_close(in);
    in = input_memory("", 0);
    assert_false(baseline_is_next(in));
    input_close(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(kinds_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(usual_ones_hold_what_is_live, setup, teardown),
        cmocka_unit_test_setup_teardown(the_rest_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_too_large_saturates, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_members_are_passed_over, setup, teardown),
        cmocka_unit_test(dumps_and_baselines_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
