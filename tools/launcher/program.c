/* SPDX-License-Identifier: MIT */
#include "program.h"

#include <elf.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAX_INTERPRETERS 4 /* a script's interpreter may be a script; the kernel allows as many */

static bool is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

int program_find(const char *name, char path[PATH_MAX])
{
    char usual[PATH_MAX];
    const char *list = getenv("PATH");
    if (strchr(name, '/')) {
        snprintf(path, PATH_MAX, "%s", name);
        return is_program(path) ? 0 : -1;
    }
    if (!list) {
        confstr(_CS_PATH, usual, sizeof usual);
        list = usual;
    }
    for (;; list++) {
        int n = (int)strcspn(list, ":");
        /* An empty entry is the working directory. */
        int length = snprintf(path, PATH_MAX, "%.*s%s%s", n, list, n ? "/" : "./", name);
        if (length < PATH_MAX && is_program(path))
            return 0;
        list += n;
        if (!*list)
            return -1;
    }
}

bool program_is_elf(const char *path)
{
    char magic[SELFMAG] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return false;
    bool is_elf = read(fd, magic, sizeof magic) == SELFMAG && memcmp(magic, ELFMAG, SELFMAG) == 0;
    close(fd);
    return is_elf;
}

/* Takes the interpreter of the script that begins with HEAD as the path. */
static bool take_interpreter(const char *head, char path[PATH_MAX])
{
    if (strncmp(head, "#!", 2) != 0)
        return false;
    head += 2 + strspn(head + 2, " \t");
    snprintf(path, PATH_MAX, "%.*s", (int)strcspn(head, " \t\n"), head);
    return *path != '\0';
}

/* Follows the scripts from PATH on to an executable; returns its descriptor, or -1. */
static int open_executable(char path[PATH_MAX])
{
    for (int i = 0; i < MAX_INTERPRETERS; i++) {
        char head[256] = "";
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
            return -1;
        if (pread(fd, head, sizeof head - 1, 0) <= 0 || !take_interpreter(head, path))
            return fd;
        close(fd);
    }
    return -1;
}

/* Whether the kernel runs FD's program in such a way that the loader ignores what is preloaded. */
static bool is_privileged(int fd)
{
    struct stat status;
    if (fstat(fd, &status))
        return false;
    if (((status.st_mode & S_ISUID) && status.st_uid != getuid()) ||
        ((status.st_mode & S_ISGID) && (status.st_mode & S_IXGRP) && status.st_gid != getgid()))
        return true;
    return getuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

/* Name of the loader that ELF asks for, or NULL if it asks for none. */
static const char *loader(Elf *elf, char name[PATH_MAX])
{
    size_t n = 0, size = 0;
    const char *bytes = elf_rawfile(elf, &size);
    if (elf_getphdrnum(elf, &n))
        return NULL;
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr segment;
        if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == PT_INTERP) {
            if (!bytes || segment.p_offset >= size || segment.p_filesz > size - segment.p_offset)
                return NULL;
            snprintf(name, PATH_MAX, "%.*s", (int)(segment.p_filesz & 0xfff),
                     bytes + segment.p_offset);
            return name;
        }
    }
    return NULL;
}

/* Machine and class of this very process. */
static bool is_native(Elf *elf)
{
    GElf_Ehdr header;
#if defined __x86_64__
    const int machine = EM_X86_64;
#elif defined __aarch64__
    const int machine = EM_AARCH64;
#else
#error "which machine is this?"
#endif
    return gelf_getehdr(elf, &header) && header.e_machine == machine &&
           gelf_getclass(elf) == (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32);
}

static void judge(Elf *elf, int fd, struct program *program)
{
    char name[PATH_MAX] = "";
    if (elf_kind(elf) != ELF_K_ELF)
        return;
    const char *interpreter = loader(elf, name);
    if (!is_native(elf)) {
        program->blind = "is a program for another processor or word size than libmemprof.so";
    } else if (!interpreter) {
        program->blind = "is linked statically, so that no library can be preloaded into it";
    } else if (strstr(interpreter, "ld-musl")) {
        program->blind = "is linked with musl, not with glibc";
        program->preload = false; /* that loader ends the program */
    } else if (is_privileged(fd)) {
        program->blind = "runs with other privileges (setuid, setgid, capabilities), so that the "
                         "loader ignores LD_PRELOAD";
    }
}

void program_examine(const char *path, struct program *program)
{
    *program = (struct program){.preload = true};
    snprintf(program->path, sizeof program->path, "%s", path);
    int fd = open_executable(program->path);
    if (fd < 0)
        return;
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    if (elf) {
        judge(elf, fd, program);
        elf_end(elf);
    }
    close(fd);
}
