/* SPDX-License-Identifier: MIT
 *
 * A table of what was counted, and what must be said of it; programs of all kinds.
 */
#include "coverage.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parsed.h"
#include "process.h"

#define MIB ((uint64_t)1 << 20)

static struct recorder fake;

static int setup(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    memset(&process, 0, sizeof process);
    clock_start(&fake.clock);
    return 0;
}

/* The dump's `coverage` for TOTALS. */
static json_t *coverage_of(const struct dump_totals *totals, uint64_t rss)
{
    static struct json j;
    FILE *f = tmpfile();
    assert_non_null(f);
    json_begin(&j, fileno(f));
    json_open(&j, NULL, '{');
    coverage_write(&j, &fake, totals, rss);
    json_close(&j, '}');
    assert_int_equal(json_end(&j), 0);
    rewind(f);
    json_t *root = json_loadf(f, JSON_REJECT_DUPLICATES, NULL);
    fclose(f);
    assert_non_null(root);
    json_t *coverage = json_incref(json_object_get(root, "coverage"));
    json_decref(root);
    return coverage;
}

/* Checks the percentage, and that the warnings' codes are CODES, with spaces between. */
static void check(const struct dump_totals *totals, uint64_t rss, double percent, const char *codes)
{
    json_t *coverage = coverage_of(totals, rss), *warnings = json_object_get(coverage, "warnings");
    double found = json_real_value(json_object_get(coverage, "percent"));
    assert_true(fabs(found - percent) <= 0.001);
    char said[512] = "";
    for (size_t i = 0; i < json_array_size(warnings); i++) {
        json_t *warning = json_array_get(warnings, i);
        const char *code = json_string_value(json_object_get(warning, "code"));
        const char *words = json_string_value(json_object_get(warning, "text"));
        assert_true(code && words && strlen(words) > 20);
        strcat(strcat(said, i ? " " : ""), code);
    }
    assert_string_equal(said, codes);
    json_decref(coverage);
}

static void percentages(void **state)
{
    (void)state;
    check(&(struct dump_totals){0}, 0, 100, "");
    check(&(struct dump_totals){.alloc_count = 10}, 0, 100, "");
    check(&(struct dump_totals){.alloc_count = 3, .unknown_free_count = 1}, 0, 75, "unknown-frees");
    check(&(struct dump_totals){.alloc_count = 1, .dropped_count = 2}, 0, 100.0 / 3, "dropped");
    check(&(struct dump_totals){.dropped_count = 2}, 0, 0, "dropped");
    check(&(struct dump_totals){.alloc_count = 999999, .dropped_count = 1}, 0, 99.9999, "dropped");
    /* Neither of these was missed. */
    check(&(struct dump_totals){.alloc_count = 9, .missed_free_count = 3}, 0, 100, "missed-frees");
    check(&(struct dump_totals){.alloc_count = 9, .truncated_stack_count = 3}, 0, 100,
          "truncated-stacks");
    const uint64_t huge = (uint64_t)1 << 62;
    check(&(struct dump_totals){.alloc_count = huge, .unknown_free_count = huge}, 0, 50,
          "unknown-frees");
}

/* Checks what the warning about TOTALS begins with. */
static void check_words(const struct dump_totals *totals, const char *begin)
{
    json_t *c = coverage_of(totals, 0);
    json_t *warning = json_array_get(json_object_get(c, "warnings"), 0);
    const char *words = json_string_value(json_object_get(warning, "text"));
    assert_int_equal(strncmp(words, begin, strlen(begin)), 0);
    json_decref(c);
}

static void counts_are_in_the_words(void **state)
{
    (void)state;
    check_words(&(struct dump_totals){.unknown_free_count = 4711},
                "4711 blocks were freed without");
    check_words(&(struct dump_totals){.unknown_free_count = 1}, "1 block was freed without");
    check_words(&(struct dump_totals){.missed_free_count = 1}, "1 block was handed out again");
    check_words(&(struct dump_totals){.dropped_count = 1}, "1 event could not");
    check_words(&(struct dump_totals){.dropped_count = 2}, "2 events could not");
    check_words(&(struct dump_totals){.truncated_stack_count = 1}, "1 allocation has a stack");
}

