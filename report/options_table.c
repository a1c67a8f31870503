/* SPDX-License-Identifier: MIT
 *
 * The table of options, and what each one does with its value.
 */
#include "memory.h"
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int set_format(struct options *o, const char *value, struct error *error)
{
    o->format = format_find(value);
    return o->format ? 0 : error_set(error, "expected text, json, csv or markdown");
}

static int set_output(struct options *o, const char *value, struct error *error)
{
    o->output = strcmp(value, "-") == 0 ? NULL : value;
    return *value ? 0 : error_set(error, "expected a file name");
}

static int set_sort(struct options *o, const char *value, struct error *error)
{
    o->sort = columns_find(value);
    return o->sort ? 0 : error_set(error, "no such column, expected one of those in --help");
}

static int set_columns(struct options *o, const char *value, struct error *error)
{
    struct columns scratch = {.n = 0};
    o->columns = value;
    return columns_parse(&scratch, value, error);
}

/* A decimal number of at most LIMIT. */
static int parse_number(const char *value, size_t limit, size_t *number, struct error *error)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(value, &end, 10);
    if (!isdigit((unsigned char)*value) || *end || errno || n > limit)
        return error_set(error, "expected a whole number from 0 to %zu", limit);
    *number = (size_t)n;
    return 0;
}

static int set_limit(struct options *o, const char *value, struct error *error)
{
    o->has_limit = true;
    return parse_number(value, INT32_MAX, &o->limit, error);
}

static int set_frames(struct options *o, const char *value, struct error *error)
{
    o->has_frames = true;
    return parse_number(value, INT32_MAX, &o->frames, error);
}

static int set_depth(struct options *o, const char *value, struct error *error)
{
    return parse_number(value, TREE_MAX_DEPTH, &o->depth, error);
}

static int set_value(struct options *o, const char *value, struct error *error)
{
    static const char *const names[][2] = {{"peak", "mem-usage"},
                                           {"live", "increment"},
                                           {"blocks", "blocks"},
                                           {"allocated", "allocated"},
                                           {"count", "occurrences"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(value, names[i][0]) == 0)
            o->value = columns_find(names[i][1]);
    return o->value ? 0 : error_set(error, "expected peak, live, blocks, allocated or count");
}

static int set_by(struct options *o, const char *value, struct error *error)
{
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(value, diff_by_names[i]) == 0) {
            o->by = (enum diff_by)i;
            return 0;
        }
    }
    return error_set(error, "expected stack, line or function");
}

static int set_self(struct options *o, const char *value, struct error *error)
{
    (void)value, (void)error;
    o->self = true;
    return 0;
}

static int set_mmap(struct options *o, const char *value, struct error *error)
{
    (void)value, (void)error;
    o->mmap = true;
    return 0;
}

static int set_bottom_up(struct options *o, const char *value, struct error *error)
{
    (void)value, (void)error;
    o->bottom_up = true;
    return 0;
}

static int set_all(struct options *o, const char *value, struct error *error)
{
    (void)value, (void)error;
    o->all = true;
    return 0;
}

static int set_file(struct options *o, const char *value, struct error *error)
{
    (void)error;
    o->file_glob = value;
    return 0;
}

static int set_function(struct options *o, const char *value, struct error *error)
{
    (void)error;
    o->function_glob = value;
    return 0;
}

static int set_unit(struct options *o, const char *value, struct error *error)
{
    o->unit = unit_find(value);
    o->unit_wanted = true;
    return o->unit ? 0 : error_set(error, "expected B, KiB, MiB or GiB");
}

static int set_color(struct options *o, const char *value, struct error *error)
{
    static const char *const names[] = {"auto", "always", "never"};
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(value, names[i]) == 0) {
            o->color = (enum when)i;
            return 0;
        }
    }
    return error_set(error, "expected auto, always or never");
}

static int set_project_root(struct options *o, const char *value, struct error *error)
{
    (void)error;
    o->project_root = strcmp(value, "none") == 0 ? "" : value;
    return 0;
}

static void append(const char ***list, size_t *n, const char *value)
{
    size_t capacity = *n;
    *list = mem_grow(*list, &capacity, *n + 1, sizeof **list);
    (*list)[(*n)++] = value;
}

static int add_source_root(struct options *o, const char *value, struct error *error)
{
    append(&o->source_roots, &o->nsource_roots, value);
    return *value ? 0 : error_set(error, "expected A=B or a directory");
}

static int add_debug_root(struct options *o, const char *value, struct error *error)
{
    append(&o->debug_roots, &o->ndebug_roots, value);
    return *value ? 0 : error_set(error, "expected a directory");
}

static int set_debuginfod(struct options *o, const char *value, struct error *error)
{
    (void)value, (void)error;
    o->debuginfod = true;
    return 0;
}

static int set_budget(struct options *o, const char *value, struct error *error)
{
    size_t seconds = 0;
    int result = parse_number(value, 86400, &seconds, error);
    o->debuginfod_budget = (unsigned)seconds;
    return result;
}

