/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include "memory.h"
#include "preload/options.h"

#include <getopt.h>
#include <string.h>

#define FIRST_LONG 256 /* what getopt_long returns for row 0 */

/* getopt_long's tables, out of ours. */
static void make_getopt(struct option *longs, char *shorts)
{
    *shorts++ = '+'; /* the command's own options are not ours */
    *shorts++ = ':';
    for (int i = 0; cli_options[i].name; i++) {
        const struct cli_option *row = &cli_options[i];
        longs[i] = (struct option){.name = row->name,
                                   .has_arg = row->argument ? required_argument : no_argument,
                                   .val = FIRST_LONG + i};
        if (row->letter)
            *shorts++ = (char)row->letter;
        if (row->letter && row->argument)
            *shorts++ = ':';
    }
    *shorts = '\0';
}

static int find_row(int code)
{
    for (int i = 0; cli_options[i].name; i++)
        if (code == FIRST_LONG + i || (code && code == cli_options[i].letter))
            return i;
    return -1;
}

/* Takes the option of row INDEX with its argument, or NULL. */
static int take(struct cli *cli, int index, const char *argument, struct error *error)
{
    const struct cli_option *row = &cli_options[index];
    struct error reason = {""};
    if (!(row->verbs & cli->verb))
        return error_set(error, "'--%s': not an option of '%s', see --help", row->name,
                         cli->verb == FOR_RUN ? "run" : "check");
    if (row->set) {
        row->set(cli, argument, &reason);
    } else {
        const char *value = argument ? argument : row->value;
        const char *accepted = options_refuse(row->variable, value);
        cli->values[index] = value;
        if (accepted)
            error_set(&reason, "expected %.300s", accepted);
    }
    return reason.text[0] ? error_set(error, "'--%s%s%.100s': %.350s", row->name,
                                      argument ? " " : "", argument ? argument : "", reason.text)
                          : 0;
}

/* Names what getopt_long stumbled over. */
static int refuse(char **argv, int code, struct error *error)
{
    char letter[3] = {'-', (char)optopt, '\0'};
    bool is_long = optopt == 0 || optopt >= FIRST_LONG;
    return error_set(error, "'%.300s': %s, see --help", is_long ? argv[optind - 1] : letter,
                     code == ':'         ? "a value is missing"
                     : is_long && optopt ? "takes no value"
                                         : "is no option, or begins the names of several");
}

static int parse_options(struct cli *cli, int argc, char **argv, struct error *error)
{
    struct option longs[CLI_MAX_OPTIONS] = {0};
    char shorts[2 * CLI_MAX_OPTIONS];
    int code;
    make_getopt(longs, shorts);
    opterr = 0;
    optind = 0;
    while ((code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (code == '?' || code == ':')
            return refuse(argv, code, error);
        if (take(cli, find_row(code), optarg, error))
            return -1;
        if (cli->help || cli->version)
            return 0;
    }
    cli->command = argv + optind;
    return cli->command[0] ? 0
                           : error_set(error,
                                       "no command is named, expected memprof %s [OPTIONS] "
                                       "-- COMMAND [ARGUMENT..]",
                                       argv[0]);
}

/* The row of WORD, `--NAME` or `--NAME=VALUE`, if the option is one of `check`; -1: it is not. */
static int find_word(const char *word)
{
    size_t n = strcspn(word, "=");
    for (int i = 0; n > 2 && cli_options[i].name; i++)
        if ((cli_options[i].verbs & FOR_CHECK) && strlen(cli_options[i].name) == n - 2 &&
            strncmp(word + 2, cli_options[i].name, n - 2) == 0)
            return i;
    return strcmp(word, "-h") == 0 || strcmp(word, "-V") == 0 ? find_row(word[1]) : -1;
}

/* Parts the options of `check` in ARGV into ours, which come to the front, and those of the judge.
 * The latter's arguments cannot be told from a command: so that begins after `--`, or where there
 * is no option before it. */
static int part_options(struct cli *cli, int argc, char **argv, struct error *error)
{
    int end = 1, own = 1;
    while (end < argc && strcmp(argv[end], "--") != 0)
        end++;
    if (end == argc && argc > 1 && argv[1][0] != '-')
        end = 0;
    cli->gate = mem_alloc((size_t)argc * sizeof *cli->gate);
    for (int i = 1; i < end; i++) {
        int row = find_word(argv[i]);
        if (row < 0) {
            cli->gate[cli->ngate++] = argv[i];
            continue;
        }
        bool apart = cli_options[row].argument && !strchr(argv[i], '=') && i + 1 < end;
        argv[own++] = argv[i];
        if (apart)
            argv[own++] = argv[++i];
    }
    if (end == argc && !cli->ngate)
        end = own; /* complained of as what it is */
    else if (end == argc)
        return error_set(error,
                         "'%.300s': where the command begins is not known, expected -- "
                         "before it",
                         argv[argc - 1]);
    if (end)
        memmove(argv + own, argv + end, (size_t)(argc - end + 1) * sizeof *argv);
    return parse_options(cli, end ? own + argc - end : argc, argv, error);
}

int cli_parse(struct cli *cli, int argc, char **argv, struct error *error)
{
    *cli = (struct cli){.verb = FOR_BOTH, .repeat = 1};
    if (argc < 2)
        return error_set(error, "no verb is named, expected run or check, see --help");
    for (const struct cli_verb *verb = cli_verbs; verb->name; verb++)
        if (strcmp(argv[1], verb->name) == 0)
            cli->verb = verb->bit;
    if (cli->verb == FOR_CHECK)
        return part_options(cli, argc - 1, argv + 1, error);
    if (cli->verb == FOR_RUN)
        return parse_options(cli, argc - 1, argv + 1, error);
    if (argv[1][0] != '-')
        return error_set(
            error, "'%.300s': is not a verb, expected run or check, as in memprof run COMMAND",
            argv[1]);
    if (parse_options(cli, argc, argv, error) == 0 && (cli->help || cli->version))
        return 0;
    return error_set(error, "'%.300s': a verb comes first, expected memprof run [OPTIONS] COMMAND",
                     argv[1]);
}

const char *cli_value(const struct cli *cli, const char *name)
{
    for (int i = 0; cli_options[i].name; i++)
        if (strcmp(cli_options[i].name, name) == 0)
            return cli->values[i];
    return NULL;
}
