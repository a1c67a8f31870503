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

void text_cells(const struct out *o, const struct columns *columns, const struct cells_widths *w,
                const struct figures *figures, const struct dump *dump)
{
    char buffer[UNITS_MAX];
    for (size_t i = 0; i < columns->n; i++) {
        const struct column *c = columns->column[i];
        struct cell cell = {.kind = CELL_NOTHING};
        if (figures)
            cell = c->get(figures, dump);
        const char *text = cells_format(buffer, &cell, o->unit);
        fprintf(o->file, "%*s%s", c->gap + w->width[i] - cells_width(text), "", text);
    }
}

/* A row that holds at least a tenth of the peak stands out. */
static bool is_hot(const struct out *o, const struct figures *figures, const struct dump *dump)
{
    return o->color && figures && figures->c.peak_bytes > dump->totals.c.peak_bytes / 10;
}

void text_header(const struct out *o, const struct columns *columns, const struct cells_widths *w,
                 const char *first, const char *last)
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
    text_header(o, &r->columns, &w, title, "Line Contents");
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
            text_cells(o, &r->columns, &w, figures, dump);
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
    text_cells(o, &r->columns, w, &row->figures, m->dump);
    fputs(hot ? PLAIN "   " : "   ", o->file);
    cells_place(o->file, &m->places[row->place], quote_text);
    fputc('\n', o->file);
}

static void put_ranking(const struct out *o, const struct lines_report *r)
{
    struct cells_widths w = cells_widths_of(&r->columns);
    for (size_t i = 0; i < r->lines->n; i++)
        cells_widen(&w, &r->columns, &r->lines->rows[i].figures, r->lines->model->dump, o->unit);
    text_header(o, &r->columns, &w, "", "Location");
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
    text_header(o, &r->columns, &w, "", "Function");
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
        fputs(r->filtered ? "No line matches --file and --function.\n"
                          : "No line has anything charged to it.\n",
              o->file);
    if (r->lines->left_out)
        fprintf(o->file, "%zu more line%s left out (--limit 0 shows all).\n", r->lines->left_out,
                r->lines->left_out == 1 ? " is" : "s are");
    if (r->lines->foreign)
        fprintf(o->file,
                "%zu line%s of other people's code %s not shown (--project-root none shows all).\n",
                r->lines->foreign, r->lines->foreign == 1 ? "" : "s",
                r->lines->foreign == 1 ? "is" : "are");
}

const struct format format_text = {.name = "text",
                                   .dump_begin = dump_begin,
                                   .summary = text_summary,
                                   .lines = text_lines,
                                   .leaks = text_leaks,
                                   .tree = text_tree,
                                   .diff = text_diff};
