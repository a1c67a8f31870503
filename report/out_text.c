/* SPDX-License-Identifier: MIT
 *
 * Text for people: memory_profiler's table by line, stacks as LeakSanitizer prints them, an
 * indented tree. Colours only where out.h says so.
 */
#include "out_text.h"
#include "cells.h"
#include "quote.h"

#include <inttypes.h>
#include <string.h>

#define BOLD "\033[1m"
#define HOT "\033[31m"
#define PLAIN "\033[0m"

void text_bold(const struct out *o, bool on)
{
    if (o->color)
        fputs(on ? BOLD : PLAIN, o->file);
}

static void dump_begin(struct out *o)
{
    if (o->ndumps == 1)
        return;
    fputs(o->index ? "\n" : "", o->file);
    text_bold(o, true);
    fputs("==> ", o->file);
    quote_text(o->file, o->dump);
    fputs(" <==", o->file);
    text_bold(o, false);
    fputs("\n\n", o->file);
}

static void rule(const struct out *o, int width)
{
    while (width-- > 0)
        fputc('=', o->file);
    fputc('\n', o->file);
}

/* The titles of the columns; returns their width. */
static int put_titles(const struct out *o, const struct columns *columns,
                      const struct cells_widths *w)
{
    int width = 0;
    for (size_t i = 0; i < columns->n; i++)
        width += fprintf(o->file, "%*s%*s", columns->column[i]->gap, "", w->width[i],
                         columns->column[i]->title);
    return width;
}

/* The figures of a row, or blanks (FIGURES is NULL). */
static void put_cells(const struct out *o, const struct columns *columns,
                      const struct cells_widths *w, const struct figures *figures,
                      const struct dump *dump)
{
    char buffer[UNITS_MAX];
    for (size_t i = 0; i < columns->n; i++) {
        const struct column *c = columns->column[i];
        struct cell cell = {.kind = CELL_NOTHING};
        if (figures)
            cell = c->get(figures, dump);
        fprintf(o->file, "%*s%*s", c->gap, "", w->width[i], cells_format(buffer, &cell, o->unit));
    }
}

/* A row that holds at least a tenth of the peak stands out. */
static bool is_hot(const struct out *o, const struct figures *figures, const struct dump *dump)
{
    return o->color && figures && figures->c.peak_bytes > dump->totals.c.peak_bytes / 10;
}

static void put_header(const struct out *o, const struct columns *columns,
                       const struct cells_widths *w, const char *first, const char *last)
{
    text_bold(o, true);
    int width = fprintf(o->file, "%s", first);
    width += put_titles(o, columns, w);
    width += fprintf(o->file, "   %s", last);
    text_bold(o, false);
    fputc('\n', o->file);
    rule(o, width);
}

/* Ends a line without the blanks that a missing last field would leave. */
static void put_last(const struct out *o, const char *text)
{
    if (text && *text) {
        fputs("   ", o->file);
        quote_text(o->file, text);
    }
    fputc('\n', o->file);
}

static void put_listing_file(const struct out *o, const struct lines_report *r,
                             const struct listing_file *file)
{
    const struct dump *dump = r->lines->model->dump;
    fputs("Filename: ", o->file);
    quote_text(o->file, file->name);
    fputs("\n\n", o->file);
    struct cells_widths w = cells_widths_of(&r->columns);
    uint32_t last = 0;
    for (size_t i = 0; i < file->n; i++) {
        last = file->rows[i].line > last ? file->rows[i].line : last;
        if (file->rows[i].row)
            cells_widen(&w, &r->columns, &file->rows[i].row->figures, dump, o->unit);
    }
    char title[16];
    int number = snprintf(title, sizeof title, "%6" PRIu32, last);
    snprintf(title, sizeof title, "%*s", number, "Line #");
    put_header(o, &r->columns, &w, title, "Line Contents");
    for (size_t i = 0; i < file->n; i++) {
        const struct listing_row *row = &file->rows[i];
        const struct figures *figures = row->row ? &row->row->figures : NULL;
        if (row->line == 0) {
            fputs("   ...\n", o->file);
            continue;
        }
        bool hot = is_hot(o, figures, dump);
        fprintf(o->file, "%s%*" PRIu32, hot ? HOT : "", number, row->line);
        if (figures || (row->text && *row->text))
            put_cells(o, &r->columns, &w, figures, dump);
        fputs(hot ? PLAIN : "", o->file);
        put_last(o, row->text);
    }
    fputc('\n', o->file);
}

/* A row without the order of the source. */
static void put_row(const struct out *o, const struct lines_report *r, const struct cells_widths *w,
                    const struct line_row *row)
{
    const struct model *m = r->lines->model;
    bool hot = is_hot(o, &row->figures, m->dump);
    fputs(hot ? HOT : "", o->file);
    put_cells(o, &r->columns, w, &row->figures, m->dump);
    fputs(hot ? PLAIN "   " : "   ", o->file);
    cells_place(o->file, &m->places[row->place], quote_text);
    fputc('\n', o->file);
}

static void put_ranking(const struct out *o, const struct lines_report *r)
{
    struct cells_widths w = cells_widths_of(&r->columns);
    for (size_t i = 0; i < r->lines->n; i++)
        cells_widen(&w, &r->columns, &r->lines->rows[i].figures, r->lines->model->dump, o->unit);
    put_header(o, &r->columns, &w, "", "Location");
    for (size_t i = 0; i < r->lines->n; i++)
        put_row(o, r, &w, &r->lines->rows[i]);
    fputc('\n', o->file);
}

