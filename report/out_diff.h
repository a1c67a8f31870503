/* SPDX-License-Identifier: MIT
 *
 * Differences, printed: one function for each format. Write errors stay in the stream.
 */
#ifndef REPORT_OUT_DIFF_H
#define REPORT_OUT_DIFF_H

#include "diff.h"
#include "out.h"

struct diff_report {
    const struct diff *diff;
    struct columns columns; /* the first is that which decides */
    size_t frames;          /* at most so many of a stack; 0: all */
};

void text_diff(struct out *o, const struct diff_report *r);
void json_diff(struct out *o, const struct diff_report *r);
void csv_diff(struct out *o, const struct diff_report *r);
void markdown_diff(struct out *o, const struct diff_report *r);

/* For people: a figure with its unit, "1.25 MiB", "3"; a difference with its sign, "+1.25 MiB",
 * and, where it is estimated, its standard error. */
const char *diff_words(char buffer[UNITS_MAX], const struct out *o, enum cell_kind kind,
                       uint64_t value);
const char *diff_change_words(char buffer[UNITS_MAX], const struct out *o,
                              const struct diff_change *change);

/* One line: "2 new, 1 grown, 3 shrunk, 0 fixed, 40 the same, .." */
void diff_put_counts(FILE *out, const struct diff *d);

/* The stack of ROW in one cell, innermost first, with BETWEEN its frames; PUT as of diff_put_spot.
 */
void diff_put_stack(FILE *out, const struct diff_report *r, const struct diff_row *row,
                    const char *between, void (*put)(FILE *, const char *));

#endif
