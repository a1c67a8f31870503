/* SPDX-License-Identifier: MIT
 *
 * Small text files that people write, line by line.
 */
#ifndef REPORT_GATE_TEXTFILE_H
#define REPORT_GATE_TEXTFILE_H

#include "error.h"

#include <stddef.h>

#define TEXTFILE_MAX_BYTES ((size_t)16 << 20)

/* The whole of PATH, to be freed; NULL with the reason in ERROR. A NUL among it is an error, since
 * it would hide the rest. A byte order mark at its beginning is left out. */
char *textfile_read(const char *path, struct error *error);

/* Cuts the next line out of the text at *AT, and moves *AT behind it; NULL when there is none. A
 * carriage return and blanks at its end are taken off. */
char *textfile_line(char **at);

/* What is wrong in COLUMN (from 1) of LINE, as the beginning of a message. */
struct textfile_position {
    size_t line, column;
};

#define TEXTFILE_WHERE "line %zu, column %zu: "

/* Says in ERROR that WORD, which begins at P, is wrong. The word is quoted as far as a message has
 * room for it; an empty one, where something is missing, is not. Returns -1. */
int textfile_refuse(struct error *error, struct textfile_position p, const char *word,
                    const char *wrong);

#endif