static int set_no_demangle(struct options *o, const char *value, struct error *error)
{
    (void)value, (void)error;
    o->demangle = false;
    return 0;
}

static int set_quiet(struct options *o, const char *value, struct error *error)
{
    (void)value, (void)error;
    o->quiet = true;
    return 0;
}

static int set_help(struct options *o, const char *value, struct error *error)
{
    (void)value, (void)error;
    o->action = ACTION_HELP;
    return 0;
}

static int set_version(struct options *o, const char *value, struct error *error)
{
    (void)value, (void)error;
    o->action = ACTION_VERSION;
    return 0;
}

/* The next line of a help. */
#define MORE "\n                                  "

const struct option_row options_table[] = {
    {"format", 0, FOR_TABLES | FOR_DIFF | FOR_CHECK, "FORMAT",
     "text, json, csv or markdown (default: text)", set_format},
    {"output", 'o', FOR_ALL, "FILE", "write to FILE instead of standard output (-)", set_output},
    {"self", 0, FOR_TABLES | FOR_DIFF, NULL,
     "charge an allocation only to the line that made it, not to all lines on the stack", set_self},
    {"mmap", 0, FOR_TABLES | FOR_DIFF | FOR_BASELINE | FOR_CHECK, NULL,
     "about what the program mapped itself (recorded with" MORE
     "MEMPROF_MMAP=1) instead of what it allocated",
     set_mmap},
    {"bottom-up", 0, FOR_TREE, NULL, "what allocates first, its callers below", set_bottom_up},
    {"value", 0, FOR_TREE | FOR_DIFF, "VALUE",
     "percentages, or changes, are of: peak (default of a tree), live" MORE
     "(default of a diff), blocks, allocated or count",
     set_value},
    {"by", 0, FOR_DIFF, "UNIT", "compare by stack (default), line or function", set_by},
    {"depth", 0, FOR_TREE, "N", "at most N levels (default: 64; 0: all)", set_depth},
    {"all", 0, FOR_BASELINE, NULL,
     "all stacks with all figures, not only those with blocks that" MORE
     "were not freed: for a diff by other values",
     set_all},
    {"frames", 0, FOR_SUMMARY | FOR_LEAKS | FOR_DIFF | FOR_CHECK, "N",
     "at most N places of a stack (default: 64 in text and" MORE
     "markdown, 256 in json and csv; 0: all)",
     set_frames},
    {"sort", 0, FOR_TABLES | FOR_DIFF, "COLUMN",
     "sort by a column, the greatest first; lines are then one flat" MORE
     "table instead of the source",
     set_sort},
    {"columns", 0, FOR_TABLES | FOR_DIFF, "A,B",
     "the columns to print; +A,B: besides the usual ones", set_columns},
    {"limit", 0, FOR_TABLES | FOR_DIFF | FOR_CHECK, "N",
     "at most N lines, stacks, or children of a node; 0: all" MORE
     "(default: summary 20 lines and 3 stacks, lines all, leaks" MORE
     "100 in text and markdown, else all, tree 10)",
     set_limit},
    {"file", 0, FOR_TABLES | FOR_DIFF, "GLOB",
     "only source files that match: without a slash by their base" MORE
     "name, with slashes by as many components at the path's end",
     set_file},
    {"function", 0, FOR_TABLES | FOR_DIFF, "GLOB",
     "only functions that match, by name with or without parameters", set_function},
    {"unit", 0, FOR_TABLES | FOR_DIFF, "UNIT", "B, KiB, MiB (default) or GiB, in tables for people",
     set_unit},
    {"color", 0, FOR_TABLES | FOR_DIFF | FOR_CHECK, "WHEN",
     "auto (default: on terminals, unless NO_COLOR), always, never", set_color},
    {"project-root", 0, FOR_TABLES | FOR_CHECK, "DIR",
     "charge stacks to their innermost line in a file below DIR, and" MORE
     "leave out other lines; none: charge that which allocates",
     set_project_root},
    {"source-root", 0, FOR_TABLES | FOR_CHECK, "A=B",
     "look for sources named A/.. in B/.. (repeatable)", add_source_root},
#include "gate/check_options.def"
    {"debug-root", 0, FOR_ALL, "DIR", "look for programs and debug files below DIR (repeatable)",
     add_debug_root},
    {"debuginfod", 0, FOR_ALL, NULL, "ask the servers of DEBUGINFOD_URLS for debug files",
     set_debuginfod},
    {"debuginfod-budget", 0, FOR_ALL, "SECONDS", "for all that is asked for (default: 60)",
     set_budget},
    {"no-demangle", 0, FOR_TABLES, NULL, "names as the linker has them", set_no_demangle},
    {"quiet", 'q', FOR_ALL, NULL, "no warnings or progress on standard error", set_quiet},
    {"help", 'h', FOR_ALL, NULL, "print this", set_help},
    {"version", 'V', FOR_ALL, NULL, "print the version", set_version},
    {NULL, 0, 0, NULL, NULL, NULL}};
