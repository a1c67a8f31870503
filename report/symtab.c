/* SPDX-License-Identifier: MIT */
#include "symtab.h"

#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Larger ones are no minimal symbol tables; what they unpack to is kept in memory. */
#define MAX_DEBUGDATA (16u << 20)

#define RANK_FUNCTION 0x4000000u
#define RANK_GLOBAL 0x2000000u
#define RANK_WEAK 0x1000000u

/* Of names for one address people know the public one best: exported, few leading underscores,
 * short. */
static uint32_t rank(const GElf_Sym *symbol, const char *name)
{
    unsigned binding = GELF_ST_BIND(symbol->st_info), type = GELF_ST_TYPE(symbol->st_info);
    size_t underscores = strspn(name, "_"), length = strlen(name);
    uint32_t value = type == STT_NOTYPE ? 0 : RANK_FUNCTION;
    value |= binding == STB_GLOBAL ? RANK_GLOBAL : binding == STB_WEAK ? RANK_WEAK : 0;
    value |= (uint32_t)(255 - (underscores < 255 ? underscores : 255)) << 8;
    return value | (uint32_t)(255 - (length < 255 ? length : 255));
}

/* Code, by a name that somebody gave: not the assembler's own labels or a mapping symbol. */
static bool wanted(const GElf_Sym *symbol, const char *name)
{
    unsigned type = GELF_ST_TYPE(symbol->st_info);
    return (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE) &&
           symbol->st_shndx != SHN_UNDEF && symbol->st_shndx != SHN_ABS && name && name[0] &&
           name[0] != '$' && strncmp(name, ".L", 2) != 0;
}

static int add(struct symtab *t, struct intern *strings, const GElf_Sym *symbol, const char *name)
{
    if (t->n == t->capacity) {
        size_t capacity = t->capacity ? 2 * t->capacity : 256;
        struct elf_symbol *symbols = reallocarray(t->symbols, capacity, sizeof *symbols);
        if (!symbols)
            return -1;
        t->symbols = symbols;
        t->capacity = capacity;
    }
    uint64_t low = symbol->st_value, high = low + symbol->st_size;
    const char *copy = intern_string(strings, name);
    if (!copy)
        return -1;
    t->symbols[t->n++] =
        (struct elf_symbol){copy, low, high < low ? low : high, rank(symbol, name)};
    return 0;
}

/* Symbols of a section that holds no code would be data without a type. */
static bool in_code(Elf *elf, const GElf_Sym *symbol)
{
    if (GELF_ST_TYPE(symbol->st_info) != STT_NOTYPE || symbol->st_shndx >= SHN_LORESERVE)
        return true;
    GElf_Shdr header;
    Elf_Scn *section = elf_getscn(elf, symbol->st_shndx);
    return section && gelf_getshdr(section, &header) && (header.sh_flags & SHF_EXECINSTR);
}

static int add_table(struct symtab *t, struct intern *strings, const struct elf_file *f,
                     GElf_Word type)
{
    GElf_Shdr header = {0};
    Elf_Scn *section = elf_file_section_of(f, type, &header);
    Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
    if (!data || !data->d_buf)
        return 0;
    for (int i = 1; i < INT32_MAX; i++) {
        GElf_Sym symbol;
        if (!gelf_getsym(data, i, &symbol))
            break;
        const char *name = elf_strptr(f->elf, header.sh_link, symbol.st_name);
        if (wanted(&symbol, name) && in_code(f->elf, &symbol) &&
            add(t, strings, &symbol, name) != 0)
            return -1;
    }
    return 0;
}

/* libdwfl would look for debug information, also over the network, if it were let. */
static int find_nothing(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
                        const char *file, const char *link, GElf_Word crc, char **found)
{
    (void)module, (void)data, (void)name, (void)base, (void)file, (void)link, (void)crc;
    *found = NULL;
    return -1;
}

