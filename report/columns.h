/* SPDX-License-Identifier: MIT
 *
 * The columns of figures: one table from which names on the command line, titles, widths, keys,
 * sorting and the help derive. A column computes a cell; how a cell looks is the format's affair.
 */
#ifndef REPORT_COLUMNS_H
#define REPORT_COLUMNS_H

#include "error.h"
#include "figures.h"

#include <stdbool.h>
#include <stddef.h>

enum cell_kind {
    CELL_NOTHING, /* no such figure for this row */
    CELL_BYTES,
    CELL_AVERAGE, /* bytes of one block */
    CELL_COUNT,
    CELL_PERCENT,
    CELL_DURATION /* nanoseconds */
};

struct cell {
    enum cell_kind kind;
    bool has_error; /* of CELL_BYTES and CELL_COUNT */
    uint64_t error; /* its standard error */
    union {
        uint64_t value;
        double percent; /* of CELL_PERCENT */
    };
};

struct column {
    const char *name;  /* --columns, --sort */
    const char *title; /* heading of a table for people */
    const char *key;   /* heading of CSV, key of JSON; names the unit */
    const char *help;
    int gap;      /* blanks in front, in a table for people */
    int width;    /* at least */
    bool adds_up; /* parts make a whole: percentages of it make sense */
    struct cell (*get)(const struct figures *f, const struct dump *dump);
};

#define COLUMNS_MAX 16

struct columns {
    const struct column *column[COLUMNS_MAX];
    size_t n;
};

/* Whether COLUMN's cells have a standard error in DUMP. */
bool columns_have_error(const struct column *column, const struct dump *dump);

/* All of them, the standard ones of the line table first; ends with a NULL name. */
extern const struct column columns_table[];

/* The column called NAME, or NULL. */
const struct column *columns_find(const char *name);

/* Fills C from a comma-separated list: `a,b` are the columns, `+a,b` come after those that C has.
 * Returns 0, or -1 with the name that is not known or is there twice in ERROR. */
int columns_parse(struct columns *c, const char *list, struct error *error);

/* Whether DUMP has figures for COLUMN. */
bool columns_available_in(const struct column *column, const struct dump *dump);

/* The first column of C that DUMP has no figures for, or NULL. */
const struct column *columns_missing(const struct columns *c, const struct dump *dump);

/* All columns that DUMP has figures for. */
struct columns columns_available(const struct dump *dump);

/* For qsort: the greater cell first, rows without a figure last. */
int columns_compare(const struct column *column, const struct figures *a, const struct figures *b,
                    const struct dump *dump);

/* The same for two cells of one column. */
int columns_compare_cells(const struct cell *x, const struct cell *y);

#endif
