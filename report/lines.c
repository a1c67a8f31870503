/* SPDX-License-Identifier: MIT */
#include "lines.h"
#include "die.h"
#include "memory.h"
#include "pool.h"

#include <stdlib.h>
#include <string.h>

#define uthash_malloc(size) mem_alloc(size)
#define uthash_fatal(message) die("out of memory")
#include <uthash.h>

struct source_key {
    const char *file;
    uint64_t line;
};

struct source_entry {
    struct source_key key;
    uint32_t group;
    UT_hash_handle hh;
};

/* The row of each place: its own id, or, with lines merged, that of the first place of its line.
 * What the globs do not match is not merged with what they do. */
static uint32_t *group_places(const struct model *m, const struct lines_options *options)
{
    uint32_t *group = mem_alloc(m->nplaces * sizeof *group);
    struct source_entry *known = NULL, *e;
    struct pool *entries = pool_new();
    for (size_t i = 0; i < m->nplaces; i++) {
        struct source_key key;
        group[i] = (uint32_t)i;
        if (options->by_function || !m->places[i].file ||
            !model_place_matches(&m->places[i], options->file_glob, options->function_glob))
            continue;
        memset(&key, 0, sizeof key);
        key.file = m->places[i].file;
        key.line = m->places[i].line;
        HASH_FIND(hh, known, &key, sizeof key, e);
        if (!e) {
            e = pool_zero(entries, 1, sizeof *e);
            e->key = key;
            e->group = (uint32_t)i;
            HASH_ADD(hh, known, key, sizeof key, e);
        }
        group[i] = e->group;
    }
    HASH_CLEAR(hh, known);
    pool_free(entries);
    return group;
}

/* A walk over the calling-context tree that knows which rows are on the path to the current frame:
 * a row is charged with all that is below its topmost frame, and for the frames within not again.
 * What is below a frame is known when the walk leaves it, so that sums are kept only for the frames
 * on the path. */
struct walk {
    const struct model *m;
    const uint32_t *group;
    bool lifetimes;
    struct line_row *rows;     /* by place */
    uint32_t *child, *sibling; /* of each frame; 0: none */
    uint32_t *first, *next;    /* the sites of each frame, of each site; plus 1; 0: none */
    uint32_t *depth;           /* of each row: how often it is on the path */
    struct figures *sums;      /* of the frames on the path, outermost first */
    size_t nsums, capacity;
};

static void enter(struct walk *w, uint32_t frame)
{
    const struct dump *dump = w->m->dump;
    struct model_refs refs = model_refs(w->m, frame);
    for (uint32_t i = refs.first; i < refs.end; i++)
        w->depth[w->group[w->m->refs[i].place]]++;
    w->sums = mem_grow(w->sums, &w->capacity, w->nsums + 1, sizeof *w->sums);
    struct figures *sum = &w->sums[w->nsums++];
    *sum = (struct figures){0};
    for (uint32_t s = w->first[frame]; s; s = w->next[s - 1])
        figures_add_site(sum, dump, s - 1, w->lifetimes);
}

static void leave(struct walk *w, uint32_t frame)
{
    struct figures *sum = &w->sums[--w->nsums];
    struct model_refs refs = model_refs(w->m, frame);
    for (uint32_t i = refs.first; i < refs.end; i++) {
        uint32_t row = w->group[w->m->refs[i].place];
        if (--w->depth[row] > 0)
            continue;
        if (sum->lifetime)
            figures_keep_lifetimes(&w->rows[row].figures);
        figures_add(&w->rows[row].figures, sum);
    }
    if (w->nsums > 0)
        figures_hand_on(&w->sums[w->nsums - 1], sum);
    else
        figures_drop(sum);
}

static void walk_start(struct walk *w)
{
    const struct dump *dump = w->m->dump;
    w->child = mem_zero(dump->nframes, sizeof *w->child);
    w->sibling = mem_zero(dump->nframes, sizeof *w->sibling);
    w->first = mem_zero(dump->nframes, sizeof *w->first);
    w->next = mem_zero(dump->nsites, sizeof *w->next);
    w->depth = mem_zero(w->m->nplaces, sizeof *w->depth);
    for (size_t f = dump->nframes; f-- > 1;) {
        w->sibling[f] = w->child[dump->frames[f].parent];
        w->child[dump->frames[f].parent] = (uint32_t)f;
    }
    for (size_t s = dump->nsites; s-- > 0;) {
        w->next[s] = w->first[dump->sites[s].frame];
        w->first[dump->sites[s].frame] = (uint32_t)s + 1;
    }
}

static void walk_end(struct walk *w)
{
    free(w->child);
    free(w->sibling);
    free(w->first);
    free(w->next);
    free(w->depth);
    free(w->sums);
}

/* Without recursion: stacks may be as deep as a dump has frames. */
static void walk_frames(struct walk *w)
{
    uint32_t frame = w->child[0];
    while (frame) {
        enter(w, frame);
        uint32_t next = w->child[frame];
        while (!next && frame) {
            leave(w, frame);
            next = w->sibling[frame];
            frame = w->m->dump->frames[frame].parent;
        }
        frame = next;
    }
}

