/* SPDX-License-Identifier: MIT
 *
 * Leaks that are new, or have grown, since a baseline; and, when it is said how much they may grow,
 * the peak and the number of allocations.
 */
#include "compare.h"
#include "gate.h"
#include "memory.h"
#include "top.h"

#include <math.h>
#include <stdlib.h>

/* A stack that leaks more than it did. */
struct growth {
    const struct compare_row *row;
    const struct stackset_entry *leak; /* of the judged ones */
    uint64_t bytes, blocks;            /* more than before */
};

struct growths {
    struct growth *list;
    size_t n, capacity;
    size_t gone; /* stacks that leaked and do so no more */
    struct figures sum;
};

static uint64_t more_than(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

static const struct stackset_entry *find_leak(const struct gate *g, uint32_t node)
{
    const struct stackset *s = g->leaks;
    return node < s->nodes && s->entry_of[node] ? &s->entries[s->entry_of[node] - 1] : NULL;
}

/* Whether NOW is beyond BEFORE and what is tolerated. When both are estimates, what was not there
 * before may have escaped by chance. */
static bool has_grown(const struct gate *g, uint64_t now, uint64_t before, double variance,
                      bool both_sampled)
{
    double limit = (double)before * (1 + g->o->tolerance / 100);
    if (limit <= 0 && both_sampled)
        return (double)now - GATE_ERRORS * sqrt(variance) > 0;
    return gate_exceeds(g, (double)now, sqrt(variance), limit);
}

static void look_at_row(struct gate *g, struct growths *all, const struct compare_row *row,
                        bool both_sampled)
{
    const struct figures none = {0};
    const struct figures *before = row->old ? &row->old->figures : &none;
    const struct figures *now = row->new ? &row->new->figures : &none;
    const struct stackset_entry *leak = row->new ? find_leak(g, row->new->node) : NULL;
    uint64_t blocks = more_than(now->c.live_count, before->c.live_count),
             bytes = more_than(now->c.live_bytes, before->c.live_bytes);
    all->gone += before->c.live_count && !now->c.live_count;
    if (!leak || (g->o->per_iteration && blocks < g->o->per_iteration))
        return;
    if (!has_grown(g, now->c.live_bytes, before->c.live_bytes,
                   now->variance.live_bytes + before->variance.live_bytes, both_sampled) &&
        !has_grown(g, now->c.live_count, before->c.live_count,
                   now->variance.live_count + before->variance.live_count, both_sampled))
        return;
    struct figures more = {.c = {.live_bytes = bytes, .live_count = blocks}};
    all->list = mem_grow(all->list, &all->capacity, all->n + 1, sizeof *all->list);
    all->list[all->n++] = (struct growth){row, leak, bytes, blocks};
    figures_add(&all->sum, &more);
}

static int by_growth(const void *a, const void *b, void *arg)
{
    const struct growth *x = a, *y = b;
    (void)arg;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    if (x->blocks != y->blocks)
        return x->blocks > y->blocks ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static void blame(struct gate *g, struct growths *all)
{
    size_t told = gate_told(g, all->n);
    if (!all->list)
        return;
    top_sort(all->list, all->n, sizeof *all->list, told, by_growth, NULL);
    for (size_t i = 0; i < told; i++) {
        const struct growth *growth = &all->list[i];
        const struct figures *now = &growth->row->new->figures;
        const char *message =
            growth->row->old && growth->row->old->figures.c.live_count
                ? verdict_words(&g->verdict, "%s leaked, was %s", gate_amount(g, now),
                                gate_amount(g, &growth->row->old->figures))
                : verdict_words(&g->verdict, "%s leaked, new", gate_amount(g, now));
        gate_blame(g, &(struct gate_blame){.entry = growth->leak,
                                           .message = message,
                                           .bytes = growth->bytes,
                                           .blocks = growth->blocks,
                                           .leak = true});
    }
    g->verdict.checks[g->verdict.nchecks - 1].left_out = all->n - told;
}

/* Leaves of both what is of the kinds that are judged, if they tell kinds. */
static void keep_kinds(struct gate *g, struct stackset *old, struct stackset *now)
{
    if (!g->classified)
        return;
    if (stackset_has_kinds(old)) {
        stackset_keep_kinds(old, gate_judged_kinds(g));
        stackset_keep_kinds(now, gate_judged_kinds(g));
        stackset_sort(old);
        stackset_sort(now);
        return;
    }
    gate_note(g, verdict_words(&g->verdict,
                               "'%s' tells no kinds of leaks: a stack may leak as much as it held "
                               "there, of whatever kind (--update-baseline)",
                               g->o->baseline));
}

static void judge_leaks(struct gate *g, struct stackset *old)
{
    struct stackset *now = gate_gather(g, true);
    struct growths all = {0};
    const struct verdict *v = &g->verdict;
    bool both_sampled = g->sampled && old->whole.sample_mean_bytes;
    if (!old->live_only) {
        stackset_keep_live(old);
        stackset_sort(old);
    }
    keep_kinds(g, old, now);
    struct comparison rows = compare(old, now);
    for (size_t i = 0; i < rows.n; i++)
        look_at_row(g, &all, &rows.rows[i], both_sampled);
    const char *gone = all.gone ? verdict_words(v,
                                                "; %zu of its stacks do%s not leak any more "
                                                "(--update-baseline)",
                                                all.gone, all.gone == 1 ? "es" : "")
                                : "";
    const char *message =
        all.n ? verdict_words(v, "%zu stack%s leak%s more than in '%s': %s more%s", all.n,
                              all.n == 1 ? "" : "s", all.n == 1 ? "s" : "", g->o->baseline,
                              gate_amount(g, &all.sum), gone)
              : verdict_words(v, "no stack leaks more than in '%s'%s", g->o->baseline, gone);
    gate_add_check(g, "baseline", "baseline", all.n > 0, message);
    blame(g, &all);
    free(all.list);
    comparison_free(&rows);
    stackset_free(now);
}

/* One total. ERROR: how much of it is not certain. */
static bool judge_total(struct gate *g, const char *rule, uint64_t before, uint64_t now,
                        double bound, double variance, bool bytes)
{
    const struct verdict *v = &g->verdict;
    const char *(*words)(const struct gate *, double) = bytes ? gate_size : gate_count;
    const char *what = bytes ? verdict_words(v, "%s at the peak", gate_size(g, (double)now))
                             : gate_things(g, (double)now, "allocation", "allocations");
    double limit = (double)before * (1 + g->o->tolerance / 100);
    bool failed = gate_exceeds(g, (double)now - bound, sqrt(variance), limit);
    double percent = before ? ((double)now / (double)before - 1) * 100 : 0;
    gate_add_check(g, rule, rule, failed,
                   verdict_words(v, "%s, was %s: %+.1f %%, %g %% tolerated%s", what,
                                 words(g, (double)before), percent, g->o->tolerance,
                                 !failed && (double)now > limit
                                     ? ": more, but by less than the figures' error"
                                     : ""));
    return failed;
}

static void judge_totals(struct gate *g, const struct figures *before)
{
    const struct figures *now = &g->total;
    double bound = 0;
    for (size_t i = 0; i < g->njobs; i++)
        bound += (double)g->jobs[i]->dump->totals.peak_error_bytes;
    if (judge_total(g, "baseline-peak", before->c.peak_bytes, now->c.peak_bytes, bound,
                    before->variance.peak_bytes + now->variance.peak_bytes, true))
        gate_blame_most(g, true);
    if (judge_total(g, "baseline-allocs", before->c.alloc_count, now->c.alloc_count, 0,
                    before->variance.alloc_count + now->variance.alloc_count, false))
        gate_blame_most(g, false);
}

void gate_judge_baseline(struct gate *g, struct stackset *old)
{
    const struct figures total = old->total;
    g->sampled = g->sampled || old->whole.sample_mean_bytes;
    judge_leaks(g, old);
    if (g->o->has_tolerance)
        judge_totals(g, &total);
}
