/* SPDX-License-Identifier: MIT
 *
 * One module opened for symbol lookup: its files, symbol table and DWARF, and from them the frames
 * at an address. Not thread-safe.
 */
#ifndef REPORT_DEBUG_OBJECT_H
#define REPORT_DEBUG_OBJECT_H

#include "debugfile.h"
#include "dwarf_names.h"
#include "dwarf_units.h"
#include "intern.h"
#include "symbolize.h"
#include "symtab.h"

/* Frames kept for one address; deeper inlining is cut at the outer end but for the function. */
#define OBJECT_MAX_FRAMES 128

struct debug_object {
    const char *path; /* as recorded; interned */
    struct intern *strings;
    const struct debug_search *search;
    bool demangle;
    struct debug_files files;
    struct symtab symbols;
    struct dwarf_units units;
    struct file_names *file_names; /* NULL: no DWARF */
    struct dwarf_names *names;
    bool warned_split; /* about a missing .dwo file */
};

/* Opens what there is about PATH and BUILD_ID. What is missing only makes answers poorer.
 * NAMES_ONLY: symbol tables are enough. All pointers must outlive the object. */
void debug_object_open(struct debug_object *o, const struct debug_search *search,
                       struct intern *strings, bool demangle, const char *path,
                       const char *build_id, bool names_only);
void debug_object_close(struct debug_object *o);

/* Fills FRAMES (OBJECT_MAX_FRAMES of them) for ADDRESS, innermost first. Returns how many, >= 1;
 * a function may be NULL without memory. */
size_t debug_object_frames(struct debug_object *o, uint64_t address, struct symbol *frames);

/* The lines of the function of frame FRAME at ADDRESS, in the file it is declared in. */
bool debug_object_span(struct debug_object *o, uint64_t address, size_t frame,
                       struct function_span *span);

/* Sets *CHANGED to when the module was last changed, in seconds since 1970; false: it is not here.
 */
bool debug_object_age(const struct debug_object *o, int64_t *changed);

#endif
