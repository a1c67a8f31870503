/* SPDX-License-Identifier: MIT */
#include "lines.h"
#include "die.h"
#include "histogram.h"
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
 * The rows met on a path stay marked in `depth` until the walk leaves them. */
struct walk {
    const struct model *m;
    const uint32_t *group;
    uint32_t *child, *sibling; /* of each frame; 0: none */
    uint32_t *depth;           /* of each row: how often it is on the path */
    void (*charge)(void *arg, uint32_t row, uint32_t frame);
    void *arg;
};

static void enter(struct walk *w, uint32_t frame)
{
    for (uint32_t i = w->m->first_ref[frame + 1]; i-- > w->m->first_ref[frame];) {
        uint32_t row = w->group[w->m->refs[i].place];
        if (w->depth[row]++ == 0)
            w->charge(w->arg, row, frame);
    }
}

static void leave(struct walk *w, uint32_t frame)
{
    for (uint32_t i = w->m->first_ref[frame]; i < w->m->first_ref[frame + 1]; i++)
        w->depth[w->group[w->m->refs[i].place]]--;
}

static void walk_start(struct walk *w)
{
    const struct dump *dump = w->m->dump;
    w->child = mem_zero(dump->nframes, sizeof *w->child);
    w->sibling = mem_zero(dump->nframes, sizeof *w->sibling);
    w->depth = mem_zero(w->m->nplaces, sizeof *w->depth);
    for (size_t f = dump->nframes; f-- > 1;) {
        w->sibling[f] = w->child[dump->frames[f].parent];
        w->child[dump->frames[f].parent] = (uint32_t)f;
    }
}

static void walk_end(struct walk *w)
{
    free(w->child);
    free(w->sibling);
    free(w->depth);
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

struct charging {
    const struct figures *subtrees; /* by frame */
    const uint64_t *counts;         /* by frame: lifetimes of `bucket` */
    size_t bucket;
    struct line_row *rows; /* by place */
};

static void charge_figures(void *arg, uint32_t row, uint32_t frame)
{
    struct charging *c = arg;
    figures_add(&c->rows[row].figures, &c->subtrees[frame]);
}

static void charge_lifetimes(void *arg, uint32_t row, uint32_t frame)
{
    struct charging *c = arg;
    if (c->counts[frame])
        figures_add_lifetime(&c->rows[row].figures, c->bucket, c->counts[frame]);
}

/* Bucket by bucket: a histogram for every frame would take hundreds of megabytes. */
static void charge_inclusive_lifetimes(struct walk *w, struct charging *c)
{
    const struct dump *dump = w->m->dump;
    uint64_t *counts = mem_alloc(dump->nframes * sizeof *counts);
    w->charge = charge_lifetimes;
    c->counts = counts;
    for (c->bucket = 0; c->bucket < MEMPROF_HISTOGRAM_BUCKETS; c->bucket++) {
        bool any = false;
        memset(counts, 0, dump->nframes * sizeof *counts);
        for (size_t i = 0; i < dump->nsites; i++) {
            const struct dump_histogram *h = &dump->sites[i].lifetime_log2_ns;
            uint64_t count = histogram_count(h, c->bucket);
            any = any || count;
            counts[dump->sites[i].frame] = figures_sum(counts[dump->sites[i].frame], count);
        }
        for (size_t f = dump->nframes; any && f-- > 1;)
            counts[dump->frames[f].parent] = figures_sum(counts[dump->frames[f].parent], counts[f]);
        if (any)
            walk_frames(w);
    }
    free(counts);
}

static void charge_inclusive(const struct model *m, const uint32_t *group, struct line_row *rows,
                             bool lifetimes)
{
    struct figures *subtrees = model_subtrees(m);
    struct charging c = {.subtrees = subtrees, .rows = rows};
    struct walk w = {.m = m, .group = group, .charge = charge_figures, .arg = &c};
    walk_start(&w);
    walk_frames(&w);
    if (lifetimes)
        charge_inclusive_lifetimes(&w, &c);
    walk_end(&w);
    free(subtrees);
    /* Stacks without a frame are nobody's descendants. */
    for (size_t i = 0; i < m->dump->nsites; i++)
        if (m->dump->sites[i].frame == MEMPROF_FRAME_ROOT)
            figures_add_site(&rows[group[m->self[0]]].figures, &m->dump->sites[i], lifetimes);
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
        figures_add_site(&row->self, &m->dump->sites[i], false);
        if (options->self)
            figures_add_site(&row->figures, &m->dump->sites[i], options->lifetimes);
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
