/* SPDX-License-Identifier: MIT
 *
 * One ELF file, opened as something that may be hostile: regular files only, nothing blocks,
 * whatever is malformed reads as absent. Owns the descriptor, the mapping and libdw's view of it.
 * Not thread-safe.
 */
#ifndef REPORT_ELFFILE_H
#define REPORT_ELFFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdw.h>
#include <gelf.h>

#define ELF_BUILD_ID_BYTES 64

struct elf_file {
    char *path;
    int fd;
    Elf *elf;
    Dwarf *dwarf;                              /* see elf_file_dwarf() */
    char build_id[2 * ELF_BUILD_ID_BYTES + 1]; /* lower-case hex, "" if there is none */
};

/* Opens PATH. NULL if it cannot be opened or is no ELF object, with *ERROR saying why (static text
 * or strerror's). */
struct elf_file *elf_file_open(const char *path, const char **error);
void elf_file_close(struct elf_file *f);

/* The section NAME, its header in *HEADER; NULL if there is none. */
Elf_Scn *elf_file_section(const struct elf_file *f, const char *name, GElf_Shdr *header);

/* The first section of TYPE, likewise. */
Elf_Scn *elf_file_section_of(const struct elf_file *f, GElf_Word type, GElf_Shdr *header);

/* Whether there is a symbol table that has more than what is exported. */
bool elf_file_has_symbols(const struct elf_file *f);

/* Whether there is a .debug_info (compressed or not) with contents. */
bool elf_file_has_dwarf(const struct elf_file *f);

/* The DWARF, NULL if there is none; opened once. Must not be called after an alternative file (dwz)
 * has been set and closed. */
Dwarf *elf_file_dwarf(struct elf_file *f);

/* The CRC-32 of the whole file, as .gnu_debuglink has it. Returns 0 or -1. */
int elf_file_crc(const struct elf_file *f, uint32_t *crc);

/* Bytes to lower-case hex; TEXT holds 2 * N + 1. */
void elf_hex(const unsigned char *bytes, size_t n, char *text);

#endif
