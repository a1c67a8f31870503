/* SPDX-License-Identifier: MIT
 *
 * From an address in a module to functions, files and lines, inlined ones included. libdw and
 * libdwfl do the reading of ELF and DWARF (4 and 5, compressed sections, .gnu_debuglink, build-id
 * directories, split DWARF, dwz); libiberty demangles. Not thread-safe.
 *
 * A module is found by its path, below the debug root if one is given, and used only if its
 * build-id is the one that was recorded; a file that differs is reported once, as a warning, and
 * its addresses stay `function+0x1c (lib)` by nothing but what is certain.
 */
#ifndef REPORT_SYMBOLIZE_H
#define REPORT_SYMBOLIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dump_module;
struct symbolizer;

struct symbolize_options {
    const char *const *debug_roots; /* --debug-root: looked below first, in order */
    size_t ndebug_roots;
    const char *directory;      /* that the paths of modules are relative to; NULL: unknown */
    bool debuginfod;            /* ask the servers of DEBUGINFOD_URLS */
    unsigned debuginfod_budget; /* seconds for all modules together */
    bool demangle;
    /* Called at most once per module and kind of trouble; may be NULL. */
    void (*warn)(void *arg, const char *message);
    void *warn_arg;
};

/* One source-level frame. Strings live as long as the symbolizer and are unique: equal strings are
 * the same pointer. */
struct symbol {
    const char *function;   /* demangled; "function+0x1c" if there is no line information but a
                               symbol; "0x1234" if there is nothing */
    const char *linkage;    /* as in the symbol table or DW_AT_linkage_name; NULL if unknown */
    const char *file;       /* absolute where DWARF says so; NULL without line information */
    const char *module;     /* path of the module */
    uint32_t line;          /* 0 without line information */
    uint32_t function_line; /* line of the function's declaration; 0 if unknown */
    bool inlined;           /* this frame was inlined into the next one */
};

/* From now on, of the modules for whose path IS says so, only symbol tables are read: functions
 * have names, but no lines, and nothing is known to be inlined; nor is trouble with them warned of.
 * NULL: of none, as in the beginning. */
void symbolizer_names_only(struct symbolizer *s, bool (*is)(const char *path));

/* Returns NULL only without memory. OPTIONS are copied; the strings they point to are not. */
struct symbolizer *symbolizer_new(const struct symbolize_options *options);
void symbolizer_free(struct symbolizer *s);

/* Looks up ADDRESS, a virtual address as the ELF file has it (not relocated), in MODULE. The caller
 * has already stepped back into the call (return address - 1). Sets *OUT to the frames, innermost
 * inlined function first, and returns how many: at least 1, whatever is missing. The array lives as
 * long as the symbolizer; the same address gives the same array. */
size_t symbolizer_lookup(struct symbolizer *s, const struct dump_module *module, uint64_t address,
                         const struct symbol **out);

/* The lines of a function in the file that it is declared in. Optimized code has no line for much
 * of what stands at a function's end: it ends at LAST or later, before LIMIT. */
struct function_span {
    const char *file;
    uint32_t first; /* its declaration */
    uint32_t last;  /* the last line with code of its own */
    uint32_t limit; /* where the next function of the file begins; UINT32_MAX: nowhere */
};

/* Sets *SPAN to the lines of the function that frame FRAME of what symbolizer_lookup() returned for
 * ADDRESS is in. Returns false if they cannot be told. */
bool symbolizer_frame_span(struct symbolizer *s, const struct dump_module *module, uint64_t address,
                           size_t frame, struct function_span *span);

/* The same for the innermost frame at ADDRESS that is on LINE of FILE and whose function is
 * declared in FILE: several functions of a chain of inlined calls may be in one file. */
bool symbolizer_function_span(struct symbolizer *s, const struct dump_module *module,
                              uint64_t address, const char *file, uint32_t line,
                              struct function_span *span);

/* Warns, once for all modules, if the source FILE, last changed at CHANGED (seconds since 1970), is
 * newer than MODULE: then it is not what the lines are those of. */
void symbolizer_compare_age(struct symbolizer *s, const struct dump_module *module,
                            const char *file, int64_t changed);

/* Demangles NAME (C++, Rust, D) into a malloc'd string; a copy of NAME if it is not mangled or
 * stands for too much text. Control characters are escaped either way. NULL only without memory. */
char *demangle(const char *name);

#endif
