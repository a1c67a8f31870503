/* SPDX-License-Identifier: MIT */
#include "function_spans.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* Namespaces and classes in each other. */
#define MAX_NESTING 64

/* Functions within a function, looked at for each function. */
#define MAX_INNER 4096

struct beginning {
    struct position at;
    const char *within; /* name of the function that it may be in; NULL: in none */
};

/* Where the functions of the files begin, those inside other functions left out as far as DWARF
 * shows it by where they are. */
struct beginnings {
    struct beginning *at;
    size_t n, capacity;
};

/* A unit whose functions were added. */
struct listed {
    Dwarf_CU *cu;
    UT_hash_handle hh;
};

struct measure {
    struct dwarf_unit *unit;
    struct dwarf_names *names;
    struct file_names *files;
    struct beginnings beginnings;
    struct listed *listed;
    Dwarf_Off last; /* offset of the DIE seen last */
    bool rust;      /* the language of the unit it is in */
};

static void add_beginning(struct beginnings *b, struct position p, const char *within)
{
    if (!p.file || p.line == 0)
        return;
    if (b->n == b->capacity) {
        size_t capacity = b->capacity ? 2 * b->capacity : 64;
        struct beginning *at = reallocarray(b->at, capacity, sizeof *at);
        if (!at)
            return; /* spans may come out too long */
        b->at = at;
        b->capacity = capacity;
    }
    b->at[b->n++] = (struct beginning){p, within};
}

static struct position own_declaration(struct measure *m, Dwarf_Die *die)
{
    Dwarf_Attribute attribute;
    Dwarf_Word line, index;
    struct position p = {NULL, 0};
    if (dwarf_formudata(dwarf_attr(die, DW_AT_decl_line, &attribute), &line) == 0 &&
        line <= INT32_MAX &&
        dwarf_formudata(dwarf_attr(die, DW_AT_decl_file, &attribute), &index) == 0)
        p = (struct position){file_names_by_index(m->files, die, index, &m->unit->die),
                              (uint32_t)line};
    return p;
}

/* Rust has what is in a function, closures and functions, in a namespace of its name. */
static const char *function_around(const struct measure *m, Dwarf_Die *parent)
{
    return m->rust && dwarf_tag(parent) == DW_TAG_namespace ? dwarf_diename(parent) : NULL;
}

/* Closures of Rust, lambdas of C++. */
static bool is_closure(Dwarf_Die *function, Dwarf_Die *parent)
{
    const char *name = dwarf_diename(function);
    if (!name)
        return false;
    return name[0] == '{' || (strcmp(name, "operator()") == 0 && !dwarf_diename(parent));
}

static void list_function(struct measure *m, Dwarf_Die *function, Dwarf_Die *parent)
{
    bool in_class =
        dwarf_tag(parent) != DW_TAG_namespace && dwarf_tag(parent) != DW_TAG_compile_unit;
    /* A declaration outside of a class may stand in the middle of a function. */
    if ((in_class || !dwarf_hasattr(function, DW_AT_declaration)) && !is_closure(function, parent))
        add_beginning(&m->beginnings, own_declaration(m, function), function_around(m, parent));
}

static void list_functions(struct measure *m, Dwarf_Die *parent, int depth)
{
    Dwarf_Die child;
    if (depth > MAX_NESTING || dwarf_child(parent, &child) != 0)
        return;
    do {
        Dwarf_Off offset = dwarf_dieoffset(&child);
        if (offset <= m->last)
            return;
        m->last = offset;
        switch (dwarf_tag(&child)) {
        case DW_TAG_subprogram:
            list_function(m, &child, parent);
            break;
        case DW_TAG_namespace:
        case DW_TAG_module:
        case DW_TAG_class_type:
        case DW_TAG_structure_type:
        case DW_TAG_union_type:
            list_functions(m, &child, depth + 1);
            break;
        default:
            break;
        }
    } while (dwarf_siblingof(&child, &child) == 0);
}

