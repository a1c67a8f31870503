/* SPDX-License-Identifier: MIT
 *
 * The launcher's command line. One table of options drives the parser and --help, and with it the
 * checks of man page and completion. Most options are variables of the library by another name;
 * their values are checked by the library's own parser before anything is started. Options of
 * `check` that are not in the table are those of `memprof-report check`, which are passed on.
 */
#ifndef LAUNCHER_CLI_H
#define LAUNCHER_CLI_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Which verbs an option is for. */
enum { FOR_RUN = 1, FOR_CHECK = 2, FOR_BOTH = 3 };

#define CLI_MAX_OPTIONS 32

struct cli;

struct cli_option {
    const char *name;
    int letter; /* 0: none */
    unsigned verbs;
    const char *argument; /* NULL: takes none */
    const char *variable; /* of the library; NULL: the launcher's own */
    const char *value;    /* what VARIABLE is set to if there is no argument */
    int (*set)(struct cli *cli, const char *argument, struct error *error); /* if not a variable */
    const char *help;
};

/* Ends with a NULL name. */
extern const struct cli_option cli_options[];

struct cli_verb {
    const char *name, *help;
    unsigned bit;
};

/* Ends with a NULL name. */
extern const struct cli_verb cli_verbs[];

struct cli {
    bool help, version, quiet;
    size_t repeat;           /* of check */
    const char *keep_dumps;  /* NULL: they are not kept */
    const char *only, *skip; /* globs of program names, with commas between; NULL: none */
    char **gate;             /* options for `memprof-report check`, of argv */
    size_t ngate;
    unsigned verb;
    /* For each option that sets a variable: to what; NULL: it was not given. */
    const char *values[CLI_MAX_OPTIONS];
    char **command; /* of argv; ends with a NULL */
};

/* Fills CLI from the command line, whose words may be put into another order. Returns 0, or -1 with
 * the whole message in ERROR. */
int cli_parse(struct cli *cli, int argc, char **argv, struct error *error);

/* Value that the option NAME sets its variable to, or NULL. */
const char *cli_value(const struct cli *cli, const char *name);

/* Prints --help. */
void cli_help(FILE *out);

#endif
