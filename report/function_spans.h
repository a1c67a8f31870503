/* SPDX-License-Identifier: MIT
 *
 * Which lines a function takes in its file. DWARF says where it begins; where it ends is the
 * largest line of its own code that lies before the next function of the file that is not in it
 * (closures, functions in functions). Not thread-safe.
 */
#ifndef REPORT_FUNCTION_SPANS_H
#define REPORT_FUNCTION_SPANS_H

#include "dwarf_lines.h"
#include "dwarf_names.h"
#include "dwarf_units.h"

/* Gives every scope of UNIT its last_line, once. */
void function_spans_measure(struct dwarf_unit *unit, struct dwarf_names *names,
                            struct file_names *files);

#endif
