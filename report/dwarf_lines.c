/* SPDX-License-Identifier: MIT */
#include "dwarf_lines.h"

#include "pathname.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* How far back from a row without a line number a row with one is looked for. */
#define MAX_STEPS_BACK 32

struct file_name {
    const char *raw; /* key: libdw's own pointer */
    const char *name;
    UT_hash_handle hh;
};

struct file_names {
    struct intern *strings;
    struct file_name *names;
};

struct file_names *file_names_new(struct intern *strings)
{
    struct file_names *n = calloc(1, sizeof *n);
    if (n)
        n->strings = strings;
    return n;
}

void file_names_free(struct file_names *n)
{
    if (!n)
        return;
    struct file_name *f = n->names;
    HASH_CLEAR(hh, n->names); /* leaves the entries, and their links */
    for (struct file_name *next; f; f = next) {
        next = f->hh.next;
        free(f);
    }
    free(n);
}

static const char *compilation_directory(Dwarf_Die *unit)
{
    Dwarf_Attribute attribute;
    return unit && dwarf_attr(unit, DW_AT_comp_dir, &attribute) ? dwarf_formstring(&attribute)
                                                                : NULL;
}

const char *file_names_get(struct file_names *n, const char *raw, Dwarf_Die *unit)
{
    if (!raw || strncmp(raw, "???", 3) == 0 || strcmp(raw, "<artificial>") == 0)
        return NULL;
    struct file_name *f = NULL;
    HASH_FIND_PTR(n->names, &raw, f);
    if (f)
        return f->name;
    /* libdw has put the directory of the line table in front already. If that is relative, it is
     * because the compiler was told to make it so, and the unit's is the same. */
    const char *directory = compilation_directory(unit);
    bool absolute = directory && directory[0] == '/';
    const char *name = intern_take(n->strings, pathname_absolute(absolute ? directory : NULL, raw));
    f = calloc(1, sizeof *f);
    if (!f)
        return name;
    f->raw = raw;
    f->name = name;
    HASH_ADD_PTR(n->names, raw, f);
    if (!f->hh.tbl)
        free(f);
    return name;
}

const char *file_names_by_index(struct file_names *n, Dwarf_Die *die, Dwarf_Word index,
                                Dwarf_Die *unit)
{
    Dwarf_Die own;
    Dwarf_Files *files;
    size_t nfiles;
    if (!dwarf_diecu(die, &own, NULL, NULL) || dwarf_getsrcfiles(&own, &files, &nfiles) != 0 ||
        index >= nfiles)
        return NULL;
    bool placed = dwarf_hasattr(&own, DW_AT_comp_dir);
    return file_names_get(n, dwarf_filesrc(files, index, NULL, NULL), placed ? &own : unit);
}

static void read_lines(struct dwarf_unit *unit)
{
    if (unit->lines_read)
        return;
    unit->lines_read = true;
    if (dwarf_getsrclines(&unit->die, &unit->lines, &unit->nlines) != 0)
        unit->nlines = 0;
}

struct row {
    Dwarf_Line *line;
    Dwarf_Addr address;
    int number;
    bool end; /* of a sequence: belongs to no code */
};

static bool row_get(const struct dwarf_unit *unit, size_t i, struct row *r)
{
    r->line = dwarf_onesrcline(unit->lines, i);
    return r->line && dwarf_lineaddr(r->line, &r->address) == 0 &&
           dwarf_lineno(r->line, &r->number) == 0 && dwarf_lineendsequence(r->line, &r->end) == 0;
}

/* How many rows begin at or before ADDRESS; libdw has them sorted. */
static size_t rows_before(const struct dwarf_unit *unit, uint64_t address)
{
    size_t low = 0, high = unit->nlines;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct row r;
        if (row_get(unit, middle, &r) && r.address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct position row_position(const struct row *r, struct file_names *names, Dwarf_Die *unit)
{
    const char *file = file_names_get(names, dwarf_linesrc(r->line, NULL, NULL), unit);
    return (struct position){file, file && r->number > 0 ? (uint32_t)r->number : 0};
}

struct position dwarf_unit_position(struct dwarf_unit *unit, struct file_names *names,
                                    uint64_t address)
{
    read_lines(unit);
    size_t at = rows_before(unit, address);
    for (size_t steps = 0; at > 0 && steps < MAX_STEPS_BACK; at--, steps++) {
        struct row r;
        if (!row_get(unit, at - 1, &r) || r.end)
            break;
        if (r.number > 0)
            return row_position(&r, names, &unit->die);
    }
    return (struct position){NULL, 0};
}

void dwarf_unit_rows(struct dwarf_unit *unit, struct file_names *names,
                     void (*row)(void *arg, uint64_t address, struct position position), void *arg)
{
    read_lines(unit);
    for (size_t i = 0; i < unit->nlines; i++) {
        struct row r;
        if (row_get(unit, i, &r) && !r.end && r.number > 0)
            row(arg, r.address, row_position(&r, names, &unit->die));
    }
}

struct position dwarf_call_position(Dwarf_Die *scope, struct file_names *names, Dwarf_Die *unit)
{
    Dwarf_Attribute attribute;
    Dwarf_Word line, index;
    struct position p = {NULL, 0};
    if (dwarf_formudata(dwarf_attr(scope, DW_AT_call_line, &attribute), &line) != 0 || line == 0 ||
        line > INT32_MAX)
        return p;
    if (dwarf_formudata(dwarf_attr(scope, DW_AT_call_file, &attribute), &index) == 0)
        p.file = file_names_by_index(names, scope, index, unit);
    p.line = p.file ? (uint32_t)line : 0;
    return p;
}
