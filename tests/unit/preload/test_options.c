/* SPDX-License-Identifier: MIT
 *
 * A table of settings: what each makes of the defaults, and what is said about the bad ones.
 */
#include "options.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

enum field {
    NOTHING,
    OUT,
    ENABLE,
    SAMPLE,
    INTERVAL,
    SIGNAL,
    FATAL,
    LEAK_CHECK,
    FOLLOW,
    DEPTH,
    OVERHEAD,
    AT_BYTES,
    AT_PERCENT,
    VERIFY,
    MMAP,
    VERBOSE,
};

struct setting {
    const char *name, *value;
    enum field field; /* that differs from the default */
    uint64_t expected;
};

static const struct setting good[] = {
    {"OUT", "x", OUT, 0},
    {"OUT", "/a/b %p.%e.%h.%n.%t.%%", OUT, 0},
    {"OUT", "\xc3\xa9\xff", OUT, 0},
    {"ENABLE", "0", ENABLE, 0},
    {"ENABLE", "1", NOTHING, 0},
    {"SAMPLE", "0", NOTHING, 0},
    {"SAMPLE", "0k", NOTHING, 0},
    {"SAMPLE", "1", SAMPLE, 1},
    {"SAMPLE", "524288", SAMPLE, 524288},
    {"SAMPLE", "512k", SAMPLE, 524288},
    {"SAMPLE", "512K", SAMPLE, 524288},
    {"SAMPLE", "3m", SAMPLE, 3145728},
    {"SAMPLE", "1024G", SAMPLE, (uint64_t)1 << 40},
    {"SAMPLE", "1099511627776", SAMPLE, (uint64_t)1 << 40},
    {"INTERVAL", "0", NOTHING, 0},
    {"INTERVAL", "0.0", NOTHING, 0},
    {"INTERVAL", "1", INTERVAL, 1000000000},
    {"INTERVAL", "1.", INTERVAL, 1000000000},
    {"INTERVAL", ".5", INTERVAL, 500000000},
    {"INTERVAL", "0.25", INTERVAL, 250000000},
    {"INTERVAL", "12.000000001", INTERVAL, 12000000001},
    {"INTERVAL", "0.0000000019", INTERVAL, 1}, /* nothing below a nanosecond */
    {"INTERVAL", "0003", INTERVAL, 3000000000},
    {"INTERVAL", "1000000000", INTERVAL, 1000000000000000000},
    {"SIGNAL", "none", NOTHING, 0},
    {"SIGNAL", "USR2", SIGNAL, 12},
    {"SIGNAL", "SIGUSR1", SIGNAL, 10},
    {"SIGNAL", "HUP", SIGNAL, 1},
    {"SIGNAL", "INT", SIGNAL, 2},
    {"SIGNAL", "QUIT", SIGNAL, 3},
    {"SIGNAL", "ALRM", SIGNAL, 14},
    {"SIGNAL", "TERM", SIGNAL, 15},
    {"SIGNAL", "STKFLT", SIGNAL, 16},
    {"SIGNAL", "CONT", SIGNAL, 18},
    {"SIGNAL", "URG", SIGNAL, 23},
    {"SIGNAL", "XCPU", SIGNAL, 24},
    {"SIGNAL", "VTALRM", SIGNAL, 26},
    {"SIGNAL", "PROF", SIGNAL, 27},
    {"SIGNAL", "WINCH", SIGNAL, 28},
    {"SIGNAL", "IO", SIGNAL, 29},
    {"SIGNAL", "PWR", SIGNAL, 30},
    {"SIGNAL", "12", SIGNAL, 12},
    {"SIGNAL", "64", SIGNAL, 64},
    {"SIGNAL", "RTMIN", SIGNAL, 34},
    {"SIGNAL", "SIGRTMIN+3", SIGNAL, 37},
    {"SIGNAL", "RTMIN+30", SIGNAL, 64},
    {"FATAL", "0", FATAL, 0},
    {"FATAL", "1", NOTHING, 0},
    {"LEAK_CHECK", "none", LEAK_CHECK, LEAK_CHECK_NONE},
    {"LEAK_CHECK", "live", NOTHING, 0},
    {"FOLLOW", "none", FOLLOW, FOLLOW_NONE},
    {"FOLLOW", "fork", FOLLOW, FOLLOW_FORK},
    {"FOLLOW", "exec", FOLLOW, FOLLOW_EXEC},
    {"FOLLOW", "all", NOTHING, 0},
    {"MAX_DEPTH", "1", DEPTH, 1},
    {"MAX_DEPTH", "65536", DEPTH, 65536},
    {"MAX_DEPTH", "0256", NOTHING, 0},
    {"MMAP", "0", NOTHING, 0},
    {"MMAP", "1", MMAP, 1},
    {"MAX_OVERHEAD", "none", NOTHING, 0},
    {"MAX_OVERHEAD", "5", OVERHEAD, 5000},
    {"MAX_OVERHEAD", "0.01", OVERHEAD, 10},
    {"MAX_OVERHEAD", "2.5", OVERHEAD, 2500},
    {"MAX_OVERHEAD", "1000", OVERHEAD, 1000000},
    {"DUMP_AT", "none", NOTHING, 0},
    {"DUMP_AT", "1", AT_BYTES, 1},
    {"DUMP_AT", "512m", AT_BYTES, (uint64_t)512 << 20},
    {"DUMP_AT", "3000G", AT_BYTES, (uint64_t)3000 << 30},
    {"DUMP_AT", "80%", AT_PERCENT, 80000},
    {"DUMP_AT", "0.01%", AT_PERCENT, 10},
    {"DUMP_AT", "99.5%", AT_PERCENT, 99500},
    {"DUMP_AT", "100%", AT_PERCENT, 100000},
    {"SCOPES", "none", NOTHING, 0},
    {"VERIFY", "1", VERIFY, 1},
    {"VERIFY", "0", NOTHING, 0},
    {"VERBOSE", "0", NOTHING, 0},
    {"VERBOSE", "1", VERBOSE, 1},
    {"VERBOSE", "2", VERBOSE, 2},
    {"UNKNOWN", "whatever", NOTHING, 0},
    {"", "whatever", NOTHING, 0},
};

