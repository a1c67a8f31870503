/* SPDX-License-Identifier: MIT */
#include "listing.h"
#include "memory.h"
#include "source.h"
#include "symbolize.h"

#include <stdlib.h>
#include <string.h>

void listing_read_sources(struct lines *l, struct sources *sources)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct place *p = &l->model->places[l->rows[i].place];
        l->rows[i].text = p->file && p->line ? sources_line(sources, p->file, p->line) : NULL;
    }
}

struct lined {
    const struct line_row *row;
    const struct place *place;
};

static const struct place *place_of(const struct lines *l, const struct line_row *row)
{
    return &l->model->places[row->place];
}

static int by_source(const void *a, const void *b)
{
    const struct place *p = ((const struct lined *)a)->place, *q = ((const struct lined *)b)->place;
    int order = strcmp(p->file, q->file);
    if (order == 0)
        order = p->line < q->line ? -1 : p->line > q->line;
    return order ? order : strcmp(p->function, q->function);
}

static int by_charge(const void *a, const void *b, void *arg)
{
    const struct lines *l = arg;
    const struct line_row *x = ((const struct listing_unlined *)a)->row,
                          *y = ((const struct listing_unlined *)b)->row;
    if (x->figures.c.peak_bytes != y->figures.c.peak_bytes)
        return x->figures.c.peak_bytes < y->figures.c.peak_bytes ? 1 : -1;
    if (x->figures.c.live_bytes != y->figures.c.live_bytes)
        return x->figures.c.live_bytes < y->figures.c.live_bytes ? 1 : -1;
    return strcmp(place_of(l, x)->function, place_of(l, y)->function);
}

static int by_weight(const void *a, const void *b)
{
    const struct listing_file *x = a, *y = b;
    if (x->peak_bytes != y->peak_bytes)
        return x->peak_bytes < y->peak_bytes ? 1 : -1;
    if (x->live_bytes != y->live_bytes)
        return x->live_bytes < y->live_bytes ? 1 : -1;
    return strcmp(x->name, y->name);
}

struct span {
    uint32_t first, last;
};

/* The lines to list around P, never without the line itself. */
static struct span span_of(const struct lines *l, const struct place *p, struct sources *sources,
                           uint32_t context)
{
    struct span s = {p->line, p->line};
    uint32_t count = sources_line_count(sources, p->file);
    if (context == 0 || count < p->line)
        return s;
    if (!p->where ||
        !symbolizer_function_span(l->model->symbols, p->where, p->address, p->file, &s.first,
                                  &s.last) ||
        s.first > p->line || s.last < p->line)
        s = (struct span){p->line, p->line};
    /* Where another function was inlined, the span may be that one's. */
    if (s.first == p->line && p->function_line && p->function_line < p->line)
        s.first = p->function_line;
    if (s.first == 0)
        s.first = 1;
    if (s.last > count)
        s.last = count;
    if (p->line - s.first > context)
        s.first = p->line - context;
    if (s.last - p->line > context)
        s.last = p->line + context;
    return s;
}

static int by_first(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* Sorts N spans and joins those that touch; returns how many are left. */
static size_t join_spans(struct span *spans, size_t n)
{
    size_t kept = 0;
    qsort(spans, n, sizeof *spans, by_first);
    for (size_t i = 0; i < n; i++) {
        if (kept && spans[i].first <= spans[kept - 1].last + 1) {
            if (spans[i].last > spans[kept - 1].last)
                spans[kept - 1].last = spans[i].last;
        } else {
            spans[kept++] = spans[i];
        }
    }
    return kept;
}

static void push(struct listing_file *file, size_t *capacity, struct listing_row row)
{
    file->rows = mem_grow(file->rows, capacity, file->n + 1, sizeof *file->rows);
    file->rows[file->n++] = row;
}

/* Lists N rows, all of one file and in the order of its lines. */
static void list_file(struct listing_file *file, const struct lines *l, const struct lined *rows,
                      size_t n, struct sources *sources, uint32_t context)
{
    struct span *spans = mem_alloc(n * sizeof *spans);
    size_t capacity = 0, next = 0;
    file->name = rows[0].place->file;
    for (size_t i = 0; i < n; i++) {
        file->peak_bytes = figures_sum(file->peak_bytes, rows[i].row->self.c.peak_bytes);
        file->live_bytes = figures_sum(file->live_bytes, rows[i].row->self.c.live_bytes);
        spans[i] = span_of(l, rows[i].place, sources, context);
    }
    size_t nspans = join_spans(spans, n);
    for (size_t i = 0; i < nspans; i++) {
        if (i > 0)
            push(file, &capacity, (struct listing_row){0});
        for (uint32_t k = spans[i].first; k <= spans[i].last; k++) {
            struct listing_row row = {.line = k, .text = sources_line(sources, file->name, k)};
            if (next < n && rows[next].place->line == k)
                row.row = rows[next].row;
            while (next < n && rows[next].place->line == k)
                next++;
            push(file, &capacity, row);
        }
    }
    free(spans);
}

struct listing listing_new(const struct lines *l, struct sources *sources, uint32_t context)
{
    struct listing listing = {0};
    struct lined *lined = mem_alloc(l->n * sizeof *lined);
    size_t n = 0;
    listing.unlined = mem_alloc(l->n * sizeof *listing.unlined);
    for (size_t i = 0; i < l->n; i++) {
        const struct place *p = place_of(l, &l->rows[i]);
        if (p->file && p->line)
            lined[n++] = (struct lined){&l->rows[i], p};
        else
            listing.unlined[listing.nunlined++].row = &l->rows[i];
    }
    qsort(lined, n, sizeof *lined, by_source);
    qsort_r(listing.unlined, listing.nunlined, sizeof *listing.unlined, by_charge, (void *)l);
    listing.files = mem_zero(n, sizeof *listing.files);
    for (size_t from = 0, to; from < n; from = to) {
        const char *name = lined[from].place->file;
        for (to = from + 1; to < n && strcmp(lined[to].place->file, name) == 0; to++)
            ;
        list_file(&listing.files[listing.n++], l, lined + from, to - from, sources, context);
    }
    qsort(listing.files, listing.n, sizeof *listing.files, by_weight);
    free(lined);
    return listing;
}

void listing_free(struct listing *listing)
{
    for (size_t i = 0; i < listing->n; i++)
        free(listing->files[i].rows);
    free(listing->files);
    free(listing->unlined);
    *listing = (struct listing){0};
}
