/* SPDX-License-Identifier: MIT
 *
 * The tables of verbs and options, and --help. tools/check-options.sh reads the latter.
 */
#include "cli.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAX_REPEAT 1000

const struct cli_verb cli_verbs[] = {
    {"run", "run a program and record its heap, and that of what it starts", FOR_RUN},
    {"check", "the same, then judge the dumps by memprof-report check", FOR_CHECK},
    {NULL, NULL, 0}};

static int set_repeat(struct cli *cli, const char *argument, struct error *error)
{
    char *end;
    unsigned long n = strtoul(argument, &end, 10);
    cli->repeat = n;
    return isdigit((unsigned char)*argument) && !*end && n >= 1 && n <= MAX_REPEAT
               ? 0
               : error_set(error, "expected a whole number from 1 to %d", MAX_REPEAT);
}

static int set_keep_dumps(struct cli *cli, const char *argument, struct error *error)
{
    cli->keep_dumps = argument;
    return *argument ? 0 : error_set(error, "expected a directory");
}

static int set_only(struct cli *cli, const char *argument, struct error *error)
{
    cli->only = argument;
    return *argument ? 0 : error_set(error, "expected names of programs");
}

static int set_skip(struct cli *cli, const char *argument, struct error *error)
{
    cli->skip = argument;
    return *argument ? 0 : error_set(error, "expected names of programs");
}

static int set_quiet(struct cli *cli, const char *argument, struct error *error)
{
    (void)argument, (void)error;
    cli->quiet = true;
    return 0;
}

static int set_help(struct cli *cli, const char *argument, struct error *error)
{
    (void)argument, (void)error;
    cli->help = true;
    return 0;
}

static int set_version(struct cli *cli, const char *argument, struct error *error)
{
    (void)argument, (void)error;
    cli->version = true;
    return 0;
}

/* The next line of a help. */
#define MORE "\n                                  "

/* An option that stands for a variable, with an argument or for one value of it. */
#define VALUE(variable) variable, NULL, NULL
#define SWITCH(variable) variable, "1", NULL
#define OWN(set) NULL, NULL, set

const struct cli_option cli_options[] = {
    {"out", 'o', FOR_RUN, "FILE", VALUE("MEMPROF_OUT"),
     "where dumps go; %p process id, %e executable, %h host, %n" MORE
     "number, %t start time (default: memprof.%e.%p.json)"},
    {"sample", 0, FOR_BOTH, "SIZE", VALUE("MEMPROF_SAMPLE"),
     "record one allocation for so many bytes, such as 512k" MORE "(default: 0, all)"},
    {"max-overhead", 0, FOR_BOTH, "PERCENT", VALUE("MEMPROF_MAX_OVERHEAD"),
     "sample as much as recording must not cost more than this" MORE "share of CPU time"},
    {"max-depth", 0, FOR_BOTH, "N", VALUE("MEMPROF_MAX_DEPTH"),
     "frames that are kept of a stack (default: 256)"},
    {"follow", 0, FOR_BOTH, "WHICH", VALUE("MEMPROF_FOLLOW"),
     "descendants to record: all (default), fork, exec or none"},
    {"interval", 0, FOR_RUN, "SECONDS", VALUE("MEMPROF_INTERVAL"),
     "also write a dump each time so many seconds have passed"},
    {"signal", 0, FOR_RUN, "SIGNAL", VALUE("MEMPROF_SIGNAL"),
     "also write a dump when the program gets this signal"},
    {"dump-at", 0, FOR_RUN, "SIZE", VALUE("MEMPROF_DUMP_AT"),
     "also write a dump when the heap or the resident set passes" MORE
     "a size, or a percentage of the limit in force"},
    {"leak-check", 0, FOR_BOTH, "KIND", VALUE("MEMPROF_LEAK_CHECK"),
     "what is told of leaks: none or live (default)"},
    {"mmap", 0, FOR_BOTH, NULL, SWITCH("MEMPROF_MMAP"), "record mmap and its kin, too"},
    {"scopes", 0, FOR_BOTH, "GLOBS", VALUE("MEMPROF_SCOPES"),
     "names of functions that act as scopes"},
    {"verify", 0, FOR_BOTH, NULL, SWITCH("MEMPROF_VERIFY"),
     "for diagnosis: compare each stack with libunwind's"},
    {"verbose", 0, FOR_BOTH, "LEVEL", VALUE("MEMPROF_VERBOSE"),
     "what the library says: 0 errors, 1 the dump's name, 2 more"},
    {"repeat", 0, FOR_CHECK, "N", OWN(set_repeat),
     "run it N times, and fail only on what is in each run"},
    {"only", 0, FOR_CHECK, "GLOBS", OWN(set_only),
     "judge only processes of programs with such names" MORE "(a,b*: several)"},
    {"skip", 0, FOR_CHECK, "GLOBS", OWN(set_skip),
     "do not judge processes of programs with such names, such as" MORE "sh,bash"},
    {"keep-dumps", 0, FOR_CHECK, "DIR", OWN(set_keep_dumps), "leave the dumps in DIR"},
    {"quiet", 'q', FOR_BOTH, NULL, OWN(set_quiet),
     "do not warn of programs that cannot be recorded"},
    {"help", 'h', FOR_BOTH, NULL, OWN(set_help), "print this"},
    {"version", 'V', FOR_BOTH, NULL, OWN(set_version), "print the version"},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

static void put_option(FILE *out, const struct cli_option *row)
{
    char name[48], letter[8] = "    ";
    if (row->letter)
        snprintf(letter, sizeof letter, "-%c, ", row->letter);
    snprintf(name, sizeof name, "%s--%s%s%s", letter, row->name, row->argument ? " " : "",
             row->argument ? row->argument : "");
    fprintf(out, "  %-30s  %s\n", name, row->help);
    if (row->verbs == FOR_BOTH)
        return;
    for (const struct cli_verb *verb = cli_verbs; verb->name; verb++)
        if (verb->bit == row->verbs)
            fprintf(out, "%34s(%s only)\n", "", verb->name);
}

void cli_help(FILE *out)
{
    fputs("Usage: memprof run [OPTIONS] [--] COMMAND [ARGUMENT..]\n"
          "       memprof check [OPTIONS] [OPTIONS OF memprof-report check] -- COMMAND "
          "[ARGUMENT..]\n\n"
          "Runs a program with libmemprof.so preloaded, and ends as it does. memprof-report reads\n"
          "the dumps.\n\nVerbs:\n",
          out);
    for (const struct cli_verb *verb = cli_verbs; verb->name; verb++)
        fprintf(out, "  %-10s %s\n", verb->name, verb->help);
    fputs("\nOptions:\n", out);
    for (const struct cli_option *row = cli_options; row->name; row++)
        put_option(out, row);
    fputs(
        "\nOptions come before COMMAND. Those that are not given are taken from the variables of\n"
        "the environment that libmemprof(7) describes.\n\n"
        "Exit status: that of the program, or 128+N if signal N ended it; 127 if it was not "
        "found,\n"
        "126 if it could not be executed; of check, if the program's is 0: 0 or, if a limit was\n"
        "passed, 1; 2 for a usage error, or if there is nothing to judge.\n",
        out);
}
