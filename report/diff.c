/* SPDX-License-Identifier: MIT */
#include "diff.h"
#include "memory.h"
#include "top.h"

#include <math.h>
#include <stdlib.h>

const char *const diff_status_names[DIFF_STATUSES] = {"new",   "grown",  "shrunk",
                                                      "fixed", "unsure", "same"};
const char *const diff_by_names[3] = {"stack", "line", "function"};
const char *const diff_match_names[4] = {"none", "exact", "moved", "similar"};

/* What COLUMN says of the two; either may be NULL. */
static struct diff_change change_of(const struct diff *d, const struct figures *old,
                                    const struct figures *new, const struct column *column)
{
    static const struct figures nothing = {0};
    struct cell x = column->get(old ? old : &nothing, &d->old->whole),
                y = column->get(new ? new : &nothing, &d->new->whole);
    double variance = 0;
    if (x.has_error)
        variance += (double)x.error * (double)x.error;
    if (y.has_error)
        variance += (double)y.error * (double)y.error;
    return (struct diff_change){.kind = y.kind,
                                .old = x.value,
                                .new = y.value,
                                .has_error = x.has_error || y.has_error,
                                .error = figures_error(variance)};
}

struct diff_change diff_change(const struct diff *d, const struct diff_row *row,
                               const struct column *column)
{
    return change_of(d, row->old ? &row->old->figures : NULL, row->new ? &row->new->figures : NULL,
                     column);
}

struct diff_change diff_total(const struct diff *d, const struct column *column)
{
    return change_of(d, &d->old_total, &d->new_total, column);
}

const struct stackset_entry *diff_shown(const struct diff_row *row)
{
    return row->new ? row->new : row->old;
}

static uint64_t distance(const struct diff_change *c)
{
    return c->old > c->new ? c->old - c->new : c->new - c->old;
}

static enum diff_status status_of(const struct diff_change *c)
{
    if (c->old == c->new)
        return DIFF_SAME;
    if (c->has_error && (double)distance(c) <= DIFF_SIGMAS * (double)c->error)
        return DIFF_UNSURE;
    if (c->old == 0 || c->new == 0)
        return c->old == 0 ? DIFF_NEW : DIFF_FIXED;
    return c->new > c->old ? DIFF_GROWN : DIFF_SHRUNK;
}

/* Makes the rows of the pairs, and counts them. */
static void judge(struct diff *d)
{
    d->rows = mem_alloc(d->pairs.n * sizeof *d->rows);
    for (size_t i = 0; i < d->pairs.n; i++) {
        const struct compare_row *pair = &d->pairs.rows[i];
        struct diff_row row = {.match = pair->match, .old = pair->old, .new = pair->new};
        struct diff_change change = diff_change(d, &row, d->value);
        if (change.old == 0 && change.new == 0)
            continue;
        row.status = status_of(&change);
        d->counts[row.status]++;
        d->moved += pair->match == COMPARE_MOVED || pair->match == COMPARE_SIMILAR;
        if (row.status < DIFF_UNSURE)
            d->rows[d->n++] = row;
    }
}

struct order {
    const struct diff *d;
    const struct column *sort;
};

/* New ones first; in each group, or all together by a column, what changed most. Equal ones are in
 * the order of their identities. */
static int by_weight(const void *a, const void *b, void *arg)
{
    const struct order *o = arg;
    const struct diff_row *x = a, *y = b;
    if (!o->sort && x->status != y->status)
        return x->status < y->status ? -1 : 1;
    const struct column *column = o->sort ? o->sort : o->d->value;
    struct diff_change c = diff_change(o->d, x, column), e = diff_change(o->d, y, column);
    uint64_t p = distance(&c), q = distance(&e);
    if (p != q)
        return p < q ? 1 : -1;
    return identities_compare(o->d->new->identities, diff_shown(x)->node, diff_shown(y)->node);
}

static struct figures total_of(const struct stackset *s)
{
    struct figures total = {0};
    for (size_t i = 0; i < s->n; i++)
        figures_add(&total, &s->entries[i].figures);
    return total;
}

struct diff diff_new(const struct stackset *old, const struct stackset *new,
                     const struct diff_options *options)
{
    struct diff d = {.old = old,
                     .new = new,
                     .by = options->by,
                     .value = options->value,
                     .old_total = total_of(old),
                     .new_total = total_of(new)};
    if (d.by != DIFF_BY_STACK) {
        d.old_rows = diff_fold(old, d.by, options->self);
        d.new_rows = diff_fold(new, d.by, options->self);
    }
    d.pairs = compare(d.old_rows ? d.old_rows : old, d.new_rows ? d.new_rows : new);
    judge(&d);
    struct order order = {&d, options->sort};
    top_sort(d.rows, d.n, sizeof *d.rows, options->limit, by_weight, &order);
    if (options->limit && options->limit < d.n) {
        d.left_out = d.n - options->limit;
        d.n = options->limit;
    }
    return d;
}

void diff_free(struct diff *d)
{
    comparison_free(&d->pairs);
    stackset_free(d->old_rows);
    stackset_free(d->new_rows);
    free(d->rows);
    *d = (struct diff){0};
}