static void charge_inclusive(const struct model *m, const uint32_t *group, struct line_row *rows,
                             bool lifetimes)
{
    struct walk w = {.m = m, .group = group, .lifetimes = lifetimes, .rows = rows};
    walk_start(&w);
    walk_frames(&w);
    walk_end(&w);
    /* Stacks without a frame are nobody's descendants. */
    for (size_t i = 0; i < m->dump->nsites; i++)
        if (m->dump->sites[i].frame == MEMPROF_FRAME_ROOT)
            figures_add_site(&rows[group[m->self[0]]].figures, m->dump, i, lifetimes);
}

static bool is_measured(const struct figures *f)
{
    return f->c.alloc_count || f->c.alloc_bytes || f->c.live_count || f->c.live_bytes ||
           f->c.peak_bytes || f->c.free_count || f->c.failed_count;
}

struct lines lines_new(const struct model *m, const struct lines_options *options)
{
    struct lines l = {.model = m};
    uint32_t *group = group_places(m, options);
    struct line_row *rows = mem_zero(m->nplaces, sizeof *rows);
    for (size_t i = 0; i < m->dump->nsites; i++) {
        struct line_row *row = &rows[group[m->self[m->dump->sites[i].frame]]];
        figures_add_site(&row->self, m->dump, i, false);
        if (options->self)
            figures_add_site(&row->figures, m->dump, i, options->lifetimes);
    }
    if (!options->self)
        charge_inclusive(m, group, rows, options->lifetimes);
    free(group);
    for (size_t i = 0; i < m->nplaces; i++) {
        rows[i].place = (uint32_t)i;
        if (is_measured(&rows[i].figures) &&
            model_place_matches(&m->places[i], options->file_glob, options->function_glob))
            rows[l.n++] = rows[i];
        else
            figures_drop(&rows[i].figures);
    }
    l.rows = rows;
    return l;
}

void lines_free(struct lines *l)
{
    for (size_t i = 0; i < l->n; i++)
        figures_drop(&l->rows[i].figures);
    free(l->rows);
    *l = (struct lines){0};
}

struct sorting {
    const struct model *m;
    const struct column *column;
};

static int compare_text(const char *a, const char *b)
{
    if (!a || !b)
        return (!a) - (!b); /* without information last */
    return strcmp(a, b);
}

static int by_source(const void *a, const void *b, void *arg)
{
    const struct sorting *s = arg;
    const struct line_row *x = a, *y = b;
    const struct place *p = &s->m->places[x->place], *q = &s->m->places[y->place];
    int order = compare_text(p->file, q->file);
    if (order == 0 && p->line != q->line)
        order = p->line < q->line ? -1 : 1;
    if (order == 0 && !p->file)
        order = compare_text(p->module, q->module);
    return order ? order : strcmp(p->function, q->function);
}

static int by_column(const void *a, const void *b, void *arg)
{
    const struct sorting *s = arg;
    const struct line_row *x = a, *y = b;
    int order = columns_compare(s->column, &x->figures, &y->figures, s->m->dump);
    return order ? order : by_source(a, b, arg);
}

static int descending(uint64_t a, uint64_t b)
{
    return a < b ? 1 : a > b ? -1 : 0;
}

static int by_rank(const void *a, const void *b, void *arg)
{
    const struct line_row *x = a, *y = b;
    int order = descending(x->self.c.peak_bytes, y->self.c.peak_bytes);
    if (order == 0)
        order = descending(x->self.c.live_bytes, y->self.c.live_bytes);
    if (order == 0)
        order = descending(x->figures.c.peak_bytes, y->figures.c.peak_bytes);
    if (order == 0)
        order = descending(x->figures.c.alloc_count, y->figures.c.alloc_count);
    return order ? order : by_source(a, b, arg);
}

void lines_sort(struct lines *l, const struct column *column)
{
    struct sorting s = {l->model, column};
    qsort_r(l->rows, l->n, sizeof *l->rows, by_column, &s);
}

void lines_rank(struct lines *l)
{
    struct sorting s = {l->model, NULL};
    qsort_r(l->rows, l->n, sizeof *l->rows, by_rank, &s);
}

void lines_sort_by_source(struct lines *l)
{
    struct sorting s = {l->model, NULL};
    qsort_r(l->rows, l->n, sizeof *l->rows, by_source, &s);
}

void lines_drop_foreign(struct lines *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->n && l->model->root; i++) {
        const struct place *p = &l->model->places[l->rows[i].place];
        if (p->own || is_measured(&l->rows[i].self))
            l->rows[kept++] = l->rows[i];
        else
            figures_drop(&l->rows[i].figures);
    }
    if (l->model->root) {
        l->foreign += l->n - kept;
        l->n = kept;
    }
}

void lines_limit(struct lines *l, size_t n)
{
    if (n == 0 || l->n <= n)
        return;
    for (size_t i = n; i < l->n; i++)
        figures_drop(&l->rows[i].figures);
    l->left_out += l->n - n;
    l->n = n;
}
