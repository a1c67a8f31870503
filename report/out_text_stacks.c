/* SPDX-License-Identifier: MIT
 *
 * What text shows by stack: leaks and the call tree. However deep stacks are, a line stays short
 * and a record ends.
 */
#include "cells.h"
#include "out_text.h"
#include "quote.h"

#include <inttypes.h>
#include <string.h>

#define MAX_INDENT 40 /* levels; deeper ones are numbered */

/* BYTES in the unit that was asked for, or the one that suits. */
static const char *size_of(char buffer[UNITS_MAX], const struct out *o, uint64_t bytes)
{
    if (!o->unit_wanted)
        return units_human(buffer, bytes);
    const char *text = units_size(buffer, bytes, o->unit);
    return text + strspn(text, " ");
}

/* A size and a number of blocks, with their standard errors, where these are known. */
static const char *live_bytes(char buffer[UNITS_MAX], const struct out *o, const struct figures *f)
{
    char error[UNITS_MAX];
    const char *text = size_of(buffer, o, f->c.live_bytes);
    memmove(buffer, text, strlen(text) + 1);
    if (f->variance.live_bytes > 0)
        cells_add_error(buffer, size_of(error, o, figures_error(f->variance.live_bytes)));
    return buffer;
}

static const char *live_count(char buffer[UNITS_MAX], const struct figures *f)
{
    char error[UNITS_MAX];
    cells_count(buffer, f->c.live_count);
    if (f->variance.live_count > 0)
        cells_add_error(buffer, cells_count(error, figures_error(f->variance.live_count)));
    return buffer;
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static void put_stack(const struct out *o, const struct leaks_report *r,
                      const struct leak_record *record)
{
    const struct model *m = r->leaks->model;
    struct leak_stack stack = leaks_stack(r->leaks, record, r->self ? 0 : r->frames);
    uint32_t charged = m->self[record->frame];
    for (size_t i = 0; i < stack.n; i++) {
        if (r->self && stack.refs[i].place != charged)
            continue;
        fprintf(o->file, "    #%zu ", i);
        cells_place(o->file, &m->places[stack.refs[i].place], quote_text);
        fputs(stack.refs[i].inlined ? " [inlined]\n" : "\n", o->file);
        if (r->self)
            break;
    }
    if (stack.left_out)
        fprintf(o->file, "    ... (%zu more frame%s)\n", stack.left_out, plural(stack.left_out));
    leaks_stack_free(&stack);
}

/* The columns that were asked for, on a line of their own. */
static void put_wanted(const struct out *o, const struct leaks_report *r,
                       const struct leak_record *record)
{
    char buffer[UNITS_MAX];
    for (size_t i = 0; i < r->columns.n; i++) {
        const struct column *column = r->columns.column[i];
        struct cell cell = column->get(&record->figures, r->leaks->model->dump);
        const char *text = cells_format(buffer, &cell, o->unit);
        fprintf(o->file, "%s%s: %s", i ? ", " : "    ", column->title,
                cell.kind == CELL_NOTHING ? "-" : text + strspn(text, " "));
    }
    fputc('\n', o->file);
}

static void put_leak(const struct out *o, const struct leaks_report *r,
                     const struct leak_record *record)
{
    char size[UNITS_MAX], count[UNITS_MAX], average[UNITS_MAX];
    const struct dump_counters *c = &record->figures.c;
    text_bold(o, true);
    fprintf(o->file, "%s in %s %s%s", live_bytes(size, o, &record->figures),
            live_count(count, &record->figures), dump_thing(r->leaks->model->dump),
            plural(c->live_count));
    text_bold(o, false);
    fprintf(o->file, " (%" PRIu64 " byte%s", c->live_bytes, plural(c->live_bytes));
    if (c->live_count > 1)
        fprintf(o->file, ", %s each", size_of(average, o, c->live_bytes / c->live_count));
    fprintf(o->file, "), of %s allocated here\n", cells_count(count, c->alloc_count));
    if (r->columns_wanted)
        put_wanted(o, r, record);
    put_stack(o, r, record);
    fputc('\n', o->file);
}

/* The kinds are known of the whole program only. */
static void put_kinds(const struct out *o, const struct leaks *l)
{
    char size[UNITS_MAX], count[UNITS_MAX];
    const struct dump_leaks *found = &l->model->dump->leaks;
    if (!found->classified) {
        fputs("Lost or still reachable: the dump does not tell them apart.\n", o->file);
        return;
    }
    if (l->filtered)
        fputs("In the whole program:\n", o->file);
#define X(name)                                                                                    \
    fprintf(o->file, "%12s: %s in %s block%s\n", #name, size_of(size, o, found->name##_bytes),     \
            cells_count(count, found->name##_count), plural(found->name##_count));
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
        fputs(l->filtered ? "Not freed at the dump: nothing that matches --file and --function."
                          : "Not freed at the dump: nothing.",
              o->file);
    else
        fprintf(o->file,
                "Not freed at the dump%s: %s (%" PRIu64 " byte%s) in %s %s%s from %zu stack%s.",
                l->filtered ? ", of what matches --file and --function" : "",
                live_bytes(size, o, &l->total), c->live_bytes, plural(c->live_bytes),
                live_count(count, &l->total), dump_thing(l->model->dump), plural(c->live_count),
                l->stacks, plural(l->stacks));
    text_bold(o, false);
    fputc('\n', o->file);
    if (l->stacks)
        put_kinds(o, l);
    fputc('\n', o->file);
    for (size_t i = 0; i < l->n; i++)
        put_leak(o, r, &l->records[i]);
    if (l->left_out)
        fprintf(o->file, "%zu more stack%s left out (`leaks --limit 0` shows all).\n", l->left_out,
                l->left_out == 1 ? " is" : "s are");
}

static void put_node(const struct out *o, const struct tree_report *r, const struct cells_widths *w,
                     const struct tree_node *n)
{
    const struct model *m = r->tree->model;
    fprintf(o->file, "%7.2f%%", n->percent);
    text_cells(o, &r->columns, w, &n->total, m->dump);
    fprintf(o->file, "   %*s", 2 * (int)(n->depth < MAX_INDENT ? n->depth : MAX_INDENT), "");
    if (n->depth > MAX_INDENT)
        fprintf(o->file, "[%" PRIu32 "] ", n->depth);
    cells_place(o->file, &m->places[n->place], quote_text);
    fputs(n->inlined ? " [inlined]" : "", o->file);
    if (n->left_out)
        fprintf(o->file, "  (+%" PRIu64 " not shown)", n->left_out);
    fputc('\n', o->file);
}

void text_tree(struct out *o, const struct tree_report *r)
{
    const struct tree *t = r->tree;
    const struct dump *dump = t->model->dump;
    fprintf(o->file, "%s, percent of %s\n",
            t->bottom_up ? "Bottom-up: what allocates, below it its callers"
                         : "Top-down: callers, below them what they call",
            t->value->help);
    if (t->filtered)
        fputs("Only stacks that match --file and --function; 100 % is what they hold together.\n",
              o->file);
    if (t->whole_is_zero && t->n)
        fputs("That is 0 in all of them: another --value may say more.\n", o->file);
    fputc('\n', o->file);
    struct cells_widths w = cells_widths_of(&r->columns);
    for (size_t i = 0; i < t->n; i++)
        cells_widen(&w, &r->columns, &t->nodes[i].total, dump, o->unit);
    text_header(o, &r->columns, &w, " Percent", "Call tree");
    for (size_t i = 0; i < t->n; i++)
        put_node(o, r, &w, &t->nodes[i]);
    if (t->n == 0 && t->left_out == 0)
        fputs(t->filtered ? "No stack matches.\n" : "Nothing was allocated.\n", o->file);
    if (t->left_out)
        fprintf(o->file, "%" PRIu64 " more %s not shown (--limit 0 shows all).\n", t->left_out,
                t->left_out == 1 ? "is" : "are");
    if (t->deeper)
        fprintf(o->file, "Deeper levels are not shown (--depth 0 shows %d).\n", TREE_MAX_DEPTH);
    if (t->full)
        fprintf(o->file,
                "The tree is cut at %d lines: --depth, --limit, --file and --function "
                "make it smaller.\n",
                TREE_MAX_NODES);
}