static void put_unlined(const struct out *o, const struct lines_report *r)
{
    const struct listing *l = r->listing;
    struct cells_widths w = cells_widths_of(&r->columns);
    for (size_t i = 0; i < l->nunlined; i++)
        cells_widen(&w, &r->columns, &l->unlined[i].row->figures, r->lines->model->dump, o->unit);
    fputs("Code without line information\n\n", o->file);
    put_header(o, &r->columns, &w, "", "Function");
    for (size_t i = 0; i < l->nunlined; i++)
        put_row(o, r, &w, l->unlined[i].row);
    fputc('\n', o->file);
}

void text_lines(struct out *o, const struct lines_report *r)
{
    if (r->listing) {
        for (size_t i = 0; i < r->listing->n; i++)
            put_listing_file(o, r, &r->listing->files[i]);
        if (r->listing->nunlined)
            put_unlined(o, r);
    } else {
        put_ranking(o, r);
    }
    if (r->lines->n == 0)
        fputs("No line has anything charged to it.\n", o->file);
    if (r->lines->left_out)
        fprintf(o->file, "%zu more line%s left out (--limit 0 shows all).\n", r->lines->left_out,
                r->lines->left_out == 1 ? " is" : "s are");
}

static void put_leak(const struct out *o, const struct leaks_report *r,
                     const struct leak_record *record)
{
    char size[UNITS_MAX], count[UNITS_MAX], average[UNITS_MAX];
    const struct model *m = r->leaks->model;
    const struct dump_counters *c = &record->figures.c;
    text_bold(o, true);
    fprintf(o->file, "%s in %s block%s", units_human(size, c->live_bytes),
            cells_count(count, c->live_count), c->live_count == 1 ? "" : "s");
    text_bold(o, false);
    fprintf(o->file, " (%" PRIu64 " bytes", c->live_bytes);
    if (c->live_count > 1)
        fprintf(o->file, ", %s each", units_human(average, c->live_bytes / c->live_count));
    fprintf(o->file, "), of %s allocated here\n", cells_count(count, c->alloc_count));
    uint32_t charged = m->self[record->frame];
    for (size_t i = 0; i < record->depth; i++) {
        const struct place *p = &m->places[record->stack[i].place];
        if (r->self && record->stack[i].place != charged)
            continue;
        fprintf(o->file, "    #%zu ", i);
        cells_place(o->file, p, quote_text);
        fputs(record->stack[i].inlined ? " [inlined]\n" : "\n", o->file);
        if (r->self)
            break;
    }
    fputc('\n', o->file);
}

static void put_kinds(const struct out *o, const struct dump_leaks *found)
{
    char size[UNITS_MAX], count[UNITS_MAX];
    if (!found->classified) {
        fputs("Lost or still reachable: the dump does not tell them apart.\n", o->file);
        return;
    }
#define X(name)                                                                                    \
    fprintf(o->file, "%12s: %s in %s block%s\n", #name, units_human(size, found->name##_bytes),    \
            cells_count(count, found->name##_count), found->name##_count == 1 ? "" : "s");
    DUMP_LEAK_KINDS(X)
#undef X
}

void text_leaks(struct out *o, const struct leaks_report *r)
{
    char size[UNITS_MAX], count[UNITS_MAX];
    const struct leaks *l = r->leaks;
    const struct dump_counters *c = &l->total.c;
    text_bold(o, true);
    if (l->stacks == 0)
        fputs("Not freed at the dump: nothing.", o->file);
    else
        fprintf(o->file,
                "Not freed at the dump: %s (%" PRIu64 " bytes) in %s block%s from %zu stack%s.",
                units_human(size, c->live_bytes), c->live_bytes, cells_count(count, c->live_count),
                c->live_count == 1 ? "" : "s", l->stacks, l->stacks == 1 ? "" : "s");
    text_bold(o, false);
    fputc('\n', o->file);
    if (l->stacks)
        put_kinds(o, &l->model->dump->leaks);
    fputc('\n', o->file);
    for (size_t i = 0; i < l->n; i++)
        put_leak(o, r, &l->records[i]);
    if (l->left_out)
        fprintf(o->file, "%zu more stack%s left out (`leaks --limit 0` shows all).\n", l->left_out,
                l->left_out == 1 ? " is" : "s are");
}

static void put_tree(struct out *o, const struct tree_report *r)
{
    const struct tree *t = r->tree;
    const struct dump *dump = t->model->dump;
    fprintf(o->file, "%s, percent of %s\n\n",
            t->bottom_up ? "Bottom-up: what allocates, below it its callers"
                         : "Top-down: callers, below them what they call",
            t->value->help);
    struct cells_widths w = cells_widths_of(&r->columns);
    for (size_t i = 0; i < t->n; i++)
        cells_widen(&w, &r->columns, &t->nodes[i].total, dump, o->unit);
    put_header(o, &r->columns, &w, " Percent", "Call tree");
    for (size_t i = 0; i < t->n; i++) {
        const struct tree_node *n = &t->nodes[i];
        fprintf(o->file, "%7.2f%%", n->percent);
        put_cells(o, &r->columns, &w, &n->total, dump);
        fprintf(o->file, "   %*s", (int)n->depth * 2, "");
        cells_place(o->file, &t->model->places[n->place], quote_text);
        fputs(n->inlined ? " [inlined]" : "", o->file);
        if (n->left_out)
            fprintf(o->file, "  (+%" PRIu64 " not shown)", n->left_out);
        fputc('\n', o->file);
    }
    if (t->n == 0)
        fputs("No stack matches.\n", o->file);
    if (t->left_out)
        fprintf(o->file, "%" PRIu64 " more are not shown (--limit 0 shows all).\n", t->left_out);
}

const struct format format_text = {.name = "text",
                                   .dump_begin = dump_begin,
                                   .summary = text_summary,
                                   .lines = text_lines,
                                   .leaks = text_leaks,
                                   .tree = put_tree};
