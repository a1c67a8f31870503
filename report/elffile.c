/* SPDX-License-Identifier: MIT */
#include "elffile.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void elf_hex(const unsigned char *bytes, size_t n, char *text)
{
    for (size_t i = 0; i < n; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    text[2 * n] = '\0';
}

static int open_regular(const char *path, const char **error)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        *error = strerror(errno);
        return -1;
    }
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    *error = "not a regular file";
    close(fd);
    return -1;
}

static void read_build_id(struct elf_file *f)
{
    const void *bytes;
    ssize_t n = dwelf_elf_gnu_build_id(f->elf, &bytes);
    if (n > 0 && n <= ELF_BUILD_ID_BYTES)
        elf_hex(bytes, (size_t)n, f->build_id);
}

struct elf_file *elf_file_open(const char *path, const char **error)
{
    int fd = open_regular(path, error);
    if (fd < 0)
        return NULL;
    struct elf_file *f = calloc(1, sizeof *f);
    if (!f || !(f->path = strdup(path))) {
        *error = strerror(ENOMEM);
        close(fd);
        free(f);
        return NULL;
    }
    f->fd = fd;
    (void)elf_version(EV_CURRENT);
    f->elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    GElf_Ehdr header;
    if (!f->elf || elf_kind(f->elf) != ELF_K_ELF || !gelf_getehdr(f->elf, &header) ||
        header.e_type == ET_CORE) {
        *error = "not an ELF object";
        elf_file_close(f);
        return NULL;
    }
    read_build_id(f);
    return f;
}

void elf_file_close(struct elf_file *f)
{
    if (!f)
        return;
    if (f->dwarf)
        dwarf_end(f->dwarf);
    if (f->elf)
        elf_end(f->elf);
    close(f->fd);
    free(f->path);
    free(f);
}

Elf_Scn *elf_file_section(const struct elf_file *f, const char *name, GElf_Shdr *header)
{
    size_t names;
    if (elf_getshdrstrndx(f->elf, &names) != 0)
        return NULL;
    for (Elf_Scn *s = NULL; (s = elf_nextscn(f->elf, s));) {
        if (!gelf_getshdr(s, header))
            continue;
        const char *found = elf_strptr(f->elf, names, header->sh_name);
        if (found && strcmp(found, name) == 0)
            return s;
    }
    return NULL;
}

Elf_Scn *elf_file_section_of(const struct elf_file *f, GElf_Word type, GElf_Shdr *header)
{
    Elf_Scn *s = NULL;
    while ((s = elf_nextscn(f->elf, s)))
        if (gelf_getshdr(s, header) && header->sh_type == type)
            break;
    return s;
}

bool elf_file_has_symbols(const struct elf_file *f)
{
    GElf_Shdr header;
    return elf_file_section_of(f, SHT_SYMTAB, &header) != NULL;
}

bool elf_file_has_dwarf(const struct elf_file *f)
{
    GElf_Shdr header;
    return (elf_file_section(f, ".debug_info", &header) ||
            elf_file_section(f, ".zdebug_info", &header)) &&
           header.sh_type != SHT_NOBITS && header.sh_size > 0;
}

Dwarf *elf_file_dwarf(struct elf_file *f)
{
    if (!f->dwarf)
        f->dwarf = dwarf_begin_elf(f->elf, DWARF_C_READ, NULL);
    return f->dwarf;
}

/* The polynomial of zlib and of gdb's debug links, least significant bit first. */
static uint32_t crc_update(uint32_t crc, const unsigned char *bytes, size_t n)
{
    static uint32_t table[256];
    if (table[1] == 0) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t value = i;
            for (int bit = 0; bit < 8; bit++)
                value = value & 1 ? value >> 1 ^ 0xedb88320u : value >> 1;
            table[i] = value;
        }
    }
    for (size_t i = 0; i < n; i++)
        crc = table[(crc ^ bytes[i]) & 0xff] ^ crc >> 8;
    return crc;
}

int elf_file_crc(const struct elf_file *f, uint32_t *crc)
{
    unsigned char buffer[32768];
    uint32_t value = UINT32_MAX;
    for (off_t at = 0;;) {
        ssize_t n = pread(f->fd, buffer, sizeof buffer, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        value = crc_update(value, buffer, (size_t)n);
        at += n;
    }
    *crc = ~value;
    return 0;
}
