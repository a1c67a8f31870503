/* SPDX-License-Identifier: MIT */
#include "model.h"
#include "die.h"
#include "function_name.h"
#include "memory.h"
#include "pool.h"
#include "source.h"
#include "symbolize.h"

#include <memprof/format.h>

#include <fnmatch.h>
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

/* What model_new needs only while it builds. */
struct builder {
    struct model *m;
    struct place_entry *known;
    struct pool *entries; /* what they live in */
    size_t place_capacity;
    struct found {
        const struct symbol *symbols;
        size_t n;
    } * found; /* by frame */
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

/* The address to look up, as the ELF file has it. The arithmetic may wrap in a damaged dump, which
 * then names no symbol. */
static uint64_t elf_address(const struct dump *dump, const struct dump_frame *f)
{
    const struct dump_module *module = &dump->modules[f->module];
    uint64_t address = f->offset - module->file_offset + module->start - module->load_bias;
    return f->interrupted ? address : address - 1;
}

struct order {
    int32_t module;
    uint32_t frame;
    uint64_t address;
};

static int compare_order(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    if (x->module != y->module)
        return x->module < y->module ? -1 : 1;
    return x->address < y->address ? -1 : x->address > y->address;
}

/* Looks every frame up, in the order of the modules' addresses: that reads debug information from
 * front to back. */
static void look_up(struct builder *b, model_progress *progress, void *arg)
{
    const struct dump *dump = b->m->dump;
    struct order *order = mem_alloc(dump->nframes * sizeof *order);
    size_t n = 0;
    for (size_t i = 1; i < dump->nframes; i++)
        if (dump->frames[i].module >= 0)
            order[n++] = (struct order){dump->frames[i].module, (uint32_t)i,
                                        elf_address(dump, &dump->frames[i])};
    qsort(order, n, sizeof *order, compare_order);
    for (size_t i = 0; i < n; i++) {
        struct found *f = &b->found[order[i].frame];
        if (i > 0 && compare_order(&order[i - 1], &order[i]) == 0)
            *f = b->found[order[i - 1].frame];
        else
            f->n = symbolizer_lookup(b->m->symbols, &dump->modules[order[i].module],
                                     order[i].address, &f->symbols);
        if (progress && i % 64 == 0)
            progress(arg, i, n);
    }
    free(order);
}

/* A frame that is in no file of machine code. */
static struct place odd_place(struct builder *b, const struct dump_frame *f)
{
    struct model *m = b->m;
    if (f->module == MEMPROF_MODULE_INTERPRETED) {
        const struct dump_interpreted *i = &m->dump->interpreted[f->offset];
        return (struct place){.function = i->function,
                              .file = i->line ? i->file : NULL,
                              .module = i->file,
                              .line = i->file ? i->line : 0};
    }
    char name[24];
    snprintf(name, sizeof name, "0x%" PRIx64, (uint64_t)f->offset);
    return (struct place){.function = pool_intern(m->strings, name)};
}

static void add_frame(struct builder *b, size_t id, struct model_ref *refs)
{
    const struct dump *dump = b->m->dump;
    const struct dump_frame *f = &dump->frames[id];
    const struct found *found = &b->found[id];
    if (f->module < 0) {
        struct place place = odd_place(b, f);
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
                              .where = &dump->modules[f->module],
                              .address = elf_address(dump, f)};
        refs[i] =
            (struct model_ref){.place = add_place(b, &place) & INT32_MAX, .inlined = s->inlined};
    }
}

static size_t refs_of(const struct builder *b, size_t frame)
{
    return b->m->dump->frames[frame].module < 0 ? 1 : b->found[frame].n;
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
    size_t n = m->dump->nframes, total = 0;
    m->first_ref = mem_alloc((n + 1) * sizeof *m->first_ref);
    for (size_t i = 0; i < n; i++) {
        m->first_ref[i] = (uint32_t)total;
        total += i ? refs_of(b, i) : has_stackless(m->dump);
        if (total > UINT32_MAX)
            die("out of memory");
    }
    m->first_ref[n] = (uint32_t)total;
    m->refs = mem_alloc(total * sizeof *m->refs);
    if (m->first_ref[1]) {
        struct place nothing = {.function = "[no stack]"};
        m->refs[0] = (struct model_ref){.place = add_place(b, &nothing) & INT32_MAX};
    }
    for (size_t i = 1; i < n; i++)
        add_frame(b, i, m->refs + m->first_ref[i]);
}

struct model *model_new(const struct dump *dump, struct symbolizer *symbols,
                        model_progress *progress, void *arg)
{
    struct model *m = mem_zero(1, sizeof *m);
    struct builder b = {.m = m, .entries = pool_new()};
    m->dump = dump;
    m->symbols = symbols;
    m->strings = pool_new();
    b.found = mem_zero(dump->nframes, sizeof *b.found);
    look_up(&b, progress, arg);
    build(&b);
    HASH_CLEAR(hh, b.known);
    pool_free(b.entries);
    free(b.found);
    model_set_root(m, NULL, NULL);
    return m;
}

void model_free(struct model *m)
{
    if (!m)
        return;
    pool_free(m->strings);
    free(m->places);
    free(m->refs);
    free(m->first_ref);
    free(m->self);
    free(m);
}

