/* SPDX-License-Identifier: MIT
 *
 * --help, out of the tables of verbs, options and columns. tools/check-options.sh reads it.
 */
#include "options.h"
#include "verbs.h"

#include <stdio.h>

static void put_option(FILE *out, const struct option_row *row)
{
    char name[48], letter[8] = "    ";
    if (row->letter)
        snprintf(letter, sizeof letter, "-%c, ", row->letter);
    snprintf(name, sizeof name, "%s--%s%s%s", letter, row->name, row->argument ? " " : "",
             row->argument ? row->argument : "");
    fprintf(out, "  %-30s  %s\n", name, row->help);
    if (row->verbs == FOR_ALL)
        return;
    /* What is shorter: the verbs that have it, or those that do not. */
    bool few = __builtin_popcount(row->verbs) < __builtin_popcount(FOR_ALL & ~row->verbs);
    fprintf(out, "%34s(%s", "", few ? "" : "not ");
    const char *comma = "";
    for (const struct verb *v = verbs_table; v->name; v++) {
        if (!(row->verbs & v->bit) != few) {
            fprintf(out, "%s%s", comma, v->name);
            comma = ", ";
        }
    }
    fprintf(out, "%s)\n", few ? " only" : "");
}

void options_help(FILE *out)
{
    fputs(
        "Usage: memprof-report [VERB] [OPTIONS] DUMP..\n\n"
        "Prints what a program did with its heap, from the dump that libmemprof.so wrote. A DUMP\n"
        "is a .json file, plain or compressed with zstd; - is standard input.\n\nVerbs:\n",
        out);
    for (const struct verb *v = verbs_table; v->name; v++)
        fprintf(out, "  %-10s %s\n", v->name, v->help);
    fputs("\nOptions:\n", out);
    for (const struct option_row *row = options_table; row->name; row++)
        put_option(out, row);
    fputs("\nColumns:\n", out);
    for (const struct column *c = columns_table; c->name; c++)
        fprintf(out, "  %-12s %s\n", c->name, c->help);
    fputs("\nExit status: 0; 1 if `check` failed; 2 for a usage error or a dump that cannot be "
          "used.\n",
          out);
}