static void a_blind_profile_says_why(void **state)
{
    (void)state;
    strcpy(process.taken_function, "malloc");
    strcpy(process.taken_by, "the executable");
    check(&(struct dump_totals){0}, 0, 0, "not-interposed");
    check(&(struct dump_totals){.alloc_count = 5}, 0, 100, "not-interposed");
    process.rebound = 3;
    check(&(struct dump_totals){.alloc_count = 5}, 0, 100, "redirected");
}

static void a_long_run_without_allocations(void **state)
{
    (void)state;
    fake.clock.start_ns -= 1500000000u; /* as if it had begun so long ago */
    check(&(struct dump_totals){0}, 0, 100, "no-allocations");
    check(&(struct dump_totals){.alloc_count = 1}, 0, 100, "");
}

static void memory_that_is_elsewhere(void **state)
{
    (void)state;
    struct dump_totals t = {.alloc_count = 1, .peak_bytes = MIB};
    check(&t, 60 * MIB, 100, "");
    check(&t, 100 * MIB, 100, "mostly-elsewhere");
    t.peak_bytes = 10 * MIB;
    check(&t, 100 * MIB, 100, "");
}

static void without_libunwind(void **state)
{
    (void)state;
    fake.unwind_trouble = "it is not there";
    check(&(struct dump_totals){.alloc_count = 1}, 0, 100, "no-unwinder");
}

static void static_programs_are_noticed(void **state)
{
    (void)state;
    assert_true(coverage_is_static_program(STATIC_PROGRAM));
    assert_false(coverage_is_static_program("/proc/self/exe"));
    assert_false(coverage_is_static_program("/bin/sh"));
    assert_false(coverage_is_static_program("/no/such/program"));
    assert_false(coverage_is_static_program("/"));
    assert_false(coverage_is_static_program("/dev/null"));
    support_enter_directory();
    support_write(support_path("script"), "#!/bin/sh\n");
    support_write(support_path("empty"), "");
    assert_int_equal(mkfifo(support_path("fifo"), 0600), 0);
    assert_false(coverage_is_static_program(support_path("script")));
    assert_false(coverage_is_static_program(support_path("empty")));
    assert_false(coverage_is_static_program(support_path("fifo"))); /* and does not wait */
    support_leave_directory();
}

/* Every cut and every single damaged byte of a program's head: no crash. */
static void damaged_programs_are_read_safely(void **state)
{
    (void)state;
    unsigned char head[1024], changed[1024];
    FILE *f = fopen(STATIC_PROGRAM, "re");
    assert_non_null(f);
    assert_int_equal(fread(head, 1, sizeof head, f), sizeof head);
    fclose(f);
    support_enter_directory();
    const char *path = support_path("program");
    for (size_t i = 0; i < 128; i++) {
        memcpy(changed, head, sizeof head);
        changed[i / 2] = i % 2 ? 0xff : (unsigned char)(changed[i / 2] ^ 0x40);
        f = fopen(path, "we");
        fwrite(changed, 1, i < 64 ? i : sizeof changed, f);
        fclose(f);
        coverage_is_static_program(path);
        assert_true(i >= 64 || !coverage_is_static_program(path)); /* cut within its header */
    }
    support_leave_directory();
}

static void a_static_successor_is_told(void **state)
{
    (void)state;
    coverage_note_static("/a/static/program");
    json_t *c = coverage_of(&(struct dump_totals){.alloc_count = 1}, 0);
    json_t *warning = json_array_get(json_object_get(c, "warnings"), 0);
    assert_string_equal(json_string_value(json_object_get(warning, "code")), "static-program");
    const char *words = json_string_value(json_object_get(warning, "text"));
    assert_non_null(strstr(words, "/a/static/program"));
    json_decref(c);
    coverage_note_static("");
    check(&(struct dump_totals){.alloc_count = 1}, 0, 100, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(percentages, setup),
        cmocka_unit_test_setup(counts_are_in_the_words, setup),
        cmocka_unit_test_setup(a_blind_profile_says_why, setup),
        cmocka_unit_test_setup(a_long_run_without_allocations, setup),
        cmocka_unit_test_setup(memory_that_is_elsewhere, setup),
        cmocka_unit_test_setup(without_libunwind, setup),
        cmocka_unit_test_setup(static_programs_are_noticed, setup),
        cmocka_unit_test_setup(damaged_programs_are_read_safely, setup),
        cmocka_unit_test_setup(a_static_successor_is_told, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
