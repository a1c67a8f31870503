/* SPDX-License-Identifier: MIT
 *
 * Finds the files that tell about a module: the ELF object itself and the one with its debug
 * information (separate, by build-id or debug link; shared parts made by dwz). Whatever is used
 * has the build-id that was recorded. Owns the files it opened. Not thread-safe.
 */
#ifndef REPORT_DEBUGFILE_H
#define REPORT_DEBUGFILE_H

#include "debuginfod.h"
#include "elffile.h"

#include <stdbool.h>
#include <stddef.h>

struct debug_search {
    const char *const *roots; /* looked below first, in order */
    size_t nroots;
    const char *directory;         /* that modules' paths are relative to; NULL: unknown */
    struct debuginfod *debuginfod; /* NULL: servers are not asked */
    /* One line of trouble with a module; may be NULL. */
    void (*warn)(void *arg, const char *message);
    void *warn_arg;
};

struct debug_files {
    struct elf_file *main;  /* the module; NULL if it was not found */
    struct elf_file *debug; /* has .debug_info; may be MAIN; NULL if there is none */
    struct elf_file *alt;   /* what dwz shares between files; NULL if not needed or not found */
};

/* Fills *OUT for the module PATH with BUILD_ID (hex; NULL if it was not recorded: then the file at
 * PATH is taken as it is). What is missing stays NULL, and is warned about at most once per kind.
 * NAMES_ONLY: no debug information is wanted, and DEBUG is but another place for a symbol table.
 */
void debug_files_find(const struct debug_search *search, const char *path, const char *build_id,
                      bool names_only, struct debug_files *out);
void debug_files_close(struct debug_files *files);

#endif