static const struct {
    const char *name, *expected; /* what the message ends in */
    const char *values[16];
} bad[] = {
    {"OUT",
     "a path of less than 2048 bytes; %p %e %h %n %t %% are replaced",
     {"", "%", "a%", "a%q", "%%%", "a\nb", "\x1b[1m", "%P"}},
    {"ENABLE", "0 or 1", {"", "2", "yes", "01", "1 ", " 1", "-1", "0x1"}},
    {"SAMPLE",
     "bytes with or without k, m or g for KiB, MiB or GiB, up to 1024g, 0 for every allocation",
     {"", "k", "-1", "1e99", "512kb", "512kk", "5.5k", " 1", "1 ", "1t", "1025g", "1099511627777",
      "99999999999999999999", "000000000000000000000001", "512\xeb"}},
    {"INTERVAL",
     "seconds as a decimal number up to 1000000000, 0 for none",
     {"", ".", "-1", "1e99", "1s", "1.2.3", " 1", "+1", "1,5", "1000000001", "99999999999999999999",
      "nan", "\xff"}},
    {"SIGNAL",
     "the name or number of a signal that tells of no fault, such as USR2 or 12, or none",
     {"", "0", "9", "11", "19", "65", "32", "33", "-1", "KILL", "SEGV", "SIGABRT", "usr2", "SIG",
      "RTMIN+31", "99999999999999999999"}},
    {"FATAL", "0 or 1", {"", "2", "no", "SEGV"}},
    {"LEAK_CHECK", "none or live", {"", "Live", "liv", "live ", "none live", "1", " "}},
    {"FOLLOW", "all, fork, exec or none", {"", "forks", "fork exec", "ALL", "0", " "}},
    {"MAX_DEPTH",
     "a number of frames from 1 to 65536",
     {"", "0", "-1", "65537", "1e3", "256k", "18446744073709551617", "0x10"}},
    {"MMAP", "0 or 1", {"", "2", "yes"}},
    {"MAX_OVERHEAD",
     "a percentage from 0.01 to 1000, or none",
     {"", "0", "0.009", "1000.001", "-5", "5%", "five", ".", "99999999999999999999"}},
    {"DUMP_AT",
     "bytes with or without k, m or g, a percentage such as 80%, or none",
     {"", "0", "0%", "%", "101%", "80 %", "80%%", "none%", "1e9", "-1", "5x", "80%m",
      "18446744073709551616", "00000000000000000000000001%"}},
    {"SCOPES", "none (this version has no scopes)", {"", "main"}},
    {"VERIFY", "0 or 1", {"", "2", "true"}},
    {"VERBOSE", "0, 1 or 2", {"", "3", "-1", "1 2", "10"}},
};

/* Reads an environment, over what was in O before; returns what was said. */
static const char *read_entries(struct options *o, const char *const *entries, bool complain)
{
    memset(o, 0x5a, sizeof *o);
    support_catch_stderr();
    options_read(o, (char *const *)entries, complain);
    return support_caught_stderr();
}

static void assert_options(const struct options *o, const struct setting *s)
{
    enum field f = s ? s->field : NOTHING;
    assert_string_equal(o->out, f == OUT ? s->value : "memprof.%e.%p.json");
    assert_int_equal(o->enable, f == ENABLE ? s->expected : 1);
    assert_int_equal(o->sample_mean, f == SAMPLE ? s->expected : 0);
    assert_int_equal(o->max_overhead, f == OVERHEAD ? s->expected : 0);
    assert_int_equal(o->interval_ns, f == INTERVAL ? s->expected : 0);
    assert_int_equal(o->signal, f == SIGNAL ? s->expected : 0);
    assert_int_equal(o->dump_at_bytes, f == AT_BYTES ? s->expected : 0);
    assert_int_equal(o->dump_at_percent, f == AT_PERCENT ? s->expected : 0);
    assert_int_equal(o->fatal, f == FATAL ? s->expected : 1);
    assert_int_equal(o->leak_check, f == LEAK_CHECK ? s->expected : LEAK_CHECK_LIVE);
    assert_int_equal(o->follow, f == FOLLOW ? s->expected : FOLLOW_ALL);
    assert_int_equal(o->max_depth, f == DEPTH ? s->expected : 256);
    assert_int_equal(o->verify, f == VERIFY ? s->expected : 0);
    assert_int_equal(o->mmap, f == MMAP ? s->expected : 0);
    assert_int_equal(o->verbose, f == VERBOSE ? s->expected : 0);
}

