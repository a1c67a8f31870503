/* SPDX-License-Identifier: MIT
 *
 * What DWARF says about a function: its name as people write it, its name in the symbol table and
 * where it is declared. Answers are kept per DIE. Not thread-safe.
 */
#ifndef REPORT_DWARF_NAMES_H
#define REPORT_DWARF_NAMES_H

#include "dwarf_lines.h"

struct function_facts {
    const char *name;    /* demangled, or qualified by the namespaces and classes around it; NULL:
                            the function has no name */
    const char *linkage; /* DW_AT_linkage_name, or the name where nothing mangles it; or NULL */
    struct position declared;
    Dwarf_CU *unit; /* that the declaration is in: another one after link-time optimization */
};

struct dwarf_names;

/* STRINGS and FILES must outlive it. NULL only without memory. */
struct dwarf_names *dwarf_names_new(struct intern *strings, struct file_names *files,
                                    bool demangle);
void dwarf_names_free(struct dwarf_names *n);

/* The facts of DIE, a function or an inlined call in UNIT. Never NULL; valid until the next call,
 * its strings longer. */
const struct function_facts *dwarf_names_get(struct dwarf_names *n, Dwarf_Die *die,
                                             Dwarf_Die *unit);

#endif
