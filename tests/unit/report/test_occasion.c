/* SPDX-License-Identifier: MIT
 *
 * Why and when a dump was written, in words.
 */
#include "occasion.h"
#include "test.h"

#include <string.h>

static void assert_words(const struct dump *dump, const char *expected)
{
    char buffer[OCCASION_MAX];
    assert_string_equal(occasion_words(buffer, dump), expected);
}

static void every_reason(void **state)
{
    static const char *const words[][2] = {
        {"exit", "the program ended"},
        {"signal", "a signal asked for a snapshot; the program went on"},
        {"interval", "a snapshot was due; the program went on"},
        {"api", "the program asked for it, and went on"},
        {"exec", "the process executed another program"},
        {"fatal", "a signal ended the program"},
        {"recovered", "the process ended without a word; this was written of what it left"},
        {"whim", "of something that is not known here"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_words(&(struct dump){.reason = words[i][0]}, words[i][1]);
    assert_words(&(struct dump){.reason = "api", .sequence = 1},
                 "the program asked for it, and went on (1 dump of it before)");
    assert_words(&(struct dump){.reason = "api", .sequence = 12},
                 "the program asked for it, and went on (12 dumps of it before)");
}

static void signals(void **state)
{
    struct dump dump = {.reason = "fatal", .signal = {.number = 11, .name = "SIGSEGV", .code = 1}};
    (void)state;
    dump.signal.has_address = true;
    dump.signal.address = 0x10;
    assert_words(&dump, "SIGSEGV ended the program: the address 0x10 could not be used");
    dump.signal = (struct dump_signal){.number = 15, .name = "SIGTERM", .sender = 42};
    assert_words(&dump, "SIGTERM, sent by process 42, ended the program");
    dump.signal = (struct dump_signal){.number = 35};
    assert_words(&dump, "signal 35 ended the program");
}

static void triggers(void **state)
{
    static const struct {
        const char *kind, *words;
    } limits[] = {
        {"size",
         "memory passed the size that was to be watched: 1.00 MiB in use, 2.00 MiB allowed"},
        {"address-space",
         "the limit of address space (RLIMIT_AS) came near: 1.00 MiB in use of 2.00 MiB"},
        {"data", "the limit of data (RLIMIT_DATA) came near: 1.00 MiB in use of 2.00 MiB"},
        {"cgroup", "the control group's limit of memory came near: 1.00 MiB in use of 2.00 MiB"},
        {"machine", "the machine's memory came near: 1.00 MiB in use of 2.00 MiB"},
        {"failed-allocation", "an allocation of 3.00 MiB failed"},
        {"new", "\"new\" asked for it"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        char expected[OCCASION_MAX];
        const struct dump dump = {
            .reason = "interval",
            .trigger = {limits[i].kind, 2 << 20, 1 << 20, 3 << 20},
        };
        snprintf(expected, sizeof expected, "%s; the program went on", limits[i].words);
        assert_words(&dump, expected);
    }
}

/* However long the names are. */
static void long_names(void **state)
{
    char name[2 * OCCASION_MAX], buffer[OCCASION_MAX];
    (void)state;
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    const struct dump named = {.reason = "fatal", .signal = {.number = 1, .name = name}};
    const struct dump asked = {.reason = "interval", .trigger = {.kind = name}};
    assert_true(strlen(occasion_words(buffer, &named)) < 100);
    assert_true(strlen(occasion_words(buffer, &asked)) < 100);
}

static void resident_sets(void **state)
{
    char buffer[OCCASION_MAX];
    struct dump dump = {.reason = "exit", .elapsed_ns = 3000000000};
    (void)state;
    assert_string_equal(occasion_resident(buffer, &dump), "at the dump");
    assert_null(occasion_resident_unknown(&dump));
    dump.resident_earlier = true;
    dump.resident_ns = 1000000000;
    assert_string_equal(occasion_resident(buffer, &dump), "2.00 s before the dump");
    dump.resident_ns = 4000000000; /* cannot be */
    assert_string_equal(occasion_resident(buffer, &dump), "0 ns before the dump");
    dump.reason = "recovered";
    assert_non_null(strstr(occasion_resident_unknown(&dump), "was killed before"));
    dump.has_resident = true;
    assert_null(occasion_resident_unknown(&dump));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason), cmocka_unit_test(signals),       cmocka_unit_test(triggers),
        cmocka_unit_test(long_names),   cmocka_unit_test(resident_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
