/* SPDX-License-Identifier: MIT */
#include "debug_object.h"

#include "escape.h"
#include "function_spans.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void warn(struct debug_object *o, char *message)
{
    if (message && o->search->warn)
        o->search->warn(o->search->warn_arg, message);
    free(message);
}

static void warn_unreadable(struct debug_object *o)
{
    char *message;
    if (asprintf(
            &message,
            "'%s': its debug information cannot be read: it is damaged, or compressed in a way "
            "that libelf does not know",
            o->files.debug->path) >= 0)
        warn(o, message);
}

void debug_object_open(struct debug_object *o, const struct debug_search *search,
                       struct intern *strings, bool demangle, const char *path,
                       const char *build_id, bool names_only)
{
    *o = (struct debug_object){
        .path = path, .strings = strings, .search = search, .demangle = demangle};
    debug_files_find(search, path, build_id, names_only, &o->files);
    (void)symtab_load(&o->symbols, &o->files, strings);
    if (names_only)
        return;
    Dwarf *dwarf = o->files.debug ? elf_file_dwarf(o->files.debug) : NULL;
    if (dwarf) {
        o->file_names = file_names_new(strings);
        o->names = o->file_names ? dwarf_names_new(strings, o->file_names, demangle) : NULL;
        if (o->names)
            (void)dwarf_units_load(&o->units, dwarf);
    }
    if (o->files.debug && o->units.n == 0)
        warn_unreadable(o);
}

void debug_object_close(struct debug_object *o)
{
    dwarf_units_free(&o->units);
    dwarf_names_free(o->names);
    file_names_free(o->file_names);
    symtab_free(&o->symbols);
    debug_files_close(&o->files);
}

/* NAME as people read it, with the distance from where it begins if OFFSET is not NULL. */
static const char *display(struct debug_object *o, const char *name, const uint64_t *offset)
{
    char *text = o->demangle ? demangle(name) : escape_text(name, strlen(name), 0);
    char *with_offset = NULL;
    if (text && offset &&
        asprintf(&with_offset, "%s+0x%llx", text, (unsigned long long)*offset) < 0)
        with_offset = NULL;
    if (with_offset) {
        free(text);
        text = with_offset;
    }
    return intern_take(o->strings, text);
}

static const char *display_address(struct debug_object *o, uint64_t address)
{
    char text[32];
    snprintf(text, sizeof text, "0x%llx", (unsigned long long)address);
    return intern_string(o->strings, text);
}

/* Split debug information keeps functions in files of their own, which builds like to lose. Lines
 * and outer functions are known without. libdw 0.188 does not read packages. */
static void warn_split(struct debug_object *o, const struct dwarf_unit *unit)
{
    if (!unit->missing || o->warned_split)
        return;
    o->warned_split = true;
    char *message;
    if (asprintf(&message,
                 "'%s': its split debug information '%s' was not found (packages, .dwp, cannot be "
                 "read): functions that were inlined are not shown",
                 o->path, unit->missing) >= 0)
        warn(o, message);
}

/* Whether the symbol NAME is the function FUNCTION, or a part or variant that the compiler split
 * off it: function.cold, function.part.0. */
static bool is_clone(const char *name, const char *function)
{
    size_t length = strlen(function);
    return strncmp(name, function, length) == 0 && (name[length] == '\0' || name[length] == '.');
}

static struct symbol scope_frame(struct debug_object *o, struct dwarf_unit *unit,
                                 struct dwarf_scope *scope, struct position at)
{
    const struct function_facts *facts = dwarf_names_get(o->names, &scope->die, &unit->die);
    return (struct symbol){.function = facts->name,
                           .linkage = facts->linkage,
                           .file = at.file,
                           .module = o->path,
                           .line = at.line,
                           .function_line = facts->declared.line,
                           .inlined = scope->inlined};
}