/* .gnu_debugdata is an ELF file compressed with xz; libdwfl unpacks it. */
static int add_debugdata(struct symtab *t, struct intern *strings, const struct elf_file *f)
{
    static const Dwfl_Callbacks callbacks = {.find_elf = dwfl_build_id_find_elf,
                                             .find_debuginfo = find_nothing};
    GElf_Shdr header;
    if (!elf_file_section(f, ".gnu_debugdata", &header) || header.sh_size > MAX_DEBUGDATA)
        return 0;
    Dwfl *dwfl = dwfl_begin(&callbacks);
    if (!dwfl)
        return 0;
    int fd = dup(f->fd);
    Dwfl_Module *module = fd < 0 ? NULL : dwfl_report_elf(dwfl, f->path, f->path, fd, 0, true);
    if (!module && fd >= 0)
        close(fd);
    dwfl_report_end(dwfl, NULL, NULL);
    int result = 0;
    int n = module ? dwfl_module_getsymtab(module) : 0;
    for (int i = 1; i < n && result == 0; i++) {
        GElf_Sym symbol;
        GElf_Addr address;
        const char *name = dwfl_module_getsym_info(module, i, &symbol, &address, NULL, NULL, NULL);
        if (wanted(&symbol, name))
            result = add(t, strings, &symbol, name);
    }
    dwfl_end(dwfl);
    return result;
}

static int compare(const void *a, const void *b)
{
    const struct elf_symbol *x = a, *y = b;
    if (x->low != y->low)
        return x->low < y->low ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* One symbol for each address, the best, as large as the largest. */
static void drop_aliases(struct symtab *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++) {
        struct elf_symbol *last = n > 0 ? &t->symbols[n - 1] : NULL;
        if (last && last->low == t->symbols[i].low) {
            uint64_t high = last->high;
            *last = t->symbols[i];
            last->high = high > last->high ? high : last->high;
        } else {
            t->symbols[n++] = t->symbols[i];
        }
    }
    t->n = n;
}

static int add_spans(const struct symtab *t, struct spans *spans)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct elf_symbol *s = &t->symbols[i];
        if (spans_add(spans, (struct span){s->low, s->high, 0, (uint32_t)i}) != 0)
            return -1;
    }
    return 0;
}

/* The end of the section that ADDRESS is in, or ADDRESS. */
static uint64_t section_end(const struct elf_file *f, uint64_t address)
{
    GElf_Shdr header;
    for (Elf_Scn *s = NULL; f && (s = elf_nextscn(f->elf, s));)
        if (gelf_getshdr(s, &header) && (header.sh_flags & SHF_ALLOC) &&
            address >= header.sh_addr && address - header.sh_addr < header.sh_size)
            return header.sh_addr + header.sh_size;
    return address;
}

/* Hand-written code has labels without sizes: inside a function they are part of it, elsewhere
 * each reaches to the next symbol. */
static void stretch_labels(struct symtab *t, const struct segments *sized, const struct elf_file *f)
{
    uint64_t end = 0;
    for (size_t i = 0; i < t->n; i++) {
        struct elf_symbol *s = &t->symbols[i];
        if (s->high > s->low || segments_find(sized, s->low) != SEGMENTS_NONE)
            continue;
        if (s->low >= end)
            end = section_end(f, s->low);
        s->high = i + 1 < t->n && t->symbols[i + 1].low < end ? t->symbols[i + 1].low : end;
    }
}

static int build_map(struct symtab *t, const struct elf_file *f)
{
    qsort(t->symbols, t->n, sizeof *t->symbols, compare);
    drop_aliases(t);
    struct spans spans = {0};
    struct segments sized = {0};
    int result = add_spans(t, &spans);
    if (result == 0)
        result = segments_build(&sized, &spans);
    if (result == 0) {
        stretch_labels(t, &sized, f);
        spans.n = 0;
        result = add_spans(t, &spans);
    }
    if (result == 0)
        result = segments_build(&t->map, &spans);
    segments_free(&sized);
    spans_free(&spans);
    return result;
}

int symtab_load(struct symtab *t, const struct debug_files *files, struct intern *strings)
{
    *t = (struct symtab){0};
    const struct elf_file *f = files->main, *debug = files->debug;
    int result = f ? add_table(t, strings, f, SHT_SYMTAB) : 0;
    if (result == 0 && t->n == 0 && debug && debug != f)
        result = add_table(t, strings, debug, SHT_SYMTAB);
    if (result == 0 && t->n == 0 && f)
        result = add_debugdata(t, strings, f);
    if (result == 0 && f)
        result = add_table(t, strings, f, SHT_DYNSYM);
    if (result == 0 && t->n > 0)
        result = build_map(t, f ? f : debug);
    if (result != 0)
        symtab_free(t);
    return result;
}

void symtab_free(struct symtab *t)
{
    free(t->symbols);
    segments_free(&t->map);
    *t = (struct symtab){0};
}

const struct elf_symbol *symtab_find(const struct symtab *t, uint64_t address)
{
    uint32_t id = segments_find(&t->map, address);
    return id == SEGMENTS_NONE ? NULL : &t->symbols[id];
}
