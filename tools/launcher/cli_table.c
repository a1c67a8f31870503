/* SPDX-License-Identifier: MIT
 *
 * The tables of verbs and options, and --help. tools/check-options.sh reads the latter.
 */
#include "cli.h"

#include <string.h>

const struct cli_verb cli_verbs[] = {
    {"run", "run a program and record its heap, and that of what it starts", FOR_RUN},
    {NULL, NULL, 0}};

/* The next line of a help. */
#define MORE "\n                                  "

const struct cli_option cli_options[] = {
    {"out", 'o', FOR_RUN, "FILE", "MEMPROF_OUT", NULL,
     "where dumps go; %p process id, %e executable, %h host, %n" MORE
     "number, %t start time (default: memprof.%e.%p.json)"},
    {"sample", 0, FOR_BOTH, "SIZE", "MEMPROF_SAMPLE", NULL,
     "record one allocation for so many bytes, such as 512k" MORE "(default: 0, all)"},
    {"max-overhead", 0, FOR_BOTH, "PERCENT", "MEMPROF_MAX_OVERHEAD", NULL,
     "sample as much as recording must not cost more than this" MORE "share of CPU time"},
    {"max-depth", 0, FOR_BOTH, "N", "MEMPROF_MAX_DEPTH", NULL,
     "frames that are kept of a stack (default: 256)"},
    {"follow", 0, FOR_BOTH, "WHICH", "MEMPROF_FOLLOW", NULL,
     "descendants to record: all (default), fork, exec or none"},
    {"interval", 0, FOR_RUN, "SECONDS", "MEMPROF_INTERVAL", NULL,
     "also write a dump each time so many seconds have passed"},
    {"signal", 0, FOR_RUN, "SIGNAL", "MEMPROF_SIGNAL", NULL,
     "also write a dump when the program gets this signal"},
    {"dump-at", 0, FOR_RUN, "SIZE", "MEMPROF_DUMP_AT", NULL,
     "also write a dump when the heap or the resident set passes" MORE
     "a size, or a percentage of the limit in force"},
    {"leak-check", 0, FOR_BOTH, "KIND", "MEMPROF_LEAK_CHECK", NULL,
     "what is told of leaks: none or live (default)"},
    {"mmap", 0, FOR_BOTH, NULL, "MEMPROF_MMAP", "1", "record mmap and its kin, too"},
    {"scopes", 0, FOR_BOTH, "GLOBS", "MEMPROF_SCOPES", NULL,
     "names of functions that act as scopes"},
    {"verify", 0, FOR_BOTH, NULL, "MEMPROF_VERIFY", "1",
     "for diagnosis: compare each stack with libunwind's"},
    {"verbose", 0, FOR_BOTH, "LEVEL", "MEMPROF_VERBOSE", NULL,
     "what the library says: 0 errors, 1 the dump's name, 2 more"},
    {"quiet", 'q', FOR_BOTH, NULL, NULL, NULL, "do not warn of programs that cannot be recorded"},
    {"help", 'h', FOR_BOTH, NULL, NULL, NULL, "print this"},
    {"version", 'V', FOR_BOTH, NULL, NULL, NULL, "print the version"},
    {NULL, 0, 0, NULL, NULL, NULL, NULL}};

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
    fputs("Usage: memprof run [OPTIONS] [--] COMMAND [ARGUMENT..]\n\n"
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
        "126 if it could not be executed; 2 for a usage error.\n",
        out);
}
