/* SPDX-License-Identifier: MIT
 *
 * The making of a model: codes are symbolized and taken apart into places.
 */
#include "die.h"
#include "memory.h"
#include "model.h"
#include "pool.h"
#include "symbolize.h"

#include <memprof/format.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define uthash_malloc(size) mem_alloc(size)
#define uthash_fatal(message) die("out of memory")
#include <uthash.h>

/* Symbols come as unique pointers, so a place is told by pointers. */
struct place_key {
    const char *function, *file, *module;
    uint64_t line;
};

struct place_entry {
    struct place_key key;
    uint32_t id;
    UT_hash_handle hh;
};

/* What model_name needs only while it builds. */
struct builder {
    struct model *m;
    struct place_entry *known;
    struct pool *entries; /* what they live in */
    size_t place_capacity;
    struct found {
        const struct symbol *symbols;
        size_t n;
    } * found; /* by code; zeros: not looked up */
};

static uint32_t add_place(struct builder *b, const struct place *place)
{
    struct model *m = b->m;
    struct place_key key;
    struct place_entry *e;
    memset(&key, 0, sizeof key);
    key.function = place->function;
    key.file = place->file;
    key.module = place->file && place->line ? NULL : place->module;
    key.line = place->line;
    HASH_FIND(hh, b->known, &key, sizeof key, e);
    if (e)
        return e->id;
    m->places = mem_grow(m->places, &b->place_capacity, m->nplaces + 1, sizeof *m->places);
    if (m->nplaces >= INT32_MAX)
        die("out of memory");
    e = pool_zero(b->entries, 1, sizeof *e);
    e->key = key;
    e->id = (uint32_t)m->nplaces;
    HASH_ADD(hh, b->known, key, sizeof key, e);
    m->places[m->nplaces++] = *place;
    return e->id;
}

/* Looks codes up, in the order of the modules' addresses: that reads debug information from
 * front to back. */
static void look_up(struct builder *b, model_progress *progress, void *arg)
{
    const struct model *m = b->m;
    size_t n;
    uint32_t *order = codes_sorted(&m->codes, &n);
    for (size_t i = 0; i < n; i++) {
        const struct code *code = &m->codes.code[order[i]];
        struct found *f = &b->found[order[i]];
        if (!m->named[order[i]])
            continue;
        if (progress && i % 16 == 0)
            progress(arg, i, n);
        f->n = symbolizer_lookup(m->symbols, &m->dump->modules[code->module], code->address,
                                 &f->symbols);
    }
    free(order);
}

/* Code that is in no file of machine code. */
static struct place odd_place(struct builder *b, const struct code *code)
{
    struct model *m = b->m;
    if (code->module == MEMPROF_MODULE_INTERPRETED) {
        const struct dump_interpreted *i = &m->dump->interpreted[code->address];
        return (struct place){.function = i->function,
                              .file = i->line ? i->file : NULL,
                              .module = i->file,
                              .line = i->file ? i->line : 0};
    }
    char name[24];
    snprintf(name, sizeof name, "0x%" PRIx64, code->address);
    return (struct place){.function = pool_intern(m->strings, name)};
}

static void add_code(struct builder *b, size_t id, struct model_ref *refs)
{
    const struct dump *dump = b->m->dump;
    const struct code *code = &b->m->codes.code[id];
    const struct found *found = &b->found[id];
    if (code->module < 0) {
        struct place place = odd_place(b, code);
        refs[0] = (struct model_ref){.place = add_place(b, &place) & INT32_MAX};
        return;
    }
    for (size_t i = 0; i < found->n; i++) {
        const struct symbol *s = &found->symbols[i];
        struct place place = {.function = s->function,
                              .file = s->line ? s->file : NULL,
                              .module = s->module,
                              .linkage = s->linkage,
                              .line = s->file ? s->line : 0,
                              .function_line = s->function_line,
                              .where = &dump->modules[code->module],
                              .address = code->address};
        refs[i] =
            (struct model_ref){.place = add_place(b, &place) & INT32_MAX, .inlined = s->inlined};
    }
}

static size_t refs_of(const struct builder *b, size_t code)
{
    if (!b->m->named[code])
        return 0;
    return b->m->codes.code[code].module < 0 ? 1 : b->found[code].n;
}

/* Stacks of no frame at all (the unwinder failed) are charged to the root frame, which shows only
 * if there are any. */
static bool has_stackless(const struct dump *dump)
{
    for (size_t i = 0; i < dump->nsites; i++)
        if (dump->sites[i].frame == MEMPROF_FRAME_ROOT)
            return true;
    return false;
}

static void build(struct builder *b)
{
    struct model *m = b->m;
    size_t n = m->codes.n, total = 0;
    m->first_ref = mem_alloc((n + 1) * sizeof *m->first_ref);
    for (size_t i = 0; i < n; i++) {
        m->first_ref[i] = (uint32_t)total;
        total += i == CODES_ROOT ? has_stackless(m->dump) : refs_of(b, i);
        if (total > UINT32_MAX)
            die("out of memory");
    }
    m->first_ref[n] = (uint32_t)total;
    m->refs = mem_alloc(total * sizeof *m->refs);
    if (m->first_ref[CODES_ROOT + 1]) {
        struct place nothing = {.function = "[no stack]"};
        m->refs[0] = (struct model_ref){.place = add_place(b, &nothing) & INT32_MAX};
    }
    for (size_t i = CODES_ROOT + 1; i < n; i++)
        if (m->named[i])
            add_code(b, i, m->refs + m->first_ref[i]);
}

struct model *model_unnamed(const struct dump *dump, struct symbolizer *symbols)
{
    struct model *m = mem_zero(1, sizeof *m);
    m->dump = dump;
    m->symbols = symbols;
    m->strings = pool_new();
    m->codes = codes_new(dump);
    m->named = mem_zero(m->codes.n, sizeof *m->named);
    m->first_ref = mem_zero(m->codes.n + 1, sizeof *m->first_ref);
    return m;
}

void model_name(struct model *m, const bool *wanted, model_progress *progress, void *arg)
{
    struct builder b = {.m = m, .entries = pool_new()};
    for (size_t f = 0; f < m->dump->nframes; f++)
        if (!wanted || wanted[f])
            m->named[m->codes.of[f]] = true;
    free(m->places);
    free(m->refs);
    free(m->first_ref);
    m->places = NULL;
    m->nplaces = 0;
    b.found = mem_zero(m->codes.n, sizeof *b.found);
    look_up(&b, progress, arg);
    build(&b);
    HASH_CLEAR(hh, b.known);
    pool_free(b.entries);
    free(b.found);
    model_set_root(m, NULL, NULL);
}

struct model *model_new(const struct dump *dump, struct symbolizer *symbols,
                        model_progress *progress, void *arg)
{
    struct model *m = model_unnamed(dump, symbols);
    model_name(m, NULL, progress, arg);
    return m;
}
