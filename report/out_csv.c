/* SPDX-License-Identifier: MIT
 *
 * CSV by RFC 4180 but for the line ends: one header row, figures as they are, in bytes and
 * nanoseconds. With several dumps the first column says which.
 */
#include "cells.h"
#include "format.h"
#include "occasion.h"
#include "quote.h"
#include "resident.h"

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

/* Whether a column has one more beside it, for its standard error: what the first dump has is what
 * the header says of all. */
static bool has_error(const struct out *o, const struct column *column)
{
    const struct dump one = {.has_errors = o->errors};
    return columns_have_error(column, &one);
}

static void put_titles(struct out *o, const struct columns *columns, const struct dump *dump)
{
    o->errors = dump->has_errors;
    for (size_t i = 0; i < columns->n; i++) {
        const char *key = columns->column[i]->key;
        fprintf(o->file, "%s%s", i ? "," : "", key);
        if (has_error(o, columns->column[i]))
            fprintf(o->file, ",%s_se", key);
    }
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
        if (has_error(o, columns->column[i]))
            fprintf(o->file, ",%" PRIu64, cell.error);
        if (i + 1 < columns->n)
            fputc(',', o->file);
    }
}

/* A row's columns, all empty. */
static void put_blanks(struct out *o, const struct columns *columns)
{
    for (size_t i = 0; i < columns->n; i++)
        fputs(has_error(o, columns->column[i]) ? ",," : ",", o->file);
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
        put_titles(o, &r->columns, m->dump);
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

static void put_plain(FILE *out, const char *text)
{
    fputs(text, out);
}

/* The stack in one cell, innermost first: `function file:line; ..`. */
static void put_stack(struct out *o, const struct leaks_report *r, const struct leak_record *record)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return;
    struct leak_stack stack = leaks_stack(r->leaks, record, r->frames);
    for (size_t i = 0; i < stack.n; i++) {
        fputs(i ? "; " : "", f);
        cells_place(f, &r->leaks->model->places[stack.refs[i].place], put_plain);
    }
    if (stack.left_out)
        fprintf(f, "; ... (%zu more frame%s)", stack.left_out, stack.left_out == 1 ? "" : "s");
    leaks_stack_free(&stack);
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
        put_titles(o, &r->columns, m->dump);
        fprintf(o->file, "%s\n", r->self ? "" : ",stack");
    }
    for (size_t i = 0; i < r->leaks->n; i++) {
        const struct leak_record *record = &r->leaks->records[i];
        put_dump(o);
        put_place(o, &m->places[m->self[record->frame]]);
        put_cells(o, &r->columns, &record->figures, m->dump);
        if (!r->self) {
            fputc(',', o->file);
            put_stack(o, r, record);
        }
        fputc('\n', o->file);
    }
}

/* The cells that rows of all sections have in front. */
static void put_section(struct out *o, const char *section, const char *name)
{
    put_dump(o);
    fprintf(o->file, "%s,", section);
    put_text(o, name);
}

/* Behind bytes and a count; nothing for 0. */
static void put_errors(struct out *o, uint64_t bytes, uint64_t count)
{
    const uint64_t errors[] = {bytes, count};
    for (size_t i = 0; o->errors && i < 2; i++) {
        fputc(',', o->file);
        if (errors[i])
            fprintf(o->file, "%" PRIu64, errors[i]);
    }
}

static void put_total(struct out *o, const struct summary_total *t, const struct columns *columns)
{
    put_section(o, "total", t->key);
    if (t->has_bytes)
        fprintf(o->file, "%" PRIu64, t->bytes);
    fputc(',', o->file);
    if (t->has_count)
        fprintf(o->file, "%" PRIu64, t->count);
    put_errors(o, t->bytes_error, t->count_error);
    fputs(",,,,,", o->file); /* no place */
    put_blanks(o, columns);
    quote_csv(o->file, t->meaning);
    fputc('\n', o->file);
}

