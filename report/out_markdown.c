/* SPDX-License-Identifier: MIT
 *
 * Markdown tables (GitHub's), for pull requests and notes.
 */
#include "cells.h"
#include "format.h"
#include "occasion.h"
#include "quote.h"
#include "resident.h"

#include <inttypes.h>

#define MAX_INDENT 40 /* levels of the call tree; deeper ones are numbered */

static void dump_begin(struct out *o)
{
    if (o->ndumps == 1)
        return;
    fputs(o->index ? "\n## " : "## ", o->file);
    quote_markdown(o->file, o->dump);
    fputs("\n\n", o->file);
}

/* The header of a table: text columns FIRST, then figures, then text columns LAST; both end in
 * NULL. */
static void put_header(struct out *o, const char *const *first, const struct columns *columns,
                       const char *const *last)
{
    FILE *f = o->file;
    size_t before = 0, after = 0;
    fputc('|', f);
    for (; first[before]; before++)
        fprintf(f, " %s |", first[before]);
    for (size_t i = 0; i < columns->n; i++)
        fprintf(f, " %s |", columns->column[i]->title);
    for (; last[after]; after++)
        fprintf(f, " %s |", last[after]);
    fputs("\n|", f);
    for (size_t i = 0; i < before; i++)
        fputs(" --- |", f);
    for (size_t i = 0; i < columns->n; i++)
        fputs(" ---: |", f);
    for (size_t i = 0; i < after; i++)
        fputs(" --- |", f);
    fputc('\n', f);
}

static void put_cells(struct out *o, const struct columns *columns, const struct figures *figures,
                      const struct dump *dump)
{
    char buffer[UNITS_MAX];
    for (size_t i = 0; i < columns->n; i++) {
        struct cell cell = columns->column[i]->get(figures, dump);
        const char *text = cells_format(buffer, &cell, o->unit);
        while (*text == ' ')
            text++;
        fprintf(o->file, " %s |", text);
    }
}

static void put_lines(struct out *o, const struct lines_report *r)
{
    const struct model *m = r->lines->model;
    put_header(o, (const char *const[]){"Location", NULL}, &r->columns,
               (const char *const[]){"Line Contents", NULL});
    for (size_t i = 0; i < r->lines->n; i++) {
        const struct line_row *row = &r->lines->rows[i];
        const char *text = row->text ? row->text : "";
        fputs("| ", o->file);
        cells_place(o->file, &m->places[row->place], quote_markdown);
        fputs(" |", o->file);
        put_cells(o, &r->columns, &row->figures, m->dump);
        while (*text == ' ')
            text++;
        fputc(' ', o->file);
        quote_markdown(o->file, text);
        fputs(" |\n", o->file);
    }
    if (r->lines->left_out)
        fprintf(o->file, "\n%zu more line%s left out.\n", r->lines->left_out,
                r->lines->left_out == 1 ? " is" : "s are");
    if (r->lines->foreign)
        fprintf(o->file, "\n%zu line%s of other people's code %s not shown.\n", r->lines->foreign,
                r->lines->foreign == 1 ? "" : "s", r->lines->foreign == 1 ? "is" : "are");
}

static void put_stack(struct out *o, const struct leaks_report *r, const struct leak_record *record)
{
    struct leak_stack stack = leaks_stack(r->leaks, record, r->frames);
    for (size_t i = 0; i < stack.n; i++) {
        fputs(i ? "<br>" : "", o->file);
        cells_place(o->file, &r->leaks->model->places[stack.refs[i].place], quote_markdown);
    }
    if (stack.left_out)
        fprintf(o->file, "<br>... (%zu more frame%s)", stack.left_out,
                stack.left_out == 1 ? "" : "s");
    leaks_stack_free(&stack);
}

static void put_leaks(struct out *o, const struct leaks_report *r)
{
    char size[UNITS_MAX], count[UNITS_MAX];
    const struct leaks *l = r->leaks;
    const struct model *m = l->model;
    fprintf(o->file, "Not freed at the dump%s: ",
            l->filtered ? ", of what matches --file and --function" : "");
    if (l->n == 0) {
        fputs("nothing.\n\n", o->file);
        return;
    }
    fprintf(o->file, "%s in %s %s%s from %zu stack%s.\n\n",
            units_human(size, l->total.c.live_bytes), cells_count(count, l->total.c.live_count),
            dump_thing(m->dump), l->total.c.live_count == 1 ? "" : "s", l->stacks,
            l->stacks == 1 ? "" : "s");
    put_header(o, (const char *const[]){NULL}, &r->columns,
               (const char *const[]){r->self ? "Location" : "Stack", NULL});
    for (size_t i = 0; i < l->n; i++) {
        const struct leak_record *record = &l->records[i];
        fputc('|', o->file);
        put_cells(o, &r->columns, &record->figures, m->dump);
        fputc(' ', o->file);
        if (r->self)
            cells_place(o->file, &m->places[m->self[record->frame]], quote_markdown);
        else
            put_stack(o, r, record);
        fputs(" |\n", o->file);
    }
    if (l->left_out)
        fprintf(o->file, "\n%zu more stack%s left out.\n", l->left_out,
                l->left_out == 1 ? " is" : "s are");
}

