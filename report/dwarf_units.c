/* SPDX-License-Identifier: MIT */
#include "dwarf_units.h"

#include <dwarf.h>
#include <stdlib.h>

/* Deeper nesting than any compiler emits; keeps recursion off the end of the stack. */
#define MAX_DEPTH 200
/* Pieces of functions and units, in one file: DIEs that share one long list of ranges could ask
 * for any number of them. */
#define MAX_PIECES (16u << 20)

/* Adds the ranges of DIE. Linkers leave code that they dropped at address 0 or 1. */
static int add_ranges(struct spans *spans, size_t *left, Dwarf_Die *die, uint32_t rank, uint32_t id)
{
    Dwarf_Addr base, low, high;
    ptrdiff_t at = 0;
    for (; *left > 0; --*left) {
        at = dwarf_ranges(die, at, &base, &low, &high);
        if (at <= 0)
            break;
        if (low > 1 && spans_add(spans, (struct span){low, high, rank, id}) != 0)
            return -1;
    }
    return 0;
}

struct walk {
    struct dwarf_unit *unit;
    struct spans spans;
    Dwarf_Off last; /* offset of the DIE seen last */
    bool out_of_memory;
};

static void walk_children(struct walk *w, Dwarf_Die *die, uint32_t scope, unsigned depth);

static uint32_t add_scope(struct walk *w, Dwarf_Die *die, bool inlined, uint32_t parent,
                          unsigned depth)
{
    struct dwarf_unit *u = w->unit;
    if (u->nscopes == u->scopes_capacity) {
        size_t capacity = u->scopes_capacity ? 2 * u->scopes_capacity : 64;
        struct dwarf_scope *scopes = reallocarray(u->scopes, capacity, sizeof *scopes);
        if (!scopes) {
            w->out_of_memory = true;
            return SCOPE_NONE;
        }
        u->scopes = scopes;
        u->scopes_capacity = capacity;
    }
    size_t before = w->spans.n;
    if (add_ranges(&w->spans, u->pieces_left, die, depth, (uint32_t)u->nscopes) != 0)
        w->out_of_memory = true;
    if (w->spans.n == before)
        return SCOPE_NONE; /* a declaration, or the abstract form of an inlined function */
    u->scopes[u->nscopes] = (struct dwarf_scope){
        .die = *die, .parent = inlined ? parent : SCOPE_NONE, .inlined = inlined};
    return (uint32_t)u->nscopes++;
}

static void visit(struct walk *w, Dwarf_Die *die, uint32_t scope, unsigned depth)
{
    switch (dwarf_tag(die)) {
    case DW_TAG_subprogram:
        walk_children(w, die, add_scope(w, die, false, SCOPE_NONE, depth), depth + 1);
        break;
    case DW_TAG_inlined_subroutine: {
        /* Without code of its own it belongs to the function around it. */
        uint32_t inner = scope == SCOPE_NONE ? scope : add_scope(w, die, true, scope, depth);
        walk_children(w, die, inner == SCOPE_NONE ? scope : inner, depth + 1);
        break;
    }
    case DW_TAG_lexical_block:
    case DW_TAG_try_block:
    case DW_TAG_catch_block:
    case DW_TAG_with_stmt:
    case DW_TAG_namespace:
    case DW_TAG_module:
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_interface_type:
        walk_children(w, die, scope, depth + 1);
        break;
    default:
        break;
    }
}

static void walk_children(struct walk *w, Dwarf_Die *die, uint32_t scope, unsigned depth)
{
    Dwarf_Die child;
    if (depth > MAX_DEPTH || !dwarf_haschildren(die) || dwarf_child(die, &child) != 0)
        return;
    do {
        Dwarf_Off offset = dwarf_dieoffset(&child);
        if (offset <= w->last || w->out_of_memory)
            return;
        w->last = offset;
        visit(w, &child, scope, depth);
    } while (dwarf_siblingof(&child, &child) == 0);
}

static const char *split_name(Dwarf_Die *die)
{
    Dwarf_Attribute attribute;
    if (dwarf_attr(die, DW_AT_dwo_name, &attribute) ||
        dwarf_attr(die, DW_AT_GNU_dwo_name, &attribute))
        return dwarf_formstring(&attribute);
    return NULL;
}

