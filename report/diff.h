/* SPDX-License-Identifier: MIT
 *
 * What changed from one set of stacks to another, by stack, line or function: computed once, for
 * whatever prints it. A row is new if it held nothing before, fixed if it holds nothing now. Where
 * figures are estimates, what differs by no more than DIFF_SIGMAS standard errors is "unsure".
 */
#ifndef REPORT_DIFF_H
#define REPORT_DIFF_H

#include "columns.h"
#include "compare.h"

#include <stdio.h>

#define DIFF_SIGMAS 3

enum diff_by { DIFF_BY_STACK, DIFF_BY_LINE, DIFF_BY_FUNCTION };

enum diff_status { DIFF_NEW, DIFF_GROWN, DIFF_SHRUNK, DIFF_FIXED, DIFF_UNSURE, DIFF_SAME };
#define DIFF_STATUSES 6

/* In the order of the enumeration: "new", "grown", .. */
extern const char *const diff_status_names[DIFF_STATUSES];
extern const char *const diff_by_names[3];    /* "stack", "line", "function" */
extern const char *const diff_match_names[4]; /* of enum compare_match; alone: "none" */

struct diff_row {
    enum diff_status status;
    enum compare_match match;
    const struct stackset_entry *old, *new; /* one may be NULL */
};

/* A figure then and now. */
struct diff_change {
    enum cell_kind kind; /* CELL_BYTES or CELL_COUNT */
    uint64_t old, new;
    bool has_error;
    uint64_t error; /* the standard error of the difference */
};

struct diff {
    const struct stackset *old, *new;     /* whole, by stack */
    struct stackset *old_rows, *new_rows; /* by line or function; by stack NULL */
    struct comparison pairs;
    enum diff_by by;
    const struct column *value; /* that decides */
    struct diff_row *rows;      /* what has changed, in the order of printing */
    size_t n, left_out;
    size_t counts[DIFF_STATUSES]; /* of all rows, and of those that are no rows */
    size_t moved;                 /* partners whose identities differ */
    struct figures old_total, new_total;
};

struct diff_options {
    enum diff_by by;
    bool self; /* lines and functions are charged for what they allocate themselves */
    const struct column *value; /* adds up */
    const struct column *sort;  /* NULL: new ones first; otherwise by how much it changed */
    size_t limit;               /* of the rows that are kept; 0: all */
};

/* OLD and NEW are as compare() wants them, and must outlive the diff. */
struct diff diff_new(const struct stackset *old, const struct stackset *new,
                     const struct diff_options *options);
void diff_free(struct diff *d);

struct diff_change diff_change(const struct diff *d, const struct diff_row *row,
                               const struct column *column);
struct diff_change diff_total(const struct diff *d, const struct column *column);

/* The side of ROW that is shown: the new one if there is one. */
const struct stackset_entry *diff_shown(const struct diff_row *row);

/* A function and where it calls; of a baseline there is no file. */
struct diff_spot {
    const char *function; /* NULL: no name is known */
    const char *file;     /* NULL: not known */
    const char *module;
    uint32_t line;  /* of the file; 0: not known */
    int32_t offset; /* lines below the function's declaration, or IDENTITY_NO_LINE */
    bool inlined;
};

/* Where ENTRY, a row's side, is: its line, its function, or the line its stack is charged to. */
struct diff_spot diff_spot(const struct diff *d, const struct stackset_entry *entry);

struct diff_stack {
    struct diff_spot *spots; /* innermost first */
    size_t n, left_out;      /* further out */
};

/* The innermost LIMIT (0: all) frames of a diff by stack. */
struct diff_stack diff_stack(const struct diff *d, const struct stackset_entry *entry,
                             size_t limit);
void diff_stack_free(struct diff_stack *stack);

/* Prints with PUT, which escapes: `function file:line`, or of a baseline `function+3 (module)`. */
void diff_put_spot(FILE *out, const struct diff_spot *spot, void (*put)(FILE *, const char *));

/* The set S by line or function: each is charged once for every stack it is on; SELF: once for each
 * that it allocates at the inner end of. Sorted; to be freed. */
struct stackset *diff_fold(const struct stackset *s, enum diff_by by, bool self);

#endif
