/* SPDX-License-Identifier: MIT
 *
 * The functions of an ELF file's symbol tables, by address: .symtab (the module's or its debug
 * file's), .dynsym, and the compressed .gnu_debugdata where there is no .symtab. Not thread-safe.
 */
#ifndef REPORT_SYMTAB_H
#define REPORT_SYMTAB_H

#include "debugfile.h"
#include "intern.h"
#include "segments.h"

struct elf_symbol {
    const char *name; /* as in the table; interned */
    uint64_t low, high;
    uint32_t rank; /* which of several names for one address is taken: the highest */
};

struct symtab {
    struct elf_symbol *symbols;
    size_t n, capacity;
    struct segments map;
};

/* Returns 0, or -1 without memory (then the table is empty). */
int symtab_load(struct symtab *t, const struct debug_files *files, struct intern *strings);
void symtab_free(struct symtab *t);

/* The symbol that ADDRESS belongs to, or NULL: one without a size reaches to the next, one with a
 * size no further than that. */
const struct elf_symbol *symtab_find(const struct symtab *t, uint64_t address);

#endif
