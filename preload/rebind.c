/* SPDX-License-Identifier: MIT */
#include "rebind.h"

#include <link.h>
#include <string.h>
#include <sys/mman.h>

#include "arch.h"
#include "sys.h"

#define PAGE_MASK (~(uintptr_t)4095)

struct job {
    const struct rebind_hook *hooks;
    size_t n, changed;
    uintptr_t allocator; /* in a module that is left alone */
    uintptr_t only;      /* in the one module that is not; 0: all others */
};

/* What of a module's dynamic section matters. */
struct dynamic {
    const ElfW(Sym) * symbols;
    const char *strings;
    const ElfW(Rela) * table[2];
    size_t count[2];
};

static bool contains(const struct dl_phdr_info *info, uintptr_t address)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && address - (info->dlpi_addr + p->p_vaddr) < p->p_memsz) {
            return true;
        }
    }
    return false;
}

static const ElfW(Phdr) * segment(const struct dl_phdr_info *info, ElfW(Word) type)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type == type) {
            return &info->dlpi_phdr[i];
        }
    }
    return NULL;
}

/* glibc relocates the addresses in the dynamic section in place, but for the vdso's. */
static bool read_dynamic(const struct dl_phdr_info *info, struct dynamic *d)
{
    const ElfW(Phdr) *p = segment(info, PT_DYNAMIC);
    if (!p) {
        return false;
    }
    memset(d, 0, sizeof *d);
    const ElfW(Dyn) *entry = (const void *)(info->dlpi_addr + p->p_vaddr);
    for (; entry->d_tag != DT_NULL; entry++) {
        const void *address = (const void *)entry->d_un.d_ptr;
        switch (entry->d_tag) {
        case DT_SYMTAB:
            d->symbols = address;
            break;
        case DT_STRTAB:
            d->strings = address;
            break;
        case DT_RELA:
            d->table[0] = address;
            break;
        case DT_RELASZ:
            d->count[0] = entry->d_un.d_val / sizeof(ElfW(Rela));
            break;
        case DT_JMPREL:
            d->table[1] = address;
            break;
        case DT_PLTRELSZ:
            d->count[1] = entry->d_un.d_val / sizeof(ElfW(Rela));
            break;
        default:
            break;
        }
    }
    return d->symbols && d->strings && contains(info, (uintptr_t)d->symbols) &&
           contains(info, (uintptr_t)d->strings);
}

/* Stores OURS at SLOT, which may have been made read-only after relocation (PT_GNU_RELRO). */
static bool change(const struct dl_phdr_info *info, uintptr_t slot, uintptr_t ours)
{
    const ElfW(Phdr) *relro = segment(info, PT_GNU_RELRO);
    bool sealed = relro && slot - (info->dlpi_addr + relro->p_vaddr) < relro->p_memsz;
    void *page = (void *)(slot & PAGE_MASK);
    if (sealed && mprotect(page, 4096, PROT_READ | PROT_WRITE) != 0) {
        return false;
    }
    *(uintptr_t *)slot = ours;
    if (sealed) {
        mprotect(page, 4096, PROT_READ);
    }
    return true;
}

/* A slot for calls may not be bound yet; a pointer in the data may have been changed since. */
static bool to_change(ElfW(Xword) type, uintptr_t value, const struct rebind_hook *hook)
{
    return ARCH_RELOC_IS_CALL_SLOT(type) ? value != hook->ours : value == hook->theirs;
}

/* The executable's copy of a library's variable, of SIZE bytes at START: may hold pointers. */
static void rebind_copy(struct job *job, const struct dl_phdr_info *info, uintptr_t start,
                        size_t size)
{
    for (uintptr_t slot = start; size >= sizeof slot; slot += sizeof slot, size -= sizeof slot) {
        for (size_t h = 0; h < job->n; h++) {
            if (*(uintptr_t *)slot == job->hooks[h].theirs) {
                job->changed += change(info, slot, job->hooks[h].ours);
                break;
            }
        }
    }
}

static void rebind_table(struct job *job, const struct dl_phdr_info *info, const struct dynamic *d,
                         const ElfW(Rela) * table, size_t n)
{
    for (size_t i = 0; table && i < n; i++) {
        ElfW(Xword) type = ELF64_R_TYPE(table[i].r_info);
        const ElfW(Sym) *symbol = d->symbols + ELF64_R_SYM(table[i].r_info);
        uintptr_t slot = info->dlpi_addr + table[i].r_offset;
        if (ARCH_RELOC_IS_COPY(type) && slot % sizeof slot == 0) {
            rebind_copy(job, info, slot, symbol->st_size);
        }
        if (!ARCH_RELOC_IS_CALL_SLOT(type) && !ARCH_RELOC_IS_POINTER(type)) {
            continue;
        }
        for (size_t h = 0; h < job->n; h++) {
            if (strcmp(d->strings + symbol->st_name, job->hooks[h].name) == 0 &&
                to_change(type, *(uintptr_t *)slot, &job->hooks[h])) {
                job->changed += change(info, slot, job->hooks[h].ours);
            }
        }
    }
}

static int visit(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    struct job *job = arg;
    struct dynamic d;
    const bool wanted = job->only
                            ? contains(info, job->only)
                            : !contains(info, (uintptr_t)&visit) && !contains(info, job->allocator);
    if (wanted && read_dynamic(info, &d)) {
        rebind_table(job, info, &d, d.table[0], d.count[0]);
        rebind_table(job, info, &d, d.table[1], d.count[1]);
    }
    return 0;
}

size_t rebind_module_of(uintptr_t address, const struct rebind_hook *hook)
{
    struct job job = {.hooks = hook, .n = 1, .only = address};
    dl_iterate_phdr(visit, &job);
    return job.changed;
}

size_t rebind_modules(const struct rebind_hook *hooks, size_t n, uintptr_t allocator)
{
    struct job job = {.hooks = hooks, .n = n, .allocator = allocator};
    dl_iterate_phdr(visit, &job);
    return job.changed;
}
