/* SPDX-License-Identifier: MIT */
#include "cli.h"

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

/* Takes the option of ROW with its argument, or NULL. */
static int take(struct cli *cli, int index, const char *argument, struct error *error)
{
    const struct cli_option *row = &cli_options[index];
    if (!(row->verbs & cli->verb))
        return error_set(error, "'--%s': not an option of '%s', see --help", row->name,
                         cli->verb == FOR_RUN ? "run" : "check");
    if (row->variable) {
        const char *value = argument ? argument : row->value;
        const char *accepted = options_refuse(row->variable, value);
        if (accepted)
            return error_set(error, "'--%s%s%s': expected %.300s", row->name, argument ? " " : "",
                             argument ? argument : "", accepted);
        cli->values[index] = value;
    }
    cli->help |= row->letter == CLI_HELP;
    cli->version |= row->letter == CLI_VERSION;
    cli->quiet |= row->letter == CLI_QUIET;
    return 0;
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
                                       "[--] COMMAND [ARGUMENT..]",
                                       argv[0]);
}

int cli_parse(struct cli *cli, int argc, char **argv, struct error *error)
{
    *cli = (struct cli){.verb = FOR_BOTH};
    if (argc < 2)
        return error_set(error, "no verb is named, expected run, see --help");
    for (const struct cli_verb *verb = cli_verbs; verb->name; verb++)
        if (strcmp(argv[1], verb->name) == 0)
            cli->verb = verb->bit;
    if (cli->verb != FOR_BOTH)
        return parse_options(cli, argc - 1, argv + 1, error);
    if (argv[1][0] != '-')
        return error_set(error, "'%.300s': is not a verb, expected memprof run COMMAND", argv[1]);
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
