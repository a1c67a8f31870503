/* SPDX-License-Identifier: MIT
 *
 * For tests of which debug information is found: a program in DIRECTORY that prepare.sh has made
 * and stripped, and one lookup in it.
 */
#ifndef FINDING_H
#define FINDING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dump.h"
#include "symbolize.h"

#define OTHER_ID "00112233445566778899aabbccddeeff00112233"

/* What the test was started with, and the files that are there. */
extern struct finding {
    const char *directory, *build_id;
    char program[2048], whole[2048], debug_file[2048];
    uint64_t main_address;
} finding;

struct finding_warnings {
    unsigned n;
    char last[8192];
};

/* The arguments DIRECTORY BUILD-ID. Returns false if they are something else. No server is to be
 * asked from now on. */
bool finding_arguments(int argc, char **argv);

/* Set-up of the group: finds main() in the program that was not stripped. */
int finding_main(void **state);

/* A `warn` for options: ARG is a struct finding_warnings. */
void finding_note_warning(void *arg, const char *message);

/* The line that main() begins at in the module PATH, 0 if it is not known. */
uint32_t finding_look_up(struct symbolize_options *options, const char *path, const char *id,
                         struct finding_warnings *warnings);

/* Runs the shell command FORMAT with A, B and C in it, which must succeed. */
void finding_run(const char *format, const char *a, const char *b, const char *c);

#endif
