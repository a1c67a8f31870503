/* SPDX-License-Identifier: MIT
 *
 * Figures by source line: each line is charged for every allocation made while it was on the
 * stack, once per stack however often it is there, or (self) only for those it made itself.
 */
#ifndef REPORT_LINES_H
#define REPORT_LINES_H

#include "columns.h"
#include "model.h"

struct line_row {
    uint32_t place; /* one of the model's; of several on the line, the first met */
    struct figures figures;
    struct figures self; /* what the line itself allocated, by model.h's rule; no lifetimes */
    const char *text;    /* of the source; NULL: not read, or not to be had */
};

struct lines_options {
    bool self;        /* figures are those of the line itself */
    bool by_function; /* functions that share a line (templates) get a row each */
    bool lifetimes;   /* figures keep lifetimes */
    const char *file_glob, *function_glob; /* NULL: any */
};

struct lines {
    const struct model *model;
    struct line_row *rows; /* only lines with something charged to them */
    size_t n;
    size_t left_out; /* rows that there were besides */
    size_t foreign;  /* and those outside the project root */
};

struct lines lines_new(const struct model *m, const struct lines_options *options);
void lines_free(struct lines *l);

/* Sorts by COLUMN, the greatest first; equal rows by place in the source. */
void lines_sort(struct lines *l, const struct column *column);

/* Sorts the lines that did most of the allocating first: by what they themselves held at the peak,
 * then by what they did not free, then by what was charged to them. */
void lines_rank(struct lines *l);

/* Sorts by file and line; what has no line information last. */
void lines_sort_by_source(struct lines *l);

/* With a project root: leaves out lines outside it, such as those that call main, but for what no
 * line of the project is responsible for. */
void lines_drop_foreign(struct lines *l);

/* Keeps the first N rows (0: all). */
void lines_limit(struct lines *l, size_t n);

#endif
