/* SPDX-License-Identifier: MIT */
#include "dwarf_names.h"

#include "escape.h"
#include "symbolize.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* Namespaces and classes around a function; origins that refer to each other. */
#define MAX_NESTING 64
#define MAX_ORIGINS 16
#define MAX_NAME 4096
/* DIEs looked at to find what is around functions, in one file: some seconds. */
#define MAX_STEPS 100000000u

struct known {
    const void *die; /* key: where it is in the file */
    struct function_facts facts;
    UT_hash_handle hh;
};

struct dwarf_names {
    struct intern *strings;
    struct file_names *files;
    bool demangle;
    unsigned steps; /* taken so far, see MAX_STEPS */
    struct known *known;
    struct function_facts scratch; /* for when there is no memory to keep them */
};

struct dwarf_names *dwarf_names_new(struct intern *strings, struct file_names *files, bool demangle)
{
    struct dwarf_names *n = calloc(1, sizeof *n);
    if (n)
        *n = (struct dwarf_names){.strings = strings, .files = files, .demangle = demangle};
    return n;
}

void dwarf_names_free(struct dwarf_names *n)
{
    if (!n)
        return;
    struct known *k = n->known;
    HASH_CLEAR(hh, n->known); /* leaves the entries, and their links */
    for (struct known *next; k; k = next) {
        next = k->hh.next;
        free(k);
    }
    free(n);
}

/* Follows the attribute NAME, a reference, from DIE as far as it leads. */
static void follow(Dwarf_Die *die, unsigned name)
{
    for (int i = 0; i < MAX_ORIGINS; i++) {
        Dwarf_Attribute attribute;
        Dwarf_Die origin;
        if (!dwarf_attr(die, name, &attribute) || !dwarf_formref_die(&attribute, &origin))
            return;
        *die = origin;
    }
}

/* The child of PARENT that is, or contains, the DIE at OFFSET. Children come in order. */
static bool child_towards(struct dwarf_names *n, Dwarf_Die *parent, Dwarf_Off offset,
                          Dwarf_Die *out)
{
    Dwarf_Die child;
    bool found = false;
    Dwarf_Off last = dwarf_dieoffset(parent);
    if (dwarf_child(parent, &child) != 0)
        return false;
    do {
        Dwarf_Off at = dwarf_dieoffset(&child);
        if (at <= last || at > offset || n->steps >= MAX_STEPS)
            break;
        n->steps++;
        last = at;
        *out = child;
        found = true;
    } while (dwarf_siblingof(&child, &child) == 0);
    return found;
}

/* What the DIE adds to the name of the function OWN in it. */
static const char *part_name(Dwarf_Die *die, const char *own)
{
    const char *name = dwarf_diename(die);
    bool lambda = strcmp(own, "operator()") == 0;
    switch (dwarf_tag(die)) {
    case DW_TAG_namespace:
        return name ? name : "(anonymous namespace)";
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_interface_type:
        return name ? name : lambda ? "{lambda}" : "(anonymous class)";
    case DW_TAG_subprogram:
    case DW_TAG_module:
        return name;
    default:
        return NULL; /* lexical blocks have no part in a name */
    }
}

/* Class::function by the DIEs around the declaration, escaped, malloc'd; NULL without a name. */
static char *qualified_name(struct dwarf_names *n, Dwarf_Die die)
{
    const char *own = dwarf_diename(&die);
    Dwarf_Off offset = dwarf_dieoffset(&die);
    Dwarf_Die at, child;
    char text[MAX_NAME];
    size_t length = 0;
    if (!own || !dwarf_diecu(&die, &at, NULL, NULL))
        return NULL;
    for (int i = 0; i < MAX_NESTING && child_towards(n, &at, offset, &child); i++) {
        if (dwarf_dieoffset(&child) == offset)
            break;
        const char *part = part_name(&child, own);
        if (part && length < sizeof text)
            length += (size_t)snprintf(text + length, sizeof text - length, "%s::", part);
        at = child;
    }
    if (length < sizeof text)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s", own);
    return escape_text(text, length < sizeof text ? length : sizeof text - 1, 0);
}

/* Languages whose names are the symbols. */
static bool plain_names(Dwarf_Die *die, Dwarf_Die *unit)
{
    Dwarf_Die own;
    int language = dwarf_diecu(die, &own, NULL, NULL) ? dwarf_srclang(&own) : -1;
    switch (language > 0 ? language : dwarf_srclang(unit)) {
    case DW_LANG_C:
    case DW_LANG_C89:
    case DW_LANG_C99:
    case DW_LANG_C11:
    case DW_LANG_Mips_Assembler:
        return true;
    default:
        return false;
    }
}

