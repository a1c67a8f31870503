/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli.h"

#include <stdlib.h>
#include <string.h>

#define MAX_WORDS 16

static char *words[MAX_WORDS + 1];
static struct error error;

/* Parses LINE, words with single spaces between. */
static int parse(struct cli *cli, const char *line)
{
    static char copy[512];
    int n = 0;
    free(cli->gate);
    error = (struct error){""};
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        words[n++] = word;
    words[n] = NULL;
    return cli_parse(cli, n, words, &error);
}

static void options_end_where_the_command_begins(void **state)
{
    (void)state;
    struct cli cli = {0};
    assert_int_equal(parse(&cli, "memprof run --sample 4k -q app --sample 5k"), 0);
    assert_string_equal(cli_value(&cli, "sample"), "4k");
    assert_string_equal(cli.command[0], "app");
    assert_string_equal(cli.command[1], "--sample");
    assert_true(cli.quiet);
    assert_int_equal(parse(&cli, "memprof run --mmap -- --app"), 0);
    assert_string_equal(cli_value(&cli, "mmap"), "1");
    assert_string_equal(cli.command[0], "--app");
    free(cli.gate);
}

static void options_of_check_are_parted(void **state)
{
    (void)state;
    struct cli cli = {0};
    assert_int_equal(parse(&cli, "memprof check --max-leak 4k --repeat 3 -q --follow=fork "
                                 "--junit=x -- app --repeat 9"),
                     0);
    assert_int_equal(cli.repeat, 3);
    assert_string_equal(cli_value(&cli, "follow"), "fork");
    assert_int_equal(cli.ngate, 4);
    assert_string_equal(cli.gate[0], "--max-leak");
    assert_string_equal(cli.gate[1], "4k");
    assert_string_equal(cli.gate[2], "-q");
    assert_string_equal(cli.gate[3], "--junit=x");
    assert_string_equal(cli.command[0], "app");
    assert_string_equal(cli.command[2], "9");
    assert_null(cli.command[3]);
    assert_int_equal(parse(&cli, "memprof check app --max-leak 1"), 0);
    assert_int_equal(cli.ngate, 0);
    assert_string_equal(cli.command[1], "--max-leak");
    assert_int_equal(cli.repeat, 1);
    free(cli.gate);
}

static void wrong_lines_are_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {"memprof",
                                        "memprof run",
                                        "memprof run --",
                                        "memprof app",
                                        "memprof --quiet",
                                        "memprof run --repeat 2 app",
                                        "memprof run --sample",
                                        "memprof run --sample x app",
                                        "memprof run --verify=1 app",
                                        "memprof run --no-such app",
                                        "memprof check",
                                        "memprof check --",
                                        "memprof check --max-leak 1 app",
                                        "memprof check --repeat 0 -- app",
                                        "memprof check --repeat 2x -- app",
                                        "memprof check --repeat -- app",
                                        "memprof check --only= -- app"};
    struct cli cli = {0};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (parse(&cli, lines[i]) != -1 || !error.text[0])
            fail_msg("'%s' was taken", lines[i]);
        assert_null(strchr(error.text, '\n'));
    }
    free(cli.gate);
}

static void help_needs_no_command(void **state)
{
    (void)state;
    struct cli cli = {0};
    assert_int_equal(parse(&cli, "memprof --help"), 0);
    assert_true(cli.help);
    assert_int_equal(parse(&cli, "memprof check --help"), 0);
    assert_true(cli.help);
    assert_int_equal(parse(&cli, "memprof run -V"), 0);
    assert_true(cli.version);
    free(cli.gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_end_where_the_command_begins),
        cmocka_unit_test(options_of_check_are_parted),
        cmocka_unit_test(wrong_lines_are_refused),
        cmocka_unit_test(help_needs_no_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