static int compare(const void *a, const void *b)
{
    const struct position *x = &((const struct beginning *)a)->at;
    const struct position *y = &((const struct beginning *)b)->at;
    if (x->file != y->file)
        return (uintptr_t)x->file < (uintptr_t)y->file ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

/* Whether a function in the namespace WITHIN is in FUNCTION, whose name may go on with <T>. */
static bool is_within(const char *within, const char *function)
{
    size_t n = within ? strlen(within) : 0;
    return n > 0 && function && strncmp(function, within, n) == 0 &&
           (function[n] == '\0' || function[n] == '<');
}

/* Where the next function after FUNCTION at P begins in its file, UINT32_MAX if there is none. */
static uint32_t next_beginning(const struct beginnings *b, struct position p, const char *function)
{
    const struct beginning after = {p, NULL};
    size_t low = 0, high = b->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&b->at[middle], &after) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t inner = 0; low < b->n && inner < MAX_INNER; inner++, low++)
        if (b->at[low].at.file != p.file || !is_within(b->at[low].within, function))
            break;
    return low < b->n && b->at[low].at.file == p.file ? b->at[low].at.line : UINT32_MAX;
}

static const struct function_facts *facts_of(struct measure *m, struct dwarf_scope *scope)
{
    return dwarf_names_get(m->names, &scope->die, &m->unit->die);
}

static void list_unit(struct measure *m, Dwarf_CU *cu)
{
    struct listed *l = NULL;
    Dwarf_Die die;
    HASH_FIND_PTR(m->listed, &cu, l);
    if (l || !(l = calloc(1, sizeof *l)))
        return;
    l->cu = cu;
    HASH_ADD_PTR(m->listed, cu, l);
    if (!l->hh.tbl) {
        free(l);
    } else if (dwarf_cu_die(cu, &die, NULL, NULL, NULL, NULL, NULL, NULL)) {
        m->last = dwarf_dieoffset(&die);
        m->rust = dwarf_srclang(&die) == DW_LANG_Rust;
        list_functions(m, &die, 0);
    }
}

/* After link-time optimization the functions of one unit come from several. */
static void find_limits(struct measure *m)
{
    for (size_t i = 0; i < m->unit->nscopes; i++)
        list_unit(m, facts_of(m, &m->unit->scopes[i])->unit);
    struct listed *l = m->listed;
    HASH_CLEAR(hh, m->listed); /* leaves the entries, and their links */
    for (struct listed *next; l; l = next) {
        next = l->hh.next;
        free(l);
    }
    if (m->beginnings.n > 0)
        qsort(m->beginnings.at, m->beginnings.n, sizeof *m->beginnings.at, compare);
    for (size_t i = 0; i < m->unit->nscopes; i++) {
        struct dwarf_scope *scope = &m->unit->scopes[i];
        scope->limit = next_beginning(&m->beginnings, facts_of(m, scope)->declared,
                                      dwarf_diename(&scope->die));
    }
}

static void note_line(struct measure *m, uint32_t id, struct position p)
{
    struct dwarf_scope *scope = &m->unit->scopes[id];
    if (p.file && p.line < scope->limit && p.line > scope->last_line &&
        p.file == facts_of(m, scope)->declared.file)
        scope->last_line = p.line;
}

static void note_row(void *arg, uint64_t address, struct position position)
{
    struct measure *m = arg;
    uint32_t id = dwarf_unit_scope(m->unit, address);
    if (id != SCOPE_NONE)
        note_line(m, id, position);
}

void function_spans_measure(struct dwarf_unit *unit, struct dwarf_names *names,
                            struct file_names *files)
{
    if (unit->measured)
        return;
    unit->measured = true;
    struct measure m = {.unit = unit, .names = names, .files = files};
    find_limits(&m);
    dwarf_unit_rows(unit, files, note_row, &m);
    /* A call that was inlined may be the last line of the function it is in. */
    for (size_t i = 0; i < unit->nscopes; i++)
        if (unit->scopes[i].parent != SCOPE_NONE)
            note_line(&m, unit->scopes[i].parent,
                      dwarf_call_position(&unit->scopes[i].die, files, &unit->die));
    free(m.beginnings.at);
}
