/* SPDX-License-Identifier: MIT
 *
 * Differences as text, and the words that text and Markdown share.
 */
#include "cells.h"
#include "out_diff.h"
#include "out_text.h"
#include "quote.h"

#include <ctype.h>
#include <string.h>

#define RED "\033[31m"
#define GREEN "\033[32m"
#define PLAIN "\033[0m"

const char *diff_words(char buffer[UNITS_MAX], const struct out *o, enum cell_kind kind,
                       uint64_t value)
{
    if (kind == CELL_COUNT)
        return cells_count(buffer, value);
    if (!o->unit_wanted)
        return units_human(buffer, value);
    const char *text = units_size(buffer, value, o->unit);
    return text + strspn(text, " ");
}

const char *diff_change_words(char buffer[UNITS_MAX], const struct out *o,
                              const struct diff_change *c)
{
    char number[UNITS_MAX], error[UNITS_MAX];
    bool less = c->new < c->old;
    const char *text = diff_words(number, o, c->kind, less ? c->old - c->new : c->new - c->old);
    snprintf(buffer, UNITS_MAX, "%s%.40s", c->new == c->old ? "" : less ? "-" : "+", text);
    if (c->has_error && c->error)
        cells_add_error(buffer, diff_words(error, o, c->kind, c->error));
    return buffer;
}

void diff_put_counts(FILE *out, const struct diff *d)
{
    static const char *const names[] = {"Stacks", "Lines", "Functions"};
    fprintf(out, "%s: %zu new, %zu grown, %zu shrunk, %zu fixed, %zu the same", names[d->by],
            d->counts[DIFF_NEW], d->counts[DIFF_GROWN], d->counts[DIFF_SHRUNK],
            d->counts[DIFF_FIXED], d->counts[DIFF_SAME]);
    if (d->counts[DIFF_UNSURE])
        fprintf(out, ", %zu differ by no more than %d standard errors", d->counts[DIFF_UNSURE],
                DIFF_SIGMAS);
    if (d->moved)
        fprintf(out, " (%zu at other lines or in other functions than before)", d->moved);
}

void diff_put_stack(FILE *out, const struct diff_report *r, const struct diff_row *row,
                    const char *between, void (*put)(FILE *, const char *))
{
    struct diff_stack stack = diff_stack(r->diff, diff_shown(row), r->frames);
    for (size_t i = 0; i < stack.n; i++) {
        fputs(i ? between : "", out);
        diff_put_spot(out, &stack.spots[i], put);
    }
    if (stack.left_out)
        fprintf(out, "%s... (%zu more frame%s)", between, stack.left_out,
                stack.left_out == 1 ? "" : "s");
    diff_stack_free(&stack);
}

static void color(const struct out *o, enum diff_status status)
{
    if (o->color)
        fputs(status <= DIFF_GROWN ? RED : GREEN, o->file);
}

static void plain(const struct out *o)
{
    if (o->color)
        fputs(PLAIN, o->file);
}

/* "+1.25 MiB (0 B before, 1.25 MiB now)" */
static void put_change(const struct out *o, const struct diff_change *c)
{
    char change[UNITS_MAX], old[UNITS_MAX], new[UNITS_MAX];
    fprintf(o->file, "%s (%s before, %s now)", diff_change_words(change, o, c),
            diff_words(old, o, c->kind, c->old), diff_words(new, o, c->kind, c->new));
}

/* The totals, a line for each column: "Bytes not freed at the dump: .." */
static void put_totals(const struct out *o, const struct diff_report *r)
{
    for (size_t i = 0; i < r->columns.n; i++) {
        const struct column *column = r->columns.column[i];
        struct diff_change c = diff_total(r->diff, column);
        fprintf(o->file, "%c%s: ", toupper((unsigned char)column->help[0]), column->help + 1);
        put_change(o, &c);
        fputc('\n', o->file);
    }
}

/* "increment +1.25 MiB (..)" for each column. */
static void put_changes(const struct out *o, const struct diff_report *r,
                        const struct diff_row *row)
{
    for (size_t i = 0; i < r->columns.n; i++) {
        struct diff_change c = diff_change(r->diff, row, r->columns.column[i]);
        fprintf(o->file, "%s%s ", i ? "; " : "", r->columns.column[i]->name);
        put_change(o, &c);
    }
}

/* The stack that a similar one was taken for. */
static void put_former(const struct out *o, const struct diff_report *r, const struct diff_row *row)
{
    struct diff_spot was = diff_spot(r->diff, row->old);
    fputs("    before at ", o->file);
    diff_put_spot(o->file, &was, quote_text);
    fputs(row->match == COMPARE_SIMILAR ? ", by a similar stack\n" : "\n", o->file);
}