static const char *string_attribute(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attribute;
    return dwarf_attr_integrate(die, name, &attribute) ? dwarf_formstring(&attribute) : NULL;
}

/* The function of a lambda has no line: its class has. Replaces *DIE by what is around it. */
static bool find_class(struct dwarf_names *n, Dwarf_Die *die)
{
    Dwarf_Die declared = *die, at, child;
    follow(&declared, DW_AT_specification);
    Dwarf_Off offset = dwarf_dieoffset(&declared);
    if (!dwarf_diecu(&declared, &at, NULL, NULL))
        return false;
    for (int i = 0; i < MAX_NESTING && child_towards(n, &at, offset, &child); i++) {
        if (dwarf_dieoffset(&child) == offset)
            break;
        at = child;
    }
    *die = at;
    return dwarf_tag(&at) == DW_TAG_structure_type || dwarf_tag(&at) == DW_TAG_class_type;
}

/* Declared where DIE says: itself, or what it is an instance of, line and file from the same. */
static struct position declaration(struct dwarf_names *n, Dwarf_Die *function, Dwarf_Die *unit)
{
    Dwarf_Attribute attribute;
    Dwarf_Word line, index;
    struct position p = {NULL, 0};
    Dwarf_Die found = *function, *die = &found;
    if (!dwarf_attr_integrate(die, DW_AT_decl_line, &attribute) && !find_class(n, die))
        return p;
    if (dwarf_formudata(dwarf_attr_integrate(die, DW_AT_decl_line, &attribute), &line) == 0 &&
        line <= INT32_MAX)
        p.line = (uint32_t)line;
    if (dwarf_formudata(dwarf_attr_integrate(die, DW_AT_decl_file, &attribute), &index) == 0) {
        Dwarf_Die owner;
        if (dwarf_cu_die(attribute.cu, &owner, NULL, NULL, NULL, NULL, NULL, NULL))
            p.file = file_names_by_index(n->files, &owner, index, unit);
    }
    return p;
}

/* Other linkage names are what a declaration said: malloc may be __GI___libc_malloc. */
static bool is_mangled(const char *linkage)
{
    return linkage[0] == '_' && (linkage[1] == 'Z' || linkage[1] == 'R' || linkage[1] == 'D');
}

static struct function_facts find_facts(struct dwarf_names *n, Dwarf_Die *die, Dwarf_Die *unit)
{
    struct function_facts facts = {.declared = declaration(n, die, unit), .unit = die->cu};
    const char *linkage = string_attribute(die, DW_AT_linkage_name);
    if (!linkage)
        linkage = string_attribute(die, DW_AT_MIPS_linkage_name);
    if (linkage)
        facts.linkage = intern_string(n->strings, linkage);
    if (linkage && is_mangled(linkage)) {
        facts.name = intern_take(
            n->strings, n->demangle ? demangle(linkage) : escape_text(linkage, strlen(linkage), 0));
        return facts;
    }
    Dwarf_Die declared = *die;
    follow(&declared, DW_AT_specification);
    const char *plain = dwarf_diename(&declared);
    if (plain && plain_names(&declared, unit)) {
        if (!linkage)
            facts.linkage = intern_string(n->strings, plain);
        facts.name = intern_take(n->strings, escape_text(plain, strlen(plain), 0));
    } else {
        facts.name = intern_take(n->strings, qualified_name(n, declared));
    }
    return facts;
}

const struct function_facts *dwarf_names_get(struct dwarf_names *n, Dwarf_Die *die, Dwarf_Die *unit)
{
    Dwarf_Die origin = *die;
    follow(&origin, DW_AT_abstract_origin); /* all instances of a function share its facts */
    const void *key = origin.addr;
    struct known *k = NULL;
    HASH_FIND_PTR(n->known, &key, k);
    if (k)
        return &k->facts;
    n->scratch = find_facts(n, &origin, unit);
    k = calloc(1, sizeof *k);
    if (!k)
        return &n->scratch;
    k->die = key;
    k->facts = n->scratch;
    HASH_ADD_PTR(n->known, die, k);
    if (!k->hh.tbl) {
        free(k);
        return &n->scratch;
    }
    return &k->facts;
}