static void put_resident(struct out *o, const struct dump *dump, const struct columns *columns)
{
    const struct resident r = resident_of(dump);
    for (size_t i = 0; i < r.n && !dump->of_mappings; i++) {
        const struct resident_row *row = &r.rows[i];
        put_section(o, "resident", row->key);
        fprintf(o->file, "%s%" PRIu64 ",", row->negative ? "-" : "", row->bytes);
        put_errors(o, 0, 0);
        fputs(",,,,,", o->file); /* no place */
        put_blanks(o, columns);
        quote_csv(o->file, row->meaning);
        fputc('\n', o->file);
    }
}

static void put_summary_line(struct out *o, const struct lines_report *r,
                             const struct line_row *row)
{
    const struct model *m = r->lines->model;
    put_section(o, "line", NULL);
    fputs(o->errors ? ",,,," : ",,", o->file); /* its figures are in the columns */
    put_place(o, &m->places[row->place]);
    put_cells(o, &r->columns, &row->figures, m->dump);
    fputc(',', o->file);
    if (row->text)
        quote_csv(o->file, row->text);
    fputc('\n', o->file);
}

static void put_summary_leak(struct out *o, const struct summary_report *r,
                             const struct leak_record *record)
{
    const struct model *m = r->leaks.leaks->model;
    put_section(o, "leak", NULL);
    fprintf(o->file, "%" PRIu64 ",%" PRIu64, record->figures.c.live_bytes,
            record->figures.c.live_count);
    put_errors(o, figures_error(record->figures.variance.live_bytes),
               figures_error(record->figures.variance.live_count));
    fputc(',', o->file);
    put_place(o, &m->places[m->self[record->frame]]);
    put_cells(o, &r->lines.columns, &record->figures, m->dump);
    fputc(',', o->file);
    put_stack(o, &r->leaks, record);
    fputc('\n', o->file);
}

/* A row with no figures. */
static void put_words(struct out *o, const char *section, const char *name, const char *words,
                      const struct columns *columns)
{
    put_section(o, section, name);
    fputs(o->errors ? ",,,,,,,," : ",,,,,,", o->file);
    put_blanks(o, columns);
    quote_csv(o->file, words);
    fputc('\n', o->file);
}

static void put_occasion(struct out *o, const struct dump *dump, const struct columns *columns)
{
    char words[OCCASION_MAX];
    put_words(o, "dump", dump->reason, occasion_words(words, dump), columns);
    if (dump->resident_earlier)
        put_words(o, "dump", "resident", occasion_resident(words, dump), columns);
    else if (occasion_resident_unknown(dump))
        put_words(o, "dump", "resident", occasion_resident_unknown(dump), columns);
}

static void put_summary(struct out *o, const struct summary_report *r)
{
    const struct dump *dump = r->summary->dump;
    const struct columns *columns = &r->lines.columns;
    if (o->index == 0) {
        put_dump_title(o);
        o->errors = dump->has_errors;
        fprintf(o->file, "section,name,bytes,count,%sfile,function,line,module,",
                o->errors ? "bytes_se,count_se," : "");
        put_titles(o, columns, dump);
        fputs(",text\n", o->file);
    }
    put_occasion(o, dump, columns);
    for (size_t i = 0; i < r->summary->ntotals; i++)
        put_total(o, &r->summary->totals[i], columns);
    put_resident(o, dump, columns);
    for (size_t i = 0; i < r->lines.lines->n; i++)
        put_summary_line(o, &r->lines, &r->lines.lines->rows[i]);
    for (size_t i = 0; !dump->leaks_unwanted && i < r->leaks.leaks->n; i++)
        put_summary_leak(o, r, &r->leaks.leaks->records[i]);
    for (size_t i = 0; i < dump->nwarnings; i++)
        put_words(o, "warning", dump->warnings[i].code, dump->warnings[i].text, columns);
}

static void put_tree(struct out *o, const struct tree_report *r)
{
    const struct model *m = r->tree->model;
    if (o->index == 0) {
        put_dump_title(o);
        fputs("depth,file,function,line,module,percent,", o->file);
        put_titles(o, &r->columns, m->dump);
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
                                  .tree = put_tree,
                                  .diff = csv_diff};