static void put_stack(const struct out *o, const struct diff_report *r, const struct diff_row *row)
{
    struct diff_stack stack = diff_stack(r->diff, diff_shown(row), r->frames);
    for (size_t i = 0; i < stack.n; i++) {
        fprintf(o->file, "    #%zu ", i);
        diff_put_spot(o->file, &stack.spots[i], quote_text);
        fputs(stack.spots[i].inlined ? " [inlined]\n" : "\n", o->file);
    }
    if (stack.left_out)
        fprintf(o->file, "    ... (%zu more frame%s)\n", stack.left_out,
                stack.left_out == 1 ? "" : "s");
    diff_stack_free(&stack);
}

static void put_stacks(const struct out *o, const struct diff_report *r)
{
    for (size_t i = 0; i < r->diff->n; i++) {
        const struct diff_row *row = &r->diff->rows[i];
        color(o, row->status);
        fprintf(o->file, "%s: ", diff_status_names[row->status]);
        put_changes(o, r, row);
        plain(o);
        fputc('\n', o->file);
        if (row->match == COMPARE_MOVED || row->match == COMPARE_SIMILAR)
            put_former(o, r, row);
        put_stack(o, r, row);
        fputc('\n', o->file);
    }
}

/* Cells of a table: before, now and change of the first column, the change of the others. */
#define MAX_CELLS (COLUMNS_MAX + 2)

struct cells {
    char text[MAX_CELLS][UNITS_MAX];
    size_t n;
};

static struct cells cells_of(const struct out *o, const struct diff_report *r,
                             const struct diff_row *row)
{
    struct cells cells = {.n = 0};
    char buffer[UNITS_MAX];
    for (size_t i = 0; i < r->columns.n; i++) {
        struct diff_change c = diff_change(r->diff, row, r->columns.column[i]);
        if (i == 0) {
            strcpy(cells.text[cells.n++], diff_words(buffer, o, c.kind, c.old));
            strcpy(cells.text[cells.n++], diff_words(buffer, o, c.kind, c.new));
        }
        diff_change_words(cells.text[cells.n++], o, &c);
    }
    return cells;
}

static struct cells titles_of(const struct diff_report *r)
{
    struct cells cells = {.text = {"Before", "Now"}, .n = 2};
    for (size_t i = 0; i < r->columns.n; i++)
        snprintf(cells.text[cells.n++], UNITS_MAX, "%.40s", r->columns.column[i]->title);
    return cells;
}

static void put_cells(const struct out *o, const struct cells *cells, const int *widths)
{
    for (size_t i = 0; i < cells->n; i++)
        fprintf(o->file, "  %*s%s", widths[i] - cells_width(cells->text[i]), "", cells->text[i]);
}

static void put_table(const struct out *o, const struct diff_report *r)
{
    int widths[MAX_CELLS] = {0};
    struct cells titles = titles_of(r);
    for (size_t i = 0; i < titles.n; i++)
        widths[i] = cells_width(titles.text[i]);
    for (size_t i = 0; i < r->diff->n; i++) {
        struct cells cells = cells_of(o, r, &r->diff->rows[i]);
        for (size_t k = 0; k < cells.n; k++)
            if (widths[k] < cells_width(cells.text[k]))
                widths[k] = cells_width(cells.text[k]);
    }
    text_bold(o, true);
    fprintf(o->file, "%-6s", "Status");
    put_cells(o, &titles, widths);
    fprintf(o->file, "   %s", r->diff->by == DIFF_BY_LINE ? "Line" : "Function");
    text_bold(o, false);
    fputc('\n', o->file);
    for (size_t i = 0; i < r->diff->n; i++) {
        const struct diff_row *row = &r->diff->rows[i];
        struct cells cells = cells_of(o, r, row);
        struct diff_spot spot = diff_spot(r->diff, diff_shown(row));
        color(o, row->status);
        fprintf(o->file, "%-6s", diff_status_names[row->status]);
        put_cells(o, &cells, widths);
        plain(o);
        fputs("   ", o->file);
        diff_put_spot(o->file, &spot, quote_text);
        fputc('\n', o->file);
    }
    fputc('\n', o->file);
}

void text_diff(struct out *o, const struct diff_report *r)
{
    const struct diff *d = r->diff;
    text_bold(o, true);
    quote_text(o->file, d->old->name);
    fputs(" -> ", o->file);
    quote_text(o->file, d->new->name);
    if (d->new->ndumps > 1)
        fprintf(o->file, " and %zu more", d->new->ndumps - 1);
    text_bold(o, false);
    fputs("\n", o->file);
    put_totals(o, r);
    diff_put_counts(o->file, d);
    fputs("\n\n", o->file);
    if (d->by == DIFF_BY_STACK)
        put_stacks(o, r);
    else if (d->n)
        put_table(o, r);
    if (d->left_out)
        fprintf(o->file, "%zu more %s%s left out (--limit 0 shows all).\n", d->left_out,
                diff_by_names[d->by], d->left_out == 1 ? " is" : "s are");
}
