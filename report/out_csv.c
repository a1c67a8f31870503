/* SPDX-License-Identifier: MIT
 *
 * CSV by RFC 4180 but for the line ends: one header row, figures as they are, in bytes and
 * nanoseconds. With several dumps the first column says which.
 */
#include "format.h"
#include "quote.h"

#include <inttypes.h>
#include <stdlib.h>

static void put_dump_title(struct out *o)
{
    if (o->ndumps > 1)
        fputs("dump,", o->file);
}

static void put_dump(struct out *o)
{
    if (o->ndumps > 1) {
        quote_csv(o->file, o->dump);
        fputc(',', o->file);
    }
}

static void put_text(struct out *o, const char *text)
{
    if (text)
        quote_csv(o->file, text);
    fputc(',', o->file);
}

static void put_titles(struct out *o, const struct columns *columns)
{
    for (size_t i = 0; i < columns->n; i++)
        fprintf(o->file, "%s%s", columns->column[i]->key, i + 1 < columns->n ? "," : "");
}

static void put_cells(struct out *o, const struct columns *columns, const struct figures *figures,
                      const struct dump *dump)
{
    for (size_t i = 0; i < columns->n; i++) {
        struct cell cell = columns->column[i]->get(figures, dump);
        if (cell.kind == CELL_PERCENT)
            fprintf(o->file, "%.6g", cell.percent);
        else if (cell.kind != CELL_NOTHING)
            fprintf(o->file, "%" PRIu64, cell.value);
        if (i + 1 < columns->n)
            fputc(',', o->file);
    }
}

static void put_place(struct out *o, const struct place *p)
{
    put_text(o, p->file);
    put_text(o, p->function);
    if (p->line)
        fprintf(o->file, "%" PRIu32, p->line);
    fputc(',', o->file);
    put_text(o, p->module);
}

static void put_lines(struct out *o, const struct lines_report *r)
{
    const struct model *m = r->lines->model;
    if (o->index == 0) {
        put_dump_title(o);
        fputs("file,function,line,module,", o->file);
        put_titles(o, &r->columns);
        fputs(",text\n", o->file);
    }
    for (size_t i = 0; i < r->lines->n; i++) {
        const struct line_row *row = &r->lines->rows[i];
        put_dump(o);
        put_place(o, &m->places[row->place]);
        put_cells(o, &r->columns, &row->figures, m->dump);
        fputc(',', o->file);
        if (row->text)
            quote_csv(o->file, row->text);
        fputc('\n', o->file);
    }
}

/* The whole stack in one cell, innermost first: `function file:line; ..`. */
static void put_stack(struct out *o, const struct leak_record *record, const struct model *m)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return;
    for (size_t i = 0; i < record->depth; i++) {
        const struct place *p = &m->places[record->stack[i].place];
        fprintf(f, "%s%s", i ? "; " : "", p->function);
        if (p->file)
            fprintf(f, " %s:%" PRIu32, p->file, p->line);
        else if (p->module)
            fprintf(f, " (%s)", format_base_name(p->module));
    }
    if (fclose(f) == 0)
        quote_csv(o->file, text);
    free(text);
}

static void put_leaks(struct out *o, const struct leaks_report *r)
{
    const struct model *m = r->leaks->model;
    if (o->index == 0) {
        put_dump_title(o);
        fputs("file,function,line,module,", o->file);
        put_titles(o, &r->columns);
        fprintf(o->file, "%s\n", r->self ? "" : ",stack");
    }
    for (size_t i = 0; i < r->leaks->n; i++) {
        const struct leak_record *record = &r->leaks->records[i];
        put_dump(o);
        put_place(o, &m->places[m->self[record->frame]]);
        put_cells(o, &r->columns, &record->figures, m->dump);
        if (!r->self) {
            fputc(',', o->file);
            put_stack(o, record, m);
        }
        fputc('\n', o->file);
    }
}

static void put_summary(struct out *o, const struct summary_report *r)
{
    if (o->index == 0) {
        put_dump_title(o);
        fputs("total,bytes,count,meaning\n", o->file);
    }
    for (size_t i = 0; i < r->summary->ntotals; i++) {
        const struct summary_total *t = &r->summary->totals[i];
        put_dump(o);
        fprintf(o->file, "%s,", t->key);
        if (t->has_bytes)
            fprintf(o->file, "%" PRIu64, t->bytes);
        fputc(',', o->file);
        if (t->has_count)
            fprintf(o->file, "%" PRIu64, t->count);
        fputc(',', o->file);
        quote_csv(o->file, t->meaning);
        fputc('\n', o->file);
    }
}

static void put_tree(struct out *o, const struct tree_report *r)
{
    const struct model *m = r->tree->model;
    if (o->index == 0) {
        put_dump_title(o);
        fputs("depth,file,function,line,module,percent,", o->file);
        put_titles(o, &r->columns);
        fputc('\n', o->file);
    }
    for (size_t i = 0; i < r->tree->n; i++) {
        const struct tree_node *n = &r->tree->nodes[i];
        put_dump(o);
        fprintf(o->file, "%" PRIu32 ",", n->depth);
        put_place(o, &m->places[n->place]);
        fprintf(o->file, "%.6g,", n->percent);
        put_cells(o, &r->columns, &n->total, m->dump);
        fputc('\n', o->file);
    }
}

const struct format format_csv = {.name = "csv",
                                  .summary = put_summary,
                                  .lines = put_lines,
                                  .leaks = put_leaks,
                                  .tree = put_tree};