/* Completes the outermost frame from the symbol table: clones have names only there. */
static void finish_function(struct debug_object *o, uint64_t address, struct symbol *frame,
                            Dwarf_Die *function)
{
    const struct elf_symbol *symbol = symtab_find(&o->symbols, address);
    if (symbol && (!frame->linkage || is_clone(symbol->name, frame->linkage)))
        frame->linkage = symbol->name;
    if (frame->function && frame->line > 0)
        return;
    Dwarf_Addr low = 0;
    uint64_t offset = 0;
    bool placed = symbol || (dwarf_entrypc(function, &low) == 0 && low <= address);
    if (placed)
        offset = address - (symbol ? symbol->low : low);
    if (!frame->function && symbol)
        frame->function = display(o, symbol->name, frame->line > 0 ? NULL : &offset);
    else if (frame->function && placed) {
        char *text;
        if (asprintf(&text, "%s+0x%llx", frame->function, (unsigned long long)offset) >= 0)
            frame->function = intern_take(o->strings, text);
    }
    if (!frame->function)
        frame->function = display_address(o, address);
}

/* The frames of the scope ID and those around it. AT is the position of the innermost. */
static size_t scope_frames(struct debug_object *o, struct dwarf_unit *unit, uint32_t id,
                           uint64_t address, struct position at, struct symbol *frames)
{
    size_t n = 0;
    for (;;) {
        struct dwarf_scope *scope = &unit->scopes[id];
        bool last = scope->parent == SCOPE_NONE;
        if (last || n < OBJECT_MAX_FRAMES - 1) {
            frames[n] = scope_frame(o, unit, scope, at);
            if (last)
                finish_function(o, address, &frames[n], &scope->die);
            else if (!frames[n].function)
                frames[n].function = display_address(o, address);
            n++;
        }
        if (last)
            return n;
        at = dwarf_call_position(&scope->die, o->file_names, &unit->die);
        id = scope->parent;
    }
}

/* Without DWARF about the function: by the symbol table, with the line if there is one (assembly).
 */
static struct symbol symbol_frame(struct debug_object *o, uint64_t address, struct position at)
{
    struct symbol frame = {.file = at.file, .line = at.line, .module = o->path};
    const struct elf_symbol *symbol = symtab_find(&o->symbols, address);
    if (symbol) {
        uint64_t offset = address - symbol->low;
        frame.linkage = symbol->name;
        frame.function = display(o, symbol->name, at.line > 0 ? NULL : &offset);
    } else {
        frame.function = display_address(o, address);
    }
    return frame;
}

size_t debug_object_frames(struct debug_object *o, uint64_t address, struct symbol *frames)
{
    struct dwarf_unit *unit = o->names ? dwarf_units_find(&o->units, address) : NULL;
    struct position at = {NULL, 0};
    if (unit) {
        at = dwarf_unit_position(unit, o->file_names, address);
        uint32_t scope = dwarf_unit_scope(unit, address);
        warn_split(o, unit);
        if (scope != SCOPE_NONE)
            return scope_frames(o, unit, scope, address, at, frames);
    }
    frames[0] = symbol_frame(o, address, at);
    return 1;
}

bool debug_object_span(struct debug_object *o, uint64_t address, size_t frame,
                       struct function_span *span)
{
    struct dwarf_unit *unit = o->names ? dwarf_units_find(&o->units, address) : NULL;
    uint32_t id = unit ? dwarf_unit_scope(unit, address) : SCOPE_NONE;
    for (; frame > 0 && id != SCOPE_NONE; frame--)
        id = unit->scopes[id].parent;
    if (id == SCOPE_NONE)
        return false;
    function_spans_measure(unit, o->names, o->file_names);
    struct dwarf_scope *scope = &unit->scopes[id];
    const struct function_facts *facts = dwarf_names_get(o->names, &scope->die, &unit->die);
    if (!facts->declared.file || facts->declared.line == 0)
        return false;
    *span = (struct function_span){.file = facts->declared.file,
                                   .first = facts->declared.line,
                                   .last = facts->declared.line,
                                   .limit = scope->limit};
    if (scope->last_line > span->last)
        span->last = scope->last_line;
    return true;
}

bool debug_object_age(const struct debug_object *o, int64_t *changed)
{
    struct stat st;
    if (!o->files.main || fstat(o->files.main->fd, &st) != 0)
        return false;
    *changed = st.st_mtime;
    return true;
}
