/* SPDX-License-Identifier: MIT */
#include "model.h"
#include "function_name.h"
#include "memory.h"
#include "pool.h"
#include "source.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

void model_free(struct model *m)
{
    if (!m)
        return;
    pool_free(m->strings);
    free(m->places);
    free(m->refs);
    free(m->first_ref);
    free(m->named);
    codes_free(&m->codes);
    free(m->self);
    free(m);
}

struct model_ref *model_stack(const struct model *m, uint32_t frame, size_t *n)
{
    size_t total = 0;
    uint32_t f = frame;
    do {
        struct model_refs refs = model_refs(m, f);
        total += refs.end - refs.first;
        f = m->dump->frames[f].parent;
    } while (f);
    struct model_ref *stack = mem_alloc(total * sizeof *stack);
    *n = 0;
    f = frame;
    do {
        struct model_refs refs = model_refs(m, f);
        for (uint32_t i = refs.first; i < refs.end; i++)
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

bool model_is_operator_new(const struct place *p)
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

/* The places that a stack is charged to, as far as they are known; or MODEL_NONE. */
struct charged {
    uint32_t plain, own;
};

/* What one code alone says about that. */
static struct charged charged_at(const struct model *m, uint32_t code)
{
    struct charged c = {MODEL_NONE, MODEL_NONE};
    for (uint32_t i = m->first_ref[code + 1]; i-- > m->first_ref[code];) {
        const struct place *p = &m->places[m->refs[i].place];
        if (!model_is_operator_new(p))
            c.plain = m->refs[i].place;
        if (p->own)
            c.own = m->refs[i].place;
    }
    return c;
}

/* Parents come first, so that a frame without an answer of its own takes its parent's. */
static void choose_self(struct model *m, const struct charged *by_code)
{
    size_t n = m->dump->nframes;
    struct charged *by_frame = mem_alloc(n * sizeof *by_frame);
    for (size_t f = 0; f < n; f++) {
        uint32_t parent = m->dump->frames[f].parent, code = m->codes.of[f];
        struct charged c = by_code[code];
        if (parent && c.plain == MODEL_NONE)
            c.plain = by_frame[parent].plain;
        if (parent && c.own == MODEL_NONE)
            c.own = by_frame[parent].own;
        by_frame[f] = c;
        m->self[f] = c.own != MODEL_NONE ? c.own : c.plain;
        if (m->self[f] == MODEL_NONE && m->first_ref[code] < m->first_ref[code + 1])
            m->self[f] = m->refs[m->first_ref[code]].place;
    }
    free(by_frame);
}

void model_set_root(struct model *m, const char *root, struct sources *sources)
{
    struct charged *by_code = mem_alloc(m->codes.n * sizeof *by_code);
    m->root = root ? pool_intern(m->strings, root) : NULL;
    for (size_t i = 0; i < m->nplaces; i++)
        m->places[i].own = i > 0 && m->places[i].file == m->places[i - 1].file
                               ? m->places[i - 1].own
                               : is_own(m->places[i].file, root, sources);
    for (size_t c = 0; c < m->codes.n; c++)
        by_code[c] = charged_at(m, (uint32_t)c);
    if (!m->self)
        m->self = mem_alloc(m->dump->nframes * sizeof *m->self);
    choose_self(m, by_code);
    free(by_code);
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
    bool *frames = mem_zero(n, sizeof *frames), *places = mem_zero(m->nplaces, sizeof *places),
         *codes = mem_zero(m->codes.n, sizeof *codes);
    for (size_t i = 0; i < m->nplaces; i++)
        places[i] = model_place_matches(&m->places[i], file_glob, function_glob);
    for (size_t c = 0; c < m->codes.n; c++) {
        codes[c] = !file_glob && !function_glob;
        for (uint32_t i = m->first_ref[c]; i < m->first_ref[c + 1]; i++)
            codes[c] = codes[c] || places[m->refs[i].place];
    }
    for (size_t f = 0; f < n; f++) {
        uint32_t parent = m->dump->frames[f].parent;
        frames[f] = (parent && frames[parent]) || codes[m->codes.of[f]];
    }
    free(codes);
    free(places);
    return frames;
}
