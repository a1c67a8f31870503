/* SPDX-License-Identifier: MIT */
#include "matching.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* What entries are looked at. */
struct choice {
    const struct suppressions *s;
    enum matching_of of;
    bool top;
};

static bool is_of(const struct choice *c, const struct suppression *s)
{
    if (s->top != c->top)
        return false;
    return c->of == MATCHING_ONLY ? s->only : !s->only && s->expired == (c->of == MATCHING_EXPIRED);
}

/* The function as LeakSanitizer would name it: without the distance that we add where no line is
 * known. Malloc'd. */
static char *plain_function(const struct place *p)
{
    char *name = mem_strdup(p->function);
    char *distance = p->file ? NULL : strstr(name, "+0x");
    if (distance)
        *distance = '\0';
    return name;
}

/* The first entry of the choice that matches these names. */
static uint32_t find(const struct choice *c, const char *function, const char *file,
                     const char *module)
{
    for (size_t i = 0; i < c->s->n; i++) {
        const struct suppression *s = &c->s->list[i];
        if (is_of(c, s) && suppression_matches(s, function, file, module))
            return (uint32_t)i;
    }
    return MATCHING_NONE;
}

static uint32_t find_place(const struct choice *c, const struct place *p)
{
    char *function = plain_function(p);
    uint32_t found = find(c, function, p->file, p->module);
    free(function);
    return found;
}

/* The module of the code is compared first, then its functions from the innermost outward. */
static uint32_t find_code(const struct choice *c, const struct model *m, uint32_t code)
{
    uint32_t first = m->first_ref[code], end = m->first_ref[code + 1];
    uint32_t found = MATCHING_NONE;
    if (first < end)
        found = find(c, NULL, NULL, m->places[m->refs[first].place].module);
    for (uint32_t i = first; found == MATCHING_NONE && i < end; i++)
        found = find_place(c, &m->places[m->refs[i].place]);
    return found;
}

/* The same for the first place that is nobody's operator new; *HAS: there is one. */
static uint32_t find_top(const struct choice *c, const struct model *m, uint32_t code, bool *has)
{
    for (uint32_t i = m->first_ref[code]; i < m->first_ref[code + 1]; i++) {
        const struct place *p = &m->places[m->refs[i].place];
        *has = !model_is_operator_new(p);
        if (*has)
            return find_place(c, p);
    }
    return MATCHING_NONE;
}

#define TOP_FURTHER (MATCHING_NONE - 1) /* nothing but operator new: the top is further out */

struct matching matching_new(const struct model *m, const struct suppressions *s,
                             enum matching_of of)
{
    struct choice any = {s, of, false}, top = {s, of, true};
    size_t ncodes = m->codes.n, nframes = m->dump->nframes;
    struct matching r = {.model = m,
                         .suppressions = s,
                         .of = of,
                         .by_code = mem_alloc(ncodes * sizeof *r.by_code),
                         .by_frame = mem_alloc(nframes * sizeof *r.by_frame),
                         .top_by_code = mem_alloc(ncodes * sizeof *r.top_by_code)};
    for (uint32_t c = 0; c < ncodes; c++) {
        bool has = false;
        r.by_code[c] = find_code(&any, m, c);
        uint32_t found = find_top(&top, m, c, &has);
        r.top_by_code[c] = has ? found : TOP_FURTHER;
    }
    for (size_t f = 0; f < nframes; f++) {
        uint32_t parent = m->dump->frames[f].parent, own = r.by_code[m->codes.of[f]];
        r.by_frame[f] = own == MATCHING_NONE && parent ? r.by_frame[parent] : own;
    }
    return r;
}

void matching_free(struct matching *m)
{
    free(m->by_code);
    free(m->by_frame);
    free(m->top_by_code);
    *m = (struct matching){0};
}

/* Of two entries that match the same frame, the one that was given first. */
static uint32_t earlier(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

uint32_t matching_find(const struct matching *m, uint32_t frame, const char *function)
{
    const struct codes *codes = &m->model->codes;
    const struct dump_frame *frames = m->model->dump->frames;
    struct choice any = {m->suppressions, m->of, false};
    uint32_t f = frame;
    /* Of a C++ allocation the innermost frame is operator new, which is on the stack. */
    if (function && m->top_by_code[codes->of[f]] != TOP_FURTHER) {
        uint32_t allocator = find(&any, function, NULL, NULL);
        if (allocator != MATCHING_NONE)
            return allocator;
    }
    for (; m->top_by_code[codes->of[f]] == TOP_FURTHER && frames[f].parent; f = frames[f].parent)
        if (m->by_code[codes->of[f]] != MATCHING_NONE)
            return m->by_code[codes->of[f]];
    uint32_t top = m->top_by_code[codes->of[f]];
    if (top < TOP_FURTHER)
        return earlier(top, m->by_code[codes->of[f]]);
    return m->by_frame[f];
}
