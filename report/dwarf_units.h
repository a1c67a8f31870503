/* SPDX-License-Identifier: MIT
 *
 * The compilation units of one file's DWARF by address, and in each unit the functions and inlined
 * calls around an address. A unit is walked once, when an address in it is first asked for; the
 * walk only ever goes forward in the file, so that no input can make it long. Not thread-safe.
 */
#ifndef REPORT_DWARF_UNITS_H
#define REPORT_DWARF_UNITS_H

#include "segments.h"

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCOPE_NONE UINT32_MAX

/* A function with code, or one inlined into its parent. */
struct dwarf_scope {
    Dwarf_Die die;
    uint32_t parent;    /* index in the unit, always lower; SCOPE_NONE: not inlined into anything */
    uint32_t last_line; /* 0 until function_spans.c measures the unit */
    uint32_t limit;     /* with it: where the next function of the file begins */
    bool inlined;
};

struct dwarf_unit {
    Dwarf_Die die;       /* in the file itself: the line table hangs off it */
    Dwarf_Die body;      /* once walked: has the functions; DIE, or the unit of a .dwo file */
    const char *missing; /* once walked: name of the .dwo file that was not found, or NULL */
    size_t *pieces_left; /* of all units, see dwarf_units.c */
    bool walked;
    struct dwarf_scope *scopes;
    size_t nscopes, scopes_capacity;
    struct segments map; /* of scopes */
    bool lines_read;     /* the rest is dwarf_lines.c's */
    Dwarf_Lines *lines;
    size_t nlines;
    bool measured; /* scopes have their last_line */
};

struct dwarf_units {
    struct dwarf_unit *units;
    size_t n, capacity;
    size_t pieces_left;
    struct segments map;    /* of units that say where their code is */
    bool silent_indexed;    /* the others are walked when an address is in none of the first */
    struct segments silent; /* of their units */
};

/* Reads the list of units. *U must stay where it is. Returns 0, or -1 without memory. */
int dwarf_units_load(struct dwarf_units *u, Dwarf *dwarf);
void dwarf_units_free(struct dwarf_units *u);

/* The unit with the code at ADDRESS, or NULL. */
struct dwarf_unit *dwarf_units_find(struct dwarf_units *u, uint64_t address);

/* The innermost scope around ADDRESS, or SCOPE_NONE. */
uint32_t dwarf_unit_scope(struct dwarf_unit *unit, uint64_t address);

#endif
