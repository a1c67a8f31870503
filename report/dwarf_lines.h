/* SPDX-License-Identifier: MIT
 *
 * Source positions: the line table of a unit, and the file names of DWARF made absolute. Not
 * thread-safe.
 */
#ifndef REPORT_DWARF_LINES_H
#define REPORT_DWARF_LINES_H

#include "dwarf_units.h"
#include "intern.h"

struct position {
    const char *file; /* interned, absolute where DWARF says so; NULL: unknown */
    uint32_t line;    /* 0: unknown */
};

/* The names of one file's DWARF, each made absolute once. */
struct file_names;

/* STRINGS must outlive it. NULL only without memory. */
struct file_names *file_names_new(struct intern *strings);
void file_names_free(struct file_names *n);

/* RAW, a name as libdw returns it (its address stands for it), relative to the directory that UNIT
 * was compiled in. NULL for NULL and for names that say "unknown". */
const char *file_names_get(struct file_names *n, const char *raw, Dwarf_Die *unit);

/* File INDEX of the unit that DIE is in, as DW_AT_decl_file and DW_AT_call_file have it. */
const char *file_names_by_index(struct file_names *n, Dwarf_Die *die, Dwarf_Word index,
                                Dwarf_Die *unit);

/* What the line table says about ADDRESS, {NULL, 0} if it is in none of its rows. An instruction
 * that belongs to no line (line 0) takes that of the one before. */
struct position dwarf_unit_position(struct dwarf_unit *unit, struct file_names *names,
                                    uint64_t address);

/* Calls ROW for every row of the line table with a line number; ADDRESS is where it begins. */
void dwarf_unit_rows(struct dwarf_unit *unit, struct file_names *names,
                     void (*row)(void *arg, uint64_t address, struct position position), void *arg);

/* The line where the inlined function SCOPE was called, in the function around it. */
struct position dwarf_call_position(Dwarf_Die *scope, struct file_names *names, Dwarf_Die *unit);

#endif
