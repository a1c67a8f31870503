/* SPDX-License-Identifier: MIT
 *
 * The command line: what it means, and what is said about it when it means nothing.
 */
#include "options.h"
#include "test.h"
#include "verbs.h"

#include <unistd.h>

#define MAX_WORDS 32

/* Parses LINE, split at blanks; the words live until the next call. */
static int parse(struct options *o, const char *line, struct error *error)
{
    static char words[512];
    static char *argv[MAX_WORDS + 2];
    int argc = 0;
    snprintf(words, sizeof words, "memprof-report %s", line);
    for (char *word = strtok(words, " "); word && argc < MAX_WORDS; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    error->text[0] = '\0';
    return options_parse(o, argc, argv, error);
}

static void verbs_and_dumps(void **state)
{
    static const struct {
        const char *line, *verb;
        size_t ndumps;
    } cases[] = {{"x.json", "summary", 1},
                 {"summary x.json y.json", "summary", 2},
                 {"x.json lines", "summary", 2},
                 {"--self lines x.json", "lines", 1},
                 {"leaks -", "leaks", 1},
                 {"-", "summary", 1},
                 {"dir/dump", "summary", 1},
                 {"lines -- --odd.json", "lines", 1},
                 {"tree --bottom-up x.json --depth 3", "tree", 1}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct options o;
        struct error error;
        assert_int_equal(parse(&o, cases[i].line, &error), 0);
        assert_string_equal(o.verb->name, cases[i].verb);
        assert_int_equal(o.ndumps, cases[i].ndumps);
        options_drop(&o);
    }
}

static void a_file_without_a_dot_is_a_dump(void **state)
{
    struct options o;
    struct error error;
    (void)state;
    FILE *f = fopen("plainfile", "w");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(parse(&o, "plainfile", &error), 0);
    assert_string_equal(o.verb->name, "summary");
    unlink("plainfile");
    assert_int_equal(parse(&o, "plainfile", &error), -1);
    options_drop(&o);
}

static void refusals(void **state)
{
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"", "no dump is named, expected memprof-report [VERB] [OPTIONS] DUMP.."},
        {"lines", "no dump is named, expected memprof-report [VERB] [OPTIONS] DUMP.."},
        {"nosuch",
         "'nosuch': not a verb nor a file, expected one of: summary, lines, leaks, tree, "},
        {"--nosuch x.json", "'--nosuch': not an option, see --help"},
        {"-x x.json", "'-x': not an option, see --help"},
        {"--s x.json", "'--s': begins the names of several options, see --help"},
        {"--self=1 x.json", "'--self=1': takes no value, see --help"},
        {"x.json --limit", "'--limit': a value is missing, see --help"},
        {"x.json -o", "'-o': a value is missing, see --help"},
        {"--limit -1 x.json", "'--limit -1': expected a whole number from 0 to 2147483647"},
        {"--limit 3x x.json", "'--limit 3x': expected a whole number from 0 to 2147483647"},
        {"--limit 99999999999999999999 x.json",
         "'--limit 99999999999999999999': expected a whole number from 0 to 2147483647"},
        {"--depth 4097 tree x.json", "'--depth 4097': expected a whole number from 0 to 4096"},
        {"--format xml x.json", "'--format xml': expected text, json, csv or markdown"},
        {"--color yes x.json", "'--color yes': expected auto, always or never"},
        {"--unit TiB x.json", "'--unit TiB': expected B, KiB, MiB or GiB"},
        {"--value x tree x.json", "'--value x': expected peak, live, blocks, allocated or count"},
        {"--sort nosuch x.json",
         "'--sort nosuch': no such column, expected one of those in --help"},
        {"--columns peak,nosuch x.json",
         "'--columns peak,nosuch': no column 'nosuch', expected names out of those in --help"},
        {"--bottom-up lines x.json", "'--bottom-up': not an option of 'lines'"},
        {"--depth 2 x.json", "'--depth': not an option of 'summary'"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct options o;
        struct error error;
        assert_int_equal(parse(&o, cases[i].line, &error), -1);
        /* The list of verbs goes on. */
        size_t length = strlen(cases[i].message);
        if (cases[i].message[length - 1] == ' ' && strlen(error.text) > length)
            error.text[length] = '\0';
        assert_string_equal(error.text, cases[i].message);
        options_drop(&o);
    }
}

static void values_arrive(void **state)
{
    struct options o;
    struct error error;
    (void)state;
    assert_int_equal(parse(&o,
                           "lines --format csv -o out --limit 5 --sort freed --unit KiB -q "
                           "--debug-root a --debug-root=b --project-root none x.json",
                           &error),
                     0);
    assert_ptr_equal(o.format, &format_csv);
    assert_string_equal(o.output, "out");
    assert_true(o.has_limit && o.limit == 5 && o.quiet && o.demangle && !o.debuginfod);
    assert_string_equal(o.sort->name, "freed");
    assert_string_equal(o.unit->name, "KiB");
    assert_int_equal(o.ndebug_roots, 2);
    assert_string_equal(o.debug_roots[1], "b");
    assert_string_equal(o.project_root, "");
    options_drop(&o);
    assert_int_equal(parse(&o, "--help nosuch", &error), 0);
    assert_int_equal(o.action, ACTION_HELP);
    assert_int_equal(parse(&o, "-V", &error), 0);
    assert_int_equal(o.action, ACTION_VERSION);
}

static void help_lists_everything(void **state)
{
    char *help = NULL, wanted[64];
    size_t size = 0;
    FILE *f = open_memstream(&help, &size);
    (void)state;
    options_help(f);
    assert_int_equal(fclose(f), 0);
    for (const struct option_row *row = options_table; row->name; row++) {
        snprintf(wanted, sizeof wanted, " --%s ", row->name);
        assert_non_null(strstr(help, wanted));
        assert_non_null(strstr(help, row->help));
    }
    for (const struct verb *v = verbs_table; v->name; v++) {
        snprintf(wanted, sizeof wanted, "\n  %s ", v->name);
        assert_non_null(strstr(help, wanted));
    }
    for (const struct column *c = columns_table; c->name; c++) {
        snprintf(wanted, sizeof wanted, "\n  %s ", c->name);
        assert_non_null(strstr(help, wanted));
    }
    free(help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verbs_and_dumps),
        cmocka_unit_test(a_file_without_a_dot_is_a_dump),
        cmocka_unit_test(refusals),
        cmocka_unit_test(values_arrive),
        cmocka_unit_test(help_lists_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
