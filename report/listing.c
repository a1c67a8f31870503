/* SPDX-License-Identifier: MIT */
#include "listing.h"
#include "braces.h"
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
        if (l->rows[i].text && p->where)
            symbolizer_compare_age(l->model->symbols, p->where, p->file,
                                   sources_changed(sources, p->file));
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

/* The end of the function at SPAN by the text of its source; by its code if that does not tell, or
 * says something that cannot be. */
static uint32_t last_line(const struct function_span *span, struct sources *sources)
{
    size_t size;
    const char *text = sources_text(sources, span->file, span->first, &size);
    uint32_t last =
        text ? braces_last_line(braces_language(span->file), text, size, span->first, span->last)
             : 0;
    return last >= span->last && last < span->limit ? last : span->last;
}

/* A function whose end was found: it is the next line's, too, more often than not. */
struct known_end {
    struct function_span span;
    uint32_t last;
};

/* The lines of the function that P is in, never without the line itself. */
static struct span function_of(const struct lines *l, const struct place *p,
                               struct sources *sources, struct known_end *known)
{
    struct span s = {p->line, p->line};
    struct function_span f;
    if (p->where &&
        symbolizer_function_span(l->model->symbols, p->where, p->address, p->file, p->line, &f)) {
        if (f.first != known->span.first || f.last != known->span.last ||
            f.limit != known->span.limit)
            *known = (struct known_end){f, last_line(&f, sources)};
        if (f.first <= p->line && known->last >= p->line)
            s = (struct span){f.first, known->last};
    }
    /* Its end may not be known. */
    if (s.first == p->line && p->function_line && p->function_line < p->line)
        s.first = p->function_line;
    return s;
}

/* Sets SPANS to the lines to list around P: of its function the head and CONTEXT lines around the
 * line, or all. Returns how many spans, at most 2. */
static size_t spans_of(const struct lines *l, const struct place *p, struct sources *sources,
                       uint32_t context, struct known_end *known, struct span *spans)
{
    uint32_t count = sources_line_count(sources, p->file);
    struct span s = {p->line, p->line};
    size_t n = 0;
    if (context > 0 && count >= p->line)
        s = function_of(l, p, sources, known);
    if (s.last > count && s.last > p->line)
        s.last = count;
    if (p->line - s.first > context) {
        spans[n++] = (struct span){s.first, s.first};
        s.first = p->line - context;
    }
    if (s.last - p->line > context)
        s.last = p->line + context;
    spans[n++] = s;
    return n;
}

static int by_first(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* Sorts N spans and joins those that touch, or would leave out a single line; returns how many are
 * left. */
static size_t join_spans(struct span *spans, size_t n)
{
    size_t kept = 0;
    qsort(spans, n, sizeof *spans, by_first);
    for (size_t i = 0; i < n; i++) {
        if (kept && spans[i].first - 1 <= spans[kept - 1].last + 1) {
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
    struct span *spans = mem_alloc(2 * n * sizeof *spans);
    struct known_end known = {.last = 0};
    size_t capacity = 0, next = 0, nspans = 0;
    file->name = rows[0].place->file;
    for (size_t i = 0; i < n; i++) {
        file->peak_bytes = figures_sum(file->peak_bytes, rows[i].row->self.c.peak_bytes);
        file->live_bytes = figures_sum(file->live_bytes, rows[i].row->self.c.live_bytes);
        nspans += spans_of(l, rows[i].place, sources, context, &known, spans + nspans);
    }
    nspans = join_spans(spans, nspans);
    for (size_t i = 0; i < nspans; i++) {
        if (i > 0)
            push(file, &capacity, (struct listing_row){0});
        for (uint32_t k = spans[i].first; k != 0 && k <= spans[i].last; k++) { /* 0: wrapped */
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