static void nothing_gives_the_defaults(void **state)
{
    (void)state;
    struct options o;
    const char *const empty[] = {NULL};
    const char *const others[] = {
        "PATH=/bin",     "MEMPROF", "MEMPROF_", "MEMPROF_OUT", "MEMPROF_OUTX=1", "XMEMPROF_OUT=1",
        "memprof_out=1", "=",       "",         NULL};
    assert_string_equal(read_entries(&o, NULL, true), "");
    assert_options(&o, NULL);
    assert_string_equal(read_entries(&o, empty, true), "");
    assert_options(&o, NULL);
    assert_string_equal(read_entries(&o, others, true), "");
    assert_options(&o, NULL);
}

static void good_values_are_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char entry[200];
        snprintf(entry, sizeof entry, "MEMPROF_%s=%s", good[i].name, good[i].value);
        const char *const entries[] = {"HOME=/", entry, "LANG=C", NULL};
        struct options o;
        assert_string_equal(read_entries(&o, entries, true), "");
        assert_options(&o, &good[i]);
    }
}

/* VALUE as it is shown: no control characters, and not more of it than fits a line. */
static void shown(const char *value, char *to)
{
    size_t n = 0;
    for (; n < 64 && value[n]; n++) {
        unsigned char c = (unsigned char)value[n];
        to[n] = (char)(c < 0x20 || c >= 0x7f ? (unsigned char)'?' : c);
    }
    strcpy(to + n, value[n] ? "..." : "");
}

static void check_bad(const char *name, const char *value, const char *expected)
{
    static char entry[8192], line[8192], text[128];
    snprintf(entry, sizeof entry, "MEMPROF_%s=%s", name, value);
    shown(value, text);
    snprintf(line, sizeof line,
             "memprof: 'MEMPROF_%s': '%s' is not accepted, the default is used; expected %s\n",
             name, text, expected);
    const char *const entries[] = {entry, NULL};
    struct options o;
    assert_string_equal(read_entries(&o, entries, true), line);
    assert_options(&o, NULL);
    assert_string_equal(read_entries(&o, entries, false), "");
    assert_options(&o, NULL);
}

static void bad_values_are_told_in_a_line(void **state)
{
    (void)state;
    static char large[4097];
    memset(large, 'x', sizeof large - 1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        for (size_t v = 0; v < 16 && bad[i].values[v]; v++) {
            check_bad(bad[i].name, bad[i].values[v], bad[i].expected);
        }
        check_bad(bad[i].name, large, bad[i].expected);
    }
}

static void the_longest_path_is_taken(void **state)
{
    (void)state;
    static char entry[4096];
    size_t prefix = strlen("MEMPROF_OUT=");
    strcpy(entry, "MEMPROF_OUT=");
    memset(entry + prefix, 'x', 2047);
    const char *const entries[] = {entry, NULL};
    struct options o;
    assert_string_equal(read_entries(&o, entries, true), "");
    assert_ptr_equal(o.out, entry + prefix);
    entry[prefix + 2047] = 'x';
    assert_string_not_equal(read_entries(&o, entries, true), "");
    assert_options(&o, NULL);
}

static void several_are_told_each(void **state)
{
    (void)state;
    const char *const entries[] = {"MEMPROF_ENABLE=x", "MEMPROF_INTERVAL=2", "MEMPROF_VERIFY=y",
                                   "MEMPROF_SIGNAL=USR2", NULL};
    struct options o;
    const char *said = read_entries(&o, entries, true);
    assert_string_equal(
        said, "memprof: 'MEMPROF_ENABLE': 'x' is not accepted, the default is used; expected 0 or "
              "1\n"
              "memprof: 'MEMPROF_VERIFY': 'y' is not accepted, the default is used; expected 0 or "
              "1\n");
    assert_true(o.enable && !o.verify && o.interval_ns == 2000000000 && o.signal == 12);
}

static void a_terminal_makes_it_talk(void **state)
{
    (void)state;
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0) {
        skip();
    }
    int saved = fcntl(2, F_DUPFD_CLOEXEC, 3);
    int side = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(side >= 0);
    dup2(side, 2);
    struct options o;
    options_read(&o, NULL, true);
    dup2(saved, 2);
    close(saved);
    close(side);
    close(terminal);
    assert_int_equal(o.verbose, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_gives_the_defaults),
        cmocka_unit_test(good_values_are_taken),
        cmocka_unit_test(bad_values_are_told_in_a_line),
        cmocka_unit_test(the_longest_path_is_taken),
        cmocka_unit_test(several_are_told_each),
        cmocka_unit_test(a_terminal_makes_it_talk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