static void put_resident(struct out *o, const struct dump *dump)
{
    const struct resident r = resident_of(dump);
    char bytes[UNITS_MAX], when[OCCASION_MAX];
    const char *unknown = occasion_resident_unknown(dump);
    if (unknown)
        fprintf(o->file, "\n%s\n", unknown);
    if (r.n == 0 || dump->of_mappings)
        return;
    fprintf(o->file,
            "\n### Heap and RSS, %s\n\n| Part | Bytes | Percent | Meaning |\n"
            "| --- | ---: | ---: | --- |\n",
            occasion_resident(when, dump));
    for (size_t i = 0; i < r.n; i++)
        fprintf(o->file, "| %s | %s%s | %.1f %% | %s |\n", r.rows[i].label,
                r.rows[i].negative ? "-" : "", units_human(bytes, r.rows[i].bytes),
                r.rows[i].percent, r.rows[i].meaning);
    fprintf(o->file, "| **RSS** | %s | 100.0 %% | resident memory of the process |\n",
            units_human(bytes, dump->resident_rss_bytes));
}

static void put_summary(struct out *o, const struct summary_report *r)
{
    char bytes[UNITS_MAX], count[UNITS_MAX], error[UNITS_MAX], words[OCCASION_MAX];
    const struct dump *dump = r->summary->dump;
    fputs("### ", o->file);
    quote_markdown(o->file, format_base_name(dump->process.exe));
    fprintf(o->file, " (pid %" PRIu64 ")\n\nWritten because ", dump->process.pid);
    quote_markdown(o->file, occasion_words(words, dump));
    fputs(dump->complete ? ".\n\n" : ". **INCOMPLETE**.\n\n", o->file);
    if (dump->sample_mean_bytes)
        fprintf(o->file, "Sampled, every %s on average: the figures are estimates%s.\n\n",
                units_human(bytes, dump->sample_mean_bytes),
                dump->has_errors ? ", \u00b1 their standard errors" : "");
    if (dump->max_overhead > 0)
        fprintf(o->file,
                "Recording took %.3g %% of the program's CPU time, %.3g %% allowed; the sampling "
                "changed %" PRIu64 " times.\n\n",
                dump->overhead, dump->max_overhead, dump->sample_changes);
    if (dump->of_mappings)
        fputs("Of mappings that the program made itself, in address space.\n\n", o->file);
    for (size_t i = 0; i < dump->nwarnings; i++) {
        fputs("> **Warning:** ", o->file);
        quote_markdown(o->file, dump->warnings[i].text);
        fputs("\n\n", o->file);
    }
    fputs("| Total | Bytes | Count | Meaning |\n| --- | ---: | ---: | --- |\n", o->file);
    for (size_t i = 0; i < r->summary->ntotals; i++) {
        const struct summary_total *t = &r->summary->totals[i];
        units_human(bytes, t->bytes);
        cells_count(count, t->count);
        if (t->bytes_error)
            cells_add_error(bytes, units_human(error, t->bytes_error));
        if (t->count_error)
            cells_add_error(count, cells_count(error, t->count_error));
        fprintf(o->file, "| %s | %s | %s | %s |\n", t->label, t->has_bytes ? bytes : "",
                t->has_count ? count : "", t->meaning);
    }
    put_resident(o, dump);
    fputs("\n### Lines\n\n", o->file);
    put_lines(o, &r->lines);
    if (!dump->leaks_unwanted) {
        fputs("\n### Leaks\n\n", o->file);
        put_leaks(o, &r->leaks);
    }
}

static void put_tree(struct out *o, const struct tree_report *r)
{
    const struct tree *t = r->tree;
    fprintf(o->file, "%s, percent of %s.%s%s\n\n",
            t->bottom_up ? "Bottom-up: what allocates, below it its callers"
                         : "Top-down: callers, below them what they call",
            t->value->help, t->filtered ? " Only stacks that match --file and --function." : "",
            t->whole_is_zero ? " That is 0 in all of them." : "");
    put_header(o, (const char *const[]){"Percent", NULL}, &r->columns,
               (const char *const[]){"Call tree", NULL});
    for (size_t i = 0; i < t->n; i++) {
        const struct tree_node *n = &t->nodes[i];
        fprintf(o->file, "| %.2f %% |", n->percent);
        put_cells(o, &r->columns, &n->total, t->model->dump);
        fputc(' ', o->file);
        for (uint32_t k = 0; k < n->depth && k < MAX_INDENT; k++)
            fputs("&nbsp;&nbsp;", o->file);
        if (n->depth > MAX_INDENT)
            fprintf(o->file, "(%" PRIu32 ") ", n->depth);
        cells_place(o->file, &t->model->places[n->place], quote_markdown);
        if (n->left_out)
            fprintf(o->file, " (+%" PRIu64 " not shown)", n->left_out);
        fputs(" |\n", o->file);
    }
    if (t->left_out)
        fprintf(o->file, "\n%" PRIu64 " more %s not shown.\n", t->left_out,
                t->left_out == 1 ? "is" : "are");
    if (t->deeper || t->full)
        fputs(t->full ? "\nThe tree is cut for its size.\n" : "\nDeeper levels are not shown.\n",
              o->file);
}

const struct format format_markdown = {.name = "markdown",
                                       .dump_begin = dump_begin,
                                       .summary = put_summary,
                                       .lines = put_lines,
                                       .leaks = put_leaks,
                                       .tree = put_tree,
                                       .diff = markdown_diff};