/* Only now: a large program has thousands of .dwo files. */
static void find_body(struct dwarf_unit *unit)
{
    uint8_t type;
    Dwarf_Die body;
    unit->body = unit->die;
    if (dwarf_cu_info(unit->die.cu, NULL, &type, NULL, &body, NULL, NULL, NULL) != 0 ||
        type != DW_UT_skeleton)
        return;
    if (body.cu)
        unit->body = body;
    else
        unit->missing = split_name(&unit->die);
}

static void walk_unit(struct dwarf_unit *unit)
{
    if (unit->walked)
        return;
    unit->walked = true;
    find_body(unit);
    struct walk w = {.unit = unit, .last = dwarf_dieoffset(&unit->body)};
    walk_children(&w, &unit->body, SCOPE_NONE, 0);
    (void)segments_build(&unit->map, &w.spans);
    spans_free(&w.spans);
}

static struct dwarf_unit *add_unit(struct dwarf_units *u)
{
    if (u->n == u->capacity) {
        size_t capacity = u->capacity ? 2 * u->capacity : 64;
        struct dwarf_unit *units = reallocarray(u->units, capacity, sizeof *units);
        if (!units)
            return NULL;
        u->units = units;
        u->capacity = capacity;
    }
    u->units[u->n] = (struct dwarf_unit){0};
    return &u->units[u->n++];
}

int dwarf_units_load(struct dwarf_units *u, Dwarf *dwarf)
{
    *u = (struct dwarf_units){.pieces_left = MAX_PIECES};
    struct spans spans = {0};
    int result = 0;
    Dwarf_CU *cu = NULL;
    Dwarf_Die die;
    uint8_t type;
    while (result == 0 && dwarf_get_units(dwarf, cu, &cu, NULL, &type, &die, NULL) == 0) {
        if (type != DW_UT_compile && type != DW_UT_skeleton)
            continue;
        struct dwarf_unit *unit = add_unit(u);
        if (!unit) {
            result = -1;
            break;
        }
        unit->die = die;
        unit->pieces_left = &u->pieces_left;
        result = add_ranges(&spans, &u->pieces_left, &unit->die, 0, (uint32_t)(u->n - 1));
    }
    if (result == 0)
        result = segments_build(&u->map, &spans);
    spans_free(&spans);
    if (result != 0)
        dwarf_units_free(u);
    return result;
}

void dwarf_units_free(struct dwarf_units *u)
{
    for (size_t i = 0; i < u->n; i++) {
        free(u->units[i].scopes);
        segments_free(&u->units[i].map);
    }
    free(u->units);
    segments_free(&u->map);
    segments_free(&u->silent);
    *u = (struct dwarf_units){0};
}

/* Units without ranges of their own (some compilers' split units): by those of their functions. */
static void index_silent(struct dwarf_units *u)
{
    struct spans spans = {0};
    for (size_t i = 0; i < u->n; i++) {
        struct dwarf_unit *unit = &u->units[i];
        Dwarf_Addr base, low, high;
        if (dwarf_ranges(&unit->die, 0, &base, &low, &high) > 0)
            continue;
        walk_unit(unit);
        for (size_t k = 0; k < unit->nscopes; k++)
            if (!unit->scopes[k].inlined &&
                add_ranges(&spans, &u->pieces_left, &unit->scopes[k].die, 0, (uint32_t)i) != 0)
                break;
    }
    (void)segments_build(&u->silent, &spans);
    spans_free(&spans);
    u->silent_indexed = true;
}

struct dwarf_unit *dwarf_units_find(struct dwarf_units *u, uint64_t address)
{
    uint32_t id = segments_find(&u->map, address);
    if (id == SEGMENTS_NONE) {
        if (!u->silent_indexed)
            index_silent(u);
        id = segments_find(&u->silent, address);
    }
    return id == SEGMENTS_NONE ? NULL : &u->units[id];
}

uint32_t dwarf_unit_scope(struct dwarf_unit *unit, uint64_t address)
{
    walk_unit(unit);
    uint32_t id = segments_find(&unit->map, address);
    return id == SEGMENTS_NONE ? SCOPE_NONE : id;
}
