/* SPDX-License-Identifier: MIT
 *
 * Between the files of the text format.
 */
#ifndef REPORT_OUT_TEXT_H
#define REPORT_OUT_TEXT_H

#include "cells.h"
#include "format.h"

void text_bold(const struct out *o, bool on);

/* The header of a table and its rule; FIRST and LAST are what is left and right of the figures. */
void text_header(const struct out *o, const struct columns *columns, const struct cells_widths *w,
                 const char *first, const char *last);

/* The figures of a row, or blanks (FIGURES is NULL). */
void text_cells(const struct out *o, const struct columns *columns, const struct cells_widths *w,
                const struct figures *figures, const struct dump *dump);

void text_lines(struct out *o, const struct lines_report *r);
void text_leaks(struct out *o, const struct leaks_report *r);
void text_tree(struct out *o, const struct tree_report *r);
void text_summary(struct out *o, const struct summary_report *r);

#endif
