/* SPDX-License-Identifier: MIT
 *
 * Cells and places as people read them: what the text and Markdown formats have in common.
 */
#ifndef REPORT_CELLS_H
#define REPORT_CELLS_H

#include "columns.h"
#include "model.h"
#include "units.h"

/* CELL in words and UNIT, with its standard error after a ±; "" for CELL_NOTHING. */
const char *cells_format(char buffer[UNITS_MAX], const struct cell *cell, const struct unit *unit);

/* How many columns of a terminal TEXT, which cells_format made, takes. */
int cells_width(const char *text);

/* " ±ERROR" at the end of what BUFFER holds, in words: units_human's or cells_count's. */
const char *cells_add_error(char buffer[UNITS_MAX], const char *error);

/* "1,234,567" */
const char *cells_count(char buffer[UNITS_MAX], uint64_t count);

/* The widths that the columns of a table for people need. */
struct cells_widths {
    int width[COLUMNS_MAX];
};

/* What the titles need. */
struct cells_widths cells_widths_of(const struct columns *columns);

/* Makes room for a row with FIGURES. */
void cells_widen(struct cells_widths *w, const struct columns *columns,
                 const struct figures *figures, const struct dump *dump, const struct unit *unit);

/* Prints with PUT, which escapes: `function file:line`, or `function+0x1c (libfoo.so)`. */
void cells_place(FILE *out, const struct place *place, void (*put)(FILE *, const char *));

#endif
