/* SPDX-License-Identifier: MIT
 *
 * The command line. One table of options drives the parser and --help, and with it the checks of
 * man page and completion.
 */
#ifndef REPORT_OPTIONS_H
#define REPORT_OPTIONS_H

#include "diff.h"
#include "error.h"
#include "format.h"
#include "gate/check_options.h"
#include "units.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Which verbs an option is for. */
enum {
    FOR_SUMMARY = 1,
    FOR_LINES = 2,
    FOR_LEAKS = 4,
    FOR_TREE = 8,
    FOR_TABLES = FOR_SUMMARY | FOR_LINES | FOR_LEAKS | FOR_TREE,
    FOR_DIFF = 16,
    FOR_BASELINE = 32,
    FOR_CHECK = 64,
    FOR_ALL = FOR_TABLES | FOR_DIFF | FOR_BASELINE | FOR_CHECK,
};

enum when { WHEN_AUTO, WHEN_ALWAYS, WHEN_NEVER };

enum action { ACTION_REPORT, ACTION_HELP, ACTION_VERSION };

struct verb;

struct options {
    enum action action;
    const struct verb *verb;
    char **dumps; /* of argv */
    size_t ndumps;
    const struct format *format;
    const struct unit *unit;
    bool unit_wanted;   /* was asked for */
    const char *output; /* NULL: standard output */
    enum when color;
    bool quiet;
    /* What to print. */
    bool self, bottom_up;
    enum diff_by by;
    bool all;                          /* of a baseline: stacks that hold nothing, too */
    bool mmap;                         /* about mappings, not about blocks */
    const struct column *sort, *value; /* NULL: as the verb has it */
    const char *columns;               /* NULL: as the verb has it; checked */
    bool has_limit;
    size_t limit;
    bool has_frames;
    size_t frames;
    size_t depth; /* 0: all */
    const char *file_glob, *function_glob;
    /* Where names and sources come from. */
    const char **debug_roots, **source_roots;
    size_t ndebug_roots, nsource_roots;
    struct check_options check;
    const char *project_root; /* NULL: not said; "": none */
    bool debuginfod, demangle;
    unsigned debuginfod_budget; /* seconds */
};

struct option_row {
    const char *name;
    int letter; /* 0: none */
    unsigned verbs;
    const char *argument; /* NULL: takes none */
    const char *help;
    int (*set)(struct options *o, const char *value, struct error *error);
};

/* Ends with a NULL name. */
extern const struct option_row options_table[];

/* Fills O from the command line. Returns 0, or -1 with the whole message in ERROR. */
int options_parse(struct options *o, int argc, char **argv, struct error *error);

/* Frees what options_parse allocated. */
void options_drop(struct options *o);

/* Prints --help. */
void options_help(FILE *out);

#endif
