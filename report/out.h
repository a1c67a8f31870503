/* SPDX-License-Identifier: MIT
 *
 * Where a report goes: standard output, or a file that appears whole or not at all. A file is
 * written beside its target and renamed; if the tool ends before out_commit, it is removed.
 */
#ifndef REPORT_OUT_H
#define REPORT_OUT_H

#include "error.h"
#include "json_write.h"
#include "units.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct format;

struct out {
    FILE *file;
    const struct format *format;
    const struct unit *unit; /* sizes in tables for people */
    bool unit_wanted;        /* it was asked for: nowhere else is a unit chosen that suits */
    bool color;
    bool errors;          /* tables have columns for standard errors */
    size_t ndumps, index; /* how many dumps are reported on, and which one this is */
    const char *dump;     /* its path */
    struct json_writer json;
    char *target;                /* NULL: standard output */
    char *temporary;             /* NULL: written in place (not a regular file) */
    int fd, write_error;         /* where to, and what went wrong first: a stream forgets */
    struct out *next_unfinished; /* of those with a temporary file */
};

/* Whether the regular file OUTPUT is the one at INPUT ("-": standard input), under whatever name.
 */
bool out_is_input(const char *output, const char *input);

/* Opens PATH, or standard output if it is NULL. Returns 0, or -1 with the reason in ERROR. Several
 * may be open; each must stay where it is until it is committed or discarded. */
int out_open(struct out *o, const char *path, struct error *error);

/* Writes everything out and puts the file in its place. Returns 0, or -1 with the reason in ERROR;
 * O is closed either way. */
int out_commit(struct out *o, struct error *error);

/* Closes without leaving anything behind. */
void out_discard(struct out *o);

#endif
