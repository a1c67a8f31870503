/* SPDX-License-Identifier: MIT
 *
 * Differences as Markdown, for pull requests.
 */
#include "out_diff.h"
#include "quote.h"

static void put_header(FILE *out, const struct diff_report *r)
{
    static const char *const last[] = {"Stack", "Line", "Function"};
    fputs("| Status | Before | Now |", out);
    for (size_t i = 0; i < r->columns.n; i++)
        fprintf(out, " %s |", r->columns.column[i]->title);
    fprintf(out, " %s |\n| --- | ---: | ---: |", last[r->diff->by]);
    for (size_t i = 0; i < r->columns.n; i++)
        fputs(" ---: |", out);
    fputs(" --- |\n", out);
}

static void put_where(FILE *out, const struct diff_report *r, const struct diff_row *row)
{
    if (r->diff->by != DIFF_BY_STACK) {
        struct diff_spot spot = diff_spot(r->diff, diff_shown(row));
        diff_put_spot(out, &spot, quote_markdown);
        return;
    }
    diff_put_stack(out, r, row, "<br>", quote_markdown);
}

static void put_row(struct out *o, const struct diff_report *r, const struct diff_row *row)
{
    char buffer[UNITS_MAX];
    FILE *out = o->file;
    fprintf(out, "| %s |", diff_status_names[row->status]);
    for (size_t i = 0; i < r->columns.n; i++) {
        struct diff_change c = diff_change(r->diff, row, r->columns.column[i]);
        if (i == 0) {
            fprintf(out, " %s |", diff_words(buffer, o, c.kind, c.old));
            fprintf(out, " %s |", diff_words(buffer, o, c.kind, c.new));
        }
        fprintf(out, " %s |", diff_change_words(buffer, o, &c));
    }
    fputc(' ', out);
    put_where(out, r, row);
    fputs(" |\n", out);
}

void markdown_diff(struct out *o, const struct diff_report *r)
{
    char old[UNITS_MAX], new[UNITS_MAX], change[UNITS_MAX];
    const struct diff *d = r->diff;
    struct diff_change c = diff_total(d, d->value);
    FILE *out = o->file;
    fputs("### ", out);
    quote_markdown(out, d->old->name);
    fputs(" → ", out);
    quote_markdown(out, d->new->name);
    fprintf(out, "\n\n%s: %s → %s (%s). ", d->value->title, diff_words(old, o, c.kind, c.old),
            diff_words(new, o, c.kind, c.new), diff_change_words(change, o, &c));
    diff_put_counts(out, d);
    fputs(".\n", out);
    if (d->n) {
        fputc('\n', out);
        put_header(out, r);
    }
    for (size_t i = 0; i < d->n; i++)
        put_row(o, r, &d->rows[i]);
    if (d->left_out)
        fprintf(out, "\n%zu more %s%s left out.\n", d->left_out, diff_by_names[d->by],
                d->left_out == 1 ? " is" : "s are");
}