struct model_ref *model_stack(const struct model *m, uint32_t frame, size_t *n)
{
    size_t total = 0;
    uint32_t f = frame;
    do {
        total += m->first_ref[f + 1] - m->first_ref[f];
        f = m->dump->frames[f].parent;
    } while (f);
    struct model_ref *stack = mem_alloc(total * sizeof *stack);
    *n = 0;
    f = frame;
    do {
        for (uint32_t i = m->first_ref[f]; i < m->first_ref[f + 1]; i++)
            stack[(*n)++] = m->refs[i];
        f = m->dump->frames[f].parent;
    } while (f);
    return stack;
}

bool model_is_below(const char *file, const char *root)
{
    size_t n = strlen(root);
    while (n > 0 && root[n - 1] == '/')
        n--;
    return strncmp(file, root, n) == 0 && file[n] == '/';
}

/* The C++ allocation functions are nobody's "line that calls the allocator". */
static bool is_operator_new(const struct place *p)
{
    if (p->linkage)
        return strncmp(p->linkage, "_Znw", 4) == 0 || strncmp(p->linkage, "_Zna", 4) == 0;
    return strncmp(p->function, "operator new", 12) == 0;
}

static bool is_own(const char *file, const char *root, struct sources *sources)
{
    if (!root || !file)
        return false;
    const char *mapped =
        model_is_below(file, root) || !sources ? NULL : sources_mapped(sources, file);
    return mapped ? model_is_below(mapped, root) : model_is_below(file, root);
}

void model_set_root(struct model *m, const char *root, struct sources *sources)
{
    size_t n = m->dump->nframes;
    uint32_t *plain = mem_alloc(n * sizeof *plain), *own = mem_alloc(n * sizeof *own);
    m->root = root ? pool_intern(m->strings, root) : NULL;
    for (size_t i = 0; i < m->nplaces; i++)
        m->places[i].own = i > 0 && m->places[i].file == m->places[i - 1].file
                               ? m->places[i - 1].own
                               : is_own(m->places[i].file, root, sources);
    if (!m->self)
        m->self = mem_alloc(n * sizeof *m->self);
    /* Parents first, so that a frame without an answer of its own takes its parent's. */
    for (size_t f = 0; f < n; f++) {
        uint32_t parent = m->dump->frames[f].parent;
        plain[f] = parent ? plain[parent] : MODEL_NONE;
        own[f] = parent ? own[parent] : MODEL_NONE;
        for (uint32_t i = m->first_ref[f + 1]; i-- > m->first_ref[f];) {
            const struct place *p = &m->places[m->refs[i].place];
            if (!is_operator_new(p))
                plain[f] = m->refs[i].place;
            if (p->own)
                own[f] = m->refs[i].place;
        }
        m->self[f] = own[f] != MODEL_NONE ? own[f] : plain[f];
        if (m->self[f] == MODEL_NONE && m->first_ref[f] < m->first_ref[f + 1])
            m->self[f] = m->refs[m->first_ref[f]].place;
    }
    free(plain);
    free(own);
}

struct figures *model_subtrees(const struct model *m)
{
    const struct dump *dump = m->dump;
    struct figures *sums = mem_zero(dump->nframes, sizeof *sums);
    for (size_t i = 0; i < dump->nsites; i++)
        figures_add_site(&sums[dump->sites[i].frame], &dump->sites[i], false);
    for (size_t f = dump->nframes; f-- > 1;)
        figures_add(&sums[dump->frames[f].parent], &sums[f]);
    return sums;
}

/* `a.c` is for the base name, `/src/a.c` for the whole name, `src/a.c` for the last components. */
static bool file_matches(const char *file, const char *glob)
{
    const char *tail = file;
    if (!strchr(glob, '/')) {
        const char *slash = strrchr(file, '/');
        return fnmatch(glob, slash ? slash + 1 : file, 0) == 0;
    }
    while (tail) {
        if (fnmatch(glob, tail, 0) == 0)
            return true;
        tail = strchr(tail, '/');
        tail = tail ? tail + 1 : NULL;
    }
    return false;
}

bool model_place_matches(const struct place *p, const char *file_glob, const char *function_glob)
{
    const char *file = p->file ? p->file : p->module;
    if (file_glob && (!file || !file_matches(file, file_glob)))
        return false;
    return !function_glob || function_name_matches(p->function, function_glob);
}

bool *model_matching(const struct model *m, const char *file_glob, const char *function_glob)
{
    size_t n = m->dump->nframes;
    bool *frames = mem_zero(n, sizeof *frames), *places = mem_zero(m->nplaces, sizeof *places);
    for (size_t i = 0; i < m->nplaces; i++)
        places[i] = model_place_matches(&m->places[i], file_glob, function_glob);
    for (size_t f = 0; f < n; f++) {
        uint32_t parent = m->dump->frames[f].parent;
        frames[f] = (parent && frames[parent]) || (!file_glob && !function_glob);
        for (uint32_t i = m->first_ref[f]; i < m->first_ref[f + 1]; i++)
            frames[f] = frames[f] || places[m->refs[i].place];
    }
    free(places);
    return frames;
}
