/* SPDX-License-Identifier: MIT */
#include "options.h"
#include "verbs.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_OPTIONS 96
#define FIRST_LONG 256 /* what getopt_long returns for row 0 */

/* getopt_long's tables, out of ours. */
static void make_getopt(struct option *longs, char *shorts)
{
    size_t at = 0;
    shorts[at++] = ':';
    for (int i = 0; options_table[i].name; i++) {
        const struct option_row *row = &options_table[i];
        longs[i] = (struct option){.name = row->name,
                                   .has_arg = row->argument ? required_argument : no_argument,
                                   .val = FIRST_LONG + i};
        if (row->letter) {
            shorts[at++] = (char)row->letter;
            if (row->argument)
                shorts[at++] = ':';
        }
    }
    shorts[at] = '\0';
}

static const struct option_row *row_of(int code)
{
    if (code >= FIRST_LONG)
        return &options_table[code - FIRST_LONG];
    for (const struct option_row *row = options_table; row->name; row++)
        if (row->letter == code)
            return row;
    return NULL;
}

/* Whether WORD, `--..`, begins the names of several options. */
static bool is_ambiguous(const char *word)
{
    size_t n = strcspn(word, "="), matches = 0;
    for (const struct option_row *row = options_table; n > 2 && row->name; row++)
        matches += strncmp(word + 2, row->name, n - 2) == 0;
    return matches > 1;
}

/* Names what getopt_long stumbled over. */
static int refuse_option(char **argv, int code, struct error *error)
{
    char letter[3] = {'-', (char)optopt, '\0'};
    const char *word = argv[optind - 1];
    const char *wrong = "not an option, see --help";
    bool is_long = optopt == 0 || optopt >= FIRST_LONG;
    if (code == ':')
        wrong = "a value is missing, see --help";
    else if (is_long && optopt)
        wrong = "takes no value, see --help";
    else if (is_long && is_ambiguous(word))
        wrong = "begins the names of several options, see --help";
    return error_set(error, "'%s': %s", is_long ? word : letter, wrong);
}

/* Finds the verb and the dumps among the words that are no options. */
static int take_words(struct options *o, int argc, char **argv, struct error *error)
{
    o->verb = &verbs_table[0];
    if (argc > 0) {
        const struct verb *verb = verbs_find(argv[0]);
        if (verb) {
            o->verb = verb;
            argc--, argv++;
        } else if (!strpbrk(argv[0], "./") && strcmp(argv[0], "-") != 0 &&
                   access(argv[0], F_OK) != 0) {
            char names[128];
            return error_set(error, "'%s': not a verb nor a file, expected one of: %s", argv[0],
                             verbs_names(names, sizeof names));
        }
    }
    if (argc == 0)
        return error_set(error,
                         "no dump is named, expected memprof-report [VERB] [OPTIONS] DUMP..");
    o->dumps = argv;
    o->ndumps = (size_t)argc;
    return 0;
}

int options_parse(struct options *o, int argc, char **argv, struct error *error)
{
    struct option longs[MAX_OPTIONS] = {0};
    char shorts[2 * MAX_OPTIONS];
    bool used[MAX_OPTIONS] = {false};
    int code;
    *o = (struct options){.format = &format_text,
                          .unit = unit_find("MiB"),
                          .demangle = true,
                          .depth = TREE_USUAL_DEPTH,
                          .debuginfod_budget = 60};
    make_getopt(longs, shorts);
    opterr = 0;
    optind = 0;
    while ((code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (code == '?' || code == ':')
            return refuse_option(argv, code, error);
        const struct option_row *row = row_of(code);
        struct error reason = {""};
        used[row - options_table] = true;
        if (row->set(o, optarg, &reason))
            return error_set(error, "'--%s %s': %.400s", row->name, optarg, reason.text);
        if (o->action != ACTION_REPORT)
            return 0;
    }
    if (take_words(o, argc - optind, argv + optind, error))
        return -1;
    for (size_t i = 0; options_table[i].name; i++)
        if (used[i] && !(options_table[i].verbs & o->verb->bit))
            return error_set(error, "'--%s': not an option of '%s'", options_table[i].name,
                             o->verb->name);
    return 0;
}

void options_drop(struct options *o)
{
    free(o->debug_roots);
    free(o->source_roots);
    check_options_drop(&o->check);
    o->debug_roots = o->source_roots = NULL;
}
